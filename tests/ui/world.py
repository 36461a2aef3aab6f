"""A small seeded town behind a real application: SQLite store, alarm desk, live state, uvicorn.

Used by the tests of the API and of the pages, and by `shots.py`. Nothing in it is a mock.
"""

from __future__ import annotations

import json
import math
import random
import socket
import string
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from beffroi.adapters.sql.store import open_store
from beffroi.api.accounts import first_link
from beffroi.api.app import create_app
from beffroi.domains.registry import domains
from beffroi.hub.alarms.desk import Desk
from beffroi.hub.live import Live, Value
from beffroi.hub.services import Services
from beffroi.lab.commune import commune
from beffroi.model.asset import Asset
from beffroi.model.finding import Finding, Severity
from beffroi.model.reading import Quarantined, Row
from beffroi.ports.store import Batch, SeriesKey
from beffroi.ui.app import mount_ui

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
NAME, PASSPHRASE = "Camille Martin", "quatre mots sans lien"


class SystemClock:
    """Real time."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


@dataclass
class World:
    """What a test may look at."""

    services: Services
    app: Any
    url: str = ""
    first: str = ""


def services_in(home: Path, **parts: Any) -> Services:
    store = open_store(f"sqlite:///{home / 'beffroi.sqlite'}")
    known = domains()
    rules = {rule.id: rule for domain in known.values() for rule in domain.rules.values()}
    return Services(
        store=store,
        live=Live(),
        desk=Desk(store.alarms, rules),
        bus=parts.get("bus"),  # type: ignore[arg-type]
        clock=SystemClock(),
        codecs=parts.get("codecs"),  # type: ignore[arg-type]
        identity=parts.get("identity"),  # type: ignore[arg-type]
        domains=known,
        mqtt_host="commune.test",
        mqtt_port=8883,
    )


def seed(services: Services, inhabitants: int = 600, history_days: int = 20) -> None:
    """A town with readings, a few silent assets, alarms of every gravity and bad readings."""
    lab = commune(inhabitants, 7)
    store, now = services.store, services.clock.now_ms()
    store.assets.put_commune(lab.commune)
    store.assets.put_assets(lab.assets)
    store.assets.put_devices(lab.devices)
    store.people.put_setting("map_background", json.dumps(lab.background))
    rng = random.Random(7)
    silent = {asset.id for asset in rng.sample(lab.assets, 6)}
    seen: set[str] = set()
    for asset in lab.assets:
        if asset.id not in silent:
            _readings(services, asset, now, 0 if asset.kind in seen else history_days, rng)
            seen.add(asset.kind)
    _alarms(services, lab.assets, now)
    store.readings.commit(Batch(quarantined=_bad(now)))


def _readings(services: Services, asset: Asset, now: int, days: int, rng: random.Random) -> None:
    kind = services.domains[asset.domain].kinds[asset.kind]
    names = list(kind.properties)
    ids = services.store.readings.series_ids([SeriesKey(asset.id, "", n) for n in names])
    rows, newest = [], []
    for series, name in zip(ids, names, strict=True):
        phase = rng.random() * 6
        times = [
            *range(now - days * DAY_MS, now - 60_000, 20 * 60_000),
            now - rng.randrange(90_000),
        ]
        for ts in times:
            value = plausible(kind.properties[name], name, ts, phase)
            rows.append(Row(series, ts, value, 0, ts))
        newest.append((asset.id, name, Value(times[-1], rows[-1].value, 0)))
    for at in range(0, len(rows), 10_000):
        services.store.readings.commit(Batch(rows=rows[at : at + 10_000]))
    services.live.load(newest)


def plausible(prop: Any, name: str, ts: int, phase: float) -> float:
    """A daily wave in a range that fits the unit."""
    wave = 0.5 + 0.4 * math.sin(ts / DAY_MS * 2 * math.pi + phase) + 0.1 * math.sin(ts / 5e6)
    if prop.states:
        keys = sorted(prop.states)
        return float(keys[int(wave * 0.99 * len(keys)) % len(keys)])
    low, high = RANGES.get(name, (max(prop.low, 0.0), min(prop.high, max(prop.low, 0) + 10.0)))
    return round(low + (high - low) * wave, 3)


RANGES: Mapping[str, tuple[float, float]] = {
    "level_m": (2.1, 3.6),
    "volume_m3": (120.0, 260.0),
    "pressure_bar": (3.1, 4.4),
    "temperature_C": (9.0, 15.0),
    "power_W": (0.0, 38.0),
    "count_1h": (0.0, 42.0),
    "energy_kWh": (812.0, 824.0),
    "battery_V": (3.4, 3.6),
    "chlorine_mg_l": (0.1, 0.35),
    "ph": (7.1, 7.6),
    "confidence": (0.9, 0.999),
}


def _alarms(services: Services, assets: tuple[Asset, ...], now: int) -> None:
    findings = []
    for domain in services.domains.values():
        mine = [asset for asset in assets if asset.domain == domain.name]
        rules = sorted(domain.rules.values(), key=lambda rule: -rule.severity)
        grave = [rule for rule in rules if rule.severity is Severity.GRAVE][:1]
        rest = [rule for rule in rules if rule.severity is Severity.WARNING][:2]
        for at, rule in enumerate([*grave, *rest]):
            asset = mine[(at * 7) % len(mine)]
            when = now - (at + 1) * 47 * 60_000
            findings.append(Finding(rule.id, asset.id, True, when, facts_of(rule.text.fr)))
    by_id = {asset.id: asset for asset in assets}
    with services.desk.lock:
        changes = services.desk.findings(findings, by_id, now - 30 * 60_000)
        services.store.readings.commit(Batch(alarms=changes))
        services.desk.settle(changes)


def facts_of(text: str) -> dict[str, float | str]:
    """A value for each fact that a rule's text names."""
    facts: dict[str, float | str] = {}
    for _, name, spec, _ in string.Formatter().parse(text):
        if name:
            facts[name] = 2.4 if spec and "f" in spec else (12.0 if spec else "12")
    return facts


def _bad(now: int) -> list[Quarantined]:
    rows = [
        ("unknown_device", "capteur-7", "device 'capteur-7' is not in the inventory: add it first"),
        ("out_of_range", "gw-1", "level_m = 912.0 is beyond what is possible (0 to 40)"),
        ("bad_time", "gw-1", "the time is 34 days in the future: set the clock of the device"),
        ("unreadable", "", "not JSON: send an object with `ts` and `values`"),
    ]
    body = b'{"ts": 1790000000, "values": {"level_m": 912.0}}'
    return [
        Quarantined(now - at * 1_000_000, "mqtt", device, reason, detail, body)
        for at, (reason, device, detail) in enumerate(rows)
    ]


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """The application on a free port, with its own loop in a thread."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    config = uvicorn.Config(
        app, "127.0.0.1", port, log_level="warning", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        if not thread.is_alive():
            raise RuntimeError("uvicorn did not start")
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(5)


@contextmanager
def world(home: Path, *, seeded: bool = True, **parts: Any) -> Iterator[World]:
    """The whole: a served application over a fresh store."""
    services = services_in(home, **parts)
    if seeded:
        seed(services)
    app = create_app(services)
    mount_ui(app)
    made = World(services, app, first=first_link(services) or "")
    with serving(app) as url:
        made.url = url
        yield made
    services.store.close()
