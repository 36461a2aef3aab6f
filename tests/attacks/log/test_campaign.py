"""Campaign L of the threat model: somebody with the database, the files, the log's key, or a
neighbour's trust tries to change what was recorded. Each case ends in a refusal that names it."""

from __future__ import annotations

import base64
import random
import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from tests.evidence.kit import ROSTER, command, mth, seed, story, wire

from beffroi.adapters.log import Log
from beffroi.adapters.log.cosigners import Cosigners, RolledBackError
from beffroi.adapters.log.fsck import fsck
from beffroi.adapters.log.peers import Direct, Peer
from beffroi.adapters.log.reading import Reader
from beffroi.adapters.log.witness import Witness
from beffroi.evidence.entry import Draft, read_entry
from beffroi.evidence.merkle import consistency
from beffroi.evidence.note import sign_note
from beffroi.evidence.tile import join_bundle, split_bundle
from beffroi.evidence.verify import verify
from beffroi.evidence.witness import AddCheckpoint
from beffroi.hub.dispatch import evidence as dispatched
from beffroi.kernel.note import Checkpoint, NoteError, read_note
from beffroi.ports.log_store import LogError

COUNT = 600
LATE_MS = 1_790_000_000_000


def draft(index: int) -> Draft:
    return Draft("command.refused", index, refs={"count": index}, payload=b"payload %d" % index)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of 600 entries whose last checkpoint a witness has cosigned."""
    folder = tmp_path_factory.mktemp("log")
    log = Log(folder / "evidence", "aubigny", seed=seed("log"))
    log.append([draft(index) for index in range(COUNT)])
    witness = Witness(folder / "witness", "temoin.bethune", lambda: LATE_MS // 1000)
    witness.trust(log.vkey)
    cosigners = Cosigners(log, [Peer(witness.vkey, Direct(witness))])
    cosigners.cosign(log.checkpoint(), 1, 10)
    for one in (cosigners, log, witness):
        one.close()
    return folder


@pytest.fixture
def home(original: Path, tmp_path: Path) -> Path:
    shutil.copytree(original, tmp_path / "copy")
    return tmp_path / "copy"


def refused(folder: Path) -> str:
    """The log does not open, for a writer as for a reader; why."""
    with pytest.raises(LogError) as told:
        Log(folder, "aubigny", seed=seed("log"))
    with pytest.raises(LogError):
        Reader(folder)
    return str(told.value)


def named(folder: Path) -> set[int | None]:
    checked = fsck(folder)
    assert not checked.sound
    return {one.index for one in checked.findings}


def sql(folder: Path, statement: str, *row: object) -> None:
    with closing(sqlite3.connect(folder / "payloads.sqlite")) as base:
        base.execute(statement, row)
        base.commit()


def rewrite(path: Path, place: int, change: Callable[[bytes], bytes], width: int) -> None:
    entries = split_bundle(path.read_bytes(), width)
    entries[place] = change(entries[place])
    path.write_bytes(join_bundle(entries))


def other_entry(_: bytes) -> bytes:
    return Draft("command.refused", 7, refs={"count": 7}).sealed(bytes(32)).encoded()


# --- L1: rows and bytes ---


def test_l1_an_entry_rewritten_in_a_full_bundle(home: Path) -> None:
    folder = home / "evidence"
    rewrite(folder / "log" / "tile" / "entries" / "001", 44, other_entry, 256)
    assert 300 in named(folder)
    reader = Reader(folder)  # tiles still agree; but no proof of that entry holds
    reader.export([299, 300], home / "file")
    report = verify((home / "file").read_bytes(), ROSTER.encoded())
    broken = {one.index for one in report.statements if one.state == "broken"}
    assert broken == {300}
    reader.close()


def test_l1_an_entry_rewritten_in_the_open_bundle(home: Path) -> None:
    folder = home / "evidence"
    rewrite(folder / "log" / "open" / "2", 10, other_entry, 88)
    assert "not those of checkpoint" in refused(folder)
    assert named(folder)


def test_l1_entry_and_tile_rewritten_together(home: Path) -> None:
    folder = home / "evidence"
    bundle = folder / "log" / "tile" / "entries" / "000"
    rewrite(bundle, 3, other_entry, 256)
    tile = folder / "log" / "tile" / "0" / "000"
    hashes = [mth([one]) for one in split_bundle(bundle.read_bytes(), 256)]
    tile.write_bytes(b"".join(hashes))
    assert "not those of checkpoint" in refused(folder)
    assert named(folder)


def test_l1_an_entry_deleted(home: Path) -> None:
    folder = home / "evidence"
    path = folder / "log" / "tile" / "entries" / "000"
    entries = split_bundle(path.read_bytes(), 256)
    path.write_bytes(join_bundle(entries[:5] + entries[6:]))
    assert 5 in named(folder)


def test_l1_a_payload_updated_or_deleted(home: Path) -> None:
    folder = home / "evidence"
    sql(folder, "UPDATE payload SET data = ? WHERE idx = 12", b"another story")
    sql(folder, "DELETE FROM payload WHERE idx = 13")
    assert named(folder) == {12}, "an erased payload is lawful, a changed one is not"
    reader = Reader(folder)
    reader.export([12, 13], home / "file")
    reader.close()
    report = verify((home / "file").read_bytes(), ROSTER.encoded())
    assert [one.index for one in report.statements if one.code == "payload.other"] == [12]
    assert [one.index for one in report.statements if one.code == "payload.absent"] == [13]


def test_l1_any_byte_of_any_file(home: Path) -> None:
    """A flipped byte in entries, tiles or checkpoint is found by fsck, whatever it is."""
    folder = home / "evidence"
    dice = random.Random(3)
    paths = [p for p in (folder / "log").rglob("*") if p.is_file()]
    for path in paths:
        data = path.read_bytes()
        for _ in range(8):
            at = dice.randrange(len(data))
            path.write_bytes(
                data[:at] + bytes([data[at] ^ dice.randrange(1, 256)]) + data[at + 1 :]
            )
            assert not fsck(folder).sound, (path, at)
        path.write_bytes(data)
    assert fsck(folder).sound


def test_l1_files_missing(home: Path) -> None:
    folder = home / "evidence"
    for path in [p for p in (folder / "log").rglob("*") if p.is_file()]:
        data = path.read_bytes()
        path.unlink()
        assert not fsck(folder).sound, path
        path.write_bytes(data)


# --- L2: the tail cut off after a witness saw it ---


def earlier(home: Path, count: int) -> Path:
    """What somebody with root and the log's key can make: an earlier state, sound in itself."""
    shutil.rmtree(home / "evidence")
    log = Log(home / "evidence", "aubigny", seed=seed("log"))
    log.append([draft(index) for index in range(count)])
    log.close()
    return home / "evidence"


