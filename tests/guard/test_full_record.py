"""The largest memory that the judge lets grow can be read again: else its limits begin anew."""

from __future__ import annotations

from beffroi.guard.limits import RECORD_BYTES_MAX
from beffroi.guard.memory import Pending, Record, read_record
from beffroi.kernel.limits import STATE_BYTES_MAX, TARGETS_MAX


def test_a_record_may_be_as_large_as_the_state_in_it() -> None:
    assert RECORD_BYTES_MAX > STATE_BYTES_MAX


def test_a_record_in_which_every_target_has_a_newer_command_can_be_read_again() -> None:
    """The newer one is written down before the one that it supersedes has ended."""
    both = [
        Pending(bytes([turn, *n.to_bytes(2)]) + bytes(29), bytes(32), f"t-{n}")
        for n in range(TARGETS_MAX)
        for turn in (0, 1)
    ]
    assert read_record(Record(pending=tuple(both)).encoded()).pending == tuple(both)
