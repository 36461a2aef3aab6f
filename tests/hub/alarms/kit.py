"""What the alarm tests share: rules, findings and a store that is a dictionary of versions.

The dictionary is for the quick examples only; the state machine runs on the real SQLite store.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from beffroi.model.alarm import Alarm, AlarmChange, AlarmEvent, AlarmState, Decision, DecisionKind
from beffroi.model.asset import Asset, Label
from beffroi.model.finding import Finding, Rule, Severity

NOW = 1_800_000_000_000
HOUR = 3_600_000
DAY = 24 * HOUR


def rule(name: str, severity: Severity, remind_s: int = 3_600, escalate_s: int = 14_400) -> Rule:
    text = Label("Pression {pressure_bar:.1f} bar", "Pressure {pressure_bar:.1f} bar")
    return Rule(name, severity, text, Label("Allez voir.", "Go and see."), remind_s, escalate_s)


GRAVE = rule("town.grave", Severity.GRAVE)
WARNING = rule("town.warning", Severity.WARNING)
INFO = rule("town.info", Severity.INFO, 0, 0)
RULES = {r.id: r for r in (GRAVE, WARNING, INFO)}
ASSETS = {f"a{n}": Asset(f"a{n}", "town", "thing", f"Thing {n}", 2.0, 48.0) for n in range(1_000)}


def found(rule_: Rule, asset: str = "a1", active: bool = True, at_ms: int = NOW) -> Finding:
    return Finding(rule_.id, asset, active, at_ms, {"pressure_bar": 2.04})


def alarm(rule_: Rule = WARNING, state: AlarmState = AlarmState.RAISED, **kw: object) -> Alarm:
    base = Alarm(
        "x1", rule_.id, "a1", "town", rule_.severity, state, True, NOW, NOW, NOW, version=1
    )
    return replace(base, **kw)  # type: ignore[arg-type]


def decision(kind: DecisionKind = DecisionKind.TREAT, **kw: object) -> Decision:
    base = Decision(kind, "Mme Martin", NOW + 7 * DAY, "the pump is old")
    return replace(base, **kw)  # type: ignore[arg-type]


def held(kind: DecisionKind = DecisionKind.TREAT, **kw: object) -> Decision:
    """A decision as the desk keeps it."""
    return replace(decision(kind), decided_by="jeanne", decided_ms=NOW, **kw)  # type: ignore[arg-type]


class Pages:
    """An AlarmStore as short as can be, with the version check of the port."""

    def __init__(self) -> None:
        self.rows: dict[str, Alarm] = {}
        self.stories: dict[str, list[AlarmEvent]] = {}
        self.fail: list[Exception] = []

    def apply(self, changes: Sequence[AlarmChange]) -> None:
        from beffroi.ports.store import StaleVersionError

        if self.fail:
            raise self.fail.pop(0)
        for change in changes:
            known = self.rows.get(change.alarm.id)
            if (known.version if known else 0) != change.alarm.version - 1:
                raise StaleVersionError(change.alarm.id)
        for change in changes:
            self.rows[change.alarm.id] = change.alarm
            self.stories.setdefault(change.alarm.id, []).extend(change.events)

    def alarm(self, alarm_id: str) -> Alarm | None:
        return self.rows.get(alarm_id)

    def open_alarms(self) -> list[Alarm]:
        return [a for a in self.rows.values() if a.state is not AlarmState.CLOSED]

    def alarms(
        self,
        states: Sequence[str],
        domain: str = "",
        asset: str = "",
        limit: int = 100,
        before_ms: int = 0,
        before_id: str = "",
    ) -> list[Alarm]:
        return [a for a in self.rows.values() if a.state in states][:limit]

    def events(self, alarm_id: str) -> list[AlarmEvent]:
        return self.stories.get(alarm_id, [])

    def kinds(self, alarm_id: str) -> list[str]:
        return [e.kind for e in self.events(alarm_id)]
