"""What the core knows of one target's equipment right now. Values and comparisons only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from beffroi.guard.driver import Shown
from beffroi.guard.facts import Neighbours
from beffroi.guard.ledger import Asked
from beffroi.guard.limits import POLL_MS_MAX, POLL_MS_MIN, READBACK_MS, SILENT_WATCH_MS, WATCH_MS
from beffroi.kernel.situation import Fact


@dataclass(frozen=True, slots=True)
class Wired:
    """How a target stands in the cabinet, from the configuration. `code_param`: the parameter in
    which its driver takes the short code of the command (a board shows it), "" for none."""

    near: Neighbours = field(default_factory=Neighbours)
    readback_ms: int = READBACK_MS
    code_param: str = ""


@dataclass(slots=True)
class Awaited:
    """A command that was given to the equipment, until it shows."""

    asked: Asked
    until_mono_ms: int = 0
    expects: Shown = field(default_factory=dict)
    poll_ms: int = POLL_MS_MIN
    minutes: int = 0  # how long it shall last, 0: until told otherwise


@dataclass(slots=True)
class Post:
    """`expected`: what it shall show ({}: nothing is known) until `until_ms`; `seen`: it did show
    that since. `falling`: why it is on its way to its safe state; `told`: troubles that have their
    receipt; `changed`: since the last status."""

    wired: Wired
    shown: Shown = field(default_factory=dict)
    facts: Mapping[str, Fact] = field(default_factory=dict)
    tried_mono_ms: int | None = None
    next_look_mono_ms: int = 0
    expected: Shown = field(default_factory=dict)
    until_ms: int = 0
    seen: bool = False
    settled_mono_ms: int = 0
    awaited: Awaited | None = None
    interrupted: Asked | None = None
    starting: bool = True
    changed: bool = False
    fallen: bool = False
    falling: str = ""
    fall_again_mono_ms: int | None = None
    told: set[str] = field(default_factory=set)
    odd: int = 0
    silent: int = 0
    tampered_mono_ms: int | None = None

    def read(self, shown: Shown, now_ms: int) -> None:
        self.shown = shown
        self.silent = 0
        self.facts = {
            name: Fact(value, now_ms) for name, value in shown.items() if isinstance(value, int)
        }

    def schedule(self, mono_ms: int) -> None:
        """When to look next: soon when something is awaited or odd, seldom when it does not
        answer, for each try may cost its neighbours a driver's whole patience."""
        self.tried_mono_ms = mono_ms
        wait_ms = min(WATCH_MS << min(self.silent, 8), SILENT_WATCH_MS)
        if self.awaited is not None:
            wait_ms = self.awaited.poll_ms
            self.awaited.poll_ms = min(POLL_MS_MAX, wait_ms * 2)
        elif self.odd:
            wait_ms = POLL_MS_MAX
        self.next_look_mono_ms = mono_ms + wait_ms

    def expect(self, expected: Shown, settled_mono_ms: int, *, seen: bool, fallen: bool) -> None:
        self.expected, self.settled_mono_ms = expected, settled_mono_ms
        self.until_ms = 0
        self.seen, self.fallen = seen, fallen
        self.odd = 0


def differs(expected: Shown, shown: Shown) -> str:
    """The first expected value that is not shown, as a sentence; "" when all are."""
    for name, value in expected.items():
        if name not in shown:
            return f"{name} is not shown, expected {value}"
        if shown[name] != value:
            return f"{name} is {shown[name]}, expected {value}"
    return ""
