"""`beffroi entitlement`: a title from the key to the controller, and the copied one."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from beffroi.adapters.signers.file import create
from beffroi.cli.main import app

PASS = "une phrase assez longue pour un test"
RUN = CliRunner()


def run(*words: str, typed: str = "") -> Result:
    return RUN.invoke(app, ["entitlement", *words], input=typed)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("titles")
    create(folder / "titres.pem", PASS)
    told = run("public", "--key", f"file:{folder}/titres.pem", typed=f"{PASS}\n")
    (folder / "public").write_text(last(told))
    assert run("salt", str(folder / "salt")).exit_code == 0
    assert run("salt", str(folder / "salt")).exit_code == 1  # never drawn twice
    return folder


def last(result: Result) -> str:
    return result.output.strip().splitlines()[-1]


def issued(place: Path, *more: str) -> str:
    told = run("issue", "--key", f"file:{place}/titres.pem", "--commune", "bourg",
               "--place", "zone-1", "--minutes", "60", *more, typed=f"{PASS}\n")  # fmt: skip
    assert told.exit_code == 0, told.output
    return last(told)


def checked(place: Path, word: str, bay: str, used: str = "used", *more: str) -> Result:
    public = (place / "public").read_text()
    return run("check", word, "--public", public, "--commune", "bourg", "--bay", bay,
               "--zone", "zone-1", "--used", str(place / used), *more)  # fmt: skip


def test_a_title_is_good_for_one_place(place: Path) -> None:
    word = issued(place)
    first = checked(place, word, "bay-1")
    assert first.exit_code == 0, first.output
    assert "valable jusqu'à" in first.output
    again = checked(place, word, "bay-2")
    assert again.exit_code == 1
    assert "déjà utilisé ailleurs" in again.output


def test_a_title_for_a_vehicle_and_a_false_one(place: Path) -> None:
    salt = str(place / "salt")
    word = issued(place, "--plate", "AB-123-CD", "--salt", salt)
    assert "plaque" in checked(place, word, "bay-1").output
    assert (
        checked(place, word, "bay-1", "used", "--plate", "ab123cd", "--salt", salt).exit_code == 0
    )
    for false in (word[:-8] + "AAAAAAAA", "RIEN", ""):
        assert checked(place, false, "bay-1").exit_code == 1
    assert "--salt" in run("check", word, "--public", "00", "--commune", "b", "--bay", "x",
                           "--used", str(place / "u2"), "--plate", "AB").output  # fmt: skip


def test_two_controllers_compare(place: Path) -> None:
    word = issued(place)
    assert checked(place, word, "bay-1", "north").exit_code == 0
    assert checked(place, word, "bay-2", "south").exit_code == 0  # cut off from each other
    told = run("compare", str(place / "north"), str(place / "south"))
    assert told.exit_code == 1
    assert "1 titres montrés à deux endroits" in told.output
    assert run("compare", str(place / "north")).exit_code == 0
