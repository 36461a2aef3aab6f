"""The port to one target's equipment. A driver knows wiring and a protocol, never who may act."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

FALL_BACK = "fall_back"
Shown = Mapping[str, int | str]


class DriverError(Exception):
    """The equipment did not answer, or answered something else; the text says what."""


class Driver(Protocol):
    """One target: a pump, a cabinet, a junction, a board. Called from one thread.

    Every call is bounded in time by the driver itself and raises DriverError, nothing else.
    """

    def read(self) -> Shown:
        """What the equipment shows now: the facts of conditions, and what `expects` names."""

    def act(self, action: str, params: Mapping[str, int | str]) -> None:
        """Do it. Idempotent: twice the same is the same as once."""

    def expects(self, action: str, params: Mapping[str, int | str]) -> Shown:
        """What `read` will show once it is done. DriverError when the wiring has no such action.

        `expects(FALL_BACK, {})` is what the safe local state shows: compared from then on, so that
        a foreign hand is noticed. {} when that state changes by itself.
        """

    def fall_back(self) -> None:
        """The safe local state: lamps by the sun, the local plan, a blank board. Idempotent."""

    def close(self) -> None: ...
