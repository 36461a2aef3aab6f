"""docs/bench.md says what is in bench/results and nothing else."""

from __future__ import annotations

import re
import subprocess
import sys

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
