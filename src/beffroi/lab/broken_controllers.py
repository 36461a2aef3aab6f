"""Controllers with one seeded bug each, as somebody might write them: what a proof is worth is what
it finds. `BUGS` says which rule of the observer each one breaks first. Nothing runs them in a town.
"""

from __future__ import annotations

from collections.abc import Sequence

from beffroi.domains.signal_controller import (
    AMBER,
    FAULT,
    FLASHING,
    GREEN,
    RED,
    Controller,
    Given,
    State,
)
from beffroi.domains.signal_junction import Junction


class NoClearance(Controller):
    """Green as soon as the others are red."""

    def _free(self, group: int, lamps: Sequence[int], ages: Sequence[int]) -> bool:
        del ages
        return all(lamps[other] == RED for other, _ in self._against[group])


class StaleLamps(Controller):
    """Decides to enter on what was shown before this second's changes."""

    def _lamps(self, wanted: frozenset[int], state: State) -> tuple[list[int], list[int]]:
        lamps, ages = super()._lamps(frozenset(g for g in wanted if state.lamps[g] == GREEN), state)
        for group in sorted(wanted):
            if state.lamps[group] == RED and all(
                state.lamps[other] == RED for other, _ in self._against[group]
            ):
                lamps[group], ages[group] = GREEN, 0
        return lamps, ages


class OneWayMatrix(Controller):
    """Reads each conflict in one order only."""

    def __init__(self, junction: Junction) -> None:
        super().__init__(junction)
        self._against = [
            [pair for pair in others if pair[0] < group]
            for group, others in enumerate(self._against)
        ]


class AmberOff(Controller):
    """`>` written for `>=`, or the reverse: amber a second too short or too long."""

    by_s = 0

    def __init__(self, junction: Junction) -> None:
        super().__init__(junction)
        self._amber = [amber + self.by_s if amber else 0 for amber in self._amber]


class AmberShort(AmberOff):
    by_s = -1


class AmberLong(AmberOff):
    by_s = 1


class SwitchAtOnce(Controller):
    """An order takes effect at once and cuts the amber that is on."""

    def accept(self, state: State, given: Given) -> State:
        heard = super().accept(state, given)
        if given.hub == "plan" and given.plan in self.junction.plans and AMBER in heard.lamps:
            red = tuple(RED if lamp == AMBER else lamp for lamp in heard.lamps)
            return heard._replace(plan=given.plan, stage=0, held=0, lamps=red)
        return heard


class NoMinimum(Controller):
    """Leaves green whenever the stage is over, and lets an order end a stage."""

    def accept(self, state: State, given: Given) -> State:
        heard = super().accept(state, given)
        return heard._replace(held=10_000) if given.hub == "plan" else heard

    def _leaves(
        self, group: int, wanted: frozenset[int], lamps: Sequence[int], ages: Sequence[int]
    ) -> bool:
        if lamps[group] == GREEN:
            return group not in wanted
        return super()._leaves(group, wanted, lamps, ages)


class Starves(Controller):
    """Begins the cycle again with each order: who comes last never gets green."""

    def accept(self, state: State, given: Given) -> State:
        heard = super().accept(state, given)
        again = given.hub == "plan" and given.plan in self.junction.plans and heard.stage > 0
        return heard._replace(stage=0, held=0) if again else heard


class TrustsTheHub(Controller):
    """A plan that is not in the catalogue is taken for "everything open"."""

    def accept(self, state: State, given: Given) -> State:
        heard = super().accept(state, given)
        if given.hub == "plan" and given.plan not in self.junction.plans:
            return heard._replace(lamps=(GREEN,) * len(heard.lamps))
        return heard


class WakesIntoGreen(Controller):
    """Leaves flashing without a time of all red."""

    def accept(self, state: State, given: Given) -> State:
        heard = super().accept(state, given)
        if state.mode in (FLASHING, FAULT) and heard.mode != state.mode:
            return heard._replace(held=self._start_s, ages=(99,) * len(heard.ages))
        return heard


BUGS = {
    NoClearance: "clearance",
    StaleLamps: "clearance",
    OneWayMatrix: "conflict",
    AmberShort: "amber_short",
    AmberLong: "amber_long",
    SwitchAtOnce: "order",
    NoMinimum: "green_short",
    Starves: "wait",
    TrustsTheHub: "conflict",
    WakesIntoGreen: "order",
}
