"""A message to one person about one alarm, and whatever carries it."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class NotifyError(Exception):
    """The message was not taken; it may be tried again. The text says why."""


class Notice(NamedTuple):
    """Ready to send. Of personal data it holds the recipient's address and nothing else."""

    user: str
    address: str  # "" when the person has none: only the outbox keeps the notice
    subject: str
    body: str
    alarm: str
    kind: str  # of the event
    at_ms: int


class Notifier(Protocol):
    """Carries notices. May block for as long as its network does: call it from its own thread."""

    def send(self, notice: Notice) -> None:
        """Returns once the message is in safe hands, else raises NotifyError."""
