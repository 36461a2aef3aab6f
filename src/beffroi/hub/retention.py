"""How long observations live: sealed when their day is over, purged when they are too old.

Decides from `now` and the limits; the store does the work and returns what it did, as proof.
"""

from __future__ import annotations

import asyncio
from typing import NamedTuple

import structlog

from beffroi.model.limits import (
    QUARANTINE_DAYS,
    RAW_DAYS,
    RETENTION_PERIOD_S,
    ROLLUP_DAYS,
    SEAL_AFTER_H,
)
from beffroi.model.measure import DAY_MS, HOUR_MS
from beffroi.ports.clock import Clock
from beffroi.ports.store import ReadingStore, StoreError

log = structlog.get_logger("retention")


class Plan(NamedTuple):
    """Instants: days that ended before `seal_before_ms` are sealed; older than the rest goes."""

    seal_before_ms: int
    raw_before_ms: int
    hours_before_ms: int
    quarantine_before_ms: int


class Done(NamedTuple):
    """What a run did."""

    sealed: int
    purged: int


def plan(now_ms: int) -> Plan:
    """Late readings have SEAL_AFTER_H after the end of their day before it is sealed."""
    return Plan(
        now_ms - SEAL_AFTER_H * HOUR_MS,
        now_ms - RAW_DAYS * DAY_MS,
        now_ms - ROLLUP_DAYS * DAY_MS,
        now_ms - QUARANTINE_DAYS * DAY_MS,
    )


def keep_once(readings: ReadingStore, now_ms: int) -> Done:
    """Seal and purge what is due now. Safe to repeat and to interrupt."""
    due = plan(now_ms)
    sealed = readings.seal(due.seal_before_ms)
    return Done(sealed, readings.purge(*due[1:]))


async def keep(readings: ReadingStore, clock: Clock) -> None:
    """Every RETENTION_PERIOD_S, until cancelled. A failing store is tried again next time."""
    while True:
        try:
            done = await asyncio.to_thread(keep_once, readings, clock.now_ms())
        except StoreError as error:
            log.warning("retention_failed", error=str(error))
        else:
            log.info("retention", sealed=done.sealed, purged=done.purged)
        await asyncio.sleep(RETENTION_PERIOD_S)
