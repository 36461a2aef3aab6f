"""Where consultations outlive a power cut. A code and a ballot are never written side by side.

Codes and receipts come in already hashed. Both databases pass the same contract test.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

from beffroi.model.consultation import Ballot, Consultation

Cast = Literal["cast", "unknown", "used"]


class Codes(NamedTuple):
    """Hashes, sorted: so the order tells nothing."""

    issued: Sequence[str]
    used: Sequence[str]


class ConsultationStore(Protocol):
    """Synchronous, safe from several threads; what returned is on disk."""

    def put(self, consultation: Consultation) -> None:
        """Insert or replace."""

    def consultation(self, consultation_id: str) -> Consultation | None: ...

    def consultations(self) -> list[Consultation]:
        """By id."""

    def add_codes(self, consultation_id: str, hashes: Sequence[str]) -> None:
        """More codes. StoreError when one is there already."""

    def cast(self, consultation_id: str, code_hash: str, ballot: Ballot) -> Cast:
        """Burn the code and keep the ballot in one transaction, without a reference between them
        and without a time. Of two that come at once with the same code one wins."""

    def codes(self, consultation_id: str) -> Codes: ...

    def ballots(self, consultation_id: str) -> list[Ballot]:
        """Sorted by receipt."""

    def shuffle(self, consultation_id: str) -> None:
        """Write all codes and ballots anew in one transaction, so that what an engine notes of a
        row's writing no longer tells which were written together."""
