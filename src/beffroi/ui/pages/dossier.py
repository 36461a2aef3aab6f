"""The diligence file: its registers, making and fetching it, the extract of one asset."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from beffroi.api.access import Me, Svc, needs
from beffroi.api.problems import Refusal, not_found
from beffroi.api.words import lang_of
from beffroi.hub.dossier.books import BOOKS, Book
from beffroi.hub.dossier.facts import Period
from beffroi.hub.dossier.lines import Calendar, Edition, cites_text
from beffroi.hub.dossier.registers import RegisterError
from beffroi.hub.services import Services
from beffroi.model.asset import Asset
from beffroi.model.limits import REGISTER_ROWS_MAX
from beffroi.model.measure import DAY_MS
from beffroi.ports.papers import PaperError
from beffroi.ui.office import moment_ms, office_of, refusal_of, zone_of
from beffroi.ui.render import page

router = APIRouter()
Text = Annotated[str, Form()]
YEAR = timedelta(days=365)


@router.get("/dossier")
@needs("admin")
def dossier_page(request: Request, services: Svc) -> Response:
    return _dossier_page(request, services, {})


@router.post("/dossier")
@needs("admin")
def make(
    request: Request,
    services: Svc,
    me: Me,
    edition: Text = "",
    first: Text = "",
    last: Text = "",
) -> Response:
    typed = {"edition": edition, "first": first, "last": last}
    try:
        if edition not in tuple(Edition):
            raise Refusal(422, "edition", "Choose an edition.")
        period = Period(moment_ms(services, first), moment_ms(services, last) + DAY_MS)
        office_of(services).begin(Edition(edition), period, me.user.id)
    except RegisterError as error:
        return _dossier_page(request, services, typed, refusal_of(error, lang_of(request)))
    except Refusal as refusal:
        return _dossier_page(request, services, typed, refusal)
    return RedirectResponse("/dossier#made", 303)


@router.get("/dossier/{job_id}.pdf")
@needs("admin")
def fetch(services: Svc, job_id: str) -> Response:
    job = office_of(services).job(job_id)
    if job is None or job.step != "ready":
        raise not_found(job_id)
    return _pdf(job.pdf, f"dossier-{job.edition.value}-{job.digest[:8]}.pdf")


@router.get("/registers/{book}")
@needs("admin")
def register_page(request: Request, services: Svc, book: str) -> Response:
    return _register_page(request, services, _book(book), {})


@router.post("/registers/{book}")
@needs("admin")
async def declare(request: Request, services: Svc, me: Me, book: str) -> Response:
    form = await request.form()
    given = {name: str(value) for name, value in form.items()}
    return await run_in_threadpool(_declared, request, services, me.user.id, _book(book), given)


@router.post("/registers/{book}/{record}/erase")
@needs("admin")
def erase(services: Svc, book: str, record: str) -> Response:
    """Words and author are forgotten, here and in the evidence log."""
    office, known = office_of(services), _book(book)
    line = office.stores.registers.record(record)
    if line is None or line.book != known.name:
        raise not_found(record)
    office.registers.erase(record)
    return RedirectResponse(f"/registers/{known.name}", 303)


@router.get("/assets/{asset_id}/extract")
@needs("operator")
def extract_page(request: Request, services: Svc, asset_id: str, at: str = "") -> Response:
    asset = _asset(services, asset_id)
    at_ms = moment_ms(services, at) if at else services.clock.now_ms()
    facts, sections = office_of(services).extract(asset, at_ms)
    when: Calendar = facts.calendar
    shown: dict[str, Any] = {
        "asset": asset,
        "at_ms": at_ms,
        "at": f"{when.at(at_ms):%Y-%m-%dT%H:%M}",
        "sections": sections,
        "cites": lambda line: cites_text(line, when),
    }
    return page(request, "extract.html", **shown)


@router.get("/assets/{asset_id}/extract.pdf")
@needs("operator")
def extract_pdf(services: Svc, me: Me, asset_id: str, at: str) -> Response:
    asset, at_ms = _asset(services, asset_id), moment_ms(services, at)
    try:
        pdf = office_of(services).extract_pdf(asset, at_ms, me.user.id)
    except (PaperError, RegisterError) as error:
        raise Refusal(503, "paper", "The paper could not be made: try again.") from error
    return _pdf(pdf, f"extrait-{at_ms}.pdf")


def _pdf(content: bytes, name: str) -> Response:
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    return Response(content, media_type="application/pdf", headers=headers)


def _asset(services: Services, asset_id: str) -> Asset:
    asset = services.store.assets.asset(asset_id)
    if asset is None or asset.domain not in services.domains:
        raise not_found(asset_id)
    return asset


def _book(name: str) -> Book:
    if name not in BOOKS:
        raise not_found(name)
    return BOOKS[name]


def _dossier_page(
    request: Request, services: Services, typed: dict[str, str], refusal: Refusal | None = None
) -> Response:
    office = office_of(services)
    today = _today(services)
    jobs = office.jobs()
    facts: dict[str, Any] = {
        "jobs": jobs,
        "busy": any(job.step not in ("ready", "failed") for job in jobs),
        "books": BOOKS,
        "counts": {
            name: len(office.stores.registers.records(name, limit=REGISTER_ROWS_MAX))
            for name in BOOKS
        },
        "journal": office.stores.journal.checkpoint().size if office.stores.journal else None,
        "typed": {"first": f"{today - YEAR}", "last": f"{today}", "edition": "public"} | typed,
        "refusal": refusal,
    }
    return page(request, "dossier.html", refusal.status if refusal else 200, **facts)


def _today(services: Services) -> date:
    return datetime.fromtimestamp(services.clock.now_ms() / 1000, zone_of(services)).date()


def _declared(
    request: Request, services: Services, actor: str, book: Book, given: dict[str, str]
) -> Response:
    key = given.get("about", "").strip() if book.about else ""
    if book.about == "service" and key not in services.domains:
        key = ""
    try:
        office_of(services).registers.declare(book.name, key, given, actor)
    except RegisterError as error:
        return _register_page(request, services, book, given, refusal_of(error, lang_of(request)))
    return RedirectResponse(f"/registers/{book.name}", 303)


def _register_page(
    request: Request,
    services: Services,
    book: Book,
    typed: dict[str, str],
    refusal: Refusal | None = None,
) -> Response:
    office = office_of(services)
    facts: dict[str, Any] = {
        "book": book,
        "books": BOOKS,
        "lines": office.stores.registers.records(book.name, limit=REGISTER_ROWS_MAX)[::-1],
        "typed": typed,
        "year": _today(services).year,
        "refusal": refusal,
    }
    return page(request, "register.html", refusal.status if refusal else 200, **facts)