def test_l2_a_cut_tail_is_found_by_the_witness(home: Path) -> None:
    folder = earlier(home, COUNT - 5)
    assert fsck(folder).sound, "nothing on this machine can know"
    witness = Witness(home / "witness", "temoin.bethune", lambda: LATE_MS // 1000)
    log = Log(folder, "aubigny", seed=seed("log"))
    cosigners = Cosigners(log, [Peer(witness.vkey, Direct(witness))])
    with pytest.raises(RolledBackError, match=r"has seen 600 entries.* only 595"):
        cosigners.cosign(log.checkpoint(), 1, 10)
    log.append([draft(index) for index in range(9)])  # grown beyond: another history
    with pytest.raises(LogError, match=r"refused \(422\)"):
        cosigners.cosign(log.checkpoint(), 1, 10)
    for one in (cosigners, log, witness):
        one.close()


def test_l2_a_cut_tail_with_the_cosigned_checkpoint_left_behind(home: Path) -> None:
    seen = (home / "evidence" / "witnessed").read_bytes()
    folder = earlier(home, COUNT - 5)
    (folder / "witnessed").write_bytes(seen)
    assert COUNT - 5 in named(folder)


def test_l2_a_file_cut_by_somebody_without_the_key(home: Path) -> None:
    folder = home / "evidence"
    path = folder / "log" / "open" / "2"
    path.write_bytes(path.read_bytes()[:-30])
    assert "missing" in refused(folder)
    assert named(folder) == {COUNT - 1}


# --- L3: rollback and split view ---


def test_l3_the_database_alone_put_back(home: Path) -> None:
    folder = home / "evidence"
    shutil.copy(folder / "payloads.sqlite", home / "old.sqlite")
    log = Log(folder, "aubigny", seed=seed("log"))
    log.append([draft(1)])
    log.close()
    shutil.copy(home / "old.sqlite", folder / "payloads.sqlite")
    with pytest.raises(LogError, match="was rolled back"):
        Log(folder, "aubigny", seed=seed("log"))
    assert any("put back" in one.en for one in fsck(folder).findings)


def test_l3_the_database_alone_lost(home: Path) -> None:
    folder = home / "evidence"
    for path in folder.glob("payloads.sqlite*"):
        path.unlink()
    with pytest.raises(LogError, match="adopt"):
        Log(folder, "aubigny", seed=seed("log"))
    log = Log(folder, "aubigny", seed=seed("log"), adopt=True)
    assert log.checkpoint().size == COUNT
    assert log.payload(3) is None
    log.close()


def test_l3_the_checkpoint_file_alone_put_back_changes_nothing(home: Path) -> None:
    folder = home / "evidence"
    old = (folder / "log" / "checkpoint").read_bytes()
    log = Log(folder, "aubigny", seed=seed("log"))
    log.append([draft(1)])
    log.close()
    (folder / "log" / "checkpoint").write_bytes(old)
    log = Log(folder, "aubigny", seed=seed("log"))
    assert log.checkpoint().size == COUNT + 1
    log.close()


def test_l3_two_writers_cannot_both_win(home: Path) -> None:
    """The lock taken away: the compare-and-swap is what stops the second one."""
    folder = home / "evidence"
    one = Log(folder, "aubigny", seed=seed("log"))
    (folder / "lock").unlink()
    other = Log(folder, "aubigny", seed=seed("log"))
    other.append([draft(1)])
    with pytest.raises(LogError, match="somebody else has written"):
        one.append([draft(2)])
    one.close()
    other.close()


def test_l3_a_split_view_is_caught_and_proven_by_the_witness_that_sees_both(tmp_path: Path) -> None:
    """The log's own key shows one history to each of two communes."""
    views = []
    for name in ("one", "two"):
        log = Log(tmp_path / name, "aubigny", seed=seed("log"))
        log.append([draft(index) for index in range(5)])
        log.append([Draft("command.refused", 9, refs={"count": 9 if name == "one" else 10})])
        views.append(log)
    witnesses = []
    for name in ("temoin.bethune", "temoin.calais"):
        witness = Witness(tmp_path / name, name, lambda: LATE_MS // 1000)
        witness.trust(views[0].vkey)
        witnesses.append(witness)
    for log, witness in zip(views, witnesses, strict=True):
        cosigners = Cosigners(log, [Peer(witness.vkey, Direct(witness))])
        cosigners.cosign(log.checkpoint(), 1, 10)
        cosigners.close()
    # Within a period each asks both: the second view finds the first.
    both = Cosigners(views[1], [Peer(one.vkey, Direct(one)) for one in witnesses])
    with pytest.raises(RolledBackError, match="another tree of 6 entries"):
        both.cosign(replace(views[1].checkpoint(), size=7), 2, 10)
    (conflict,) = witnesses[0].conflicts()
    first, second = read_note(conflict.first), read_note(conflict.second)
    assert first.size == second.size
    assert first.root != second.root
    key = views[0].vkey
    assert first.signed_by(key.name, key.public)
    assert second.signed_by(key.name, key.public)
    for one in (both, *views, *witnesses):
        one.close()


# --- L4: shapes that must fail ---


def shapes() -> dict[str, bytes]:
    """A cosigned checkpoint, wrong in one way each."""
    book = story()
    note = book.checkpoint()
    text = note.text().decode()
    origin, size, root = text.split("\n")[:3]
    log_line, seen_line = text.split("\n")[4:6]
    name, raw = log_line.rsplit(" ", 1)
    bits = base64.b64decode(raw)
    key = seed("log")

    def line(data: bytes) -> str:
        return f"{name} {base64.b64encode(data).decode()}"

    def signed(by: bytes = key, **changes: object) -> bytes:
        bare = replace(note, signatures=(), **changes)  # type: ignore[arg-type]
        return replace(bare, signatures=(sign_note(bare, bare.origin, by),)).text()

    def of(head: str, *lines: str) -> bytes:
        return (head + "\n" + "".join(f"{one}\n" for one in lines)).encode()

    head = f"{origin}\n{size}\n{root}\n"
    wrong_root = base64.b64encode(b"x" * 32).decode()
    return {
        "nothing": b"",
        "no signature": of(head),
        "no empty line": (head + log_line + "\n").encode(),
        "no origin": of(f"{size}\n{root}\n", log_line),
        "empty origin": of(f"\n{size}\n{root}\n", log_line),
        "another origin": of(f"beffroi/ailleurs\n{size}\n{root}\n", log_line),
        "another origin, signed": signed(origin="beffroi/ailleurs"),
        "origin with a space": of(f"beffroi/aubigny x\n{size}\n{root}\n", log_line),
        "another size": of(f"{origin}\n8\n{root}\n", log_line),
        "size 0, signed": signed(size=0),
        "larger size, signed": signed(size=12),  # 8 has the same proof: only witnesses can tell
        "negative size": of(f"{origin}\n-7\n{root}\n", log_line),
        "size with a zero before": of(f"{origin}\n07\n{root}\n", log_line),
        "size in hexadecimal": of(f"{origin}\n0x7\n{root}\n", log_line),
        "size without end": of(f"{origin}\n{'9' * 30}\n{root}\n", log_line),
        "no size": of(f"{origin}\n{root}\n", log_line),
        "another root": of(f"{origin}\n{size}\n{wrong_root}\n", log_line),
        "another root, signed": signed(root=b"x" * 32),
        "short root": of(f"{origin}\n{size}\nAAAA\n", log_line),
        "root in other base64": of(f"{origin}\n{size}\n{root.replace('=', '')}\n", log_line),
        "an extension line": of(f"{head}more\n", log_line),
        "another key": signed(by=seed("thief")),
        "another key, our hint": of(head, line(bits[:4] + b"s" * 64)),
        "wrong hint": of(head, line(b"xxxx" + bits[4:])),
        "hint only": of(head, line(bits[:4])),
        "short signature": of(head, line(bits[:-1])),
        "long signature": of(head, line(bits + b"x")),
        "flipped signature": of(head, line(bits[:-1] + bytes([bits[-1] ^ 1]))),
        "signature of another name": of(head, log_line.replace("aubigny", "ailleurs")),
        "signature in other base64": of(head, log_line[:-1]),
        "hyphen for dash": of(head, log_line.replace("\u2014", "-")),
        "two spaces": of(head, log_line.replace("\u2014 ", "\u2014  ")),
        "no last newline": of(head, log_line)[:-1],
        "carriage returns": of(head, log_line).replace(b"\n", b"\r\n"),
        "a byte-order mark": b"\xef\xbb\xbf" + of(head, log_line),
        "not UTF-8": of(head, log_line) + b"\xff\n",
        "text behind": of(head, log_line, "more"),
        "an empty line behind": of(head, log_line, ""),
        "the witness alone": of(head, seen_line),
        "the log's line as a witness's": of(head, log_line.replace("beffroi/aubigny", "temoin.x")),
        "too many lines": of(head, *[log_line] * 17),
        "too long": of(head, log_line, *[f"\u2014 {'w' * 190} {raw}"] * 15),
        "another log's note": story_of_another_log(),
    }


def story_of_another_log() -> bytes:
    book = story()
    book.add("a.b")
    return replace(book, signer="thief").checkpoint().text()


def longer() -> Callable[[int, int], bytes]:
    entries = story().entries
    return lambda level, at: mth(entries[at << level : (at + 1) << level])


@pytest.mark.parametrize("shape", shapes(), ids=str)
def test_l4_a_checkpoint_wrong_in_one_way(shape: str, tmp_path: Path) -> None:
    bad = shapes()[shape]
    dossier = replace(story().dossier(5), note=bad or b"\n")
    report = verify(dossier.text(), ROSTER.encoded())
    assert not report.ok
    assert any(one.state == "broken" for one in report.statements)
    try:
        checkpoint = read_note(bad)
    except NoteError:
        return
    if shape in ("size 0, signed", "larger size, signed", "another root, signed"):
        return  # a witness sees no entries: what the log signs is the log's word
    witness = Witness(tmp_path / "w", "temoin.bethune", lambda: LATE_MS // 1000)
    witness.trust(log_key(tmp_path))
    proof = consistency(0, 0, longer())
    answer = witness.handle(AddCheckpoint(0, proof, checkpoint).encoded())
    assert answer.status in (400, 403, 404), answer
    witness.close()


def log_key(folder: Path) -> object:
    log = Log(folder / "key", "aubigny", seed=seed("log"))
    key = log.vkey
    log.close()
    return key


def test_l4_the_good_one_passes() -> None:
    assert verify(story().dossier(5).text(), ROSTER.encoded()).ok
    assert len(shapes()) >= 43


def test_l4_a_checkpoint_of_the_future(tmp_path: Path) -> None:
    """Its entries are dated after the witness saw them."""
    book = replace(story(), seen_s=1_700_000_000)
    report = verify(book.dossier().text(), ROSTER.encoded())
    assert {one.index for one in report.statements if one.code == "entry.late"} == set(range(7))


# --- L6: personal data ---

PERSONAL = (
    b"Jeanne", b"Dupont", b"jeanne.dupont@mairie.example", b"0612345678", b"+33 6 12 34 56 78",
    b"4 rue des Lilas", b"AB-123-CD", b"1985-07-14", b"FR7630006000011234567890189", b"p1", b"p2",
    b"clerk",
)  # fmt: skip


def test_l6_no_personal_datum_enters_the_log(tmp_path: Path) -> None:
    """All the hub records of a command, with persons and their data everywhere they may be; then
    every file of the log, and what it publishes, is searched."""
    from beffroi.adapters.log.publish import publish

    book = story()
    secret = b"; ".join(PERSONAL)
    log = Log(tmp_path / "evidence", "aubigny", seed=seed("log"))
    log.append(book.drafts)
    log.append([replace(one, payload=secret + one.payload) for one in book.drafts])
    log.append([Draft(kind, 1, payload=secret) for kind in kinds()])
    publish(log, tmp_path / "www")
    log.close()
    for root in (tmp_path / "evidence" / "log", tmp_path / "www"):
        for path in root.rglob("*"):
            if path.is_file() and path.name != "checkpoint":
                held = path.read_bytes()
                for datum in PERSONAL:
                    if len(datum) > 3:
                        assert datum not in held, (datum, path)
    entries = [read_entry(one) for one in book.entries]
    for entry in entries:
        assert not {b"p1", b"p2"} & {str(value).encode() for value in entry.refs.values()}


def kinds() -> list[str]:
    named = [value for name, value in vars(dispatched).items() if name.isupper()]
    return [value for value in named if isinstance(value, str) and re.fullmatch(r"\w+\.\w+", value)]


def test_l6_a_digest_tells_nothing_to_who_guesses_the_payload() -> None:
    """Without the salt, knowing all possible payloads does not help."""
    book = story()
    sealed = {read_entry(one).sealed for one in book.entries}
    import hashlib

    for one in book.drafts:
        assert hashlib.sha256(one.payload).digest() not in sealed
        assert hashlib.sha256(bytes(32) + one.payload).digest() not in sealed
    again = Draft("a.b", 1, payload=b"same")
    assert again.sealed(b"1" * 32).sealed != again.sealed(b"2" * 32).sealed


def test_l6_the_checkpoint_of_a_command_names_no_person() -> None:
    assert b"p1" not in Checkpoint("beffroi/aubigny", 1, bytes(32)).body
    assert b"p1" not in wire(command(), "p1").payload
