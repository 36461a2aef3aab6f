"""The wheel of the street cabinet: built, installed alone into a fresh environment, and used."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGING = ROOT / "packaging" / "guard"
INSTALL_BYTES_MAX = 40_000_000  # 23.3 MB when this was written
JUDGE = """
import sys
from beffroi.guard.core import Core, Me
from beffroi.guard.effects import Instant, Judge, Keep
from beffroi.guard.facts import Place
from beffroi.guard.memory import Memory
from beffroi.guard.post import Wired
from beffroi.kernel.dsse import unpack
from beffroi.kernel.receipt import read_receipt
from zoneinfo import ZoneInfo

me = Me("c", "g", Place(43.0, 5.0, ZoneInfo("Europe/Paris")), bytes(32))
core = Core(me, Memory(), bytes(16), {"lamp": Wired()}, Instant(1_795_000_000_000, 1_000))
core.begin(Instant(1_795_000_000_000, 1_000))
assert [type(e) for e in core.command(b"x", Instant(1_795_000_000_000, 1_000))][-1] is Judge
kept = [e for e in core.judge(b"x", Instant(1_795_000_000_000, 1_000)) if isinstance(e, Keep)][-1]
print(read_receipt(unpack(kept.kept.wire).payload).reason)
for name in ("beffroi.hub", "beffroi.model", "fastapi", "sqlalchemy", "nats"):
    try:
        __import__(name)
    except ImportError:
        continue
    sys.exit(f"{name} is installed too")
"""


def run(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, timeout=200, cwd="/"
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=PACKAGING,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("beffroi_guard-*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """An interpreter that has the wheel and what it asks for, nothing else."""
    home = tmp_path_factory.mktemp("cabinet")
    venv.create(home, with_pip=False)
    python = home / "bin" / "python"
    done = run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", wheel)
    if done.returncode and "connection" in done.stderr.lower():
        pytest.skip(f"no package registry here: {done.stderr[-200:]}")
    assert done.returncode == 0, done.stderr
    return python


def test_it_holds_kernel_and_guard_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    rooms = {name.split("/")[1] for name in names if name.startswith("beffroi/") and "/" in name}
    assert rooms == {"LICENSE", "__init__.py", "py.typed", "guard", "kernel"}
    assert not [name for name in names if name.endswith(".pyc")]
    assert wheel.stat().st_size < 300_000


def test_it_runs_alone(python):
    done = run(python.with_name("beffroi-guard"), "--help")
    assert done.returncode == 0, done.stderr
    assert "--show-key" in done.stdout


def test_it_judges_alone(python):
    done = run(python, "-c", JUDGE)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["unreadable"]


def test_it_is_small(python):
    (site,) = python.parents[1].glob("lib/python3*/site-packages")
    size = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
    assert size < INSTALL_BYTES_MAX, f"{size / 1e6:.1f} MB"


def test_both_wheels_are_of_one_version_and_ask_for_the_same():
    hub = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    guard = tomllib.loads((PACKAGING / "pyproject.toml").read_text())["project"]
    assert guard["version"] == hub["version"]
    for extra in ("modbus", "ntcip"):
        assert guard["optional-dependencies"][extra] == hub["optional-dependencies"][extra]
    known = {*hub["dependencies"], *hub["optional-dependencies"]["guard"]}
    assert set(guard["dependencies"]) <= known
