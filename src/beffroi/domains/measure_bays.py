"""What is measured of short-stay bays over a period. Sums only: no vehicle, no stay of anybody."""

from __future__ import annotations

import numpy as np

from beffroi.domains.bay import BLINK_MS, HEARD_MS, OVERSTAY, UNKNOWN
from beffroi.domains.measuring import Floats, heard, held_ms, rises, together
from beffroi.model.asset import Label
from beffroi.model.measure import (
    DAY_MS,
    NO_ASSETS,
    NO_DATA,
    Entry,
    Measured,
    Reader,
    share,
    unproven,
)

KIND = "bay"
TAKEN = 0.5
PUBLIC_BAYS = Entry(Label("places publiques de la commune", "public bays of the municipality"))
NO_PAIR = Label(
    "aucune place n’a deux technologies qui parlent", "no bay has two technologies that speak"
)


def live_bays(reader: Reader) -> Measured:
    """P1. Of the public bays that were entered, else of the bays in the books. A bay that says that
    nobody knows is not live."""
    bays, entered = len(reader.assets(KIND)), reader.given("public_bays")
    if not bays:
        return unproven(NO_ASSETS)
    whole = max(float(bays), entered or 0.0)
    live = len(heard(reader, KIND, "occupied"))
    if not live:
        return unproven(NO_DATA)
    return Measured(100 * live / whole, 1.0, bays, declared=entered is not None)


def rotation(reader: Reader) -> Measured:
    """P2."""
    arrivals, _, days, known = _stays(reader)
    if days <= 0:
        return unproven(NO_DATA, known)
    spread = 1.96 * float(np.sqrt(arrivals)) / days
    return Measured(arrivals / days, known, arrivals, spread=spread)


def overstays(reader: Reader) -> Measured:
    """P3."""
    arrivals, over, _, known = _stays(reader)
    return share(min(over, arrivals), arrivals, known, arrivals)


def agreement(reader: Reader) -> Measured:
    """P4. Minutes in which both the magnetometer and the radar say something."""
    bays, same, both, pairs = reader.assets(KIND), 0, 0, 0
    for bay in bays:
        one = reader.lines(bay.id, "occupied_mag")
        two = reader.lines(bay.id, "occupied_radar")
        if not one or not two:
            continue
        pairs += 1
        agreed, met = together(one[0], two[0], TAKEN, reader.span.end_ms, HEARD_MS)
        same, both = same + agreed, both + met
    if not pairs:
        return unproven(NO_PAIR)
    known = both / (len(bays) * (reader.span.end_ms - reader.span.start_ms))
    if not both:
        return unproven(NO_DATA, known)
    return Measured(100 * same / both, min(known, 1.0), both // 60_000)


def _stays(reader: Reader) -> tuple[int, int, float, float]:
    """(arrivals, of them too long, bay-days known, share of all bay-days)."""
    arrivals, over, known_ms, bays = 0, 0, 0, reader.assets(KIND)
    for bay in bays:
        for line in reader.lines(bay.id, "occupied"):
            arrivals += rises(line, TAKEN, BLINK_MS)
        for line in reader.lines(bay.id, "state"):
            known = line.value != UNKNOWN
            known_ms += int(held_ms(line, reader.span.end_ms, HEARD_MS)[known].sum())
            over += _begun(line.value[known])
    whole = len(bays) * (reader.span.end_ms - reader.span.start_ms)
    return arrivals, over, known_ms / DAY_MS, min(known_ms / whole, 1.0) if whole else 0.0


def _begun(states: Floats) -> int:
    """Overstays; one that goes on after a silence is the same one."""
    return int(np.count_nonzero((states[1:] == OVERSTAY) & (states[:-1] != OVERSTAY)))


MEASURES = {"P1": live_bays, "P2": rotation, "P3": overstays, "P4": agreement}
ENTRIES = {"public_bays": PUBLIC_BAYS}
