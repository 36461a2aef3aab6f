"""Weeks of a commune's past in seconds, through the hub's own pipeline and store.

Only the broker is left out: every reading is decoded, bounded, shown to the watches and committed
with the alarms it causes, at the time it would have arrived. So charts, alarms and what the
watches have learnt are those of a hub that ran all the while. For demonstrations and tests; the
readings are simulated and the setting `demo` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from heapq import heappop, heappush
from typing import NamedTuple

import msgspec

from beffroi.domains.base import Domain
from beffroi.hub.alarms.desk import Desk
from beffroi.hub.ingest.inventory import Inventory
from beffroi.hub.ingest.keeper import Keeper
from beffroi.hub.ingest.pipeline import Pipeline
from beffroi.hub.ingest.stats import Stats
from beffroi.hub.ingest.watches import Watches
from beffroi.hub.links.formats import IMPORT
from beffroi.lab.devices import Measure
from beffroi.lab.street import Source
from beffroi.model.limits import READINGS_PER_MESSAGE_MAX
from beffroi.ports.bus import Message
from beffroi.ports.codec import Codec, CodecError, CodecRunner, Uplink
from beffroi.ports.store import Store

TRANSIT_MS = 900  # from a device's measure to the broker
TURN_READINGS = 5_000
TICK_MS = 3_600_000  # watches and desk see time pass this often (live: every 10 s)
Progress = Callable[[float], None]  # share of the past that is done, 0..1


class Past(NamedTuple):
    """How far back a source goes and how often it was asked then."""

    source: Source
    start_ms: int
    period_s: float


class Told(NamedTuple):
    """Counted in and out."""

    readings: int
    stored: int
    quarantined: int
    alarms: int


class NoCodecs(CodecRunner):
    """The past holds no LoRaWAN frames."""

    def decode(self, sha256: str, frames: Sequence[Uplink]) -> list[dict[str, object] | CodecError]:
        return [CodecError(f"no codec {sha256[:8]} in history") for _ in frames]

    def trial(self, codec: Codec, frames: Sequence[Uplink]) -> list[dict[str, object] | CodecError]:
        return self.decode(codec.sha256, frames)

    def close(self) -> None:
        """Nothing to close."""


class SetClock:
    """A clock that shows what it was set to."""

    def __init__(self, now_ms: int) -> None:
        self.at_ms = now_ms

    def now_ms(self) -> int:
        return self.at_ms


class Teller:
    """Folds a past into a store."""

    def __init__(self, store: Store, domains: Mapping[str, Domain], start_ms: int) -> None:
        rules = {rule.id: rule for domain in domains.values() for rule in domain.rules.values()}
        self.stats = Stats()
        self._clock = SetClock(start_ms)
        self._watches = Watches(domains)
        self._watches.restore(store.readings.states())
        self._inventory = Inventory(store, domains, self._watches)
        self._inventory.refresh()
        self._pipeline = Pipeline(self._inventory, self._watches, NoCodecs())
        self._keeper = Keeper(store.readings, Desk(store.alarms, rules), self._clock, self.stats)
        self._tick_ms = start_ms

    def tell(self, pasts: Sequence[Past], end_ms: int, progress: Progress) -> Told:
        """All sources together, in the order of time, up to now."""
        start_ms = min(past.start_ms for past in pasts)
        told = Told(0, 0, 0, 0)
        for at_ms, measures in batches(pasts, end_ms):
            part = self._turn(at_ms, measures)
            told = Told(*(a + b for a, b in zip(told, part, strict=True)))
            progress((at_ms - start_ms) / max(1, end_ms - start_ms))
        return told

    def close(self) -> None:
        """What the watches have learnt becomes durable."""
        turn = self._pipeline.tick(self._clock.now_ms(), 0, 1)
        self._pipeline.resolve(turn)
        self._pipeline.close(turn)
        self._keeper.keep(turn, with_desk_tick=True)

    def _turn(self, at_ms: int, measures: Sequence[Measure]) -> Told:
        self._clock.at_ms = max(self._clock.at_ms, at_ms + TRANSIT_MS)
        turn = self._pipeline.take([_message(part) for part in _parts(measures)])
        self._pipeline.resolve(turn)
        self._pipeline.fold(turn)
        self._pipeline.resolve(turn)
        self._pipeline.close(turn)
        refused = len(turn.refusals)
        kept = self._keeper.keep(turn)
        changes = kept.changes
        if self._clock.at_ms - self._tick_ms >= TICK_MS:
            self._tick_ms = self._clock.at_ms
            tick = self._pipeline.tick(self._clock.at_ms, 0, 1)
            tick.states = {}  # once, at the end
            self._pipeline.resolve(tick)
            self._pipeline.close(tick)
            changes += self._keeper.keep(tick, with_desk_tick=True).changes
        return Told(len(measures), kept.stored, refused, changes)


def batches(pasts: Sequence[Past], end_ms: int) -> Iterator[tuple[int, list[Measure]]]:
    """(newest device time, measures in its order) of about TURN_READINGS each, TICK_MS at most."""
    queue: list[tuple[int, int]] = []
    for index, past in enumerate(pasts):
        heappush(queue, (past.start_ms, index))
    waiting: list[Measure] = []
    first_ms = 0
    while queue:
        at_ms, index = heappop(queue)
        if at_ms >= end_ms:
            continue
        if waiting and (len(waiting) >= TURN_READINGS or at_ms - first_ms >= TICK_MS):
            yield waiting[-1].ts_ms, waiting
            waiting = []
        if not waiting:
            first_ms = at_ms
        waiting += pasts[index].source.measures(at_ms)
        heappush(queue, (at_ms + round(pasts[index].period_s * 1000), index))
    if waiting:
        yield waiting[-1].ts_ms, waiting


def _parts(measures: Sequence[Measure]) -> Iterator[Sequence[Measure]]:
    for start in range(0, len(measures), READINGS_PER_MESSAGE_MAX):
        yield measures[start : start + READINGS_PER_MESSAGE_MAX]


def _message(measures: Sequence[Measure]) -> Message:
    body = [{"device": m.device, "ts": m.ts_ms, "values": dict(m.values)} for m in measures]
    recv_ms = max(m.ts_ms for m in measures) + TRANSIT_MS
    payload = msgspec.json.encode({"readings": body})
    return Message("demo", IMPORT, "batch", payload, recv_ms, None)
