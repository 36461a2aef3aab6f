"""The desk as conversations: finding or act in, alarms and stories out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from tests.hub.alarms.kit import (
    ASSETS,
    DAY,
    GRAVE,
    HOUR,
    INFO,
    NOW,
    RULES,
    WARNING,
    Pages,
    decision,
    found,
)

from beffroi.hub.alarms.desk import Desk, RefusedError
from beffroi.hub.alarms.index import is_group
from beffroi.model.alarm import Alarm, AlarmState, DecisionKind
from beffroi.model.finding import Finding, Rule
from beffroi.model.limits import (
    AUTO_CLOSE_S,
    FLAP_EVENTS_MAX,
    FLAP_WINDOW_S,
    FLOOD_ALARMS,
    FLOOD_WINDOW_S,
    STANDING_S,
)
from beffroi.ports.store import StaleVersionError, StoreError

S = AlarmState


class Town:
    """A desk over a store, and what the ingest loop does with it."""

    def __init__(self) -> None:
        self.store = Pages()
        self.ids = 0
        self.desk = Desk(self.store, RULES, new_id=self.next_id)

    def next_id(self) -> str:
        self.ids += 1
        return f"n{self.ids:04}"

    def find(self, *findings: Finding, now: int = NOW) -> list[Alarm]:
        with self.desk.lock:
            changes = self.desk.findings(findings, ASSETS, now)
            self.store.apply(changes)
            self.desk.settle(changes)
        return [c.alarm for c in changes]

    def tick(self, now: int) -> list[Alarm]:
        with self.desk.lock:
            changes = self.desk.tick(now)
            self.store.apply(changes)
            self.desk.settle(changes)
        return [c.alarm for c in changes]

    def restart(self) -> None:
        self.desk = Desk(self.store, RULES, new_id=self.next_id)

    def flood(self, rule: Rule, count: int, now: int = NOW, first: int = 1) -> Alarm:
        self.find(*(found(rule, f"a{n}") for n in range(first, first + count)), now=now)
        return next(a for a in self.desk.open() if is_group(a))

    def act(self, alarm_id: str, action: str, now: int = NOW, **kw: object) -> Alarm:
        return self.desk.act(alarm_id, action, "jeanne", now, **kw)  # type: ignore[arg-type]


@pytest.fixture
def town() -> Town:
    return Town()


def only(alarms: Sequence[Alarm]) -> Alarm:
    assert len(alarms) == 1
    return alarms[0]


def test_a_finding_raises_once(town: Town) -> None:
    town.find(found(GRAVE), found(GRAVE))
    a = only(town.desk.open())
    assert (a.state, a.active, a.version, a.domain) == (S.RAISED, True, 1, "town")
    assert town.find(found(GRAVE)) == []  # it still holds: nothing new


def test_warning_clears_resolves_and_closes_by_itself_but_grave_waits(town: Town) -> None:
    town.find(found(WARNING), found(GRAVE))
    town.find(found(WARNING, active=False), found(GRAVE, active=False), now=NOW + 1)
    grave, warning = town.desk.open()
    assert (warning.state, warning.active) == (S.RESOLVED, False)
    assert (grave.state, grave.active) == (S.RAISED, False)
    town.tick(NOW + AUTO_CLOSE_S * 1000)
    assert len(town.desk.open()) == 2
    town.tick(NOW + 1 + AUTO_CLOSE_S * 1000)
    assert only(town.desk.open()).rule == GRAVE.id
    assert town.store.kinds(warning.id) == ["raised", "cleared", "closed"]
    assert {e.actor for e in town.store.events(warning.id)} == {"hub"}


def test_what_people_have_in_hand_is_left_to_them(town: Town) -> None:
    town.find(found(WARNING))
    a = town.act(only(town.desk.open()).id, "acknowledge")
    town.find(found(WARNING, active=False))
    town.tick(NOW + 30 * DAY)
    assert only(town.desk.open()).state is S.ACKNOWLEDGED
    assert town.act(a.id, "close").state is S.CLOSED


def test_recurrence_while_open_and_after_closing(town: Town) -> None:
    town.find(found(WARNING))
    first = only(town.desk.open())
    town.find(found(WARNING, active=False), now=NOW + 1)
    town.find(found(WARNING), now=NOW + 2)
    again = only(town.desk.open())
    assert (again.id, again.state, again.active, again.occurrences) == (
        first.id,
        S.RAISED,
        True,
        2,
    )
    assert again.remind_ms == NOW + 2 + HOUR
    town.find(found(WARNING, active=False), now=NOW + 3)
    town.act(first.id, "close", NOW + 4)
    town.find(found(WARNING), now=NOW + 5)
    assert only(town.desk.open()).id != first.id


def test_several_findings_of_one_turn_are_one_version(town: Town) -> None:
    town.find(found(GRAVE), found(GRAVE, active=False), found(GRAVE))
    a = only(town.desk.open())
    assert (a.version, a.occurrences) == (1, 2)
    assert town.store.kinds(a.id) == ["raised", "cleared", "recurred"]


def test_a_flapping_alarm_tells_a_short_story_and_counts_all(town: Town) -> None:
    town.find(found(WARNING))
    for n in range(1, 501):
        town.find(found(WARNING, active=False), now=NOW + 2 * n)
        town.find(found(WARNING), now=NOW + 2 * n + 1)
    a = only(town.desk.open())
    assert a.occurrences == 501
    assert len(town.store.events(a.id)) == FLAP_EVENTS_MAX + 2
    assert town.store.kinds(a.id)[-1] == "flapping"
    town.find(found(WARNING, active=False), now=NOW + 2_000)
    assert only(town.desk.open()).state is S.RAISED  # not calm yet
    town.tick(NOW + 2_000 + FLAP_WINDOW_S * 1000)
    assert only(town.desk.open()).state is S.RESOLVED


def test_reminders_and_escalations_come_and_stop(town: Town) -> None:
    town.find(found(GRAVE))
    a = only(town.desk.open())
    town.tick(NOW + HOUR - 1)
    assert town.store.kinds(a.id) == ["raised"]
    town.restart()
    for hours in range(1, 24):
        town.tick(NOW + hours * HOUR)
        town.tick(NOW + hours * HOUR + 1)
    kinds = town.store.kinds(a.id)
    assert kinds.count("reminded") == 23
    assert kinds.count("escalated") == 3  # ESCALATIONS_MAX
    town.act(a.id, "acknowledge", NOW + 24 * HOUR)
    town.tick(NOW + 25 * HOUR)
    assert town.store.kinds(a.id)[-1] == "acknowledged"
    town.tick(NOW + 28 * HOUR)  # a grave alarm in hand with nothing decided
    assert town.store.events(a.id)[-1].data == {"why": "undecided"}


def test_a_hub_that_was_down_reminds_once(town: Town) -> None:
    town.find(found(GRAVE))
    town.restart()
    town.tick(NOW + 30 * DAY)
    town.tick(NOW + 30 * DAY + 1)
    assert town.store.kinds(only(town.desk.open()).id) == ["raised", "reminded", "escalated"]


def test_an_info_without_reminders_stays_silent(town: Town) -> None:
    town.find(found(INFO))
    assert town.tick(NOW + 365 * DAY) == []


def test_a_passed_deadline_asks_for_attention(town: Town) -> None:
    town.find(found(GRAVE))
    a = only(town.desk.open())
    town.act(a.id, "decide", decision=decision())
    town.tick(NOW + 7 * DAY - 1)
    assert town.store.kinds(a.id) == ["raised", "decided"]
    town.tick(NOW + 7 * DAY)
    town.tick(NOW + 7 * DAY + HOUR)
    town.tick(NOW + 7 * DAY + 4 * HOUR)
    assert town.store.kinds(a.id)[2:] == ["overdue", "overdue", "overdue", "escalated"]


def test_an_accepted_risk_stays_quiet_until_its_deadline(town: Town) -> None:
    town.find(found(GRAVE))
    a = only(town.desk.open())
    town.act(a.id, "close", decision=decision(DecisionKind.ACCEPT))
    town.find(found(GRAVE), now=NOW + DAY)
    town.restart()
    town.find(found(GRAVE), now=NOW + 2 * DAY)
    town.tick(NOW + 7 * DAY - 1)
    assert town.desk.open() == ()
    town.tick(NOW + 7 * DAY)
    new = only(town.desk.open())
    assert (new.asset, new.domain, new.active, new.decision) == ("a1", "town", True, None)
    assert town.store.events(a.id)[-1].kind == "lapsed"
    assert town.store.events(a.id)[-1].data == {"alarm": new.id}
    town.restart()
    assert only(town.desk.open()).id == new.id


def test_an_accepted_risk_that_ended_and_came_back_is_new(town: Town) -> None:
    town.find(found(GRAVE))
    a = only(town.desk.open())
    town.act(a.id, "close", decision=decision(DecisionKind.ACCEPT))
    town.find(found(GRAVE, active=False), now=NOW + DAY)
    assert town.store.kinds(a.id)[-1] == "cleared"
    town.restart()
    town.find(found(GRAVE), now=NOW + 2 * DAY)
    assert only(town.desk.open()).id != a.id


def test_a_warning_closed_while_its_cause_holds_comes_back(town: Town) -> None:
    town.find(found(WARNING))
    town.act(only(town.desk.open()).id, "close")
    town.find(found(WARNING), now=NOW + STANDING_S * 1000 - 1)
    assert town.desk.open() == ()
    town.find(found(WARNING), now=NOW + STANDING_S * 1000)
    assert only(town.desk.open()).occurrences == 1


def test_reopening(town: Town) -> None:
    town.find(found(WARNING))
    a = only(town.desk.open())
    town.act(a.id, "close")
    assert town.act(a.id, "reopen", NOW + 1).state is S.RAISED
    assert only(town.desk.open()).id == a.id
    town.find(found(WARNING, active=False))
    town.act(a.id, "close")
    town.find(found(WARNING), now=NOW + 2)
    with pytest.raises(RefusedError) as refused:
        town.act(a.id, "reopen", NOW + 3)
    assert refused.value.code == "newer_open"


def test_a_flood_becomes_a_group_and_none_is_lost(town: Town) -> None:
    town.find(*(found(WARNING, f"a{n}") for n in range(FLOOD_ALARMS)))
    assert not any(is_group(a) for a in town.desk.open())
    group = town.flood(WARNING, 1, NOW + 1, first=500)
    assert (group.members, group.severity, group.asset) == (FLOOD_ALARMS + 1, WARNING.severity, "")
    members = [a for a in town.desk.open() if a.group == group.id]
    assert len(members) == FLOOD_ALARMS + 1
    assert town.store.kinds(members[0].id) == ["raised", "grouped"]
    town.restart()
    town.find(*(found(WARNING, f"a{n}") for n in range(100, 400)), now=NOW + 2)
    town.find(found(WARNING, "a600"), now=NOW + 3)
    groups = [a for a in town.desk.open() if is_group(a)]
    assert only(groups).members == FLOOD_ALARMS + 302
    assert len(town.desk.open()) == FLOOD_ALARMS + 303
    assert town.store.kinds(group.id) == ["raised", "grew"]


def test_slow_alarms_are_no_flood(town: Town) -> None:
    for n in range(30):
        town.find(found(WARNING, f"a{n}"), now=NOW + n * FLOOD_WINDOW_S * 1000 // 8)
    assert not any(is_group(a) for a in town.desk.open())


def test_after_a_flood_a_new_alarm_stands_alone(town: Town) -> None:
    group = town.flood(WARNING, 20)
    town.find(found(WARNING, "a700"), now=NOW + FLOOD_WINDOW_S * 1000)
    alone = next(a for a in town.desk.open() if a.asset == "a700")
    assert (alone.group, town.store.rows[group.id].members) == ("", 20)


def test_only_the_group_reminds(town: Town) -> None:
    group = town.flood(GRAVE, 20)
    changed = town.tick(NOW + 5 * HOUR)
    assert [a.id for a in changed] == [group.id]
    assert town.store.kinds(group.id) == ["raised", "reminded", "escalated"]


def test_acting_on_a_group_acts_on_its_members(town: Town) -> None:
    group = town.flood(WARNING, 20)
    town.act(group.id, "assign", assignee="Paul")
    assert {(a.state, a.assignee) for a in town.desk.open()} == {(S.ASSIGNED, "Paul")}
    town.act(group.id, "comment", text="a van is on its way")
    assert town.store.kinds(group.id)[-1] == "comment"
    town.act(group.id, "close")
    assert town.desk.open() == ()
    with pytest.raises(RefusedError) as refused:
        town.act(group.id, "reopen")
    assert refused.value.code == "group_closed"


def test_a_grave_group_needs_the_decision_too(town: Town) -> None:
    group = town.flood(GRAVE, 20)
    with pytest.raises(RefusedError) as refused:
        town.act(group.id, "close")
    assert refused.value.code == "needs_decision"
    town.act(group.id, "decide", decision=decision())
    with pytest.raises(RefusedError) as refused:
        town.act(group.id, "close")
    assert refused.value.code == "cause_holds"
    town.find(found(GRAVE, "a900"), now=NOW + 1)  # joins after the decision
    ended = [found(GRAVE, a.asset, active=False) for a in town.desk.open() if a.asset]
    town.find(*ended[1:], now=NOW + 2)
    with pytest.raises(RefusedError):
        town.act(group.id, "close", NOW + 3)
    assert len(town.desk.open()) == 22
    town.find(ended[0], now=NOW + 4)
    assert not next(a for a in town.desk.open() if is_group(a)).active
    town.act(group.id, "close", NOW + 5)
    assert town.desk.open() == ()
    late = next(a for a in town.store.rows.values() if a.asset == "a900")
    assert late.decision is not None
    assert town.store.kinds(late.id) == ["raised", "grouped", "cleared", "decided", "closed"]


def test_a_members_own_decision_is_kept(town: Town) -> None:
    group = town.flood(GRAVE, 20)
    member = next(a for a in town.desk.open() if a.group)
    own = decision(DecisionKind.ACCEPT, reason="dry well")
    town.act(member.id, "decide", decision=own)
    town.act(group.id, "decide", decision=decision(DecisionKind.TRANSFER))
    kept = town.store.rows[member.id].decision
    assert kept is not None
    assert kept.reason == "dry well"


def test_a_group_closes_whole_or_not(town: Town) -> None:
    group = town.flood(GRAVE, 20)
    member = next(a for a in town.desk.open() if a.group)
    town.act(member.id, "decide", decision=decision())  # to treat it, and it still holds
    with pytest.raises(RefusedError) as refused:
        town.act(group.id, "close", decision=decision(DecisionKind.ACCEPT))
    assert refused.value.code == "cause_holds"
    assert len(town.desk.open()) == 21
    assert town.store.rows[group.id].decision is None  # nothing of the act was kept
    assert next(a for a in town.desk.open() if is_group(a)).decision is None


def test_a_group_closes_with_its_last_member(town: Town) -> None:
    group = town.flood(GRAVE, 9)
    for a in [a for a in town.desk.open() if a.group]:
        town.act(a.id, "close", decision=decision(DecisionKind.ACCEPT, reason=a.asset))
    closed = town.store.rows[group.id]
    assert closed.state is S.CLOSED
    assert closed.decision is not None
    assert town.desk.open() == ()


def test_a_warning_group_clears_resolves_and_closes(town: Town) -> None:
    group = town.flood(WARNING, 20)
    town.find(*(found(WARNING, f"a{n}", active=False) for n in range(1, 21)), now=NOW + 1)
    assert {a.state for a in town.desk.open()} == {S.RESOLVED}
    town.tick(NOW + 1 + AUTO_CLOSE_S * 1000)
    assert town.desk.open() == ()
    assert town.store.kinds(group.id) == ["raised", "cleared", "closed"]


def test_a_group_waits_for_the_member_that_somebody_has_in_hand(town: Town) -> None:
    group = town.flood(WARNING, 20)
    town.find(*(found(WARNING, f"a{n}", active=False) for n in range(2, 21)), now=NOW + 1)
    member = next(a for a in town.desk.open() if a.asset == "a1")
    town.act(member.id, "acknowledge", NOW + 2)
    town.find(found(WARNING, "a1", active=False), now=NOW + 3)
    town.tick(NOW + 30 * DAY)
    assert {a.id for a in town.desk.open()} == {group.id, member.id}
    town.act(member.id, "close", NOW + 31 * DAY)
    assert town.desk.open() == ()


def test_a_resolved_group_that_grows_asks_again(town: Town) -> None:
    group = town.flood(WARNING, 20)
    town.act(group.id, "resolve")
    town.find(found(WARNING, "a800"), now=NOW + 1)
    again = next(a for a in town.desk.open() if is_group(a))
    assert (again.id, again.state, again.members) == (group.id, S.RAISED, 21)


def test_gravest_and_oldest_first(town: Town) -> None:
    town.find(found(INFO), found(WARNING))
    town.find(found(GRAVE, "a2"), now=NOW + 1)
    town.find(found(GRAVE, "a3"), now=NOW + 2)
    assert [a.rule for a in town.desk.open()] == [GRAVE.id, GRAVE.id, WARNING.id, INFO.id]
    assert [a.asset for a in town.desk.open()][:2] == ["a2", "a3"]


def test_a_failed_commit_and_reload_forget_the_turn(town: Town) -> None:
    with town.desk.lock:
        town.desk.findings([found(GRAVE)], ASSETS, NOW)
        town.desk.reload()
    assert town.desk.open() == ()
    assert only(town.find(found(GRAVE))).version == 1


def test_a_stale_version_is_read_again_once(town: Town) -> None:
    town.find(found(WARNING))
    a = only(town.desk.open())
    town.store.rows[a.id] = replace(a, version=5, assignee="somebody")  # another process
    after = town.act(a.id, "acknowledge")
    assert (after.version, after.assignee) == (6, "somebody")
    town.store.fail = [StaleVersionError("x"), StaleVersionError("x")]
    with pytest.raises(RefusedError) as refused:
        town.act(a.id, "comment", text="hello")
    assert refused.value.code == "stale"


def test_a_store_that_fails_changes_nothing(town: Town) -> None:
    town.find(found(WARNING))
    a = only(town.desk.open())
    town.store.fail = [StoreError("disk full")]
    with pytest.raises(StoreError):
        town.act(a.id, "acknowledge")
    assert only(town.desk.open()) == a
    assert town.act(a.id, "acknowledge").version == 2


def test_an_unknown_rule_or_asset_is_shown_not_dropped(town: Town) -> None:
    town.find(Finding("ghost.rule", "nowhere", True, NOW))
    a = only(town.desk.open())
    assert (a.rule, a.asset, a.domain, a.commune) == ("ghost.rule", "nowhere", "ghost", "commune")


def test_an_unknown_alarm_is_refused(town: Town) -> None:
    with pytest.raises(RefusedError) as refused:
        town.act("nope", "acknowledge")
    assert refused.value.code == "unknown_alarm"
