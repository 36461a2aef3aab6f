"""A small commune with a past, over a real store and a real evidence log."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from beffroi.adapters.log.log import Log
from beffroi.adapters.pdf.maker import TypstPapers
from beffroi.adapters.sql import SqlStore, open_store
from beffroi.domains.registry import domains
from beffroi.hub.alarms.desk import Desk
from beffroi.hub.dossier.facts import Period
from beffroi.hub.dossier.ledger import Ledger
from beffroi.hub.dossier.office import Office
from beffroi.hub.dossier.proofs import log_roster
from beffroi.hub.incidents.opening import ByItself
from beffroi.lab.commune import commune
from beffroi.model.alarm import Alarm
from beffroi.model.asset import Asset
from beffroi.model.finding import Finding, Rule, Severity
from beffroi.model.reading import Row
from beffroi.ports.store import Batch, SeriesKey, User

DAY_MS = 86_400_000
START_MS = 1_790_000_000_000


class Hands:
    """A clock that tests move."""

    def __init__(self, now_ms: int = START_MS) -> None:
        self.ms = now_ms

    def now_ms(self) -> int:
        return self.ms


@dataclass
class Town:
    """Everything a test moves."""

    store: SqlStore
    log: Log
    desk: Desk
    office: Office
    ledger: Ledger
    clock: Hands
    assets: tuple[Asset, ...]
    rules: dict[str, Rule]

    @property
    def year(self) -> Period:
        return Period(self.clock.ms - 365 * DAY_MS, self.clock.ms + 1)

    def alarm(self, severity: Severity = Severity.GRAVE, place: int = 0) -> Alarm:
        """A new one, on the first asset of a domain that has such a rule."""
        rule = [r for r in self.rules.values() if r.severity is severity][place]
        domain = rule.id.split(".")[0]
        asset = next(a for a in self.assets if a.domain == domain)
        finding = Finding(rule.id, asset.id, True, self.clock.ms - 60_000)
        with self.desk.lock:
            changes = self.desk.findings([finding], {asset.id: asset}, self.clock.ms)
            self.store.readings.commit(Batch(alarms=changes))
            self.desk.settle(changes)
        self.ledger.follow(changes[0].alarm.id)
        return changes[0].alarm

    def measure(self, asset: Asset, value: float, ts_ms: int, heard_ms: int) -> str:
        """A reading of its headline."""
        prop = domains()[asset.domain].kinds[asset.kind].headline
        series = self.store.readings.series_ids([SeriesKey(asset.id, "", prop)])[0]
        self.store.readings.commit(Batch(rows=[Row(series, ts_ms, value, 0, heard_ms)]))
        return prop

    def close(self) -> None:
        self.office.close()
        self.log.close()
        self.store.close()


def town(home: Path, inhabitants: int = 600) -> Town:
    clock = Hands()
    store = open_store(f"sqlite:///{home / 'beffroi.sqlite'}")
    lab = commune(inhabitants, 7)
    store.assets.put_commune(lab.commune)
    store.assets.put_assets(lab.assets)
    store.assets.put_devices(lab.devices)
    store.people.put_user(User("u1", "Camille Martin", "admin"))
    log = Log(home / "evidence", "commune")
    known = domains()
    rules = {name: rule for one in known.values() for name, rule in one.rules.items()}
    desk = Desk(store.alarms, rules)
    office = Office(
        store, store.registers, store.commands, store.reports, log, clock, known, rules,
        TypstPapers(),
        roster=lambda: log_roster("commune", log.vkey.public, clock.ms),
    )  # fmt: skip
    ledger = Ledger(office.registers, store.alarms, ByItself(office.incidents, rules))
    return Town(store, log, desk, office, ledger, clock, lab.assets, rules)
