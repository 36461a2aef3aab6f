"""Sets a paper as a tagged PDF. Knows nothing of what the paper says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol


class PaperError(Exception):
    """The paper was not made; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class PaperLine:
    """`cites` empty: the line is shown as not proven."""

    text: str
    cites: tuple[str, ...] = ()
    head: str = ""


@dataclass(frozen=True, slots=True)
class PaperSection:
    """`number` "" for a part without one. `note`: what was left out, and why."""

    title: str
    lines: tuple[PaperLine, ...]
    number: str = ""
    law: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file within the PDF (PDF/A-3)."""

    name: str
    content: bytes
    words: str
    mime: str = "text/plain"


@dataclass(frozen=True, slots=True)
class Paper:
    """`marks`: pairs of the cover. `warning`: printed on each page. French text, already spaced."""

    title: str
    subtitle: str
    commune: str
    town_hall: str
    edition: str
    marks: Sequence[tuple[str, str]]
    notice: Sequence[str]
    sections: Sequence[PaperSection]
    warning: str
    made: str
    attachments: tuple[Attachment, ...] = field(default=())


class PaperMaker(Protocol):
    """Blocks while it sets: call it from a thread."""

    def make(self, paper: Paper) -> bytes:
        """A PDF/UA-1 file, PDF/A-2a without and PDF/A-3a with attachments. PaperError."""
