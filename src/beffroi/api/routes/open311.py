"""Open311 GeoReport v2: services, their definitions, requests in JSON and XML. Public.

Programs of others report here and read what is public: texts and photos after moderation only, and
`media_url` is kept as words, never fetched. Errors have the standard's shape.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import msgspec
from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.responses import Response

from beffroi.api import open311 as shapes
from beffroi.api.access import Svc, public
from beffroi.api.asked import address_of
from beffroi.api.open311 import Open311Error, moment, read_degrees, read_moment
from beffroi.api.problems import Refusal
from beffroi.api.report_gate import Gate
from beffroi.api.report_views import desk_of
from beffroi.api.words import lang_of, said
from beffroi.hub.reports.desk import ReportRefusedError
from beffroi.hub.reports.sent import Sent
from beffroi.hub.services import Services
from beffroi.model.limits import PHOTO_BYTES_MAX
from beffroi.model.measure import DAY_MS
from beffroi.model.report import Report, Topic
from beffroi.ports.reports import Wanted

router = APIRouter(prefix="/open311/v2", include_in_schema=False)
PAGE = 50
PAGE_MAX = 200
SPAN_MS_MAX = 90 * DAY_MS  # of a listing, as the standard asks
IDS_MAX = 100
FORM_FIELDS_MAX = 60
PART_BYTES_MAX = 32 * 1024
MEDIA = {"json": "application/json", "xml": "text/xml"}
_encode = msgspec.json.Encoder().encode


@router.get("/discovery.{fmt}")
@public
def discovery(request: Request, services: Svc, fmt: str) -> Response:
    """Where this endpoint is and what it speaks."""
    commune = services.store.assets.commune()
    base = str(request.base_url).rstrip("/") + "/open311/v2"
    endpoint = {
        "specification": "http://wiki.open311.org/GeoReport_v2",
        "url": base,
        "changeset": moment(services.clock.now_ms()),
        "type": "production",
        "formats": list(MEDIA.values()),
    }
    body = {
        "changeset": endpoint["changeset"],
        "contact": commune.name if commune else "",
        "key_service": "",
        "endpoints": [endpoint],
    }
    return _answer(fmt, "discovery", body)


@router.get("/services.{fmt}")
@public
def read_services(request: Request, services: Svc, fmt: str) -> Response:
    """What can be reported here."""
    return _told(fmt, "services", lambda: _services(request, services))


@router.get("/services/{code}.{fmt}")
@public
def read_service(request: Request, services: Svc, code: str, fmt: str) -> Response:
    """The definition of one service. None here asks for more than the common fields."""

    def found() -> dict[str, Any]:
        _jurisdiction(services, request.query_params)
        if code not in desk_of(services).topics:
            raise Open311Error(404, f"there is no service {code[:80]!r}: see services.{fmt}")
        return {"service_code": code, "attributes": []}

    return _told(fmt, "service_definition", found)


@router.get("/requests.{fmt}")
@public
def read_requests(request: Request, services: Svc, fmt: str) -> Response:
    """Reports that were moderated, newest first; by id also those that were not, without words."""
    return _told(fmt, "requests", lambda: _requests(request, services))


@router.get("/requests/{request_id}.{fmt}")
@public
def read_request(request: Request, services: Svc, request_id: str, fmt: str) -> Response:
    """One report."""

    def found() -> list[dict[str, Any]]:
        _jurisdiction(services, request.query_params)
        report = desk_of(services).store.report(request_id)
        if report is None:
            raise Open311Error(404, f"there is no request {request_id[:80]!r}")
        return [_request(request, services, report)]

    return _told(fmt, "requests", found)


@router.post("/requests.{fmt}")
@public
async def send_request(request: Request, services: Svc, fmt: str) -> Response:
    """A new report; kept when answered."""
    try:
        _format(fmt)
        _key(request)
        form = await _form(request)
        values = {**request.query_params, **{k: v for k, v in form.items() if isinstance(v, str)}}
        photo = await _photo(form)
        body = await run_in_threadpool(_received, request, services, values, photo)
    except Open311Error as error:
        return _failed(fmt, error)
    return _answer(fmt, "requests", body, 201)


def _received(
    request: Request, services: Services, values: Mapping[str, str], photo: bytes
) -> list[dict[str, Any]]:
    _jurisdiction(services, values)
    gate: Gate = request.app.state.report_gate
    lat, lon = values.get("lat", ""), values.get("long", "")
    names = (values.get("first_name", ""), values.get("last_name", ""))
    code = values.get("service_code", "")
    if code not in desk_of(services).topics:
        raise Open311Error(404 if code else 400, "service_code must be one of services.json")
    sent = Sent(
        topic=code,
        text=values.get("description", ""),
        place=values.get("address_string", "") or _asset_place(values),
        lon=read_degrees(lon, "long", 180) if lat or lon else None,
        lat=read_degrees(lat, "lat", 90) if lat or lon else None,
        email=values.get("email", ""),
        name=" ".join(filter(None, names)),
        phone=values.get("phone", ""),
        media_url=values.get("media_url", ""),
        photo=photo,
        lang=lang_of(request),
        source="open311",
    )
    try:
        gate.admit(address_of(request), services.clock.now_ms())
        report = desk_of(services).receive(sent).report
    except Refusal as refusal:
        raise Open311Error(refusal.status, str(refusal)) from refusal
    except ReportRefusedError as refused:
        raise Open311Error(400, str(refused)) from refused
    notice = "Your report has been received. A person reads it before anything is public."
    return [{"service_request_id": report.id, "service_notice": notice, "account_id": ""}]


def _asset_place(values: Mapping[str, str]) -> str:
    """`address_id` is an id of somebody else's register: words for the moderator."""
    return values.get("address_id", "")


