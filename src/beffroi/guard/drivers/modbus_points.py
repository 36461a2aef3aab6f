"""What one Modbus address means: which table, how many registers, what unit. Pure: no socket.

A register unit is worth `multiply / divide` units of the fact. A write must be exact: a value that
no register can hold is refused, never rounded, because the read-back would then differ.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from beffroi.guard.driver import DriverError
from beffroi.guard.drivers.limits import (
    MODBUS_ADDRESS_MAX,
    MODBUS_BITS_MAX,
    MODBUS_REGISTERS_MAX,
    RAW_MAX,
    WORDS_MAX,
)
from beffroi.guard.drivers.wiring import Fields, WiringError

COIL, DISCRETE, INPUT, HOLDING = "coil", "discrete", "input", "holding"
TABLES = (COIL, DISCRETE, INPUT, HOLDING)
WRITABLE = (COIL, HOLDING)
BIT_TABLES = (COIL, DISCRETE)
# struct codes, big-endian; Modbus sends the high byte of a register first.
FORMATS = {"bit": "", "u16": "H", "s16": "h", "u32": "I", "s32": "i", "f32": "f"}


@dataclass(frozen=True, slots=True)
class Point:
    """`low`..`high` are in units of the fact: outside, a reading is no fact and a write is refused.

    `swapped`: the low register of a 32-bit value comes first. `bit` takes one bit of a register
    (reading only: to write one would need a read before it, and somebody may write between).
    """

    table: str
    address: int
    encoding: str
    low: int
    high: int
    multiply: int = 1
    divide: int = 1
    swapped: bool = False
    bit: int = -1
    words: Mapping[str, int] = field(default_factory=dict)  # text for a coded number

    @property
    def width(self) -> int:
        """How many registers or bits it takes."""
        return 2 if self.encoding in ("u32", "s32", "f32") else 1

    def shown(self, cells: Sequence[int]) -> int | str | None:
        """What these cells say; None when it is no value that this point can have."""
        raw = self._raw(cells)
        if raw is None:
            return None
        value = _nearest(Fraction(raw) * self.multiply / self.divide)
        if not self.low <= value <= self.high:
            return None
        if not self.words:
            return value
        return next((word for word, code in self.words.items() if code == value), None)

    def _raw(self, cells: Sequence[int]) -> int | float | None:
        if self.encoding == "bit":
            return cells[0] if self.bit < 0 else cells[0] >> self.bit & 1
        ordered = tuple(reversed(cells)) if self.swapped else tuple(cells)
        packed = struct.pack(f">{self.width}H", *ordered)
        raw: int | float = struct.unpack(f">{FORMATS[self.encoding]}", packed)[0]
        return raw if math.isfinite(raw) else None

    def cells(self, value: int | str) -> list[int]:
        """The cells that say exactly `value`. DriverError when none do."""
        number = self._number(value)
        raw = Fraction(number) * self.divide / self.multiply
        if self.encoding == "f32":
            return self._float_cells(number, raw)
        if raw.denominator != 1:
            raise DriverError(f"{number} is not a whole number of register units")
        if self.encoding == "bit":
            return [self._bit(raw.numerator)]
        return self._packed(raw.numerator)

    def _packed(self, raw: int | float) -> list[int]:
        try:
            packed = struct.pack(f">{FORMATS[self.encoding]}", raw)
        except (struct.error, OverflowError):
            raise DriverError(f"{raw} does not fit in {self.encoding}") from None
        cells = list(struct.unpack(f">{self.width}H", packed))
        return cells[::-1] if self.swapped else cells

    def _float_cells(self, number: int, raw: Fraction) -> list[int]:
        """A float is good enough when it reads back as the same whole number."""
        cells = self._packed(float(raw))
        back = self._raw(cells)
        if back is None or _nearest(Fraction(back) * self.multiply / self.divide) != number:
            raise DriverError(f"{number} cannot be told in f32")
        return cells

    def _number(self, value: int | str) -> int:
        if isinstance(value, str):
            if value not in self.words:
                raise DriverError(f"{value!r} is none of {', '.join(self.words) or 'the words'}")
            value = self.words[value]
        elif self.words:
            raise DriverError(f"expected one of {', '.join(self.words)}, got the number {value}")
        if isinstance(value, bool) or not self.low <= value <= self.high:
            raise DriverError(f"{value} is outside {self.low}..{self.high} of the wiring")
        return value

    def _bit(self, raw: int) -> int:
        if raw not in (0, 1):
            raise DriverError(f"{raw} is not a bit")
        return raw


@dataclass(frozen=True, slots=True)
class Span:
    """Neighbouring cells of one table, read together so that they are of one moment."""

    table: str
    address: int
    count: int


def read_point(fields: Fields, *, writes: bool, fixed: int | str | None = None) -> Point:
    """One point of the wiring table. WiringError says what is wrong. Does not call `done`.

    A write must say its bounds; one of a `fixed` value is bounded by that value. A reading may
    leave them out: then all that the encoding holds.
    """
    table = fields.one_of("table", WRITABLE if writes else TABLES)
    bits = table in BIT_TABLES
    encoding = fields.one_of("encoding", tuple(FORMATS), "bit" if bits else "u16")
    bit = fields.whole("bit", 0, 15) if encoding == "bit" and not bits else -1
    if bits and encoding != "bit":
        raise WiringError(f"{fields.where}: a {table} is one bit, not {encoding}")
    if writes and bit >= 0:
        raise WiringError(f"{fields.where}: one bit of a register cannot be written safely")
    bounds = _bounds(fields, encoding, writes, fixed)
    point = Point(
        table=table,
        address=fields.whole("address", 0, MODBUS_ADDRESS_MAX),
        encoding=encoding,
        low=bounds[0],
        high=bounds[1],
        multiply=fields.whole("multiply", 1, 1_000_000, 1),
        divide=fields.whole("divide", 1, 1_000_000, 1),
        swapped=fields.flag("swapped", False),
        bit=bit,
        words=fields.numbers("words", WORDS_MAX),
    )
    if point.address + point.width - 1 > MODBUS_ADDRESS_MAX:
        raise WiringError(f"{fields.where}: ends beyond address {MODBUS_ADDRESS_MAX}")
    return point


def _bounds(
    fields: Fields, encoding: str, writes: bool, fixed: int | str | None
) -> tuple[int, int]:
    if encoding == "bit":
        return 0, 1
    if isinstance(fixed, int):
        return fixed, fixed
    if writes and fixed is None:
        low = fields.whole("min", -RAW_MAX, RAW_MAX)
        return low, fields.whole("max", low, RAW_MAX)
    low = fields.whole("min", -RAW_MAX, RAW_MAX, -RAW_MAX)
    return low, fields.whole("max", low, RAW_MAX, RAW_MAX)


def spans(points: Sequence[Point]) -> list[Span]:
    """The fewest requests that read all of them, without touching an address that none names (a
    PLC answers a request over a hole with an exception)."""
    found: list[Span] = []
    for point in sorted(points, key=lambda p: (p.table, p.address, -p.width)):
        last = found[-1] if found else None
        end = point.address + point.width
        most = MODBUS_BITS_MAX if point.table in BIT_TABLES else MODBUS_REGISTERS_MAX
        if (
            last
            and last.table == point.table
            and point.address <= last.address + last.count
            and end - last.address <= most
        ):
            count = max(last.count, end - last.address)
            found[-1] = Span(last.table, last.address, count)
        else:
            found.append(Span(point.table, point.address, point.width))
    return found


def _nearest(value: Fraction) -> int:
    """Half away from zero, as a person rounds."""
    whole = math.floor(abs(value) + Fraction(1, 2))
    return whole if value >= 0 else -whole
