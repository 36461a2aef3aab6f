"""A signal controller as NTCIP 1202 describes it, for the lab: a junction of two phases.

It owns minimum green, amber and clearance; nothing that comes by network changes them. It changes
plan at the end of a cycle only, falls back to its own time plan when nobody has set anything for
`unitBackupTime`, and runs free when a pattern is called that it does not have. It also offers the
dangerous objects (omit, hold, force off, calls): a test sees that no driver touches them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

Oid = tuple[int, ...]
Value = int | bytes
ASC: Oid = (1, 3, 6, 1, 4, 1, 1206, 4, 2, 1)
PHASES = (2, 4)
MIN_GREEN_S, AMBER_S, CLEAR_S = 6.0, 3.0, 2.0
LOCAL_PATTERN, FREE, FLASH = 1, 254, 255
SPLITS = {1: (20, 15), 2: (30, 15), 3: (15, 30), 11: (25, 25)}  # s of each phase, all included


class SetError(Exception):
    """genErr or notWritable: the name of the SNMP error."""


@dataclass
class SignalUnit:
    """Time is given in seconds of its own clock and only grows."""

    backup_s: int = 60
    system_pattern: int = 0
    running: int = LOCAL_PATTERN
    controls: dict[int, int] = field(default_factory=lambda: dict.fromkeys(range(2, 8), 0))
    now_s: float = 0.0
    set_s: float = 0.0
    backup: bool = True
    phase: int = 0
    interval_s: float = 0.0  # since this phase turned green

    def advance(self, now_s: float) -> None:
        """Let time pass, in steps of a tenth of a second."""
        while self.now_s + 0.1 <= now_s:
            self.now_s += 0.1
            self.interval_s += 0.1
            if self.backup_s and self.now_s - self.set_s > self.backup_s:
                self.system_pattern, self.backup = 0, True
                self.controls = dict.fromkeys(self.controls, 0)
            if self.interval_s >= self._split_s():
                self.interval_s = 0.0
                self.phase = (self.phase + 1) % len(PHASES)
                if self.phase == 0:
                    self.running = self._called()

    def _called(self) -> int:
        if self.system_pattern == 0:
            return LOCAL_PATTERN
        if self.system_pattern in (FREE, FLASH) or self.system_pattern in SPLITS:
            return self.system_pattern
        return FREE

    def _split_s(self) -> float:
        least_s = MIN_GREEN_S + AMBER_S + CLEAR_S
        return max(least_s, SPLITS.get(self.running, (0, 0))[self.phase])

    def light(self) -> tuple[int, int, int]:
        """Masks of reds, yellows and greens; bit 0 is phase 1."""
        mask = 1 << PHASES[self.phase] - 1
        every = sum(1 << phase - 1 for phase in PHASES)
        if self.running == FLASH:
            return 0, every, 0
        left_s = self._split_s() - self.interval_s
        if left_s > AMBER_S + CLEAR_S:
            return every & ~mask, 0, mask
        if left_s > CLEAR_S:
            return every & ~mask, mask, 0
        return every, 0, 0

    def objects(self) -> dict[Oid, Callable[[], Value]]:
        """What can be read."""
        return {
            (*ASC, 1, 4, 1, 2, 1): lambda: self.light()[0],
            (*ASC, 1, 4, 1, 3, 1): lambda: self.light()[1],
            (*ASC, 1, 4, 1, 4, 1): lambda: self.light()[2],
            **{
                (*ASC, 1, 5, 1, column, 1): (lambda c=column: self.controls[c])  # type: ignore[misc]
                for column in self.controls
            },
            (*ASC, 3, 3, 0): lambda: self.backup_s,
            (*ASC, 3, 5, 0): self._control_status,
            (*ASC, 3, 6, 0): lambda: 3 if self.running == FLASH else 2,
            (*ASC, 3, 7, 0): lambda: 0,
            (*ASC, 3, 8, 0): lambda: 0x40 if self.running == FREE else 0x80,
            (*ASC, 3, 9, 0): lambda: 0x08 if self.running == FREE else 0,
            (*ASC, 4, 10, 0): lambda: self.running,
            (*ASC, 4, 11, 0): self._free_status,
            (*ASC, 4, 12, 0): lambda: int(self._split_s() - self.interval_s),
            (*ASC, 4, 14, 0): lambda: self.system_pattern,
        }

    def _control_status(self) -> int:
        if self.system_pattern:
            return 2  # systemControl
        return 4 if self.backup else 6  # backupMode, timebase

    def _free_status(self) -> int:
        if self.running != FREE:
            return 2  # notFree
        return 3 if self.system_pattern == FREE else 7  # commandFree, badPlan

    def write(self, oid: Oid, value: Value) -> None:
        """SetError for what cannot be written, or not so."""
        if not isinstance(value, int):
            raise SetError("wrongType")
        if oid == (*ASC, 4, 14, 0):
            self._ranged(value, 0, 255)
            self.system_pattern = value
        elif oid[:-2] == (*ASC, 1, 5, 1) and oid[-2] in self.controls and oid[-1] == 1:
            self._ranged(value, 0, 255)
            self.controls[oid[-2]] = value
        elif oid == (*ASC, 3, 3, 0):
            self._ranged(value, 0, 65_535)
            self.backup_s = value
        else:
            raise SetError("notWritable")
        self.set_s, self.backup = self.now_s, False

    def _ranged(self, value: int, low: int, high: int) -> None:
        if not low <= value <= high:
            raise SetError("wrongValue")
