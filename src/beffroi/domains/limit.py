"""A limit with hysteresis and persistence, the same for every domain. Knows no unit and no rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from beffroi.domains.latch import Latches

Now = Mapping[str, float]  # property -> value, of one instant


class Limit(NamedTuple):
    """`rule` holds when `prop` is below `low` or above `high` for `on_s`; it ends `back` inside."""

    rule: str
    prop: str
    low: float | None
    high: float | None
    back: float
    on_s: float = 600.0
    fact: str = ""  # under which name the crossed limit is told


def check(limit: Limit, ts_ms: int, now: Now, note: Latches) -> None:
    """Hysteresis and persistence in one place, for every limit."""
    value = now.get(limit.prop)
    if value is None:
        return
    back = limit.back if note.active(limit.rule) else 0.0
    below = limit.low is not None and value < limit.low + back
    above = limit.high is not None and value > limit.high - back
    facts = {limit.prop: value}
    if limit.fact:
        crossed = limit.low if below else limit.high
        facts[limit.fact] = crossed if crossed is not None else 0.0
    note.feed(limit.rule, ts_ms, below or above, facts, on_s=limit.on_s, off_s=limit.on_s)
