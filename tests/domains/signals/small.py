"""Small junctions for the tests."""

from __future__ import annotations

import random
from collections.abc import Sequence

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
