"""MULTI text and the message codes of NTCIP 1203. Pure.

Checked against the worked example that NTCIP 8005 gives for MessageActivationCode: MULTI
`[jp3]TEST [fl]Flashing[/fl]` in volatile slot 5 is `01 0B 37 04 00 05 95 F9 67 08 09 0A`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from beffroi.guard.driver import DriverError
from beffroi.guard.drivers.limits import MULTI_BYTES_MAX

LINE_ENDS = frozenset({"nl", "np"})
_PIECE = re.compile(r"\[\[|\]\]|\[([^\[\]]*)\]|[^\[\]]+|.", re.DOTALL)
# What French needs and ISO 8859-1, the usual character set of signs, does not have.
_PLAIN = str.maketrans({"’": "'", "‘": "'", "Œ": "OE", "œ": "oe", "–": "-", "\u202f": " "})


def crc16(data: bytes) -> int:
    """CRC-16 of ISO/IEC 3309 (reflected 0x1021, start and final xor 0xFFFF)."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0x8408 if crc & 1 else crc >> 1
    return crc ^ 0xFFFF


def message_crc(multi: bytes, beacon: int = 0, pixel_service: int = 0) -> int:
    """dmsMessageCRC: over the MULTI string, the beacon and the pixel service, low byte first."""
    crc = crc16(multi + bytes([beacon & 0xFF, pixel_service & 0xFF]))
    return (crc & 0xFF) << 8 | crc >> 8


@dataclass(frozen=True, slots=True)
class MessageId:
    """Which message: memory type, number and CRC."""

    memory: int
    number: int
    crc: int

    def encoded(self) -> bytes:
        return bytes([self.memory]) + self.number.to_bytes(2, "big") + self.crc.to_bytes(2, "big")


def read_id(data: bytes) -> MessageId:
    """MessageIDCode, 5 bytes. DriverError."""
    if len(data) != 5:
        raise DriverError(f"a message id of {len(data)} bytes instead of 5")
    return MessageId(data[0], int.from_bytes(data[1:3], "big"), int.from_bytes(data[3:5], "big"))


def activation(
    message: MessageId, minutes: int, priority: int, source: bytes = b"\x7f\0\0\1"
) -> bytes:
    """MessageActivationCode, 12 bytes. `minutes` 65535 would mean for ever."""
    return minutes.to_bytes(2, "big") + bytes([priority]) + message.encoded() + source


def escaped(text: str) -> str:
    """Text that a person chose, so that it can be no tag."""
    return text.replace("[", "[[").replace("]", "]]")


def encoded(multi: str) -> bytes:
    """As ISO 8859-1. DriverError for a character that the sign cannot have, or too long."""
    plain = multi.translate(_PLAIN)
    try:
        data = plain.encode("latin-1")
    except UnicodeEncodeError as error:
        raise DriverError(f"{plain[error.start]!r} is no character of a sign") from None
    if len(data) > MULTI_BYTES_MAX or any(byte < 0x20 or 0x7F <= byte < 0xA0 for byte in data):
        raise DriverError(f"more than {MULTI_BYTES_MAX} bytes, or a control character")
    return data


def lines(multi: bytes) -> list[str]:
    """What a passer-by reads, tags left out. An unpaired bracket is shown as it is."""
    found = [""]
    for piece in _PIECE.finditer(multi.decode("latin-1")):
        whole, tag = piece.group(0), piece.group(1)
        if whole in ("[[", "]]"):
            found[-1] += whole[0]
        elif tag is None:
            found[-1] += whole
        elif re.sub(r"\d+$", "", tag.lower()) in LINE_ENDS:
            found.append("")
    return [line for line in found if line]
