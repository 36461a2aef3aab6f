"""What is measured of junctions, message boards and people counters over a period."""

from __future__ import annotations

import numpy as np

from beffroi.domains.measuring import heard, held_ms
from beffroi.model.asset import Label
from beffroi.model.measure import (
    HOUR_MS,
    NO_ASSETS,
    NO_DATA,
    Entry,
    Measured,
    Reader,
    missing,
    share,
    unproven,
)

JUNCTION, BOARD, COUNTER = "junction", "board", "counter"
FLASHING = 2.0  # and fault: 3
HOLE_MS = HOUR_MS // 2  # a state of a junction is worth half an hour
K_MIN = 10  # fewer people than this are never told
REACHED = Entry(
    Label(
        "habitants dans le rayon des panneaux et sirènes", "inhabitants within reach of warnings"
    ),
    "hab.",
    5e7,
)
TOO_FEW = Label("moins de 10 passages", "fewer than 10 people")
NOTHING_SHOWN = Label(
    "aucun affichage relu sur la période", "nothing shown was read back in the period"
)


def protected(reader: Reader) -> Measured:
    """T1. Signed orders are known from the commune's envelopes; the catalogue from the books."""
    junctions = reader.assets(JUNCTION)
    if not junctions:
        return unproven(NO_ASSETS)
    safe = sum(reader.signed(one.id) and bool(one.attrs.get("proof")) for one in junctions)
    return Measured(100 * safe / len(junctions), 1.0, len(junctions))


def longest_wait(reader: Reader) -> Measured:
    """T2."""
    junctions, longest, spoke = len(reader.assets(JUNCTION)), -1.0, set[str]()
    for track in reader.tracks(JUNCTION, "wait_s"):
        longest = max(longest, float(track.high.max(initial=-1.0)))
        spoke.add(track.asset)
    if not junctions:
        return unproven(NO_ASSETS)
    if longest < 0:
        return unproven(NO_DATA)
    return Measured(longest, len(spoke) / junctions, len(spoke))


def fault_hours(reader: Reader) -> Measured:
    """T3. The share of the known time in fault, over a year."""
    junctions = reader.assets(JUNCTION)
    if not junctions:
        return unproven(NO_ASSETS)
    known_ms = fault_ms = 0
    for one in junctions:
        for line in reader.lines(one.id, "state"):
            held = held_ms(line, reader.span.end_ms, HOLE_MS)
            known_ms += int(held.sum())
            fault_ms += int(held[line.value >= FLASHING].sum())
    if not known_ms:
        return unproven(NO_DATA)
    whole = len(junctions) * (reader.span.end_ms - reader.span.start_ms)
    year_h = 365 * 24
    known = min(known_ms / whole, 1.0)
    return Measured(year_h * fault_ms / known_ms, known, known_ms // HOUR_MS)


def from_templates(reader: Reader) -> Measured:
    """D1. What the boards were read to show, against what was ordered (templates only)."""
    boards = reader.assets(BOARD)
    if not boards:
        return unproven(NO_ASSETS)
    shown = ordered = 0
    known = len(heard(reader, BOARD, "shown_text")) / len(boards)
    for board in boards:
        wanted = {v for line in reader.lines(board.id, "ordered_text") for v in line.value.tolist()}
        for line in reader.lines(board.id, "shown_text"):
            new = np.append(True, line.value[1:] != line.value[:-1]) & (line.value > 0)
            displays = line.value[new].tolist()
            shown += len(displays)
            ordered += sum(text in wanted for text in displays)
    return share(ordered, shown, known, shown) if shown else unproven(NOTHING_SHOWN, known)


def reached(reader: Reader) -> Measured:
    """D2. A declared figure: where people live is not known here."""
    told = reader.given("covered_inhabitants")
    if not reader.assets(BOARD):
        return unproven(NO_ASSETS)
    if told is None or not reader.inhabitants:
        return missing(REACHED)
    value = min(100 * told / reader.inhabitants, 100.0)
    return Measured(value, 1.0, int(told), declared=True)


def footfall(reader: Reader) -> Measured:
    """F1. Nothing under K_MIN people."""
    counters = reader.assets(COUNTER)
    if not counters:
        return unproven(NO_ASSETS)
    people, hours = 0.0, 0
    for track in reader.tracks(COUNTER, "count_1h"):
        mean = track.total / np.maximum(track.n, 1)
        people += float(mean.sum())
        hours += len(mean)
    known = min(hours / (len(counters) * reader.span.hours), 1.0)
    if not hours:
        return unproven(NO_DATA)
    return Measured(people / hours, known, hours) if people >= K_MIN else unproven(TOO_FEW, known)


SIGNALS = {"T1": protected, "T2": longest_wait, "T3": fault_hours}
BOARDS = {"D1": from_templates, "D2": reached}
BOARD_ENTRIES = {"covered_inhabitants": REACHED}
FLOWS = {"F1": footfall}
