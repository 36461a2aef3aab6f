"""What the judge answers when a domain's envelope is the one that holds. For tests of envelopes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tests.kernel.world import COMMUNE, GUARD_ID, NONCE, NOW, ORIGIN, ROSTER, Trial

from beffroi.domains.base import Terms
from beffroi.domains.registry import domains
from beffroi.kernel.command import Command
from beffroi.kernel.envelope import Envelope, read_envelope
from beffroi.kernel.situation import Fact, Situation
from beffroi.kernel.state import State
from beffroi.kernel.verdict import Accepted, Refused, Verdict
from beffroi.model.asset import Asset

EVERYBODY = ("hub", "clerk", "engineer", "prefect")
PEOPLE = {"A": ("hub",), "B": ("hub", "clerk"), "C": EVERYBODY}
TERMS = Terms(COMMUNE, GUARD_ID, 1, 0, NOW + 20 * 86_400_000)
MINUTE = 60_000


def asset(domain: str, kind: str, **attrs: Any) -> Asset:
    return Asset("target-1", domain, kind, "Cible", 2.35, 48.85, authority="mairie", attrs=attrs)


def envelope_of(one: Asset) -> Envelope:
    """It survives the way through the bytes that the root signs."""
    made = domains()[one.domain].envelope(one, TERMS)
    assert made is not None
    assert read_envelope(made.encoded()) == made
    return made


@dataclass
class Bench:
    """A guard with one target: accepted commands change its state, as a real guard's would."""

    envelope: Envelope
    facts: dict[str, int] = field(default_factory=dict)
    now_ms: int = NOW
    state: State = field(default_factory=State)
    lease: bool = True

    def ask(
        self,
        action: str,
        klass: str = "C",
        by: tuple[str, ...] = (),
        witnesses: tuple[str, ...] = ("val", "mont"),
        life_ms: int = MINUTE,
        **params: int | str,
    ) -> Verdict:
        target, now = self.envelope.target, self.now_ms
        known = Situation(
            COMMUNE, GUARD_ID, ORIGIN, NONCE, ROSTER, {target: self.envelope}, self.state, now,
            now + 30_000 if self.lease else 0,
            {target: {name: Fact(value, now) for name, value in self.facts.items()}},
        )  # fmt: skip
        command = Command(
            "c1", COMMUNE, GUARD_ID, target, klass, action, NONCE, self.envelope.epoch,
            self.state.of(target).counter + 1, now - 1_000, now - 1_000 + life_ms,
            self.envelope.digest, params,
        )  # fmt: skip
        trial = Trial(command, by or PEOPLE[klass], known, witnesses=witnesses)
        verdict = trial.verdict()
        if isinstance(verdict, Accepted):
            self.state = verdict.state
        return verdict

    def passes(self, ms: int) -> None:
        self.now_ms += ms


def bench(domain: str, kind: str, facts: Mapping[str, int] | None = None, **attrs: Any) -> Bench:
    return Bench(envelope_of(asset(domain, kind, **attrs)), dict(facts or {}))


def reason(verdict: Verdict) -> str:
    return verdict.reason if isinstance(verdict, Refused) else "accepted"


__all__ = ["replace"]
