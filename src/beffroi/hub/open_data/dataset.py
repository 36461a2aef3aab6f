"""How a dataset is described: columns, words, period. Plain values; knows no store and no file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from beffroi.model.asset import Label
from beffroi.ports.reports import ReportStore
from beffroi.ports.store import Store

Cell = str | int | float | None


class TooMuchError(Exception):
    """The period holds more rows than one file may; ask for a shorter one."""


class Span(NamedTuple):
    """start <= t < end, UTC milliseconds."""

    start_ms: int
    end_ms: int


class Row(NamedTuple):
    """One line: cells in the order of the columns; `shape` is a GeoJSON geometry or None."""

    cells: tuple[Cell, ...]
    shape: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """`kind` is what its cells are; empty cells are allowed in each."""

    name: str
    kind: Literal["text", "whole", "real"]
    label: Label


@dataclass(frozen=True, slots=True)
class Source:
    """What datasets are made from. `reports` is None when the commune takes none."""

    store: Store
    reports: ReportStore | None
    timezone: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """`timed`: rows lie in a period that can be asked for. `period_s`: how often we announce new
    rows (0: whenever the inventory changes). `newest` tells the time of the newest row, 0 for
    none. `treatment` says to people what was done to the values before publishing."""

    id: str
    title: Label
    about: Label
    columns: Sequence[Column]
    rows: Callable[[Source, Span], Iterator[Row]]
    theme: str
    domain: str = ""
    timed: bool = False
    shaped: bool = False
    period_s: int = 0
    treatment: Label | None = None
    newest: Callable[[Source, Span], int] | None = None


def moment(ms: int) -> str:
    """ISO 8601 in UTC: "2026-11-24T13:00:00Z"."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def day(ms: int) -> str:
    """ "2026-11-24", UTC."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d")
