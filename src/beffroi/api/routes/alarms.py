"""Alarms: the desk's list, one alarm with its story, and what may be done with it."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from beffroi.api import alarm_views, sight
from beffroi.api.access import Me, Svc
from beffroi.api.asked import Moment
from beffroi.api.problems import not_found
from beffroi.api.words import lang_of
from beffroi.model.alarm import Alarm, Decision, DecisionKind
from beffroi.model.limits import COMMENT_CHARS_MAX, PAGE_ROWS_MAX, PERSON_CHARS_MAX

router = APIRouter(prefix="/api/alarms", tags=["alarms"])
Action = Literal["acknowledge", "assign", "comment", "decide", "resolve", "close", "reopen"]


class DecisionIn(BaseModel, extra="forbid"):
    """What is decided, who answers for it, until when (UTC ms)."""

    kind: DecisionKind
    owner: str = Field(max_length=PERSON_CHARS_MAX)
    deadline_ms: int
    reason: str = Field(default="", max_length=COMMENT_CHARS_MAX)


class ActIn(BaseModel, extra="forbid"):
    """Only what the action needs."""

    text: str = Field(default="", max_length=COMMENT_CHARS_MAX)
    assignee: str = Field(default="", max_length=PERSON_CHARS_MAX)
    decision: DecisionIn | None = None


@router.get("")
def read_alarms(
    request: Request,
    services: Svc,
    me: Me,
    state: Literal["open", "closed"] = "open",
    domain: str = "",
    asset: str = "",
    before_ms: Moment = 0,
    before_id: str = "",
) -> list[dict[str, Any]]:
    """Open: gravest and oldest first. Closed: newest first, PAGE_ROWS_MAX at a time; the next page
    is asked for with `seen_ms` and `id` of the last row, so none of its millisecond is lost."""
    found = listed_for(services, me, state, domain, asset, before_ms, before_id)
    return [view.as_json() for view in alarm_views.views(services, found, lang_of(request))]


@router.get("/{alarm_id}")
def read_alarm(request: Request, services: Svc, alarm_id: str) -> dict[str, Any]:
    """With its story."""
    alarm = alarm_of(services, alarm_id)
    view = alarm_views.views(services, [alarm], lang_of(request))[0]
    events = [
        {
            "at_ms": event.at_ms,
            "actor": event.actor,
            "kind": event.kind,
            "text": event.text,
            "data": dict(event.data),
        }
        for event in alarm_views.story(services, alarm_id)
    ]
    return view.as_json() | {"events": events}


@router.post("/{alarm_id}/{action}")
def act(
    request: Request, services: Svc, me: Me, alarm_id: str, action: Action, body: ActIn
) -> dict[str, Any]:
    """Durable when answered; 409 with the reason when it is not possible now."""
    decision = (
        Decision(
            body.decision.kind, body.decision.owner, body.decision.deadline_ms, body.decision.reason
        )
        if body.decision
        else None
    )
    alarm = services.desk.act(
        alarm_id,
        action,
        me.user.id,
        services.clock.now_ms(),
        text=body.text,
        assignee=body.assignee,
        decision=decision,
    )
    return alarm_views.views(services, [alarm], lang_of(request))[0].as_json()


def listed(
    services: Svc,
    state: str,
    domain: str = "",
    asset: str = "",
    before_ms: int = 0,
    before_id: str = "",
) -> list[Alarm]:
    if state == "closed":
        store, page = services.store.alarms, PAGE_ROWS_MAX
        return store.alarms(["closed"], domain, asset, page, before_ms, before_id)
    return [
        alarm
        for alarm in services.desk.open()
        if (not domain or alarm.domain == domain) and (not asset or alarm.asset == asset)
    ]


def listed_for(
    services: Svc,
    me: Me,
    state: str,
    domain: str = "",
    asset: str = "",
    before_ms: int = 0,
    before_id: str = "",
) -> list[Alarm]:
    """Those of `listed` that this account may see; a full page of closed ones if there is one."""
    found: list[Alarm] = []
    while True:
        some = listed(services, state, domain, asset, before_ms, before_id)
        found += sight.alarms_seen(services, me.user, some)
        if state != "closed":
            return found
        if len(found) >= PAGE_ROWS_MAX or len(some) < PAGE_ROWS_MAX:
            return found[:PAGE_ROWS_MAX]
        before_ms, before_id = some[-1].seen_ms, some[-1].id


def alarm_of(services: Svc, alarm_id: str) -> Alarm:
    found = next((alarm for alarm in services.desk.open() if alarm.id == alarm_id), None)
    found = found or services.store.alarms.alarm(alarm_id)
    if found is None:
        raise not_found(alarm_id)
    return found
