"""A signalled junction as data: groups of lamps, who conflicts with whom, and the plans.

A plan is a fixed cycle of stages; what happens between two stages (amber, clearance) is not in it.
Knows neither the controller that runs it nor whether it is safe: `signal_proof` finds that out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from beffroi.domains import signal_law as law

VEHICLE, PEDESTRIAN = "vehicle", "pedestrian"
KINDS_OF_GROUP = (VEHICLE, PEDESTRIAN)


class JunctionError(ValueError):
    """The data of a junction do not hold together; the text names the entry and what to do."""


@dataclass(frozen=True, slots=True)
class Group:
    """Lamps that always show the same. `speed_kmh` is that allowed on the approach."""

    name: str
    kind: str = VEHICLE
    speed_kmh: int = 50

    @property
    def amber_s(self) -> int:
        """Pedestrians have none."""
        if self.kind == PEDESTRIAN:
            return 0
        return law.AMBER_S if self.speed_kmh <= law.AMBER_KMH else law.AMBER_FAST_S

    def clear_s(self, distance_dm: int) -> int:
        """Whole seconds, rounded up, that the last one needs to pass the conflict point. Where the
        allowed speed is below that of the rule, the slower one counts."""
        if self.kind == PEDESTRIAN:
            return -(-distance_dm // (10 * law.CLEAR_PEDESTRIAN_M_S))
        by_rule = -(-distance_dm // (10 * law.CLEAR_VEHICLE_M_S))
        return max(by_rule, -(-distance_dm * 36 // (100 * self.speed_kmh)))  # km/h to m/s


@dataclass(frozen=True, slots=True)
class Stage:
    """Groups (by number) that are green together, for `green_s` once all of them are."""

    green: frozenset[int]
    green_s: int


@dataclass(frozen=True, slots=True)
class Plan:
    name: str
    stages: tuple[Stage, ...]


@dataclass(frozen=True, slots=True)
class Junction:
    """`conflicts[a, b]` is the distance in decimetres from the stop line of `a` to where its way
    crosses that of `b`; both orders are there. `local` is the plan it runs when nobody asks."""

    id: str
    name: str
    groups: tuple[Group, ...]
    conflicts: Mapping[tuple[int, int], int]
    plans: Mapping[int, Plan]
    local: int

    def __post_init__(self) -> None:
        count = len(self.groups)
        if not 1 < count <= law.GROUPS_MAX or len({g.name for g in self.groups}) < count:
            raise JunctionError(f"{self.id}: 2 to {law.GROUPS_MAX} groups of different names")
        for (a, b), distance_dm in self.conflicts.items():
            if a == b or not (0 <= a < count and 0 <= b < count) or (b, a) not in self.conflicts:
                raise JunctionError(f"{self.id}: conflict {a}-{b} must name two groups, both ways")
            if not 0 < distance_dm <= 10 * law.DISTANCE_M_MAX:
                raise JunctionError(f"{self.id}: distance of conflict {a}-{b} is {distance_dm} dm")
        if not 0 < len(self.plans) <= law.PLANS_MAX or self.local not in self.plans:
            raise JunctionError(f"{self.id}: 1 to {law.PLANS_MAX} plans, the local one among them")
        for number, plan in self.plans.items():
            self._check(number, plan)

    def _check(self, number: int, plan: Plan) -> None:
        where = f"{self.id}, plan {number}"
        if not 0 < number < 256:
            raise JunctionError(f"{where}: a plan is numbered 1 to 255")
        if not 0 < len(plan.stages) <= law.STAGES_MAX:
            raise JunctionError(f"{where}: 1 to {law.STAGES_MAX} stages")
        for stage in plan.stages:
            if not stage.green or not stage.green <= set(range(len(self.groups))):
                raise JunctionError(f"{where}: a stage must give green to groups that exist")
            if not 0 < stage.green_s <= law.STAGE_S_MAX:
                raise JunctionError(f"{where}: a stage lasts 1 to {law.STAGE_S_MAX} s")

    def clear_s(self, leaving: int, entering: int) -> int:
        """Red of `leaving` before `entering` may have green; 0 if they do not conflict."""
        distance_dm = self.conflicts.get((leaving, entering))
        return 0 if distance_dm is None else self.groups[leaving].clear_s(distance_dm)

    @property
    def start_s(self) -> int:
        """All red after flashing: the longest amber and the longest clearance together, and a
        second at least where there is neither."""
        clear = max((self.clear_s(a, b) for a, b in self.conflicts), default=0)
        return max(1, clear + max(group.amber_s for group in self.groups))

    @property
    def digest(self) -> str:
        """Hexadecimal SHA-256 of everything that a proof depends on, the law's numbers included."""
        data = {
            "id": self.id,
            "groups": [[g.name, g.kind, g.speed_kmh, g.amber_s] for g in self.groups],
            "conflicts": [[*pair, dm, self.clear_s(*pair)]
                          for pair, dm in sorted(self.conflicts.items())],
            "plans": [[n, [[sorted(s.green), s.green_s] for s in p.stages]]
                      for n, p in sorted(self.plans.items())],
            "local": self.local,
            "law": [law.GREEN_S_MIN, law.WAIT_S_MAX],
        }  # fmt: skip
        return hashlib.sha256(json.dumps(data, separators=(",", ":")).encode()).hexdigest()
