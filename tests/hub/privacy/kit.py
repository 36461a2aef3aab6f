"""A guarded vault on disk with a clock that the test moves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from beffroi.adapters.personal import open_vault
from beffroi.evidence.entry import Draft
from beffroi.hub.privacy.egress import Gate
from beffroi.hub.privacy.keeper import Keeper
from beffroi.model.finding import Finding

NOW, DAY = 1_800_000_000_000, 86_400_000


class Hand:
    """A clock."""

    def __init__(self) -> None:
        self.ms = NOW

    def now_ms(self) -> int:
        return self.ms


class Told:
    """What the alarm desk would hear."""

    def __init__(self) -> None:
        self.found: list[Finding] = []

    def __call__(self, findings: Sequence[Finding]) -> None:
        self.found += [one for one in findings if one.active]

    def rules(self) -> list[str]:
        return [one.rule for one in self.found]


class Kit:
    def __init__(self, home: Path, seen: list[Draft] | None = None) -> None:
        self.clock, self.told = Hand(), Told()
        self.vault = open_vault(home)
        self.gate = Gate(self.vault, self.told)
        self.keeper = Keeper(self.gate, self.told, self.clock)
        self.drafts: list[Draft] = [] if seen is None else seen
        self.keeper.record = self.keeper.bulk._record = self.drafts.extend  # type: ignore[method-assign,assignment]

    def people(self, count: int, purpose: str = "reports") -> list[str]:
        made = []
        for n in range(count):
            subject = self.vault.subject(purpose, NOW)
            self.vault.put(subject, purpose, "email", b"p%d@exemple.fr" % n, NOW, NOW + 99 * DAY)
            made.append(subject)
        return made
