"""`beffroi codec` as an administrator types it, with real frames of a parking sensor's maker."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from beffroi.cli.codec import app

RUN = CliRunner()
CODEC = """
function decodeUplink(input) {
  if (input.fPort !== 1) return {errors: ['unknown port']};
  return {data: {occupied: (input.bytes[0] & 1) === 1, at: input.recvTime}};
}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "bay.js"
    path.write_text(CODEC)
    return path


def test_add_list_and_remove(file: Path, tmp_path: Path) -> None:
    home = ["--home", str(tmp_path / "home")]
    added = RUN.invoke(app, ["add", str(file), "--name", "Bay sensor", *home])
    assert added.exit_code == 0, added.output
    sha256 = added.output.split()[-1]
    assert sha256[:16] in RUN.invoke(app, ["list", *home], env={"COLUMNS": "200"}).output
    removed = RUN.invoke(app, ["remove", sha256[:10], *home])
    assert (removed.exit_code, removed.output) == (0, "Bay sensor retiré / removed\n")
    shown = RUN.invoke(app, ["list", *home], env={"COLUMNS": "200"}).output
    assert "retiré / removed" in shown


def test_try_a_frame(file: Path) -> None:
    when = "2026-11-24T08:00:00.000Z"
    good = RUN.invoke(app, ["test", str(file), "--hex", "01 ff", "--recv-time", when])
    assert json.loads(good.output) == {"data": {"occupied": True, "at": when}}
    bad = RUN.invoke(app, ["test", str(file), "--hex", "01", "--fport", "2"])
    assert (bad.exit_code, json.loads(bad.output)) == (1, {"errors": ["unknown port"]})


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("for (;;) {}", ["add", "{file}", "--home", "{home}"]),
        (CODEC, ["test", "{file}", "--hex", "xyz"]),
        ("nonsense nonsense", ["test", "{file}", "--hex", "01"]),
        (CODEC, ["test", "{file}.absent", "--hex", "01"]),
        (CODEC, ["remove", "ffff", "--home", "{home}"]),
    ],
)
def test_a_fault_is_one_line(tmp_path: Path, text: str, command: list[str]) -> None:
    path = tmp_path / "codec.js"
    path.write_text(text)
    args = [part.format(file=path, home=tmp_path / "home") for part in command]
    result = RUN.invoke(app, args)
    assert result.exit_code == 1
    assert result.stderr.startswith("beffroi: ")
    assert result.stderr.count("\n") == 1
