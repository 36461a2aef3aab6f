"""Any story of findings, people, time, floods and restarts over the real store.

One desk files the findings. Another one over the same store (a second process) does part of what
people do, so that the first one's index is stale at times.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.hub.alarms.kit import ASSETS, DAY, GRAVE, HOUR, NOW, RULES, WARNING, found

from beffroi.adapters.sql import open_store
from beffroi.hub.alarms.desk import Desk, RefusedError
from beffroi.hub.alarms.index import is_group
from beffroi.hub.alarms.lifecycle import ACTIONS, EVENTS
from beffroi.model.alarm import Alarm, AlarmChange, AlarmState, Decision, DecisionKind
from beffroi.model.finding import Severity
from beffroi.model.limits import AUTO_CLOSE_S, FLOOD_ALARMS
from beffroi.ports.store import Batch, StaleVersionError

RULE = st.sampled_from(list(RULES.values()))
ASSET = st.sampled_from([f"a{n}" for n in range(4)])
decisions = st.builds(
    Decision,
    st.sampled_from(list(DecisionKind)),
    st.sampled_from(["", "Mme Martin", "M. Petit"]),
    st.integers(-DAY, 20 * DAY),  # counted from now by the machine
    st.sampled_from(["", "the well is dry"]),
)


class AlarmStory(RuleBasedStateMachine):
    """What a town does with its alarms, and what must stay true whatever it does."""

    @initialize()
    def start(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.store = open_store(f"sqlite:///{Path(self.folder.name) / 'town.sqlite'}")
        self.now = NOW
        self.flooded = 100
        self.known: dict[str, Alarm] = {}
        self.told: list[AlarmChange] = []
        self.desk = self.new_desk()
        self.other = self.new_desk()

    def new_desk(self) -> Desk:
        return Desk(self.store.alarms, RULES, told=self.told.extend)

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            self.folder.cleanup()

    def commit(self, changes: list[AlarmChange]) -> None:
        """As the ingest does it, with the answer of the port to a stale version."""
        try:
            self.store.readings.commit(Batch(alarms=changes))
        except StaleVersionError:
            self.desk.reload()
        else:
            self.desk.settle(changes)

    @rule(rule_=RULE, asset=ASSET, active=st.booleans(), after=st.integers(0, 3 * HOUR))
    def find(self, rule_: object, asset: str, active: bool, after: int) -> None:
        self.now += after
        finding = found(rule_, asset, active, self.now)  # type: ignore[arg-type]
        with self.desk.lock:
            self.commit(self.desk.findings([finding], ASSETS, self.now))

    @rule(rule_=st.sampled_from([GRAVE, WARNING]), count=st.integers(2, 2 * FLOOD_ALARMS))
    def flood(self, rule_: object, count: int) -> None:
        first, self.flooded = self.flooded, self.flooded + count
        findings = [
            found(rule_, f"a{n}", True, self.now)  # type: ignore[arg-type]
            for n in range(first, first + count)
        ]
        with self.desk.lock:
            self.commit(self.desk.findings(findings, ASSETS, self.now))

    @rule(share=st.integers(1, 3))
    def many_clear(self, share: int) -> None:
        ended = [
            found(RULES[a.rule], a.asset, False, self.now)
            for n, a in enumerate(self.desk.open())
            if a.asset and n % share == 0
        ]
        with self.desk.lock:
            self.commit(self.desk.findings(ended, ASSETS, self.now))

    @rule(after=st.sampled_from([1, HOUR, 5 * HOUR, 3 * DAY, AUTO_CLOSE_S * 1000, 10 * DAY]))
    def tick(self, after: int) -> None:
        self.now += after
        with self.desk.lock:
            self.commit(self.desk.tick(self.now))

    @rule(
        pick=st.integers(0, 50),
        action=st.sampled_from(ACTIONS),
        decided=st.none() | decisions,
        elsewhere=st.booleans(),
    )
    def act(self, pick: int, action: str, decided: Decision | None, elsewhere: bool) -> None:
        ids = sorted(self.known)
        if not ids:
            return
        if decided:
            deadline = self.now + decided.deadline_ms
            decided = Decision(decided.kind, decided.owner, deadline, decided.reason)
        elsewhere = elsewhere and action in ("acknowledge", "assign", "comment", "decide")
        desk = self.other if elsewhere else self.desk
        words = {"text": "seen"} if action == "comment" else {}
        words |= {"assignee": "Paul"} if action == "assign" else {}
        try:
            desk.act(ids[pick % len(ids)], action, "jeanne", self.now, decision=decided, **words)
        except RefusedError as refused:
            assert refused.code  # noqa: PT017 (most random acts are refused, and that is fine)

    @rule()
    def restart(self) -> None:
        """Nothing of the desk is lost: a new one sees the same."""
        with self.desk.lock:
            self.desk.reload()
        before = self.desk.open()
        self.desk, self.other = self.new_desk(), self.new_desk()
        assert self.desk.open() == before
        assert self.other.open() == before

    def learn(self) -> None:
        """Versions only grow, one at a time, and what happened has a name."""
        for change in self.told:
            before = self.known.get(change.alarm.id)
            assert change.alarm.version == (before.version if before else 0) + 1
            assert all(event.kind in EVENTS for event in change.events)
            self.known[change.alarm.id] = change.alarm
        self.told.clear()

    @precondition(lambda self: hasattr(self, "store"))
    @invariant()
    def every_alarm_is_open_or_closed_with_a_full_story(self) -> None:
        self.learn()
        opened = {a.id: a for a in self.store.alarms.open_alarms()}
        for alarm_id, alarm in self.known.items():
            if alarm.state is not AlarmState.CLOSED:
                assert opened[alarm_id] == alarm
                continue
            assert alarm_id not in opened
            kinds = [event.kind for event in self.store.alarms.events(alarm_id)]
            assert kinds[0] == "raised"
            assert "closed" in kinds
        assert opened.keys() <= self.known.keys()

    @precondition(lambda self: hasattr(self, "store"))
    @invariant()
    def no_grave_alarm_is_closed_without_a_decision(self) -> None:
        self.learn()
        for alarm in self.known.values():
            if alarm.severity is Severity.GRAVE and alarm.state is AlarmState.CLOSED:
                decision = alarm.decision
                assert decision is not None
                assert decision.owner.strip()
                assert decision.decided_by == "jeanne"
                assert decision.deadline_ms > decision.decided_ms > 0
                assert decision.kind is not DecisionKind.ACCEPT or decision.reason.strip()

    @precondition(lambda self: hasattr(self, "store"))
    @invariant()
    def groups_count_their_members(self) -> None:
        self.learn()
        for group in [a for a in self.known.values() if is_group(a)]:
            members = [a for a in self.known.values() if a.group == group.id]
            assert len(members) == group.members
            if group.state is AlarmState.CLOSED:
                continue
            assert any(m.state is not AlarmState.CLOSED for m in members)

    @precondition(lambda self: hasattr(self, "store"))
    @invariant()
    def one_open_alarm_per_cause(self) -> None:
        self.learn()
        causes = [(a.rule, a.asset) for a in self.store.alarms.open_alarms() if a.asset]
        assert len(causes) == len(set(causes))


TestAlarmStory = AlarmStory.TestCase
TestAlarmStory.settings = settings(
    max_examples=40,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
