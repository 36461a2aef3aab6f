"""The map of a table to import: which column is which property of which asset, and what time is.

A strict reader of a small TOML document; unknown keys are errors. Format: docs/ingest.md. Reads no
file itself and knows no domain: names of kinds and properties are checked by the inventory.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from beffroi.model.asset import Asset, Device
from beffroi.model.limits import IMPORT_COLUMNS_MAX


class MapError(Exception):
    """The map cannot be used; the text says where and what is expected."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of numbers: value * scale + offset is what `asset` has as `prop`."""

    name: str
    asset: str
    prop: str
    device: str
    scale: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class Time:
    """Either a column, or a start and a step for rows that follow each other.

    `format` is strptime's, or "iso", "unix_s", "unix_ms". `gaps` are row numbers (from 0) before
    which one step is missing.
    """

    column: str = ""
    format: str = "iso"
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    start: str = ""
    step_s: float = 0.0
    gaps: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportMap:
    """`gateway` is the device that brings the table in."""

    name: str
    gateway: str
    time: Time
    columns: tuple[Column, ...]
    assets: tuple[Asset, ...]
    delimiter: str = ","
    decimal: str = "."

    def devices(self) -> list[Device]:
        """Those to create: the gateway, and what measures each column."""
        points: dict[str, dict[str, tuple[str, str]]] = {self.gateway: {}}
        for column in self.columns:
            points.setdefault(column.device, {})[column.name] = (column.asset, column.prop)
        return [
            Device(
                id=name,
                asset="",
                points=mapped,
                gateway="" if name == self.gateway else self.gateway,
                is_gateway=name == self.gateway,
            )
            for name, mapped in points.items()
        ]


_TOP = {"name", "gateway", "delimiter", "decimal", "time", "column", "asset"}
_TIME = {"column", "format", "timezone", "start", "step_s", "gaps"}
_COLUMN = {"asset", "property", "device", "scale", "offset"}
_ASSET = {"id", "domain", "kind", "name", "lon", "lat", "zone", "attrs"}


def read(text: str) -> ImportMap:
    """Raises MapError."""
    try:
        top = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MapError(f"not TOML: {error}") from error
    _known(top, _TOP, "the map")
    gateway = _text(top, "gateway", "the map")
    columns = tuple(
        _column(name, spec, gateway) for name, spec in _table(top, "column", "the map").items()
    )
    if not 0 < len(columns) <= IMPORT_COLUMNS_MAX:
        raise MapError(f"a map has 1 to {IMPORT_COLUMNS_MAX} [column.NAME] sections")
    assets = top.get("asset", [])
    if not isinstance(assets, list):
        raise MapError("assets are written [[asset]]")
    return ImportMap(
        _text(top, "name", "the map"),
        gateway,
        _time(_table(top, "time", "the map")),
        columns,
        tuple(_asset(spec) for spec in assets),
        str(top.get("delimiter", ",")),
        str(top.get("decimal", ".")),
    )


def _time(spec: Mapping[str, Any]) -> Time:
    _known(spec, _TIME, "[time]")
    column, start, step_s = spec.get("column", ""), spec.get("start", ""), spec.get("step_s", 0)
    if bool(column) == bool(start) or (start and not step_s):
        raise MapError("[time] has either a column, or start and step_s")
    try:
        zone = ZoneInfo(str(spec.get("timezone", "UTC")))
    except (ValueError, OSError, KeyError) as error:
        raise MapError(f"[time] unknown timezone: {error}") from error
    try:
        gaps = tuple(int(gap) for gap in spec.get("gaps", ()))
        return Time(column, str(spec.get("format", "iso")), zone, str(start), float(step_s), gaps)
    except (TypeError, ValueError) as error:
        raise MapError(f"[time] {error}") from error


def _column(name: str, spec: Any, gateway: str) -> Column:
    where = f"[column.{name}]"
    if not isinstance(spec, Mapping):
        raise MapError(f"{where} must be a section")
    _known(spec, _COLUMN, where)
    try:
        scale, offset = float(spec.get("scale", 1.0)), float(spec.get("offset", 0.0))
    except (TypeError, ValueError) as error:
        raise MapError(f"{where} scale and offset are numbers") from error
    device = str(spec.get("device", gateway))
    return Column(
        name, _text(spec, "asset", where), _text(spec, "property", where), device, scale, offset
    )


def _asset(spec: Mapping[str, Any]) -> Asset:
    where = f"[[asset]] {spec.get('id', '')}"
    _known(spec, _ASSET, where)
    try:
        lon, lat = float(spec["lon"]), float(spec["lat"])
    except (KeyError, TypeError, ValueError) as error:
        raise MapError(f"{where} needs lon and lat") from error
    return Asset(
        id=_text(spec, "id", where),
        domain=_text(spec, "domain", where),
        kind=_text(spec, "kind", where),
        name=str(spec.get("name", spec["id"])),
        lon=lon,
        lat=lat,
        zone=str(spec.get("zone", "")),
        attrs=dict(spec.get("attrs", {})),
    )


def _known(spec: Mapping[str, Any], names: set[str], where: str) -> None:
    unknown = set(spec) - names
    if unknown:
        raise MapError(f"{where}: unknown {min(unknown)!r}; known: {', '.join(sorted(names))}")


def _text(spec: Mapping[str, Any], name: str, where: str) -> str:
    value = spec.get(name)
    if not isinstance(value, str) or not value:
        raise MapError(f'{where} needs {name} = "..."')
    return value


def _table(spec: Mapping[str, Any], name: str, where: str) -> Mapping[str, Any]:
    value = spec.get(name)
    if not isinstance(value, Mapping):
        raise MapError(f"{where} needs a section [{name}]")
    return value
