"""Lamps and cabinets while time passes: they follow sun and schedule, wear, and fail on request.

Pure and seeded: the same lamps, seed and steps give the same readings. The schedule is read from
the assets as the hub reads it; photocells differ from lamp to lamp by minutes, powers by percent.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from beffroi.domains.lighting.faults import DIM_FLOOR, expected_w
from beffroi.domains.night import Night, Schedule, night_of, schedule
from beffroi.model.asset import Asset

HOUR_MS = 3_600_000
PHOTOCELL_MS = 240_000  # spread of when a lamp sees dusk
EVENTS = frozenset(
    {
        "lamp_out",
        "day_burner",
        "low_power",
        "high_power",
        "dim_ignored",
        "flicker",
        "silent",
        "counter_reset",
        "cabinet_dark",
        "door_open",
        "voltage_low",
        "voltage_high",
        "voltage_lost",
        "all_off",  # the Nice attack: every lamp of a cabinet off from afar
    }
)
Values = dict[tuple[str, str], float]


class LightingEventError(Exception):
    """An event or asset that this world does not have; the text names it."""


@dataclass(slots=True)
class _Lamp:
    asset: Asset
    plan: Schedule
    rated_w: float
    ratio: float  # this lamp's true power beside its rating
    late_ms: int
    cabinet: str
    kwh: float = 0.0
    burning_h: float = 0.0
    faults: set[str] = field(default_factory=set)
    night: Night | None = None


class LightingWorld:
    """`step` with growing times (UTC ms); `inject` and `mend` at any time between steps."""

    def __init__(self, lamps: Sequence[Asset], cabinets: Sequence[Asset], seed: int) -> None:
        self._rng = random.Random(f"{seed}/lighting")
        self._lamps = {lamp.id: self._made(lamp) for lamp in lamps}
        self._cabinets = {cabinet.id: set[str]() for cabinet in cabinets}
        self._kwh = dict.fromkeys(self._cabinets, 0.0)
        self._plans = {c.id: schedule(c.attrs, c.lon, c.lat) for c in cabinets}
        self._last_ms = -1
        self.ordered: dict[str, float] = {}  # lamp or cabinet -> level in %, while it is ordered

    def _made(self, lamp: Asset) -> _Lamp:
        rng, attrs = self._rng, lamp.attrs
        return _Lamp(
            lamp,
            schedule(attrs, lamp.lon, lamp.lat),
            float(attrs.get("power_W_nominal", attrs.get("rated_w", 60.0))),
            rng.gauss(1.0, 0.02),
            int(rng.gauss(0, PHOTOCELL_MS)),
            str(attrs.get("cabinet", "")),
            rng.uniform(0, 900),
            float(rng.randrange(40_000)),
        )

    def inject(self, event: str, asset: str) -> None:
        """From now on. `asset` is a lamp or a cabinet. Raises LightingEventError."""
        if event not in EVENTS:
            raise LightingEventError(f"no event {event!r}; there are {sorted(EVENTS)}")
        self._faults(asset).add(event)

    def mend(self, event: str, asset: str) -> None:
        """The event is over."""
        self._faults(asset).discard(event)

    def _faults(self, asset: str) -> set[str]:
        if asset in self._lamps:
            return self._lamps[asset].faults
        if asset in self._cabinets:
            return self._cabinets[asset]
        raise LightingEventError(f"no lamp or cabinet {asset!r} in this world")

    def step(self, t_ms: int) -> Values:
        """All readings of this instant by (asset, property); a silent asset has none."""
        out: Values = {}
        hours = (t_ms - self._last_ms) / HOUR_MS if self._last_ms >= 0 else 0.0
        self._last_ms = t_ms
        load = dict.fromkeys(self._cabinets, 0.0)
        for lamp in self._lamps.values():
            power = self._power(lamp, t_ms)
            lamp.kwh += power * hours / 1_000
            lamp.burning_h += hours if power > 0.2 * lamp.rated_w else 0.0
            load[lamp.cabinet] = load.get(lamp.cabinet, 0.0) + power
            if "silent" not in lamp.faults:
                self._read_lamp(lamp, power, out)
        for cabinet, faults in self._cabinets.items():
            self._kwh[cabinet] += load[cabinet] * hours / 1_000
            if "silent" not in faults:
                self._read_cabinet(cabinet, faults, load[cabinet], t_ms, out)
        return out

    def _power(self, lamp: _Lamp, t_ms: int) -> float:
        """Watts drawn now, after the faults of the lamp and of its cabinet."""
        faults = lamp.faults
        at = t_ms - lamp.late_ms
        if lamp.night is None or not lamp.night.start_ms <= at < lamp.night.end_ms:
            lamp.night = night_of(at, lamp.plan)
        pct = lamp.night.due(at).pct
        if pct > 0:  # by day a contactor is open, whatever was ordered
            pct = self.ordered.get(lamp.asset.id, self.ordered.get(lamp.cabinet, pct))
        if "day_burner" in faults or ("dim_ignored" in faults and pct > 0):
            pct = 100.0
        if "flicker" in faults and self._rng.random() < 0.5:
            pct = 0.0
        dead = self._cabinets.get(lamp.cabinet, set()) & {"cabinet_dark", "voltage_lost", "all_off"}
        if dead or faults & {"lamp_out", "all_off"}:
            return 0.0
        factor = 0.4 if "low_power" in faults else 1.7 if "high_power" in faults else 1.0
        share = lamp.ratio * factor * self._rng.gauss(1.0, 0.008)
        return max(0.0, expected_w(lamp.rated_w, pct, DIM_FLOOR) * share)

    def _read_lamp(self, lamp: _Lamp, power: float, out: Values) -> None:
        ident, lit = lamp.asset.id, power > 0.2 * lamp.rated_w
        if "counter_reset" in lamp.faults:
            lamp.kwh = 0.0
            lamp.faults.discard("counter_reset")
        out[ident, "power_W"] = round(power, 1)
        out[ident, "on"] = float(lit)
        out[ident, "energy_kWh"] = round(lamp.kwh, 3)
        out[ident, "burning_h"] = round(lamp.burning_h, 2)

    def _read_cabinet(
        self, ident: str, faults: set[str], load: float, t_ms: int, out: Values
    ) -> None:
        volts = 230.0 + self._rng.gauss(0, 1.2)
        for event, factor in (("voltage_low", 0.85), ("voltage_high", 1.15), ("voltage_lost", 0.0)):
            if event in faults:
                volts *= factor
        due = night_of(t_ms, self._plans[ident]).due(t_ms)
        out[ident, "power_W"] = round(load, 1)
        out[ident, "energy_kWh"] = round(self._kwh[ident], 3)
        out[ident, "voltage_V"] = round(volts, 1)
        out[ident, "current_A"] = round(load / volts, 2) if volts > 1 else 0.0
        out[ident, "door_open"] = float("door_open" in faults)
        closed = due.pct > 0 and not faults & {"cabinet_dark", "all_off"}
        out[ident, "contactor_on"] = float(closed)
