"""Real frames of two makers, and what a municipal order means on the clock."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.domains.base import DecodeError
from beffroi.domains.parking import DOMAIN
from beffroi.domains.parking.order import OrderError, read_order

PARIS = ZoneInfo("Europe/Paris")
ORDER: dict[str, Any] = {
    "reference": "2026-12",
    "max_stay_min": 20,
    "hours": [
        {"days": [1, 2, 3, 4, 5, 6], "from": "08:00", "to": "12:00"},
        {"days": [1, 2, 3, 4, 5, 6], "from": "14:00", "to": "19:00"},
    ],
}


@pytest.mark.data
def test_real_frames_say_what_their_makers_say(data_dir: Path) -> None:
    frames = json.loads((data_dir / "lorawan" / "samples.json").read_text())
    assert len(frames) == 7
    model = ""
    for frame in frames:
        if frame["source"] != "same":
            model = "nwave-nps405" if "nwave" in frame["source"] else "bosch-tps110"
        values = dict(DOMAIN.decode(model, frame["decoded"]))
        assert values.pop("occupied_device") == float(frame["decoded"]["occupied"])
        said = frame["decoded"]
        for theirs, ours in (("temperature", "temperature_C"), ("battery_voltage", "battery_V")):
            if theirs in said:
                assert values.pop(ours) == said[theirs]
        assert values == {}, "nothing else, and above all no tag of a driver, is kept"


def test_a_strange_frame_is_refused_in_words() -> None:
    for model, raw in (
        ("bosch-tps110", {"type": "dance", "occupied": True}),
        ("bosch-tps110", {"type": "heartbeat", "occupied": "yes"}),
        ("acme", {"type": "heartbeat"}),
    ):
        with pytest.raises(DecodeError, match=r"acme|dance|yes"):
            DOMAIN.decode(model, raw)
    assert DOMAIN.decode("nwave-nps405", {"type": "debug", "bytes": [1]}) == {}


def ms(*when: int) -> int:
    return int(datetime(*when, tzinfo=PARIS).timestamp() * 1000)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("arrival", "deadline"),
    [
        ((2026, 11, 24, 9, 0), (2026, 11, 24, 9, 20)),  # a Tuesday
        ((2026, 11, 24, 11, 50), (2026, 11, 24, 14, 10)),  # the noon break does not count
        ((2026, 11, 24, 6, 0), (2026, 11, 24, 8, 20)),  # nor the night
        ((2026, 11, 28, 18, 55), (2026, 11, 30, 8, 15)),  # nor Sunday
        ((2026, 3, 28, 18, 50), (2026, 3, 30, 8, 10)),  # nor the night without its hour
    ],
)
def test_only_time_within_the_hours_of_the_order_counts(
    arrival: tuple[int, ...], deadline: tuple[int, ...]
) -> None:
    order = read_order({"order": ORDER})
    assert order is not None
    assert order.deadline_ms(ms(*arrival)) == ms(*deadline)


def test_overlapping_windows_count_once() -> None:
    twice = {**ORDER, "hours": [{"from": "08:00", "to": "12:00"}, {"from": "08:00", "to": "09:00"}]}
    order = read_order({"order": {**twice, "max_stay_min": 90}})
    assert order is not None
    assert order.deadline_ms(ms(2026, 11, 24, 8, 0)) == ms(2026, 11, 24, 9, 30)


@pytest.mark.parametrize(
    "bad",
    [
        {"max_stay_min": 20},  # no reference: no order
        {"reference": " ", "max_stay_min": 20},
        {"reference": "r"},
        {"reference": "r", "max_stay_min": True},
        {"reference": "r", "max_stay_min": 0},
        {"reference": "r", "max_stay_min": float("nan")},
        {"reference": "r", "max_stay_min": 20, "hours": [{"from": "19:00", "to": "08:00"}]},
        {"reference": "r", "max_stay_min": 20, "hours": [{"days": [8], "from": "1", "to": "2"}]},
        {"reference": "r", "max_stay_min": 20, "hours": 5},
        "twenty minutes",
    ],
)
def test_an_unreadable_order_is_an_error_and_for_the_watch_no_limit(bad: object) -> None:
    with pytest.raises((OrderError, TypeError)):
        read_order({"order": bad})


@given(st.integers(1_600_000_000, 1_900_000_000), st.integers(1, 600))
def test_a_deadline_is_never_early_and_comes_within_the_week(arrival_s: int, stay: int) -> None:
    order = read_order({"order": {**ORDER, "max_stay_min": stay}})
    assert order is not None
    deadline = order.deadline_ms(arrival_s * 1000)
    assert deadline is not None
    assert stay * 60_000 <= deadline - arrival_s * 1000 <= 8 * 86_400_000
