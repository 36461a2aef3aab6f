"""Junctions that live: their controllers run second by second and tell what they show.

The controllers are the proven model. Orders arrive as a guard's driver would give them; faults and
lies are injected from outside. Nothing is random: the same calls give the same lamps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from beffroi.domains.signal_controller import (
    FLASH,
    GREEN,
    RUN,
    Controller,
    Given,
    State,
    cycle_s,
)
from beffroi.domains.signals.table import junction
from beffroi.model.asset import Asset

CATCH_UP_S = 400  # after a longer hole a controller is taken up with this much of its past
EVENTS = frozenset(
    {
        "conflict",  # the monitor sees two conflicting greens: fault, until reset on the spot
        "lamp_out",
        "rogue_plan",  # somebody in the cabinet changed the plan
        "unknown_plan",  # ... or its data
        "all_green",  # telemetry says that everything is open
        "stuck",
        "door_open",
        "silent",
    }
)
FAULTS = {"conflict": 1, "lamp_out": 2}
Values = dict[tuple[str, str], float]


class SignalsEventError(Exception):
    """An event or junction that this world does not have; the text names it."""


@dataclass(slots=True)
class _Live:
    controller: Controller
    state: State
    cycles_s: dict[int, int]
    plan: int  # ordered from afar; 0: the local one
    second: int = 0  # of the cycle
    red_s: list[int] = field(default_factory=list)
    flashing: bool = False
    events: set[str] = field(default_factory=set)
    last: dict[str, float] = field(default_factory=dict)


class SignalsWorld:
    """`step` with growing times (UTC ms); orders and events at any time between steps."""

    def __init__(self, junctions: Sequence[Asset]) -> None:
        self._live = {asset.id: _live(asset) for asset in junctions}
        self._at_s = -1

    def select(self, asset: str, plan: int) -> None:
        """As a driver does it; the controller follows at the end of its cycle."""
        live = self._of(asset)
        live.plan, live.flashing = plan, False

    def local(self, asset: str) -> None:
        self.select(asset, 0)

    def flash(self, asset: str) -> None:
        self._of(asset).flashing = True

    def inject(self, event: str, asset: str) -> None:
        """From now on. Raises SignalsEventError."""
        if event not in EVENTS:
            raise SignalsEventError(f"no event {event!r}; there are {sorted(EVENTS)}")
        self._of(asset).events.add(event)

    def mend(self, event: str, asset: str) -> None:
        """The event is over; a conflict is reset on the spot."""
        self._of(asset).events.discard(event)

    def _of(self, asset: str) -> _Live:
        if asset not in self._live:
            raise SignalsEventError(f"no junction {asset!r} in this world")
        return self._live[asset]

    def step(self, t_ms: int) -> Values:
        """All readings of this instant by (asset, property); a silent junction has none."""
        now_s = t_ms // 1_000
        seconds = min(max(0, now_s - self._at_s), CATCH_UP_S)
        self._at_s = max(now_s, self._at_s)
        out: Values = {}
        for ident, live in self._live.items():
            for _ in range(seconds):
                _second(live)
            if "stuck" not in live.events or not live.last:
                live.last = _told(live)
            if "silent" not in live.events:
                out |= {(ident, prop): value for prop, value in live.last.items()}
        return out


def _live(asset: Asset) -> _Live:
    controller = Controller(junction(asset.attrs["junction"]))
    cycles = {plan: cycle_s(controller, plan) for plan in controller.junction.plans}
    count = len(controller.junction.groups)
    return _Live(controller, controller.first(), cycles, 0, red_s=[0] * count)


def _second(live: _Live) -> None:
    plans = live.controller.junction.plans
    site = "fault" if "conflict" in live.events else "reset"
    wanted = max(plans) if "rogue_plan" in live.events else live.plan
    hub = "flash" if live.flashing else "plan" if wanted else "local"
    before = live.state
    live.state = live.controller.step(before, Given(hub, wanted, site))
    new = live.state.stage == 0 and (before.stage > 0 or before.mode != RUN)
    live.second = 0 if new else live.second + 1
    lamps = live.state.lamps
    live.red_s = [
        red + 1 if lamp not in (GREEN, FLASH) else 0
        for red, lamp in zip(live.red_s, lamps, strict=True)
    ]


def _told(live: _Live) -> dict[str, float]:
    state, events = live.state, live.events
    greens = sum(1 << i for i, lamp in enumerate(state.lamps) if lamp == GREEN)
    if "all_green" in events:
        greens = (1 << len(state.lamps)) - 1
    running = state.mode == RUN
    fault = next((code for event, code in FAULTS.items() if event in events), 0)
    return {
        "plan": 99.0 if "unknown_plan" in events else float(state.plan),
        "state": float(state.mode),
        "fault": float(fault),
        "cycle_second": float(live.second if running else 0),
        "cycle_s": float(live.cycles_s[state.plan] if running else 0),
        "greens": float(greens),
        "wait_s": float(max(live.red_s) if running else 0),
        "door_open": float("door_open" in events),
    }
