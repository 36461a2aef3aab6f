"""JSON of devices on `d/<device>/tele` and of gateways on `d/<gateway>/batch`.

tele: an object or a list of `{"ts":..., "seq":..., "values": {...}}`, or the short form without
"values". batch: `{"readings": [{"device":..., "ts":..., "seq":..., "values": {...}}, ...]}`.
The usual shape is decoded in one typed pass; anything else is looked at reading by reading, so
that one bad reading costs only itself. Knows no inventory: who may speak for whom is not decided
here.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from beffroi.hub.links import strict
from beffroi.hub.links.items import LinkError, Parsed, Refused
from beffroi.model.limits import (
    NAME_CHARS_MAX,
    READINGS_PER_MESSAGE_MAX,
    VALUES_PER_READING_MAX,
)
from beffroi.model.reading import Reading, Reason

Scalar = float | int | bool | str | None
Ts = str | int | float | UnsetType | None


class _Child(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """One reading that a gateway passes on."""

    device: str
    values: dict[str, Scalar]
    ts: Ts = UNSET
    seq: int | UnsetType | None = UNSET


class _Own(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """One reading of the device that sends it."""

    values: dict[str, Scalar]
    ts: Ts = UNSET
    seq: int | UnsetType | None = UNSET


class _Batch(msgspec.Struct, forbid_unknown_fields=True):
    readings: list[_Child]


_tele = msgspec.json.Decoder(_Own)
_teles = msgspec.json.Decoder(list[_Own])
_batch = msgspec.json.Decoder(_Batch)
_ERRORS = (msgspec.MsgspecError, ValueError, RecursionError)


def parse(payload: bytes, kind: str, sender: str, recv_ms: int) -> Parsed:
    """Readings of one MQTT message. Raises LinkError when nothing of it can be kept."""
    strict.check_size(payload)
    if kind == "batch":
        return _parse_batch(payload, recv_ms)
    if kind == "tele":
        return _parse_tele(payload, sender, recv_ms)
    raise LinkError(f"nothing is expected on the topic .../{kind[:40]}: use tele or batch")


def _parse_tele(payload: bytes, sender: str, recv_ms: int) -> Parsed:
    try:
        owns = _teles.decode(payload) if payload[:1] == b"[" else [_tele.decode(payload)]
    except _ERRORS:
        return _one_by_one(payload, sender, recv_ms)
    items = [_Child(sender, own.values, own.ts, own.seq) for own in owns]
    return _fast(payload, items, 0, 1, recv_ms)


def _parse_batch(payload: bytes, recv_ms: int) -> Parsed:
    try:
        batch = _batch.decode(payload)
    except _ERRORS:
        return _one_by_one(payload, "", recv_ms)
    return _fast(payload, batch.readings, 1, 2, recv_ms)


def _fast(payload: bytes, items: list[_Child], keys: int, keys_each: int, recv_ms: int) -> Parsed:
    """`keys` of the document and `keys_each` of each reading are already known to be there."""
    _check_count(len(items))
    readings: list[Reading] = []
    refused: list[Refused] = []
    for item in items:
        values = item.values
        keys += len(values) + keys_each
        ts = item.ts
        seq = item.seq
        device = item.device
        if seq is UNSET:
            seq = None
        else:
            keys += 1
        try:
            if ts is UNSET:
                ts_ms = recv_ms
            else:
                keys += 1
                ts_ms = _time(ts, recv_ms)
        except (ValueError, OverflowError) as error:
            refused.append(_bad_time(device, ts, error, values))
            continue
        if not values or len(values) > VALUES_PER_READING_MAX or len(device) > NAME_CHARS_MAX:
            refused.append(_bad_shape(device, values))
            continue
        readings.append(Reading(device, ts_ms, values, seq))
    strict.check_unique(payload, keys)
    return Parsed(readings, [], refused)


def _check_count(count: int) -> None:
    if count > READINGS_PER_MESSAGE_MAX:
        raise LinkError(
            f"{count} readings are more than {READINGS_PER_MESSAGE_MAX} a message: split them"
        )


def _time(ts: Ts, recv_ms: int) -> int:
    if ts.__class__ is int or ts.__class__ is float:
        return strict.number_ms(ts)
    if ts is None or ts is UNSET:
        return recv_ms
    if isinstance(ts, str):
        return strict.iso_ms(ts)
    raise ValueError("is neither a text nor a number")


def _bad_time(device: str, ts: object, error: Exception, values: Any) -> Refused:
    detail = f"the time {str(ts)[:60]!r} cannot be understood: {str(error)[:200]}"
    return Refused(device[:NAME_CHARS_MAX], Reason.BAD_TIME, detail, strict.dump(values))


def _bad_shape(device: str, values: dict[str, Any]) -> Refused:
    if len(device) > NAME_CHARS_MAX:
        detail = f"a device id has at most {NAME_CHARS_MAX} characters"
    elif not values:
        detail = 'a reading without values: put at least one number under "values"'
    else:
        detail = f"{len(values)} values are more than {VALUES_PER_READING_MAX} a reading"
    return Refused(device[:NAME_CHARS_MAX], Reason.UNREADABLE, detail, strict.dump(values))


# --- the slow way --------------------------------------------------------------------------------
def _one_by_one(payload: bytes, sender: str, recv_ms: int) -> Parsed:
    """Each reading is judged alone; the short form of tele is understood here."""
    document = strict.loads(payload)
    if sender:
        items = document if isinstance(document, list) else [document]
    else:
        items = _of_batch(document)
    _check_count(len(items))
    parsed = Parsed()
    for item in items:
        try:
            parsed.readings.append(_reading(item, sender, recv_ms))
        except LinkError as error:
            device = item.get("device", sender) if isinstance(item, dict) else sender
            claimed = device[:NAME_CHARS_MAX] if isinstance(device, str) else ""
            reason = getattr(error, "reason", Reason.UNREADABLE)
            parsed.refused.append(Refused(claimed, reason, str(error), strict.dump(item)))
    return parsed


class _BadTimeError(LinkError):
    reason = Reason.BAD_TIME


def _of_batch(document: Any) -> list[Any]:
    if not isinstance(document, dict) or set(document) != {"readings"}:
        raise LinkError('a batch is {"readings": [...]} and nothing else')
    items = document["readings"]
    if not isinstance(items, list):
        raise LinkError('"readings" must be a list')
    return items


def _reading(item: Any, sender: str, recv_ms: int) -> Reading:
    if not isinstance(item, dict):
        raise LinkError('a reading is an object {"ts":..., "values": {...}}')
    device = sender or item.get("device")
    if not isinstance(device, str) or not device:
        raise LinkError('a reading of a batch names its "device"')
    values = _values(item, sender)
    if not values or len(values) > VALUES_PER_READING_MAX or len(device) > NAME_CHARS_MAX:
        raise LinkError(_bad_shape(device, values).detail)
    seq = item.get("seq")
    if seq is not None and (isinstance(seq, bool) or not isinstance(seq, int)):
        raise LinkError('"seq" must be a whole number')
    return Reading(device, _slow_time(item.get("ts"), recv_ms), values, seq)


def _values(item: dict[str, Any], sender: str) -> dict[str, Any]:
    head = {"ts", "seq"} if sender else {"ts", "seq", "device"}
    if "values" not in item:
        if not sender:
            raise LinkError('a reading of a batch has its numbers under "values"')
        return {name: value for name, value in item.items() if name not in head}
    unknown = set(item) - head - {"values"}
    if unknown:
        name = min(unknown)[:NAME_CHARS_MAX]
        raise LinkError(f'unknown key {name!r} beside "values": put it inside or leave it out')
    values = item["values"]
    if not isinstance(values, dict):
        raise LinkError('"values" must be an object of name: number')
    return values


def _slow_time(ts: Any, recv_ms: int) -> int:
    try:
        return _time(ts, recv_ms)
    except (ValueError, OverflowError) as error:
        raise _BadTimeError(
            f"the time {str(ts)[:60]!r} cannot be understood: {str(error)[:200]}"
        ) from error
