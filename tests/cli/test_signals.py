"""`beffroi signals` as a technician types it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.domains.signals.small import cross
from typer.testing import CliRunner

from beffroi.adapters.sql import open_store
from beffroi.cli import settings
from beffroi.cli.signals import app
from beffroi.domains.signal_junction import Plan, Stage
from beffroi.domains.signals.acts import proven
from beffroi.domains.signals.table import toml

RUN = CliRunner()
BAD = cross(id="b", plans={1: Plan("", (Stage(frozenset({0, 1}), 10), Stage(frozenset({2}), 6)))})


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "carrefours.toml"
    path.write_text(toml(cross()) + toml(BAD))
    return path


def test_prove_tells_each_and_fails_if_one_does(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "good.toml"
    done = RUN.invoke(app, ["prove", str(table), "--out", str(out)])
    assert done.exit_code == 1
    assert "prouvé / proven" in done.output
    assert "REFUSÉ / REFUSED" in done.output
    assert "b: => Est-Ouest attend plus de 120 s" in done.output
    english = RUN.invoke(app, ["prove", str(table), "--english"])
    assert "b: => Est-Ouest waits for more than 120 s" in english.output
    assert RUN.invoke(app, ["prove", str(out)]).exit_code == 0


def test_a_second_opinion(table: Path) -> None:
    pytest.importorskip("z3", reason="the second prover is in the extra `formal`")
    done = RUN.invoke(app, ["prove", str(table), "--z3"])
    assert done.output.count("d'accord / agrees") == 2


def test_import_takes_what_is_proven_and_keeps_what_people_changed(
    table: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    done = RUN.invoke(app, ["import", str(table), "--home", str(home)])
    assert (done.exit_code, done.output.splitlines()[-1]) == (
        1, "1 importé(s), 1 refusé(s) / imported, refused")  # fmt: skip
    store = open_store(settings.load(home).store_url)
    (asset,) = store.assets.assets("signals")
    assert asset.id == "junction-j"
    assert proven(asset) is not None
    moved = type(asset)(asset.id, "signals", "junction", "Chez nous", 2.5, 46.5,
                        authority="epci", attrs={**asset.attrs, "usual": [2]})  # fmt: skip
    store.assets.put_assets([moved])
    store.close()
    assert RUN.invoke(app, ["import", str(table), "--home", str(home)]).exit_code == 1
    store = open_store(settings.load(home).store_url)
    assert store.assets.asset("junction-j") == moved
    store.close()


@pytest.mark.data
def test_wildau_is_refused_and_its_proposals_are_taken_on_request(
    data_dir: Path, tmp_path: Path
) -> None:
    file, home = data_dir / "wildau" / "Netzmodell2.net.xml", tmp_path / "home"
    done = RUN.invoke(app, ["import", str(file), "--home", str(home)])
    assert "0 importé(s), 3 refusé(s)" in done.output
    assert "le minimum est 6" in done.output
    done = RUN.invoke(app, ["import", str(file), "--repair", "--home", str(home)])
    assert (done.exit_code, done.output.splitlines()[-1]) == (
        0, "3 importé(s), 0 refusé(s) / imported, refused")  # fmt: skip
    store = open_store(settings.load(home).store_url)
    found = store.assets.assets("signals")
    assert sorted(asset.id for asset in found) == [
        "junction-31511424", "junction-891707410", "junction-gnej5"]  # fmt: skip
    assert all(proven(asset) for asset in found)
    store.close()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.toml", "[[junction]]\nid = 'j'\namber_s = 1\n"),
        ("a.toml", "\xff"),
        ("a.xml", "<!DOCTYPE net [<!ENTITY a 'x'>]><net>&a;</net>"),
        ("a.xml", "<html/>"),
    ],
)
def test_a_bad_file_is_one_line(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_bytes(text.encode("latin-1"))
    done = RUN.invoke(app, ["prove", str(path)])
    assert done.exit_code == 1
    assert done.output.startswith("beffroi: ")
    assert done.output.count("\n") == 1
    assert RUN.invoke(app, ["prove", str(tmp_path / "none.toml")]).exit_code == 1
