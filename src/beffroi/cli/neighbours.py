"""Neighbour communes while the hub runs: they cosign our log, and our witness cosigns theirs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from beffroi.adapters.log.cosigners import Cosigners, Feeder
from beffroi.adapters.log.reading import Reading
from beffroi.adapters.log.witness import Witness
from beffroi.ports.log_store import LogError

NAME = "witness.name"  # in evidence/witness: the note name that neighbours know
PERIOD_S = 60.0

log = structlog.get_logger("hub")


def witness_folder(home: Path) -> Path:
    return home / "evidence" / "witness"


def witness_of(home: Path) -> Witness | None:
    """Ours, if this commune was made one with `beffroi evidence witness key --name`."""
    folder = witness_folder(home)
    path = folder / NAME
    if not path.exists():
        return None
    try:
        return Witness(folder, path.read_text().strip(), lambda: int(time.time()))
    except (LogError, OSError) as error:
        log.error("no_witness", why=str(error))  # the hub goes on: neighbours see that we are gone
        return None


# (what is wrong, "" for nothing; the same again when our log is not the one they have seen)
Witnessed = Callable[[str, str], None]


def to_nobody(wrong: str, rolled_back: str) -> None:
    """Without a house the log alone tells."""


@contextmanager
def cosigned(
    evidence: Reading, witnesses: Cosigners | None, told: Witnessed = to_nobody
) -> Iterator[None]:
    """Every PERIOD_S our latest checkpoint goes to all witnesses."""
    if witnesses is None:
        yield
        return

    def report(wrong: str) -> None:
        _report(wrong)
        told(wrong, "")

    feeder = Feeder(
        evidence, witnesses, PERIOD_S, report, rolled_back=lambda wrong: told(wrong, wrong)
    )
    try:
        yield
    finally:
        feeder.close()


def _report(wrong: str) -> None:
    if wrong:
        log.error("witnesses", why=wrong)
    else:
        log.info("witnesses_well")
