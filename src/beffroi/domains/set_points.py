"""A set point that is moved from afar: slowly, inside a band of the hour; outside the band two
persons, outside the hard bounds nobody. Knows no quantity: bounds, units and words are arguments.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from beffroi.domains.attrs import number_or
from beffroi.domains.envelopes import Span, by_clock, day_spans, follows, minute_of, whole
from beffroi.kernel.envelope import Action, Case, Condition

MINUTE_MS = 60_000
BANDS_MAX = 8


class Quantity(NamedTuple):
    """`param` counts whole parts, `scale` of them to the unit of the asset's attributes. A step is
    at most `step_max` parts, an hour's travel `travel_hour_max`."""

    param: str
    scale: int
    step_max: int
    travel_hour_max: int
    fr: str
    en: str


def hard_bounds(attrs: Mapping[str, Any], stem: str, hard: Span, scale: int) -> Span:
    """What the asset names (`<stem>_min`, `<stem>_max`), never wider than `hard`."""
    low = number_or(attrs, f"{stem}_min", hard[0] / scale)
    high = number_or(attrs, f"{stem}_max", hard[1] / scale)
    return max(hard[0], round(low * scale)), min(hard[1], round(high * scale))


def set_point(
    what: Quantity,
    attrs: Mapping[str, Any],
    hard: Span,
    usual: Span,
    needs: tuple[Condition, ...] = (),
) -> dict[str, Action]:
    """{"set": ...}; {} when the bounds leave nothing."""
    low, high = hard
    if low > high:
        return {}
    cases = [
        Case("B", {what.param: whole((max(low, a), min(high, b)))}, (*clock, *needs))
        for a, b, clock in _bands(attrs, usual, what.scale)
        if max(low, a) <= min(high, b)
    ]
    action = Action(
        (*cases, Case("C", {what.param: whole(hard)}, needs)),
        what.fr,
        what.en,
        (follows(what.param, what.step_max, what.travel_hour_max),),
        per_hour_max=4,
        per_day_max=12,
        spacing_ms_min=5 * MINUTE_MS,
        lifetime_ms_max=60 * MINUTE_MS,
    )
    return {"set": action}


def _bands(
    attrs: Mapping[str, Any], usual: Span, scale: int
) -> list[tuple[int, int, tuple[Condition, ...]]]:
    """`bands`: [{"from": "23:00", "to": "05:00", "low": 1.0, "high": 2.0}], in the asset's unit.
    Without any, `usual` all day. What cannot be read gives no band: then two persons are needed."""
    given = attrs.get("bands")
    if not isinstance(given, list) or not given:
        return [(*usual, ())]
    found: list[tuple[int, int, tuple[Condition, ...]]] = []
    for item in given[:BANDS_MAX]:
        if not isinstance(item, Mapping):
            continue
        start, end = minute_of(item.get("from")), minute_of(item.get("to"))
        low, high = number_or(item, "low", 1.0), number_or(item, "high", 0.0)
        if start is not None and end is not None and start != end and low <= high:
            clock = by_clock(day_spans(start, end))
            found.append((round(low * scale), round(high * scale), (clock,)))
    return found
