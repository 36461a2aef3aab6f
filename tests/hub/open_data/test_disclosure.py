"""D1: a small count never follows from hours, days, neighbours or forms that are published."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.adapters.sql import SqlStore, open_store
from beffroi.domains.registry import domains
from beffroi.hub.open_data.dataset import Source, Span
from beffroi.hub.open_data.derive import datasets, nevers
from beffroi.hub.open_data.disclosure import cell, total
from beffroi.hub.open_data.forms import FORMS
from beffroi.model.asset import Asset
from beffroi.model.limits import OPEN_K_MIN, OPEN_ROUND
from beffroi.model.reading import Row
from beffroi.model.sharing import Treatment
from beffroi.ports.store import Batch, SeriesKey

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
DAYS = 20_000 * DAY_MS
COUNTS = st.integers(0, 60)


@pytest.mark.parametrize(
    ("count", "shown"),
    [(None, None), (float("nan"), None), (0, None), (9, None), (9.999, None), (10, 10), (12.4, 10),
     (12.5, 15), (13, 15), (17, 15), (18, 20), (float("inf"), None)],
)  # fmt: skip
def test_a_small_count_is_hidden_and_others_are_rounded(
    count: float | None, shown: int | None
) -> None:
    assert cell(count) == shown


@given(COUNTS)
def test_what_is_shown_is_never_small_and_never_exact_to_one(count: int) -> None:
    shown = cell(count)
    assert (shown is None) == (count < OPEN_K_MIN)
    assert shown is None or (shown >= OPEN_K_MIN and shown % OPEN_ROUND == 0)


@pytest.mark.parametrize(("k", "base"), [(9, 3), (10, 3), (10, 0)])
def test_weaker_rules_are_refused(k: int, base: int) -> None:
    with pytest.raises(ValueError, match="k = "):
        cell(50, k, base)


def test_the_attack_that_a_true_total_would_allow() -> None:
    """With the true total the one hidden hour is what is left; with ours nothing is left."""
    hours = [30, 25, 4, 40]
    shown = [cell(hour) for hour in hours]
    assert sum(hours) - sum(one for one in shown if one) == 4  # the attack works on a true total
    ours = total(shown)
    assert ours.value is not None
    assert ours.value - sum(one for one in shown if one) == 0
    assert (ours.shown, ours.hidden) == (3, 1)


def town(folder: Path, counts: list[int], neighbour: list[int]) -> SqlStore:
    """One counter with two devices that say the same, and a neighbour."""
    store = open_store(f"sqlite:///{folder}/t.sqlite")
    for asset, values in (("c-1", counts), ("c-2", neighbour)):
        store.assets.put_assets([Asset(asset, *COUNTER, asset, 2.0, 47.0)])
        for device in ("d-1", "d-2"):
            (series,) = store.readings.series_ids([SeriesKey(asset, f"{asset}-{device}", PROP)])
            rows = [
                Row(series, DAYS + at * HOUR_MS, float(value), 0, DAYS + at * HOUR_MS)
                for at, value in enumerate(values)
            ]
            store.readings.commit(Batch(rows=rows))
    return store


def people() -> tuple[str, str, str]:
    """The service, kind and property whose values are counts of persons."""
    return next(
        (domain.name, kind, prop)
        for domain in domains().values()
        for kind, sharing in domain.sharing.items()
        for prop, treatment in sharing.hourly.items()
        if treatment is Treatment.PEOPLE
    )


*_COUNTER, PROP = people()
COUNTER = (_COUNTER[0], _COUNTER[1])


def everything(store: SqlStore) -> Iterator[bytes]:
    """All that the public can have of that service, in every form."""
    source = Source(store, None, "Europe/Paris")
    for one in datasets(domains()).values():
        if one.domain == COUNTER[0]:
            for form in ("csv", "json"):
                out = io.BytesIO()
                span = Span(DAYS, DAYS + 3 * DAY_MS)
                FORMS[form].write(one, one.rows(source, span), out)
                yield out.getvalue()


def test_towns_that_differ_in_hidden_counts_alone_publish_the_same_bytes(tmp_path: Path) -> None:
    """The attack in general: nothing that is published, together, tells two such towns apart."""
    base = [3, 50, 0, 12, 9, 41, 7, 23] * 6
    other = [8, 50, 1, 12, 0, 41, 2, 23] * 6  # each hidden one is another, each shown one the same
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one = town(tmp_path / "a", base, [30] * 48)
    two = town(tmp_path / "b", other, [30] * 48)
    assert list(everything(one)) == list(everything(two))
    joined = b"".join(everything(one))
    assert b"c-1,50" in joined  # and it does publish something
    one.close()
    two.close()


def test_what_is_computed_from_counts_is_closed() -> None:
    """`unusual` and `expected_1h` are functions of hidden counts: they would give them back."""
    closed = {never.prop for never in nevers(domains()) if never.kind == COUNTER[1]}
    kind = domains()[COUNTER[0]].kinds[COUNTER[1]]
    assert set(kind.derived) <= closed
    assert set(kind.properties) == closed | {PROP}


def test_what_commands_move_is_never_open() -> None:
    """The set points of every kind that can be commanded, whichever service comes next."""
    for domain in domains().values():
        for kind, acts in domain.acts.items():
            opened = set(domain.sharing[kind].hourly) if kind in domain.sharing else set()
            assert not opened & {act.shows for act in acts.values()}, (domain.name, kind)


def test_each_never_has_a_reason_in_both_languages() -> None:
    found = nevers(domains())
    assert len(found) > 20
    assert all(never.reason.fr and never.reason.en for never in found)


def test_a_day_is_the_sum_of_its_published_hours(tmp_path: Path) -> None:
    store = town(tmp_path, [3, 50, 0, 12, 9, 41], [30] * 6)
    days = next(
        one
        for one in datasets(domains()).values()
        if one.domain == COUNTER[0] and one.id.endswith("-days")
    )
    rows = days.rows(Source(store, None, "Europe/Paris"), Span(DAYS, DAYS + DAY_MS))
    assert [row.cells[1:] for row in rows] == [("c-1", 50 + 10 + 40, 3, 3), ("c-2", 180, 6, 0)]
    store.close()
