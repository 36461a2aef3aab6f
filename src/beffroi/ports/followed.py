"""What a body of several communes asks of each that delegated something to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class OpenAlarm:
    """As the commune tells it. `severity`: "grave", "warning" or "info"."""

    id: str
    title_fr: str
    title_en: str
    asset: str
    severity: str
    raised_ms: int
    decided: bool


@dataclass(frozen=True, slots=True)
class Told:
    """One delegation. `alarms`: the gravest first, not more than a page; `count` is of all,
    `undecided` of the grave ones without a decision."""

    commune: str
    organisation: str
    domain: str
    domain_fr: str
    domain_en: str
    until_ms: int
    count: int
    undecided: int
    alarms: tuple[OpenAlarm, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """What came back from `address`: `told`, or `why` not ("refused", "silent", "odd")."""

    address: str
    at_ms: int
    told: Told | None = None
    why: str = ""


class Followed(Protocol):
    """Blocks, for some seconds at most; callable from several threads."""

    def any(self) -> bool:
        """Whether this hub follows anybody."""

    def look(self) -> Sequence[Seen]:
        """One per delegation, as of at most half a minute ago."""
