"""What documentation lists is complete: decisions, dependencies, tables."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from beffroi.adapters.sql.schema import metadata

ROOT = Path(__file__).parents[2]
DECISIONS = ROOT / "docs" / "adr"


@pytest.mark.parametrize("path", sorted(DECISIONS.glob("0*.md")), ids=lambda path: path.name)
def test_a_decision_is_in_the_index_under_its_title(path: Path) -> None:
    """A line `- [0001](0001-....md) Title`."""
    number, title = re.fullmatch(r"# (\d{4}) (.+)", path.read_text().splitlines()[0]).groups()  # type: ignore[union-attr]
    assert path.name.startswith(f"{number}-")
    assert f"- [{number}]({path.name}) {title}\n" in (DECISIONS / "README.md").read_text()


def test_each_number_of_a_decision_is_used_once() -> None:
    numbers = [path.name[:4] for path in sorted(DECISIONS.glob("0*.md"))]
    assert numbers == [f"{n:04}" for n in range(1, len(numbers) + 1)]


def test_each_dependency_says_what_it_is_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    wanted = [*project["dependencies"], *(one for extra in extras for one in extra)]
    told = (DECISIONS / "0006-dependencies.md").read_text()
    first = " ".join(line.split("|")[1] for line in told.splitlines() if line.startswith("| "))
    names = {re.split(r"[\[<>=]", one)[0] for one in wanted}
    assert names - set(re.findall(r"[\w-]+", first)) == set()


def test_each_table_has_its_line() -> None:
    told = (ROOT / "docs" / "storage.md").read_text()
    assert [name for name in metadata.tables if f"`{name}`" not in told] == []


PAPERS = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
NAMED = re.compile(r"(?<![\w/.-])((?:tests|bench|src|docs|packaging)/[\w./-]*[\w/])")
MADE = ("bench/results/",)  # by a run, perhaps not yet


@pytest.mark.parametrize("path", PAPERS, ids=lambda path: path.name)
def test_what_a_paper_names_is_there(path: Path) -> None:
    named = {name for name in NAMED.findall(path.read_text()) if not name.startswith(MADE)}
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("name", ["README.md", "README.fr.md"])
def test_each_claim_carries_a_command(name: str) -> None:
    rows = [row for row in (ROOT / name).read_text().splitlines() if row.startswith("| ")][1:]
    assert len(rows) > 12
    starts = ("`.venv/bin/", "`make ")
    assert [row for row in rows if not row.split(" | ")[-1].startswith(starts)] == []
