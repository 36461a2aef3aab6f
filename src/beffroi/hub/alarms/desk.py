"""The alarm desk: an index of open alarms over the store, and the one place that changes them.

Decisions are made elsewhere (`lifecycle` for people, `course` and `turn` for the hub). Here they
become durable in the right order: under the lock, the store first, the index after.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from beffroi.hub.alarms import lifecycle
from beffroi.hub.alarms.index import Flaps, Index, is_group
from beffroi.hub.alarms.lifecycle import Act, Refusal
from beffroi.hub.alarms.turn import Turn, rule_of
from beffroi.model.alarm import Alarm, AlarmChange, AlarmState, Decision
from beffroi.model.asset import Asset
from beffroi.model.finding import Finding, Rule
from beffroi.model.limits import CLOSED_READ_BACK_MAX
from beffroi.ports.store import AlarmStore, StaleVersionError

TRIES = 2  # a second process changed the alarm: read again once, then tell the person


class RefusedError(Exception):
    """The action is not possible in this state; `code` is for translation, the text for logs."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


def _new_id() -> str:
    return secrets.token_hex(8)


def _told_nobody(changes: Sequence[AlarmChange]) -> None:
    """Without a herald the alarms are on the desk only."""


class Desk:
    """Hold `lock` from `findings`/`tick` until their changes are committed; then call `settle`
    (or `reload` after a failed commit). `act` does all that itself.

    `told` is called with changes once they are durable, still under the lock: it must not block.
    """

    def __init__(
        self,
        store: AlarmStore,
        rules: Mapping[str, Rule],
        *,
        told: Callable[[Sequence[AlarmChange]], None] = _told_nobody,
        new_id: Callable[[], str] = _new_id,
    ) -> None:
        self.lock = threading.Lock()
        self._store = store
        self._rules = rules
        self._told = told
        self._new_id = new_id
        self.reload()

    def findings(
        self, findings: Sequence[Finding], assets: Mapping[str, Asset], now_ms: int
    ) -> list[AlarmChange]:
        """Changes that the findings ask for (raise, recur, clear, group a flood)."""
        turn = self._turn(now_ms)
        for finding in findings:
            turn.find(finding, assets.get(finding.asset))
        return turn.changes()

    def tick(self, now_ms: int) -> list[AlarmChange]:
        """Reminders and escalations that are due, and what resolves or closes by itself."""
        turn = self._turn(now_ms)
        turn.pass_time()
        return turn.changes()

    def settle(self, changes: Sequence[AlarmChange]) -> None:
        """The changes are durable: the index follows."""
        if not changes:
            return
        for change in changes:
            self._index.put(change.alarm)
        self._flaps.forget(changes)
        self._visible = self._index.in_order()
        self._told(changes)

    def reload(self) -> None:
        """Read the index again from the store."""
        closed = self._store.alarms([AlarmState.CLOSED.value], limit=CLOSED_READ_BACK_MAX)
        self._index = Index(self._store.open_alarms(), (a for a in closed if a.active))
        self._flaps = Flaps()
        self._visible = self._index.in_order()

    def open(self) -> Sequence[Alarm]:
        """All that is not closed, gravest and oldest first. Members of a group are listed too."""
        return self._visible

    def act(
        self,
        alarm_id: str,
        action: str,  # acknowledge, assign, comment, decide, resolve, close, reopen
        actor: str,
        now_ms: int,
        *,
        text: str = "",
        assignee: str = "",
        decision: Decision | None = None,
    ) -> Alarm:
        """Do it durably, or raise RefusedError. On a group it is done to its members as well."""
        act = Act(action, actor, now_ms, text, assignee, decision)
        with self.lock:
            for _ in range(TRIES):
                try:
                    changes = self._acted(alarm_id, act)
                    self._store.apply(changes)
                except StaleVersionError:
                    self.reload()
                    continue
                except RefusedError:
                    raise
                except BaseException:
                    self.reload()  # the turn has moved the index ahead of the store
                    raise
                self.settle(changes)
                return next(c.alarm for c in changes if c.alarm.id == alarm_id)
        raise RefusedError("stale", "somebody else changed this alarm meanwhile: look again")

    def _turn(self, now_ms: int) -> Turn:
        return Turn(self._index, self._flaps, self._rules, self._new_id, now_ms)

    def _acted(self, alarm_id: str, act: Act) -> list[AlarmChange]:
        alarm = self._index.alarms.get(alarm_id) or self._store.alarm(alarm_id)
        if alarm is None:
            raise RefusedError("unknown_alarm", f"there is no alarm {alarm_id!r}")
        if act.action == "reopen" and alarm.state is AlarmState.CLOSED:
            self._check_reopen(alarm)
        outcome = lifecycle.decide(alarm, act, rule_of(self._rules, alarm.rule))
        if isinstance(outcome, Refusal):
            raise RefusedError(outcome.code, outcome.text)
        outcomes = [outcome]
        if is_group(alarm) and act.action != "comment":
            outcomes += self._acted_on_members(outcome.alarm, act)
        turn = self._turn(act.now_ms)  # from here on nothing is refused
        for change in outcomes:
            turn.put(change)
        return turn.changes()

    def _check_reopen(self, alarm: Alarm) -> None:
        if is_group(alarm):
            raise RefusedError("group_closed", "reopen the alarms that the group stood for")
        if self._index.of_cause(alarm.rule, alarm.asset):
            raise RefusedError("newer_open", "a newer alarm of the same cause is open: use that")

    def _acted_on_members(self, group: Alarm, act: Act) -> list[AlarmChange]:
        """Members that cannot follow are left as they are, but a group closes whole or not."""
        act = replace(act, text="", decision=act.decision if act.action == "decide" else None)
        outcomes = []
        for member in self._index.members(group.id):
            if act.action == "decide" and member.decision is not None:
                continue  # what was decided for one alarm is not overruled by its group
            outcome = self._acted_on_member(member, group, act)
            if isinstance(outcome, AlarmChange):
                outcomes.append(outcome)
            elif act.action == "close":
                raise RefusedError(outcome.code, f"alarm {member.id} of the group: {outcome.text}")
        return outcomes

    def _acted_on_member(self, member: Alarm, group: Alarm, act: Act) -> AlarmChange | Refusal:
        rule = rule_of(self._rules, member.rule)
        if act.action != "close" or member.decision or not group.decision:
            return lifecycle.decide(member, act, rule)
        # It joined after the group's decision: that decision covers it, and its story says so.
        inherits = lifecycle.inherited(member, group.decision, act)
        outcome = lifecycle.decide(inherits.alarm, act, rule)
        return outcome if isinstance(outcome, Refusal) else lifecycle.merged(inherits, outcome)
