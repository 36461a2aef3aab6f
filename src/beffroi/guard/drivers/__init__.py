"""Drivers by name. Each is a module with `open(wiring) -> Driver`, imported when it is asked for,
so that a cabinet installs only the libraries of its own equipment."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from beffroi.guard.driver import Driver
from beffroi.guard.drivers.wiring import WiringError

NAMES = ("modbus", "ntcip", "simulated")


def open_driver(name: str, wiring: Mapping[str, Any]) -> Driver:
    """WiringError when there is no such driver, its library is missing or the wiring is wrong."""
    if name not in NAMES:
        raise WiringError(f"no driver {name!r}: choose one of {', '.join(NAMES)}")
    try:
        module = import_module(f"beffroi.guard.drivers.{name}")
    except ImportError as error:
        raise WiringError(
            f"driver {name!r} lacks its library ({error}): install the wheel with [{name}]"
        ) from error
    try:
        driver: Driver = module.open(wiring)
    except (KeyError, TypeError, ValueError) as error:
        raise WiringError(f"driver {name!r} cannot use this wiring: {error}") from error
    return driver
