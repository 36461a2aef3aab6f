"""LoRaWAN payload codecs (TS013), run where they can do no harm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol


class CodecError(Exception):
    """The codec is not allow-listed, failed, or was stopped; the text says which and what to do."""


class CodecBrokenError(CodecError):
    """No frame is to blame: the codec is not allowed, does not load, or had to be stopped."""


class Uplink(NamedTuple):
    """One frame for `decodeUplink`. `recv_time` is ISO 8601 text, as TS013 codecs expect."""

    f_port: int
    payload: bytes
    recv_time: str


@dataclass(frozen=True, slots=True)
class Codec:
    """An allow-listed codec. `sha256` of the source is its name everywhere."""

    sha256: str
    name: str
    source: str
    added_ms: int
    added_by: str


class CodecRunner(Protocol):
    """Runs codecs in another process with limits on memory and time.

    A hostile codec costs only the frames of its own device type.
    """

    def decode(self, sha256: str, frames: Sequence[Uplink]) -> list[dict[str, Any] | CodecError]:
        """The `data` of each frame, or why there is none. Same order and length as `frames`."""

    def trial(self, codec: Codec, frames: Sequence[Uplink]) -> list[dict[str, Any] | CodecError]:
        """The same for a codec that is not allow-listed yet, in a process of its own."""

    def close(self) -> None:
        """Stop the processes."""
