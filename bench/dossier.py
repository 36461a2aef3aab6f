"""Time and pages of the diligence file for a year of a commune of real size.

    python bench/dossier.py [--inhabitants 3500] [--alarms 1500]

Prints its conditions and writes bench/results/dossier.json. Real store, real evidence log, the
setter in its child process, as the hub does it.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
import random
import resource
import tempfile
import time
from pathlib import Path

import pypdf

from beffroi.adapters.clock import SystemClock
from beffroi.adapters.log.log import Log
from beffroi.adapters.pdf.maker import TypstPapers
from beffroi.adapters.sql import open_store
from beffroi.domains.registry import domains
from beffroi.evidence.verify import verify
from beffroi.hub.alarms.desk import Desk
from beffroi.hub.dossier.facts import Period
from beffroi.hub.dossier.ledger import Ledger
from beffroi.hub.dossier.lines import Edition
from beffroi.hub.dossier.office import Office
from beffroi.hub.dossier.proofs import NAME, log_roster
from beffroi.hub.incidents.desk import Opening
from beffroi.lab.commune import commune
from beffroi.model.alarm import Decision, DecisionKind
from beffroi.model.finding import Finding, Severity
from beffroi.ports.store import Batch

DAY_MS = 86_400_000
RESULTS = Path(__file__).parent / "results" / "dossier.json"


def year(office: Office, desk: Desk, ledger: Ledger, assets: list, alarms: int) -> None:
    """Alarms over a year, most of them closed, the grave ones decided."""
    rng = random.Random(1)
    known = domains()
    now = SystemClock().now_ms()
    rules = [r for one in known.values() for r in one.rules.values() if r.severity]
    by_domain = {n: [a for a in assets if a.domain == n] for n in known}
    for at in sorted(rng.randrange(now - 364 * DAY_MS, now - DAY_MS) for _ in range(alarms)):
        rule = rng.choice(rules)
        places = by_domain.get(rule.id.split(".")[0])
        if not places:
            continue
        asset = rng.choice(places)
        one(office, desk, rule.id, asset, at, grave=rule.severity is Severity.GRAVE)
    ledger.catch_up()


def one(office: Office, desk: Desk, rule: str, asset: object, at: int, *, grave: bool) -> None:
    store = office.stores.main
    for active, when in ((True, at), (False, at + 5 * 3_600_000)):
        finding = Finding(rule, asset.id, active, when)  # type: ignore[attr-defined]
        with desk.lock:
            changes = desk.findings([finding], {asset.id: asset}, when)  # type: ignore[attr-defined]
            store.readings.commit(Batch(alarms=changes))
            desk.settle(changes)
        if active and grave and changes:
            decision = Decision(DecisionKind.TREAT, "agent", when + 20 * DAY_MS, "réparation")
            desk.act(changes[0].alarm.id, "decide", "u1", when + 3_600_000, decision=decision)
    for alarm in desk.open():
        if not alarm.active and not alarm.members and not alarm.group:
            desk.act(alarm.id, "close", "u1", at + 6 * 3_600_000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inhabitants", type=int, default=3_500)
    parser.add_argument("--alarms", type=int, default=1_500)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        store = open_store(f"sqlite:///{home / 'beffroi.sqlite'}")
        lab = commune(asked.inhabitants, 1)
        store.assets.put_commune(lab.commune)
        store.assets.put_assets(lab.assets)
        store.assets.put_devices(lab.devices)
        log, clock, known = Log(home / "evidence", "commune"), SystemClock(), domains()
        rules = {name: rule for d in known.values() for name, rule in d.rules.items()}
        office = Office(
            store, store.registers, store.commands, store.reports, log, clock, known, rules,
            TypstPapers(), roster=lambda: log_roster("commune", log.vkey.public, clock.now_ms()),
        )  # fmt: skip
        desk = Desk(store.alarms, rules)
        ledger = Ledger(office.registers, store.alarms)
        began = time.monotonic()
        year(office, desk, ledger, list(lab.assets), asked.alarms)
        for number in range(12):
            case = office.incidents.open(
                Opening("power-cut", f"Exercice {number}", exercise=True), "u1"
            )
            office.incidents.close(case.id, "Groupe à essayer chaque mois", "u1")
        made_s = time.monotonic() - began
        now = clock.now_ms()
        found = {
            "inhabitants": asked.inhabitants,
            "assets": len(lab.assets),
            "alarms": len(store.alarms.alarms([], limit=100_000)),
            "entries": log.checkpoint().size,
            "filled_s": round(made_s, 1),
            "machine": platform.platform(),
            "load": os.getloadavg()[0],
            "cores": os.cpu_count(),
        }
        for edition in Edition:
            began = time.monotonic()
            pdf, lines = office.make(edition, Period(now - 365 * DAY_MS, now + 1), "u1")
            seconds = time.monotonic() - began
            reader = pypdf.PdfReader(io.BytesIO(pdf))
            found[edition.value] = {
                "seconds": round(seconds, 2),
                "pages": len(reader.pages),
                "lines": lines,
                "bytes": len(pdf),
            }
            if edition is Edition.SEALED:
                found["verified"] = verify(reader.attachments[NAME][0]).ok
        children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
        found["setter_mb_max"] = children
        office.close()
        log.close()
        store.close()
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    print(json.dumps(found, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
