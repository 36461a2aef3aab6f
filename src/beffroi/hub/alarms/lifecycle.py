"""What people may do with an alarm: one transition table and the guards of grave alarms. Pure.

Refuses to know stores, clocks and locks: `now_ms` comes in, a change or a refusal comes out.
What the hub does by itself (raise, clear, remind) is in `course`, floods are in `flood`.

A grave alarm is closed only with a decision that has an owner and a deadline; and while its cause
still holds, only when that decision is to accept the risk (with a reason) or to transfer it. A
"treat" or "stop" whose cause still shows has not worked yet: closing it would write into the
record that a danger was over while the sensors said the opposite.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from beffroi.model.alarm import Alarm, AlarmChange, AlarmEvent, AlarmState, Decision, DecisionKind
from beffroi.model.finding import Rule, Severity
from beffroi.model.limits import (
    COMMENT_CHARS_MAX,
    DECISION_DAYS_MAX,
    ESCALATIONS_MAX,
    PERSON_CHARS_MAX,
)
from beffroi.model.measure import DAY_MS

HUB = "hub"  # the actor of what nobody did
S = AlarmState

# action -> state before -> state after. What is not here is refused.
TABLE: Mapping[str, Mapping[AlarmState, AlarmState]] = MappingProxyType(
    {
        "acknowledge": {S.RAISED: S.ACKNOWLEDGED},
        "assign": {S.RAISED: S.ASSIGNED, S.ACKNOWLEDGED: S.ASSIGNED, S.ASSIGNED: S.ASSIGNED},
        "comment": {state: state for state in S},
        "decide": {
            S.RAISED: S.ACKNOWLEDGED,  # who decides has seen it
            S.ACKNOWLEDGED: S.ACKNOWLEDGED,
            S.ASSIGNED: S.ASSIGNED,
            S.RESOLVED: S.RESOLVED,
        },
        "resolve": {
            S.RAISED: S.RESOLVED,
            S.ACKNOWLEDGED: S.RESOLVED,
            S.ASSIGNED: S.RESOLVED,
        },
        "close": {
            S.RAISED: S.CLOSED,
            S.ACKNOWLEDGED: S.CLOSED,
            S.ASSIGNED: S.CLOSED,
            S.RESOLVED: S.CLOSED,
        },
        "reopen": {S.RESOLVED: S.RAISED, S.CLOSED: S.RAISED},
    }
)
ACTIONS = tuple(TABLE)
PAST = MappingProxyType(
    {
        "acknowledge": "acknowledged",
        "assign": "assigned",
        "comment": "comment",
        "decide": "decided",
        "resolve": "resolved",
        "close": "closed",
        "reopen": "reopened",
    }
)
EVENTS = (
    *PAST.values(),
    "raised",
    "recurred",
    "flapping",  # from here on changes are counted, not told
    "cleared",
    "reminded",
    "escalated",
    "overdue",  # the deadline of the decision has passed
    "lapsed",  # closed while the cause held, and now it is due again
    "grouped",  # a group stands for it
    "grew",  # a group stands for more alarms than before
)
HOLDING = frozenset({DecisionKind.ACCEPT, DecisionKind.TRANSFER})  # may close while active


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why not. `code` is for translation (`text.REFUSALS`), `text` for logs."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody asks for."""

    action: str
    actor: str
    now_ms: int
    text: str = ""
    assignee: str = ""
    decision: Decision | None = None  # for "decide"; with "close" it is decided first


def decide(alarm: Alarm, act: Act, rule: Rule) -> AlarmChange | Refusal:
    """The alarm after the act with its events (version + 1), or why the act is refused."""
    refused = _unfit(act) or _impossible(alarm, act)
    if refused:
        return refused
    if act.action == "close" and act.decision is not None:
        first = decide(alarm, replace(act, action="decide", text=""), rule)
        if isinstance(first, Refusal):
            return first
        second = decide(first.alarm, replace(act, decision=None), rule)
        return second if isinstance(second, Refusal) else merged(first, second)
    if act.action == "close" and (refused := unclosable(alarm, act.now_ms)):
        return refused
    after = scheduled(_changed(alarm, act), rule, act.now_ms)
    if act.action == "comment":  # a remark takes nobody's work off the list
        after = replace(after, remind_ms=alarm.remind_ms, escalate_ms=alarm.escalate_ms)
    return AlarmChange(after, (_event(alarm, act),))


def unclosable(alarm: Alarm, now_ms: int) -> Refusal | None:
    """Why a grave alarm may not be closed yet; None for all others."""
    if alarm.severity < Severity.GRAVE:
        return None
    decision = alarm.decision
    if decision is None:
        return Refusal("needs_decision", "a grave alarm is closed only after a decision")
    if not alarm.active:
        return None
    if decision.kind not in HOLDING:
        return Refusal("cause_holds", f"the cause still holds: {decision.kind} has not worked yet")
    if decision.deadline_ms <= now_ms:
        return Refusal("decision_overdue", "the cause holds and the decision's deadline has passed")
    return None


