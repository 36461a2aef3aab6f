"""A message sign as NTCIP 1203 describes it, for the lab: message memory, MULTI, CRC, activation.

Written apart from the driver on purpose (its own CRC, its own MULTI reader), so that a mistake in
one does not hide in the other.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from beffroi.lab.signal_unit import Oid, SetError, Value

DMS: Oid = (1, 3, 6, 1, 4, 1, 1206, 4, 2, 3)
TABLE: Oid = (*DMS, 5, 8, 1)
PERMANENT, CHANGEABLE, CURRENT, BLANK = 2, 3, 5, 7
NOT_USED, MODIFYING, VALID, ERROR, MODIFY_REQ, VALIDATE_REQ, NOT_USED_REQ = 1, 2, 4, 5, 6, 7, 8
LINES_MAX, LINE_CHARS_MAX, PAGES_MAX = 3, 24, 2
TAG = re.compile(rb"(nl\d?|np|j[lp][2-5]|fo\d{1,3}|pt\d{1,3}(o\d{1,3})?|/?fl)", re.IGNORECASE)
BLANK_ID = bytes([BLANK, 0, 1, 0, 0])


def reversed_bits(value: int, width: int) -> int:
    return int(f"{value:0{width}b}"[::-1], 2)


def crc(data: bytes) -> int:
    """CRC-16 of ISO/IEC 3309 the long way: polynomial 0x1021, bits of each byte turned round; the
    two bytes of the result swapped, as dmsMessageCRC has them."""
    register = 0xFFFF
    for byte in data:
        register ^= reversed_bits(byte, 8) << 8
        for _ in range(8):
            register = (register << 1 ^ 0x1021 if register & 0x8000 else register << 1) & 0xFFFF
    turned = reversed_bits(register, 16) ^ 0xFFFF
    return int.from_bytes(turned.to_bytes(2, "little"), "big")


@dataclass
class Message:
    multi: bytes = b""
    owner: bytes = b""
    beacon: int = 0
    pixels: int = 0
    priority: int = 1
    status: int = NOT_USED

    @property
    def crc(self) -> int:
        return crc(self.multi + bytes([self.beacon, self.pixels])) if self.multi else 0


def syntax_error(multi: bytes) -> tuple[int, int]:
    """(dmsMultiSyntaxError, position); 2 is none."""
    lines, pages, chars, at = 1, 1, 0, 0
    while at < len(multi):
        if multi[at : at + 2] in (b"[[", b"]]"):
            chars, at = chars + 1, at + 2
        elif multi[at : at + 1] == b"[":
            end = multi.find(b"]", at)
            tag = multi[at + 1 : end] if end > 0 else b""
            if not TAG.fullmatch(tag):
                return 3, at
            lines, chars = (lines + 1, 0) if tag.lower().startswith(b"nl") else (lines, chars)
            lines, pages, chars = (
                (1, pages + 1, 0) if tag.lower() == b"np" else (lines, pages, chars)
            )
            at = end + 1
        elif multi[at : at + 1] == b"]" or multi[at] < 0x20 or 0x7F <= multi[at] < 0xA0:
            return 7, at
        else:
            chars, at = chars + 1, at + 1
        if lines > LINES_MAX or chars > LINE_CHARS_MAX:
            return 5, at
        if pages > PAGES_MAX:
            return 12, at
    return 2, 0


@dataclass
class MessageSign:
    """`minute_s` lets a lab's minute be short."""

    slots: int = 4
    minute_s: float = 60.0
    control_mode: int = 4
    end_message: bytes = BLANK_ID
    comm_loss_message: bytes = BLANK_ID
    comm_loss_min: int = 5
    errors: int = 0
    lies: int = 0  # says yes to every activation, and shows what it showed
    paint: bytes = b""  # what stands there whatever the memory says
    now_s: float = 0.0
    heard_s: float = 0.0
    until_s: float = float("inf")
    source: bytes = BLANK_ID
    source_mode: int = 8
    shown: Message = field(default_factory=Message)
    activate_error: int = 2
    validate_error: int = 2
    syntax: tuple[int, int] = (2, 0)
    messages: dict[tuple[int, int], Message] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.messages = {(CHANGEABLE, n): Message() for n in range(1, self.slots + 1)}
        self.messages[PERMANENT, 1] = Message(b"BEFFROI", priority=10, status=VALID)

    def advance(self, now_s: float) -> None:
        self.now_s = now_s
        if now_s >= self.until_s:
            self._show(self.end_message, 0xFFFF, 14)
        lost_s = self.comm_loss_min * self.minute_s
        if self.comm_loss_min and now_s - self.heard_s > lost_s and self.source_mode != 12:
            self._show(self.comm_loss_message, 0xFFFF, 12)

    def heard(self) -> None:
        self.heard_s = self.now_s

    def objects(self) -> dict[Oid, Callable[[], Value]]:
        """What can be read."""
        found: dict[Oid, Callable[[], Value]] = {
            (*DMS, 5, 9, 0): lambda: self.validate_error,
            (*DMS, 6, 1, 0): lambda: self.control_mode,
            (*DMS, 6, 4, 0): self._minutes_left,
            (*DMS, 6, 5, 0): lambda: self.source,
            (*DMS, 6, 7, 0): lambda: self.source_mode,
            (*DMS, 6, 12, 0): lambda: self.comm_loss_message,
            (*DMS, 6, 13, 0): lambda: self.comm_loss_min,
            (*DMS, 6, 15, 0): lambda: self.end_message,
            (*DMS, 6, 17, 0): lambda: self.activate_error,
            (*DMS, 6, 18, 0): lambda: self.syntax[0],
            (*DMS, 6, 19, 0): lambda: self.syntax[1],
            (*DMS, 9, 7, 1, 0): lambda: self.errors,
        }
        for memory, number in [*self.messages, (CURRENT, 1)]:
            for column in range(3, 10):
                oid = (*TABLE, column, memory, number)
                found[oid] = lambda at=(column, memory, number): self._cell(*at)  # type: ignore[misc]
        return found

    def _cell(self, column: int, memory: int, number: int) -> Value:
        row = self.shown if memory == CURRENT else self.messages[memory, number]
        cells: list[Value] = [
            self.paint if self.paint and memory == CURRENT else row.multi,
            row.owner,
            row.crc,
            row.beacon,
            row.pixels,
            row.priority,
            row.status,
        ]
        return cells[column - 3]

    def _minutes_left(self) -> int:
        if self.until_s == float("inf"):
            return 0xFFFF
        return max(0, int((self.until_s - self.now_s) / self.minute_s) + 1)

    def write(self, oid: Oid, value: Value) -> None:
        """SetError for what cannot be written, or not now."""
        if oid == (*DMS, 6, 3, 0):
            self._activate(value)
        elif oid == (*DMS, 6, 1, 0) and isinstance(value, int):
            self.control_mode = value
        elif oid == (*DMS, 6, 15, 0) and isinstance(value, bytes):
            self.end_message = value
        elif oid[:-3] == TABLE and (oid[-2], oid[-1]) in self.messages and oid[-2] == CHANGEABLE:
            self._write_cell(self.messages[oid[-2], oid[-1]], oid[-3], value)
        else:
            raise SetError("notWritable")

    def _write_cell(self, row: Message, column: int, value: Value) -> None:
        if column == 9 and isinstance(value, int):
            self._status(row, value)
            return
        if row.status != MODIFYING:
            raise SetError("genErr")
        if column == 3 and isinstance(value, bytes):
            row.multi = value
        elif column == 4 and isinstance(value, bytes):
            row.owner = value
        elif column in (6, 7) and value in (0, 1):
            row.beacon, row.pixels = (
                (int(value), row.pixels) if column == 6 else (row.beacon, int(value))
            )
        elif column == 8 and isinstance(value, int) and 1 <= value <= 255:
            row.priority = value
        else:
            raise SetError("wrongValue")

    def _status(self, row: Message, asked: int) -> None:
        if asked == MODIFY_REQ:
            row.status = MODIFYING
        elif asked == NOT_USED_REQ:
            row.status, row.multi = NOT_USED, b""
        elif asked == VALIDATE_REQ and row.status == MODIFYING:
            self.syntax = syntax_error(row.multi)
            fine = self.syntax[0] == 2
            row.status, self.validate_error = (VALID, 2) if fine else (ERROR, 5)
        else:
            raise SetError("genErr")

    def _activate(self, value: Value) -> None:
        if not isinstance(value, bytes) or len(value) != 12:
            raise SetError("wrongLength")
        self.activate_error = self._refusal(value[3:8], value[2])
        if self.activate_error != 2:
            raise SetError("genErr")
        if not self.lies:
            self._show(value[3:8], int.from_bytes(value[:2], "big"), 8)

    def _refusal(self, source: bytes, priority: int) -> int:
        memory, number = source[0], int.from_bytes(source[1:3], "big")
        row = self.messages.get((memory, number))
        checks = [
            (9, self.control_mode == 2),
            (5, memory not in (PERMANENT, CHANGEABLE, BLANK)),
            (6, memory == BLANK and not 1 <= number <= 255),
            (6, memory != BLANK and row is None),
            (4, row is not None and row.status != VALID),
            (7, int.from_bytes(source[3:5], "big") != (row.crc if row else 0)),
            (3, priority < self.shown.priority),
        ]
        return next((error for error, wrong in checks if wrong), 2)

    def _show(self, source: bytes, minutes: int, mode: int) -> None:
        memory, number = source[0], int.from_bytes(source[1:3], "big")
        self.source, self.source_mode = source, mode
        if memory == BLANK:
            self.shown = Message(priority=number, status=VALID)
        else:
            row = self.messages[memory, number]
            self.shown = Message(row.multi, row.owner, row.beacon, row.pixels, row.priority, VALID)
        forever = minutes == 0xFFFF
        self.until_s = float("inf") if forever else self.now_s + minutes * self.minute_s
