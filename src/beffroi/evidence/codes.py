"""From the six characters on a board to the entries of the log that they may name.

A code is no proof: it leads to an entry, and the entry has its proofs. Several commands may share
one; all are told. Knows no file.
"""

from __future__ import annotations

from collections.abc import Iterable

from beffroi.evidence.entry import NOTHING, Entry, EntryError, read_entry
from beffroi.kernel.code import named_by
from beffroi.kernel.logged import ENTRY_KIND


def entries_named(code: str, entries: Iterable[tuple[int, bytes]]) -> list[tuple[int, Entry]]:
    """The approvals of commands with this code, in the order given; [] when it is no code. What
    cannot be read is left out: whoever verifies the log tells of it."""
    found = []
    for index, raw in entries:
        try:
            entry = read_entry(raw)
        except EntryError:
            continue
        about = entry.kind == ENTRY_KIND and entry.subject != NOTHING
        if about and named_by(code, [entry.subject]):
            found.append((index, entry))
    return found
