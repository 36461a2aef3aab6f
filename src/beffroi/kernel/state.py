"""What a guard remembers of its targets: written to disk, and synced, before it acts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from beffroi.kernel import document
from beffroi.kernel.document import Flag, Id, Many, Part, Table, Whole
from beffroi.kernel.limits import DAY_MS, DOCUMENT_BYTES_MAX, EFFECTS_MAX, PARAMS_MAX, TARGETS_MAX


@dataclass(frozen=True, slots=True)
class Effect:
    """One accepted command. `travel`: how far each slewed parameter moved."""

    at_ms: Annotated[int, Whole()]
    action: Annotated[str, Id()]
    safe: Annotated[bool, Flag()] = False
    travel: Annotated[Mapping[str, int], Table(Whole(), PARAMS_MAX)] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TargetState:
    """The last accepted (epoch, counter), and the effects of the last day."""

    epoch: Annotated[int, Whole()] = 0
    counter: Annotated[int, Whole()] = 0
    effects: Annotated[tuple[Effect, ...], Many(Part(Effect), EFFECTS_MAX)] = ()

    def after(self, epoch: int, counter: int, effect: Effect) -> TargetState:
        """With one more effect; those older than a day are forgotten."""
        kept = [e for e in self.effects if e.at_ms > effect.at_ms - DAY_MS]
        return TargetState(epoch, counter, (*kept, effect)[-EFFECTS_MAX:])

    def changed_since(self, ms: int) -> bool:
        """It was moved, not only put into its safe state."""
        return any(e.at_ms > ms and not e.safe for e in self.effects)


@dataclass(frozen=True, slots=True)
class State:
    """Of one guard. The empty state is that of a new guard."""

    targets: Annotated[Mapping[str, TargetState], Table(Part(TargetState), TARGETS_MAX)] = field(
        default_factory=dict
    )

    def of(self, target: str) -> TargetState:
        return self.targets.get(target, TargetState())

    def having(self, target: str, new: TargetState) -> State:
        return State({**self.targets, target: new})

    def encoded(self) -> bytes:
        return document.write(self)


def read_state(data: bytes) -> State:
    """CanonicalError or FieldError (both ValueError) unless it is exactly one state."""
    return document.read(State, data, DOCUMENT_BYTES_MAX)
