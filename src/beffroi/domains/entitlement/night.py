"""One night of a paying zone: its bays as they were seen, its titles as they were sold.

Where nobody knows whether a vehicle stood, one may have stood: that is in the high figure alone.
Knows no vehicle, no driver, no store; a night without data is not proven, never 0.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

from beffroi.domains.attrs import number_or, text
from beffroi.domains.bay import FREE, HEARD_MS, UNKNOWN
from beffroi.domains.entitlement.reconcile import LIKELY_P, Span, balance
from beffroi.domains.entitlement.token import MINUTES_MAX
from beffroi.domains.entitlement.verify import Refused, Verifier
from beffroi.domains.entitlement.watch import UNUSUAL, EntitlementWatch
from beffroi.domains.local_time import DEFAULT_ZONE, zone
from beffroi.domains.nightly import SETTINGS, SIGHT, TITLES, Night, Nightly, Sight, Sold, Wanted
from beffroi.domains.timetable import TimetableError, Window, spans, windows
from beffroi.kernel import keys
from beffroi.model.asset import Asset
from beffroi.model.finding import Finding
from beffroi.model.measure import DAY_MS
from beffroi.model.reading import Obs

KNOWN_SHARE_MIN = 0.9  # L: of the bays and paying hours; below it a night is not proven


class NightError(ValueError):
    """The zone's `balance` cannot be read; the text says what is expected."""


class Paying(NamedTuple):
    """`asset.attrs["balance"]`, read."""

    bays: tuple[str, ...]
    hours: tuple[Window, ...]
    free_min: int
    zone: str


def read_paying(attrs: Mapping[str, Any]) -> Paying | None:
    """None when the zone has none: it is not balanced here.

    Shape: {"bays": [asset ids], "hours": [{"days": [1..7], "from": "09:00", "to": "19:00"}, ...]
    (optional: always), "free_min": minutes (optional), "timezone": IANA name (optional)}.
    """
    raw = attrs.get("balance")
    if not raw:
        return None
    bays = raw.get("bays") if isinstance(raw, Mapping) else None
    if not isinstance(bays, list) or not bays or not all(isinstance(one, str) for one in bays):
        raise NightError('balance must name its bays: {"bays": [ids], "hours": [...]}')
    free_min = number_or(raw, "free_min", 0.0)
    if not 0 <= free_min <= MINUTES_MAX:
        raise NightError(f"free_min must be within 0 to {MINUTES_MAX}")
    try:
        hours = windows(raw.get("hours") or ())
    except TimetableError as error:
        raise NightError(str(error)) from error
    place = text(raw, "timezone", DEFAULT_ZONE)
    return Paying(tuple(dict.fromkeys(bays)), hours, int(free_min), place)


def wanted(asset: Asset, day: date) -> Wanted | None:
    """See `domains.nightly.Nightly`. A day without paying hours is nobody's."""
    try:
        paying = read_paying(asset.attrs)
    except NightError:
        return Wanted(*_day(day, DEFAULT_ZONE), why=SETTINGS)
    if paying is None or not spans(paying.hours, zone(paying.zone), day):
        return None
    return Wanted(*_day(day, paying.zone), paying.bays)


def _day(day: date, place: str) -> tuple[int, int]:
    first, last = (
        datetime.combine(one, time(0), zone(place)).timestamp() for one in (day, day + _ONE)
    )
    return round(first * 1000), round(last * 1000)


_ONE = timedelta(days=1)


