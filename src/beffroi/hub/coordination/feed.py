"""Feeds the detector with what the hub learns, keeps the incident, and raises its one alarm.

The doors (`receipt`, `command`, `changes`, `denied`, `refused`) may be called from any thread and
under any lock: they only queue. `turn` does the work: signs, evidence, alarm. The story of an
incident is in the alarm (first signs as facts, later ones as remarks) and, complete, in the log.
Decides nothing about commands: an incident stops nobody, it tells people.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple, Protocol

import structlog

from beffroi.evidence.entry import NOTHING, Draft, EntryError
from beffroi.hub.alarms.desk import Desk, RefusedError
from beffroi.hub.coordination import reading
from beffroi.hub.coordination.detector import SLOW_MS, Detector, Incident
from beffroi.hub.coordination.rules import ATTACK, KINDS
from beffroi.hub.coordination.signs import Sign, SignKind
from beffroi.hub.dispatch.book import No
from beffroi.hub.dispatch.denied import DeniedError
from beffroi.hub.dossier.registers import id_refs
from beffroi.kernel.canonical import encode
from beffroi.kernel.keys import sha256
from beffroi.kernel.receipt import Receipt
from beffroi.model.alarm import Alarm, AlarmChange
from beffroi.model.finding import Finding
from beffroi.ports.clock import Clock
from beffroi.ports.commands import CommandRow
from beffroi.ports.store import StoreError

TURN_S = 0.5
SIGN_INS_EVERY_S = 5.0
QUEUE_MAX = 10_000
FAILED_SIGN_INS = 5  # within SIGN_INS_MS: people mistype, machines do not stop
SIGN_INS_MS = 600_000
SAME_ENTRY_MS = 60_000  # a refused device that repeats itself is one entry a minute
TOLD_SIGNS = 6  # of the story, in the alarm itself
ACCOUNTS, MESSAGING = "accounts", "messaging"
REMARKS = "coordination"  # whose remarks they are in the alarm's story: nobody's account

log = structlog.get_logger("coordination")


class SignIns(Protocol):
    """Where failed sign-ins are counted."""

    def failed_sign_ins(self, since_ms: int) -> int: ...


class Services(Protocol):
    """`of(name)` is the service of a target, a guard or an asset, "" for none. `fleets()`: targets
    by service."""

    def of(self, name: str) -> str: ...
    def fleets(self) -> Mapping[str, int]: ...


class _Item(NamedTuple):
    """What came in: a sign that is ready, or None, and an entry that nothing else writes."""

    sign: Sign | None
    draft: Draft | None = None


_Read = Callable[[], _Item]  # done on the feed's own time: the doors hold other people's locks


class Feed:
    """`record` writes to the evidence log; without one the alarm alone tells the story."""

    def __init__(
        self,
        desk: Desk,
        alarms: Callable[[Sequence[Finding]], None],
        clock: Clock,
        services: Services,
        sign_ins: SignIns,
        unplanned: Iterable[str] = (),
    ) -> None:
        self.record: Callable[[Sequence[Draft]], object] = list
        self._desk, self._alarms, self._clock = desk, alarms, clock
        self._services, self._sign_ins = services, sign_ins
        self._unplanned = frozenset(unplanned)
        self._queue: queue.Queue[_Read] = queue.Queue(QUEUE_MAX)
        self._detector = Detector(services.fleets())
        self._written: dict[tuple[str, str], int] = {}  # (device, what) -> when
        self._told: frozenset[str] = frozenset()  # services of the incident that people know of
        self._looked_ms = self._warned_ms = 0
        self.lost = 0

    @property
    def incident(self) -> Incident | None:
        """That goes on now."""
        return self._detector.incident

    # --- doors -------------------------------------------------------------------------------
    def receipt(self, said: Receipt) -> None:
        """A new receipt of a guard."""
        self._put(partial(self._receipt, said))

    def command(self, row: CommandRow) -> None:
        """A command has changed."""
        self._put(lambda: _Item(reading.of_command(row)))

    def changes(self, changes: Sequence[AlarmChange]) -> None:
        """Alarms have changed, durable."""
        for change in changes:
            news = any(event.kind in ("raised", "recurred") for event in change.events)
            if news and change.alarm.rule != ATTACK:
                self._put(partial(self._alarm, change.alarm))

    def denied(self, no: No) -> None:
        """Somebody asked, or approved, and was told no."""
        self._put(partial(self._no, no, self._clock.now_ms()))

    def refused(self, device: str, what: str, subject: str, times: int) -> None:
        """The broker has refused a device that wanted another's place."""
        self._put(partial(self._device, device, what, subject, times, self._clock.now_ms()))

    def _put(self, read: _Read) -> None:
        try:
            self._queue.put_nowait(read)
        except queue.Full:
            self.lost += 1

    # --- what came in ------------------------------------------------------------------------
    def _receipt(self, said: Receipt) -> _Item:
        service = self._services.of(said.target) or self._services.of(said.guard)
        sign = reading.of_receipt(said, service)
        if sign is not None:  # a guard's clock may be wrong
            sign = replace(sign, at_ms=min(sign.at_ms, self._clock.now_ms()))
        return _Item(sign)

    def _alarm(self, alarm: Alarm) -> _Item:
        """A sign only: grave alarms have their entries from the diligence ledger."""
        service = self._services.of(alarm.asset) or alarm.domain
        return _Item(reading.of_alarm(alarm, service, self._unplanned))

    def _no(self, no: No, now: int) -> _Item:
        kind = reading.kind_of(no.code)
        if kind is None:
            return _Item(None)
        service = self._services.of(no.target)
        refs = id_refs(target=no.target, service=service, reason=no.code)
        what, subject = (
            ("approval", bytes.fromhex(no.digest)) if no.digest else ("request", NOTHING)
        )
        draft = Draft(f"{what}.refused", now, subject, refs, no.by.encode())
        return _Item(Sign(now, kind, service or MESSAGING, no.target, no.by), draft)

    def _device(self, device: str, what: str, subject: str, times: int, now: int) -> _Item:
        service = self._services.of(device) or MESSAGING
        sign = Sign(now, SignKind.IDENTITY, service, device)
        return _Item(sign, self._access(device, what, subject, times, now))

    def _access(self, source: str, what: str, text: str, times: int, now: int) -> Draft | None:
        if now - self._written.get((source, what), 0) < SAME_ENTRY_MS:
            return None
        if len(self._written) > QUEUE_MAX:
            self._written.clear()
        self._written[source, what] = now
        refs = id_refs(source=source, action=what, count=times)
        return Draft("access.refused", now, NOTHING, refs, text.encode()[:1_000])

    # --- work --------------------------------------------------------------------------------
    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await asyncio.to_thread(self.turn)
            except StoreError as error:
                log.error("coordination_turn_failed", error=str(error))
            await asyncio.sleep(TURN_S)

    def turn(self) -> None:
        """Everything that waits, then the passing of time."""
        now = self._clock.now_ms()
        self._count_sign_ins(now)
        drafts = [self._work(read) for read in self._drain()]
        self._write([draft for draft in drafts if draft is not None])
        over = self._detector.tick(now)
        if over is not None:
            self._end(over, now)

    def _work(self, read: _Read) -> Draft | None:
        """One item; what is wrong with it costs none of the others."""
        try:
            item = read()
            if item.sign is not None:
                self._step(item.sign)
        except StoreError as error:  # it waits for the next turn
            self._put(read)
            log.error("coordination_waits", error=str(error))
        except ValueError as error:
            self.lost += 1
            log.error("coordination_unreadable", error=str(error))
        else:
            return item.draft
        return None

    def _drain(self) -> list[_Read]:
        waiting = []
        with contextlib.suppress(queue.Empty):
            while True:
                waiting.append(self._queue.get_nowait())
        return waiting

    def _write(self, drafts: Sequence[Draft]) -> None:
        """A log that cannot be written keeps nobody from hearing of an attack; that it cannot is
        an alarm of its own."""
        if drafts:
            try:
                self.record(drafts)
            except (DeniedError, EntryError) as error:
                log.error("coordination_not_recorded", error=str(error))

    def _count_sign_ins(self, now: int) -> None:
        if now - self._looked_ms < SIGN_INS_EVERY_S * 1_000:
            return
        self._looked_ms = now
        if now - self._warned_ms < SIGN_INS_MS:
            return
        failed = self._sign_ins.failed_sign_ins(now - SIGN_INS_MS)
        if failed >= FAILED_SIGN_INS:
            self._warned_ms = now
            item = _Item(
                Sign(now, SignKind.IDENTITY, ACCOUNTS, "sign-in"),
                self._access(ACCOUNTS, "sign-in", "", failed, now),
            )
            self._put(lambda: item)

    def _step(self, sign: Sign) -> None:
        before = self._detector.incident
        self._detector.fleets = self._services.fleets()
        incident = self._detector.step(sign)
        if incident is None:
            return
        if before is None or before.began_ms != incident.began_ms:
            self._begin(incident)
        elif sign.service not in self._told:
            self._grow(incident, sign)

    def _begin(self, incident: Incident) -> None:
        self._told = frozenset(incident.services)
        new = self._known() is None
        facts: dict[str, float | str] = {
            "count": float(len(incident.signs)),
            "services": ", ".join(incident.services),
            "why": incident.why,
            "began_ms": float(incident.began_ms),
        }
        for number, sign in enumerate(incident.signs[-TOLD_SIGNS:], 1):
            facts[f"sign_{number}"] = line(sign)
        log.warning("incident", why=incident.why, services=facts["services"])
        self._alarms([Finding(ATTACK, "", True, incident.began_ms, facts)])
        if new:
            self._record("incident.raised", incident, incident.seen_ms)

    def _grow(self, incident: Incident, sign: Sign) -> None:
        """It has reached another service: people hear of it, the log has the story so far."""
        self._told |= {sign.service}
        self._record("incident.raised", incident, sign.at_ms)
        known = self._known()
        if known is not None:
            with contextlib.suppress(RefusedError, StoreError):  # the log has it
                now = self._clock.now_ms()
                self._desk.act(known.id, "comment", REMARKS, now, text=line(sign))

    def _end(self, incident: Incident, now: int) -> None:
        self._told = frozenset()
        self._record("incident.ended", incident, now)
        self._alarms([Finding(ATTACK, "", False, now)])

    def _known(self) -> Alarm | None:
        return next((one for one in self._desk.open() if one.rule == ATTACK), None)

    def _record(self, kind: str, incident: Incident, at_ms: int) -> None:
        """The whole story as a payload; persons are in it under pseudonyms and can be erased."""
        story = encode({"signs": [_told(sign) for sign in incident.signs], "more": incident.more})
        refs: dict[str, int | str] = {
            "incident": f"i-{incident.began_ms}",
            "reason": incident.why,
            "count": len(incident.signs) + incident.more,
            "first": incident.began_ms,
            "last": max(sign.at_ms for sign in incident.signs),
        }
        self._write([Draft(kind, at_ms, sha256(story), refs, story)])

    # --- after a restart ---------------------------------------------------------------------
    def remember(
        self, rows: Iterable[CommandRow], said: Iterable[Receipt], alarms: Iterable[Alarm]
    ) -> None:
        """What happened while nobody watched, or was known before: no alarm is raised twice."""
        since = self._clock.now_ms() - SLOW_MS
        found = [reading.of_command(row) for row in rows if row.changed_ms > since]
        found += [self._receipt(one).sign for one in said]
        for alarm in alarms:
            if alarm.seen_ms > since and alarm.rule != ATTACK:
                found.append(self._alarm(alarm).sign)
        signs = [sign for sign in found if sign is not None and sign.at_ms > since]
        for sign in sorted(signs, key=lambda one: one.at_ms):
            self._step(sign)
        if self._detector.incident is None and self._known() is not None:
            self._alarms([Finding(ATTACK, "", False, self._clock.now_ms())])


def line(sign: Sign) -> str:
    """One sign for people, in French: hours are UTC."""
    at = datetime.fromtimestamp(sign.at_ms / 1_000, UTC).strftime("%H:%M:%S")
    who = f" ({sign.actor})" if sign.actor else ""
    return f"{at} {sign.service} {sign.target} : {KINDS[sign.kind].fr}{who}"


def _told(sign: Sign) -> dict[str, int | str]:
    return {
        "at_ms": sign.at_ms,
        "kind": sign.kind.value,
        "service": sign.service,
        "target": sign.target,
        "actor": sign.actor,
        "ref": sign.ref,
    }
