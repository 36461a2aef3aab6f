"""Witnesses with state on disk, ways to reach them, and asking that is honest about failure."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from beffroi.adapters.log import Log
from beffroi.adapters.log.cosigners import Cosigners, Feeder, RolledBackError, mutual
from beffroi.adapters.log.peers import (
    Direct,
    Folder,
    Http,
    Peer,
    peer_of,
    read_peers,
    serve_folder,
)
from beffroi.adapters.log.reading import Reader
from beffroi.adapters.log.witness import Answer, Witness
from beffroi.evidence.entry import Draft
from beffroi.evidence.limits import COSIGNATURE_AHEAD_S_MAX
from beffroi.evidence.vkey import Vkey, VkeyError
from beffroi.evidence.witness import AddCheckpoint
from beffroi.kernel.dsse import Logged
from beffroi.kernel.keys import ED25519
from beffroi.kernel.logged import witnesses
from beffroi.kernel.note import COSIGNATURE
from beffroi.kernel.roster import HUB, LOG, WITNESS, Member, Roster
from beffroi.ports.log_store import LogError, WitnessError

NOW_S = 1_790_000_000
FAR = 2**50


class Way:
    """Answers as it is told to."""

    def __init__(self, answer: Callable[[bytes], Answer]) -> None:
        self.answer, self.asked = answer, 0

    def ask(self, request: bytes, timeout_s: float) -> Answer:
        self.asked += 1
        return self.answer(request)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    made = Log(tmp_path / "log", "aubigny")
    made.append([Draft("command.approved", i) for i in range(5)])
    yield made
    made.close()


@pytest.fixture
def witness(tmp_path: Path, log: Log) -> Iterator[Witness]:
    made = Witness(tmp_path / "w", "temoin.bethune", lambda: NOW_S)
    made.trust(log.vkey)
    yield made
    made.close()


def test_what_the_guard_asks_for(log: Log, witness: Witness) -> None:
    """The proof that `kernel.logged` checks, with a cosignature of a neighbour."""
    roster = Roster("aubigny", 1, FAR, (
        Member(ED25519, log.vkey.public, "log", "aubigny", LOG),
        Member(ED25519, b"h" * 32, "hub", "aubigny", HUB),
        Member(ED25519, witness.vkey.public, witness.name, "bethune", WITNESS),
    ))  # fmt: skip
    (placed,) = log.append([Draft("command.approved", 9, b"d" * 32)])
    cosigners = Cosigners(log, [Peer(witness.vkey, Direct(witness))])

    def seen(proof: Logged) -> int:
        return witnesses(proof, b"d" * 32, log.origin, roster)

    assert seen(log.prove(placed.index)) == 0
    at = cosigners.cosign(log.checkpoint(), 1, 5)
    log.append([Draft("a.b", 1) for _ in range(300)])  # meanwhile the log goes on
    assert seen(log.prove(placed.index, at)) == 1
    cosigners.close()


def test_what_was_cosigned_is_not_asked_for_again(log: Log, witness: Witness) -> None:
    way = Way(witness.handle)
    cosigners = Cosigners(log, [Peer(witness.vkey, way)])
    first = cosigners.cosign(log.checkpoint(), 1, 5)
    assert cosigners.cosign(log.checkpoint(), 1, 5) == first
    assert way.asked == 1
    assert len(cosigners) == 1
    cosigners.close()


def test_a_witness_that_knows_more_than_we_think(log: Log, witness: Witness) -> None:
    """After a restart of the hub: it answers 409 with its size, and the proof starts there."""
    one = Cosigners(log, [Peer(witness.vkey, Direct(witness))])
    one.cosign(log.checkpoint(), 1, 5)
    one.close()
    log.append([Draft("a.b", 1)])
    way = Way(witness.handle)
    again = Cosigners(log, [Peer(witness.vkey, way)])
    assert again.cosign(log.checkpoint(), 1, 5).size == 6
    assert way.asked == 2
    again.close()


def test_what_it_has_seen_outlives_it(log: Log, witness: Witness, tmp_path: Path) -> None:
    cosigners = Cosigners(log, [Peer(witness.vkey, Direct(witness))])
    cosigners.cosign(log.checkpoint(), 1, 5)
    cosigners.close()
    witness.close()
    again = Witness(tmp_path / "w", "temoin.bethune", lambda: NOW_S)
    assert again.last(log.origin).size == 5
    again.close()


def test_it_does_not_cosign_what_it_cannot_remember(log: Log, witness: Witness) -> None:
    """Lost, and lost-but-written: no cosignature leaves before its state is durable."""
    request = AddCheckpoint(0, (), log.checkpoint()).encoded()
    base = witness._base

    class Failing:
        def __init__(self, written: bool) -> None:
            self.written = written
            self.in_transaction = True

        def execute(self, sql: str, *row: object) -> sqlite3.Cursor:
            if sql == "COMMIT":
                if self.written:
                    base.execute(sql)
                    self.in_transaction = False
                raise sqlite3.OperationalError("disk I/O error")
            return base.execute(sql, *row)

    for written in (False, True):
        witness._base = Failing(written)  # type: ignore[assignment]
        assert witness.handle(request).status == 503
    witness._base = base
    assert witness.last(log.origin).size == 5, "it was written: it must be remembered"
    assert witness.handle(request) == Answer(409, b"5\n", "text/x.tlog.size")


@pytest.mark.parametrize("ahead_s", [COSIGNATURE_AHEAD_S_MAX, COSIGNATURE_AHEAD_S_MAX + 1, FAR])
def test_a_cosignature_of_a_time_to_come_is_refused(
    log: Log, witness: Witness, ahead_s: int
) -> None:
    """A valid one, by the right key: only our clock tells. What is within the bound is kept."""
    here_s = NOW_S - ahead_s
    cosigners = Cosigners(log, [Peer(witness.vkey, Direct(witness))], lambda: here_s)
    if ahead_s == COSIGNATURE_AHEAD_S_MAX:
        assert cosigners.count(cosigners.cosign(log.checkpoint(), 1, 5)) == 1
    else:
        with pytest.raises(WitnessError, match="in the future: compare both clocks"):
            cosigners.cosign(log.checkpoint(), 1, 5)
        assert log.witnessed() is None
    cosigners.close()


def test_bad_answers_are_no_cosignatures(log: Log, witness: Witness, tmp_path: Path) -> None:
    stranger = Witness(tmp_path / "s", "temoin.bethune", lambda: NOW_S)
    stranger.trust(log.vkey)
    good = witness.handle(AddCheckpoint(0, (), log.checkpoint()).encoded())
    flipped = good.body[:-3] + (b"B=\n" if good.body[-3:] != b"B=\n" else b"A=\n")
    cases: list[tuple[Callable[[bytes], Answer], str]] = [
        (stranger.handle, "does not hold"),
        (lambda _: Answer(200, b""), "not a cosignature"),
        (lambda _: Answer(200, b"\xff"), "not a cosignature"),
        (lambda _: Answer(200, flipped), "not a cosignature|does not hold"),
        (lambda _: Answer(500, b"\x1b[31mno"), r"refused \(500\)"),
        (lambda _: Answer(409, b"many\n"), "without a size"),
        (lambda _: Answer(409, b"9" * 40), "without a size"),
    ]
    for answer, why in cases:
        cosigners = Cosigners(log, [Peer(witness.vkey, Way(answer))])
        with pytest.raises(WitnessError, match=why):
            cosigners.cosign(log.checkpoint(), 1, 5)
        cosigners.close()
    sizes = iter(range(1, 5))
    restless = Cosigners(
        log, [Peer(witness.vkey, Way(lambda _: Answer(409, b"%d\n" % next(sizes))))]
    )
    with pytest.raises(WitnessError, match="too fast"):
        restless.cosign(log.checkpoint(), 1, 5)
    restless.close()
    stranger.close()


def test_the_quick_ones_are_enough(log: Log, witness: Witness, tmp_path: Path) -> None:
    other = Witness(tmp_path / "o", "temoin.calais", lambda: NOW_S)
    other.trust(log.vkey)
    free = threading.Event()

    def slow(request: bytes) -> Answer:
        free.wait(30)
        return other.handle(request)

    cosigners = Cosigners(log, [Peer(other.vkey, Way(slow)), Peer(witness.vkey, Direct(witness))])
    assert cosigners.cosign(log.checkpoint(), 1, 20).size == 5
    log.append([Draft("a.b", 1)])
    with pytest.raises(WitnessError, match=r"1 of 2 .*temoin\.calais: no answer in time"):
        cosigners.cosign(log.checkpoint(), 2, 0.5)
    with pytest.raises(WitnessError, match="3 witnesses are needed, 2 are known"):
        cosigners.cosign(log.checkpoint(), 3, 0.2)
    assert log.witnessed() is not None, "the one that answered is kept"
    free.set()
    cosigners.close()
    time.sleep(0.05)
    other.close()


def test_two_communes_witness_each_other(log: Log, witness: Witness, tmp_path: Path) -> None:
    neighbour = Log(tmp_path / "n", "bethune")
    ours = Witness(tmp_path / "ours", "temoin.aubigny", lambda: NOW_S)
    ours.trust(neighbour.vkey)
    here = Cosigners(log, [Peer(witness.vkey, Direct(witness))])
    there = Cosigners(neighbour, [Peer(ours.vkey, Direct(ours))])
    for _ in range(3):
        log.append([Draft("a.b", 1)])
        neighbour.append([Draft("a.b", 1), Draft("a.b", 2)])
        mutual(log, here, neighbour, there, 5)
    assert (witness.last(log.origin).size, ours.last(neighbour.origin).size) == (8, 6)
    for one in (here, there, neighbour, ours):
        one.close()


def test_feeding_reports_once_when_it_goes_wrong_and_when_it_is_well(
    log: Log, witness: Witness
) -> None:
    well = threading.Event()

    def answer(request: bytes) -> Answer:
        if not well.is_set():
            raise WitnessError("the line is cut")
        return witness.handle(request)

    said: list[str] = []
    cosigners = Cosigners(log, [Peer(witness.vkey, Way(answer))])
    feeder = Feeder(log, cosigners, 3_600, said.append)
    feeder.close()
    assert "the line is cut" in feeder.once()
    well.set()
    assert feeder.once() == ""
    assert len(said) == 2
    assert said[1] == ""
    cosigners.close()


def test_a_hanging_witness_does_not_hold_up_the_end(log: Log, witness: Witness) -> None:
    free = threading.Event()

    def hang(request: bytes) -> Answer:
        free.wait(30)
        return witness.handle(request)

    said: list[str] = []
    cosigners = Cosigners(log, [Peer(witness.vkey, Way(hang))])
    feeder = Feeder(log, cosigners, 3_600, said.append, 0.3)
    feeder.close()
    cosigners.close()
    assert "the hub stops" in feeder.once() or "busy" in feeder.once()
    free.set()


def test_closing_while_others_ask(log: Log, tmp_path: Path) -> None:
    """A closed witness refuses in words; it takes no thread, and no process, with it."""
    request = AddCheckpoint(0, (), log.checkpoint()).encoded()
    for turn in range(10):
        one = Witness(tmp_path / f"c{turn}", "temoin.x", lambda: NOW_S)
        one.trust(log.vkey)
        answers: list[int] = []
        threads = [
            threading.Thread(target=lambda w=one, a=answers: a.append(w.handle(request).status))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        one.close()
        for thread in threads:
            thread.join()
        assert set(answers) <= {200, 409, 503}
        assert one.handle(request).status == 503


def test_over_a_folder(log: Log, witness: Witness, tmp_path: Path) -> None:
    folder = tmp_path / "stick"
    cosigners = Cosigners(log, [Peer(witness.vkey, Folder(folder))])
    with pytest.raises(WitnessError, match="no answer"):
        cosigners.cosign(log.checkpoint(), 1, 0.1)
    assert serve_folder(witness, folder) == 1
    assert serve_folder(witness, folder) == 0
    assert cosigners.cosign(log.checkpoint(), 1, 5).size == 5
    assert list(folder.iterdir()) == []
    cosigners.close()


def test_the_list_of_witnesses(tmp_path: Path, log: Log, witness: Witness) -> None:
    path = tmp_path / "witnesses"
    assert read_peers(path) == []
    key = witness.vkey.text()
    path.write_text(f"# voisins\n\n{key} https://bethune.example/links/witness\n{key} {tmp_path}\n")
    over, by = read_peers(path)
    assert over.way == Http("https://bethune.example/links/witness")
    assert by.way == Folder(tmp_path)
    with pytest.raises(LogError, match="key of a log"):
        peer_of(log.vkey.text(), "https://x")
    for address in ("", "ftp://x"):
        with pytest.raises(LogError, match="address"):
            peer_of(key, address)
    with pytest.raises(VkeyError):
        peer_of("junk", "https://x")
    path.write_text("junk https://x\n")
    with pytest.raises(LogError, match="line 1"):
        read_peers(path)
    with pytest.raises(LogError, match="key of a witness"):
        witness.trust(witness.vkey)


def test_an_unknown_log_is_not_cosigned(tmp_path: Path, witness: Witness) -> None:
    other = Log(tmp_path / "x", "calais")
    answer = witness.handle(AddCheckpoint(0, (), other.checkpoint()).encoded())
    assert answer.status == 404
    other.close()


def test_many_ask_at_once(log: Log, witness: Witness) -> None:
    """Two cosignatures never start from the same state."""
    cosigners = [Cosigners(log, [Peer(witness.vkey, Direct(witness))]) for _ in range(4)]
    wrong: list[BaseException] = []

    def ask(one: Cosigners) -> None:
        for _ in range(5):
            try:
                log.append([Draft("a.b", 1)])
                one.cosign(log.checkpoint(), 1, 10)
            except RolledBackError as error:
                wrong.append(error)
            except WitnessError:
                continue  # others were quicker, three times in a row

    threads = [threading.Thread(target=ask, args=(one,)) for one in cosigners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert witness.conflicts() == []
    for one in cosigners:
        one.close()
    assert wrong == [], "a neighbour that is ahead of us is no alarm"


def test_a_reader_beside_the_hub_raises_no_false_alarm(log: Log, witness: Witness) -> None:
    reader = Reader(log.folder)
    log.append([Draft("a.b", 1)])
    hub = Cosigners(log, [Peer(witness.vkey, Direct(witness))])
    hub.cosign(log.checkpoint(), 1, 5)
    stale = Cosigners(reader, [Peer(witness.vkey, Direct(witness))])
    (log.folder / "witnessed").unlink()
    with pytest.raises(WitnessError, match="later checkpoint") as told:
        stale.cosign(reader.checkpoint(), 1, 5)
    assert not isinstance(told.value, RolledBackError)
    assert stale.cosign(reader.checkpoint(), 1, 5).size == 6
    for one in (hub, stale, reader):
        one.close()


def test_one_witness_that_cries_wolf_stops_nothing(log: Log, witness: Witness) -> None:
    wolf = Way(lambda _: Answer(409, b"999999\n"))
    two = [Peer(Vkey("temoin.loup", b"w" * 32, COSIGNATURE), wolf)]
    cosigners = Cosigners(log, [*two, Peer(witness.vkey, Direct(witness))])
    assert cosigners.cosign(log.checkpoint(), 1, 5).size == 5
    log.append([Draft("a.b", 1)])
    with pytest.raises(RolledBackError, match="999999"):
        cosigners.cosign(log.checkpoint(), 2, 5)
    cosigners.close()
