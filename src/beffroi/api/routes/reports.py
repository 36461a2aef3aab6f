"""Reports for those who work on them (JSON), and the public map's data. See `open311` for the open
standard. What an author sent is read under /sent, by operators, and noted in the access log."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from beffroi.api.access import Me, Svc, needs, public
from beffroi.api.asked import Moment
from beffroi.api.kept import Shelf
from beffroi.api.report_views import as_desk, as_public, desk_of, event_json, report_of
from beffroi.api.words import LANGS, lang_of
from beffroi.hub.reports.figures import figures
from beffroi.hub.reports.lifecycle import ReportAct, actions
from beffroi.hub.services import Services
from beffroi.model.limits import (
    PAGE_ROWS_MAX,
    REPORT_TEXT_CHARS_MAX,
    REPORTS_OPEN_MAX,
    REPORTS_PUBLIC_MAX,
    REPORTS_PUBLIC_S,
)
from beffroi.model.report import OPEN, Report, ReportState
from beffroi.ports.reports import Wanted

router = APIRouter(tags=["reports"])
View = Literal["new", "open", "unsafe", "over", "all"]
Action = Literal[
    "accept", "start", "answer", "close", "reject", "merge", "reopen", "attach", "locate",
    "publish", "hide", "danger", "no_danger", "safe", "comment", "erase",
]  # fmt: skip
OVER = (
    ReportState.CLOSED, ReportState.REJECTED, ReportState.DUPLICATE, ReportState.WITHDRAWN,
)  # fmt: skip
_encode = msgspec.json.Encoder().encode


class ReportActIn(BaseModel, extra="forbid"):
    """Only what the action needs. Times are UTC ms."""

    text: str = Field(default="", max_length=REPORT_TEXT_CHARS_MAX)
    target: str = Field(default="", max_length=80)
    place: str = Field(default="", max_length=200)
    at_ms: int = 0
    deadline_ms: int = 0
    photo: bool = False
    lon: float | None = None
    lat: float | None = None


@router.get("/api/reports")
def read_reports(
    request: Request, services: Svc, view: View = "open", topic: str = "", before: str = ""
) -> list[dict[str, Any]]:
    """Newest first, PAGE_ROWS_MAX at a time."""
    lang = lang_of(request)
    return [as_desk(services, one, lang) for one in listed(services, view, topic, "", before)]


@router.get("/api/reports/figures")
def read_figures(services: Svc, since_ms: Moment = 0) -> dict[str, Any]:
    """Delays over the reports received since then (see `hub.reports.figures`)."""
    wanted = Wanted(since_ms=since_ms, limit=REPORTS_OPEN_MAX)
    found = desk_of(services).store.reports(wanted)
    return figures(found, services.clock.now_ms())._asdict()


@router.get("/api/reports/{report_id}")
def read_report(request: Request, services: Svc, report_id: str) -> dict[str, Any]:
    """With its story."""
    report = report_of(services, report_id)
    events = [event_json(one) for one in desk_of(services).store.events(report_id)]
    more = {"events": events, "actions": actions(report)}
    return as_desk(services, report, lang_of(request)) | more


@router.get("/api/reports/{report_id}/sent")
@needs("operator")
def read_sent(services: Svc, me: Me, report_id: str) -> dict[str, Any]:
    """The author's words as received. Noted in the access log."""
    return desk_of(services).words(report_of(services, report_id), me.user.id)._asdict()


@router.post("/api/reports/{report_id}/{action}")
def act(
    request: Request, services: Svc, me: Me, report_id: str, action: Action, body: ReportActIn
) -> dict[str, Any]:
    """Durable when answered; 409 with the reason when it is not possible now."""
    after = done(services, report_id, action, me.user.id, **body.model_dump())
    return as_desk(services, after, lang_of(request))


def done(services: Services, report_id: str, action: str, actor: str, **facts: Any) -> Report:
    desk = desk_of(services)
    if action == "erase":
        return desk.erase(report_of(services, report_id), actor)
    return desk.act(report_id, ReportAct(action, actor, services.clock.now_ms(), **facts))


def listed(
    services: Services, view: str, topic: str = "", asset: str = "", before: str = ""
) -> list[Report]:
    wanted = {
        "new": Wanted(states=(ReportState.RECEIVED,)),
        "open": Wanted(states=(*sorted(OPEN), ReportState.ANSWERED)),
        "unsafe": Wanted(unsafe=True),
        "over": Wanted(states=OVER),
    }.get(view, Wanted())
    chosen = wanted._replace(topic=topic, asset=asset, before=before, limit=PAGE_ROWS_MAX)
    return desk_of(services).store.reports(chosen)


@router.get("/signalements.geojson", include_in_schema=False)
@public
async def public_map(request: Request, services: Svc) -> Response:
    """Published reports as GeoJSON, made at most every REPORTS_PUBLIC_S for each language: a
    thousand readers cost what one costs. On the event loop: mostly a look into memory."""
    shelf: Shelf = request.app.state.public_map
    lang = lang_of(request)
    lang = lang if lang in LANGS else LANGS[0]
    now_ms = services.clock.now_ms()
    kept = await shelf.get(lang, now_ms, lambda: _encode(_collection(services, lang)))
    return kept.answer(request, "application/geo+json", f"public, max-age={int(REPORTS_PUBLIC_S)}")


def _collection(services: Services, lang: str) -> dict[str, Any]:
    wanted = Wanted(public=True, limit=REPORTS_PUBLIC_MAX)
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [one.lon, one.lat]},
            "properties": as_public(services, one, lang),
        }
        for one in desk_of(services).store.reports(wanted)
        if one.lon is not None and one.lat is not None
    ]
    return {"type": "FeatureCollection", "features": features}
