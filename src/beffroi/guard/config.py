"""guard.toml: who this guard is, where its hub is, what is wired to it. One strict reader.

guard = "cabinet-12"            # its id, the name in its certificate
commune = "lourmarin"
folder = "state"                # its memory; relative to this file
[place]    latitude_deg = 43.76   longitude_deg = 5.36   timezone = "Europe/Paris"
[hub]      host = "hub.lan"  port = 8883  ca = "ca.crt"  cert = "device.crt"  key = "device.key"
[trust]    root = "root.json"   # the commune's root of trust, brought by hand
[targets.lamp-1]    driver = "modbus"   neighbours = ["lamp-2"]   readback_ms = 5000
                    dark_fact = "level_pct"   dark_max = 0
[targets.lamp-1.wiring]    whatever the driver asks for
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from beffroi.guard.facts import Neighbours, Place
from beffroi.guard.limits import READBACK_MS, READBACK_MS_MAX
from beffroi.guard.mqtt import Hub
from beffroi.guard.post import Wired
from beffroi.kernel.document import is_id
from beffroi.kernel.limits import TARGETS_MAX


class ConfigError(Exception):
    """guard.toml cannot be used; the text says where and what to write."""


@dataclass(frozen=True, slots=True)
class Target:
    driver: str
    wiring: Mapping[str, Any]
    wired: Wired


@dataclass(frozen=True, slots=True)
class Config:
    guard: str
    commune: str
    folder: Path
    place: Place
    hub: Hub
    root: Path
    targets: Mapping[str, Target]


def read_config(path: Path) -> Config:
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error}") from error
    except ValueError as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error
    top = _Table(raw, path.name)
    home = path.parent
    targets = top.table("targets")
    config = Config(
        guard=top.id("guard"),
        commune=top.id("commune"),
        folder=home / top.text("folder", "state"),
        place=_place(top.table("place")),
        hub=_hub(top.table("hub"), home),
        root=home / _only(top.table("trust"), "root"),
        targets={name: _target(name, targets.table(name)) for name in targets.names()},
    )
    targets.end()
    top.end()
    if not 0 < len(config.targets) <= TARGETS_MAX:
        raise ConfigError(f"{path.name}: 1 to {TARGETS_MAX} tables [targets.<id>]")
    for name, target in config.targets.items():
        for near in target.wired.near.names:
            if near not in config.targets:
                raise ConfigError(f"targets.{name}: its neighbour {near} is not wired here")
    return config


def _place(table: _Table) -> Place:
    name = table.text("timezone", "Europe/Paris")
    try:
        zone = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ConfigError(
            f"timezone {name!r} is unknown here: correct it, or install tzdata"
        ) from error
    place = Place(table.degrees("latitude_deg", 90), table.degrees("longitude_deg", 180), zone)
    table.end()
    return place


def _hub(table: _Table, home: Path) -> Hub:
    hub = Hub(
        host=table.text("host"),
        port=table.whole("port", 8883, 65_535),
        ca=home / table.text("ca", "ca.crt"),
        cert=home / table.text("cert", "device.crt"),
        key=home / table.text("key", "device.key"),
    )
    table.end()
    return hub


def _target(name: str, table: _Table) -> Target:
    if not is_id(name):
        raise ConfigError(f"{name!r} is no id: letters, digits, . _ : -")
    near = Neighbours(
        names=table.texts("neighbours"),
        fact=table.text("dark_fact", "level_pct"),
        dark_max=table.whole("dark_max", 0, 1_000_000),
    )
    readback_ms = table.whole("readback_ms", READBACK_MS, READBACK_MS_MAX)
    wired = Wired(near, readback_ms, table.maybe("code_param"))
    target = Target(table.text("driver"), table.table("wiring").rest(), wired)
    table.end()
    return target


def _only(table: _Table, name: str) -> str:
    value = table.text(name)
    table.end()
    return value


class _Table:
    """Takes keys out one by one, so that what is left over is a mistake."""

    def __init__(self, raw: Mapping[str, Any], where: str) -> None:
        self._raw, self._where = dict(raw), where

    def names(self) -> list[str]:
        return list(self._raw)

    def table(self, name: str) -> _Table:
        value = self._raw.pop(name, {})
        if not isinstance(value, dict):
            raise self._wrong(name, "a table")
        return _Table(value, f"{self._where}: {name}")

    def text(self, name: str, default: str = "") -> str:
        value = self._raw.pop(name, default)
        if not isinstance(value, str) or not value:
            raise self._wrong(name, "a text")
        return value

    def maybe(self, name: str) -> str:
        return self.text(name) if name in self._raw else ""

    def id(self, name: str) -> str:
        value = self.text(name)
        if not is_id(value):
            raise self._wrong(name, "an id (letters, digits, . _ : -)")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        value = self._raw.pop(name, [])
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self._wrong(name, "a list of texts")
        return tuple(value)

    def whole(self, name: str, default: int, high: int) -> int:
        value = self._raw.pop(name, default)
        if type(value) is not int or not 0 <= value <= high:
            raise self._wrong(name, f"a whole number up to {high}")
        return value

    def degrees(self, name: str, most: int) -> float:
        value = self._raw.pop(name, None)
        number = type(value) in (int, float)
        if not number or not -most <= value <= most:  # written so that nan is refused
            raise self._wrong(name, f"degrees from -{most} to {most}")
        return float(value)

    def rest(self) -> dict[str, Any]:
        taken, self._raw = self._raw, {}
        return taken

    def end(self) -> None:
        if self._raw:
            raise ConfigError(f"{self._where}: unknown {', '.join(sorted(self._raw))}")

    def _wrong(self, name: str, wanted: str) -> ConfigError:
        return ConfigError(f"{self._where}: {name} must be {wanted}")
