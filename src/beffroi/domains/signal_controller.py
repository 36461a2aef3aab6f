"""The logic of a signal controller, one second at a time: `step(state, given)`.

What the hub says is at most the number of a catalogued plan, "flash" or "local"; it takes effect
at the end of the running cycle (flashing at once). What comes from the spot is the monitor's fault
and a reset by hand. This is the model that is proven and that the lab's controllers run. It makes
no claim about a maker's controller: the one in the street stays the legal safety device.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from beffroi.domains import signal_law as law
from beffroi.domains.signal_junction import Junction

RED, AMBER, GREEN, FLASH = range(4)  # of one group; FLASH: pedestrians' lamps are dark
START, RUN, FLASHING, FAULT = range(4)  # of the junction
NO_PLAN = 0


class Given(NamedTuple):
    """What a second brings. `hub`: "", "plan", "flash" or "local"; `site`: "", "fault", "reset"."""

    hub: str = ""
    plan: int = NO_PLAN
    site: str = ""


class State(NamedTuple):
    """`held`: seconds that the whole stage has been green. `ages`: seconds a group has shown its
    lamp, counted no further than anything depends on. `asked` is the plan after this cycle."""

    mode: int
    plan: int
    asked: int
    stage: int
    held: int
    lamps: tuple[int, ...]
    ages: tuple[int, ...]


class Controller:
    """One junction's. Pure: a state in, a state out."""

    def __init__(self, junction: Junction) -> None:
        self.junction = junction
        self._count, pairs = len(junction.groups), junction.conflicts
        self._amber = [group.amber_s for group in junction.groups]
        self._against = [
            [(b, junction.clear_s(b, a)) for b in range(self._count) if (b, a) in pairs]
            for a in range(self._count)
        ]
        self._start_s = junction.start_s
        self._faulty, self._flashing = self._dark(FAULT), self._dark(FLASHING)
        self._known: dict[State, State] = {}

    def first(self) -> State:
        """After power came: all red."""
        return self._begin(self.junction.local)

    def inputs(self) -> list[Given]:
        """Everything a second can bring: each order with each event on the spot."""
        plans = [*self.junction.plans, 255 if 255 not in self.junction.plans else 256]
        orders = [Given(), Given("flash"), Given("local"), *(Given("plan", p) for p in plans)]
        return [order._replace(site=site) for order in orders for site in ("", "fault", "reset")]

    def step(self, state: State, given: Given) -> State:
        """What is shown in the next second."""
        heard = self.accept(state, given)
        known = self._known.get(heard)
        if known is None:
            known = self._known[heard] = self._next(heard)
        return known

    def accept(self, state: State, given: Given) -> State:
        """The same second, having heard: a fault goes before everything and stays."""
        if given.site == "fault" or (state.mode == FAULT and given.site != "reset"):
            return self._faulty
        if state.mode == FAULT:
            return self._begin(self.junction.local)
        if given.hub == "flash":
            return self._flashing
        wanted = self.junction.local if given.hub == "local" else given.plan
        if given.hub not in ("plan", "local") or wanted not in self.junction.plans:
            return state
        return self._begin(wanted) if state.mode == FLASHING else state._replace(asked=wanted)

    def _begin(self, plan: int) -> State:
        return State(START, plan, plan, 0, 0, (RED,) * self._count, (0,) * self._count)

    def _dark(self, mode: int) -> State:
        local = self.junction.local
        return State(mode, local, local, 0, 0, (FLASH,) * self._count, (0,) * self._count)

    def _next(self, state: State) -> State:
        if state.mode in (FLASHING, FAULT):
            return state
        if state.mode == START and state.held < self._start_s:
            older = self._aged(state.lamps, state.ages)
            return state._replace(held=state.held + 1, ages=older)
        plan, at, held = state.plan, state.stage, state.held
        stages = self.junction.plans[plan].stages
        if state.mode == START:
            plan, at, held = state.asked, 0, 0
        elif held >= stages[at].green_s:
            at, held = at + 1, 0
            if at == len(stages):
                plan, at = state.asked, 0
        wanted = self.junction.plans[plan].stages[at].green
        lamps, ages = self._lamps(wanted, state)
        if all(lamps[group] == GREEN for group in wanted):
            held += 1
        return State(RUN, plan, state.asked, at, held, tuple(lamps), self._aged(lamps, ages))

    def _lamps(self, wanted: frozenset[int], state: State) -> tuple[list[int], list[int]]:
        """First those that leave, then those that enter, each looking at what is shown by now. One
        that has only now become red stays so for a second."""
        lamps, ages = list(state.lamps), list(state.ages)
        for group in range(self._count):
            if self._leaves(group, wanted, lamps, ages):
                amber = lamps[group] == GREEN and self._amber[group] > 0
                lamps[group], ages[group] = AMBER if amber else RED, 0
        for group in sorted(wanted):
            if state.lamps[group] == RED and self._free(group, lamps, ages):
                lamps[group], ages[group] = GREEN, 0
        return lamps, ages

    def _leaves(
        self, group: int, wanted: frozenset[int], lamps: Sequence[int], ages: Sequence[int]
    ) -> bool:
        if lamps[group] == AMBER:
            return ages[group] >= self._amber[group]
        served = ages[group] >= law.GREEN_S_MIN
        return lamps[group] == GREEN and group not in wanted and served

    def _free(self, group: int, lamps: Sequence[int], ages: Sequence[int]) -> bool:
        """Every conflicting group has been red for its clearance."""
        return all(
            lamps[other] == RED and ages[other] >= clear_s
            for other, clear_s in self._against[group]
        )

    def _aged(self, lamps: Sequence[int], ages: Sequence[int]) -> tuple[int, ...]:
        caps = (self._start_s, law.AMBER_FAST_S + 1, law.GREEN_S_MIN, 0)
        return tuple(
            min(age + 1, caps[lamp]) for lamp, age in zip(lamps, ages, strict=True)
        )  # fmt: skip


def cycle_s(controller: Controller, plan: int, most_s: int = 2_000) -> int:
    """Length of a plan's cycle once it runs by itself; 0 if it never comes round."""
    state, begun = controller.accept(controller.first(), Given("plan", plan)), [0]
    for second in range(most_s):
        before, state = state, controller.step(state, Given())
        if state.stage == 0 and (before.stage > 0 or before.mode == START) and state.mode == RUN:
            begun.append(second)
            if len(begun) == 4:  # the start, then the first cycle that follows itself
                return begun[3] - begun[2]
    return 0
