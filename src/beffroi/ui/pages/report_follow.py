"""A report as its author sees it (under its secret address), and as everybody does. Public pages.

Who has the address may read the answers, add words and withdraw; not read what was sent: an address
that is lost or passed on tells nothing personal.
"""

from __future__ import annotations

from typing import Annotated, Any

import segno
from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from beffroi.api.access import Svc, public
from beffroi.api.asked import address_of
from beffroi.api.problems import Refusal
from beffroi.api.report_views import STATES, desk_of, report_of, topic_label
from beffroi.hub.reports.desk import ReportRefusedError
from beffroi.hub.reports.letters import WHAT
from beffroi.hub.services import Services
from beffroi.model.limits import PAGE_ROWS_MAX
from beffroi.model.report import Report, ReportState
from beffroi.ports.reports import Wanted
from beffroi.ui.pages.report_form import gate_of
from beffroi.ui.render import page

router = APIRouter()
Text = Annotated[str, Form()]
SECRET_CHARS_MAX = 64
STEPS = (ReportState.RECEIVED, ReportState.ACCEPTED, ReportState.IN_PROGRESS, ReportState.ANSWERED)


@router.get("/suivi/{secret}")
@public
def follow_page(request: Request, services: Svc, secret: str, new: int = 0) -> Response:
    return _follow(request, services, secret, new=bool(new))


@router.post("/suivi/{secret}/add")
@public
def add(request: Request, services: Svc, secret: str, text: Text = "") -> Response:
    """Further words of the author."""
    report = _of(services, secret)
    try:
        gate_of(request).support(address_of(request), services.clock.now_ms())
        desk_of(services).add(report, text)
    except (Refusal, ReportRefusedError) as error:
        return _follow(request, services, secret, error=error, typed=text)
    return RedirectResponse(f"/suivi/{secret}?new=2", 303)


@router.post("/suivi/{secret}/withdraw")
@public
def withdraw(request: Request, services: Svc, secret: str, sure: Text = "") -> Response:
    """What the author sent is erased; asked twice, because it cannot be undone."""
    report = _of(services, secret)
    try:
        if sure != "yes":
            raise Refusal(422, "sure", "Tick the box first: what is erased cannot come back.")
        desk_of(services).withdraw(report)
    except (Refusal, ReportRefusedError) as error:
        return _follow(request, services, secret, error=error)
    return RedirectResponse(f"/suivi/{secret}", 303)


@router.get("/signalements")
@public
def list_page(request: Request, services: Svc, before: str = "") -> Response:
    """What has been reported and published, newest first."""
    wanted = Wanted(public=True, before=before, limit=PAGE_ROWS_MAX // 4)
    found = desk_of(services).store.reports(wanted)
    facts: dict[str, Any] = {
        "reports": [(one, topic_label(services, one)) for one in found],
        "states": STATES,
        "older": found[-1].id if len(found) == wanted.limit else "",
    }
    return page(request, "report/list.html", **facts)


@router.get("/signalements/{report_id}")
@public
def public_page(request: Request, services: Svc, report_id: str) -> Response:
    """One published report with the town's answers."""
    report = _published(services, report_id)
    return page(request, "report/one.html", **_facts(services, report))


@router.get("/signalements/{report_id}/photo.jpg")
@public
def public_photo(services: Svc, report_id: str) -> Response:
    report = _published(services, report_id)
    jpeg = desk_of(services).store.photo(report.id) if report.photo else None
    if jpeg is None:
        raise Refusal(404, "no_photo", "There is no photo to show any more.")
    return Response(jpeg, media_type="image/jpeg")


def _published(services: Services, report_id: str) -> Report:
    """A report that nobody has let out is, for the public, none."""
    report = report_of(services, report_id)
    if not report.public:
        raise Refusal(404, "unknown_report", "There is no such report.")
    return report


def _of(services: Services, secret: str) -> Report:
    report = desk_of(services).by_secret(secret) if len(secret) <= SECRET_CHARS_MAX else None
    if report is None:
        raise Refusal(404, "unknown_report", "There is no such report.")
    return report


def _facts(services: Services, report: Report) -> dict[str, Any]:
    desk = desk_of(services)
    told = [event for event in desk.store.events(report.id) if event.told]
    goes_on = desk.store.report(report.duplicate_of) if report.duplicate_of else None
    if goes_on is not None:
        told += [event for event in desk.store.events(goes_on.id) if event.told and event.text]
    return {
        "report": report,
        "topic": topic_label(services, report),
        "state": STATES[report.state],
        "told": sorted(told, key=lambda event: event.at_ms, reverse=True),
        "what": WHAT,
        "goes_on": goes_on if goes_on is not None and goes_on.public else None,
        "asset": services.store.assets.asset(report.asset) if report.asset else None,
    }


def _follow(
    request: Request,
    services: Services,
    secret: str,
    *,
    new: bool = False,
    error: Refusal | ReportRefusedError | None = None,
    typed: str = "",
) -> Response:
    report = _of(services, secret)
    refusal = error if isinstance(error, Refusal) else None
    if isinstance(error, ReportRefusedError):
        refusal = Refusal(422, error.code, error.text)
    address = str(request.url.replace(path=f"/suivi/{secret}", query="", fragment=""))
    if request.app.state.web.https:
        address = address.replace("http://", "https://", 1)
    facts = _facts(services, report) | {
        "secret": secret,
        "address": address,
        "qr": segno.make(address, error="m").svg_data_uri(scale=4, border=2),
        "new": new,
        "steps": STEPS,
        "states": STATES,
        "refusal": refusal,
        "typed": typed,
    }
    return page(request, "report/follow.html", refusal.status if refusal else 200, **facts)