def night(
    asset: Asset, day: date, commune: str, sights: Mapping[str, Sight], sold: Sold | None
) -> Night:
    """Minutes are vehicle minutes within the paying hours; low figures are rounded down and high
    ones up, so that the truth stays between."""
    try:
        paying = read_paying(asset.attrs)
    except NightError:
        paying = None
    if paying is None:
        return Night({}, SETTINGS)
    open_ms = spans(paying.hours, zone(paying.zone), day)
    stays, known_ms = [], 0
    for bay in paying.bays:
        for piece in _pieces(sights.get(bay, Sight()), open_ms[0][0] - DAY_MS, open_ms[-1][1]):
            known_ms += _within(piece, open_ms) if piece.stands is not None else 0
            if piece.stands is not False:
                stays.append(_stay(piece, sights.get(bay, Sight())))
    whole_ms = len(paying.bays) * sum(end - start for start, end in open_ms)
    known = {"known_pct": 100 * known_ms // whole_ms}
    if known_ms < KNOWN_SHARE_MIN * whole_ms:
        return Night(known, SIGHT)
    if sold is None or not sold.publics:
        return Night(known, TITLES)
    paid, odd = _paid(sold, commune, {asset.id, *paying.bays})
    hours = [Span(start // 1000, end // 1000) for start, end in open_ms]
    found = balance(paid, stays, hours, paying.free_min)
    low_pct = found.unpaid_low_pct
    facts = known | {
        "occupied_low_min": math.floor(found.occupied_low_min),
        "occupied_high_min": math.ceil(found.occupied_high_min),
        "paid_min": round(found.paid_min),
        "unpaid_low_min": math.floor(found.unpaid_low_min),
        "unpaid_high_min": math.ceil(found.unpaid_high_min),
        "unpaid_low_permille": math.floor(10 * low_pct),
        "unpaid_high_permille": math.ceil(10 * found.unpaid_high_pct),
        "titles": len(paid),
        "not_ours": odd,
    }
    return Night(facts, "", low_pct)


def _paid(sold: Sold, commune: str, places: set[str]) -> tuple[list[Span], int]:
    """The titles for these places, each once; how many words are none of ours."""
    publics = {keys.key_id(keys.ED25519, one): one for one in sold.publics}
    verifier, found, odd = Verifier(commune, publics), dict[bytes, Span](), 0
    for word in sold.words:
        token = verifier.read(word)
        if isinstance(token, Refused):
            odd += 1
        elif token.place in places:
            found[token.nonce] = Span(token.from_s, token.until_s)
    return list(found.values()), odd


class _Piece(NamedTuple):
    """UTC ms. `stands` None: nobody knows."""

    start: int
    end: int
    stands: bool | None


def _pieces(sight: Sight, start: int, end: int) -> Iterator[_Piece]:
    """The whole span in order, without holes; neighbours differ."""
    told_ms = [at for at, _ in sight.state]
    cuts = {start, end, *told_ms, *sight.heard_ms, *(at + HEARD_MS for at in sight.heard_ms)}
    last: _Piece | None = None
    for at, to in pairwise(sorted(cut for cut in cuts if start <= cut <= end)):
        stands = _stands(sight, told_ms, at)
        if last is not None and last.stands == stands:
            last = last._replace(end=to)
            continue
        if last is not None:
            yield last
        last = _Piece(at, to, stands)
    if last is not None:
        yield last


def _stands(sight: Sight, told_ms: Sequence[int], at: int) -> bool | None:
    """Whether a vehicle stood from this cut on."""
    told, heard = bisect_right(told_ms, at), bisect_right(sight.heard_ms, at)
    if not told or not heard or at >= sight.heard_ms[heard - 1] + HEARD_MS:
        return None
    state = sight.state[told - 1][1]
    return None if state == UNKNOWN else state != FREE


def _stay(piece: _Piece, sight: Sight) -> Span:
    start_s, end_s = piece.start // 1000, piece.end // 1000
    return Span(start_s, end_s, _sure(piece, sight.confidence) if piece.stands else LIKELY_P)


def _sure(piece: _Piece, confidence: Sequence[tuple[int, float]]) -> float:
    """The mean over the stay; before the first word of it, as doubtful as may be."""
    ends = [*(at for at, _ in confidence[1:]), piece.end]
    total, held = 0.0, 0
    for (at, p), until in zip(confidence, ends, strict=False):
        part = max(0, min(until, piece.end) - max(at, piece.start))
        total, held = total + p * part, held + part
    whole = piece.end - piece.start
    return (total + LIKELY_P * (whole - held)) / whole


def _within(piece: _Piece, open_ms: Sequence[tuple[int, int]]) -> int:
    return sum(max(0, min(piece.end, end) - max(piece.start, start)) for start, end in open_ms)


def unusual(asset: Asset, shares: Sequence[tuple[int, float]]) -> Sequence[Finding]:
    """The same judge as for totals that a device sends."""
    watch, found = EntitlementWatch(asset), list[Finding]()
    for at_ms, low_pct in shares:
        told = watch.step([Obs("unpaid_low_pct", "", at_ms, low_pct)]).findings
        found = [one for one in told if one.rule == UNUSUAL]
    return found


NIGHTLY = Nightly(wanted, night, unusual)
