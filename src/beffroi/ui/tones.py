"""Small judgements about how things look: ink on a colour, what counts as waiting. Pure."""

from __future__ import annotations

from beffroi.model.alarm import Alarm
from beffroi.model.finding import Severity

_SRGB_KNEE = 0.04045


def ink_on(colour: str) -> str:
    """Black or white, whichever reads better on `#rrggbb` (WCAG relative luminance)."""
    light = _luminance(colour)
    return "#ffffff" if 1.05 / (light + 0.05) >= (light + 0.05) / 0.05 else "#101418"


def awaits_decision(alarm: Alarm) -> bool:
    """Grave, open and nobody has decided; members of a group are counted by their group."""
    return alarm.severity >= Severity.GRAVE and alarm.decision is None and not alarm.group


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= _SRGB_KNEE else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
