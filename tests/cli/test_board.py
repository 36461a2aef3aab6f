"""`beffroi board`: the code on a board, offline; an authority's alert as the hub would read it."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest
from tests.evidence.kit import command, story
from typer.testing import CliRunner, Result

from beffroi.cli.main import app
from beffroi.kernel.code import code_of

RUN = CliRunner()
SENDER = "https://www.meteoburkina.bf/"


def run(*words: str) -> Result:
    return RUN.invoke(app, ["board", *words])


@pytest.fixture
def dossier(tmp_path: Path) -> str:
    path = tmp_path / "preuve.txt"
    path.write_bytes(story().dossier().text())
    return str(path)


def test_a_code_leads_to_its_entry_without_any_hub(dossier: str) -> None:
    code = code_of(command().digest)
    told = run("code", code.lower(), "--file", dossier)
    assert told.exit_code == 0, told.output
    assert command().digest.hex() in told.output


def test_a_code_that_nobody_approved(dossier: str, tmp_path: Path) -> None:
    assert "aucune commande" in run("code", "ZZZZZZ", "--file", dossier).output
    assert run("code", "ZZZZZZ", "--file", dossier).exit_code == 1
    assert "six lettres" in run("code", "ZZ", "--file", dossier).output
    assert run("code", "ZZZZZZ", "--home", str(tmp_path)).exit_code == 1  # no log there
    (tmp_path / "other").write_text("something")
    assert run("code", "ZZZZZZ", "--file", str(tmp_path / "other")).exit_code == 1


@pytest.mark.data
def test_an_alert_is_read_as_the_hub_would(data_dir: Path, tmp_path: Path) -> None:
    valid = data_dir / "cap-burkina" / "valid.xml"
    found = re.search(rb"<ds:X509Certificate>(.*?)</", valid.read_bytes(), re.DOTALL)
    assert found
    (tmp_path / "meteo.der").write_bytes(base64.b64decode(found[1]))
    given = ("--sender", SENDER, "--certificate", str(tmp_path / "meteo.der"), "--lat", "12.37",
             "--lon", "-1.52")  # fmt: skip
    told = run("cap", str(valid), *given, "--at", "2024-07-02T20:30:00+00:00")
    assert told.exit_code == 0, told.output
    assert "alert template=alerte_orage" in told.output.replace("minutes=30, ", "")
    assert run("cap", str(valid), *given).exit_code == 1  # today its certificate has expired
    spoiled = valid.with_name("invalid_digest.xml")
    told = run("cap", str(spoiled), *given, "--at", "2024-07-02T20:30:00+00:00")
    assert told.exit_code == 1
    assert "refusée" in told.output
