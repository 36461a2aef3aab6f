"""Boards, parking meters, a pressure reducer, a doser, a boiler: what they would say of themselves.

They obey: `show`, `blank` and `set` are what a guard's driver does to them. Somebody with a key to
the cabinet can do the same by `show` with a code of their own. A pure function of the seed, the
time and these calls; nobody parks here, only totals of days.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/Paris")
MINUTE_MS = 60_000
OPEN_H = 8, 19
PARKED_MIN_PER_DAY = 5_400.0  # of a dozen bays within the paying hours
UNPAID_PCT = 12.0


class FixturesWorldError(ValueError):
    """No such thing here; the text says what there is."""


@dataclass(slots=True)
class Board:
    text: str = ""
    code: str = ""
    until_ms: int = 0
    faults: set[str] = field(default_factory=set)  # "stuck": it no longer clears; "dead": a fault


class FixturesWorld:
    """`kinds` {asset: kind}. Ask with growing times."""

    def __init__(self, kinds: Mapping[str, str], seed: int) -> None:
        self._kinds, self._seed = dict(kinds), seed
        self.boards = {name: Board() for name, kind in kinds.items() if kind == "board"}
        self.set_points = {name: _FIRST[kind] for name, kind in kinds.items() if kind in _FIRST}
        self.unpaid_pct = UNPAID_PCT

    def show(self, board: str, text: str, code: str, until_ms: int) -> None:
        """What stands there from now on, until then."""
        found = self._board(board)
        found.text, found.code, found.until_ms = text, code, until_ms

    def blank(self, board: str) -> None:
        self.show(board, "", "", 0)

    def set(self, asset: str, value: float) -> None:
        """A new set point, in the unit of the asset's property."""
        if asset not in self.set_points:
            raise FixturesWorldError(f"{asset} has no set point; known: {sorted(self.set_points)}")
        self.set_points[asset] = value

    def _board(self, name: str) -> Board:
        if name not in self.boards:
            raise FixturesWorldError(f"no board {name}; known: {sorted(self.boards)}")
        return self.boards[name]

    def step(self, now_ms: int) -> dict[str, dict[str, Any]]:
        """{asset: values} as the devices send them."""
        at = datetime.fromtimestamp(now_ms / 1000, ZONE)
        out: dict[str, dict[str, Any]] = {}
        for name, kind in self._kinds.items():
            rng = random.Random(f"{self._seed}/{name}/{now_ms // MINUTE_MS}")
            if kind == "board":
                out[name] = self._shown(self.boards[name], now_ms, at, rng)
            elif kind == "zone":
                if at.hour >= OPEN_H[1]:
                    out[name] = self._day(name, at)
            elif kind == "meter":
                out[name] = self._meter(name, at, rng)
            else:
                out[name] = _plant(kind, self.set_points[name], at, rng)
        return out

    def _shown(self, board: Board, now_ms: int, at: datetime, rng: random.Random) -> dict[str, Any]:
        if board.text and now_ms >= board.until_ms and "stuck" not in board.faults:
            board.text, board.code = "", ""
        lit = 100 if OPEN_H[0] <= at.hour < OPEN_H[1] else 30
        return {
            "text": board.text,
            "code": board.code,
            "brightness_pct": lit if board.text else 0,
            "fault": "dead" in board.faults,
            "door_open": False,
            "pixels_failed_pct": 0.2,
            "temperature_C": round(18 + _sun(at) * 9 + rng.gauss(0, 0.4), 1),
            "power_W": round((8.0 + 1.4 * lit if board.text else 8.0) + rng.gauss(0, 0.3), 1),
        }

    def _day(self, name: str, at: datetime) -> dict[str, Any]:
        """The totals of a day that is over; the sensors leave a few percent open."""
        rng = random.Random(f"{self._seed}/{name}/{at.date()}")
        week = 0.3 if at.weekday() == 6 else 1.0
        occupied = PARKED_MIN_PER_DAY * week * rng.uniform(0.85, 1.15)
        unpaid = min(95.0, max(0.0, rng.gauss(self.unpaid_pct, 2.0)))
        return {
            "occupied_min": round(occupied),
            "paid_min": round(occupied * (1 - unpaid / 100)),
            "unpaid_low_pct": round(max(0.0, unpaid - 3.0), 1),
            "unpaid_high_pct": round(unpaid + 4.0, 1),
            "doubles": 0,
        }

    def _meter(self, name: str, at: datetime, rng: random.Random) -> dict[str, Any]:
        day = random.Random(f"{self._seed}/{name}/{at.date()}")
        share = min(1.0, max(0.0, (at.hour + at.minute / 60 - OPEN_H[0]) / (OPEN_H[1] - OPEN_H[0])))
        return {
            "state": 1,
            "issued": round(day.uniform(45, 75) * share),
            "forged": 0,
            "door_open": False,
            "battery_V": round(12.6 + 0.4 * _sun(at) + rng.gauss(0, 0.02), 2),
        }


_FIRST = {"valve": 2.6, "doser": 0.35, "hot_water": 57.0}


def _sun(at: datetime) -> float:
    """0 at night, 1 at one in the afternoon."""
    return max(0.0, math.cos((at.hour + at.minute / 60 - 13) / 12 * math.pi))


def _plant(kind: str, wanted: float, at: datetime, rng: random.Random) -> dict[str, Any]:
    use = 0.35 + 0.65 * max(0.0, math.sin((at.hour - 5) / 19 * math.pi))
    if kind == "valve":
        return {
            "setting_bar": wanted,
            "pressure_bar": round(wanted - 0.1 * use + rng.gauss(0, 0.02), 2),
            "upstream_bar": round(4.3 - 0.2 * use + rng.gauss(0, 0.03), 2),
            "flow_l_s": round(1.6 * use + rng.gauss(0, 0.03), 2),
            "open": True,
        }
    if kind == "doser":
        return {"dose_mg_l": wanted, "flow_l_s": round(1.8 * use + rng.gauss(0, 0.03), 2)}
    return {
        "setting_C": wanted,
        "temperature_C": round(wanted + rng.gauss(0, 0.3), 1),
        "return_C": round(wanted - 4.0 + rng.gauss(0, 0.2), 1),
    }
