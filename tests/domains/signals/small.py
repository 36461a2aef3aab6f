"""Small junctions for the tests, and the controllers with a seeded bug each."""

from __future__ import annotations

import random
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
from beffroi.domains.signal_junction import PEDESTRIAN, Group, Junction, Plan, Stage


def cross(**changes: object) -> Junction:
    """Two roads that cross, pedestrians over the second one; three plans."""
    groups = (Group("Nord-Sud"), Group("Est-Ouest"), Group("Piétons", PEDESTRIAN))
    conflicts = {(0, 1): 150, (1, 0): 130, (1, 2): 60, (2, 1): 70}
    plans = {number: _plan(green_s, 8) for number, green_s in ((1, 20), (2, 35), (3, 9))}
    made = {"id": "j", "name": "Croix", "groups": groups, "conflicts": conflicts,
            "plans": plans, "local": 1}  # fmt: skip
    return Junction(**{**made, **changes})  # type: ignore[arg-type]


def _plan(main_s: int, side_s: int) -> Plan:
    stages = (Stage(frozenset({0, 2}), main_s), Stage(frozenset({0}), 6),
              Stage(frozenset({1}), side_s))  # fmt: skip
    return Plan("", stages)


def any_junction(rng: random.Random) -> Junction:
    """Random conflicts and plans with no engineer behind them: most are bad."""
    count = rng.randint(2, 5)
    groups = tuple(
        Group(f"g{i}", rng.choice(("vehicle", "vehicle", PEDESTRIAN)), rng.choice((30, 50, 70)))
        for i in range(count)
    )
    conflicts: dict[tuple[int, int], int] = {}
    for a in range(count):
        for b in range(a + 1, count):
            if rng.random() < 0.5:
                conflicts[a, b], conflicts[b, a] = rng.randint(20, 250), rng.randint(20, 250)
    plans = {
        n: Plan("", tuple(_stages(rng, count, conflicts))) for n in (1, 2)[: rng.randint(1, 2)]
    }
    return Junction("random", "", groups, conflicts, plans, 1)


def _stages(
    rng: random.Random, count: int, conflicts: dict[tuple[int, int], int]
) -> Sequence[Stage]:
    """Mostly sets without conflict, mostly serving everybody."""
    left, stages = set(range(count)), []
    while left:
        green: set[int] = set()
        for group in rng.sample(range(count), count):
            if not any((group, other) in conflicts for other in green) and rng.random() < 0.7:
                green.add(group)
        if rng.random() < 0.04:
            green.add(rng.randrange(count))
        if green & left or rng.random() < 0.1:
            stages.append(Stage(frozenset(green or {0}), rng.choice((1, 4, 9, 20, 45, 70))))
            left -= green
        if rng.random() < 0.03:
            break
    return stages[:12] or [Stage(frozenset({0}), 10)]


class NoClearance(Controller):
    """Green as soon as the others are red."""

    def _free(self, group: int, lamps: Sequence[int], ages: Sequence[int]) -> bool:
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
