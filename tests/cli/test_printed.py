"""Every `beffroi ...` that a page, a paper or the documentation prints is a command there is."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from beffroi.cli.main import app
from beffroi.lab.attackers.stage import CAST

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "beffroi"
PAGES = sorted((SOURCE / "ui" / "templates").rglob("*.html"))
PAPERS = [
    *ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *SOURCE.rglob("domain.md"),
    SOURCE / "cli" / "trust_page.fr.txt", ROOT / "packaging" / "guard" / "README.md",
]  # fmt: skip
# A line in a block, or what stands between ` `, <code> </code> or « ».
IN_LINE = re.compile(r"`([^`\n]+)`|<code>(.*?)</code>|« ([^»\n]+) »", re.S)
BLOCK = re.compile(r"<pre[^>]*>(.*?)</pre>|^```\w*\n(.*?)^```", re.S | re.M)
INDENTED = re.compile(r"^ {4,}(beffroi .*)$", re.M)
FILLED = re.compile(r"\{\{.*?\}\}", re.S)
STARTS = re.compile(r"^(?:.*?: {2,}|\s+)?(?:\.venv/bin/)?beffroi (?P<words>\S.*)$")
TOP = typer.main.get_command(app)


def spans(text: str) -> Iterator[str]:
    for found in BLOCK.finditer(text):
        yield from re.split(r"\n|;", next(part for part in found.groups() if part))
    for found in IN_LINE.finditer(text):
        yield next(part for part in found.groups() if part)
    for found in INDENTED.finditer(text):
        yield from found[1].split(";")


def lines(path: Path) -> list[str]:
    """What follows `beffroi`, without remarks and the brackets of what may be left out."""
    text = FILLED.sub("X", path.read_text())
    found = [match["words"] for span in spans(text) if (match := STARTS.match(span.rstrip()))]
    bare = [re.split(r" #| {2,}| \| | \(| \.\.\.$| …$", words)[0] for words in found]
    return sorted({re.sub(r"[][]", "", words).strip() for words in bare})


def wrong(words: list[str]) -> str:
    """What the shell would say, "" when it fits: parsed, not run. A name alone is a mention."""
    command = TOP
    while words and (named := getattr(command, "commands", None)) is not None:
        if words[0] not in named and "run" not in named:  # `host DIR` is `host run DIR`
            return f"no command {words[0]}"
        words = words if words[0] in named else ["run", *words]
        command, words = named[words[0]], words[1:]
    if words:
        try:
            command.make_context(command.name, words)
        except typer.BadParameter.__base__ as error:  # type: ignore[misc]
            return str(error.format_message())
    return ""


PRINTED = {path: lines(path) for path in [*PAGES, *PAPERS]}
CASES = [(path, line) for path, found in PRINTED.items() for line in found]


@pytest.mark.parametrize(("path", "line"), CASES, ids=lambda one: getattr(one, "name", one))
def test_what_is_printed_can_be_typed(path: Path, line: str) -> None:
    words = shlex.split(re.sub(r"\bN\b", "1", line))
    there = str(ROOT / "README.md")  # for files that must exist
    assert not wrong([there if re.search(r"\.(csv|toml)$", word) else word for word in words])


def test_the_attacks_that_are_named_exist() -> None:
    named = [words for _, line in CASES if (words := line.split())[:2] == ["lab", "attack"]]
    assert {name for words in named for name in words[2:]} - {"NAME...", "all"} <= CAST.keys()
    assert sum(len(words) for words in named) > 8


def test_they_are_found() -> None:
    """Else the test above tries nothing."""
    found = {line for _, line in CASES}
    assert len(found) > 60
    for start in ("trust init CLE", "trust revoke CLE", "verify", "codec add", "device enrol"):
        assert any(line.startswith(start) for line in found), start
    for path in ("commands_off.html", "trust_page.fr.txt", "README.fr.md", "trust.md"):
        assert any(one.name == path and lines for one, lines in PRINTED.items()), path


def test_a_command_that_is_none_is_found() -> None:
    assert wrong(["trust", "imit"]) == "no command imit"
    assert "--commune" in wrong(["trust", "init", "CLE", "--hub", "hub.json"])
    assert "--rooster" in wrong(["verify", "FILE", "--rooster", "X"])


def test_what_the_code_mentions_exists() -> None:
    for path in SOURCE.rglob("*.py"):
        for words in re.findall(r"`beffroi ([a-z-]+(?: [a-z-]+)*)", path.read_text()):
            known = wrong(words.split()[:1]) or wrong(words.split()[:2])
            assert "no command" not in known, (path, words)
