"""The town hall's side of reports: what waits, and one report with everything that can be done.

What the author sent is shown to operators who ask for it; each reading is in the access log.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from beffroi.api import inventory
from beffroi.api.access import Me, Svc, needs
from beffroi.api.problems import Refusal, understood
from beffroi.api.report_views import STATES, desk_of, report_of, topic_label
from beffroi.api.routes.reports import done, listed
from beffroi.api.scope import may
from beffroi.hub.alarms.desk import RefusedError
from beffroi.hub.reports.desk import ReportRefusedError
from beffroi.hub.reports.figures import figures
from beffroi.hub.reports.letters import TEMPLATES, WHAT
from beffroi.hub.reports.lifecycle import actions
from beffroi.hub.reports.nearby import metres
from beffroi.hub.services import Services
from beffroi.model.asset import Asset, Label
from beffroi.model.limits import PAGE_ROWS_MAX, REPORTS_OPEN_MAX
from beffroi.model.measure import DAY_MS
from beffroi.model.report import Report, ReportState
from beffroi.ports.reports import Wanted
from beffroi.ui.office import moment_ms, zone_of
from beffroi.ui.render import page

router = APIRouter()
Text = Annotated[str, Form()]
VIEWS = ("new", "unsafe", "open", "over")
MINUTE_MS = 60_000
YEAR_MS = 366 * DAY_MS
NEAR_ASSETS, NEAR_M = 8, 80.0
EXPORT_MAX = 10_000
CSV_HEAD = [
    "report", "topic", "state", "received_utc", "first_answer_utc", "danger", "deadline_utc",
    "safe_utc", "asset", "lon", "lat", "supports", "source", "public_text",
]  # fmt: skip
DONE: dict[str, Label] = {
    "received": Label("Reçu", "Received"),
    "accept": Label("Lu", "Read"),
    "start": Label("Pris en charge", "Work begun"),
    "answer": Label("Réponse", "Answer"),
    "close": Label("Clos", "Closed"),
    "reject": Label("Non retenu", "Not taken up"),
    "merge": Label("Rattaché à un autre signalement", "Merged into another report"),
    "absorbed": Label("Un autre signalement rejoint celui-ci", "Another report joined this one"),
    "reopen": Label("Rouvert", "Opened again"),
    "attach": Label("Rattaché à un ouvrage", "Attached to an asset"),
    "locate": Label("Lieu précisé", "Place corrected"),
    "publish": Label("Publié", "Published"),
    "hide": Label("Retiré de la page publique", "Taken off the public page"),
    "danger": Label("Danger constaté", "Found to be a danger"),
    "no_danger": Label("Pas de danger", "No danger"),
    "safe": Label("Mis en sécurité", "Made safe"),
    "comment": Label("Note interne", "Internal note"),
    "support": Label("Un habitant confirme", "An inhabitant confirms"),
    "add": Label("Complété par l’auteur", "Added to by its author"),
    "withdraw": Label("Retiré par l’auteur", "Withdrawn by its author"),
    "erase": Label("Données effacées", "Data erased"),
}
WHY: dict[str, Label] = {
    "topic": Label("par sa catégorie", "by its category"),
    "words": Label("par ses mots", "by its words"),
    "agent": Label("constaté par un agent", "found by an agent"),
    "merged": Label("par un signalement rattaché", "by a report that joined it"),
    "": Label("", ""),
}


@router.get("/reports")
def list_page(
    request: Request, services: Svc, view: str = "new", topic: str = "", before: str = ""
) -> Response:
    desk = desk_of(services)
    view = view if view in VIEWS else "new"
    found = listed(services, view, topic, "", before)
    now_ms = services.clock.now_ms()
    year = desk.store.reports(Wanted(since_ms=now_ms - YEAR_MS, limit=REPORTS_OPEN_MAX))
    facts: dict[str, Any] = {
        "view": view,
        "topic": topic,
        "topics": desk.topics,
        "reports": [(one, topic_label(services, one)) for one in found],
        "states": STATES,
        "counts": desk.store.counts(),
        "received": ReportState.RECEIVED,
        "figures": figures(year, now_ms),
        "names": _names(services, found),
        "older": found[-1].id if len(found) == PAGE_ROWS_MAX else "",
    }
    return page(request, "reports.html", **facts)


@router.get("/reports/export.csv")
def export(services: Svc) -> Response:
    """For a spreadsheet: dates, places and published words, nothing of authors."""
    lines = ["\ufeff", inventory.csv_line(CSV_HEAD)]
    for one in desk_of(services).store.reports(Wanted(limit=EXPORT_MAX)):
        times = [one.received_ms, one.first_answer_ms]
        safe = [_utc(one.deadline_ms), _utc(one.safe_ms), one.asset, one.lon or "", one.lat or ""]
        head = [one.id, one.topic, one.state.value, *map(_utc, times), int(one.danger)]
        lines.append(inventory.csv_line([*head, *safe, one.supports, one.source, one.text]))
    headers = {"content-disposition": 'attachment; filename="reports.csv"'}
    return Response("".join(lines), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/reports/{report_id}")
def report_page(request: Request, services: Svc, me: Me, report_id: str, sent: int = 0) -> Response:
    """`sent` shows what came in; without it only while nobody has read the report yet."""
    return _page(request, services, me, report_of(services, report_id), sent=bool(sent))


@router.get("/reports/{report_id}/photo.jpg")
@needs("operator")
def sent_photo(services: Svc, me: Me, report_id: str) -> Response:
    """The photo as it came in. Noted in the access log."""
    jpeg = desk_of(services).sent_photo(report_of(services, report_id), me.user.id)
    if jpeg is None:
        raise Refusal(404, "no_photo", "There is no photo to show any more.")
    return Response(jpeg, media_type="image/jpeg")


@router.post("/reports/{report_id}/{action}")
def act(
    request: Request,
    services: Svc,
    me: Me,
    report_id: str,
    action: str,
    text: Text = "",
    target: Text = "",
    place: Text = "",
    photo: Text = "",
    at: Text = "",
    lon: Text = "",
    lat: Text = "",
) -> Response:
    """Do it and go back; a refusal is shown on the report's own page with what was typed kept."""
    typed = {"text": text, "target": target, "place": place, "at": at, "action": action}
    try:
        at_ms = moment_ms(services, at) if at else services.clock.now_ms()
        received_ms = report_of(services, report_id).received_ms
        if 0 < received_ms - at_ms < MINUTE_MS:  # the field knows no seconds
            at_ms = received_ms
        facts: dict[str, Any] = {"text": text.replace("\r\n", "\n"), "place": place}
        facts |= {"target": target.strip(), "photo": photo == "yes", "at_ms": at_ms}
        facts |= {"deadline_ms": at_ms if at else 0, "lon": _number(lon), "lat": _number(lat)}
        done(services, report_id, action, me.user.id, **facts)
    except (Refusal, ReportRefusedError, RefusedError) as error:
        report = report_of(services, report_id)
        return _page(request, services, me, report, refusal=understood(error), typed=typed)
    return RedirectResponse(f"/reports/{report_id}", 303)


