"""The bytes of a dataset as CSV, GeoJSON, Parquet or lines of JSON, written as rows come.

Knows no web and no store. A text that a spreadsheet would run as a formula is made a text.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, BinaryIO, NamedTuple

from beffroi.hub.open_data.dataset import Cell, Dataset, Row, TooMuchError
from beffroi.model.cells import inert
from beffroi.model.limits import OPEN_PAGE_ROWS_MAX, OPEN_ROWS_MAX

GROUP_ROWS = 20_000  # of one part of a Parquet file


class FormError(Exception):
    """This form cannot be had of this dataset or here; the text says what to do."""


class Form(NamedTuple):
    """`eu` is its code in the EU vocabulary of file types."""

    media: str
    eu: str
    write: Callable[[Dataset, Iterator[Row], BinaryIO], list[int]]


def can(form: str, dataset: Dataset) -> bool:
    """Whether `form` can be made of it here."""
    if form == "parquet":
        return importlib.util.find_spec("pyarrow") is not None
    return form != "geojson" or dataset.shaped


def check(form: str, dataset: Dataset) -> None:
    """FormError unless `can`."""
    if can(form, dataset):
        return
    if form == "parquet":
        raise FormError("this hub writes no Parquet (pyarrow is not installed there): take CSV")
    raise FormError("these data have no places, so there is no GeoJSON: take CSV")


def _csv(dataset: Dataset, rows: Iterator[Row], out: BinaryIO) -> list[int]:
    out.write(_line(tuple(column.name for column in dataset.columns)))
    for row in rows:
        out.write(_line(row.cells))
    return []


def _line(cells: tuple[Cell, ...]) -> bytes:
    """RFC 4180; numbers are plain, an empty cell is nothing between two commas."""
    return (",".join(_cell(cell) for cell in cells) + "\r\n").encode()


def _cell(cell: Cell) -> str:
    if cell is None:
        return ""
    if not isinstance(cell, str):
        return repr(cell)
    text = inert(cell.replace('"', '""').replace("\0", ""))
    quoted = any(sign in text for sign in ',"\r\n;') or text != text.strip()
    return f'"{text}"' if quoted else text


def _lines(dataset: Dataset, rows: Iterator[Row], out: BinaryIO) -> list[int]:
    """One JSON object a line; answers where each page of OPEN_PAGE_ROWS_MAX rows begins, and the
    end."""
    names = [column.name for column in dataset.columns]
    starts, at = [0], 0
    for number, row in enumerate(rows, 1):
        at += out.write(_json(dict(zip(names, row.cells, strict=True))) + b"\n")
        if number % OPEN_PAGE_ROWS_MAX == 0:
            starts.append(at)
    return starts if starts[-1] == at and at else [*starts, at]


def _geojson(dataset: Dataset, rows: Iterator[Row], out: BinaryIO) -> list[int]:
    names = [column.name for column in dataset.columns]
    out.write(b'{"type":"FeatureCollection","features":[')
    for number, row in enumerate(rows):
        feature: Mapping[str, Any] = {
            "type": "Feature",
            "geometry": row.shape,
            "properties": dict(zip(names, row.cells, strict=True)),
        }
        out.write((b",\n" if number else b"\n") + _json(feature))
    out.write(b"\n]}\n")
    return []


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _parquet(dataset: Dataset, rows: Iterator[Row], out: BinaryIO) -> list[int]:
    import pyarrow as arrow
    from pyarrow import parquet

    kinds = {"text": arrow.string(), "whole": arrow.int64(), "real": arrow.float64()}
    schema = arrow.schema([(column.name, kinds[column.kind]) for column in dataset.columns])
    with parquet.ParquetWriter(out, schema, compression="zstd") as writer:
        while some := list(islice(rows, GROUP_ROWS)):
            columns = zip(*(row.cells for row in some), strict=True)
            arrays = [
                arrow.array(list(column), kind)
                for column, kind in zip(columns, schema.types, strict=True)
            ]
            writer.write_table(arrow.Table.from_arrays(arrays, schema=schema))
    return []


FORMS: Mapping[str, Form] = {
    "csv": Form("text/csv; charset=utf-8", "CSV", _csv),
    "geojson": Form("application/geo+json", "GEOJSON", _geojson),
    "parquet": Form("application/vnd.apache.parquet", "PARQUET", _parquet),
    "json": Form("application/json", "JSON", _lines),
}


def bounded(rows: Iterator[Row]) -> Iterator[Row]:
    """TooMuchError at the first row beyond OPEN_ROWS_MAX."""
    for number, row in enumerate(rows):
        if number >= OPEN_ROWS_MAX:
            raise TooMuchError(f"more than {OPEN_ROWS_MAX} rows: ask for a shorter period")
        yield row
