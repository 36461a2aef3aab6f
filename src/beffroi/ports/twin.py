"""The digital twin: what a change would do, before anybody changes anything in the street."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from beffroi.model.experiment import Guess, TwinOffer


class TwinError(ValueError):
    """It cannot be simulated with these numbers; `text` (English message id) says why."""


class Twin(Protocol):
    """Pure: the same numbers give the same guess."""

    def offers(self) -> Sequence[TwinOffer]: ...

    def run(self, name: str, params: Mapping[str, float]) -> Guess:
        """TwinError when a number is out of its range, or nothing steady would come of it."""