def _page(
    request: Request,
    services: Services,
    me: Me,
    report: Report,
    *,
    sent: bool = False,
    refusal: Refusal | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    desk = desk_of(services)
    reads = may(me.user, "reports.operator") and (sent or report.state is ReportState.RECEIVED)
    place = (report.lon, report.lat) if report.lon is not None and report.lat is not None else None
    near = desk.near(report.topic, place, report.asset)
    facts: dict[str, Any] = {
        "report": report,
        "topic": topic_label(services, report),
        "state": STATES[report.state],
        "states": STATES,
        "why": WHY[report.danger_why],
        "asset": services.store.assets.asset(report.asset) if report.asset else None,
        "assets": _assets_near(services, report),
        "near": [one for one in near if one.report.id != report.id],
        "story": list(reversed(desk.store.events(report.id))),
        "done": DONE,
        "what": WHAT,
        "who": {user.id: user.name for user in services.store.people.users()},
        "actions": actions(report),
        "templates": TEMPLATES,
        "words": desk.words(report, me.user.id) if reads and report.subject else None,
        "local_now": _local(services, services.clock.now_ms()),
        "refusal": refusal,
        "typed": typed or {},
    }
    return page(request, "report.html", refusal.status if refusal else 200, **facts)


def _names(services: Services, reports: list[Report]) -> dict[str, str]:
    found = {one.asset for one in reports if one.asset}
    known = (services.store.assets.asset(asset) for asset in found)
    return {asset.id: asset.name for asset in known if asset is not None}


def _assets_near(services: Services, report: Report) -> list[tuple[Asset, float]]:
    """What the report may be about, the nearest first; kinds of its topic before others."""
    if report.lon is None or report.lat is None:
        return []
    wide = NEAR_M / 70_000
    west, east = report.lon - wide, report.lon + wide
    found = services.store.assets.assets_in(
        west, report.lat - wide, east, report.lat + wide, list(services.domains), 200
    )
    topic = desk_of(services).topics.get(report.topic)
    kinds = topic.kinds if topic else ()
    apart = [(one, metres(report.lon, report.lat, one.lon, one.lat)) for one in found]
    apart = [pair for pair in apart if pair[1] <= NEAR_M]
    return sorted(apart, key=lambda pair: (pair[0].kind not in kinds, pair[1]))[:NEAR_ASSETS]


def _local(services: Services, ms: int) -> str:
    """For a field of date and time, which has no zone: the commune's."""
    return f"{datetime.fromtimestamp(ms / 1000, zone_of(services)):%Y-%m-%dT%H:%M}"


def _number(text: str) -> float | None:
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        return None


def _utc(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, ZoneInfo('UTC')):%Y-%m-%dT%H:%M:%SZ}" if ms else ""
