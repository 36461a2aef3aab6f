"""docs/bench.md says what is in bench/results and nothing else."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.bench.test_campaign import BENCH, ROOT, load

PAGE = load("page")
AGAIN = "write it again: python bench/page.py"


def told() -> dict[str, str]:
    """Figure -> what the page says was measured."""
    lines = (ROOT / "docs" / "bench.md").read_text().splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line[:1] == "|"]
    return {row[0]: row[1] for row in cells if len(row) == 5 and not row[1].startswith("-")}


@pytest.mark.parametrize("figure", PAGE.FIGURES, ids=lambda one: one.what)
def test_each_figure_is_the_one_of_its_results(figure: object) -> None:
    shown = PAGE.value(figure)
    unit = f" {figure.unit}" if figure.unit else ""  # type: ignore[attr-defined]
    expected = f"{shown}{unit}" if shown else None
    assert told().get(figure.what) == expected, AGAIN  # type: ignore[attr-defined]


def test_no_figure_is_there_that_nobody_measured() -> None:
    known = {figure.what for figure in PAGE.FIGURES} | {"what", "number"}
    numbers = re.compile(r"[FMKL]\d+")
    assert [name for name in told() if name not in known and not numbers.fullmatch(name)] == []


def test_every_benchmark_that_make_bench_runs_is_there() -> None:
    done = subprocess.run(
        [sys.executable, str(BENCH / "run.py"), "--list"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    scripts = [line.split()[1] for line in done.stdout.splitlines()]
    assert len(scripts) >= 8
    for script in scripts:
        assert (BENCH / script).is_file(), script
        text = (BENCH / script).read_text()
        assert text.startswith('"""'), "say what is measured"


def test_the_campaign_is_told_number_by_number() -> None:
    """As the results say, and what was not run counts as not run."""
    text = (ROOT / "docs" / "bench.md").read_text()
    rows = [line.split(" | ") for line in text.splitlines() if re.match(r"\| [FMKL]\d+ \|", line)]
    kept = {one["number"]: one["result"] for one in PAGE.load("campaign").get("cases", ())}
    expected = [(number, kept.get(number, "not run yet")) for number in PAGE.NUMBERS]
    assert [(row[0].removeprefix("| "), row[2]) for row in rows] == expected, AGAIN
    (counted,) = re.findall(r"^Of 55 cases: (.*)\.$", text, re.M)
    told = {kind: int(count) for count, kind in (one.split(" ", 1) for one in counted.split(", "))}
    assert sum(told.values()) == 55
    assert told.get("not run", 0) == 55 - len(kept)


def test_a_campaign_that_was_cut_says_what_was_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = {"number": "K1", "case": "x", "ran": "1 tests", "result": "FAIL", "note": "",
            "failed": ["why"], "at": "2026-11-24T12:00", "load_1min": 1.0}  # fmt: skip
    found = {"counts": {"pass": 0, "FAIL": 1}, "cases": [case]}
    (tmp_path / "campaign.json").write_text(json.dumps(found))
    monkeypatch.setattr(PAGE, "RESULTS", tmp_path)
    assert "Of 55 cases: 1 FAIL, 54 not run." in PAGE.text()
    assert "| K1 | x | FAIL | 1 tests | 2026-11-24 12:00, load 1.0 | why |" in PAGE.text()
