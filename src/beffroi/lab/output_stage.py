"""The lamp switches of the lab: drives lamps, tells the monitor what burns, obeys its permit.

Hardware in a cabinet: a relay that must be kept moving, or the junction flashes amber. Here it is
an object beside the test that looks at shared memory.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from pathlib import Path

from beffroi.guard.monitor import limits
from beffroi.guard.monitor.lamps import Lamps, Permit

RED, AMBER, GREEN = 1, 2, 4


class OutputStage:
    """`drive` what should burn, often; `flashing` says whether the relay has fallen."""

    def __init__(self, lamps: Path, permit: Path) -> None:
        self._lamps, self._permit = Lamps(lamps), Permit(permit)
        self._frame = 0
        self._number, self._moved_s = 0, -1e9

    def drive(self, lamps: Sequence[int]) -> None:
        self._frame += 1
        self._lamps.write(self._frame, lamps)

    @property
    def flashing(self) -> bool:
        number = self._permit.read()
        now_s = time.monotonic()
        if number and number != self._number:
            self._moved_s = now_s
        self._number = number
        return not number or now_s - self._moved_s > limits.PERMIT_AGE_MAX / 1000

    def close(self) -> None:
        self._lamps.close()
        self._permit.close()


def two_streets() -> dict[str, object]:
    """The card of a crossing of two streets, with pedestrians who go with the first."""
    return {
        "junction": "lab",
        "groups": [
            {"name": "a", "kind": "vehicle", "amber_ms": 3_000},
            {"name": "b", "kind": "vehicle", "amber_ms": 3_000},
            {"name": "p", "kind": "pedestrian", "amber_ms": 0},
        ],
        "conflicts": [["a", "b", 2_000], ["b", "p", 2_000]],
    }


def seal(folder: Path, card: dict[str, object]) -> tuple[Path, Path]:
    """Write a card and its seal, then turn the switch. A real one is sealed by hand."""
    data = json.dumps(card, indent=1).encode()
    card_path, seal_path = folder / "card.json", folder / "card.sha256"
    for path, content in (
        (card_path, data),
        (seal_path, hashlib.sha256(data).hexdigest().encode()),
    ):
        path.write_bytes(content)
        path.chmod(0o444)
    return card_path, seal_path
