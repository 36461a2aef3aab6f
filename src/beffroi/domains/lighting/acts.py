"""What can be asked of the lights, and what their envelopes allow at most.

The safe direction is on. What makes dark is asked for again every half hour, so that it ends by
itself, and never outlasts the signed schedule or the day. Outside the schedule a cabinet never
makes dark, a lamp only while none beside it is dark. Floors and windows: `domain.md`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from beffroi.domains.base import Act, Choice, Terms
from beffroi.domains.envelopes import (
    CLOCK_MS_MAX,
    by_clock,
    day_spans,
    envelope,
    safe_case,
    setting,
    while_,
    whole,
)
from beffroi.domains.night import SUN_DEG, Window, schedule
from beffroi.kernel.envelope import Action, Case, Envelope
from beffroi.model.asset import Asset, Label

FLOOR_PCT = 30  # L: EN 13201 classes are unverified here; the commune names its own, never lower
CROSSING_FLOOR_PCT = 50  # L
FLOOR_PCT_MIN = 10
MINUTES_MAX = 12 * 60
DARK_MINUTES_MAX = 30
ALONE_MINUTES_MAX = 240  # a lamp off for a reason that two persons gave
SUN_MDEG_PER_MIN = 250  # the sun never sinks faster than 15 degrees in an hour
DAY_MDEG = round(SUN_DEG * 1_000) + SUN_MDEG_PER_MIN * DARK_MINUTES_MAX
LAMPS_PER_10_MIN = 5
CABINETS_PER_10_MIN = 2

_ACTS = {
    "dim": Act(
        Label("Régler le niveau", "Set the level"),
        {
            "level_pct": Choice(Label("Niveau", "Level"), "%"),
            "minutes": Choice(Label("Durée", "Duration"), "min"),
        },
        shows="power_W",
    ),
    "on": Act(Label("Allumer", "Switch on"), shows="power_W"),
}
ACTS = {"luminaire": _ACTS, "cabinet": _ACTS}


def lighting_envelope(asset: Asset, terms: Terms) -> Envelope | None:
    """Of a lamp or a cabinet. `floor_pct` and `crossing` in `attrs`: see `domain.md`."""
    lamp = asset.kind == "luminaire"
    dim = Action(
        tuple(_cases(asset, lamp)),
        "Régler à {level_pct} % pendant {minutes} min",
        "Set to {level_pct} % for {minutes} min",
        per_hour_max=12,
        per_day_max=100,
    )
    on = Action((safe_case(),), "Allumer", "Switch on")
    most = LAMPS_PER_10_MIN if lamp else CABINETS_PER_10_MIN
    return envelope(asset, terms, {"dim": dim, "on": on}, fleet_targets_max=most)


def _cases(asset: Asset, lamp: bool) -> Iterator[Case]:
    attrs = asset.attrs
    crossing = attrs.get("crossing") is True
    floor = _floor(attrs, crossing)
    long, short = whole((1, MINUTES_MAX)), whole((1, DARK_MINUTES_MAX))
    any_level = whole((0, 100))
    by_day = while_("sun_mdeg", (DAY_MDEG, 90_000), age_ms_max=CLOCK_MS_MAX)
    yield Case("A", {"level_pct": any_level, "minutes": short}, (by_day,))
    for window in schedule(attrs, asset.lon, asset.lat).windows:
        if window.pct == 0 and not crossing:
            yield from _held(window, 0, DARK_MINUTES_MAX)
        else:
            yield from _held(window, max(floor, round(window.pct)), DARK_MINUTES_MAX)
    yield Case("B", {"level_pct": whole((floor, 100)), "minutes": long})
    if lamp and not crossing:
        alone = while_("adjacent_dark", (0, 0))
        minutes = whole((1, ALONE_MINUTES_MAX))
        yield Case("C", {"level_pct": any_level, "minutes": minutes}, (alone,))


def _held(window: Window, level_pct: int, minutes_max: int) -> Iterator[Case]:
    """Automatic inside one window of the schedule, and over when it ends."""
    spans = day_spans(window.start_min, window.end_min, minutes_max)
    if spans:
        params = {"level_pct": whole((level_pct, 100)), "minutes": whole((1, minutes_max))}
        yield Case("A", params, (by_clock(spans),))


def _floor(attrs: Mapping[str, Any], crossing: bool) -> int:
    least = CROSSING_FLOOR_PCT if crossing else FLOOR_PCT_MIN
    usual = CROSSING_FLOOR_PCT if crossing else FLOOR_PCT
    return setting(attrs, "floor_pct", usual, least, 100)


def ordered(
    asset: Asset, action: str, params: Mapping[str, int | str], digest: bytes, at_ms: int
) -> Mapping[str, float]:
    """See `domains.base.Domain.ordered`."""
    del asset, digest
    minutes = params.get("minutes", 0) if action == "dim" else 0
    level = params.get("level_pct", 100) if action == "dim" else 100
    return {"ordered_pct": float(level), "ordered_until_min": at_ms / 60_000 + float(minutes)}
