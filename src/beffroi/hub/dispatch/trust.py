"""What the commune's root has signed, as the dispatcher uses it. Knows no file format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from beffroi.kernel.envelope import Envelope
from beffroi.kernel.roster import Roster


class TrustError(Exception):
    """The trust repository cannot be read or has expired; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Trusted:
    """One state of the trust repository. `envelopes` by target; each names its guard."""

    roster: Roster
    envelopes: Mapping[str, Envelope]

    @property
    def commune(self) -> str:
        return self.roster.commune

    @property
    def origin(self) -> str:
        """Of the commune's evidence log."""
        return f"beffroi/{self.commune}"

    def held_by(self, guard: str) -> dict[str, Envelope]:
        """The envelopes that this guard carries."""
        return {target: one for target, one in self.envelopes.items() if one.guard == guard}

    @property
    def guards(self) -> frozenset[str]:
        return frozenset(one.guard for one in self.envelopes.values())


class TrustSource(Protocol):
    """The repository. Called from threads."""

    def current(self) -> Trusted:
        """The newest valid state. TrustError when there is none."""

    def refresh(self, now_ms: int) -> bool:
        """Keep what the hub itself must keep fresh; True when that changed something. TrustError
        when it cannot."""

    def bundle(self, guard: str) -> bytes:
        """What goes to this guard on `d/<guard>/trust`: canonical, ready to send."""
