"""The parts of the API that only decide: thinning, posture, groups, borders, CSV, letters."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from beffroi.api import condition, inventory, posture, problems, series, town
from beffroi.api.border import body_bytes_max, same_origin
from beffroi.api.catalogue import marks
from beffroi.domains.registry import domains
from beffroi.hub.live import Value
from beffroi.model.asset import Device
from beffroi.model.cells import FORMULA
from beffroi.model.limits import MESSAGE_BYTES_MAX, UPLOAD_BYTES_MAX
from beffroi.model.measure import DAY_MS
from beffroi.ports.log_store import LogError
from beffroi.ports.store import Hour
from beffroi.ui.i18n import ago, moment, number
from beffroi.ui.pages.entry import safe_next
from beffroi.ui.tones import ink_on

NOW = 1_790_000_000_000
finite = st.floats(-1e9, 1e9)


@given(st.lists(finite, min_size=1, max_size=400), st.integers(10, 60))
def test_thinning_never_loses_an_extreme(values: list[float], most: int) -> None:
    array = np.array(values)
    kept = series.thinned(array, most)
    assert len(kept) <= max(most, 2)
    assert list(kept) == sorted(set(kept.tolist()))
    assert array[kept].min() == array.min()
    assert array[kept].max() == array.max()
    assert (kept[0], kept[-1]) == (0, len(values) - 1)


@given(st.lists(st.tuples(st.integers(1, 9), finite), min_size=1, max_size=50))
def test_joined_hours_keep_count_total_and_extremes(rows: list[tuple[int, float]]) -> None:
    hours = [Hour(1, i * 3_600_000, n, n * v, v - 1, v + 1) for i, (n, v) in enumerate(rows)]
    drawn = series._hours(hours)
    assert sum(drawn["n"]) == sum(n for n, _ in rows)
    assert min(drawn["low"]) == min(h.low for h in hours)
    assert max(drawn["high"]) == max(h.high for h in hours)


@pytest.mark.parametrize(
    ("severity", "age_s", "expected"),
    [(2, 1, "grave"), (1, 1, "warning"), (-1, 1, "ok"), (-1, 61, "stale"), (-1, None, "unknown")],
)
def test_condition(severity: int, age_s: int | None, expected: str) -> None:
    value = None if age_s is None else Value(NOW - age_s * 1000, 1.0, 0)
    assert condition.of(severity, value, 60, NOW) == expected


def test_posture_rewards_what_is_known_and_good() -> None:
    bare = Device("a", "x", status="pending")
    best = replace(
        bare,
        status="enrolled",
        cert_serial="1f",
        cert_not_after_ms=NOW + 100 * DAY_MS,
        last_seen_ms=NOW - 1000,
        firmware="2",
        firmware_newest="2",
        support_end="2099-01-01",
        default_secret=False,
    )
    assert posture.judge(best, NOW).score == 100
    assert posture.judge(bare, NOW).level == "poor"
    for change, code in [
        ({"default_secret": True}, "left"),
        ({"cert_not_after_ms": NOW - 1}, "expired"),
        ({"cert_not_after_ms": NOW + DAY_MS}, "soon"),
        ({"support_end": "2020-01-01"}, "unsupported"),
        ({"firmware": "1"}, "outdated"),
        ({"last_seen_ms": NOW - 3 * DAY_MS}, "silent"),
        ({"status": "revoked"}, "revoked"),
    ]:
        worse = posture.judge(replace(best, **change), NOW)
        assert worse.score < 100
        assert (worse.level == "good") is (0 not in {point.earned for point in worse.points})
        assert code in {point.code for point in worse.points}


@given(st.lists(st.text(max_size=20), min_size=1, max_size=5))
def test_csv_reads_back_and_runs_no_formula(cells: list[str]) -> None:
    line = inventory.csv_line(cells)
    (row,) = csv.reader(io.StringIO(line, newline=""), delimiter=";")
    assert [cell.removeprefix("'") for cell in row] == [c.removeprefix("'") for c in cells]
    assert not any(cell.lstrip(" ").startswith(FORMULA) for cell in row)


def test_a_longitude_west_of_greenwich_is_a_number_in_a_table() -> None:
    assert inventory.csv_line([-1.55, " =1+1", "|cmd"]) == '"-1.55";"\' =1+1";"\'|cmd"\r\n'


@given(st.lists(st.tuples(st.floats(2, 3), st.floats(48, 49)), min_size=1, max_size=300))
def test_groups_count_every_asset_once(places: list[tuple[float, float]]) -> None:
    n = len(places)
    index = town.Index(
        ids=[str(i) for i in range(n)],
        domains=["a" if i % 3 else "b" for i in range(n)],
        lon=np.array([lon for lon, _ in places]),
        lat=np.array([lat for _, lat in places]),
    )
    found = town.groups(index, np.arange(n), {"0": 2})
    assert sum(group.n for group in found) == n
    assert sum(group.grave for group in found) == 1
    assert all(2 <= group.lon <= 3 and 48 <= group.lat <= 49 for group in found)


def test_a_box_is_inclusive_and_domains_filter() -> None:
    index = town.Index(
        ids=["1", "2"], domains=["a", "b"], lon=np.array([2.0, 3.0]), lat=np.array([48.0, 49.0])
    )
    assert index.inside(town.Box(2, 48, 2.5, 48.5), []).tolist() == [0]
    assert index.inside(None, ["b"]).tolist() == [1]
    assert index.bounds() == (2.0, 48.0, 3.0, 49.0)


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_letters_differ(lang: str) -> None:
    labels = {name: getattr(domain.label, lang) for name, domain in domains().items()}
    letters = marks(labels)
    assert len(set(letters.values())) == len(labels)
    assert marks({"x": "Eau", "y": "Éclairage"}) == {"x": "Ea", "y": "Éc"}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"origin": "https://b.example:8080"}, True),
        ({"origin": "http://evil.example"}, False),
        ({"origin": "null", "sec-fetch-site": "same-origin"}, False),
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "cross-site"}, False),
        ({}, False),
    ],
)
def test_origin(headers: dict[str, str], expected: bool) -> None:
    assert same_origin(Headers(headers), "b.example:8080") is expected


def test_limits_by_path() -> None:
    assert body_bytes_max("/api/imports") == UPLOAD_BYTES_MAX
    assert body_bytes_max("/data/import") == UPLOAD_BYTES_MAX
    assert body_bytes_max("/links/tts/x") == MESSAGE_BYTES_MAX
    assert body_bytes_max("/sign-in") < UPLOAD_BYTES_MAX


@pytest.mark.parametrize(
    "path", ["//evil.example", "/\\evil.example", "https://evil.example", "/a\nb", ""]
)
def test_only_our_own_paths_are_followed(path: str) -> None:
    assert safe_next(path) == "/"


def test_words_numbers_and_times() -> None:
    assert number(1234.5, 1, "fr").replace("\u202f", " ") == "1 234,5"
    assert number(1234.5, 1, "en") == "1,234.5"
    assert moment(NOW, "fr", "Europe/Paris") == "21 sept. 2026, 16:13"
    assert moment(NOW, "en", "UTC", "day") == "21 September 2026"
    assert ago(NOW - 300_000, NOW, "fr") == "il y a 5 minutes"
    assert (ink_on("#ffffff"), ink_on("#000000")) == ("#101418", "#ffffff")


def test_a_log_that_cannot_be_written_is_no_fault_and_names_no_file() -> None:
    told = problems.understood(LogError("/home/commune/evidence: the disk is full"))
    assert (told.status, told.code) == (503, "log")
    assert "/home" not in str(told)
