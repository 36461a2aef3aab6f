"""What a file of evidence proves, and that no changed byte goes unnoticed or unnamed."""

from __future__ import annotations

import hashlib
import random
from dataclasses import replace

import pytest
from tests.evidence.kit import (
    NEIGHBOUR,
    NOW_MS,
    ORIGIN,
    ROSTER,
    Book,
    command,
    forged,
    gathered,
    member,
    receipt,
    story,
    wire,
)

from beffroi.evidence.dossier import Dossier, DossierError, read_dossier, stamped
from beffroi.evidence.statement import Report, State, moment, typeset
from beffroi.evidence.verify import verify
from beffroi.evidence.words import KINDS, REASONS
from beffroi.hub.dispatch import evidence as dispatched
from beffroi.kernel.dsse import pack
from beffroi.kernel.keys import sha256
from beffroi.kernel.note import read_note
from beffroi.kernel.verdict import Reason

GIVEN = ROSTER.encoded()


def codes(report: Report, state: State | None = None) -> set[str]:
    return {one.code for one in report.statements if state in (None, one.state)}


def found(report: Report, code: str) -> list[int | None]:
    return [one.index for one in report.statements if one.code == code]


def test_a_true_story_is_proven() -> None:
    report = verify(story().dossier().text(), GIVEN)
    assert report.ok
    assert report.anchored
    assert not codes(report, State.BROKEN)
    assert codes(report, State.NOT_PROVEN) == {"file.beyond"}
    assert found(report, "entry.logged") == list(range(7))
    assert found(report, "signer.holds") == [1, 1, 2, 2, 2]
    assert found(report, "signer.false") == [5]
    assert found(report, "receipt.signed") == [3, 4]
    assert found(report, "receipts.follow") == [4]
    assert "witness.saw" in codes(report, State.PROVEN)


def test_it_says_so_in_french_and_english() -> None:
    report = verify(story().dossier(5).text(), GIVEN)
    fr = "\n".join(one.fr for one in report.statements)
    en = "\n".join(one.en for one in report.statements)
    assert (
        "Dans le journal signé figure l’entrée 5 (commande refusée\u00a0: signature fausse "
        "[bad_signature]\u00a0; boîtier g1), datée par le centre du 15 janvier 2027 à 08:00:00 UTC."
    ) in fr
    assert "entry 5 (command refused: bad signature [bad_signature]; guard g1)" in en
    assert f"Le témoin extérieur {NEIGHBOUR} (bethune) a vu ce journal de 7 entrées" in fr
    assert "fausse signature au nom de p2 (opérateur, prefecture)" in fr
    assert "a false signature in the name of p2 (operator, prefecture)" in en
    for text in (fr, en):
        assert "\x1b" not in text, "a parameter must not reach the terminal as it is"
        assert "«\x1b" not in text


def test_every_flipped_byte_is_noticed_and_the_entry_named() -> None:
    data = story().dossier(3, 5).text()
    lines = data.split(b"\n")
    starts, at = [], 0
    for line in lines:
        starts.append(at)
        at += len(line) + 1
    dice = random.Random(1)
    for at in range(len(data)):
        bad = data[:at] + bytes([data[at] ^ dice.randrange(1, 256)]) + data[at + 1 :]
        report = verify(bad, GIVEN)
        broken = [one for one in report.statements if one.state is State.BROKEN]
        assert not report.ok, at
        assert broken, at
        number = max(i for i, start in enumerate(starts) if start <= at)
        in_text = at > starts[number] + len(b"entry 1 ") and at < starts[number + 1] - 1
        if lines[number].startswith(b"entry ") and in_text:
            index = int(lines[number].split()[1])
            assert index in {one.index for one in broken}, (at, number)


def test_no_bytes_raise() -> None:
    dice = random.Random(2)
    data = story().dossier().text()
    for _ in range(300):
        start, length = dice.randrange(len(data)), dice.randrange(60)
        bad = data[:start] + dice.randbytes(dice.randrange(60)) + data[start + length :]
        assert not verify(bad, GIVEN).ok or bad == data
    for junk in (b"", b"\n", b"beffroi-evidence 1", b"beffroi-evidence 1\n", b"\x00" * 100):
        assert not verify(junk, GIVEN).ok
    assert not verify(data, b"not a roster").ok
    with pytest.raises(DossierError):
        read_dossier(b"\n" * 30_000)


def resummed(data: bytes) -> bytes:
    """What a forger does who knows the format: the checksum is made to hold again."""
    body = data[: data.rfind(b"sum ")]
    return body + b"sum " + hashlib.sha256(body).hexdigest().encode() + b"\n"


def test_a_forger_who_mends_the_checksum_gains_nothing() -> None:
    """Every byte of every entry line once more, in base64 that stays base64."""
    data = story().dossier(5).text()
    start = data.index(b"entry 5 ") + 8
    end = data.index(b"\n", start)
    for at in range(start, end, 2):
        other = b"A" if data[at : at + 1] != b"A" else b"B"
        report = verify(resummed(data[:at] + other + data[at + 1 :]), GIVEN)
        assert not report.ok, at
        assert 5 in {one.index for one in report.statements if one.state is State.BROKEN}


