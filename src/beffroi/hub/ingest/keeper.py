"""Makes turns durable, whatever the store does: retry, wait, and if need be split.

A store that is down or full makes it wait (nothing is acknowledged meanwhile); a transaction that
alone cannot be written is taken apart until the rows at fault are in quarantine. Runs in the
ingest's worker thread; `stop` may be called from any. Knows no message and no format.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

import structlog

from beffroi.hub.alarms.desk import Desk
from beffroi.hub.ingest.stats import Kept, Stats
from beffroi.hub.ingest.turn import Turn
from beffroi.model.finding import Finding
from beffroi.model.limits import STORE_RETRY_S_MAX, STORE_TRIES_BEFORE_SPLIT
from beffroi.model.reading import Quarantined, Reason, Row
from beffroi.ports.clock import Clock
from beffroi.ports.store import Batch, Committed, ReadingStore, StaleVersionError

log = structlog.get_logger()
T = TypeVar("T")
FIRST_WAIT_S = 0.1


class StoppedError(Exception):
    """The hub stops while the store fails: what is not committed will be delivered again."""


class Keeper:
    """The only writer of readings."""

    def __init__(self, readings: ReadingStore, desk: Desk, clock: Clock, stats: Stats) -> None:
        self._readings = readings
        self._desk = desk
        self._clock = clock
        self._stats = stats
        self._stopping = threading.Event()

    def stop(self) -> None:
        self._stopping.set()

    # --- patience --------------------------------------------------------------------------------
    def patiently(self, what: str, call: Callable[[], T]) -> T:
        """Repeat until it works. Raises StoppedError when the hub stops before that."""
        tries = 0
        while True:
            try:
                result = call()
            except Exception as error:  # noqa: BLE001  whatever it is, the readings must wait for it
                tries += 1
                self._failed(what, error, tries)
            else:
                self._stats.degraded = ""
                return result

    def _failed(self, what: str, error: Exception, tries: int) -> None:
        self._stats.store_errors += 1
        if not self._stats.degraded:
            log.error("the store fails; readings wait at the broker", what=what, error=str(error))
        self._stats.degraded = f"{what}: {error}"
        if self._stopping.wait(min(FIRST_WAIT_S * 2 ** min(tries - 1, 10), STORE_RETRY_S_MAX)):
            raise StoppedError(f"stopped while the store fails: {error}") from error

    # --- one transaction -------------------------------------------------------------------------
    def keep(self, turn: Turn, with_desk_tick: bool = False) -> Kept:
        """Commit the turn with the alarms that its findings ask for."""
        batch = turn.batch()
        kept = Kept()
        tries = 0
        while True:
            try:
                self._commit(batch, turn, kept, with_desk_tick)
            except StaleVersionError:
                log.info("alarms were changed by another process: read again")
            except Exception as error:  # noqa: BLE001  as in `patiently`
                tries += 1
                if tries >= STORE_TRIES_BEFORE_SPLIT and self._works():
                    log.error("a transaction cannot be written: taken apart", error=str(error))
                    self._rescue(batch, turn, kept)
                    break
                self._failed("commit", error, tries)
            else:
                break
        self._stats.degraded = ""
        return kept

    def _commit(self, batch: Batch, turn: Turn, kept: Kept, with_desk_tick: bool) -> None:
        if not turn.findings and not with_desk_tick:
            _add(kept, self._readings.commit(batch))
            return
        now_ms = self._clock.now_ms()
        desk = self._desk
        with desk.lock:
            try:
                changes = desk.findings(turn.findings, turn.assets, now_ms)
                if with_desk_tick:
                    changes = changes + desk.tick(now_ms)
                batch.alarms = changes
                committed = self._readings.commit(batch)
            except BaseException:
                desk.reload()
                raise
            desk.settle(changes)
        _add(kept, committed)
        kept.changes += len(changes)

    # --- taking apart ----------------------------------------------------------------------------
    def _works(self) -> bool:
        """Can anything be written at all? A row in quarantine is the smallest honest write."""
        note = Quarantined(
            self._clock.now_ms(),
            "hub",
            "",
            Reason.UNREADABLE,
            "a transaction failed and is taken apart; see the rows beside this one and the log",
            b"",
        )
        try:
            self._readings.commit(Batch(quarantined=[note]))
        except Exception:  # noqa: BLE001  that is the answer
            return False
        return True

    def _rescue(self, batch: Batch, turn: Turn, kept: Kept) -> None:
        """Everything that can be written is; each thing that cannot is reported."""
        self._halve(batch.rows, lambda rows: Batch(rows=list(rows)), kept, self._refuse_row)
        self._halve(
            batch.quarantined, lambda rows: Batch(quarantined=list(rows)), kept, self._refuse_note
        )
        self._halve(list(batch.seen.items()), lambda seen: Batch(seen=dict(seen)), kept, self._lost)
        self._halve(
            list(batch.states.items()), lambda one: Batch(states=dict(one)), kept, self._lost
        )
        for finding in turn.findings:
            self._keep_finding(finding, turn, kept)

    def _halve(
        self,
        items: Sequence[T],
        batch_of: Callable[[Sequence[T]], Batch],
        kept: Kept,
        at_fault: Callable[[T, Exception, Kept], None],
    ) -> None:
        parts: list[Sequence[T]] = [items] if items else []
        while parts:
            part = parts.pop()
            try:
                _add(kept, self._readings.commit(batch_of(part)))
            except Exception as error:
                if self._stopping.is_set():
                    raise StoppedError("stopped while a transaction is taken apart") from error
                if len(part) == 1:
                    at_fault(part[0], error, kept)
                else:
                    half = len(part) // 2
                    parts += [part[half:], part[:half]]

    def _refuse_row(self, row: Row, error: Exception, kept: Kept) -> None:
        detail = f"the store cannot take this row: {str(error)[:300]}"
        note = Quarantined(row.recv_ms, "hub", "", Reason.UNREADABLE, detail, repr(row).encode())
        self.patiently("quarantine", lambda: self._readings.commit(Batch(quarantined=[note])))
        kept.refused += 1

    def _refuse_note(self, note: Quarantined, error: Exception, kept: Kept) -> None:
        """Its payload or its texts are what the store cannot take: keep a readable form."""
        del kept
        detail = f"{note.reason}; kept in another form: {str(error)[:200]}"
        bare = note._replace(device="", detail=detail, payload=repr(note).encode())
        self.patiently("quarantine", lambda: self._readings.commit(Batch(quarantined=[bare])))

    def _lost(self, item: object, error: Exception, kept: Kept) -> None:
        """A last-seen time or a watch's state: soft, it comes again."""
        del kept
        log.error("cannot be stored", item=repr(item)[:300], error=str(error))

    def _keep_finding(self, finding: Finding, turn: Turn, kept: Kept) -> None:
        one = Turn()
        one.findings = [finding]
        one.assets = turn.assets
        try:
            self._commit(Batch(), one, kept, with_desk_tick=False)
        except Exception as error:
            log.exception("a finding could not become an alarm", finding=repr(finding))
            self._lost(finding, error, kept)


def _add(kept: Kept, committed: Committed) -> None:
    kept.stored += committed.stored
    kept.duplicates += committed.duplicates
    kept.conflicts += committed.conflicts