def _services(request: Request, services: Services) -> list[dict[str, Any]]:
    _jurisdiction(services, request.query_params)
    lang = lang_of(request)
    return [_service(code, topic, lang) for code, topic in desk_of(services).topics.items()]


def _service(code: str, topic: Topic, lang: str) -> dict[str, Any]:
    return {
        "service_code": code,
        "service_name": said(topic.label, lang),
        "description": said(topic.hint, lang),
        "metadata": False,
        "type": "realtime",
        "keywords": "danger" if topic.danger_h else "",
        "group": said(topic.group, lang),
    }


def _requests(request: Request, services: Services) -> list[dict[str, Any]]:
    asked = request.query_params
    _jurisdiction(services, asked)
    store = desk_of(services).store
    if asked.get("service_request_id"):
        ids = asked["service_request_id"].split(",")[:IDS_MAX]
        known = [store.report(one.strip()) for one in ids]
        return [_request(request, services, one) for one in known if one is not None]
    wanted = _wanted(services, asked)
    codes = [code for code in asked.get("service_code", "").split(",") if code]
    statuses = _statuses(asked.get("status", ""))
    found = [
        one
        for one in store.reports(wanted)
        if (not codes or one.topic in codes) and shapes.status_of(one) in statuses
    ]
    size = _whole(asked.get("page_size", ""), PAGE, PAGE_MAX)
    start = (_whole(asked.get("page", ""), 1, 1_000) - 1) * size
    return [_request(request, services, one) for one in found[start : start + size]]


def _wanted(services: Services, asked: Mapping[str, str]) -> Wanted:
    now_ms = services.clock.now_ms()
    end = read_moment(asked["end_date"]) if asked.get("end_date") else now_ms
    start = read_moment(asked["start_date"]) if asked.get("start_date") else end - SPAN_MS_MAX
    if end - start > SPAN_MS_MAX:
        raise Open311Error(400, "at most 90 days at once: set start_date and end_date")
    return Wanted(public=True, since_ms=max(start, 1), until_ms=max(end, 1) + 1, limit=5_000)


def _statuses(text: str) -> frozenset[str]:
    asked = frozenset(filter(None, text.split(",")))
    if asked - shapes.STATUS:
        raise Open311Error(400, "status is open, closed, or both with a comma between")
    return asked or shapes.STATUS


