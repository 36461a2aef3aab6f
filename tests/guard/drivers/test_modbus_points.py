"""What a register means: bounds, exactness, and the fewest requests that hit no hole."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.guard.driver import DriverError
from beffroi.guard.drivers.modbus_points import Point, read_point, spans
from beffroi.guard.drivers.wiring import Fields, WiringError

TEN_MBAR = Point("holding", 0, "u16", 0, 8_000, multiply=10)


def test_a_register_unit_has_a_worth() -> None:
    assert TEN_MBAR.cells(3_200) == [320]
    assert TEN_MBAR.shown([320]) == 3_200


def test_a_value_between_two_register_units_is_refused_not_rounded() -> None:
    with pytest.raises(DriverError, match="not a whole number"):
        TEN_MBAR.cells(3_205)


@pytest.mark.parametrize("value", [-10, 8_010, 10**9, True, "3200"])
def test_a_write_outside_the_wiring_never_leaves(value: Any) -> None:
    with pytest.raises(DriverError):
        TEN_MBAR.cells(value)


def test_a_reading_that_cannot_be_is_no_fact() -> None:
    assert TEN_MBAR.shown([0xFFFF]) is None
    nan = struct.unpack(">2H", struct.pack(">f", float("nan")))
    assert Point("input", 0, "f32", 0, 100).shown(nan) is None


def test_words_stand_for_coded_numbers() -> None:
    mode = Point("holding", 0, "u16", 0, 2, words={"auto": 0, "off": 2})
    assert mode.cells("off") == [2]
    assert mode.shown([0]) == "auto"
    assert mode.shown([1]) is None
    with pytest.raises(DriverError):
        mode.cells(2)
    with pytest.raises(DriverError):
        mode.cells("boost")


def test_one_bit_of_a_status_word() -> None:
    point = Point("input", 0, "bit", 0, 1, bit=3)
    assert (point.shown([0b1000]), point.shown([0b0111])) == (1, 0)


@st.composite
def points(draw: st.DrawFn) -> Point:
    encoding = draw(st.sampled_from(["u16", "s16", "u32", "s32", "f32"]))
    return Point(
        "holding",
        draw(st.integers(0, 60_000)),
        encoding,
        -(10**7),
        10**7,
        multiply=draw(st.sampled_from([1, 2, 10, 1_000])),
        divide=draw(st.sampled_from([1, 2, 10])),
        swapped=draw(st.booleans()),
    )


@given(points(), st.integers(-(10**8), 10**8))
def test_what_is_written_reads_back_the_same_or_is_refused(point: Point, value: int) -> None:
    try:
        cells = point.cells(value)
    except DriverError:
        return
    assert len(cells) == point.width
    assert all(0 <= cell <= 0xFFFF for cell in cells)
    assert point.shown(cells) == value
    assert point.low <= value <= point.high


@given(points(), st.lists(st.integers(0, 0xFFFF), min_size=2, max_size=2))
def test_no_reading_is_outside_its_bounds(point: Point, cells: list[int]) -> None:
    shown = point.shown(cells[: point.width])
    assert shown is None or point.low <= int(shown) <= point.high


@given(st.lists(points(), max_size=30))
def test_spans_read_every_point_once_and_no_hole(some: list[Point]) -> None:
    wanted = {p.address + at for p in some for at in range(p.width)}
    found = [s.address + at for s in spans(some) for at in range(s.count)]
    assert set(found) == wanted
    assert all(s.count <= 120 for s in spans(some))


@pytest.mark.parametrize(
    "given",
    [
        {"table": "holding", "address": 0},  # a write without bounds
        {"table": "input", "address": 0, "min": 0, "max": 1},  # not writable
        {"table": "holding", "address": 65_536, "min": 0, "max": 1},
        {"table": "holding", "address": 65_535, "encoding": "u32", "min": 0, "max": 1},
        {"table": "holding", "address": 0, "min": 2, "max": 1},
        {"table": "holding", "address": 0, "encoding": "bit", "bit": 1},
        {"table": "coil", "address": 0, "encoding": "u16"},
        {"table": "holding", "address": 0, "min": 0, "max": 1, "multiply": 0},
        {"table": "holding", "address": 0, "min": 0, "max": True},
    ],
)
def test_a_write_that_is_wired_wrong_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(WiringError):
        read_point(Fields("here", given), writes=True)
