"""From messages to one transaction: identity, quota, time, codec, decode, bounds, watches.

`take` reads messages; `resolve` asks the store for series (may fail, may be repeated);
`fold` shows what is new to the watches; `close` makes the rows. A reading is in the end either a
row or in quarantine with its reason. Knows no message format, no domain and no transaction.
Runs in the ingest's worker thread only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from operator import itemgetter
from typing import Any

import structlog

from beffroi.domains.base import DecodeError
from beffroi.hub.ingest.inventory import Inventory, Plan
from beffroi.hub.ingest.orders import Order
from beffroi.hub.ingest.quota import Quota
from beffroi.hub.ingest.turn import Coded, Turn
from beffroi.hub.ingest.watches import Outcome, Slot, Watched, Watches
from beffroi.hub.links import strict
from beffroi.hub.links.formats import IMPORT, PARSERS
from beffroi.hub.links.items import Frame, LinkError, Parser
from beffroi.model.limits import (
    CODEC_PROCESSES_MAX,
    FUTURE_S_MAX,
    PAST_S_MAX,
    QUOTA_LATE_S,
    VALUES_PER_READING_MAX,
)
from beffroi.model.reading import Obs, Quality, Reading, Reason, Row
from beffroi.ports.bus import Message
from beffroi.ports.codec import CodecError, CodecRunner, Uplink
from beffroi.ports.store import StoreError

log = structlog.get_logger()
_ts = itemgetter(0)
# One Obs and one Row are made for every value: past the Python-level constructor they cost half.
_obs = _row = tuple.__new__
GOOD, LATE, DERIVED = int(Quality.GOOD), int(Quality.LATE), int(Quality.DERIVED)
FUTURE_MS = FUTURE_S_MAX * 1000
PAST_MS = PAST_S_MAX * 1000


class Pipeline:
    """Pure but for the inventory, the quota and the watches it holds."""

    def __init__(
        self,
        inventory: Inventory,
        watches: Watches,
        codecs: CodecRunner,
        quota: Quota | None = None,
        parsers: Mapping[str, Parser] = PARSERS,
    ) -> None:
        self._inventory = inventory
        self._watches = watches
        self._codecs = codecs
        self._quota = quota or Quota()
        self._parsers = parsers

    # --- 1. read ---------------------------------------------------------------------------------
    def take(self, messages: Sequence[Message]) -> Turn:
        """All that the inventory can tell. Never raises for what is in a message; StoreError when
        the inventory had to be read again and could not: then repeat."""
        turn = Turn()
        turn.messages = len(messages)
        turn.oldest_recv_ms = min((message.recv_ms for message in messages), default=0)
        turn.newest_recv_ms = max((message.recv_ms for message in messages), default=0)
        for message in messages:
            mark = turn.mark()
            try:
                self._take(turn, message)
            except StoreError:
                raise
            except Exception as error:  # noqa: BLE001  one poison message must not stop the others
                turn.undo(mark)
                self._poison(turn, message, error)
        self._decode_frames(turn)
        return turn

    def _poison(self, turn: Turn, message: Message, error: Exception, payload: bytes = b"") -> None:
        log.exception("a message could not be processed", sender=message.sender, link=message.link)
        detail = f"unexpected {type(error).__name__}: a fault of the hub, report it with this row"
        turn.refuse(message, Reason.UNREADABLE, detail, payload or message.payload)

    def _take(self, turn: Turn, message: Message) -> None:
        link, sender, payload = message.link, message.sender, message.payload
        parser = self._parsers.get(link)
        if parser is None:
            turn.refuse(message, Reason.UNREADABLE, f"unknown link {link[:40]!r}", payload)
            return
        carrier = None
        if link != IMPORT:
            carrier = self._carrier(turn, message)
            if carrier is None:
                return
        gateway = carrier is None or carrier.device.is_gateway
        try:
            parsed = parser(payload, message.kind, sender, message.recv_ms)
        except LinkError as error:
            self._quota.charge(sender, message.recv_ms, gateway, 1, len(payload))
            turn.refuse(message, Reason.UNREADABLE, str(error), payload)
            return
        count = len(parsed.readings) + len(parsed.refused) + len(parsed.frames)
        if carrier is not None:
            late_ms = message.recv_ms - QUOTA_LATE_S * 1000
            self._quota.charge(
                sender,
                message.recv_ms,
                gateway,
                count,
                len(payload),
                lambda: sum(reading.ts_ms < late_ms for reading in parsed.readings),
            )
        turn.ignored += parsed.ignored
        for one in parsed.refused:
            turn.refuse(message, one.reason, one.detail, one.payload, one.device)
        if parsed.readings:
            self._readings(turn, message, carrier, parsed.readings)
        for frame in parsed.frames:
            self._frame(turn, message, carrier, frame)

    def _carrier(self, turn: Turn, message: Message) -> Plan | None:
        """The device that speaks, if it may speak at all."""
        sender = message.sender
        plan = self._inventory.plan(sender)
        if plan is None or plan.revoked:
            if not self._quota.admits(sender, message.recv_ms, gateway=False):
                turn.refuse(message, Reason.OVER_QUOTA, self._over(), b"")
                return None
            self._quota.charge(sender, message.recv_ms, False, 1, len(message.payload))
            if plan is None:
                detail = (
                    f"no device {sender!r} in the inventory: create it, or stop it from sending"
                )
                turn.refuse(message, Reason.UNKNOWN_DEVICE, detail, message.payload)
            else:
                turn.refuse(
                    message, Reason.REVOKED, f"device {sender!r} is revoked", message.payload
                )
            return None
        if not self._quota.admits(sender, message.recv_ms, plan.device.is_gateway):
            turn.refuse(message, Reason.OVER_QUOTA, self._over(), message.payload)
            return None
        turn.seen[sender] = message.recv_ms
        return plan

    def _over(self) -> str:
        return (
            f"over the quota of {self._quota.per_s:g} readings a second "
            f"(a gateway {self._quota.gateway_factor:g} times that): messages not read"
        )

    # --- 2. readings -----------------------------------------------------------------------------
    def _readings(
        self, turn: Turn, message: Message, carrier: Plan | None, readings: Sequence[Reading]
    ) -> None:
        plan_of = self._inventory.plan
        recv_ms = message.recv_ms
        seen = turn.seen
        oldest, newest = recv_ms - PAST_MS, recv_ms + FUTURE_MS
        for reading in readings:
            plan = plan_of(reading.device)
            if (
                plan is None
                or plan.revoked
                or (carrier is not None and plan is not carrier and plan.gateway != carrier.id)
            ):
                self._refuse_device(turn, message, reading, plan)
                continue
            if not oldest <= reading.ts_ms <= newest:
                self._refuse_time(turn, message, reading)
                continue
            seen[plan.id] = recv_ms
            self._values(turn, message, plan, reading)

    def _refuse_device(
        self, turn: Turn, message: Message, reading: Reading, plan: Plan | None
    ) -> None:
        device = reading.device
        if plan is None:
            reason, detail = Reason.UNKNOWN_DEVICE, f"no device {device!r} in the inventory"
        elif plan.revoked:
            reason, detail = Reason.REVOKED, f"device {device!r} is revoked"
        else:
            reason = Reason.NOT_YOUR_CHILD
            detail = f"{message.sender!r} is not the gateway of {device!r}"
        turn.refuse(message, reason, detail, strict.dump(reading), device)

    def _refuse_time(self, turn: Turn, message: Message, reading: Reading) -> None:
        ahead_s = (reading.ts_ms - message.recv_ms) / 1000
        detail = f"its clock is {ahead_s:+.0f} s from ours: set the clock of the device"
        turn.refuse(message, Reason.BAD_TIME, detail, strict.dump(reading), reading.device)

    def _values(self, turn: Turn, message: Message, plan: Plan, reading: Reading) -> None:
        raw: Mapping[str, Any] = reading.raw
        if plan.decode is not None:
            try:
                raw = plan.decode(plan.model, raw)
            except DecodeError as error:
                turn.refuse(message, Reason.UNREADABLE, str(error), strict.dump(reading), plan.id)
                return
            except Exception as error:  # noqa: BLE001  a domain's bug costs only this reading
                self._poison(turn, message, error, strict.dump(reading))
                return
        if not 0 < len(raw) <= VALUES_PER_READING_MAX:
            detail = f"{len(raw)} values after decoding: 1 to {VALUES_PER_READING_MAX} are expected"
            turn.refuse(message, Reason.UNREADABLE, detail, strict.dump(reading), plan.id)
            return
        slots = plan.slots
        ts_ms = reading.ts_ms
        recv_ms = message.recv_ms
        candidates = turn.candidates
        for name, value in raw.items():
            slot = slots.get(name)
            if slot is None:
                found = self._inventory.slot(plan, name)
                if isinstance(found, str):
                    self._refuse_value(
                        turn, message, reading, Reason.UNKNOWN_PROPERTY, found, name, value
                    )
                    continue
                slot = found
            kind = value.__class__
            if (kind is float or kind is int or kind is bool) and slot.low <= value <= slot.high:
                turn.received += 1
                candidates.append((ts_ms, slot, float(value), recv_ms))
                if not slot.series:
                    turn.new[id(slot)] = slot
            else:
                self._refuse_number(turn, message, reading, slot, name, value)

    def _refuse_number(
        self, turn: Turn, message: Message, reading: Reading, slot: Slot, name: str, value: Any
    ) -> None:
        number = isinstance(value, float | int) and value == value
        if number:
            reason = Reason.OUT_OF_RANGE
            detail = f"{name[:80]!r} must be from {slot.low:g} to {slot.high:g}"
        else:
            reason = Reason.NOT_A_NUMBER
            detail = f"{name[:80]!r} must be a number or true/false, not {type(value).__name__}"
        self._refuse_value(turn, message, reading, reason, detail, name, value)

    def _refuse_value(
        self,
        turn: Turn,
        message: Message,
        reading: Reading,
        reason: Reason,
        detail: str,
        name: str,
        value: Any,
    ) -> None:
        one = {"device": reading.device, "ts": reading.ts_ms, "values": {name: value}}
        turn.refuse(message, reason, detail, strict.dump(one), reading.device)

    # --- 3. LoRaWAN frames -----------------------------------------------------------------------
    def _frame(self, turn: Turn, message: Message, carrier: Plan | None, frame: Frame) -> None:
        plan = self._inventory.plan_of_eui(frame.dev_eui)
        claimed = plan.id if plan is not None else frame.dev_eui
        reading = Reading(claimed, frame.ts_ms, {}, frame.f_cnt)
        if plan is not None and plan.device.codec:
            raw: Mapping[str, Any] | None = {}
        else:
            raw = frame.decoded
        if raw is None:
            detail = "no codec for this device: choose one, or let the network server decode"
            turn.refuse(message, Reason.CODEC_FAILED, detail, message.payload, claimed)
        elif plan is None or not plan.device.codec:
            whole = Reading(claimed, frame.ts_ms, dict(raw), frame.f_cnt)
            self._readings(turn, message, carrier, [whole])
        elif self._may_speak(turn, message, carrier, plan, reading):
            turn.coded.append(Coded(plan, frame, message))

    def _may_speak(
        self, turn: Turn, message: Message, carrier: Plan | None, plan: Plan, reading: Reading
    ) -> bool:
        """Before the codec is run: nobody may spend the codec's time for somebody else."""
        if plan.revoked or (carrier is not None and plan.gateway != carrier.id):
            self._refuse_device(turn, message, reading, plan)
            return False
        return True

    def _decode_frames(self, turn: Turn) -> None:
        """One call of the runner per codec, side by side: a slow one holds nobody up but itself
        and the end of this turn."""
        by_codec: dict[str, list[Coded]] = {}
        for one in turn.coded:
            by_codec.setdefault(one.plan.device.codec, []).append(one)
        if not by_codec:
            return
        with ThreadPoolExecutor(min(len(by_codec), CODEC_PROCESSES_MAX)) as pool:
            answers = list(pool.map(self._run, by_codec, by_codec.values()))
        for group, said in zip(by_codec.values(), answers, strict=True):
            for one, what in zip(group, said, strict=True):
                self._decoded(turn, one, what)

    def _run(self, sha256: str, group: list[Coded]) -> Iterable[dict[str, Any] | CodecError]:
        uplinks = [Uplink(c.frame.f_port, c.frame.payload, c.frame.recv_time) for c in group]
        try:
            answers = self._codecs.decode(sha256, uplinks)
        except Exception as error:
            log.exception("the codec runner failed", codec=sha256)
            return [CodecError(f"the codec runner failed: {type(error).__name__}")] * len(uplinks)
        return answers

    def _decoded(self, turn: Turn, one: Coded, said: dict[str, Any] | CodecError) -> None:
        plan, frame, message = one
        if isinstance(said, CodecError):
            turn.refuse(message, Reason.CODEC_FAILED, str(said)[:500], message.payload, plan.id)
            return
        mark = turn.mark()
        try:
            reading = Reading(plan.id, frame.ts_ms, said, frame.f_cnt)
            self._readings(turn, message, None, [reading])
        except Exception as error:  # noqa: BLE001  as in `take`
            turn.undo(mark)
            self._poison(turn, message, error)

    # --- 4. the store's part, and the watches ----------------------------------------------------
    def resolve(self, turn: Turn) -> None:
        """Series of slots never met before. Raises StoreError; may be repeated."""
        self._inventory.resolve(list(turn.new.values()))
        turn.new.clear()

    def fold(self, turn: Turn) -> None:
        """Rows in device-time order; what is new goes to the watches. Once per turn."""
        touched: dict[Watched, None] = {}
        rows, fresh = turn.rows, turn.fresh
        turn.candidates.sort(key=_ts)
        for at, (ts_ms, slot, value, recv_ms) in enumerate(turn.candidates):
            quality = GOOD
            if ts_ms > slot.newest:
                slot.newest = ts_ms
                fresh[slot] = at
                watched = slot.watched
                if watched is not None:
                    touched[watched] = None
                    watched.obs.append(_obs(Obs, (slot.prop, slot.device, ts_ms, value)))
                    watched.rows.append(at)
            elif ts_ms < slot.newest:
                quality = LATE
                turn.late += 1
            rows.append(_row(Row, (slot.series, ts_ms, value, quality, recv_ms)))
        self._say(turn, self._watches.step(list(touched)), turn.newest_recv_ms)

    def tick(self, now_ms: int, part: int, parts: int) -> Turn:
        """Time passes for a share of the watches, and their states are due to be kept."""
        turn = Turn()
        self._say(turn, self._watches.tick(now_ms, part, parts), now_ms)
        turn.states = dict(self._watches.snapshot(part, parts))
        return turn

    def ordered(self, turn: Turn, orders: Iterable[Order], now_ms: int) -> None:
        """What guards have done by command becomes known to the watches of their targets."""
        for order in orders:
            self._say(turn, self._watches.ordered(order, now_ms), now_ms)

    def _say(self, turn: Turn, out: Outcome, now_ms: int) -> None:
        """What the watches found goes into the turn."""
        for at in out.suspects:
            turn.rows[at] = turn.rows[at]._replace(quality=Quality.SUSPECT)
        derived = turn.derived
        for watched, one in out.derived:
            slot = watched.derived.get(one.prop)
            if slot is None:
                slot = self._inventory.derived(watched, one.prop)
            if not slot.series:
                turn.new[id(slot)] = slot
            derived[slot, one.ts_ms] = (one.ts_ms, slot, one.value, now_ms)
        for finding in out.findings:
            found = self._watches.of(finding.asset)
            if found is not None:
                turn.findings.append(finding)
                turn.assets[finding.asset] = found.asset

    def close(self, turn: Turn) -> None:
        """Rows of derived values; their series are resolved by now. Once per turn.

        Of several values for one instant the last of the turn counts; one that an earlier turn
        derived stays as it is stored.
        """
        rows, fresh = turn.rows, turn.fresh
        for ts_ms, slot, value, recv_ms in turn.derived.values():
            if ts_ms == slot.newest:
                continue
            if ts_ms > slot.newest:
                slot.newest = ts_ms
                fresh[slot] = len(rows)
            turn.derived_rows += 1
            rows.append(_row(Row, (slot.series, ts_ms, value, DERIVED, recv_ms)))
