"""Which reports may be about the same thing: same category, near, not long ago. Pure.

Proposes, never decides: two lamps stand thirty metres apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import asin, cos, radians, sin, sqrt
from typing import NamedTuple

from beffroi.model.limits import REPORT_NEAR_DAYS, REPORT_NEAR_M, REPORTS_NEAR_MAX
from beffroi.model.measure import DAY_MS
from beffroi.model.report import Report, ReportState
from beffroi.ports.reports import Box

EARTH_M = 6_371_000.0
METRES_PER_DEGREE = 111_195.0
_NOT = (ReportState.REJECTED, ReportState.WITHDRAWN, ReportState.DUPLICATE)


class Near(NamedTuple):
    """A report and how far away it is."""

    report: Report
    metres: float


def metres(lon_a: float, lat_a: float, lon_b: float, lat_b: float) -> float:
    """Great circle, haversine."""
    a, b = radians(lat_a), radians(lat_b)
    half = sin((b - a) / 2) ** 2 + cos(a) * cos(b) * sin(radians(lon_b - lon_a) / 2) ** 2
    return 2 * EARTH_M * asin(min(1.0, sqrt(half)))


def box_around(lon: float, lat: float, radius_m: float = REPORT_NEAR_M) -> Box:
    """A box that holds the circle; at the poles it is all around."""
    tall = radius_m / METRES_PER_DEGREE
    wide = min(180.0, tall / max(cos(radians(min(abs(lat) + tall, 90.0))), 1e-6))
    return Box(lon - wide, lat - tall, lon + wide, lat + tall)


def likely(
    candidates: Iterable[Report],
    topic: str,
    place: tuple[float, float] | None,
    asset: str,
    now_ms: int,
) -> list[Near]:
    """At most REPORTS_NEAR_MAX, the nearest first; the same asset counts as no distance."""
    found = []
    for one in candidates:
        if one.topic != topic or one.state in _NOT:
            continue
        if one.received_ms < now_ms - REPORT_NEAR_DAYS * DAY_MS:
            continue
        apart = _apart(one, place, asset)
        if apart <= REPORT_NEAR_M:
            found.append(Near(one, apart))
    found.sort(key=lambda near: (near.metres, -near.report.received_ms, near.report.id))
    return found[:REPORTS_NEAR_MAX]


def _apart(one: Report, place: tuple[float, float] | None, asset: str) -> float:
    if asset and one.asset == asset:
        return 0.0
    if place is None or one.lon is None or one.lat is None:
        return float("inf")
    return metres(*place, one.lon, one.lat)
