"""The evidence log as people read it: entries in words, witnesses, files of evidence, board codes.

Reads the log through its port; writes nothing. Entries of one command are found by time, because
the log has no index and needs none: its entries are in order.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from beffroi.api.command_views import View, dispatch_of
from beffroi.api.words import said
from beffroi.evidence import words
from beffroi.evidence.dossier import Dossier, Item
from beffroi.evidence.entry import Entry, read_entry
from beffroi.evidence.witness import vouched
from beffroi.hub.dispatch.service import Dispatch
from beffroi.hub.services import Services
from beffroi.kernel import keys
from beffroi.kernel.code import number_of
from beffroi.kernel.roster import LOG, WITNESS
from beffroi.model.asset import Label
from beffroi.model.limits import CODE_COMMANDS_MAX, EVIDENCE_SCAN_MAX
from beffroi.ports.commands import CommandRow
from beffroi.ports.log_store import LogStore

SLACK_MS = 120_000  # entries and rows are dated by calls that follow each other


class Line(NamedTuple):
    """One entry. `text` in the reader's language; `subject` in hex, "" when it is about nothing."""

    number: int
    at_ms: int
    kind: str
    text: str
    subject: str
    refs: dict[str, int | str]


def line(index: int, entry: Entry, lang: str) -> Line:
    known = words.KINDS.get(entry.kind)
    text = (known.en if lang == "en" else known.fr) if known else entry.kind
    return Line(
        index, entry.at_ms, entry.kind, text[:1].upper() + text[1:], _subject(entry),
        dict(entry.refs),
    )  # fmt: skip


def _subject(entry: Entry) -> str:
    return entry.subject.hex() if any(entry.subject) else ""


def newest(log: LogStore, view: View, count: int, before: int = 0) -> list[dict[str, Any]]:
    """The last `count` entries (before `before`, if given), newest first."""
    size = log.checkpoint().size
    end = min(before or size, size)
    found = []
    for index in range(end - 1, max(-1, end - 1 - count), -1):
        entry = read_entry(log.entry(index))
        found.append(line(index, entry, view.lang)._asdict() | {"say": _refs(entry, view)})
    return found


def _refs(entry: Entry, view: View) -> str:
    """The things that an entry names, by their names, without its kind and number."""
    refs, parts = entry.refs, []
    for name, known in (("reason", words.reason), ("outcome", words.outcome)):
        if name in refs:
            told = known(str(refs[name]))
            parts.append(told.en if view.lang == "en" else told.fr)
    target = str(refs.get("target", ""))
    if target:
        parts.append(view.target_name(target))
    elif "guard" in refs:
        parts.append(str(refs["guard"]))
    if "action" in refs:
        parts.append(view.action_name(target, str(refs["action"])))
    parts += [f"{said(REFS[name], view.lang)} {refs[name]}" for name in REFS if name in refs]
    return " · ".join(parts)


REFS = {
    "plan": Label("plan", "plan"),
    "incident": Label("incident", "incident"),
    "klass": Label("classe", "class"),
    "number": Label("n°", "no."),
    "version": Label("version", "version"),
}


# --- one command ---------------------------------------------------------------------------------
def of_command(log: LogStore, row: CommandRow, lang: str) -> list[Line]:
    """Its entries in the log, in order; those of its receipt too."""
    wanted = {bytes.fromhex(row.digest)}
    if row.receipt:
        wanted.add(bytes.fromhex(row.receipt))
    return [line(index, entry, lang) for index, entry in _about(log, row, wanted)]


def _about(log: LogStore, row: CommandRow, wanted: set[bytes]) -> Iterator[tuple[int, Entry]]:
    size = log.checkpoint().size
    first = _first(log, size, row.created_ms - SLACK_MS)
    for index in range(first, min(size, first + EVIDENCE_SCAN_MAX)):
        entry = read_entry(log.entry(index))
        if entry.subject in wanted:
            yield index, entry
        if entry.at_ms > row.changed_ms + SLACK_MS:
            return


def _first(log: LogStore, size: int, at_ms: int) -> int:
    """The first entry that is not older: entries are dated as they are written."""
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        if read_entry(log.entry(middle)).at_ms < at_ms:
            low = middle + 1
        else:
            high = middle
    return low


def dossier(dispatch: Dispatch, row: CommandRow, *, payloads: bool) -> bytes:
    """A file of evidence of one command, with the checkpoint that witnesses have cosigned if it
    covers it."""
    log, roster = dispatch.book.log, dispatch.book.trusted.roster
    indices = [one.number for one in of_command(log, row, "fr")]
    seen = log.witnessed()
    covers = seen is not None and (not indices or indices[-1] < seen.size)
    at = seen if seen is not None and covers else log.checkpoint()
    items = []
    for index in indices:
        proof = log.prove(index, at)
        salt, payload = (log.payload(index) if payloads else None) or (b"", b"")
        items.append(Item(index, proof.entry, proof.path, salt, payload))
    return Dossier(at.text(), tuple(items), roster.encoded()).text()


# --- the whole log -------------------------------------------------------------------------------
def summary(services: Services) -> dict[str, Any]:
    """Size, latest checkpoint, its key, and when each witness last cosigned."""
    dispatch = dispatch_of(services)
    log, roster = dispatch.book.log, dispatch.book.trusted.roster
    latest, seen = log.checkpoint(), log.witnessed()
    found = []
    for member in roster.having(WITNESS):
        at_s = seen.cosigned_by(member.person, member.public) if seen else None
        found.append(
            {
                "name": member.person,
                "org": member.org,
                "at_ms": (at_s or 0) * 1000,
                "size": seen.size if seen and at_s else 0,
            }
        )
    return {
        "origin": log.origin,
        "size": latest.size,
        "root": latest.root.hex(),
        "keys": [keys.sha256(member.public).hex() for member in roster.having(LOG)],
        "witnesses": found,
        "witnessed_size": seen.size if seen and vouched(seen, roster) else 0,
    }


# --- the short code on a board -------------------------------------------------------------------
def named(services: Services, code: str, lang: str) -> list[dict[str, Any]]:
    """Public commands that carry this code: what the board should say, when, and where it is in
    the log. A row that the log does not hold is left out: the log is what counts."""
    dispatch = dispatch_of(services)
    wanted = number_of(code)
    if wanted is None:
        return []
    view = View(services, lang)
    found = []
    for row in dispatch.book.store.commands(limit=CODE_COMMANDS_MAX):
        mine = int(row.digest[:8], 16) >> 2 == wanted
        if mine and row.entry >= 0 and view.public(row.target, row.action):
            entry = read_entry(dispatch.book.log.entry(row.entry))
            if entry.subject.hex() == row.digest:
                found.append(view.displayed(row) | {"entry": row.entry, "at_ms": entry.at_ms})
    return found
