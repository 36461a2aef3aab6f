"""Alerts of authorities as they come to the hub."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from beffroi.model.cap import Alert


class Bulletins(Protocol):
    """Holds what came and was found to be genuine; what was not is told of elsewhere and gone."""

    def alerts(self, now_ms: int) -> Sequence[Alert]:
        """All verified alerts that are kept, updates and cancellations among them, in any order."""
