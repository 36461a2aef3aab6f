"""Open data for programs: files, a paged API and the catalogue. Public, bounded, cacheable.

Only what the commune decided to publish exists here; a closed dataset is answered as an unknown
one. Knows nothing of how values are hidden or files are made.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response, StreamingResponse

from beffroi.api.access import Me, Svc, needs, public
from beffroi.api.asked import household
from beffroi.api.described import sends
from beffroi.api.kept import unchanged
from beffroi.api.problems import Refusal, not_found
from beffroi.hub.open_data import catalogue, publish
from beffroi.hub.open_data.dataset import Dataset, Span, TooMuchError, day
from beffroi.hub.open_data.forms import FORMS, FormError
from beffroi.hub.open_data.publish import OpenData, PeriodError, UnknownError
from beffroi.hub.open_data.shelf import BusyError, pieces
from beffroi.hub.open_data.triples import Graph
from beffroi.model.asset import Commune
from beffroi.model.limits import OPEN_FRESH_S, OPEN_PAGE_ROWS_MAX

router = APIRouter(tags=["open data"])
Form = Literal["csv", "geojson", "parquet", "json"]
EVERYBODY = {
    "access-control-allow-origin": "*",  # a map on another site may read it: there is no secret
    "cross-origin-resource-policy": "cross-origin",
    "cache-control": f"public, max-age={OPEN_FRESH_S}",
}
HOST = re.compile(r"[a-z0-9.-]{1,253}(:[0-9]{1,5})?|\[[0-9a-f:.]{2,45}\](:[0-9]{1,5})?")
WRITTEN: dict[str, tuple[str, Callable[[Graph], str]]] = {
    "ttl": ("text/turtle; charset=utf-8", Graph.turtle),
    "jsonld": ("application/ld+json", Graph.jsonld),
    "rdf": ("application/rdf+xml", Graph.xml),
}
CATALOGUES = tuple(media for media, _ in WRITTEN.values())
FILES = ("application/json", *(form.media for form in FORMS.values()))


def open_data_of(request: Request) -> OpenData:
    """The one of this application."""
    found: OpenData = request.app.state.open_data
    return found


def asked(request: Request, services: Svc) -> OpenData:
    """The same, for the public: with a limit per household."""
    if not request.app.state.open_tries.allowed(household(request), services.clock.now_ms()):
        text = "Too many requests came from here. Wait ten minutes; files may be kept and shared."
        raise Refusal(429, "too_many_requests", text)
    return open_data_of(request)


Open = Annotated[OpenData, Depends(asked)]


@router.get("/open-data/catalog.{form}", **sends(*CATALOGUES, also=(429,)))
@public
def read_catalogue(
    request: Request, services: Svc, found: Open, form: Literal["ttl", "jsonld", "rdf"]
) -> Response:
    """DCAT-AP 3.0."""
    commune = services.store.assets.commune() or Commune("commune", "", 0, 0.0, 0.0)
    graph = catalogue.catalogue(
        base_of(request), commune, found.published(), found.licence(), found.contact()
    )
    media, write = WRITTEN[form]
    body = write(graph).encode()
    headers = _headers(publish.digest(body))
    return unchanged(request, headers) or Response(body, headers=headers, media_type=media)


@router.get("/open-data/{name}.{form}", **sends(*FILES, also=(406, 429, 503)))
@public
def read_dataset(
    request: Request,
    found: Open,
    name: str,
    form: Form,
    start: str = "",
    end: str = "",
    page: int = 1,
) -> Response:
    """A file, or a page of OPEN_PAGE_ROWS_MAX rows as JSON. `start` and `end` are days
    (2026-11-24), both included; without them the last published days."""
    with _refused(name):
        dataset = found.dataset(name)
        span = found.span(dataset, _day(start), _day(end))
        file, opened = found.file(dataset, form, span)
    if form == "json":
        with opened:
            return _page(request, dataset, span, file.tag, file.marks, opened, page)
    short = unchanged(request, _headers(file.tag))
    if short is not None:
        opened.close()
        return short
    days = f"-{day(span.start_ms)}-{day(span.end_ms - 1)}" if dataset.timed else ""
    headers = _headers(file.tag) | {
        "content-disposition": f'attachment; filename="{dataset.id}{days}.{form}"',
        "content-length": str(file.size),
    }
    return StreamingResponse(pieces(opened), headers=headers, media_type=FORMS[form].media)


@router.get("/api/open-data")
def read_decisions(request: Request) -> list[dict[str, Any]]:
    """Every dataset that there could be, and whether it is published."""
    found = open_data_of(request)
    rows = []
    for one in found.all.values():
        decision = found.decision(one.id)
        title = {"fr": one.title.fr, "en": one.title.en}
        rows.append({"id": one.id, "title": title, "open": decision.open, "at_ms": decision.at_ms})
    return rows


@router.post("/api/open-data/{name}/{action}")
@needs("admin")
def decide(
    request: Request, me: Me, name: str, action: Literal["open", "close"]
) -> dict[str, bool]:
    """Publish a dataset, or no longer."""
    with _refused(name):
        open_data_of(request).decide(name, action == "open", me.user.id)
    return {"open": action == "open"}


def base_of(request: Request) -> str:
    """Our address as the reader calls us; the name was checked at the border, the port is here."""
    host = request.headers.get("host", "").lower()
    if not HOST.fullmatch(host):
        raise Refusal(400, "host", "The Host header of this request is not an address.")
    return f"{request.url.scheme}://{host}"


def _headers(tag: str) -> dict[str, str]:
    return EVERYBODY | {"etag": f'"{tag}"'}


def _page(
    request: Request,
    dataset: Dataset,
    span: Span,
    tag: str,
    marks: tuple[int, ...],
    opened: Any,
    number: int,
) -> Response:
    """One page is cut out by where it begins: the last costs as little as the first."""
    pages = max(1, len(marks) - 1)
    if not 1 <= number <= pages:
        text = "There are {pages} pages here, numbered from 1."
        raise Refusal(404, "page", text, pages=pages)
    headers = _headers(f"{tag}-{number}")
    short = unchanged(request, headers)
    if short is not None:
        return short
    opened.seek(marks[number - 1])
    rows = opened.read(marks[number] - marks[number - 1]) if len(marks) > 1 else b""
    head = {
        "dataset": dataset.id,
        "columns": {column.name: column.kind for column in dataset.columns},
        "page": number,
        "pages": pages,
        "rows_per_page": OPEN_PAGE_ROWS_MAX,
    }
    if dataset.timed:
        head |= {"start": day(span.start_ms), "end": day(span.end_ms - 1)}
    body = json.dumps(head, ensure_ascii=False).encode()[:-1]
    body += b', "rows": [\n' + rows.rstrip().replace(b"\n", b",\n") + b"\n]}\n"
    return Response(body, headers=headers, media_type="application/json")


def _day(text: str) -> int | None:
    """Days since 1970."""
    if not text:
        return None
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            raise ValueError(text)
        moment = datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
    except ValueError:
        raise PeriodError("a day is written 2026-11-24") from None
    return int(moment.timestamp() // 86_400)


@contextmanager
def _refused(name: str) -> Iterator[None]:
    try:
        yield
    except UnknownError as error:
        raise not_found(name[:80]) from error
    except FormError as error:
        raise Refusal(406, "form", "{text}", text=str(error)) from error
    except PeriodError as error:
        raise Refusal(422, "period", "{text}", text=str(error)) from error
    except TooMuchError as error:
        raise Refusal(422, "too_many_rows", "{text}", text=str(error)) from error
    except BusyError as error:
        raise Refusal(503, "busy", "{text}", text=str(error)) from error
