"""Which fault a measured power shows, against what is due. Pure, no memory.

Power at a dimming level: nominal x (floor + (1 - floor) x pct/100), `floor` the share a driver
draws when dimmed to nothing. Bands are wide on purpose: an alarm must mean something.
"""

from __future__ import annotations

from typing import NamedTuple

OUT_SHARE = 0.10  # of the expected power: below it the light is out
LOW_SHARE = 0.70
HIGH_SHARE = 1.35
BURN_SHARE = 0.20  # of nominal: above it the light is on
UNDIMMED_SHARE = 1.25  # of the expected power, while dimming is due
DIM_FLOOR = 0.10
BACK = 0.05  # hysteresis, in shares


class Band(NamedTuple):
    """A fault of power: where it begins and where it ends again."""

    holds: bool
    still: bool  # would hold with hysteresis, so an active alarm stays


def expected_w(nominal_w: float, pct: float, floor: float = DIM_FLOOR) -> float:
    """Power due at `pct` of full light; 0 when off."""
    return nominal_w * (floor + (1 - floor) * pct / 100) if pct > 0 else 0.0


def bands(power_w: float, nominal_w: float, pct: float, why: str, floor: float) -> dict[str, Band]:
    """Fault -> band, for a settled state. Only the faults that this state can prove or disprove:
    dimming says nothing at full light, darkness nothing by day."""
    if pct <= 0:
        lit, still = power_w > BURN_SHARE * nominal_w, power_w > (BURN_SHARE - BACK) * nominal_w
        return {"day_burner" if why == "day" else "off_ignored": Band(lit, still)}
    share = power_w / max(expected_w(nominal_w, pct, floor), 1e-9)
    above, limit = ("dim_not_followed", UNDIMMED_SHARE) if pct < 100 else ("high_power", HIGH_SHARE)
    return {
        "lamp_out": Band(share < OUT_SHARE, share < OUT_SHARE + BACK),
        "low_power": Band(OUT_SHARE <= share < LOW_SHARE, OUT_SHARE <= share < LOW_SHARE + BACK),
        above: Band(share > limit, share > limit - BACK),
    }
