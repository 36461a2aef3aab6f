"""Sun and schedule: dates, places and clocks that usually break such code."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beffroi.domains.night import night_of, schedule

HOUR = 3_600_000
PARIS = {"timezone": "Europe/Paris"}


def ms(text: str, zone: str = "Europe/Paris") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def lit(
    at: str, attrs: dict[str, Any] | None = None, lon: float = 2.35, lat: float = 48.86
) -> float:
    when = ms(at)
    return night_of(when, schedule(attrs or {}, lon, lat)).due(when).pct


def test_paris_at_the_solstice_as_almanacs_say() -> None:
    """Sunset 21:58 and sunrise 05:47 on 21 and 22 June 2026 (to three minutes)."""
    assert lit("2026-06-21T21:54") == 0
    assert lit("2026-06-21T22:01") == 100
    assert lit("2026-06-22T05:43") == 100
    assert lit("2026-06-22T05:51") == 0


def test_offsets_and_windows() -> None:
    attrs = {
        "sunset_offset_min": 15,
        "sunrise_offset_min": -15,
        "dim": [{"from": "21:30", "to": "06:00", "pct": 50}],
        "off": [{"from": "23:00", "to": "05:00", "order": "2024-12"}],
    }
    at = {h: lit(f"2026-01-{day:02d}T{h}", attrs) for day, h in (
        (10, "17:20"), (10, "17:35"), (10, "21:29"), (10, "21:31"), (10, "23:01"),
        (11, "04:59"), (11, "05:01"), (11, "06:01"), (11, "08:20"), (11, "08:35"),
    )}  # fmt: skip
    assert list(at.values()) == [0, 100, 100, 50, 0, 0, 50, 100, 100, 0]


@pytest.mark.parametrize("day", ["2026-03-28", "2026-10-24"])
def test_the_night_when_the_clock_changes_keeps_wall_times(day: str) -> None:
    attrs = {"off": [{"from": "01:00", "to": "05:00"}]}
    night = night_of(ms(f"{day}T22:00"), schedule(attrs, 2.35, 48.86))
    off = [i for i, why in enumerate(night.whys) if why == "off"]
    assert len(off) == 1
    wall = [
        datetime.fromtimestamp(night.starts[i] / 1000, ZoneInfo("Europe/Paris")).strftime("%H:%M")
        for i in (off[0], off[0] + 1)
    ]
    assert wall == ["01:00", "05:00"]
    hours = (night.starts[off[0] + 1] - night.starts[off[0]]) / HOUR
    assert hours == (3 if "03" in day[5:7] else 5)


def test_a_leap_day_has_a_night() -> None:
    assert lit("2028-02-29T23:00") == 100
    assert lit("2028-02-29T13:00") == 0


def test_polar_day_and_night() -> None:
    oslo = {"timezone": "Europe/Oslo"}
    assert lit("2026-06-21T23:59", oslo, 18.9, 69.6) == 0
    assert lit("2026-12-21T13:00", oslo, 18.9, 69.6) == 100


def test_overseas_and_a_zone_that_does_not_fit_the_place() -> None:
    tahiti = {"timezone": "Pacific/Tahiti"}
    noon = ms("2026-06-21T12:00", "Pacific/Tahiti")
    night = night_of(noon + 12 * HOUR, schedule(tahiti, -149.5, -17.5))
    assert night.due(noon + 12 * HOUR).pct == 100
    assert night.due(noon + 60_000).pct == 0
    wrong = night_of(noon, schedule(PARIS, -149.5, -17.5))
    assert wrong.due(noon).pct == 0, "the sun decides, not the clock"


@pytest.mark.parametrize(
    "attrs",
    [
        {"dim": "22:00"},
        {"dim": [None, 3, {"from": "25:00", "to": "05:00"}, {"from": 22, "to": "05:00"}]},
        {"off": [{"from": "23:00", "to": "23:00"}], "sunset_offset_min": "late"},
        {"timezone": "../../etc/passwd"},
        {"timezone": 3, "sunset_offset_min": float("nan"), "dim": [{"from": "1", "to": "2"}]},
    ],
)
def test_a_schedule_that_cannot_be_read_is_left_out(attrs: dict[str, Any]) -> None:
    assert lit("2026-01-10T23:30", attrs) == 100
    assert lit("2026-01-10T13:00", attrs) == 0


@settings(max_examples=120, deadline=None)
@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.floats(-180, 180),
    st.floats(-90, 90),
    st.sampled_from(["Europe/Paris", "America/Cayenne", "Pacific/Noumea", "Indian/Reunion"]),
    st.lists(
        st.fixed_dictionaries(
            {
                "from": st.times().map(lambda t: t.strftime("%H:%M")),
                "to": st.times().map(lambda t: t.strftime("%H:%M")),
                "pct": st.floats(0, 100),
            }
        ),
        max_size=3,
    ),
)
def test_any_place_and_instant_has_a_night_that_holds_it(
    at: datetime, lon: float, lat: float, zone: str, dim: list[dict[str, Any]]
) -> None:
    when = int(at.timestamp() * 1000)
    night = night_of(when, schedule({"timezone": zone, "dim": dim}, lon, lat))
    assert night.start_ms <= when < night.end_ms
    assert night.starts[0] == night.start_ms
    assert list(night.starts) == sorted(set(night.starts))
    assert len(night.starts) == len(night.pcts) == len(night.whys)
    due = night.due(when)
    assert due.since_ms <= when < due.until_ms
    assert (due.pct > 0) == (due.why == "night")
    spans = night.spans(night.start_ms, night.end_ms)
    assert sum(ms for ms, _, _ in spans) == night.end_ms - night.start_ms
