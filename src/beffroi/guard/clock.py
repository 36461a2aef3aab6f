"""Reads the machine's clocks. The only place of the guard that does."""

from __future__ import annotations

import time

from beffroi.guard.effects import Instant

# Counts while the machine sleeps, which a lease must not survive; Linux has it, others may not.
_COUNTER = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def instant() -> Instant:
    return Instant(time.time_ns() // 1_000_000, time.clock_gettime_ns(_COUNTER) // 1_000_000)
