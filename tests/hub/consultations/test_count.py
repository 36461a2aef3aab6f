"""A count that anybody can do again: voting, receipts, and every way to cheat that it shows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.postgres import held
from typer.testing import CliRunner

from beffroi.adapters.sql import SqlStore, open_store
from beffroi.cli.consultation import app
from beffroi.evidence.entry import Draft, read_entry
from beffroi.hub.consultations import tally
from beffroi.hub.consultations.desk import ConsultationError, Consultations
from beffroi.model.consultation import Ballot
from beffroi.ports.log_store import Placed

NOW, DAY_MS = 1_790_000_000_000, 86_400_000
END = NOW + 7 * DAY_MS


class Log:
    """Keeps entries in order, checked as the real one checks them."""

    origin = "beffroi/essai"

    def __init__(self) -> None:
        self.entries: list[bytes] = []

    def append(self, drafts: list[Draft]) -> list[Placed]:
        placed = []
        for draft in drafts:
            raw = draft.sealed(bytes(32)).encoded()
            self.entries.append(raw)
            placed.append(Placed(len(self.entries) - 1, raw))
        return placed


@pytest.fixture
def store(url: str) -> Iterator[SqlStore]:
    opened = open_store(url)
    yield opened
    opened.close()


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def desk(store: SqlStore, log: Log) -> Consultations:
    return Consultations(store.consultations, log)  # type: ignore[arg-type]


def started(desk: Consultations, many: int = 5) -> tuple[str, list[str]]:
    one = desk.draft("Place du marché", "Sans voitures ?", ["Oui", "Non"], END, NOW)
    codes = desk.codes(one.id, many)
    desk.open(one.id, NOW)
    return one.id, codes


def test_from_question_to_count(desk: Consultations, log: Log) -> None:
    ident, codes = started(desk)
    receipts = [desk.vote(ident, code, at % 2, f"mot {at}", NOW) for at, code in enumerate(codes)]
    one = desk.close(ident, END)
    published = desk.published(ident)
    assert all(finding.holds for finding in tally.verify(published))
    assert json.loads(published)["counts"] == [3, 2]
    for at, receipt in enumerate(receipts):
        found = desk.find(ident, receipt.lower(), f" MOT  {at} ")
        assert found is not None
        assert found.choice == at % 2
        assert desk.find(ident, receipt, "autre mot") is None
    opened, closed = (read_entry(log.entries[at]) for at in (one.opened, one.closed))
    assert opened.subject.hex() == json.loads(published)["opened"]
    assert closed.subject.hex() == json.loads(published)["result"]
    assert closed.refs["count"] == 5


def refused(code: str, call: Callable[[], object]) -> None:
    with pytest.raises(ConsultationError) as error:
        call()
    assert error.value.code == code


def test_nobody_votes_twice_or_by_guessing_or_too_late(desk: Consultations) -> None:
    ident, codes = started(desk)
    desk.vote(ident, codes[0].lower().replace("-", " "), 0, "", NOW)
    refused("used", lambda: desk.vote(ident, codes[0], 1, "", NOW))
    for guess in ("", "A" * 16, codes[1][:-1], codes[1] + "A", "' OR 1=1 --", "é" * 16):
        refused("code", lambda guess=guess: desk.vote(ident, guess, 0, "", NOW))  # type: ignore[misc]
    refused("choice", lambda: desk.vote(ident, codes[1], 2, "", NOW))
    refused("choice", lambda: desk.vote(ident, codes[1], -1, "", NOW))
    refused("early", lambda: desk.close(ident, END - 1))
    refused("over", lambda: desk.vote(ident, codes[1], 0, "", END))
    desk.close(ident, END)
    refused("stage", lambda: desk.vote(ident, codes[1], 0, "", NOW))
    refused("stage", lambda: desk.close(ident, END))
    refused("stage", lambda: desk.codes(ident, 1))
    refused("stage", lambda: desk.published("c-none"))


def test_a_closed_count_is_made_once(
    desk: Consultations, store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    ident, codes = started(desk)
    desk.vote(ident, codes[0], 1, "", NOW)
    refused("stage", lambda: desk.counted(ident))  # and that is not what is remembered
    desk.close(ident, END)
    read: list[str] = []
    ballots = store.consultations.ballots

    def seen(consultation_id: str) -> list[Ballot]:
        read.append(consultation_id)
        return ballots(consultation_id)

    monkeypatch.setattr(store.consultations, "ballots", seen)
    first = desk.counted(ident)
    assert (first.counts, first.issued) == ((0, 1), 5)
    assert all(finding.holds for finding in first.findings)
    assert desk.published(ident) == desk.counted(ident).data == first.data
    assert read == [ident]


def test_before_the_end_nothing_is_told(desk: Consultations) -> None:
    ident, codes = started(desk)
    receipt = desk.vote(ident, codes[0], 0, "", NOW)
    refused("stage", lambda: desk.published(ident))
    refused("stage", lambda: desk.find(ident, receipt, ""))


def test_codes_and_receipts_are_kept_as_hashes_alone(
    desk: Consultations, store: SqlStore, url: str, tmp_path: Path
) -> None:
    ident, codes = started(desk)
    receipt = desk.vote(ident, codes[0], 0, "coquelicot", NOW)
    store.close()
    rows = held(url, tmp_path)
    assert ident.encode() in rows
    for secret in (codes[0], tally.plain(codes[0]), receipt, tally.plain(receipt), "coquelicot"):
        assert secret.encode() not in rows


def broken(published: bytes, change: Callable[[dict[str, Any]], None]) -> list[str]:
    read = json.loads(published)
    change(read)
    return [one.en for one in tally.verify(json.dumps(read).encode()) if not one.holds]


def counted(desk: Consultations) -> tuple[str, bytes]:
    ident, codes = started(desk)
    for code in codes[:4]:
        desk.vote(ident, code, 0, "", NOW)
    desk.close(ident, END)
    return ident, desk.published(ident)


def test_a_changed_count_or_ballot_is_found(desk: Consultations) -> None:
    _, published = counted(desk)
    assert broken(published, lambda read: read["counts"].reverse())
    assert broken(published, lambda read: read["ballots"][0].__setitem__(1, 1))
    assert broken(published, lambda read: read["ballots"].pop())
    assert broken(published, lambda read: read["choices"].reverse())
    assert broken(published, lambda read: read.__setitem__("title", "Autre question"))


def test_stuffing_by_an_administrator_is_found(desk: Consultations, store: SqlStore) -> None:
    """With the database open in front of them."""
    ident, codes = started(desk)
    desk.vote(ident, codes[0], 0, "", NOW)
    extra = "e" * 64
    store.consultations.add_codes(ident, [extra])  # a code after the opening
    assert store.consultations.cast(ident, extra, Ballot("d" * 64, 1)) == "cast"
    desk.close(ident, END)
    found = [one.en for one in tally.verify(desk.published(ident)) if not one.holds]
    assert found == ["question and codes are those of the opening"]


def test_a_ballot_without_a_code_is_found(desk: Consultations) -> None:
    _, published = counted(desk)
    found = broken(published, lambda read: read["ballots"].append(["c" * 64, 1]))
    assert "5 ballots, 4 used codes" in found


def test_an_unused_code_that_voted_is_seen_by_whoever_holds_it(
    desk: Consultations, store: SqlStore
) -> None:
    """No count shows this fraud: the person who kept the code does, by the list of used ones."""
    ident, codes = started(desk)
    mine = tally.code_hash(ident, codes[4])
    store.consultations.cast(ident, mine, Ballot("b" * 64, 1))
    desk.close(ident, END)
    assert all(one.holds for one in tally.verify(desk.published(ident)))
    assert mine in json.loads(desk.published(ident))["used"]


def test_one_receipt_for_two_voters_is_impossible_with_a_word_of_ones_own() -> None:
    assert tally.receipt_hash("c", "R" * 26, "mot") != tally.receipt_hash("c", "R" * 26, "autre")


@given(st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
def test_what_is_no_count_is_refused_in_words(data: bytes) -> None:
    with pytest.raises(tally.TallyError):
        tally.verify(data)


PARTS = ("id", "choices", "issued", "used", "ballots", "counts", "closes_ms")
VALUES = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=6,
)


@given(VALUES, st.sampled_from(PARTS))
def test_another_form_of_a_part_is_refused_or_broken(value: object, part: str) -> None:
    base: dict[str, Any] = {"format": tally.FORMAT, "id": "c", "title": "t", "text": ""}
    base |= {"choices": ["a", "b"], "closes_ms": 1, "opened": "", "result": "", "counts": [0, 0]}
    base |= {"issued": [], "used": [], "ballots": []}
    base[part] = value
    try:
        found = tally.verify(json.dumps(base).encode())
    except tally.TallyError:
        return
    assert not all(one.holds for one in found)


def test_the_command_counts_again(desk: Consultations, tmp_path: Path) -> None:
    ident, codes = started(desk)
    receipt = desk.vote(ident, codes[0], 1, "mot", NOW)
    desk.close(ident, END)
    file = tmp_path / "count.json"
    file.write_bytes(desk.published(ident))
    run = CliRunner().invoke
    good = run(app, ["verify", str(file), "--receipt", receipt, "--word", "mot"])
    assert good.exit_code == 0, good.output
    assert "your ballot: Non" in good.output
    assert run(app, ["verify", str(file), "--receipt", "X"]).exit_code == 1
    file.write_bytes(
        desk.published(ident).replace(b'"counts": [\n  0,\n  1', b'"counts": [\n  1,\n  0')
    )
    assert run(app, ["verify", str(file)]).exit_code == 1
    assert run(app, ["verify", str(tmp_path)]).exit_code == 2
