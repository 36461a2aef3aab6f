"""The evidence log, as the hub sees it: record, prove, have it seen by others.

Durability promise: when `append` returns, the entries and their payloads survive a power cut, and a
checkpoint that covers them is signed and kept in a second place. When it raises, they may or may
not have been recorded. The log refuses everything else: it has no update and no delete.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from beffroi.evidence.entry import Draft
from beffroi.kernel.dsse import Logged
from beffroi.kernel.note import Checkpoint


class LogError(Exception):
    """The log cannot do that; the text says what to do."""


class WitnessError(LogError):
    """Not enough witnesses answered in time; the text names who is missing and why."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a draft was recorded, and the bytes that stand there."""

    index: int
    entry: bytes


class LogStore(Protocol):
    """Safe to call from several threads. Every method may raise LogError."""

    @property
    def origin(self) -> str:
        """`beffroi/<commune>`."""

    def append(self, drafts: Sequence[Draft]) -> list[Placed]:
        """Record in this order, behind each other; durable when it returns. EntryError (nothing
        was recorded) when a draft is not lawful. Blocks for one or two fsyncs."""

    def checkpoint(self) -> Checkpoint:
        """The latest, signed by the log."""

    def entry(self, index: int) -> bytes:
        """What stands at `index`, in its one form (`evidence.entry.read_entry`)."""

    def witnessed(self) -> Checkpoint | None:
        """The largest checkpoint that witnesses have cosigned, with their cosignatures."""

    def prove(self, index: int, checkpoint: Checkpoint | None = None) -> Logged:
        """That entry `index` is in the log of `checkpoint` (the latest when None)."""

    def payload(self, index: int) -> tuple[bytes, bytes] | None:
        """(salt, payload), None when there was none or it was erased."""

    def erase(self, indices: Sequence[int]) -> int:
        """Forget payloads and salts for good; how many there were. Proofs still hold."""


class Witnesses(Protocol):
    """Neighbours that cosign our checkpoints."""

    def cosign(self, checkpoint: Checkpoint, need: int, timeout_s: float) -> Checkpoint:
        """That checkpoint, or a later one of the same log, with `need` cosignatures or more.
        WitnessError when they cannot be had within `timeout_s`."""
