"""The PDF opened again: text, language, tags, attachment; one byte changed breaks its proofs."""

from __future__ import annotations

import io
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pikepdf
import pypdf
import pytest
from tests.hub.dossier.kit import DAY_MS, Town

from beffroi.adapters.pdf.maker import TypstPapers
from beffroi.evidence.entry import read_entry
from beffroi.evidence.verify import verify
from beffroi.hub.dossier.lines import Edition
from beffroi.hub.dossier.paper import town_hall
from beffroi.hub.dossier.proofs import NAME
from beffroi.hub.dossier.registers import RegisterError
from beffroi.model.alarm import Decision, DecisionKind
from beffroi.ports.papers import Paper, PaperError, PaperLine, PaperSection


@pytest.fixture
def past(town: Town) -> Town:
    """With a decided alarm, one without a decision, a refused request and a closed exercise."""
    first = town.alarm()
    town.clock.ms += 3 * 3_600_000
    deadline = town.clock.ms + 9 * DAY_MS
    made = Decision(DecisionKind.TREAT, "u1", deadline, "pièce commandée")
    town.desk.act(first.id, "decide", "u1", town.clock.ms, decision=made)
    town.ledger.follow(first.id)
    town.alarm(place=1)
    return town


def attachment(pdf: bytes) -> bytes:
    return pypdf.PdfReader(io.BytesIO(pdf)).attachments[NAME][0]


def words(pdf: bytes) -> str:
    pages = pypdf.PdfReader(io.BytesIO(pdf)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def test_a_sealed_file_carries_proofs_that_verify(past: Town) -> None:
    pdf, lines = past.office.make(Edition.SEALED, past.year, "u1")
    report = verify(attachment(pdf))
    assert report.ok
    assert lines > 60
    text = words(pdf)
    for expected in ("Dossier de diligence", "aide à la preuve", "n’exonère", "non prouvé"):
        assert expected in text
    assert "alarme grave sans décision" in text
    assert "pièce commandée" in text


def test_the_file_is_tagged_french_and_an_archive(past: Town) -> None:
    for edition, part in ((Edition.SEALED, "3"), (Edition.PUBLIC, "2")):
        pdf, _ = past.office.make(edition, past.year, "u1")
        with pikepdf.open(io.BytesIO(pdf)) as opened:
            assert str(opened.Root.Lang) == "fr-FR"
            assert bool(opened.Root.MarkInfo.Marked)
            assert "/StructTreeRoot" in opened.Root
            with opened.open_metadata() as meta:
                assert meta["pdfaid:part"] == part
                assert meta["pdfaid:conformance"] == "A"
                assert meta["pdfuaid:part"] == "1"
                assert "diligence" in str(meta["dc:title"])
            assert (NAME in opened.attachments) == (edition is Edition.SEALED)


def test_other_editions_hide_what_may_not_be_told(past: Town) -> None:
    for edition in (Edition.PUBLIC, Edition.INTERNAL):
        text = words(past.office.make(edition, past.year, "u1")[0])
        assert "pièce commandée" not in text
        assert "non communicables dans cette édition" in text


def test_one_byte_of_the_attachment_is_found(past: Town) -> None:
    data = attachment(past.office.make(Edition.SEALED, past.year, "u1")[0])
    for place in range(25, len(data) - 70, max(1, len(data) // 40)):
        changed = bytearray(data)
        changed[place] ^= 1
        assert not verify(bytes(changed)).ok, place


def test_erasing_words_breaks_no_proof(past: Town) -> None:
    given = {
        "what": "Digue fissurée", "decision": "none", "owner": "la directrice",
        "deadline": "2026-09-01",
    }  # fmt: skip
    line = past.office.registers.declare(
        "risk", next(iter(past.office.stores.domains)), given, "u1"
    )
    past.clock.ms += 1
    before = past.office.make(Edition.SEALED, past.year, "u1")[0]
    assert "Digue fissurée" in words(before)
    assert past.office.registers.erase(line.id)
    after = past.office.make(Edition.SEALED, past.year, "u1")[0]
    assert "Digue" not in words(after)
    assert b"Digue" not in after
    assert "contenu effacé" in words(after)
    assert past.log.payload(line.entry) is None
    assert verify(attachment(after)).ok
    assert verify(attachment(before)).ok


def test_entries_hold_no_word_of_anybody(past: Town) -> None:
    for index in range(past.log.checkpoint().size):
        entry = read_entry(past.log.entry(index))
        told = " ".join(map(str, entry.refs.values()))
        assert "u1" not in told.split()
        assert "pièce" not in told


def test_each_paper_is_noted_with_its_digest(past: Town) -> None:
    past.office.make(Edition.PUBLIC, past.year, "u1")
    noted = past.store.registers.records("edition")
    assert len(noted) == 1
    assert len(str(noted[0].facts["sha256"])) == 64
    assert read_entry(past.log.entry(noted[0].entry)).kind == "dossier.made"


def test_the_page_makes_them_beside_and_says_how_far(past: Town) -> None:
    job = past.office.begin(Edition.PUBLIC, past.year, "u1")
    past.office.close()
    done = past.office.job(job.id)
    assert done is not None
    assert (done.step, done.why) == ("ready", "")
    assert done.pdf.startswith(b"%PDF-")
    with pytest.raises(RegisterError, match="end after"):
        past.office.begin(Edition.PUBLIC, type(past.year)(9, 8), "u1")


def test_hostile_words_are_set_as_words() -> None:
    evil = '#read("/etc/passwd") #{while true {}} $x$ \\ " <a> // @b *gras* _x_ [c] \u202e\u200bé'
    line = PaperLine(evil, (evil,), evil)
    paper = Paper(
        evil, evil, evil, evil, evil, [(evil, evil)], [evil],
        [PaperSection(evil, (line,), "1", evil, evil)], evil, evil,
    )  # fmt: skip
    text = words(TypstPapers().make(paper))
    assert "#read" in text
    assert "root:" not in text


def test_a_setter_without_memory_fails_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("beffroi.adapters.pdf.maker.PAPER_PROCESS_BYTES_MAX", 64 * 1024 * 1024)
    with pytest.raises(PaperError, match="could not be set"):
        TypstPapers().make(Paper("a", "", "b", "c", "d", [], [], [], "e", "f"))


@pytest.mark.parametrize(
    ("name", "hall"),
    [
        ("Aubigny", "Mairie d’Aubigny"),
        ("Lille", "Mairie de Lille"),
        ("Le Havre", "Mairie du Havre"),
        ("Les Sables-d’Olonne", "Mairie des Sables-d’Olonne"),
        ("Écully", "Mairie d’Écully"),
    ],
)
def test_a_town_hall_is_named_as_one_speaks(name: str, hall: str) -> None:
    assert town_hall(name) == hall


def test_a_paper_that_was_stopped_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The child that is killed removes nothing, and what it was given tells of people."""
    real = subprocess.run

    def stopped(command: list[str], **given: Any) -> Any:
        code = "import os, tempfile, time; tempfile.mkdtemp(prefix='beffroi-paper-'); time.sleep(9)"
        given["timeout"] = 0.5
        assert given["env"]["TMPDIR"].startswith(str(tmp_path))
        return real([command[0], "-c", code], **given)

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr("beffroi.adapters.pdf.maker.subprocess.run", stopped)
    with pytest.raises(PaperError, match="choose a shorter period"):
        TypstPapers().make(Paper("a", "", "b", "c", "d", [], [], [], "e", "f"))
    assert list(tmp_path.iterdir()) == []
