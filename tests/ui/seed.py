"""A small town with a past: readings, silent assets, alarms of every gravity, bad readings."""

from __future__ import annotations

import json
import math
import random
import string
from collections.abc import Mapping
from typing import Any

from beffroi.hub.live import Value
from beffroi.hub.services import Services
from beffroi.lab.commune import commune
from beffroi.model.asset import Asset
from beffroi.model.finding import Finding, Severity
from beffroi.model.reading import Quarantined, Row
from beffroi.ports.store import Batch, SeriesKey

DAY_MS = 86_400_000


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
        for at, rule in enumerate([*grave, *rest] if mine else []):
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
