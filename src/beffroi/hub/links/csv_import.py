"""Rows of a table -> messages of readings, in the form of a gateway's batch.

Total: every filled cell goes into a message, also one that is no number or has no readable time.
The pipeline then refuses it with its reason, by the same rules as everything else. Reads no file.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from beffroi.hub.links import strict
from beffroi.hub.links.import_map import Column, ImportMap, MapError, Time
from beffroi.model.limits import (
    IMPORT_MESSAGE_BYTES,
    IMPORT_MESSAGE_READINGS,
    VALUES_PER_READING_MAX,
)

_encode = msgspec.json.Encoder().encode


class Chunk(NamedTuple):
    """One message. `row` is the first row (from 0) that is not in it or before it."""

    payload: bytes
    row: int
    values: int
    readings: int
    first_ms: int | None  # of its readable times
    last_ms: int | None


class Cells(NamedTuple):
    """Where the mapped columns are in a row."""

    time: int  # -1: rows follow each other
    columns: tuple[tuple[int, Column], ...]
    left_out: tuple[str, ...]


def chunks(
    lines: Iterable[str],
    mapping: ImportMap,
    *,
    skip_rows: int = 0,
    shift_ms: int = 0,
    readings_max: int = IMPORT_MESSAGE_READINGS,
) -> Iterator[Chunk]:
    """Messages in the order of the rows; whole rows. Raises MapError for a wrong header."""
    rows = csv.reader(lines, delimiter=mapping.delimiter)
    cells = locate(next(rows, []), mapping)
    clock = _Clock(mapping.time, shift_ms)
    part = _Part()
    number = -1
    for number, row in enumerate(rows):
        if number < skip_rows:
            clock.skip(number)
            continue
        if not row:
            continue
        readings = _readings(row, number, cells, mapping, clock)
        size = sum(len(reading) for reading in readings)
        if part.readings and (
            len(part.readings) + len(readings) > readings_max
            or part.size + size > IMPORT_MESSAGE_BYTES
        ):
            yield part.chunk(number)
            part = _Part()
        part.add(readings, size, clock)
    if part.readings:
        yield part.chunk(number + 1)


def locate(header: list[str], mapping: ImportMap) -> Cells:
    """Raises MapError when a mapped column is not in the table."""
    names = [name.strip().lstrip("\ufeff") for name in header]
    at = {name: index for index, name in enumerate(names)}
    wanted = [column.name for column in mapping.columns]
    missing = [name for name in [*wanted, mapping.time.column] if name and name not in at]
    if missing:
        raise MapError(f"the table has no column {missing[0]!r}; it has {', '.join(names)[:500]}")
    mapped = {*wanted, mapping.time.column}
    return Cells(
        at[mapping.time.column] if mapping.time.column else -1,
        tuple((at[column.name], column) for column in mapping.columns),
        tuple(name for name in names if name not in mapped),
    )


class _Part:
    """A message being filled."""

    def __init__(self) -> None:
        self.readings: list[bytes] = []
        self.size = 0
        self.values = 0
        self.times: list[int] = []

    def add(self, readings: list[bytes], size: int, clock: _Clock) -> None:
        self.readings += readings
        self.size += size
        self.values += clock.values
        if clock.ms is not None:
            self.times.append(clock.ms)

    def chunk(self, row: int) -> Chunk:
        payload = b'{"readings":[' + b",".join(self.readings) + b"]}"
        times = self.times
        first, last = (min(times), max(times)) if times else (None, None)
        return Chunk(payload, row, self.values, len(self.readings), first, last)


class _Clock:
    """The time of each row; `ms` is that of the newest one, None when it cannot be read."""

    def __init__(self, time: Time, shift_ms: int) -> None:
        self._time = time
        self._shift_ms = shift_ms
        self._gaps = set(time.gaps)
        self._steps = 0
        self.ms: int | None = None
        self.values = 0  # of the row at hand
        self._start_ms = 0
        if time.start:
            try:
                self._start_ms = _ms(datetime.fromisoformat(time.start), time)
            except ValueError as error:
                raise MapError(f"[time] start: {error}") from error

    def skip(self, number: int) -> None:
        """Row `number` is passed over."""
        self._steps += number in self._gaps

    def at(self, number: int, cell: str) -> int | str:
        """Milliseconds, or the cell as it is."""
        if self._time.start:
            self._steps += number in self._gaps
            steps = number + self._steps
            self.ms = self._start_ms + round(steps * self._time.step_s * 1000) + self._shift_ms
            return self.ms
        try:
            self.ms = _read(cell.strip(), self._time) + self._shift_ms
        except (ValueError, OverflowError):
            self.ms = None
            return cell
        return self.ms


def _read(cell: str, time: Time) -> int:
    if time.format == "unix_ms":
        return int(cell)
    if time.format == "unix_s":
        return round(float(cell) * 1000)
    if time.format == "iso":
        return _ms(datetime.fromisoformat(cell), time)
    return _ms(datetime.strptime(cell, time.format), time)  # noqa: DTZ007  the zone follows


def _ms(when: datetime, time: Time) -> int:
    """A time without zone is civil time of the map's zone (the first one when it comes twice)."""
    if when.tzinfo is None:
        when = when.replace(tzinfo=time.zone)
    return (when - strict.EPOCH) // timedelta(milliseconds=1)


def _readings(
    row: list[str], number: int, cells: Cells, mapping: ImportMap, clock: _Clock
) -> list[bytes]:
    ts = clock.at(number, row[cells.time] if 0 <= cells.time < len(row) else "")
    by_device: dict[str, list[dict[str, Any]]] = {}
    clock.values = 0
    for at, column in cells.columns:
        cell = row[at].strip() if at < len(row) else ""
        if not cell:
            continue
        clock.values += 1
        parts = by_device.setdefault(column.device, [{}])
        if len(parts[-1]) >= VALUES_PER_READING_MAX:
            parts.append({})
        parts[-1][column.name] = _number(cell, column, mapping)
    return [
        _encode({"device": device, "ts": ts, "values": values})
        for device, parts in by_device.items()
        for values in parts
    ]


def _number(cell: str, column: Column, mapping: ImportMap) -> float | str:
    """The number, or the text itself, which the pipeline will refuse by name."""
    text = cell if mapping.decimal == "." else cell.replace(".", "").replace(mapping.decimal, ".")
    try:
        number = float(text)
    except ValueError:
        return cell
    if not math.isfinite(number):
        return cell
    return number if column.scale == 1.0 and not column.offset else _scaled(number, column)


def _scaled(number: float, column: Column) -> float:
    return number * column.scale + column.offset
