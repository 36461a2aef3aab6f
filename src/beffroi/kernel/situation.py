"""What the judge knows besides the command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from beffroi.kernel.envelope import Envelope
from beffroi.kernel.roster import Roster
from beffroi.kernel.state import State


class Fact(NamedTuple):
    """Something the guard measured itself, and when."""

    value: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class Situation:
    """`origin` is of the commune's evidence log; `facts`
    are per target; `lease_until_ms` ends the lease of this guard."""

    commune: str
    guard: str
    origin: str
    nonce: bytes
    roster: Roster
    envelopes: Mapping[str, Envelope]
    state: State
    now_ms: int
    lease_until_ms: int = 0
    facts: Mapping[str, Mapping[str, Fact]] = field(default_factory=dict)
