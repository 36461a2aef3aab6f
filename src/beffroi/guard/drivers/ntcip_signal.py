"""NTCIP 1202: select a timing plan, read what the junction does. Never a hold, a call, an omit.

The controller owns phases, amber and clearance; it runs a pattern that its engineer stored in it.
Silence is safe: `unitBackupTime` seconds after the last set it returns to its own time plan, so a
controller whose backup time is zero (never) is given no command. While a pattern holds, `read`
repeats it to keep that timer alive, but only if the controller still has it: a foreign value is
left standing for the guard to see.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from beffroi.guard.driver import FALL_BACK, DriverError, Shown
from beffroi.guard.drivers import ntcip_oids as oids
from beffroi.guard.drivers.limits import (
    ACTIONS_MAX,
    BACKUP_S_MAX,
    PATTERN_MAX,
    PHASE_GROUPS_MAX,
    WORDS_MAX,
)
from beffroi.guard.drivers.ntcip_oids import Oid
from beffroi.guard.drivers.ntcip_snmp import SnmpLink
from beffroi.guard.drivers.wiring import Fields, WiringError

REFRESH_SHARE = 4  # a held pattern is repeated after this part of the backup time
UNKNOWN_PLAN = -1

FACTS: Mapping[str, Oid] = {
    "pattern": oids.COORD_PATTERN_STATUS,
    "called_pattern": oids.SYSTEM_PATTERN_CONTROL,
    "control_status": oids.UNIT_CONTROL_STATUS,
    "flash_status": oids.UNIT_FLASH_STATUS,
    "free_status": oids.LOCAL_FREE_STATUS,
    "cycle_s": oids.COORD_CYCLE_STATUS,
    "alarms": oids.SHORT_ALARM_STATUS,
    "alarms_1": oids.UNIT_ALARM_STATUS_1,
    "alarms_2": oids.UNIT_ALARM_STATUS_2,
    "backup_s": oids.UNIT_BACKUP_TIME,
}
LIGHTS: Mapping[str, Oid] = {
    "reds": oids.PHASE_REDS,
    "yellows": oids.PHASE_YELLOWS,
    "greens": oids.PHASE_GREENS,
}
NEEDED = ("pattern", "called_pattern", "backup_s")


@dataclass(frozen=True, slots=True)
class Selection:
    """An action: always the same pattern, or the one that a parameter names."""

    pattern: int = 0
    param: str = ""

    def of(self, params: Mapping[str, int | str], plans: Mapping[int, int]) -> int:
        if set(params) != ({self.param} if self.param else set()):
            raise DriverError(f"parameters {', '.join(params) or 'none'}, not as wired")
        if not self.param:
            return self.pattern
        plan = params[self.param]
        if not isinstance(plan, int) or isinstance(plan, bool) or plan not in plans:
            raise DriverError(f"plan {plan!r} is not wired to a pattern of the controller")
        return plans[plan]


@dataclass(frozen=True, slots=True)
class SignalWiring:
    """`plans`: the number of the catalogue -> the pattern stored in the controller."""

    plans: Mapping[int, int]
    actions: Mapping[str, Selection]
    groups: int
    backup_s_max: int
    running: bool  # done means that it runs, not only that it is called


def read_signal(fields: Fields) -> SignalWiring:
    plans = {}
    for name, pattern in fields.numbers("plans", WORDS_MAX).items():
        if not name.isdecimal() or not 1 <= pattern <= PATTERN_MAX:
            raise WiringError(
                f"{fields.where}.plans: {name} = {pattern}: a plan number and a pattern from 1 to "
                f"{PATTERN_MAX}"
            )
        plans[int(name)] = pattern
    actions = {
        name: _selection(each) for name, each in fields.tables("actions", ACTIONS_MAX).items()
    }
    if FALL_BACK in actions:
        raise WiringError(f"{fields.where}.actions: {FALL_BACK} is not wired, it gives back")
    return SignalWiring(
        plans,
        actions,
        fields.whole("phase_groups", 1, PHASE_GROUPS_MAX, 1),
        fields.whole("backup_s_max", 1, BACKUP_S_MAX, 300),
        fields.one_of("done", ("called", "running"), "called") == "running",
    )


def _selection(fields: Fields) -> Selection:
    if fields.has("param"):
        selection = Selection(param=fields.text("param"))
    else:
        pattern = fields.whole("pattern", 0, oids.FLASH)
        if pattern == oids.FREE:
            raise WiringError(f"{fields.where}: free running is for the controller to decide")
        selection = Selection(pattern)
    fields.done()
    return selection


SETTABLE = frozenset({oids.SYSTEM_PATTERN_CONTROL})


class SignalDriver:
    """One signal controller. Implements guard.driver.Driver."""

    def __init__(self, wiring: SignalWiring, link: SnmpLink) -> None:
        self._wiring, self._link = wiring, link
        self._plan_of = {pattern: plan for plan, pattern in wiring.plans.items()}
        self._objects = dict(FACTS)
        for group in range(1, wiring.groups + 1):
            self._objects |= {f"{name}_{group}": (*oid, group) for name, oid in LIGHTS.items()}
        self._held: int | None = None
        self._set_s = 0.0

    def read(self) -> Shown:
        """Numbers as the standard has them, and `plan`, `called_plan` by the catalogue: 0 is the
        controller's own, -1 one that nobody wired."""
        self._link.begin()
        shown = self._facts()
        self._keep(shown)
        return shown

    def act(self, action: str, params: Mapping[str, int | str]) -> None:
        pattern = self._pattern(action, params)
        self._link.begin()
        if pattern != oids.STANDBY:
            backup_s = self._facts()["backup_s"]
            if not 1 <= backup_s <= self._wiring.backup_s_max:
                raise DriverError(
                    f"{self._link.name}: backup time of {backup_s} s: silence would not be safe "
                    f"(set 1 to {self._wiring.backup_s_max} s at the controller)"
                )
        self._set(pattern)
        self._held = pattern if pattern != oids.STANDBY else None

    def expects(self, action: str, params: Mapping[str, int | str]) -> Shown:
        """The call; with `done` "running" also what runs (a pattern begins when a cycle ends)."""
        if action == FALL_BACK:
            return {"called_pattern": oids.STANDBY}
        pattern = self._pattern(action, params)
        called = {"called_pattern": pattern}
        if self._wiring.running and pattern != oids.STANDBY:
            called["pattern"] = pattern
        return called

    def fall_back(self) -> None:
        """Give the junction back to its own plan."""
        self._held = None
        self._link.begin()
        self._set(oids.STANDBY)

    def close(self) -> None:
        self._link.close()

    def _facts(self) -> dict[str, int]:
        values = self._link.get(list(self._objects.values()))
        shown = {
            name: value
            for name, oid in self._objects.items()
            if isinstance(value := values[oid], int)
        }
        missing = [name for name in NEEDED if name not in shown]
        if missing:
            raise DriverError(f"{self._link.name}: no {', '.join(missing)}: not a controller?")
        shown["plan"] = self._plan(shown["pattern"])
        shown["called_plan"] = self._plan(shown["called_pattern"])
        return shown

    def _plan(self, pattern: int) -> int:
        return 0 if pattern == oids.STANDBY else self._plan_of.get(pattern, UNKNOWN_PLAN)

    def _keep(self, shown: Mapping[str, int]) -> None:
        if self._held is None or shown["called_pattern"] != self._held:
            return
        if time.monotonic() - self._set_s >= shown["backup_s"] / REFRESH_SHARE:
            self._set(self._held)

    def _set(self, pattern: int) -> None:
        self._link.set({oids.SYSTEM_PATTERN_CONTROL: pattern})
        self._set_s = time.monotonic()

    def _pattern(self, action: str, params: Mapping[str, int | str]) -> int:
        if action not in self._wiring.actions:
            raise DriverError(f"{self._link.name}: no action {action} is wired")
        return self._wiring.actions[action].of(params, self._wiring.plans)
