"""What the parts of the dispatcher share, and the one order in which things become true.

First the evidence log, then the store, then memory, then whoever watches. A crash between two steps
leaves an entry that says more than happened, never an effect that no entry tells of. Decides
nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

from beffroi.evidence.entry import Draft
from beffroi.hub.dispatch.denied import DeniedError, deny
from beffroi.hub.dispatch.mirror import MOVED, Mirror
from beffroi.hub.dispatch.trust import Trusted, TrustError, TrustSource
from beffroi.kernel.limits import DAY_MS
from beffroi.kernel.receipt import Receipt
from beffroi.kernel.situation import Situation
from beffroi.model.finding import Finding
from beffroi.ports.clock import Clock
from beffroi.ports.commands import (
    Approval,
    CommandChange,
    CommandRow,
    CommandStore,
    ReceiptRow,
)
from beffroi.ports.log_store import LogError, LogStore

Alarms = Callable[[Sequence[Finding]], None]
Told = Callable[[CommandRow], None]


class No(NamedTuple):
    """A no to somebody who asked: nothing else of the store tells of it."""

    target: str
    code: str  # of the judge's reasons, or the hub's own
    by: str  # an account's id
    digest: str = ""  # of the command that was to be approved, "" for a request


def _nobody(_: object) -> None:
    """Nobody watches."""


class Book:
    """Hold `lock` while reading something that a write depends on. Safe to use from threads."""

    def __init__(
        self,
        *,
        store: CommandStore,
        log: LogStore,
        trust: TrustSource,
        clock: Clock,
        seed: bytes,
        alarms: Alarms = _nobody,
        told: Told = _nobody,
    ) -> None:
        """`seed` is the hub's command key. `told` hears of each changed command, from any thread;
        it must not block."""
        self.lock = threading.RLock()
        self.store, self.log, self.clock, self.seed = store, log, clock, seed
        self.mirror = Mirror()
        self.alarms = alarms
        self.wake: Callable[[], None] = lambda: None
        # Both from any thread; they must not block.
        self.heard: Callable[[Receipt], None] = _nobody  # each new receipt, once it is kept
        self.denied: Callable[[No], None] = _nobody
        self._told, self._source = told, trust
        self._trusted: Trusted | None = None
        self._why = ""
        self._log_failed = False
        self._moved: dict[str, CommandRow] = {}
        for row in store.sent_since(clock.now_ms() - DAY_MS):
            self._moved[row.id] = row

    # --- trust -------------------------------------------------------------------------------
    @property
    def trusted(self) -> Trusted:
        """What the root has signed. DeniedError while there is nothing valid."""
        if self._trusted is None:
            self.look()
        if self._trusted is None:
            raise DeniedError(
                deny("no_trust", "The commune's signed rules cannot be used: {why}.", why=self._why)
            )
        return self._trusted

    def look(self) -> bool:
        """Read the repository again; True when something in it changed. What was valid before
        stays in use when it cannot be read: the judge looks at its expiry."""
        now, why, fresh = self.clock.now_ms(), "", False
        old: Trusted | None = self._trusted
        try:
            fresh = self._source.refresh(now)
        except TrustError as error:  # what the root has signed may still be read
            why = str(error)
        try:
            self._trusted = self._source.current()
        except TrustError as error:
            why = why or str(error)
        if why:
            self.alarms([Finding("commands.no_trust", "", True, now, {"why": why})])
        elif self._why:
            self.alarms([Finding("commands.no_trust", "", False, now)])
        self._why = why
        new = self._trusted
        if new is None:
            return False
        return fresh or old is None or (old.roster, old.envelopes) != (new.roster, new.envelopes)

    def bundle(self, guard: str) -> bytes:
        """See `TrustSource.bundle`."""
        return self._source.bundle(guard)

    # --- what is known -----------------------------------------------------------------------
    @property
    def moved(self) -> list[CommandRow]:
        """Commands of the last day that may have moved something, oldest first."""
        since = self.clock.now_ms() - DAY_MS
        rows = [row for row in list(self._moved.values()) if row.sent_ms > since]
        return sorted(rows, key=lambda row: (row.sent_ms, row.id))

    def situation(self, guard: str) -> Situation:
        """As the guard would see it now."""
        return self.mirror.situation(self.trusted, guard, self.moved, self.clock.now_ms())

    # --- writing -----------------------------------------------------------------------------
    def record(self, drafts: Sequence[Draft]) -> list[int]:
        """Into the evidence log, durable: the index of each. DeniedError when it cannot be."""
        if not drafts:
            return []
        now = self.clock.now_ms()
        try:
            placed = self.log.append(drafts)
        except (LogError, OSError) as error:
            self._log_failed = True
            self.alarms([Finding("commands.no_log", "", True, now, {"why": str(error)[:200]})])
            raise DeniedError(
                deny("no_log", "The evidence log cannot be written: {why}.", why=str(error))
            ) from error
        if self._log_failed:
            self._log_failed = False
            self.alarms([Finding("commands.no_log", "", False, now)])
        return [one.index for one in placed]

    def keep(
        self,
        changes: Sequence[CommandChange],
        approvals: Sequence[Approval] = (),
        receipts: Sequence[ReceiptRow] = (),
    ) -> None:
        """Into the store, durable; then into memory. Only after `record`."""
        self.store.apply(changes, approvals, receipts)
        since = self.clock.now_ms() - DAY_MS
        for change in changes:
            row = change.row
            if row.sent_ms > since and row.state in MOVED:
                self._moved[row.id] = row
            else:
                self._moved.pop(row.id, None)
            self._told(row)
