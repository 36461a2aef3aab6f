"""docs/bench.md from bench/results/*.json: no figure on that page is typed by hand.

python bench/page.py
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cases import CASES, NUMBERS

HERE = Path(__file__).parent
RESULTS = HERE / "results"
PAGE = HERE.parent / "docs" / "bench.md"


@dataclass(frozen=True, slots=True)
class Figure:
    """`path`: keys into the file, "/" between them. `goal`: of the issue, "" for none."""

    what: str
    file: str
    path: str
    unit: str = ""
    goal: str = ""


FIGURES = (
    Figure("reading to alarm on the page, p50", "alarm_latency", "p50_ms", "ms"),
    Figure("reading to alarm on the page, p99", "alarm_latency", "p99_ms", "ms"),
    Figure("request to signed receipt, p50", "command_latency", "request_to_receipt/p50_ms", "ms"),
    Figure(
        "request to signed receipt, p99", "command_latency", "request_to_receipt/p99_ms", "ms",
        "500 (aim 150)",
    ),
    Figure(
        "accepted to signed receipt, p99", "command_latency", "accepted_to_receipt/p99_ms", "ms",
        "500 (aim 150)",
    ),
    Figure("load beside it", "command_latency", "load_readings_per_s", "readings/s"),
    Figure("hostile commands", "hostile", "commands"),
    Figure("forged effects", "hostile", "forged", "", "0 of 100,000"),
    Figure("judge, class C, two persons", "hostile", "rates/C", "commands/s a core"),
    Figure(
        "log, 8 writers, one entry a call", "evidence",
        "durable_entries_per_s/8 writer(s), 1 a call", "durable entries/s", "2,000",
    ),
    Figure(
        "log, 8 writers, ten entries a call", "evidence",
        "durable_entries_per_s/8 writer(s), 10 a call", "durable entries/s", "2,000 (aim 10,000)",
    ),
    Figure("log, proof among a million, p99", "evidence", "large/prove_us/p99", "µs"),
    Figure("junctions of a generated commune", "junctions", "proofs/junctions"),
    Figure("of them proven", "junctions", "proofs/proven", "", "all"),
    Figure(
        "proof of one junction, longest", "junctions", "proofs/processor seconds/max", "s", "1",
    ),
    Figure("conflict monitor, p50", "monitor", "p50_ms", "ms", "100 (aim)"),
    Figure("conflict monitor, slowest of all", "monitor", "max_ms", "ms", "450"),
    Figure("faults that took longer than 450 ms", "monitor", "over_450_ms", "", "0"),
    Figure(
        "coordinated attack, false incidents", "coordination", "false_incidents_per_month",
        "a month of normal life",
    ),
    Figure("all green, seen", "coordination", "all green/seen", "of all worlds"),
    Figure("all green, delay, p95", "coordination", "all green/delay_p95_s", "s"),
    Figure("false alert with flow change, delay, p95", "coordination",
           "false alert/delay_p95_s", "s"),
    Figure("flood of one device", "flood", "flood_per_s", "messages/s"),
    Figure("others’ acknowledgement, p99, alone", "flood", "alone_p99_ms", "ms"),
    Figure("others’ acknowledgement, p99, beside it", "flood", "beside_p99_ms", "ms",
           "1.5 times alone"),
    Figure("reports through the public form", "public_load", "report/send/requests"),
    Figure("of them and their forms, errors", "public_load", "report/all/errors", "", "0"),
    Figure("report sent, p99", "public_load", "report/send/p99_ms", "ms"),
    Figure("report with a photo sent, p99", "public_load", "report/send with photo/p99_ms", "ms"),
    Figure("readers of the public map at once", "public_load", "readers"),
    Figure("their requests", "public_load", "read/per_s", "/s"),
    Figure("their requests, errors", "public_load", "read/all/errors", "", "0"),
    Figure("their requests, p50", "public_load", "read/all/p50_ms", "ms"),
    Figure("their requests, p99", "public_load", "read/all/p99_ms", "ms"),
    Figure("hub process after them", "public_load", "read/hub_rss_mb", "MB"),
    Figure("diligence file of a year, objects of the town", "dossier", "assets"),
    Figure("diligence file, alarms of the year", "dossier", "alarms"),
    Figure("public edition, time", "dossier", "public/seconds", "s"),
    Figure("public edition, length", "dossier", "public/pages", "pages"),
    Figure("internal edition, time", "dossier", "internal/seconds", "s"),
    Figure("internal edition, length", "dossier", "internal/pages", "pages"),
    Figure("sealed edition, time", "dossier", "sealed/seconds", "s"),
    Figure("sealed edition, length", "dossier", "sealed/pages", "pages"),
    Figure("readings kept after 200 kills, lost", "faults_hub-kill", "lost", "", "0"),
    Figure("acknowledged in that run", "faults_hub-kill", "acked", "readings"),
)  # fmt: skip

HEAD = (
    "# Benchmarks and campaign\n\n"
    "Written by `python bench/page.py` from `bench/results/*.json`; `make bench` measures anew and "
    "writes it again. A goal beside a figure that misses it is a miss. All on one machine that did "
    "other work too: the load before each run is part of its conditions where it was kept. A day "
    "after “by” is when results were kept that do not say when they were measured.\n\n"
    "- `make bench`: the benchmarks of `bench/run.py` (`--list` names them), each with machine, "
    "load and commit.\n"
    "- `make campaign`: the 55 cases F, M, K, L by number (`bench/cases.py`): tests, then scripts "
    "that kill, starve and fill.\n"
)


def load(name: str) -> dict[str, Any]:
    path = RESULTS / f"{name}.json"
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


def value(figure: Figure) -> str:
    """As the page shows it; "" when it was not measured."""
    found: Any = load(figure.file)
    for key in figure.path.split("/"):
        if not isinstance(found, dict) or key not in found:
            return ""
        found = found[key]
    if isinstance(found, float):
        found = round(found) if abs(found) >= 1_000 else round(found, 2)
    return f"{found:,}" if isinstance(found, int | float) else str(found)


def when(name: str) -> str:
    """Date and conditions: of the run if it kept them, else the day its results were committed."""
    about = {**load(name), **load("conditions").get(name, {})}
    machine = about.get("machine") if isinstance(about.get("machine"), dict) else {}
    at = str(about.get("at", ""))[:16].replace("T", " ") or _committed(name)
    load_1min = next(
        (one for key in ("load_1min", "load_before", "load_average", "load") if
         (one := about.get(key, machine.get(key))) is not None), None,
    )  # fmt: skip
    cpus = about.get("cpus") or machine.get("cpus") or about.get("cores")
    if isinstance(load_1min, list):
        load_1min = load_1min[0]
    words = [at, f"{cpus} cores" if cpus else "", f"load {load_1min}" if load_1min else ""]
    return ", ".join(word for word in words if word)


def _committed(name: str) -> str:
    command = ["git", "log", "-1", "--format=%cs", "--", str(RESULTS / f"{name}.json")]
    found = subprocess.run(command, cwd=HERE, capture_output=True, text=True).stdout.strip()
    return f"by {found}" if found else ""


def rows() -> Iterator[str]:
    for one in FIGURES:
        shown = value(one)
        if shown:
            unit = f" {one.unit}" if one.unit else ""
            yield f"| {one.what} | {shown}{unit} | {one.goal} | `{one.file}` | {when(one.file)} |"


def cases() -> Iterator[str]:
    """Every number: what was not run says so."""
    kept = {one["number"]: one for one in load("campaign").get("cases", ())}
    for number in NUMBERS:
        one = kept.get(number)
        if one is None:
            yield f"| {number} | {CASES[number].what} | not run yet | | | {CASES[number].note} |"
            continue
        note = one["note"] or "; ".join(one["failed"])[:160]
        when_ = f"{one['at'][:16].replace('T', ' ')}, load {one['load_1min']}"
        cells = (number, one["case"], one["result"], one["ran"], when_, note)
        yield f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def text() -> str:
    parts = [HEAD, "## Figures\n", "| what | measured | goal | results | when, conditions |"]
    parts += ["|---|---|---|---|---|", *rows()]
    counts = load("campaign").get("counts", {})
    counts["not run"] = len(NUMBERS) - sum(counts.values())
    told = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
    parts.append(f"\n## Campaign\n\nOf {len(NUMBERS)} cases: {told}.\n")
    parts.append("| number | case | result | ran | when | note |")
    parts += ["|---|---|---|---|---|---|", *cases()]
    return "\n".join(parts) + "\n"


def write() -> None:
    PAGE.write_text(text())


if __name__ == "__main__":
    write()
    print(PAGE)
