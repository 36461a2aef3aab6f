"""The house rules that a machine can count. See CONTRIBUTING.md for why each exists."""

from __future__ import annotations

import ast
import io
import re
import subprocess
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src" / "beffroi"
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
DOMAIN_LINES_MAX = 800
KERNEL_FILE_LINES_MAX = 250
KERNEL_CODE_LINES_MAX = 1_200  # not blank, not a comment, not a docstring
# Rings whose functions take `now` as an argument: reading a clock or rolling dice there would
# make a decision that no test can replay.
IMPURE_CALLS = {
    "time.time",
    "time.time_ns",
    "time.monotonic",
    "datetime.now",
    "datetime.utcnow",
    "date.today",
}
CLOCKLESS = (
    "kernel",
    "evidence",
    "law",
    "model",
    "domains",
    "ports",
    "hub/alarms/lifecycle.py",
    "hub/alarms/course.py",
    "hub/alarms/turn.py",
    "hub/dispatch/lifecycle.py",
    "hub/dispatch/request.py",
    "hub/dispatch/approve.py",
    "hub/dispatch/plan.py",
    "hub/dispatch/check.py",
    "hub/dispatch/mirror.py",
    "hub/dispatch/evidence.py",
    "hub/links/strict.py",
    "hub/links/mqtt_json.py",
    "hub/links/chirpstack.py",
    "hub/links/tts.py",
    "hub/ingest/pipeline.py",
)
RINGS_WITHOUT_DOMAINS = (
    "kernel",
    "evidence",
    "guard",
    "model",
    "ports",
    "hub",
    "adapters",
    "api",
    "ui",
)
FILES = sorted(SRC.rglob("*.py"))
DOMAINS = sorted(p.name for p in (SRC / "domains").iterdir() if (p / "__init__.py").exists())


def modules(*parts: str) -> Iterator[Path]:
    for part in parts:
        place = SRC / part
        yield from [place] if place.is_file() else sorted(place.rglob("*.py"))


def name_of(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{name_of(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SRC)))
def test_a_file_has_a_docstring_and_bounded_sizes(path: Path) -> None:
    text = path.read_text()
    tree = ast.parse(text)
    assert text.count("\n") <= FILE_LINES_MAX, "split the file"
    assert not tree.body or ast.get_docstring(tree), "say what the module is for"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            assert lines <= FUNCTION_LINES_MAX, f"{node.name} has {lines} lines"


def code_lines(text: str) -> int:
    """Lines with code on them: neither blank, nor a comment, nor a docstring."""
    docs: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(
            node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        ) and (ast.get_docstring(node, clean=False) is not None):
            first = node.body[0]
            docs |= set(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    kept = (t for t in tokens if t.type not in NO_CODE)
    return len({line for t in kept for line in range(t.start[0], t.end[0] + 1)} - docs)


NO_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


def test_the_kernel_can_be_read_in_an_hour() -> None:
    files = {path.name: path.read_text() for path in modules("kernel")}
    for name, text in files.items():
        assert text.count("\n") <= KERNEL_FILE_LINES_MAX, f"split kernel/{name}"
    counted = {name: code_lines(text) for name, text in files.items()}
    assert sum(counted.values()) <= KERNEL_CODE_LINES_MAX, counted


def test_lines_of_code_are_counted_as_people_do() -> None:
    lines = ('"""Doc.', "", '"""', "", "# why", 'x = """a', 'b"""', "def f():", '    """Doc."""')
    text = "\n".join((*lines, "    return 1  # why", ""))
    assert code_lines(text) == 4


@pytest.mark.parametrize("name", DOMAINS)
def test_a_domain_is_small(name: str) -> None:
    lines = sum(p.read_text().count("\n") for p in modules(f"domains/{name}"))
    assert lines <= DOMAIN_LINES_MAX


def test_there_are_domains() -> None:
    assert DOMAINS


@pytest.mark.parametrize("path", list(modules(*CLOCKLESS)), ids=lambda p: str(p.relative_to(SRC)))
def test_decisions_read_no_clock_and_roll_no_dice(path: Path) -> None:
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = name_of(node.func)
            assert not any(called.endswith(bad) for bad in IMPURE_CALLS), (
                f"{called}() in a pure ring"
            )
        if isinstance(node, ast.Import):
            assert not {a.name for a in node.names} & {"random", "secrets", "uuid"}
        if isinstance(node, ast.ImportFrom):
            assert node.module not in {"random", "secrets", "uuid"}


@pytest.mark.parametrize("ring", RINGS_WITHOUT_DOMAINS)
def test_no_ring_names_a_domain(ring: str) -> None:
    quoted = re.compile(rf"""["']({"|".join(DOMAINS)})["'.]|domains\.({"|".join(DOMAINS)})\b""")
    for path in modules(ring):
        found = quoted.search(path.read_text())
        assert not found, f"{path.relative_to(SRC)} names the domain {found and found.group(0)}"


@pytest.mark.parametrize("name", DOMAINS)
def test_no_domain_imports_another(name: str) -> None:
    for path in modules(f"domains/{name}"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                for other in set(DOMAINS) - {name}:
                    assert not node.module.startswith(f"beffroi.domains.{other}"), path


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def test_the_repo_names_no_private_place_and_holds_no_secret() -> None:
    here = str(ROOT.parent) + "/"
    secret = re.compile(rb"-----BEGIN (EC |RSA |ENCRYPTED )?PRIVATE KEY-----|SU[A-Z2-7]{56}")
    for path in tracked():
        blob = path.read_bytes()
        if len(here) > 4:
            assert here.encode() not in blob, f"{path.name} holds a path of this machine"
        assert not secret.search(blob), f"{path.name} holds a private key"


def test_no_unfinished_business() -> None:
    marker = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|raise NotImplementedError")
    for path in FILES:
        assert not marker.search(path.read_text()), path.relative_to(SRC)
