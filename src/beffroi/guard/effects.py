"""What the guard's core asks for, and the two clocks it is told. Plain values, nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from beffroi.guard.driver import Shown
from beffroi.guard.memory import Kept, Record


class Instant(NamedTuple):
    """`wall_ms` since 1970, which anybody may set; `mono_ms` since the machine started, which also
    counts while it sleeps and never jumps."""

    wall_ms: int
    mono_ms: int


@dataclass(frozen=True, slots=True)
class Persist:
    """Make it durable; nothing that follows happens if that fails."""

    record: Record


@dataclass(frozen=True, slots=True)
class Keep:
    """Make this receipt durable, then send it until the broker has it. `again`: it is durable
    already, send it once more."""

    kept: Kept
    again: bool = False


@dataclass(frozen=True, slots=True)
class Judge:
    """Now that its target was looked at; answer with `Core.judge`."""

    wire: bytes


@dataclass(frozen=True, slots=True)
class Look:
    """Read the equipment; answer with `Core.shown`."""

    target: str


@dataclass(frozen=True, slots=True)
class Act:
    """Answer with `Core.acted`."""

    target: str
    action: str
    params: Shown


@dataclass(frozen=True, slots=True)
class FallBack:
    """Answer with `Core.fell_back`."""

    target: str


@dataclass(frozen=True, slots=True)
class Say:
    """Send once, now or never (a status)."""

    wire: bytes


Effect = Persist | Keep | Judge | Look | Act | FallBack | Say