def test_bits_that_nobody_reads_are_damage_too() -> None:
    """Base64 leaves spare bits before `=`: the same bytes in another form are refused."""
    data = story().dossier(3, 5, 6).text()
    lines = [
        line for line in data.split(b"\n") if line.endswith(b"=") and line.startswith(b"entry")
    ]
    assert lines
    for line in lines:
        at = data.index(line) + len(line.rstrip(b"=")) - 1
        bad = resummed(data[:at] + bytes([data[at] + 1]) + data[at + 1 :])
        index = int(line.split()[1])
        report = verify(bad, GIVEN)
        assert found(report, "file.damaged") == [index]


def test_without_a_roster_of_your_own_it_says_whose_keys_is_not_proven() -> None:
    report = verify(story().dossier().text())
    assert report.ok
    assert not report.anchored
    assert "roster.inside" in codes(report, State.NOT_PROVEN)


def test_a_file_with_the_forgers_own_roster_is_refused_by_the_true_one() -> None:
    false = replace(ROSTER, members=tuple(
        replace(one, public=member("thief", "x", "log").public) if one.role == "log" else one
        for one in ROSTER.members
    ))  # fmt: skip
    book = replace(story(), signer="thief", roster=false)
    assert verify(book.dossier().text()).ok, "by itself the file looks sound: hence not anchored"
    report = verify(book.dossier().text(), GIVEN)
    assert "checkpoint.false" in codes(report, State.BROKEN)
    assert "roster.differs" in codes(report)
    assert not report.ok


def test_a_log_of_another_commune_is_refused() -> None:
    book = story()
    dossier = replace(book.dossier(), note=book.checkpoint("beffroi/ailleurs").text())
    assert "checkpoint.false" in codes(verify(dossier.text(), GIVEN), State.BROKEN)


def test_no_roster_at_all() -> None:
    report = verify(story().dossier(roster=False).text())
    assert not report.ok
    assert {"roster.none", "entry.unproven"} <= codes(report, State.NOT_PROVEN)


def test_witnesses_from_home_and_strangers_do_not_count() -> None:
    book = replace(story(), witnesses=("temoin.maison", "temoin.inconnu"))
    report = verify(book.dossier().text(), GIVEN)
    assert "witness.saw" not in codes(report)
    assert {"witness.none", "witness.stranger"} <= codes(report, State.NOT_PROVEN)


def test_a_false_cosignature_is_broken() -> None:
    book = story()
    note = book.checkpoint()
    line = note.signatures[1]
    bad = replace(line, raw=line.raw[:-1] + bytes([line.raw[-1] ^ 1]))
    dossier = replace(
        book.dossier(), note=replace(note, signatures=(note.signatures[0], bad)).text()
    )
    assert "witness.false" in codes(verify(dossier.text(), GIVEN), State.BROKEN)


