"""The campaign has an entry for every number, and everything it names exists.

The tests themselves run here like all others; the scripts run in `make campaign`.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from beffroi.kernel.verdict import Reason

ROOT = Path(__file__).parents[2]
BENCH = ROOT / "bench"


def load(name: str) -> ModuleType:
    """A script of `bench/`, as it would see itself."""
    spec = importlib.util.spec_from_file_location(name, BENCH / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


CASES = load("cases")
CAMPAIGN = load("campaign")


@functools.cache
def names_in(path: str) -> frozenset[str]:
    """Of tests: functions, and state machines that pytest finds by an assignment."""
    found = set()
    for node in ast.parse((ROOT / path).read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name[:5] == "test_":
            found.add(node.name)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found.add(node.targets[0].id)
    return frozenset(found)


def test_every_number_of_the_campaign_has_an_entry() -> None:
    assert list(CASES.CASES) == CASES.NUMBERS
    assert len(CASES.NUMBERS) == 55


@pytest.mark.parametrize("number", CASES.NUMBERS)
def test_what_a_case_names_exists(number: str) -> None:
    case = CASES.CASES[number]
    assert case.what
    for test in case.tests:
        path, _, name = test.partition("::")
        assert (ROOT / path).is_file(), path
        name, bracket, parameter = name.partition("[")
        known = names_in(path)
        if name.endswith("_"):
            assert any(one.startswith(name) for one in known), test
        elif name:
            assert name in known, test
        if bracket:
            reason = re.sub(r"^rule\d+", "", parameter).strip("-")
            assert not reason or reason in set(Reason), test
    for line in case.scripts:
        assert (BENCH / shlex.split(line)[0]).is_file(), line
    if not case.tests and not case.scripts:
        assert case.note, "say why it is not tested"


def test_a_case_that_fails_is_told_and_ends_with_an_error(tmp_path: Path) -> None:
    """The judge of the campaign on tests of its own: one passes, one fails, one is missing."""
    (tmp_path / "test_x.py").write_text("def test_a():\n    pass\ndef test_b():\n    assert 0\n")
    ids = [f"{tmp_path}/test_x.py::test_{name}" for name in "ab"]
    assert CAMPAIGN.run_tests(ids[0])[0] == CAMPAIGN.PASS
    assert CAMPAIGN.run_tests(*ids)[0] == CAMPAIGN.FAIL
    known = ["t.py::test_a[x-1]", "t.py::test_a[y-2]", "t.py::test_ab"]
    assert CAMPAIGN.expanded("t.py::test_a", known) == known[:2]
    assert CAMPAIGN.expanded("t.py::test_a[x-", known) == known[:1]
    assert CAMPAIGN.expanded("t.py::test_c", known) == []


def test_a_part_of_the_campaign_leaves_the_rest_as_it_was(tmp_path: Path) -> None:
    def row(number: str, result: str) -> object:
        return CAMPAIGN.Row(number, "x", "1 tests", result, 0.1, "", [], "2026-11-24", 1.0)

    CAMPAIGN.keep(tmp_path, [row("K1", CAMPAIGN.PASS), row("F2", CAMPAIGN.PASS)])
    CAMPAIGN.keep(tmp_path, [row("K1", CAMPAIGN.FAIL)])
    kept = json.loads((tmp_path / "campaign.json").read_text())
    found = [(one["number"], one["result"]) for one in kept["cases"]]
    assert found == [("F2", CAMPAIGN.PASS), ("K1", CAMPAIGN.FAIL)]
    assert (kept["counts"]["pass"], kept["counts"]["FAIL"]) == (1, 1)


def test_the_command_answers(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(BENCH / "campaign.py"), "X9"], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "no case X9" in done.stderr
