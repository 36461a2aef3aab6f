"""Whom an event concerns, what they read, and a herald that never holds anybody up."""

from __future__ import annotations

import json
import stat
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from tests.hub.alarms.kit import GRAVE, INFO, NOW, RULES, WARNING, alarm, held

from beffroi.adapters.notify.outbox import Outbox
from beffroi.hub.alarms.herald import Herald
from beffroi.hub.alarms.notify import notices
from beffroi.model.alarm import AlarmChange, AlarmEvent, AlarmState
from beffroi.model.finding import Rule
from beffroi.model.limits import NOTICE_QUEUE_MAX, NOTICE_TRIES_MAX
from beffroi.ports.notify import Notice, NotifyError
from beffroi.ports.store import StoreError, User

OLGA = User("olga", "Olga Op", "operator", email="olga@example.org")
PAUL = User("paul", "Paul Op", "operator", email="paul@example.org", lang="en")
ADA = User("ada", "Ada Admin", "admin", email="ada@example.org")
RENE = User("rene", "René Reader", "reader", email="rene@example.org")
GONE = User("gone", "Gone", "operator", email="gone@example.org", active=False)
TOWN = [OLGA, PAUL, ADA, RENE, GONE]


def change(rule: Rule, *kinds: str, actor: str = "hub", **kw: object) -> AlarmChange:
    state = kw.pop("state", AlarmState.RAISED)
    a = alarm(rule, state, facts={"pressure_bar": 2.0}, **kw)  # type: ignore[arg-type]
    return AlarmChange(a, tuple(AlarmEvent(a.id, NOW, actor, kind) for kind in kinds))


def told(c: AlarmChange, users: list[User] = TOWN) -> set[str]:
    return {n.user for n in notices(c, RULES[c.alarm.rule], users)}


ACK, DONE = AlarmState.ACKNOWLEDGED, AlarmState.CLOSED


@pytest.mark.parametrize(
    ("c", "people"),
    [
        (change(INFO, "raised"), set()),
        (change(WARNING, "raised"), {"olga", "paul"}),
        (change(GRAVE, "raised"), {"olga", "paul", "ada"}),
        (change(GRAVE, "raised", group="g1"), set()),
        (change(GRAVE, "grew", members=12), {"olga", "paul", "ada"}),
        (change(GRAVE, "cleared"), set()),
        (change(GRAVE, "comment", actor="paul"), set()),
        (change(WARNING, "recurred"), {"olga", "paul"}),
        (change(WARNING, "recurred", state=ACK), set()),
        (change(WARNING, "reminded"), {"olga", "paul"}),
        (change(GRAVE, "reminded", state=ACK, assignee="Paul Op"), {"paul"}),
        (change(GRAVE, "reminded", state=ACK, assignee="a firm"), {"olga", "paul", "ada"}),
        (change(WARNING, "escalated", escalation=1), {"ada"}),
        (change(WARNING, "escalated", escalation=2), {"olga", "paul", "ada"}),
        (change(GRAVE, "overdue", state=ACK, decision=held(owner="olga")), {"olga", "ada"}),
        (change(GRAVE, "assigned", actor="ada", assignee="paul"), {"paul"}),
        (change(GRAVE, "assigned", actor="paul", assignee="paul"), set()),
        (change(GRAVE, "closed", actor="paul", state=DONE), set()),
    ],
)
def test_whom_it_concerns(c: AlarmChange, people: set[str]) -> None:
    assert told(c) == people


def test_never_nobody_while_somebody_can_act() -> None:
    assert told(change(WARNING, "raised"), [ADA, RENE]) == {"ada"}
    assert told(change(WARNING, "escalated", escalation=1), [OLGA, RENE]) == {"olga"}
    assert told(change(GRAVE, "overdue", state=ACK, decision=held()), [OLGA]) == {"olga"}


def test_one_message_per_person_and_change() -> None:
    both = notices(change(GRAVE, "reminded", "escalated", escalation=1), GRAVE, TOWN)
    assert len({n.user for n in both}) == len(both)
    assert {n.kind for n in both if n.user == "ada"} == {"escalated"}


