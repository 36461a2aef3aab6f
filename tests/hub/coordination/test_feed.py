"""Feed and desk together: many doors, one incident, its story, its end, and a restart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from beffroi.adapters.sql import SqlStore, open_store
from beffroi.evidence.entry import Draft
from beffroi.hub.alarms.desk import Desk
from beffroi.hub.coordination.detector import QUIET_MS
from beffroi.hub.coordination.feed import FAILED_SIGN_INS, SAME_ENTRY_MS, Feed
from beffroi.hub.coordination.rules import ATTACK, RULES
from beffroi.hub.dispatch.alarming import ToDesk
from beffroi.hub.dispatch.book import No
from beffroi.hub.dispatch.denied import DeniedError, deny
from beffroi.hub.dispatch.rules import RULES as COMMANDS
from beffroi.kernel.canonical import decode
from beffroi.kernel.receipt import REFUSED, TAMPERED, Receipt
from beffroi.kernel.verdict import Reason
from beffroi.model.alarm import Alarm, AlarmChange
from beffroi.model.finding import Finding
from beffroi.ports.commands import CommandRow, State
from beffroi.ports.store import StoreError

T0 = 1_790_000_000_000
FLEETS = {"signals": 4, "boards": 3, "lighting": 20, "water": 2}


class Clock:
    def __init__(self) -> None:
        self.ms = T0

    def now_ms(self) -> int:
        return self.ms


class Places:
    """`signals-1` is of signals, `g-boards` guards boards."""

    def of(self, name: str) -> str:
        word = name.removeprefix("g-").partition("-")[0]
        return word if word in FLEETS else ""

    def fleets(self) -> Mapping[str, int]:
        return FLEETS


class Broken(Places):
    def of(self, name: str) -> str:
        raise StoreError("disk I/O error")


class Bench:
    """The real desk over a real store; the log is a list."""

    def __init__(self, store: SqlStore) -> None:
        self.store, self.clock = store, Clock()
        self.drafts: list[Draft] = []
        self.heard: list[AlarmChange] = []
        self.failed = 0
        self.start()

    def start(self) -> None:
        self.desk = Desk(self.store.alarms, {**COMMANDS, **RULES}, told=self.told)
        alarms = ToDesk(self.desk, self.store, self.clock)
        self.alarms = alarms
        self.feed = Feed(self.desk, alarms, self.clock, Places(), self, ["boards.unknown_message"])
        self.feed.record = self.drafts.extend

    def told(self, changes: Sequence[AlarmChange]) -> None:
        self.heard += changes
        self.feed.changes(changes)

    def failed_sign_ins(self, since_ms: int) -> int:
        return self.failed

    def refuse(self, target: str, reason: Reason = Reason.UNKNOWN_KEY) -> None:
        self.feed.receipt(receipt(target, REFUSED, reason.value, self.clock.ms))

    @property
    def incidents(self) -> list[Alarm]:
        return [one for one in self.store.alarms.open_alarms() if one.rule == ATTACK]

    def kinds(self) -> list[str]:
        return [one.kind for one in self.drafts]


def receipt(target: str, outcome: str, reason: str, at_ms: int) -> Receipt:
    guard = f"g-{target.partition('-')[0]}"
    return Receipt(guard, 1, bytes(32), at_ms, outcome, target, b"", reason)


def row(target: str, state: State, by: str = "u1", **more: object) -> CommandRow:
    made = CommandRow(
        id=f"c-{target}", digest="00" * 32, payload=b"", guard="g", target=target,
        service=target.partition("-")[0], action="dim", klass="B", nonce="", epoch=0, counter=1,
        not_before_ms=0, expires_ms=0, by=by, state=state, created_ms=T0, changed_ms=T0,
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    store = open_store(f"sqlite:///{tmp_path / 'desk.sqlite'}")
    yield Bench(store)
    store.close()


def test_all_green_is_one_incident_with_its_story_and_an_entry(bench: Bench) -> None:
    for number in range(4):
        bench.refuse(f"signals-{number}")
        bench.feed.turn()
    (alarm,) = bench.incidents
    assert alarm.active
    assert alarm.facts["services"] == "signals"
    assert "signature ou rôle faux" in str(alarm.facts["sign_1"])
    assert bench.kinds() == ["incident.raised"]
    story = decode(bench.drafts[0].payload, 100_000)
    assert isinstance(story, dict)
    signs = story["signs"]
    assert isinstance(signs, list)
    assert [one["target"] for one in signs if isinstance(one, dict)] == [
        "signals-0", "signals-1", "signals-2",
    ]  # fmt: skip


def test_two_targets_of_one_service_are_no_incident(bench: Bench) -> None:
    for number in range(2):
        bench.refuse(f"signals-{number}")
    bench.feed.turn()
    assert not bench.incidents


def test_an_alert_and_the_signals_at_once_are_one_incident_that_grows(bench: Bench) -> None:
    for target in ("boards-1", "boards-2", "signals-1", "signals-2"):
        bench.refuse(target, Reason.NOT_FROM_HUB)
    bench.feed.turn()
    assert len(bench.incidents) == 1
    bench.feed.receipt(receipt("lighting-1", TAMPERED, "changed", bench.clock.ms))
    bench.feed.turn()
    (alarm,) = bench.incidents
    events = bench.store.alarms.events(alarm.id)
    assert [one.kind for one in events] == ["raised", "comment"]
    assert "lighting lighting-1 : équipement changé sans ordre" in events[-1].text
    assert bench.kinds() == ["incident.raised", "incident.raised"]


def test_it_ends_when_it_is_quiet(bench: Bench) -> None:
    for number in range(3):
        bench.refuse(f"signals-{number}")
    bench.feed.turn()
    bench.clock.ms += QUIET_MS + 1
    bench.feed.turn()
    assert bench.feed.incident is None
    (alarm,) = bench.incidents
    assert not alarm.active
    assert bench.kinds() == ["incident.raised", "incident.ended"]


def test_what_happens_in_any_week_is_no_sign(bench: Bench) -> None:
    for number in range(8):
        bench.refuse(f"signals-{number}", Reason.NO_LEASE)
        bench.refuse(f"boards-{number}", Reason.OTHER_START)
        bench.feed.command(row(f"lighting-{number}", State.EXPIRED))
        bench.feed.command(row(f"lighting-{number}", State.DONE, plan="night"))
        bench.feed.command(row(f"lighting-{number}", State.DONE, safe=True))
    bench.feed.turn()
    assert not bench.incidents
    assert not bench.drafts


def test_one_account_that_changes_everything_after_a_no(bench: Bench) -> None:
    bench.feed.denied(No("water-1", Reason.OUTSIDE_ENVELOPE.value, "u9"))
    for target in ("lighting-1", "boards-1"):
        bench.feed.command(row(target, State.DONE, by="u9"))
    bench.feed.turn()
    assert len(bench.incidents) == 1
    refused = next(one for one in bench.drafts if one.kind == "request.refused")
    assert "u9" not in str(refused.refs)  # who it was is sealed
    assert refused.payload == b"u9"


def test_a_refused_approval_is_evidence_about_the_command(bench: Bench) -> None:
    digest = bytes(range(32))
    bench.feed.denied(No("lighting-1", Reason.SAME_PERSON_TWICE.value, "u1", digest.hex()))
    bench.feed.turn()
    (draft,) = bench.drafts
    assert (draft.kind, draft.subject) == ("approval.refused", digest)
    assert draft.refs["reason"] == "same_person_twice"
    draft.sealed(bytes(32))  # lawful


def test_a_device_that_claims_another_place_is_one_entry_a_minute(bench: Bench) -> None:
    for _ in range(5):
        bench.feed.refused("lighting-7", "publish", "d/g-boards/cmd", 3)
    bench.feed.turn()
    assert bench.kinds() == ["access.refused"]
    bench.clock.ms += SAME_ENTRY_MS
    bench.feed.refused("lighting-7", "publish", "d/g-boards/cmd", 3)
    bench.feed.turn()
    assert bench.kinds() == ["access.refused"] * 2
    assert not bench.incidents


def test_what_a_stranger_wrote_does_not_enter_the_log_in_clear(bench: Bench) -> None:
    bench.feed.refused("jean dupont", "publish", "d/x", 1)
    bench.feed.turn()
    assert "source" not in bench.drafts[0].refs


@pytest.mark.parametrize(("failed", "entries"), [(FAILED_SIGN_INS - 1, 0), (FAILED_SIGN_INS, 1)])
def test_failed_sign_ins_are_counted(bench: Bench, failed: int, entries: int) -> None:
    bench.failed = failed
    for _ in range(3):
        bench.feed.turn()
        bench.clock.ms += 6_000
    assert bench.kinds() == ["access.refused"] * entries


def test_grave_alarms_are_signs_and_leave_the_entry_to_the_ledger(bench: Bench) -> None:
    for guard in ("g-boards", "g-signals", "g-lighting"):
        bench.alarms([Finding("commands.forged", guard, True, T0, {"guard": guard})])
    bench.feed.turn()
    assert bench.kinds() == ["incident.raised"]


def test_one_bad_item_costs_no_other(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.feed.denied(No("lighting-1", "unknown_key", "u1", digest="no hex"))
    with monkeypatch.context() as patch:
        patch.setattr(bench.feed, "_services", Broken())
        bench.refuse("signals-0")
        bench.feed.turn()
    for number in range(1, 4):
        bench.refuse(f"signals-{number}")
    bench.feed.turn()
    assert len(bench.incidents) == 1
    assert bench.feed.incident is not None
    assert {sign.target for sign in bench.feed.incident.signs} >= {"signals-0", "signals-3"}
    assert bench.feed.lost == 1


def test_a_guard_from_the_future_is_remembered_as_of_now(bench: Bench) -> None:
    said = [receipt(f"signals-{n}", REFUSED, "unknown_key", T0 + 10**9) for n in range(4)]
    bench.feed.remember([], said, [])
    assert bench.feed.incident is not None
    assert bench.feed.incident.seen_ms == T0


def test_a_restart_knows_the_last_hours_and_raises_nothing_twice(bench: Bench) -> None:
    said = [receipt(f"signals-{n}", REFUSED, "unknown_key", T0) for n in range(3)]
    for one in said:
        bench.feed.receipt(one)
    bench.feed.turn()
    (before,) = bench.incidents
    bench.start()
    bench.feed.remember([], said, bench.desk.open())
    bench.feed.turn()
    (after,) = bench.incidents
    assert (after.id, after.version) == (before.id, before.version)
    assert bench.feed.incident is not None
    assert bench.kinds() == ["incident.raised"]


def test_a_restart_long_after_clears_what_is_over(bench: Bench) -> None:
    for number in range(3):
        bench.refuse(f"signals-{number}")
    bench.feed.turn()
    bench.clock.ms += 24 * 3_600_000
    bench.start()
    bench.feed.remember([], [], bench.desk.open())
    (alarm,) = bench.incidents
    assert not alarm.active


def test_what_was_missed_while_down_is_found_at_the_start(bench: Bench) -> None:
    said = [receipt(f"signals-{n}", REFUSED, "bad_signature", T0) for n in range(3)]
    bench.feed.remember([], said, [])
    assert len(bench.incidents) == 1


def test_a_log_that_cannot_be_written_hides_no_attack(bench: Bench) -> None:
    def broken(drafts: Sequence[Draft]) -> None:
        raise DeniedError(deny("no_log", "full"))

    bench.feed.record = broken
    for number in range(3):
        bench.refuse(f"signals-{number}")
    bench.feed.turn()
    assert len(bench.incidents) == 1


def test_a_guard_with_a_clock_in_the_future_ends_no_window(bench: Bench) -> None:
    for number in range(3):
        bench.feed.receipt(receipt(f"signals-{number}", REFUSED, "unknown_key", T0 + 10**9))
        bench.feed.turn()
    (alarm,) = bench.incidents
    assert alarm.facts["began_ms"] == float(T0)


def test_the_story_of_a_long_attack_still_fits_into_the_log(bench: Bench) -> None:
    for number in range(600):
        bench.refuse(f"lighting-{number}")
        bench.feed.command(row(f"water-{number}", State.DONE, by="u-0123456789ab"))
    bench.feed.turn()
    bench.refuse("boards-1")  # another service: the whole story is written again
    bench.feed.turn()
    assert len(bench.incidents) == 1
    for draft in bench.drafts:
        draft.sealed(bytes(32))
    story = decode(bench.drafts[-1].payload, 100_000)
    assert isinstance(story, dict)
    assert story["more"] == 701
