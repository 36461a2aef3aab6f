"""Looks at the machine every few seconds and tells the desk what changed.

Everything that reads the world is given to it; what stands is decided in `judge`. A look that
fails is told in the log and tried again: the house never ends the hub.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import structlog

from beffroi.hub.house.facts import Machine, Papers, Witnessed
from beffroi.hub.house.judge import Cause, Moments, standing
from beffroi.hub.house.rules import RULES
from beffroi.model.alarm import Alarm
from beffroi.model.finding import Finding
from beffroi.model.limits import HOUSE_PAPERS_S, HOUSE_TURN_S
from beffroi.ports.clock import Clock
from beffroi.ports.store import StoreError

SENTENCE_CHARS_MAX = 300
TELL_AGAIN_MS = 60_000

log = structlog.get_logger("house")


class Standing(NamedTuple):
    """A cause that holds. `told_ms` is on the monotonic clock."""

    rule: str
    asset: str
    facts: Mapping[str, float | str]
    since_ms: int
    told_ms: int


class House:
    """`run` until cancelled. `refused`, `taken_over` and `witnessed` from any thread."""

    def __init__(
        self,
        machine: Callable[[], Machine],
        papers: Callable[[], Papers],
        open_alarms: Callable[[], Sequence[Alarm]],
        alarms: Callable[[Sequence[Finding]], None],
        clock: Clock,
    ) -> None:
        self._machine, self._read_papers = machine, papers
        self._open, self._alarms, self._clock = open_alarms, alarms, clock
        self._lock = threading.Lock()
        self._moments, self._witnessed = Moments(), Witnessed()
        self._papers, self._papers_at_ms = Papers(), 0
        self._standing: dict[Cause, Standing] | None = None

    def refused(self, device: str, times: int) -> None:
        """The broker refused what this device published or asked for."""
        with self._lock:
            self._moments.refusal(device, times, self._clock.now_ms())

    def taken_over(self, device: str, times: int) -> None:
        """A second connection of this device ended its first."""
        with self._lock:
            self._moments.takeover(device, times, self._clock.now_ms())

    def witnessed(self, wrong: str, rolled_back: str = "") -> None:
        """What the witnesses said last: "" when all is well."""
        cut = slice(SENTENCE_CHARS_MAX)
        self._witnessed = Witnessed(wrong[cut], rolled_back[cut])

    async def run(self) -> None:
        """One look every HOUSE_TURN_S."""
        while True:
            try:
                await asyncio.to_thread(self.turn)
            except (StoreError, OSError) as error:
                log.error("house_not_looked_at", why=str(error))
            await asyncio.sleep(HOUSE_TURN_S)

    def turn(self) -> None:
        """Only what changed is told; the first look also ends what an earlier run had told."""
        machine, now_ms = self._machine(), self._clock.now_ms()
        self._look_at_papers(machine.monotonic_ms)
        with self._lock:
            self._moments.look(machine, now_ms)
            found = standing(machine, self._papers, self._witnessed, self._moments, now_ms)
        told, before = self._told(), self._standing or {}
        ended = (told if self._standing is None else before.keys()) - found.keys()
        changed = [Finding(*cause, False, now_ms) for cause in sorted(ended)]
        after: dict[Cause, Standing] = {}
        for cause, facts in found.items():
            old = before.get(cause)
            since_ms, told_ms = (old.since_ms, old.told_ms) if old else (now_ms, 0)
            # Not on the desk: a disk that fails keeps no alarm, or a person has closed it.
            again = cause not in told and machine.monotonic_ms - told_ms >= TELL_AGAIN_MS
            if old is None or again:
                told_ms = machine.monotonic_ms
                changed.append(Finding(*cause, True, now_ms, facts))
            after[cause] = Standing(*cause, facts, since_ms, told_ms)
        self._standing = after
        self._alarms(changed)  # also when nothing did: what the desk owes is told again

    def standing(self) -> list[Standing]:
        """What holds now, also what no disk can keep; from any thread."""
        return list((self._standing or {}).values())

    def _told(self) -> set[Cause]:
        return {(one.rule, one.asset) for one in self._open() if one.active and one.rule in RULES}

    def _look_at_papers(self, monotonic_ms: int) -> None:
        if self._papers_at_ms and monotonic_ms - self._papers_at_ms < HOUSE_PAPERS_S * 1_000:
            return
        self._papers, self._papers_at_ms = self._read_papers(), monotonic_ms
