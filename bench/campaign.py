"""Runs the fault-and-attack campaign and prints a table by number.

    python bench/campaign.py [F1 K9 ...] [--tests-only] [--results FOLDER]

Each case of `cases.py`: its tests, then its scripts. A case passes when everything named for it
ran and passed; a test that was skipped here (no root, no strace) makes it "in part". Exit code 1
when something failed. Results: `campaign.json`, case by case.
"""

from __future__ import annotations

import argparse
import datetime as dt
import functools
import json
import os
import platform
import re
import shlex
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from cases import CASES, KIT, NUMBERS, Case

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results"
SCRIPT_S_MAX = 1_800
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
KEEPS_RESULTS = ("faults_hub.py", "faults_store.py")  # they can write theirs elsewhere
PASS, FAIL, PART, UNTESTED = "pass", "FAIL", "in part", "not tested"


@dataclass
class Row:
    """One line of the table."""

    number: str
    case: str
    ran: str
    result: str
    seconds: float
    note: str
    failed: list[str]
    at: str
    load_1min: float


def collected(cases: list[Case]) -> list[str]:
    """Every test id of the files that the cases name."""
    files = sorted({test.partition("::")[0] for case in cases for test in case.tests})
    there = [name for name in files if (ROOT / name).exists()]
    if not there:
        return []
    done = subprocess.run(
        [*PYTEST, "--collect-only", "-o", "addopts=--import-mode=importlib", *there],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    return [line for line in done.stdout.splitlines() if "::" in line]


def expanded(test: str, known: list[str]) -> list[str]:
    """The ids that a name of `cases.py` stands for: a file, a test with its parameters, or the
    beginning of a name when it ends in `_`, or of a parameter after `[`."""
    if test.endswith(("_",)) or "[" in test:
        return [one for one in known if one.startswith(test)]
    return [one for one in known if one == test or one.startswith((f"{test}[", f"{test}::"))]


@functools.cache
def run_tests(*ids: str) -> tuple[str, list[str]]:
    """Result and what failed; the same tests are not run twice. Tests that are short in `make
    test` see BEFFROI_CAMPAIGN and run whole."""
    done = subprocess.run(
        [*PYTEST, "-o", "addopts=--import-mode=importlib -rA", *ids],
        cwd=ROOT, capture_output=True, text=True, env={**os.environ, "BEFFROI_CAMPAIGN": "1"},
    )  # fmt: skip
    lines = done.stdout.splitlines()
    failed = [line for line in lines if line.startswith(("FAILED", "ERROR"))]
    if done.returncode not in (0, 5) or failed:
        return FAIL, failed or lines[-5:]
    skipped = re.search(r"(\d+) skipped", lines[-1] if lines else "")
    return (PART, [f"{skipped[1]} skipped"]) if skipped else (PASS, [])


def run_script(line: str, scratch: Path) -> tuple[str, list[str]]:
    words = shlex.split(line)
    if words[0] in KEEPS_RESULTS:
        words += ["--results", str(scratch)]
    command = [sys.executable, str(ROOT / "bench" / words[0]), *words[1:]]
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=SCRIPT_S_MAX
        )
    except subprocess.TimeoutExpired:
        return FAIL, [f"{line}: no end within {SCRIPT_S_MAX} s"]
    if done.returncode == 0:
        return PASS, []
    return FAIL, [f"{line}: {' / '.join((done.stdout + done.stderr).splitlines()[-4:])}"]


def run_case(number: str, known: list[str], scratch: Path, tests_only: bool) -> Row:
    case, began = CASES[number], time.monotonic()
    at = dt.datetime.now(dt.UTC).isoformat(timespec="minutes")
    scripts = () if tests_only else case.scripts
    ids: list[str] = []
    results: list[str] = []
    trouble: list[str] = []
    for test in case.tests:
        found = expanded(test, known)
        ids += [one for one in found if one not in ids]
        if not found:
            results.append(FAIL)
            trouble.append(f"there is no {test}")
    own = [one for one in ids if one not in KIT]
    outcomes = [run_tests(*part) for part in (own, [one for one in ids if one in KIT]) if part]
    outcomes += [run_script(line, scratch) for line in scripts]
    for result, why in outcomes:
        results.append(result)
        trouble += why
    if not results:
        verdict = UNTESTED
    else:
        verdict = next((one for one in (FAIL, PART) if one in results), PASS)
    if tests_only and case.scripts and verdict == PASS:
        verdict = PART
    ran = ", ".join(([f"{len(ids)} tests"] if ids else []) + list(scripts)) or "nothing"
    seconds = round(time.monotonic() - began, 1)
    load = round(os.getloadavg()[0], 1)
    return Row(number, case.what, ran, verdict, seconds, case.note, trouble, at, load)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("numbers", nargs="*", help="all when none is given")
    parser.add_argument("--tests-only", action="store_true", help="without the long scripts")
    parser.add_argument("--results", type=Path, default=RESULTS)
    asked = parser.parse_args()
    unknown = set(asked.numbers) - set(NUMBERS)
    if unknown:
        parser.error(f"no case {min(unknown)}: F1-F21, M1-M14, K1-K14, L1-L6")
    chosen = asked.numbers or NUMBERS
    known = collected([CASES[one] for one in chosen])
    rows = []
    with tempfile.TemporaryDirectory(prefix="campaign-") as scratch:
        for number in chosen:
            row = run_case(number, known, Path(scratch), asked.tests_only)
            rows.append(row)
            if asked.tests_only and not CASES[number].tests:
                continue  # nothing was tried
            keep(asked.results, [row])
            print(f"{row.number:4} {row.result:10} {row.seconds:7.1f} s  {row.case}", flush=True)
            print(f"{'':25}{row.ran}{f'  ({row.note})' if row.note else ''}", flush=True)
            for line in row.failed:
                print(f"{'':25}! {line[:300]}", flush=True)
    counts = {
        kind: sum(row.result == kind for row in rows) for kind in (PASS, PART, FAIL, UNTESTED)
    }
    print(", ".join(f"{count} {kind}" for kind, count in counts.items() if count))
    return 1 if counts[FAIL] else 0


def keep(folder: Path, rows: list[Row]) -> None:
    """Each case has its own moment and load: what was not run now stays as it was."""
    path = folder / "campaign.json"
    old = json.loads(path.read_text())["cases"] if path.exists() else []
    kept = {one["number"]: one for one in old} | {row.number: asdict(row) for row in rows}
    cases = [kept[number] for number in NUMBERS if number in kept]
    found = [one["result"] for one in cases]
    content = {
        "machine": {
            "cpus": os.cpu_count(),
            "kernel": platform.release(),
            "python": platform.python_version(),
        },
        "counts": {kind: found.count(kind) for kind in (PASS, PART, FAIL, UNTESTED)},
        "cases": cases,
    }
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    sys.exit(main())
