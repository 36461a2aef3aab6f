"""Device time to the town's wall clock, cheaply. The zone is the asset's attrs "timezone".

Knows no clock: every instant is an argument. Zone rules are read once per zone.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

HOUR_MS = 3_600_000
DEFAULT_ZONE = "Europe/Paris"


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    """The zone, or Europe/Paris when the name is unknown."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo(DEFAULT_ZONE)


@lru_cache(maxsize=4_096)
def _offset_ms(name: str, quarter: int) -> int:
    at = datetime.fromtimestamp(quarter * 900, UTC).astimezone(zone(name))
    return int((at.utcoffset() or timedelta()).total_seconds()) * 1000


def wall_ms(ts_ms: int, name: str = DEFAULT_ZONE) -> int:
    """Milliseconds of the wall clock as if it were UTC: day = // 86,400,000, hour likewise."""
    return ts_ms + _offset_ms(name, ts_ms // 900_000)
