"""The durable streams of the hub and their consumers: what exists before anybody may connect.

`$MQTT_msgs` is the broker's own stream of MQTT QoS 1 messages; PUBACK promises exactly that
stream. The broker would make it with the retention "interest": then each acknowledged message is
deleted by itself, with an fsync of its own, which halves what the disk can take, and a message
that comes before our consumer exists is dropped although PUBACK was sent. So we make it first, with
the retention "limits", and `purge` what was acknowledged, thousands at a time. `LINKS` holds what
the hub itself receives by other ways. Both refuse new messages when full, rather than drop old
ones: a device keeps what it could not send.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from beffroi.model.limits import ACK_PENDING_MAX, BROKER_STORE_BYTES_MAX

ACK_WAIT_S = 30
ENSURE_TRIES = 5
CONSUMER = "hub"
Request = Callable[[str, bytes], Awaitable[bytes]]


class StreamError(Exception):
    """The broker refused to set a stream or consumer up; the text has its answer."""


class Source(NamedTuple):
    """A stream and the subjects of it that the hub reads."""

    stream: str
    subjects: tuple[str, ...]
    filters: tuple[str, ...]
    bytes_max: int
    consumer: str = CONSUMER


MQTT = Source(
    "$MQTT_msgs",
    ("$MQTT.msgs.>",),
    ("$MQTT.msgs.d.*.tele", "$MQTT.msgs.d.*.batch"),
    BROKER_STORE_BYTES_MAX * 3 // 4,
)
LINKS = Source("LINKS", ("link.>",), ("link.>",), BROKER_STORE_BYTES_MAX // 8)
SOURCES = (MQTT, LINKS)  # of the ingest
# What guards say, in the same stream and with a consumer of its own: a slow ingest delays no
# receipt, and who reads one cannot swallow the other.
GUARDS = MQTT._replace(
    filters=("$MQTT.msgs.d.*.receipt", "$MQTT.msgs.d.*.status"), consumer="dispatch"
)
ALL = (*SOURCES, GUARDS)

_STREAM_EXISTS = 10_058
_NOT_FOUND = (10_059, 10_014)


async def ensure(request: Request) -> None:
    """Make streams and consumers that are missing; leave those that exist as they are.

    Gate and hub both call it, perhaps at the same moment: the broker then reserves the space twice
    for an instant and refuses one of them, who looks again.
    """
    for tries_left in reversed(range(ENSURE_TRIES)):
        try:
            await _ensure(request)
        except StreamError:
            if not tries_left:
                raise
            await asyncio.sleep(0.2)
        else:
            return


async def _ensure(request: Request) -> None:
    for source in ALL:
        stream = {
            "name": source.stream,
            "subjects": source.subjects,
            "storage": "file",
            "retention": "limits",
            "discard": "new",
            "max_bytes": source.bytes_max,
            "max_msgs": -1,
            "max_age": 0,
            "max_consumers": -1,
            "num_replicas": 1,
        }
        if await _call(request, f"STREAM.INFO.{source.stream}") is None:
            await _call(request, f"STREAM.CREATE.{source.stream}", stream)
        if await _call(request, f"CONSUMER.INFO.{source.stream}.{source.consumer}") is None:
            name = f"CONSUMER.DURABLE.CREATE.{source.stream}.{source.consumer}"
            await _call(request, name, _consumer(source))


async def info(request: Request, source: Source) -> dict[str, Any]:
    """The consumer's state: num_pending, num_ack_pending, ..."""
    answer = await _call(request, f"CONSUMER.INFO.{source.stream}.{source.consumer}")
    if answer is None:
        raise StreamError(f"the consumer of {source.stream} is missing; start the gate again")
    return answer


async def redeliver(request: Request, source: Source) -> None:
    """What an earlier reader took and never acknowledged comes again now, not in ACK_WAIT_S."""
    if (await info(request, source))["num_ack_pending"]:
        await _call(request, f"CONSUMER.RESET.{source.stream}.{source.consumer}")


async def purge(request: Request, source: Source, done: int) -> int:
    """Delete what the hub has acknowledged, up to the first message that it has not; `done` is
    what the last call returned (0 at first). Other subjects of the stream are not touched."""
    floor: int = (await info(request, source))["ack_floor"]["stream_seq"]
    if floor > done:
        for subject in source.filters:
            body = {"filter": subject, "seq": floor + 1}
            await _call(request, f"STREAM.PURGE.{source.stream}", body)
    return floor


def _consumer(source: Source) -> dict[str, Any]:
    # Explicit acknowledgement of each message, never "all": with "all" a partial batch that got
    # lost on the way was covered by the next acknowledgement (343 readings lost, measured).
    config = {
        "durable_name": source.consumer,
        "ack_policy": "explicit",
        "deliver_policy": "all",
        "ack_wait": ACK_WAIT_S * 1_000_000_000,
        "max_ack_pending": ACK_PENDING_MAX,
        "max_deliver": -1,
        "filter_subjects": source.filters,
    }
    return {"stream_name": source.stream, "config": config}


async def _call(request: Request, name: str, body: object = None) -> dict[str, Any] | None:
    """A JetStream API call; None when the thing does not exist."""
    payload = b"" if body is None else json.dumps(body).encode()
    answer: dict[str, Any] = json.loads(await request(f"$JS.API.{name}", payload))
    error = answer.get("error")
    if error is None:
        return answer
    if error.get("err_code") in _NOT_FOUND:
        return None
    if error.get("err_code") == _STREAM_EXISTS:  # somebody else made it meanwhile
        return answer
    raise StreamError(f"{name}: {error.get('description', error)}")