def scheduled(alarm: Alarm, rule: Rule, now_ms: int) -> Alarm:
    """The alarm with its next reminder and escalation, from its state alone."""
    remind, escalate = 0, 0
    if alarm.state is S.RAISED:
        remind = now_ms + rule.remind_s * 1000 if rule.remind_s > 0 else 0
        escalate = now_ms + rule.escalate_s * 1000 if rule.escalate_s > 0 else 0
    elif alarm.state is not S.CLOSED and alarm.decision is not None:
        remind = alarm.decision.deadline_ms
        escalate = remind + rule.escalate_s * 1000 if rule.escalate_s > 0 else 0
    elif alarm.state is not S.CLOSED and alarm.severity is Severity.GRAVE:
        # Somebody has it in hand, but nothing is decided: it must not be forgotten.
        remind = now_ms + rule.escalate_s * 1000 if rule.escalate_s > 0 else 0
    if alarm.escalation >= ESCALATIONS_MAX:
        escalate = 0
    return replace(alarm, remind_ms=remind, escalate_ms=escalate)


def merged(first: AlarmChange, second: AlarmChange) -> AlarmChange:
    """Two changes of one alarm as one stored change."""
    alarm = replace(second.alarm, version=first.alarm.version)
    return AlarmChange(alarm, first.events + second.events)


def inherited(alarm: Alarm, decision: Decision, act: Act) -> AlarmChange:
    """The alarm under a decision that was taken for its group."""
    after = replace(alarm, decision=decision, version=alarm.version + 1)
    event = AlarmEvent(alarm.id, act.now_ms, act.actor, "decided", data=_told(decision))
    return AlarmChange(after, (event,))


def _changed(alarm: Alarm, act: Act) -> Alarm:
    after = replace(alarm, state=TABLE[act.action][alarm.state], version=alarm.version + 1)
    if act.action == "comment":  # a remark does not change the alarm
        return after
    after = replace(after, changed_ms=act.now_ms)
    if act.action == "assign":
        return replace(after, assignee=act.assignee.strip())
    if act.action == "decide" and act.decision is not None:
        d = act.decision
        kept = replace(d, owner=d.owner.strip(), reason=d.reason.strip())
        return replace(after, decision=replace(kept, decided_by=act.actor, decided_ms=act.now_ms))
    if act.action == "reopen":  # what was decided did not hold; the story keeps it
        return replace(after, decision=None, escalation=0)
    return after


def _event(alarm: Alarm, act: Act) -> AlarmEvent:
    data: dict[str, float | str] = {}
    if act.action == "assign":
        data = {"assignee": act.assignee.strip()}
    elif act.action == "decide" and act.decision is not None:
        data = _told(act.decision)
    elif act.action in ("resolve", "close"):
        data = {"cause_holds": float(alarm.active)}
    return AlarmEvent(alarm.id, act.now_ms, act.actor, PAST[act.action], act.text.strip(), data)


def _told(decision: Decision) -> dict[str, float | str]:
    return {
        "kind": decision.kind.value,
        "owner": decision.owner.strip(),
        "deadline_ms": decision.deadline_ms,
        "reason": decision.reason.strip(),
    }


def _impossible(alarm: Alarm, act: Act) -> Refusal | None:
    if act.action not in TABLE:
        return Refusal("unknown_action", f"no action {act.action!r}; there are {ACTIONS}")
    if alarm.state not in TABLE[act.action]:
        return Refusal("wrong_state", f"cannot {act.action} an alarm that is {alarm.state}")
    return None


def _unfit(act: Act) -> Refusal | None:
    """The words of the act, whatever the alarm."""
    if not act.actor.strip() or act.actor == HUB or len(act.actor) > PERSON_CHARS_MAX:
        return Refusal("who", "the actor must be a signed-in person")
    if len(act.text) > COMMENT_CHARS_MAX:
        return Refusal("text_too_long", f"at most {COMMENT_CHARS_MAX} characters")
    if act.action == "comment" and not act.text.strip():
        return Refusal("text_missing", "a comment needs words")
    if act.action == "assign" and not act.assignee.strip():
        return Refusal("assignee_missing", "name the person who takes it")
    if len(act.assignee) > PERSON_CHARS_MAX:
        return Refusal("text_too_long", f"a name has at most {PERSON_CHARS_MAX} characters")
    if not all(map(readable, (act.actor, act.text, act.assignee))):
        return Refusal("text_unreadable", "control characters are not text")
    if act.action == "decide" and act.decision is None:
        return Refusal("needs_decision", "say what is decided")
    return _unfit_decision(act.decision, act.now_ms) if act.decision else None


def _unfit_decision(decision: Decision, now_ms: int) -> Refusal | None:
    if decision.kind not in tuple(DecisionKind):
        return Refusal("decision_kind", f"decide one of {[k.value for k in DecisionKind]}")
    if not decision.owner.strip():
        return Refusal("owner_missing", "a decision needs an owner")
    if decision.kind is DecisionKind.ACCEPT and not decision.reason.strip():
        return Refusal("reason_missing", "accepting a risk needs a reason")
    if decision.deadline_ms <= now_ms:
        return Refusal("deadline_past", "the deadline must be in the future")
    if decision.deadline_ms > now_ms + DECISION_DAYS_MAX * DAY_MS:
        return Refusal("deadline_far", f"the deadline is at most {DECISION_DAYS_MAX} days away")
    if len(decision.owner) > PERSON_CHARS_MAX or len(decision.reason) > COMMENT_CHARS_MAX:
        return Refusal("text_too_long", "owner or reason is too long")
    if not (readable(decision.owner) and readable(decision.reason)):
        return Refusal("text_unreadable", "control characters are not text")
    return None


def readable(text: str) -> bool:
    """No control characters (a NUL breaks PostgreSQL) and no lone surrogates (no UTF-8)."""
    return all(c in "\n\r\t" or unicodedata.category(c) not in ("Cc", "Cs") for c in text)
