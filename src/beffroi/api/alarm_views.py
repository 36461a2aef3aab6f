"""An alarm as people see it: its words in their language, who is who, what may be done now.

Reads the desk and the store; changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from beffroi.api.words import said
from beffroi.hub.alarms import text
from beffroi.hub.alarms.index import is_group
from beffroi.hub.alarms.lifecycle import TABLE, unclosable
from beffroi.hub.alarms.turn import rule_of
from beffroi.hub.coordination import rules as coordination_rules
from beffroi.hub.dispatch.rules import RULES
from beffroi.hub.dispatch.words import cause
from beffroi.hub.house import rules as house_rules
from beffroi.hub.services import Services
from beffroi.model.alarm import Alarm, AlarmEvent, AlarmState
from beffroi.model.finding import Rule, Severity

COMMANDS, COORDINATION = "commands.", "coordination."
SEVERITY_WORD = {Severity.INFO: "info", Severity.WARNING: "warning", Severity.GRAVE: "grave"}


class AlarmView(NamedTuple):
    """`title`, `advice`, `state_name` are in the reader's language; `asset_name` may be ""."""

    alarm: Alarm
    title: str
    advice: str
    source: str
    severity: str
    state_name: str
    asset_name: str
    assignee_name: str
    group: bool
    actions: tuple[str, ...]
    blocked: str  # why it cannot be closed yet, "" when it can

    def as_json(self) -> dict[str, Any]:
        alarm = self.alarm
        return {
            "id": alarm.id,
            "rule": alarm.rule,
            "asset": alarm.asset,
            "asset_name": self.asset_name,
            "domain": alarm.domain,
            "severity": self.severity,
            "state": alarm.state.value,
            "active": alarm.active,
            "raised_ms": alarm.raised_ms,
            "seen_ms": alarm.seen_ms,
            "title": self.title,
            "advice": self.advice,
            "facts": dict(alarm.facts),
            "assignee": alarm.assignee,
            "decision": _decision(alarm),
            "occurrences": alarm.occurrences,
            "group": alarm.group,
            "members": alarm.members,
            "actions": self.actions,
            "version": alarm.version,
        }


class People(NamedTuple):
    """Names of the accounts, for actors and assignees."""

    names: Mapping[str, str]

    def called(self, who: str) -> str:
        return self.names.get(who, who)


def people(services: Services) -> People:
    return People({user.id: user.name for user in services.store.people.users()})


def rules(services: Services) -> dict[str, Rule]:
    found: dict[str, Rule] = {**RULES, **coordination_rules.RULES, **house_rules.RULES}
    for domain in services.domains.values():
        found.update(domain.rules)
    return found


def views(
    services: Services, alarms: Sequence[Alarm], lang: str, who: People | None = None
) -> list[AlarmView]:
    """In the order given. `who` if a page has the names at hand."""
    known, who = rules(services), who or people(services)
    names: dict[str, str] = {}
    for alarm in alarms:
        if alarm.asset and alarm.asset not in names:
            asset = services.store.assets.asset(alarm.asset)
            names[alarm.asset] = asset.name if asset else alarm.asset
    now = services.clock.now_ms()
    labels = {name: said(domain.label, lang) for name, domain in services.domains.items()}
    return [
        _view(
            alarm,
            _spoken(alarm, names, labels, lang),
            known,
            who,
            lang,
            now,
            names.get(alarm.asset, ""),
        )
        for alarm in alarms
    ]


def _spoken(
    alarm: Alarm, names: Mapping[str, str], services_named: Mapping[str, str], lang: str
) -> Alarm:
    """An alarm of the command path with names and words for its ids and codes."""
    facts = dict(alarm.facts)
    if alarm.rule.startswith(COORDINATION):
        told = (services_named.get(one, one) for one in str(facts.get("services", "")).split(", "))
        return replace(alarm, facts=facts | {"services": ", ".join(told)})
    if not alarm.rule.startswith(COMMANDS):
        return alarm
    if alarm.asset and facts.get("target") == alarm.asset:
        facts["target"] = names.get(alarm.asset, alarm.asset)
    if isinstance(facts.get("why"), str):
        facts["why"] = said(cause(str(facts["why"])), lang)
    return replace(alarm, facts=facts)


def _view(
    alarm: Alarm,
    spoken: Alarm,
    known: Mapping[str, Rule],
    who: People,
    lang: str,
    now: int,
    asset_name: str,
) -> AlarmView:
    rule = rule_of(known, alarm.rule)
    blocked = unclosable(alarm, now)
    return AlarmView(
        alarm,
        text.render(spoken, rule, lang),
        text.pick(rule.advice, lang),
        rule.source,
        SEVERITY_WORD[alarm.severity],
        said(text.STATES[alarm.state.value], lang),
        asset_name,
        who.called(alarm.assignee),
        is_group(alarm),
        tuple(action for action, moves in TABLE.items() if alarm.state in moves),
        said(text.REFUSALS[blocked.code], lang) if blocked else "",
    )


def story(services: Services, alarm_id: str) -> list[AlarmEvent]:
    return services.store.alarms.events(alarm_id)


def members(services: Services, group: Alarm) -> list[Alarm]:
    """Of a flood's group: the open ones from the desk, all from the store when it is closed."""
    if group.state is not AlarmState.CLOSED:
        return [alarm for alarm in services.desk.open() if alarm.group == group.id]
    return []


def _decision(alarm: Alarm) -> dict[str, Any] | None:
    if alarm.decision is None:
        return None
    made = alarm.decision
    return {
        "kind": made.kind.value,
        "owner": made.owner,
        "deadline_ms": made.deadline_ms,
        "reason": made.reason,
        "decided_by": made.decided_by,
        "decided_ms": made.decided_ms,
    }
