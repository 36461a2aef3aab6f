"""Keeps the promises made about personal data: what has ended goes, and there is a proof of it.

Every hour: purge, look at the access log, and once a day anchor its digest in the evidence log, so
that lines cut off its end are missed. The evidence holds counts and digests only. Where the
evidence log cannot be opened the same lines stay in the access log alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import structlog

from beffroi.evidence.entry import Draft, EntryError
from beffroi.hub.privacy.bulk import Bulk, Told
from beffroi.hub.privacy.egress import Gate, plant_canaries
from beffroi.model.finding import Finding
from beffroi.model.limits import RETENTION_PERIOD_S
from beffroi.model.measure import DAY_MS
from beffroi.model.purposes import SIGN_INS
from beffroi.ports.clock import Clock
from beffroi.ports.log_store import LogError, LogStore
from beffroi.ports.notify import NotifyError
from beffroi.ports.personal import PersonalError, Purged
from beffroi.ports.store import StoreError

HUB = "hub"

log = structlog.get_logger("privacy")


class Keeper:
    """What pages use: `vault` (guarded), `bulk`, `erase`; and what runs by itself: `run`."""

    def __init__(self, vault: Gate, told: Told, clock: Clock) -> None:
        self.vault, self.clock = vault, clock
        self.bulk = Bulk(vault, told, self.record)
        self.evidence: LogStore | None = None  # hung here once the log is open
        self.purge_outbox: Callable[[int], object] = abs  # hung here with the outbox
        self.purge_sign_ins: Callable[[int], int] = _none  # hung here with the store
        self._told = told
        self._anchored = (0, 0)  # when, and how many lines

    def record(self, drafts: Sequence[Draft]) -> None:
        """Into the evidence log, if there is one. A log that fails stops what needs the proof."""
        if self.evidence is None or not drafts:
            return
        try:
            self.evidence.append(drafts)
        except (LogError, EntryError) as error:
            text = "the evidence log cannot be written: check the disk, then try again"
            raise PersonalError(text) from error

    def forget(self, values: Sequence[str]) -> None:
        """Copies in clear of what is about to be erased."""
        self.vault.forget(values)

    def erase(self, subject: str, actor: str) -> int:
        """The person's key and fields, and an entry that says how many there were."""
        now = self.clock.now_ms()
        count = self.vault.erase(subject, actor, now)
        self.record([Draft("personal.erased", now, refs={"count": count})])
        return count

    def once(self) -> Sequence[Purged]:
        """What is due now. Safe to repeat and to interrupt."""
        now = self.clock.now_ms()
        plant_canaries(self.vault, now)
        purged = [*self.vault.purge(now), *self._sign_ins(now)]
        self.purge_outbox(now)
        self.record([_purged(one) for one in purged])
        self._look(now)
        return purged

    def _sign_ins(self, now_ms: int) -> list[Purged]:
        """The main database's lines of sign-ins, which hold network addresses."""
        count = self.purge_sign_ins(now_ms - SIGN_INS.days * DAY_MS)
        return [Purged(SIGN_INS.id, count, now_ms)] if count else []

    def _look(self, now_ms: int) -> None:
        wrong = self.vault.check()
        facts = {"why": wrong[0] if wrong else ""}
        self._told([Finding("privacy.access_log", HUB, bool(wrong), now_ms, facts)])
        at_ms, lines = self._anchored
        count, digest = self.vault.chain()
        if count > lines and now_ms - at_ms >= DAY_MS:
            self.record([Draft("personal.accesses", now_ms, digest, {"count": count})])
            self._anchored = (now_ms, count)

    async def run(self) -> None:
        """Until cancelled. A vault that fails is tried again next time."""
        while True:
            try:
                purged = await asyncio.to_thread(self.once)
            except (PersonalError, NotifyError, StoreError) as error:
                log.warning("purge_failed", error=str(error))
            else:
                log.info("personal_purge", fields=sum(one.fields for one in purged))
            await asyncio.sleep(RETENTION_PERIOD_S)


def _none(_before_ms: int) -> int:
    return 0


def _purged(one: Purged) -> Draft:
    """Proof of purge: which purpose, how many, when."""
    return Draft("personal.purged", one.at_ms, refs={"reason": one.purpose, "count": one.fields})
