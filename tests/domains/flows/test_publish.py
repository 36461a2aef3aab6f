"""Small counts stay hidden, also from somebody who subtracts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.domains.flows.publish import (
    K_MIN,
    SuppressionError,
    publishable,
    publishable_table,
)

counts = st.lists(st.one_of(st.none(), st.integers(0, 60)), max_size=30)


@pytest.mark.parametrize(
    ("count", "shown"), [(0, None), (9, None), (9.99, None), (10, 10), (2_000, 2_000), (None, None)]
)
def test_a_count_under_ten_is_hidden_zero_too(count: float | None, shown: int | None) -> None:
    assert publishable(count) == shown


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -5.0])
def test_what_is_no_count_is_hidden(bad: float) -> None:
    assert publishable(bad) is None


def test_a_lower_threshold_is_refused() -> None:
    with pytest.raises(SuppressionError):
        publishable(50, k=5)
    with pytest.raises(SuppressionError):
        publishable_table([50], k=1)


@given(counts, st.integers(K_MIN, 25), st.data())
def test_no_hidden_cell_has_any_influence_on_what_is_shown(
    cells: list[int | None], k: int, data: st.DataObject
) -> None:
    """Non-interference: replace every hidden count by any other small one, nothing changes."""
    small = st.integers(0, k - 1)
    other = [data.draw(small) if c is not None and c < k else c for c in cells]
    assert publishable_table(cells, k) == publishable_table(other, k)


@given(counts, st.integers(K_MIN, 25))
def test_the_total_adds_what_is_shown(cells: list[int | None], k: int) -> None:
    table = publishable_table(cells, k)
    assert table.total == sum(c for c in table.cells if c is not None)
    assert table.hidden == len(cells) - sum(c is not None for c in table.cells)
    assert all(c is None or c >= k for c in table.cells)
