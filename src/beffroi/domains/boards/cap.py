"""Between alerts of authorities (CAP 1.2) and boards: what could be shown.

An alert that comes in is a finding and proposals, never a command: people decide and sign. An
exercise proposes the exercise message and nothing else. What goes out is in `announce`. Knows no
XML.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import asin, cos, radians, sin, sqrt
from typing import NamedTuple

from beffroi.domains.base import Advice, Proposal
from beffroi.domains.boards.acts import ALERT_MINUTES_MAX, MINUTE_MS
from beffroi.domains.boards.catalogue import EXERCISE, TEMPLATES
from beffroi.model.asset import Asset, Label
from beffroi.model.cap import Alert, Area, Info, Point, in_force
from beffroi.model.finding import Finding

RULE = "boards.authority_alert"
_WEIGHTY = ("Extreme", "Severe", "Moderate")
EARTH_KM = 6_371.0


class Words(NamedTuple):
    """A template in the words of CAP; `pattern` finds it in the event's name, French or English."""

    category: str
    response: str
    pattern: str = ""


AS_CAP: Mapping[str, Words] = {
    "alerte_orage": Words("Met", "Shelter", r"orage|thunder|lightning|foudre|grêle|hail"),
    "alerte_crue": Words("Met", "Avoid", r"inondation|crue|flood|submersion"),
    "alerte_neige": Words("Met", "Avoid", r"neige|verglas|snow|ice|avalanche"),
    "alerte_canicule": Words("Met", "Monitor", r"canicule|chaleur|heat"),
    "alerte_vent": Words("Met", "Shelter", r"vent|temp[eê]te|wind|storm|squall|cyclone|tornad"),
    "alerte_incendie": Words("Fire", "Evacuate", r"incendie|feu|fire"),
    "alerte_industrie": Words("CBRNE", "Shelter", r"industri|chimi|chemical|nucl|toxi"),
    "eau_non_potable": Words("Health", "Avoid", r"eau potable|non potable|drinking|water"),
    "evacuation": Words("Safety", "Evacuate", r"évacu|evacu"),
    "fin_alerte": Words("Safety", "AllClear"),
}


def advise(alerts: Sequence[Alert], assets: Sequence[Asset], now_ms: int) -> Advice:
    """See `domains.base.Domain.advise`: a finding for each board, active or not."""
    boards = [one for one in assets if one.kind == "board"]
    told: dict[str, Finding] = {one.id: Finding(RULE, one.id, False, now_ms) for one in boards}
    proposals: list[Proposal] = []
    for alert in in_force(alerts, now_ms):
        if alert.scope != "Public" or alert.status in ("System", "Draft"):
            continue
        for info in _in_french(alert.infos):
            reached = [one for one in boards if covers(info, one.lat, one.lon) is not False]
            if not _matters(info, now_ms):
                continue
            proposals += [_proposal(alert, info, one, now_ms) for one in reached]
            if alert.status == "Actual":
                facts: dict[str, float | str] = {"sender": alert.sender, "event": info.event}
                told |= {one.id: Finding(RULE, one.id, True, now_ms, facts) for one in reached}
    proposals += [p for alert in alerts for p in _ended(alert, boards, now_ms)]
    return Advice(list(told.values()), proposals)


def _ended(alert: Alert, boards: Sequence[Asset], now_ms: int) -> list[Proposal]:
    """A cancellation proposes to clear, as long as a message can still stand there."""
    recent = 0 <= now_ms - alert.sent_ms < ALERT_MINUTES_MAX * MINUTE_MS
    if (alert.msg_type, alert.status, alert.scope) != ("Cancel", "Actual", "Public") or not recent:
        return []
    why = Label(f"Annulation par {alert.sender}", f"Cancelled by {alert.sender}")
    return [Proposal(one.id, "blank", {}, why, of=alert.ref) for one in boards]


def _in_french(infos: Sequence[Info]) -> Sequence[Info]:
    """The same alert in several languages is one alert."""
    return [info for info in infos if info.language.lower().startswith("fr")] or infos


def _matters(info: Info, now_ms: int) -> bool:
    """Boards are for what endangers now or soon; and only with an end, which CAP leaves free."""
    soon = info.urgency in ("Immediate", "Expected") and info.certainty in ("Observed", "Likely")
    clear = "AllClear" in info.responses
    ends = info.expires_ms is not None and now_ms < info.expires_ms
    return ends and (clear or (soon and info.severity in _WEIGHTY))


def _proposal(alert: Alert, info: Info, board: Asset, now_ms: int) -> Proposal:
    left = max(1, min(ALERT_MINUTES_MAX, ((info.expires_ms or now_ms) - now_ms) // MINUTE_MS))
    what = f"{alert.sender} : {info.headline or info.event}"[:200]
    if alert.status in ("Exercise", "Test"):
        why = Label(f"Exercice de {what}", f"Exercise of {what}")
        params: dict[str, int | str] = {"template": EXERCISE, "minutes": left}
        return Proposal(board.id, "show", params, why, of=alert.ref)
    template = _template(info)
    known: dict[str, int | str] = {"minutes": left, **({"template": template} if template else {})}
    fields = TEMPLATES[template].fields if template else ("template",)
    return Proposal(board.id, "alert", known, Label(what, what), tuple(fields), alert.ref)


def _template(info: Info) -> str:
    """The first template whose words are in the event's name; "" leaves the choice to a person."""
    if "AllClear" in info.responses:
        return "fin_alerte"
    for name, words in AS_CAP.items():
        if words.pattern and re.search(rf"\b({words.pattern})", info.event, re.IGNORECASE):
            return name
    return ""


def covers(info: Info, lat: float, lon: float) -> bool | None:
    """Is this place inside the area? None when that cannot be told (a code, or nothing drawn)."""
    if any(_inside(area, lat, lon) for area in info.areas):
        return True
    return False if info.areas and all(area.drawn for area in info.areas) else None


def _inside(area: Area, lat: float, lon: float) -> bool:
    return any(_in_polygon(one, lat, lon) for one in area.polygons) or any(
        _km((lat, lon), centre) <= radius for centre, radius in area.circles
    )


def _in_polygon(ring: Sequence[Point], lat: float, lon: float) -> bool:
    """Even-odd rule in degrees: areas of alerts do not span the poles."""
    inside = False
    for (lat_a, lon_a), (lat_b, lon_b) in pairwise(ring):
        if (lat_a > lat) != (lat_b > lat):
            at = lon_a + (lat - lat_a) / (lat_b - lat_a) * (lon_b - lon_a)
            inside ^= lon < at
    return inside


def _km(a: Point, b: Point) -> float:
    """Great circle, haversine."""
    lat_a, lat_b = radians(a[0]), radians(b[0])
    half = sin((lat_b - lat_a) / 2) ** 2
    half += cos(lat_a) * cos(lat_b) * sin(radians(b[1] - a[1]) / 2) ** 2
    return 2 * EARTH_KM * asin(min(1.0, sqrt(half)))
