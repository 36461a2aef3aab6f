"""A reading as a device sends it, and an observation as the hub keeps it.

Times are UTC milliseconds since 1970 (`*_ms`). Values are floats; a boolean is 0.0 or 1.0.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Any, NamedTuple

import msgspec


class Quality(IntEnum):
    """What the hub thinks of an observation. It is kept whatever its quality."""

    GOOD = 0
    SUSPECT = 1  # contradicts physics, history or a twin sensor
    LATE = 2  # arrived after a newer one; kept by device time, not shown to the watches
    DERIVED = 3  # computed by the hub


class Reading(msgspec.Struct, frozen=True, gc=False):
    """What one device says of one instant. `raw` is decoded by the domain of the device's asset.

    `seq` is the device's own counter, if it has one. `device` is who measured, not who carried.
    """

    device: str
    ts_ms: int
    raw: dict[str, Any]
    seq: int | None = None


class Obs(NamedTuple):
    """One accepted value, as a watch sees it."""

    prop: str
    device: str
    ts_ms: int
    value: float


class Row(NamedTuple):
    """One observation as it is stored. (series_id, ts_ms) is its identity."""

    series_id: int
    ts_ms: int
    value: float
    quality: int
    recv_ms: int


class Reason(StrEnum):
    """Why a message or a reading went to quarantine."""

    UNREADABLE = "unreadable"  # not JSON, wrong shape, too deep, too large
    UNKNOWN_DEVICE = "unknown_device"
    NOT_YOUR_CHILD = "not_your_child"  # a gateway speaks for a device that is not its own
    REVOKED = "revoked"
    BAD_TIME = "bad_time"  # in the future or before PAST_S_MAX
    CODEC_FAILED = "codec_failed"
    UNKNOWN_PROPERTY = "unknown_property"
    NOT_A_NUMBER = "not_a_number"
    OUT_OF_RANGE = "out_of_range"  # physically impossible for the property
    CONFLICT = "conflict"  # another value for the same series and instant is already kept
    OVER_QUOTA = "over_quota"
    REFUSED_BY_BROKER = "refused_by_broker"  # a topic not its own, yet acknowledged (MQTT 3.1.1)


class Quarantined(NamedTuple):
    """A message or reading that was not accepted, kept whole so that it can be looked at."""

    recv_ms: int
    link: str  # "mqtt", "chirpstack", "tts", "csv"
    device: str  # as claimed; "" when not even that could be read
    reason: str
    detail: str  # one English sentence that says what to do
    payload: bytes
