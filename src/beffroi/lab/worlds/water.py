"""A small commune's water in EPANET: borehole, pump, tower, sectors; with leaks and attacks.

Each step solves the hydraulics (pressures, flows, pressure-dependent leaks) and fills or empties
the tower between solutions. The pump follows the *reported* level, as a real controller does, so
that a false sensor has real effects. Pure and seeded: same arguments and steps, same readings.
"""

from __future__ import annotations

import math
import os
import random
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import epanet.toolkit

from beffroi.domains.local_time import zone
from beffroi.lab.worlds.mains import day_share
from beffroi.model.asset import Asset

L_S_PER_HEAD = 0.148 * 1_000 / 86_400  # domestic use in France, SISPEA 2022
LEAK_SHARE = 0.11  # of the inflow, for ever
BAR_PER_M = 0.0980665
SUBSTEP_MS = 600_000
JUNCTIONS = 6  # per sector
TOWER_M = 45.0
HEIGHT_M = 5.0
PUMP_ON, PUMP_OFF = 0.60, 0.92  # shares of the tower's height
DEGREE_M = 111_320.0
_ZONE = zone("Europe/Paris")
en: Any = epanet.toolkit  # generated bindings without types
Key = tuple[str, str]
EVENTS = {
    "leak": "sector, l_s: a steady leak at the sector's far end (at today's pressure)",
    "drain": "sector, l_s: an open hydrant, not pressure dependent",
    "pump_speed": "ratio: the pump turns slower or faster than its drive says",
    "pump_forced": "on: the pump no longer follows the level",
    "pump_dry": "the pump runs without moving water",
    "stuck": "asset, prop: the reported value freezes",
    "offset": "asset, prop, by: the reported value is wrong by so much",
    "drift": "asset, prop, per_day: the reported value moves away",
    "replay": "asset, prop, lag_s: what was reported so long ago is reported again",
    "swap": "asset, other, prop: two instruments are exchanged",
    "chlorine": "mg_l: what leaves the tower",
}


class WaterEventError(Exception):
    """An event that this world does not have, or without its arguments; the text says which."""


@dataclass(slots=True)
class _Sector:
    name: str
    heads: int
    meter: int  # EPANET links and nodes
    junctions: list[int]
    leak_l_s: float = 0.0
    drain_l_s: float = 0.0
    mood: float = 0.0


@dataclass(slots=True)
class _Event:
    kind: str
    args: dict[str, Any]
    since_ms: int
    held: dict[Key, float] = field(default_factory=dict)


