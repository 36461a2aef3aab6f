"""The condition of an asset in one word, for map and lists. Pure: the same rule is in the browser.

"grave" and "warning" come from active alarms; "stale" and "unknown" from the age of the headline.
"""

from __future__ import annotations

from collections.abc import Iterable

from beffroi.hub.live import Value
from beffroi.model.alarm import Alarm
from beffroi.model.asset import Kind, Property
from beffroi.model.finding import Severity

CONDITIONS = ("ok", "warning", "grave", "stale", "unknown")
CALM = -1  # no alarm


def of(severity: int, value: Value | None, stale_s: int, now_ms: int) -> str:
    """`severity` of the worst active alarm, CALM if none."""
    if severity >= Severity.GRAVE:
        return "grave"
    if severity >= Severity.WARNING:
        return "warning"
    if value is None:
        return "unknown"
    return "stale" if now_ms - value.ts_ms > stale_s * 1000 else "ok"


def worst(alarms: Iterable[Alarm]) -> dict[str, int]:
    """Worst severity of the active alarms, by asset. A group stands for its members elsewhere."""
    found: dict[str, int] = {}
    for alarm in alarms:
        if alarm.active and alarm.asset:
            found[alarm.asset] = max(found.get(alarm.asset, CALM), int(alarm.severity))
    return found


def headline(kind: Kind | None) -> Property | None:
    return kind.properties.get(kind.headline) if kind else None
