"""The open alarms in memory, by identity, cause, rule and group. A copy: the store is the truth.

Refuses to know the rules of the life: it files what it is given.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from beffroi.model.alarm import Alarm, AlarmChange, AlarmState
from beffroi.model.limits import FLAP_EVENTS_MAX, FLAP_WINDOW_S

Cause = tuple[str, str]  # rule, asset


def is_group(alarm: Alarm) -> bool:
    """A group stands for a flood and has no cause of its own."""
    return alarm.members > 0


class Index:
    """Open alarms, and the closed ones whose cause still held when they were closed."""

    def __init__(self, opened: Iterable[Alarm] = (), closed: Iterable[Alarm] = ()) -> None:
        self.alarms: dict[str, Alarm] = {}
        self.standing: dict[Cause, Alarm] = {}
        self._of_cause: dict[Cause, str] = {}
        self._of_rule: dict[str, dict[str, None]] = {}  # in the order they came
        self._members: dict[str, set[str]] = {}
        for alarm in sorted(closed, key=lambda a: a.seen_ms):
            self.put(alarm)
        for alarm in sorted(opened, key=lambda a: a.seen_ms):
            self.put(alarm)

    def put(self, alarm: Alarm) -> None:
        """File the newest value of an alarm."""
        cause = (alarm.rule, alarm.asset)
        if alarm.state is AlarmState.CLOSED:
            self._drop(alarm, cause)
            return
        self.alarms[alarm.id] = alarm
        self._of_rule.setdefault(alarm.rule, {})[alarm.id] = None
        if not is_group(alarm):
            self._of_cause[cause] = alarm.id
            self.standing.pop(cause, None)
        if alarm.group:
            self._members.setdefault(alarm.group, set()).add(alarm.id)

    def of_cause(self, rule: str, asset: str) -> Alarm | None:
        found = self._of_cause.get((rule, asset))
        return self.alarms[found] if found else None

    def members(self, group: str) -> list[Alarm]:
        """Open alarms that the group stands for, in the order of their ids."""
        return [self.alarms[m] for m in sorted(self._members.get(group, ()))]

    def newest_of_rule(self, rule: str) -> Iterator[Alarm]:
        """Open alarms and groups of the rule, the last one that came first."""
        return (self.alarms[i] for i in reversed(self._of_rule.get(rule, {})))

    def in_order(self) -> tuple[Alarm, ...]:
        """Gravest and oldest first."""
        return tuple(sorted(self.alarms.values(), key=lambda a: (-a.severity, a.seen_ms, a.id)))

    def _drop(self, alarm: Alarm, cause: Cause) -> None:
        self.alarms.pop(alarm.id, None)
        self._of_rule.get(alarm.rule, {}).pop(alarm.id, None)
        self._members.pop(alarm.id, None)
        if alarm.group in self._members:
            self._members[alarm.group].discard(alarm.id)
        if self._of_cause.get(cause) == alarm.id:
            del self._of_cause[cause]
        holder = self.standing.get(cause)
        if alarm.active and not is_group(alarm) and cause not in self._of_cause:
            self.standing[cause] = alarm
        elif holder is not None and holder.id == alarm.id:
            del self.standing[cause]


class Flaps:
    """How much of an alarm's coming and going its story still tells."""

    def __init__(self) -> None:
        self._told: dict[str, deque[int]] = {}

    def say(self, alarm_id: str, kind: str, now_ms: int) -> str:
        """`kind`, or "flapping" for the last event of the window, or "": count it only."""
        told = self._told.setdefault(alarm_id, deque())
        while told and told[0] <= now_ms - FLAP_WINDOW_S * 1000:
            told.popleft()
        if len(told) > FLAP_EVENTS_MAX:
            return ""
        told.append(now_ms)
        return kind if len(told) <= FLAP_EVENTS_MAX else "flapping"

    def forget(self, changes: Iterable[AlarmChange]) -> None:
        """Closed alarms do not flap."""
        for change in changes:
            if change.alarm.state is AlarmState.CLOSED:
                self._told.pop(change.alarm.id, None)
