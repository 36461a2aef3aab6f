"""Codes of RFC 6238, alone; and the ticket between the two steps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.api.problems import Refusal
from beffroi.api.second_factor import WRONG_MAX, Tickets, hotp, step_of
from beffroi.model.limits import SECOND_STEP_S_MAX, SECOND_STEPS_MAX

SEED = b"12345678901234567890"  # RFC 6238 appendix B
VECTORS = (
    (59, "94287082"),
    (1_111_111_109, "07081804"),
    (1_111_111_111, "14050471"),
    (1_234_567_890, "89005924"),
    (2_000_000_000, "69279037"),
    (20_000_000_000, "65353130"),
)


@pytest.mark.parametrize(("second", "code"), VECTORS)
def test_vectors_of_the_rfc(second: int, code: str) -> None:
    assert hotp(SEED, second // 30, 8) == code
    assert step_of(SEED, code[2:], second * 1000, 0) == second // 30


@given(st.integers(10_000, 10**8), st.integers(-3, 3))
def test_a_code_is_right_for_one_step_of_drift_and_once(step: int, drift: int) -> None:
    now_ms = step * 30_000
    code = hotp(SEED, step + drift)
    found = step_of(SEED, code, now_ms, 0)
    assert (found is not None) >= (abs(drift) <= 1)
    if found is not None:
        assert step_of(SEED, hotp(SEED, found), now_ms, found) is None or found < step + 1


@given(st.text(max_size=12))
def test_anything_else_is_wrong(code: str) -> None:
    if code not in {hotp(SEED, n) for n in (1, 2, 3)}:
        assert step_of(SEED, code, 60_000, 0) is None


def test_a_ticket_dies_of_wrong_codes_and_of_time() -> None:
    tickets = Tickets()
    token = tickets.issue("u-1", 0)
    assert [tickets.holder(token, 1) for _ in range(WRONG_MAX)] == ["u-1"] * WRONG_MAX
    with pytest.raises(Refusal):
        tickets.holder(token, 1)
    late = tickets.issue("u-1", 0)
    with pytest.raises(Refusal):
        tickets.holder(late, SECOND_STEP_S_MAX * 1000)
    for _ in range(SECOND_STEPS_MAX + 5):
        tickets.issue("u-2", 0)
    assert len(tickets._open) == SECOND_STEPS_MAX