def _whole(text: str, default: int, most: int) -> int:
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 7 and 1 <= int(text) <= most):
        raise Open311Error(400, f"page and page_size are whole numbers from 1 to {most}")
    return int(text)


def _request(request: Request, services: Services, report: Report) -> dict[str, Any]:
    """Its place too is public only once somebody has read it."""
    lang, store = lang_of(request), desk_of(services).store
    topic = desk_of(services).topics.get(report.topic)
    shown = report.public
    said_last = [one.text for one in store.events(report.id) if one.told and one.text]
    photo = f"{str(request.base_url).rstrip('/')}/signalements/{report.id}/photo.jpg"
    return {
        "service_request_id": report.id,
        "status": shapes.status_of(report),
        "status_notes": said_last[-1] if shown and said_last else "",
        "service_name": said(topic.label, lang) if topic else report.topic,
        "service_code": report.topic,
        "description": report.text if shown else "",
        "agency_responsible": "",
        "service_notice": "",
        "requested_datetime": moment(report.received_ms),
        "updated_datetime": moment(report.changed_ms),
        "expected_datetime": moment(report.deadline_ms if report.unsafe else 0),
        "address": report.place if shown else "",
        "address_id": "",
        "zipcode": "",
        "lat": report.lat if shown else None,
        "long": report.lon if shown else None,
        "media_url": photo if shown and report.photo else None,
    }


async def _form(request: Request) -> FormData:
    """Fields of a form, or of a multipart form with one file."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("application/x-www-form-urlencoded", "multipart/form-data"):
        raise Open311Error(400, "send a form: application/x-www-form-urlencoded")
    try:
        return await request.form(
            max_files=1, max_fields=FORM_FIELDS_MAX, max_part_size=PART_BYTES_MAX
        )
    except Exception as error:
        if getattr(error, "status_code", 400) == 413:
            raise
        raise Open311Error(400, "this form cannot be read") from error


async def _photo(form: FormData) -> bytes:
    file = form.get("media")
    return await file.read(PHOTO_BYTES_MAX + 1) if isinstance(file, UploadFile) else b""


def _key(request: Request) -> None:
    """Only when the commune asks for keys; compared by their hash, in the same time for all."""
    known = request.app.state.web.open311_keys
    given = request.query_params.get("api_key") or request.headers.get("x-api-key", "")
    digest = hashlib.sha256(given.encode()).hexdigest()
    alike = [hmac.compare_digest(digest, one) for one in known]
    if known and True not in alike:
        raise Open311Error(403, "a valid api_key is needed here: ask the commune for one")


def _jurisdiction(services: Services, asked: Mapping[str, str]) -> None:
    """One commune, one jurisdiction: it may be left out, but not be another."""
    given = asked.get("jurisdiction_id", "")
    commune = services.store.assets.commune()
    ours = {commune.id, commune.insee} - {""} if commune else {"commune"}
    if given and given not in ours:
        raise Open311Error(404, "this endpoint is of another jurisdiction")


def _format(fmt: str) -> None:
    if fmt not in MEDIA:
        raise Open311Error(404, "formats are json and xml")


def _told(fmt: str, name: str, ask: Any) -> Response:
    try:
        _format(fmt)
        return _answer(fmt, name, ask())
    except Open311Error as error:
        return _failed(fmt, error)
    except Refusal as refusal:
        return _failed(fmt, Open311Error(refusal.status, str(refusal)))


def _failed(fmt: str, error: Open311Error) -> Response:
    body = [{"code": error.status, "description": str(error)}]
    return _answer(fmt if fmt in MEDIA else "json", "errors", body, error.status)


def _answer(fmt: str, name: str, body: Any, status: int = 200) -> Response:
    if fmt not in MEDIA:
        return _failed(fmt, Open311Error(404, "formats are json and xml"))
    content = _encode(body) if fmt == "json" else shapes.xml(name, body)
    headers = {"access-control-allow-origin": "*", "cross-origin-resource-policy": "cross-origin"}
    if status == 429:
        headers["retry-after"] = "600"
    return Response(content, status, headers, f"{MEDIA[fmt]}; charset=utf-8")
