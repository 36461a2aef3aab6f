"""What the judge knows besides the command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from beffroi.kernel.envelope import Envelope
from beffroi.kernel.roster import Roster
from beffroi.kernel.state import State

Facts = Mapping[str, "Fact"]


class Fact(NamedTuple):
    """Something the guard measured itself, and when."""

    value: int
    at_ms: int


def fresh(facts: Facts, name: str, age_ms_max: int, now_ms: int) -> int | None:
    """The fact, or None when nobody knows: absent, stale, of the future, not a whole number."""
    fact = facts.get(name)
    if fact is None or type(fact.value) is not int or not 0 <= now_ms - fact.at_ms <= age_ms_max:
        return None
    return fact.value


@dataclass(frozen=True, slots=True)
class Situation:
    """`origin` is of the commune's evidence log; `facts` are per target; `lease_until_ms` ends the
    lease of this guard. `now_ms` is the guard's own clock, milliseconds since 1970 (UTC)."""

    commune: str
    guard: str
    origin: str
    nonce: bytes
    roster: Roster
    envelopes: Mapping[str, Envelope]
    state: State
    now_ms: int
    lease_until_ms: int = 0
    facts: Mapping[str, Facts] = field(default_factory=dict)