class WaterWorld:
    """`assets` for the inventory, `step` with growing times (UTC ms), `inject` and `mend`."""

    def __init__(self, inhabitants: int, seed: int, lon: float = 2.45, lat: float = 46.72) -> None:
        self._rng = random.Random(f"{seed}/{inhabitants}/water")
        self._lon, self._lat = lon, lat
        count = max(2, min(12, round(inhabitants / 900)))
        shares = [self._rng.uniform(0.7, 1.3) for _ in range(count)]
        self._heads = [round(inhabitants * share / sum(shares)) for share in shares]
        self.use_l_s = inhabitants * L_S_PER_HEAD
        self.area_m2 = round(max(24.0, 0.07 * inhabitants), 1)
        self._level_m = 0.72 * HEIGHT_M
        self._pumping = False
        self._now_ms = -1
        self._wanted: dict[str, _Event] = {}
        self._past: deque[tuple[int, dict[Key, float]]] = deque(maxlen=4_000)
        self._chlorine = 0.0
        self._build()

    # --- the network -----------------------------------------------------------------------------
    def _build(self) -> None:
        self._ph = ph = en.createproject()
        en.init(ph, os.devnull, "", en.LPS, en.HW)
        en.addnode(ph, "borehole", en.RESERVOIR)
        en.addnode(ph, "tower", en.TANK)
        en.addnode(ph, "station", en.JUNCTION)
        for s in range(len(self._heads)):
            for j in range(JUNCTIONS):
                en.addnode(ph, f"s{s}-{j}", en.JUNCTION)
        self._tower = en.getnodeindex(ph, "tower")
        en.setnodevalue(ph, en.getnodeindex(ph, "borehole"), en.ELEVATION, -8.0)
        en.settankdata(ph, self._tower, TOWER_M, 3.0, 0.0, HEIGHT_M + 1, 10.0, 0.0, "")
        en.addcurve(ph, "pump")
        curve = en.getcurveindex(ph, "pump")
        en.setcurvevalue(ph, curve, 1, 2.2 * self.use_l_s, TOWER_M + 18.0)
        en.addlink(ph, "pump-1", en.PUMP, "borehole", "station")
        self._pump = en.getlinkindex(ph, "pump-1")
        en.setlinkvalue(ph, self._pump, en.PUMP_HCURVE, curve)
        wide = 60.0 + 70.0 * math.sqrt(self.use_l_s)  # mm: about 0.5 m/s in the main
        self._pipe("main", "station", "tower", 900.0, wide)
        self._sectors = [self._sector(s, heads, wide) for s, heads in enumerate(self._heads)]
        en.openH(ph)

    def _pipe(self, name: str, a: str, b: str, length_m: float, wide_mm: float) -> int:
        en.addlink(self._ph, name, en.PIPE, a, b)
        index = int(en.getlinkindex(self._ph, name))
        en.setpipedata(self._ph, index, length_m, wide_mm, 120.0, 0.0)
        return index

    def _sector(self, s: int, heads: int, wide: float) -> _Sector:
        meter = self._pipe(f"meter-{s}", "tower", f"s{s}-0", self._rng.uniform(200, 700), wide)
        for j in range(1, JUNCTIONS):
            self._pipe(f"s{s}-p{j}", f"s{s}-{j - 1}", f"s{s}-{j}", 160.0, max(60.0, 0.7 * wide))
        junctions = []
        for j in range(JUNCTIONS):
            index = int(en.getnodeindex(self._ph, f"s{s}-{j}"))
            en.setjuncdata(self._ph, index, self._rng.uniform(0, 14), 0.0, "")
            junctions.append(index)
        return _Sector(f"sector-{s + 1}", heads, meter, junctions)

    def assets(self) -> list[Asset]:
        """The inventory of this network, around the given centre."""
        found = [
            self._asset("network-1", "network", "Réseau d’eau", 0, 0, {}),
            self._asset(
                "tank-1", "tank", "Château d’eau", 300, 400,
                {"area_m2": self.area_m2, "height_m": HEIGHT_M},
            ),
            self._asset("pump-1", "pump", "Pompe du captage", -500, -200, {}),
            self._asset("quality-1", "quality", "Départ du réservoir", 310, 395,
                        {"place": "reservoir_outlet"}),
        ]  # fmt: skip
        for s, sector in enumerate(self._sectors):
            angle = 2 * math.pi * s / len(self._sectors)
            x, y = math.cos(angle), math.sin(angle)
            found.append(self._asset(sector.name, "sector", f"Secteur {s + 1}", 200 * x, 200 * y,
                                     {"inhabitants": sector.heads}))  # fmt: skip
            for j in (0, JUNCTIONS - 1):
                far = 200 + 160 * j
                found.append(
                    self._asset(f"node-{s + 1}-{j + 1}", "node", f"Pression {s + 1}.{j + 1}",
                                far * x, far * y, {"sector": sector.name})
                )  # fmt: skip
        return found

    def _asset(
        self, ident: str, kind: str, name: str, x: float, y: float, attrs: dict[str, Any]
    ) -> Asset:
        lon = self._lon + x / DEGREE_M / math.cos(math.radians(self._lat))
        if kind != "network":
            attrs = {**attrs, "network": "network-1"}
        return Asset(ident, "water", kind, name, lon, self._lat + y / DEGREE_M, attrs=attrs)

    # --- events ----------------------------------------------------------------------------------
    def inject(self, event: str, **args: Any) -> None:
        """From the next step on; see EVENTS for arguments. The same event again replaces it."""
        if event not in EVENTS:
            raise WaterEventError(f"no event {event!r}; there are {sorted(EVENTS)}")
        key = f"{event} {args.get('asset', args.get('sector', ''))} {args.get('prop', '')}"
        names = {part.strip() for part in EVENTS[event].partition(":")[0].split(",")}
        if not set(args) <= names:
            raise WaterEventError(f"{event} takes {EVENTS[event]!r}, not {sorted(args)}")
        self._wanted[key] = _Event(event, args, self._now_ms)

    def mend(self, event: str) -> None:
        """Every event of this kind is over."""
        self._wanted = {k: e for k, e in self._wanted.items() if e.kind != event}

    def _arg(self, kind: str, name: str, default: float) -> float:
        for event in self._wanted.values():
            if event.kind == kind:
                return float(event.args.get(name, default))
        return default

    # --- time ------------------------------------------------------------------------------------
    def step(self, t_ms: int) -> dict[Key, float]:
        """Let the water run until `t_ms`, then read every instrument."""
        if self._now_ms < 0:
            self._now_ms = t_ms
        while True:
            seconds = min(SUBSTEP_MS, t_ms - self._now_ms) / 1_000
            self._now_ms += round(seconds * 1_000)
            true = self._solve(seconds)
            if self._now_ms >= t_ms:
                break
        told = self._tell(true)
        self._past.append((t_ms, told))
        self._control(told["tank-1", "level_m"])
        return told

    def _control(self, level_m: float) -> None:
        if level_m > PUMP_OFF * HEIGHT_M:
            self._pumping = False
        elif level_m < PUMP_ON * HEIGHT_M:
            self._pumping = True
        for event in self._wanted.values():
            if event.kind == "pump_forced":
                self._pumping = bool(event.args.get("on", True))

    def _solve(self, seconds: float) -> dict[Key, float]:
        """One steady state, and the level that it leads to after `seconds`."""
        ph = self._ph
        at = datetime.fromtimestamp(self._now_ms / 1_000, UTC).astimezone(_ZONE)
        season = 1 + 0.08 * math.cos(2 * math.pi * (at.timetuple().tm_yday - 205) / 365)
        used = [self._draw(sector, day_share(at) * season, seconds) for sector in self._sectors]
        dry = any(event.kind == "pump_dry" for event in self._wanted.values())
        moving = self._pumping and not dry
        en.setnodevalue(ph, self._tower, en.TANKLEVEL, max(0.01, self._level_m))
        en.setlinkvalue(ph, self._pump, en.INITSTATUS, float(moving))
        if moving:
            en.setlinkvalue(ph, self._pump, en.INITSETTING, self._arg("pump_speed", "ratio", 1.0))
        en.initH(ph, en.NOSAVE)
        en.runH(ph)
        pumped = max(0.0, en.getlinkvalue(ph, self._pump, en.FLOW)) if moving else 0.0
        flows = [en.getlinkvalue(ph, sector.meter, en.FLOW) for sector in self._sectors]
        self._level_m += (pumped - sum(flows)) * seconds / 1_000 / self.area_m2
        self._level_m = min(HEIGHT_M, max(0.0, self._level_m))
        return self._read(pumped, flows, used)

    def _draw(self, sector: _Sector, share: float, seconds: float) -> float:
        """Set the sector's demands and leaks; L/s used by its inhabitants."""
        ph, rng = self._ph, self._rng
        keep = math.exp(-seconds / 3_600)
        noise = 0.35 / math.sqrt(max(1.0, sector.heads / 20))
        sector.mood = keep * sector.mood + math.sqrt(1 - keep * keep) * rng.gauss(0, noise)
        used = sector.heads * L_S_PER_HEAD * share * math.exp(sector.mood)
        leak = sector.heads * L_S_PER_HEAD * LEAK_SHARE / (1 - LEAK_SHARE)
        for junction in sector.junctions:
            en.setnodevalue(ph, junction, en.BASEDEMAND, used / JUNCTIONS)
            en.setnodevalue(ph, junction, en.EMITTER, leak / JUNCTIONS / math.sqrt(TOWER_M - 5))
        for event in self._wanted.values():
            if event.args.get("sector") != sector.name:
                continue
            last, more = sector.junctions[-1], float(event.args.get("l_s", 1.0))
            if event.kind == "drain":
                en.setnodevalue(ph, last, en.BASEDEMAND, used / JUNCTIONS + more)
            else:
                coefficient = (leak / JUNCTIONS + more) / math.sqrt(TOWER_M - 5)
                en.setnodevalue(ph, last, en.EMITTER, coefficient)
        return used

    # --- instruments -----------------------------------------------------------------------------
    def _read(self, pumped: float, flows: list[float], used: list[float]) -> dict[Key, float]:
        ph, gauss = self._ph, self._rng.gauss
        out: dict[Key, float] = {
            ("tank-1", "level_m"): self._level_m + gauss(0, 0.003),
            ("tank-1", "inflow_l_s"): pumped * gauss(1, 0.005),
            ("tank-1", "outflow_l_s"): sum(flows) * gauss(1, 0.005),
            ("pump-1", "running"): float(self._pumping),
            ("pump-1", "flow_l_s"): pumped * gauss(1, 0.005),
        }
        head_m = TOWER_M + self._level_m + 8.0
        power = pumped * 9.81e-3 * head_m / 0.62 if pumped else 0.3 * float(self._pumping)
        out["pump-1", "power_kW"] = power * gauss(1, 0.01)
        out["pump-1", "pressure_bar"] = head_m * BAR_PER_M + gauss(0, 0.01)
        self._chlorine = 0.97 * self._chlorine + gauss(0, 0.004)
        out["quality-1", "chlorine_mg_l"] = max(
            0.0, self._arg("chlorine", "mg_l", 0.45) + self._chlorine + gauss(0, 0.004)
        )
        out["quality-1", "ph"] = 7.5 + gauss(0, 0.01)
        out["quality-1", "turbidity_NFU"] = abs(0.15 + gauss(0, 0.02))
        for s, (sector, flow, use) in enumerate(zip(self._sectors, flows, used, strict=True)):
            out[sector.name, "inflow_m3_h"] = 3.6 * flow * gauss(1, 0.01)
            out[sector.name, "metered_m3_h"] = 3.6 * use * gauss(1, 0.005)
            for j in (0, JUNCTIONS - 1):
                head = en.getnodevalue(ph, sector.junctions[j], en.PRESSURE)
                out[f"node-{s + 1}-{j + 1}", "pressure_bar"] = head * BAR_PER_M + gauss(0, 0.008)
        return {key: round(value, 3) for key, value in out.items()}

    def _tell(self, true: dict[Key, float]) -> dict[Key, float]:
        """What reaches the hub after false and broken instruments."""
        told = dict(true)
        for event in self._wanted.values():
            args, days = event.args, (self._now_ms - event.since_ms) / 86_400_000
            key = (str(args.get("asset", "")), str(args.get("prop", "")))
            if key not in true:
                continue
            if event.kind == "stuck":
                told[key] = event.held.setdefault(key, true[key])
            elif event.kind == "offset":
                told[key] = round(true[key] + float(args["by"]), 3)
            elif event.kind == "drift":
                told[key] = round(true[key] + float(args["per_day"]) * days, 3)
            elif event.kind == "replay":
                told[key] = self._earlier(key, int(args.get("lag_s", 86_400)), true[key])
            elif event.kind == "swap":
                other = (str(args["other"]), key[1])
                told[key], told[other] = true[other], true[key]
        return told

    def _earlier(self, key: Key, lag_s: int, otherwise: float) -> float:
        wanted = self._now_ms - lag_s * 1_000
        for at, told in reversed(self._past):
            if at <= wanted:
                return told[key]
        return otherwise
