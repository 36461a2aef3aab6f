"""What a link's parser gives: readings, frames that still need a codec, and refusals with a reason.

Knows no format, no inventory and no clock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from beffroi.model.reading import Reading


class LinkError(Exception):
    """The whole message cannot be understood; the text says what to do. Goes to quarantine."""


class Frame(NamedTuple):
    """A LoRaWAN uplink. `decoded` is what the network server's own codec said, if it has one."""

    dev_eui: str  # upper-case hex, 16 characters
    f_port: int
    payload: bytes
    recv_time: str  # ISO 8601, UTC: when the network server heard it
    ts_ms: int  # the same instant
    f_cnt: int
    decoded: Mapping[str, Any] | None


class Refused(NamedTuple):
    """One reading of a message that is otherwise good."""

    device: str  # as claimed, "" if unknown
    reason: str
    detail: str
    payload: bytes


@dataclass(slots=True)
class Parsed:
    """What one message held."""

    readings: list[Reading] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    ignored: int = 0  # well-formed events that carry no reading (a join, a downlink receipt)


# (payload, kind, sender, recv_ms) -> Parsed; raises LinkError when nothing can be kept.
# `kind` is the last level of the MQTT topic; `recv_ms` the time of a reading that names none.
Parser = Callable[[bytes, str, str, int], Parsed]
