"""The alarm desk: what is grave and undecided first, then everything else that waits for hands."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from beffroi.api import alarm_views, sight
from beffroi.api.access import Me, Svc
from beffroi.api.alarm_views import AlarmView
from beffroi.api.asked import Moment
from beffroi.api.problems import Refusal, understood
from beffroi.api.routes.alarms import alarm_of, listed_for
from beffroi.api.words import lang_of
from beffroi.hub.alarms.desk import RefusedError
from beffroi.hub.alarms.text import ACTIONS, DECISIONS, EVENTS
from beffroi.model.alarm import Alarm, AlarmState, Decision, DecisionKind
from beffroi.model.finding import Severity
from beffroi.model.limits import PAGE_ROWS_MAX
from beffroi.ports.store import User
from beffroi.ui.office import zone_of
from beffroi.ui.pages.entry import safe_next
from beffroi.ui.render import page
from beffroi.ui.rows import row_of
from beffroi.ui.tones import awaits_decision

router = APIRouter()
Text = Annotated[str, Form()]
VIEWS = ("todo", "mine", "resolved", "closed")
NOON = time(12)


@router.get("/alarms")
def desk_page(
    request: Request,
    services: Svc,
    me: Me,
    view: str = "todo",
    domain: str = "",
    before: Moment = 0,
    last: str = "",
) -> Response:
    opened = sight.alarms_seen(services, me.user, services.desk.open())
    view = view if view in VIEWS else "todo"
    if view == "closed":
        chosen = listed_for(services, me, "closed", domain, before_ms=before, before_id=last)
    else:
        chosen = [a for a in _single(opened) if _wanted(a, view, me.user.id)]
        chosen = [a for a in chosen if not domain or a.domain == domain]
    lang = lang_of(request)
    who = alarm_views.people(services)
    shown = alarm_views.views(services, chosen[:PAGE_ROWS_MAX], lang, who)
    facts: dict[str, Any] = {
        "view": view,
        "domain": domain,
        "alarms": shown,
        "members": _members(services, opened, lang, who),
        "undecided": sum(awaits_decision(alarm) for alarm in opened),
        "figures": _figures(opened, me.user.id, services.clock.now_ms()),
        "older": chosen[-1] if view == "closed" and len(chosen) == PAGE_ROWS_MAX else None,
        "here": f"/alarms?view={view}&domain={domain}",
    }
    return page(request, "alarms.html", **facts)


@router.get("/alarms/{alarm_id}")
def alarm_page(request: Request, services: Svc, me: Me, alarm_id: str) -> Response:
    return _alarm_page(request, services, me, alarm_of(services, alarm_id))


@router.post("/alarms/{alarm_id}/{action}")
def act(
    request: Request,
    services: Svc,
    me: Me,
    alarm_id: str,
    action: str,
    text: Text = "",
    assignee: Text = "",
    kind: Text = "",
    owner: Text = "",
    deadline: Text = "",
    reason: Text = "",
    next: Text = "",  # noqa: A002
) -> Response:
    """Do it and go back; a refusal is shown on the alarm's own page with what was typed kept."""
    typed = {"text": text, "assignee": assignee, "kind": kind, "owner": owner}
    typed |= {"deadline": deadline, "reason": reason}
    try:
        decision = _decision(services, kind, owner, deadline, reason) if kind or owner else None
        services.desk.act(
            alarm_id,
            action,
            me.user.id,
            services.clock.now_ms(),
            text=text.replace("\r\n", "\n"),
            assignee=_id_of(services, assignee),
            decision=decision if action in ("decide", "close") else None,
        )
    except (RefusedError, Refusal) as error:
        refusal = understood(error)
        alarm = alarm_of(services, alarm_id)
        return _alarm_page(request, services, me, alarm, refusal, typed)
    return RedirectResponse(safe_next(next or f"/alarms/{alarm_id}"), 303)


def _alarm_page(
    request: Request,
    services: Svc,
    me: Me,
    alarm: Alarm,
    refusal: Refusal | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    lang = lang_of(request)
    who = alarm_views.people(services)
    view = alarm_views.views(services, [alarm], lang, who)[0]
    asset = services.store.assets.asset(alarm.asset) if alarm.asset else None
    members = sight.alarms_seen(services, me.user, alarm_views.members(services, alarm))
    row = None
    if asset is not None:
        severity = int(alarm.severity) if alarm.active else -1
        row = row_of(services, asset.id, asset.name, asset.domain, asset.kind, severity)
    facts: dict[str, Any] = {
        "view": view,
        "alarm": alarm,
        "asset": asset,
        "row": row,
        "story": list(reversed(alarm_views.story(services, alarm.id))),
        "who": who.called,
        "users": _colleagues(services, me),
        "group_members": alarm_views.views(services, members, lang, who),
        "events": EVENTS,
        "decisions": DECISIONS,
        "acts": ACTIONS,
        "refusal": refusal,
        "typed": typed or {},
    }
    return page(request, "alarm.html", refusal.status if refusal else 200, **facts)


def _colleagues(services: Svc, me: Me) -> list[User]:
    """Whom an alarm can be given to: of the commune, everybody; elsewhere, one's own body."""
    users = [user for user in services.store.people.users() if user.active]
    if sight.of_commune(me.user):
        return users
    return [user for user in users if user.organisation == me.user.organisation]


def _wanted(alarm: Alarm, view: str, me: str) -> bool:
    if view == "mine":
        return alarm.assignee == me
    resolved = alarm.state is AlarmState.RESOLVED
    return resolved if view == "resolved" else not resolved or awaits_decision(alarm)


def _single(opened: Iterable[Alarm]) -> list[Alarm]:
    """Without the members of a flood whose group is there to be seen in their place."""
    opened = list(opened)
    groups = {alarm.id for alarm in opened}
    return [alarm for alarm in opened if alarm.group not in groups]


def _members(
    services: Svc, opened: Any, lang: str, who: alarm_views.People
) -> dict[str, list[AlarmView]]:
    found: dict[str, list[Alarm]] = {}
    for alarm in opened:
        if alarm.group:
            found.setdefault(alarm.group, []).append(alarm)
    return {
        group: alarm_views.views(services, some[:PAGE_ROWS_MAX], lang, who)
        for group, some in found.items()
    }


def _figures(opened: Any, me: str, now_ms: int) -> dict[str, int]:
    single = _single(opened)
    return {
        "raised": sum(alarm.state is AlarmState.RAISED for alarm in single),
        "grave": sum(alarm.severity is Severity.GRAVE for alarm in single),
        "mine": sum(alarm.assignee == me for alarm in single),
        "overdue": sum(
            alarm.decision is not None and alarm.decision.deadline_ms < now_ms for alarm in single
        ),
        "all": len(single),
    }


def _decision(services: Svc, kind: str, owner: str, deadline: str, reason: str) -> Decision:
    """The deadline is a day: it ends at noon of that day in the commune's time."""
    try:
        day = datetime.fromisoformat(deadline).date()
    except ValueError:
        raise Refusal(422, "deadline", "Choose the day until which it must be done.") from None
    if kind not in tuple(DecisionKind):
        raise Refusal(422, "decision_kind", "Choose one of the five decisions.")
    at = datetime.combine(day, NOON, zone_of(services))
    return Decision(DecisionKind(kind), owner, int(at.timestamp() * 1000), reason)


def _id_of(services: Svc, name: str) -> str:
    """People are chosen by name; somebody without an account stays a plain name."""
    users = services.store.people.users()
    return next((user.id for user in users if user.active and user.name == name), name)
