"""Writes lines of registers: into the evidence log first, then into the store.

A line in the log without one in the store says more than is known here, never less. Entries hold
identifiers and a salted digest; the words are the payload, which can be erased in both places.
"""

from __future__ import annotations

import json
import secrets
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date

from beffroi.evidence.entry import NOTHING, Draft, EntryError
from beffroi.hub.dossier.books import BOOKS, CHOICE, DAY, LONG, WHOLE, Book, Field
from beffroi.kernel.document import is_id
from beffroi.model.limits import (
    COMMENT_CHARS_MAX,
    NAME_CHARS_MAX,
    REGISTER_TEXT_CHARS_MAX,
    REGISTER_WHOLE_MAX,
)
from beffroi.ports.clock import Clock
from beffroi.ports.log_store import LogError, LogStore
from beffroi.ports.registers import Fact, Record, RegisterStore

Refs = Mapping[str, int | str]


class RegisterError(Exception):
    """The line was not written. `code` for translation, the text says what to do."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


def _new_id() -> str:
    return secrets.token_hex(8)


class Registers:
    """Of one commune. `journal` None: no evidence log is open, and lines say so."""

    def __init__(
        self,
        store: RegisterStore,
        journal: LogStore | None,
        clock: Clock,
        *,
        new_id: Callable[[], str] = _new_id,
    ) -> None:
        self.store, self.journal, self._clock, self._new_id = store, journal, clock, new_id

    def declare(self, book: str, key: str, given: Mapping[str, str], actor: str) -> Record:
        """A line of a register of BOOKS, from a form. RegisterError names what is missing."""
        known = BOOKS.get(book)
        if known is None:
            raise RegisterError("book", "There is no such register.")
        facts = read_fields(known, given)
        _fit_key(known, key)
        return self.write(book, key, "declared", facts, actor)

    def write(
        self,
        book: str,
        key: str,
        what: str,
        facts: Mapping[str, Fact],
        actor: str,
        *,
        at_ms: int = 0,
        refs: Refs | None = None,
        entry_kind: str = "",
        subject: bytes = NOTHING,
    ) -> Record:
        """A line whose facts are fit. `at_ms` 0: now. `refs`, `subject`: of the evidence entry."""
        at_ms, record_id = at_ms or self._clock.now_ms(), self._new_id()
        record = Record(record_id, book, key, what, at_ms, actor, dict(facts))
        kind = entry_kind or f"register.{book}"
        named = {"case": record_id, **(refs or {})}
        draft = Draft(kind, at_ms, subject, named, said(record))
        index = -1
        if self.journal is not None:
            try:
                index = self.journal.append([draft])[0].index
            except (LogError, EntryError, OSError) as error:
                raise RegisterError(
                    "no_log", f"The evidence log cannot be written: {error}."
                ) from error
        record = Record(record_id, book, key, what, at_ms, actor, dict(facts), index)
        self.store.add(record)
        return record

    def erase(self, record_id: str) -> bool:
        """Words and author are forgotten in store and log; the proof that it was there holds.
        LogError, StoreError."""
        record = self.store.record(record_id)
        if record is None:
            return False
        if record.entry >= 0 and self.journal is not None:
            self.journal.erase([record.entry])
        return self.store.erase(record_id)


def said(record: Record) -> bytes:
    """What the log seals of a line: one form, so that anybody can compare."""
    content = {
        "actor": record.actor,
        "at_ms": record.at_ms,
        "book": record.book,
        "facts": dict(record.facts),
        "id": record.id,
        "key": record.key,
        "what": record.what,
    }
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def id_refs(**refs: str | int) -> dict[str, str | int]:
    """Those that are fit to be named in an entry; an odd identifier stays in the payload."""
    return {name: value for name, value in refs.items() if isinstance(value, int) or is_id(value)}


def read_fields(book: Book, given: Mapping[str, str]) -> dict[str, Fact]:
    facts: dict[str, Fact] = {}
    for field in book.fields:
        text = given.get(field.name, "").replace("\r\n", "\n").strip()
        if text:
            facts[field.name] = _value(field, text)
        elif field.needed:
            raise RegisterError("field_missing", "A field is empty: fill in what is asked.")
    return facts


def _value(field: Field, text: str) -> Fact:
    if field.kind == WHOLE:
        whole = text.isascii() and text.isdigit() and len(text) <= 16
        if not whole or int(text) > REGISTER_WHOLE_MAX:
            raise RegisterError("field_whole", "Write a whole number, digits only.")
        return int(text)
    if field.kind == DAY:
        try:
            return date.fromisoformat(text).isoformat()
        except ValueError:
            raise RegisterError("field_day", "Choose a day.") from None
    if field.kind == CHOICE:
        if text not in (field.choices or {}):
            raise RegisterError("field_choice", "Choose one of the answers.")
        return text
    return fit_text(text, COMMENT_CHARS_MAX if field.kind == LONG else REGISTER_TEXT_CHARS_MAX)


def fit_text(text: str, chars_max: int) -> str:
    """Readable and not too long, or RegisterError."""
    if len(text) > chars_max:
        raise RegisterError("text_too_long", "This text is too long.")
    if any(unicodedata.category(c) in ("Cc", "Cs", "Co", "Cn") and c not in "\n\t" for c in text):
        raise RegisterError("text_unreadable", "This text holds unreadable characters.")
    return text


def _fit_key(book: Book, key: str) -> None:
    good = not key if not book.about else len(key) <= NAME_CHARS_MAX and bool(key)
    if book.about == "year":
        good = len(key) == 4 and key.isascii() and key.isdigit()
    if not good:
        raise RegisterError("key", "Say which service or which year this is about.")
