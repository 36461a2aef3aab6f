"""Whom an alarm's event concerns and what they are told. Pure: `herald` sends it.

INFO disturbs nobody. A warning goes to the operators, a grave alarm also to the administrators.
A reminder goes to who has the alarm in hand. Each escalation reaches further: first the
administrators, then everybody who can act. An alarm inside a group is silent: its group speaks.
"""

from __future__ import annotations

from collections.abc import Sequence

from beffroi.hub.alarms import text
from beffroi.model.alarm import Alarm, AlarmChange, AlarmEvent, AlarmState
from beffroi.model.finding import Rule, Severity
from beffroi.ports.notify import Notice
from beffroi.ports.store import User

ACTING = ("operator", "admin")
# The events that people are told of, the most urgent first: one message per person and change.
TOLD = ("raised", "escalated", "overdue", "recurred", "grew", "reminded", "assigned")


def notices(change: AlarmChange, rule: Rule, users: Sequence[User]) -> list[Notice]:
    """The messages that a stored change asks for, at most one to each person."""
    alarm = change.alarm
    if alarm.group or alarm.state is AlarmState.CLOSED or alarm.severity is Severity.INFO:
        return []
    found: dict[str, Notice] = {}
    for kind in TOLD:
        for event in change.events:
            if event.kind == kind:
                for user in concerned(alarm, event, users):
                    found.setdefault(user.id, _notice(alarm, event, rule, user))
    return list(found.values())


def concerned(alarm: Alarm, event: AlarmEvent, users: Sequence[User]) -> list[User]:
    """Who is told of one event. Never nobody while there is an active account that can act."""
    able = [user for user in users if _of_the_commune(user) and user.role in ACTING]
    if event.kind == "escalated":
        admins = [user for user in able if user.role == "admin"]
        return admins if alarm.escalation <= 1 and admins else able
    named = _named(alarm, event, able)
    if event.kind == "assigned":
        return [user for user in named if user.id != event.actor]
    if event.kind == "overdue":
        return list(dict.fromkeys([*named, *(u for u in able if u.role == "admin")])) or able
    if event.kind == "reminded" and named:
        return named
    if event.kind == "recurred" and alarm.state is not AlarmState.RAISED:
        return []  # somebody has it in hand
    if alarm.severity is Severity.GRAVE:
        return able
    return [user for user in able if user.role == "operator"] or able


def _of_the_commune(user: User) -> bool:
    """Another body has its own way of being told; mail is not asked of the policies."""
    return user.active and user.organisation == "commune"


def _named(alarm: Alarm, event: AlarmEvent, able: Sequence[User]) -> list[User]:
    """The accounts that the alarm names, by identifier or by name."""
    names = {alarm.assignee}
    if event.kind != "assigned" and alarm.decision is not None:
        names.add(alarm.decision.owner)
    names.discard("")
    return [user for user in able if {user.id, user.name} & names]


def _notice(alarm: Alarm, event: AlarmEvent, rule: Rule, user: User) -> Notice:
    lang = user.lang
    what = text.render(alarm, rule, lang)
    severity = text.pick(text.SEVERITIES[alarm.severity.name.lower()], lang)
    happened = text.pick(text.EVENTS[event.kind], lang)
    subject = " ".join(f"[Beffroi] {severity} – {happened} – {what}".split())
    where = f"{'Asset' if lang == 'en' else 'Équipement'} : {alarm.asset}" if alarm.asset else ""
    number = f"{'Alarm' if lang == 'en' else 'Alarme'} : {alarm.id}"
    lines = [f"{happened}.", what, "", text.pick(rule.advice, lang), "", where, number]
    body = "\n".join(line for n, line in enumerate(lines) if line or lines[n - 1])
    return Notice(user.id, user.email, subject, body + "\n", alarm.id, event.kind, event.at_ms)
