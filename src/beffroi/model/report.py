"""What an inhabitant reports about the town, as plain values. Knows no person: who wrote, the words
as received and the photo as received are personal data and live elsewhere (`ports.personal`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from beffroi.model.asset import Label

IDEA = "idea"  # the topic of what is no problem but a proposal: it may become an experiment


class ReportState(StrEnum):
    """Where a report is. The transitions are in `hub.reports.lifecycle`."""

    RECEIVED = "received"  # nobody has read it yet
    ACCEPTED = "accepted"
    IN_PROGRESS = "in_progress"
    ANSWERED = "answered"
    CLOSED = "closed"
    REJECTED = "rejected"  # with a reason, which is told
    DUPLICATE = "duplicate"  # of another, which goes on for both
    WITHDRAWN = "withdrawn"  # by whoever sent it


OPEN = frozenset({ReportState.RECEIVED, ReportState.ACCEPTED, ReportState.IN_PROGRESS})


@dataclass(frozen=True, slots=True)
class Topic:
    """A category that inhabitants can choose. `danger_h`: a report of it is a danger by itself and
    must be made safe within so many hours (0: only when its words say so). `kinds`: kinds of asset
    it is mostly about; only assets of such kinds are ever offered to the public."""

    label: Label
    hint: Label
    group: Label
    danger_h: int = 0
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """One report without anything about its author. Times are UTC ms, 0 for "not yet".

    `place` and `text` are what may be shown to everybody: empty until a moderator wrote them.
    `lon`, `lat` are None when the place could not be found from the words.
    """

    id: str
    topic: str
    state: ReportState
    received_ms: int
    changed_ms: int
    lon: float | None = None
    lat: float | None = None
    asset: str = ""
    danger: bool = False
    danger_why: str = ""  # "topic", "words", "agent", or "merged" from a duplicate
    deadline_ms: int = 0  # a danger must be made safe before
    safe_ms: int = 0  # when it was (cordoned off, switched off, repaired)
    first_answer_ms: int = 0
    ended_ms: int = 0  # closed, rejected, duplicate or withdrawn
    duplicate_of: str = ""
    supports: int = 0  # how many others said "me too"
    source: str = "web"  # "web", "open311", "desk"
    lang: str = "fr"
    place: str = ""
    text: str = ""
    photo: bool = False  # a moderated photo is public
    sent_photo: bool = False  # a photo came with it
    mail: bool = False  # its author wants answers by e-mail
    subject: str = ""  # pseudonym in the personal store; "" once erased
    version: int = 1

    @property
    def public(self) -> bool:
        """Somebody has read it and found it fit to be seen."""
        hidden = (ReportState.RECEIVED, ReportState.REJECTED, ReportState.WITHDRAWN)
        return bool(self.text) and self.state not in hidden

    @property
    def unsafe(self) -> bool:
        """A danger that nobody has made safe yet, as far as it is known."""
        gone = (ReportState.REJECTED, ReportState.DUPLICATE)
        return self.danger and not self.safe_ms and self.state not in gone


@dataclass(frozen=True, slots=True)
class ReportEvent:
    """One line of a report's story. `told`: the author and the public may read `text`."""

    report: str
    version: int
    at_ms: int
    actor: str  # a user's id, "author", or "hub"
    kind: str  # an action of hub.reports.lifecycle
    text: str = ""
    told: bool = False
    data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReportChange:
    """A report's new value with the event that explains it: stored together or not at all."""

    report: Report
    event: ReportEvent
