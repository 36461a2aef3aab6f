"""What people may do: the whole table, the guards of grave alarms, and bad words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.hub.alarms.kit import (
    DAY,
    GRAVE,
    HOUR,
    INFO,
    NOW,
    RULES,
    WARNING,
    alarm,
    decision,
    held,
)

from beffroi.hub.alarms import text
from beffroi.hub.alarms.lifecycle import ACTIONS, EVENTS, TABLE, Act, Refusal, decide, merged
from beffroi.model.alarm import AlarmChange, AlarmState, Decision, DecisionKind
from beffroi.model.finding import Severity

S = AlarmState
K = DecisionKind


def act(action: str, **kw: object) -> Act:
    words: dict[str, object] = {
        "comment": {"text": "seen on site"},
        "assign": {"assignee": "Paul"},
        "decide": {"decision": decision()},
    }.get(action, {})
    return Act(action, "jeanne", NOW, **{**words, **kw})  # type: ignore[arg-type]


def done(outcome: AlarmChange | Refusal) -> AlarmChange:
    assert isinstance(outcome, AlarmChange), outcome
    return outcome


def code(outcome: AlarmChange | Refusal) -> str:
    assert isinstance(outcome, Refusal), outcome
    assert outcome.code in text.REFUSALS
    return outcome.code


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("state", list(S))
def test_the_table_is_the_law(action: str, state: AlarmState) -> None:
    outcome = decide(alarm(WARNING, state), act(action), WARNING)
    if state not in TABLE[action]:
        assert code(outcome) == "wrong_state"
        return
    change = done(outcome)
    assert change.alarm.state is TABLE[action][state]
    assert change.alarm.version == 2
    assert [e.actor for e in change.events] == ["jeanne"]
    assert change.events[0].kind in EVENTS


@pytest.mark.parametrize(
    ("kind", "active", "late", "refused"),
    [
        (None, False, False, "needs_decision"),
        (None, True, False, "needs_decision"),
        (K.TREAT, False, False, ""),
        (K.TREAT, False, True, ""),  # the work was done; late, but done
        (K.TREAT, True, False, "cause_holds"),
        (K.MITIGATE, True, False, "cause_holds"),
        (K.STOP, True, False, "cause_holds"),
        (K.ACCEPT, True, False, ""),
        (K.TRANSFER, True, False, ""),
        (K.ACCEPT, True, True, "decision_overdue"),
        (K.TRANSFER, True, True, "decision_overdue"),
    ],
)
def test_closing_a_grave_alarm(
    kind: DecisionKind | None, active: bool, late: bool, refused: str
) -> None:
    kept = held(kind, deadline_ms=NOW - 1 if late else NOW + DAY) if kind else None
    grave = alarm(GRAVE, S.RESOLVED, active=active, decision=kept)
    outcome = decide(grave, act("close"), GRAVE)
    if refused:
        assert code(outcome) == refused
    else:
        assert done(outcome).alarm.state is S.CLOSED


@pytest.mark.parametrize("severity", [Severity.INFO, Severity.WARNING])
def test_other_alarms_close_as_people_judge(severity: Severity) -> None:
    change = done(decide(alarm(WARNING, severity=severity), act("close"), WARNING))
    assert change.alarm.state is S.CLOSED
    assert change.events[0].data == {"cause_holds": 1.0}


def test_closing_with_a_decision_tells_both() -> None:
    asked = act("close", decision=decision(K.ACCEPT), text="seen with the mayor")
    change = done(decide(alarm(GRAVE), asked, GRAVE))
    assert [e.kind for e in change.events] == ["decided", "closed"]
    assert change.alarm.version == 2
    assert change.alarm.decision is not None
    assert (change.alarm.decision.decided_by, change.alarm.decision.decided_ms) == ("jeanne", NOW)


@pytest.mark.parametrize(
    ("action", "bad", "refused"),
    [
        ("explode", {}, "unknown_action"),
        ("", {}, "unknown_action"),
        ("acknowledge", {"actor": " "}, "who"),
        ("acknowledge", {"actor": "hub"}, "who"),
        ("comment", {"text": " \n "}, "text_missing"),
        ("comment", {"text": "x" * 2_001}, "text_too_long"),
        ("comment", {"text": "nul \x00 byte"}, "text_unreadable"),
        ("comment", {"text": "lone \ud800 surrogate"}, "text_unreadable"),
        ("assign", {"assignee": "  "}, "assignee_missing"),
        ("assign", {"assignee": "x" * 121}, "text_too_long"),
        ("decide", {"decision": None}, "needs_decision"),
        ("decide", {"decision": decision(owner=" ")}, "owner_missing"),
        ("decide", {"decision": decision(owner="x" * 121)}, "text_too_long"),
        ("decide", {"decision": decision(K.ACCEPT, reason=" ")}, "reason_missing"),
        ("decide", {"decision": decision(deadline_ms=NOW)}, "deadline_past"),
        ("decide", {"decision": decision(deadline_ms=NOW + 733 * DAY)}, "deadline_far"),
        ("decide", {"decision": decision(kind="ignore")}, "decision_kind"),
        ("decide", {"decision": decision(reason="\x1b[2J")}, "text_unreadable"),
    ],
)
def test_bad_words_are_refused(action: str, bad: dict[str, object], refused: str) -> None:
    asked = replace(act(action), **bad)  # type: ignore[arg-type]
    assert code(decide(alarm(GRAVE), asked, GRAVE)) == refused


def test_html_stays_text() -> None:
    words = "<script>alert(1)</script> & “quotes”"
    change = done(decide(alarm(), act("comment", text=words), WARNING))
    assert change.events[0].text == words


def test_a_comment_takes_nothing_off_the_list() -> None:
    raised = alarm(GRAVE, remind_ms=NOW + 5, escalate_ms=NOW + 6)
    after = done(decide(raised, act("comment"), GRAVE)).alarm
    assert (after.remind_ms, after.escalate_ms) == (NOW + 5, NOW + 6)


def test_what_is_due_next_follows_from_the_state() -> None:
    grave = done(decide(alarm(GRAVE), act("acknowledge"), GRAVE)).alarm
    assert (grave.remind_ms, grave.escalate_ms) == (NOW + 4 * HOUR, 0)  # undecided
    warning = done(decide(alarm(WARNING), act("acknowledge"), WARNING)).alarm
    assert (warning.remind_ms, warning.escalate_ms) == (0, 0)
    decided = done(decide(grave, act("decide"), GRAVE)).alarm
    assert (decided.remind_ms, decided.escalate_ms) == (NOW + 7 * DAY, NOW + 7 * DAY + 4 * HOUR)
    closed = done(decide(replace(decided, active=False), act("close"), GRAVE)).alarm
    assert (closed.remind_ms, closed.escalate_ms) == (0, 0)


def test_reopening_asks_for_a_new_decision() -> None:
    closed = alarm(GRAVE, S.CLOSED, decision=held(), escalation=2)
    after = done(decide(closed, act("reopen"), GRAVE)).alarm
    assert (after.state, after.decision, after.escalation) == (S.RAISED, None, 0)
    assert (after.remind_ms, after.escalate_ms) == (NOW + HOUR, NOW + 4 * HOUR)


decisions = st.builds(
    Decision,
    st.sampled_from(list(K)),
    st.sampled_from(["", " ", "Mme Martin"]),
    st.sampled_from([0, NOW - 1, NOW, NOW + 1, NOW + DAY, NOW + 4_000 * DAY]),
    st.sampled_from(["", "because"]),
)
acts = st.builds(
    Act,
    st.sampled_from([*ACTIONS, "no"]),
    st.sampled_from(["jeanne", "paul", "hub", ""]),
    st.just(NOW),
    st.text(max_size=20),
    st.text(max_size=20),
    st.none() | decisions,
)


@given(st.sampled_from([GRAVE, WARNING, INFO]), st.booleans(), st.lists(acts, max_size=12))
def test_no_road_leads_to_a_closed_grave_alarm_without_a_decision(
    rule: object, active: bool, road: list[Act]
) -> None:
    a = alarm(rule, active=active)  # type: ignore[arg-type]
    for step in road:
        outcome = decide(a, step, RULES[a.rule])
        if isinstance(outcome, Refusal):
            continue
        assert outcome.alarm.version == a.version + 1
        assert outcome.events
        a = outcome.alarm
        if a.state is S.CLOSED and a.severity is Severity.GRAVE:
            assert a.decision
            assert a.decision.owner.strip()
            assert a.decision.deadline_ms > a.decision.decided_ms == NOW
            assert not active or a.decision.kind in (K.ACCEPT, K.TRANSFER)


def test_merging_keeps_every_event_in_one_version() -> None:
    first = done(decide(alarm(), act("acknowledge"), WARNING))
    second = done(decide(first.alarm, act("comment"), WARNING))
    both = merged(first, second)
    assert both.alarm.version == first.alarm.version
    assert [e.kind for e in both.events] == ["acknowledged", "comment"]


def test_every_event_state_and_action_has_words() -> None:
    assert set(text.EVENTS) == set(EVENTS)
    assert set(text.ACTIONS) == set(ACTIONS)
    assert set(text.STATES) == {s.value for s in S}
    assert set(text.DECISIONS) == {k.value for k in K}
    assert set(text.SEVERITIES) == {s.name.lower() for s in Severity}
