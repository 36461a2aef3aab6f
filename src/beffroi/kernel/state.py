"""What a guard remembers of its targets: written to disk, and synced, before it acts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from beffroi.kernel import document, limits
from beffroi.kernel.document import Flag, Id, Many, Part, Table, Whole

KEPT_MAX = limits.EFFECTS_MAX + limits.ACTIONS_MAX
Travel = Annotated[Mapping[str, int], Table(Whole(), limits.PARAMS_MAX)]


@dataclass(frozen=True, slots=True)
class Effect:
    """One accepted command. `travel`: how far each slewed parameter moved."""

    at_ms: Annotated[int, Whole()]
    action: Annotated[str, Id()]
    safe: Annotated[bool, Flag()] = False
    travel: Travel = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TargetState:
    """The last accepted (epoch, counter); the moves of the last day and, of each action, the last
    time that it went into the safe direction: safe commands without end cannot push a move out."""

    epoch: Annotated[int, Whole()] = 0
    counter: Annotated[int, Whole()] = 0
    effects: Annotated[tuple[Effect, ...], Many(Part(Effect), KEPT_MAX)] = ()

    def after(self, epoch: int, counter: int, effect: Effect) -> TargetState:
        """With one more effect; those older than a day are forgotten."""
        day = [*(e for e in self.effects if e.at_ms > effect.at_ms - limits.DAY_MS), effect]
        moves = [e for e in day if not e.safe]
        safe = list({e.action: e for e in day if e.safe}.values())
        return TargetState(epoch, counter, (*moves, *safe[-limits.ACTIONS_MAX :]))

    def changed_since(self, ms: int) -> bool:
        """It was moved, not only put into its safe state."""
        return any(e.at_ms > ms and not e.safe for e in self.effects)


@dataclass(frozen=True, slots=True)
class State:
    """Of one guard. The empty state is that of a new guard."""

    targets: Annotated[Mapping[str, TargetState], Table(Part(TargetState), limits.TARGETS_MAX)] = (
        field(default_factory=dict)
    )

    def of(self, target: str) -> TargetState:
        return self.targets.get(target, TargetState())

    def having(self, target: str, new: TargetState) -> State:
        return State({**self.targets, target: new})

    def encoded(self) -> bytes:
        return document.write(self)


def read_state(data: bytes) -> State:
    """CanonicalError or FieldError (both ValueError) unless it is exactly one state."""
    return document.read(State, data, limits.STATE_BYTES_MAX)
