"""One turn of the desk: the changes that belong in one transaction, each alarm at most once.

Changes of the same alarm within a turn are merged: the store sees one new version and all events.
Floods are gathered into groups here, and groups follow their members.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from beffroi.hub.alarms import course
from beffroi.hub.alarms.index import Flaps, Index, is_group
from beffroi.hub.alarms.lifecycle import HUB, merged, scheduled
from beffroi.model.alarm import Alarm, AlarmChange, AlarmEvent, AlarmState
from beffroi.model.asset import Asset, Label
from beffroi.model.finding import Finding, Rule, Severity
from beffroi.model.limits import FLOOD_ALARMS, FLOOD_WINDOW_S

WINDOW_MS = FLOOD_WINDOW_S * 1000


def rule_of(rules: Mapping[str, Rule], name: str) -> Rule:
    """A finding of a rule nobody declares is a fault of the code: shown, not dropped."""
    return rules.get(name) or Rule(
        name,
        Severity.WARNING,
        Label(f"Règle inconnue {name}", f"Unknown rule {name}"),
        Label("Prévenez qui maintient le logiciel.", "Tell whoever maintains the software."),
    )


class Turn:
    """Collects the changes of one call; `changes` hands them over, groups first."""

    def __init__(
        self,
        index: Index,
        flaps: Flaps,
        rules: Mapping[str, Rule],
        new_id: Callable[[], str],
        now_ms: int,
    ) -> None:
        self._index = index
        self._flaps = flaps
        self._rules = rules
        self._new_id = new_id
        self._now_ms = now_ms
        self._changes: dict[str, AlarmChange] = {}
        self._fresh: dict[str, list[str]] = {}  # rule -> ids raised in this turn

    def rule(self, name: str) -> Rule:
        return rule_of(self._rules, name)

    def put(self, change: AlarmChange) -> None:
        """File a change; a second one of the same alarm becomes part of the first."""
        known = self._changes.pop(change.alarm.id, None)
        change = merged(known, change) if known else change
        self._changes[change.alarm.id] = change
        self._index.put(change.alarm)

    def changes(self) -> list[AlarmChange]:
        self._gather()
        self._follow()
        return sorted(self._changes.values(), key=lambda c: not is_group(c.alarm))

    def find(self, finding: Finding, asset: Asset | None) -> None:
        """Raise, recur or clear: what one finding asks for."""
        known = self._index.of_cause(finding.rule, finding.asset)
        rule = self.rule(finding.rule)
        if known is None:
            self._find_closed(finding, rule, asset)
        elif finding.active and not known.active:
            told = self._flaps.say(known.id, "recurred", self._now_ms)
            self.put(course.recurred(known, finding, rule, self._now_ms, told=told))
        elif known.active and not finding.active:
            told = self._flaps.say(known.id, "cleared", self._now_ms)
            self.put(course.cleared(known, finding, rule, self._now_ms, told=told))

    def pass_time(self) -> None:
        """Reminders, escalations, what resolves and closes by itself, what comes back."""
        for alarm in list(self._index.alarms.values()):
            silent = alarm.group in self._index.alarms
            change = course.due(alarm, self.rule(alarm.rule), self._now_ms, silent=silent)
            if change is None:
                continue
            closes = change.alarm.state is AlarmState.CLOSED
            if not (closes and self._index.members(alarm.id)):  # a group waits for its members
                self.put(change)
        for closed in list(self._index.standing.values()):
            if course.standing_until(closed) <= self._now_ms:
                self._come_back(closed, closed.facts)

    def _find_closed(self, finding: Finding, rule: Rule, asset: Asset | None) -> None:
        closed = self._index.standing.get((finding.rule, finding.asset))
        if closed is None:
            if finding.active:
                domain = asset.domain if asset else finding.rule.partition(".")[0]
                self._raise(finding, rule, domain, asset.commune if asset else "commune")
        elif not finding.active:
            gone = replace(closed, active=False, version=closed.version + 1)
            event = AlarmEvent(closed.id, self._now_ms, HUB, "cleared", data=finding.facts)
            self.put(AlarmChange(gone, (event,)))
        elif course.standing_until(closed) <= self._now_ms:
            self._come_back(closed, finding.facts)

    def _raise(self, finding: Finding, rule: Rule, domain: str, commune: str) -> str:
        new_id = self._new_id()
        self.put(course.raised(finding, rule, new_id, self._now_ms, domain=domain, commune=commune))
        self._fresh.setdefault(finding.rule, []).append(new_id)
        return new_id

    def _come_back(self, closed: Alarm, facts: Mapping[str, float | str]) -> None:
        """What was accepted or set aside for a time is due: a new alarm takes the cause over."""
        gone = replace(closed, active=False, version=closed.version + 1)
        finding = Finding(closed.rule, closed.asset, True, self._now_ms, facts)
        new_id = self._raise(finding, self.rule(closed.rule), closed.domain, closed.commune)
        event = AlarmEvent(closed.id, self._now_ms, HUB, "lapsed", data={"alarm": new_id})
        self.put(AlarmChange(gone, (event,)))

    def _gather(self) -> None:
        """More than FLOOD_ALARMS new alarms of one rule: a group stands for them."""
        for name, fresh in self._fresh.items():
            recent = self._recent(name)
            loose = [a for a in recent if not a.group and a.state is AlarmState.RAISED]
            groups = [a.group for a in recent if a.group in self._index.alarms]
            if groups:  # the flood goes on: a member came within FLOOD_WINDOW_S
                new = set(fresh)
                self._join(self._index.alarms[groups[0]], [a for a in loose if a.id in new])
            elif len(loose) > FLOOD_ALARMS:
                self._join(self._new_group(loose[-1]), loose)

    def _recent(self, rule: str) -> list[Alarm]:
        """Its alarms of the last FLOOD_WINDOW_S, newest first, without groups."""
        since = self._now_ms - WINDOW_MS
        alarms = self._index.newest_of_rule(rule)
        return [a for a in alarms if a.seen_ms > since and not is_group(a)]

    def _new_group(self, first: Alarm) -> Alarm:
        return replace(
            first, id=self._new_id(), asset="", state=AlarmState.RAISED, version=0,
            active=True, seen_ms=self._now_ms, changed_ms=self._now_ms, facts={}, group="",
            assignee="", decision=None, occurrences=1, escalation=0, members=0,
        )  # fmt: skip

    def _join(self, group: Alarm, loose: list[Alarm]) -> None:
        if not loose:
            return
        rule = self.rule(group.rule)
        members = group.members + len(loose)
        counted = replace(group, members=members, facts={"members": float(members)})
        if group.version == 0:
            self.put(course.opened(counted, rule, self._now_ms))
        else:
            grew = members.bit_length() > group.members.bit_length()
            event = AlarmEvent(group.id, self._now_ms, HUB, "grew", data=counted.facts)
            after = replace(counted, version=group.version + 1, changed_ms=self._now_ms)
            if group.state is AlarmState.RESOLVED:  # it was thought over, and it is not
                after = scheduled(
                    replace(after, state=AlarmState.RAISED, active=True), rule, self._now_ms
                )
            self.put(AlarmChange(after, (event,) if grew or after.state is not group.state else ()))
        for alarm in loose:
            inside = replace(alarm, group=group.id, version=alarm.version + 1)
            event = AlarmEvent(alarm.id, self._now_ms, HUB, "grouped", data={"group": group.id})
            self.put(AlarmChange(inside, (event,)))

    def _follow(self) -> None:
        """A group's cause holds while that of a member does; it closes with its last member."""
        groups = {c.alarm.group for c in self._changes.values() if c.alarm.group}
        for group_id in sorted(groups & self._index.alarms.keys()):
            group, members = self._index.alarms[group_id], self._index.members(group_id)
            rule = self.rule(group.rule)
            active = any(m.active for m in members)
            finding = Finding(group.rule, "", active, self._now_ms)
            if not members:
                self._close_group(group)
            elif active and not group.active:
                told = self._flaps.say(group.id, "recurred", self._now_ms)
                self.put(course.recurred(group, finding, rule, self._now_ms, told=told))
            elif group.active and not active:
                told = self._flaps.say(group.id, "cleared", self._now_ms)
                self.put(course.cleared(group, finding, rule, self._now_ms, told=told))

    def _close_group(self, group: Alarm) -> None:
        """All members are closed. A grave group takes over the decision of the last of them."""
        last = [
            c.alarm.decision
            for c in self._changes.values()
            if c.alarm.group == group.id and c.alarm.decision
        ]
        decision = group.decision or (last[-1] if last else None)
        if group.severity is Severity.GRAVE and decision is None:
            return
        after = replace(
            group, state=AlarmState.CLOSED, active=False, decision=decision, remind_ms=0,
            escalate_ms=0, changed_ms=self._now_ms, version=group.version + 1,
        )  # fmt: skip
        event = AlarmEvent(group.id, self._now_ms, HUB, "closed", data={"with_members": 1.0})
        self.put(AlarmChange(after, (event,)))