def test_words_are_in_the_language_of_the_person_and_name_nobody_else() -> None:
    c = change(GRAVE, "raised", assignee="Mme Martin", decision=held(owner="Mme Martin"))
    by_user = {n.user: n for n in notices(c, GRAVE, TOWN)}
    assert by_user["paul"].subject == "[Beffroi] Grave – Alarm raised – Pressure 2.0 bar"
    assert "Go and see." in by_user["paul"].body
    assert by_user["olga"].subject.startswith("[Beffroi] Grave – ")
    assert "Allez voir." in by_user["olga"].body
    for notice in by_user.values():
        text = notice.subject + notice.body
        assert not any(word in text for word in ("Martin", "@example.org", "Ada", "Olga"))


def test_a_line_break_in_a_fact_stays_out_of_the_subject() -> None:
    base = change(GRAVE, "raised")
    odd = replace(base.alarm, facts={"pressure_bar": "1\r\nBcc: all@example.org"})
    for notice in notices(replace(base, alarm=odd), GRAVE, TOWN):
        assert "\n" not in notice.subject
        assert "\r" not in notice.subject


class Carrier:
    """Refuses the first `bad` tries; `gate` holds it up as a slow network would."""

    def __init__(self, bad: int = 0) -> None:
        self.bad = bad
        self.gate = threading.Event()
        self.gate.set()
        self.tries = 0
        self.sent: list[Notice] = []

    def send(self, notice: Notice) -> None:
        self.gate.wait(20)
        self.tries += 1
        if self.tries <= self.bad:
            raise NotifyError("try later")
        self.sent.append(notice)


def test_the_outbox_keeps_what_the_herald_sends(tmp_path: Path) -> None:
    path = tmp_path / "outbox.jsonl"
    herald = Herald(Outbox(path), RULES, lambda: TOWN)
    herald([change(GRAVE, "raised"), change(INFO, "raised")])
    herald.close()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert {line["user"] for line in lines} == {"olga", "paul", "ada"}
    assert lines[0]["kind"] == "raised"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_notice_is_tried_again_and_given_up_at_last() -> None:
    carrier = Carrier(bad=2)
    herald = Herald(carrier, RULES, lambda: [OLGA], pause_s=0.01)
    herald([change(GRAVE, "raised")])
    herald.close()
    assert (len(carrier.sent), carrier.tries, herald.failed) == (1, 3, 0)
    hopeless = Carrier(bad=99)
    herald = Herald(hopeless, RULES, lambda: [OLGA], pause_s=0.001)
    herald([change(GRAVE, "raised")])
    herald.close()
    assert (hopeless.tries, herald.failed) == (NOTICE_TRIES_MAX, 1)


def test_a_slow_carrier_holds_nobody_up_and_the_queue_is_bounded() -> None:
    carrier = Carrier()
    carrier.gate.clear()
    herald = Herald(carrier, RULES, lambda: [OLGA])
    flood = [change(GRAVE, "raised") for _ in range(NOTICE_QUEUE_MAX + 100)]
    herald(flood)  # returns at once although nothing can be sent
    assert herald.dropped >= 99
    carrier.gate.set()
    herald.close(20)
    assert len(carrier.sent) + herald.dropped == len(flood)


def test_a_store_that_fails_or_a_carrier_that_breaks_does_not_end_the_herald() -> None:
    answers: list[object] = [StoreError("locked"), [OLGA], [OLGA]]

    def users() -> list[User]:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer  # type: ignore[return-value]

    class Broken(Carrier):
        def send(self, notice: Notice) -> None:
            if self.tries == 0:
                self.tries += 1
                raise RuntimeError("a fault of the code")
            super().send(notice)

    carrier = Broken()
    herald = Herald(carrier, RULES, users, pause_s=0.001)
    for _ in range(3):
        herald([change(GRAVE, "raised")])
    herald.close()
    assert (herald.failed, len(carrier.sent)) == (2, 1)
