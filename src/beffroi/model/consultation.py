"""A consultation of inhabitants as plain values. Knows no voter: a ballot has no name, no time."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Stage(StrEnum):
    """It only ever goes forward."""

    DRAFT = "draft"  # the question may still change
    OPEN = "open"
    CLOSED = "closed"  # counted and published


@dataclass(frozen=True, slots=True)
class Consultation:
    """`opened` and `closed` are entries of the evidence log, -1 when there is none."""

    id: str
    title: str
    text: str
    choices: tuple[str, ...]
    closes_ms: int
    stage: Stage = Stage.DRAFT
    opened_ms: int = 0
    closed_ms: int = 0
    opened: int = -1
    closed: int = -1
    origin: str = ""  # of that log
    promise: str = ""  # digest of question and codes when it was opened


class Ballot(NamedTuple):
    """`receipt` is a hash that its voter alone can find again."""

    receipt: str
    choice: int