def test_an_entry_dated_after_the_witness_saw_it_lies() -> None:
    book = replace(story(), seen_s=NOW_MS // 1000 - 301)
    assert "entry.late" in codes(verify(book.dossier().text(), GIVEN), State.BROKEN)


def test_an_entry_of_another_place_is_not_in_the_log() -> None:
    dossier = story().dossier()
    swapped = replace(dossier.items[2], entry=dossier.items[1].entry)
    items = (*dossier.items[:2], swapped, *dossier.items[3:])
    report = verify(replace(dossier, items=items).text(), GIVEN)
    assert found(report, "entry.not_logged") == [2]


def test_an_erased_payload_leaves_the_proof() -> None:
    report = verify(story().dossier(payloads=False).text(), GIVEN)
    assert report.ok
    assert found(report, "entry.logged") == list(range(7))
    assert found(report, "payload.absent") == list(range(6))
    assert not found(report, "signer.holds")


def test_another_payload_or_salt_is_noticed() -> None:
    dossier = story().dossier()
    for change in ({"payload": b"x"}, {"salt": b"s" * 32}, {"salt": b""}, {"payload": b""}):
        items = (replace(dossier.items[0], **change), *dossier.items[1:])  # type: ignore[arg-type]
        report = verify(replace(dossier, items=items).text(), GIVEN)
        assert found(report, "payload.other") == [0], change


def test_a_payload_where_none_was_recorded_is_noticed() -> None:
    dossier = story().dossier(6)
    item = replace(dossier.items[0], salt=b"s" * 32, payload=b"x")
    assert found(verify(replace(dossier, items=(item,)).text(), GIVEN), "payload.other") == [6]


def one(kind: str, payload: bytes, subject: bytes = bytes(32), **refs: object) -> Report:
    book = Book()
    book.add(kind, payload, subject, **refs)
    return verify(book.dossier().text(), GIVEN)


def test_commands() -> None:
    plain = command()
    approved = one("command.approved", pack(forged(plain, "p2")), plain.digest)
    assert "signer.false" in codes(approved, State.BROKEN)
    stranger = one("command.refused", pack(wire(plain, "nobody")), plain.digest)
    assert "signer.unknown" in codes(stranger, State.NOT_PROVEN)
    told = one("command.refused", pack(wire(plain, "nobody")), plain.digest, reason="unknown_key")
    assert "signer.unknown" in codes(told, State.PROVEN)
    other = one("command.sent", pack(wire(plain, "p1")), b"x" * 32)
    assert "command.other" in codes(other, State.BROKEN)
    raw = one("command.refused", b"\xff\x00junk", sha256(b"\xff\x00junk"), reason="unreadable")
    assert "command.raw" in codes(raw, State.PROVEN)
    lie = one("command.refused", b"\xff\x00junk", reason="unreadable")
    assert "command.unreadable" in codes(lie, State.NOT_PROVEN)


def test_one_signature_finds_its_command_in_another_entry() -> None:
    from beffroi.kernel.canonical import encode
    from beffroi.kernel.document import write

    book = Book()
    book.add_command("command.requested", wire(command()))
    (signature,) = wire(command(), "p1").signatures
    said = encode({"person": "p1", "key": signature.key, "signature": write(signature)})
    book.add("command.signed", said, command().digest)
    assert found(verify(book.dossier().text(), GIVEN), "signer.holds") == [1]
    assert not found(verify(book.dossier(1).text(), GIVEN), "signer.holds")


def test_receipts() -> None:
    first, false = receipt(1), receipt(2, by="p1")
    assert "receipt.false" in codes(one("guard.receipt", pack(false), sha256(false.payload)))
    assert "receipt.other" in codes(one("guard.receipt", pack(first), b"x" * 32), State.BROKEN)
    for second, code, state in (
        (receipt(2, sha256(first.payload)), "receipts.follow", State.PROVEN),
        (receipt(4, sha256(first.payload)), "receipts.gap", State.NOT_PROVEN),
        (receipt(2, b"x" * 32), "receipts.fork", State.BROKEN),
        (receipt(1, detail="x"), "receipts.fork", State.BROKEN),
        (first, "receipts.twice", State.NOT_PROVEN),
    ):
        book = Book()
        book.add_receipt(first)
        book.add_receipt(second)
        assert code in codes(verify(book.dossier().text(), GIVEN), state), code


def test_the_roster_used_may_be_in_the_log() -> None:
    report = one("trust.published", b"", sha256(GIVEN), version=3)
    assert found(report, "roster.recorded") == [0]


def test_time_stamps_are_told() -> None:
    data = stamped(story().dossier().text(), b"answer")
    assert "stamp.unchecked" in codes(verify(data, GIVEN), State.NOT_PROVEN)
    body = story().checkpoint().body

    def check(stamp: bytes, about: bytes) -> tuple[int, str]:
        assert (stamp, about) == (b"answer", body)
        return NOW_MS // 1000, "CN=\x1b[1mtsa"

    report = verify(data, GIVEN, check)
    assert "stamp.holds" in codes(report, State.PROVEN)
    assert "\x1b" not in "".join(one.fr for one in report.statements)

    def refuse(stamp: bytes, about: bytes) -> tuple[int, str]:
        raise ValueError("no")

    assert "stamp.false" in codes(verify(data, GIVEN, refuse), State.BROKEN)
    with pytest.raises(DossierError):
        stamped(data[:-5], b"answer")


def test_a_file_reads_back() -> None:
    dossier = story().dossier()
    there = read_dossier(dossier.text())
    assert there.whole
    assert Dossier(there.note, tuple(there.items), there.roster, there.stamp) == dossier
    assert read_note(there.note).origin == ORIGIN


def test_every_word_has_two_languages() -> None:
    assert set(REASONS) == set(Reason)
    named = {
        value
        for name, value in vars(dispatched).items()
        if name.isupper() and isinstance(value, str)
    }
    assert {kind for kind in named if "." in kind} <= set(KINDS)
    for said in (*REASONS.values(), *KINDS.values()):
        assert said.fr
        assert said.en


def test_times() -> None:
    assert moment(0).fr == "1er janvier 1970 à 00:00:00 UTC"
    assert moment(NOW_MS).en == "15 January 2027 at 08:00:00 UTC"
    assert "hors calendrier" in moment(2**60).fr
    assert typeset("a : « b » ; n° 3 !") == "a\u00a0: «\u00a0b\u00a0»\u00a0; n°\u00a03\u00a0!"


def test_gathered_signatures_are_those_of_the_hub() -> None:
    """The form that `hub.dispatch.evidence.approved` writes."""
    report = one("command.approved", gathered(command(), "p1", "p2"), command().digest)
    assert found(report, "signer.holds") == [0, 0]
