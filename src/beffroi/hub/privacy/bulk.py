"""Exports of many persons: one asks and says why, another confirms, the first fetches it, once.

Two accounts, and two persons of the roster where the roster knows them: the same human with two
accounts is refused. Requests live in memory: a restart asks again, which costs a minute and keeps
no half-made export. Few rows need no second person; they count as readings of the account instead.
Canaries are left out of a confirmed export, so that whoever reads one did not come this way.

Decides; the gate beneath it still counts (`hub.privacy.egress`). Knows no page.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from beffroi.evidence.entry import Draft
from beffroi.hub.privacy.egress import BULK
from beffroi.model.finding import Finding
from beffroi.model.limits import (
    BULK_ASK_S_MAX,
    BULK_FREE_ROWS,
    BULK_OPEN_MAX,
    BULK_ROWS_MAX,
    BULK_TAKE_S_MAX,
    CANARIES_PER_PURPOSE,
    COMMENT_CHARS_MAX,
)
from beffroi.model.purposes import PURPOSES
from beffroi.ports.personal import PersonalVault

Told = Callable[[Sequence[Finding]], None]
Record = Callable[[Sequence[Draft]], None]
Rows = list[Mapping[str, bytes]]


class BulkError(Exception):
    """Why not; `code` is for programs, the text (an English message id) says what to do."""

    def __init__(self, code: str, text: str, /, **facts: object) -> None:
        super().__init__(text.format(**facts))
        self.code, self.text, self.facts = code, text, facts


class By(NamedTuple):
    """An account and, where it is known, its person of the roster ("" otherwise)."""

    account: str
    person: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """`confirmed` is None until a second person has said yes."""

    id: str
    purpose: str
    count: int
    why: str
    asked: By
    asked_ms: int
    confirmed: By | None = None
    confirmed_ms: int = 0

    @property
    def ends_ms(self) -> int:
        if self.confirmed is None:
            return self.asked_ms + BULK_ASK_S_MAX * 1000
        return self.confirmed_ms + BULK_TAKE_S_MAX * 1000


class Bulk:
    """Safe to call from several threads."""

    def __init__(self, vault: PersonalVault, told: Told, record: Record) -> None:
        self._vault, self._told, self._record = vault, told, record
        self._open: dict[str, Request] = {}
        self._lock = threading.Lock()

    def open(self, now_ms: int) -> list[Request]:
        """Oldest first."""
        with self._lock:
            self._expire(now_ms)
            return list(self._open.values())

    def ask(self, purpose: str, why: str, by: By, now_ms: int) -> Request:
        why = " ".join(why.split())
        if purpose not in PURPOSES:
            raise BulkError("purpose", "Choose one of the purposes of the list.")
        if not 10 <= len(why) <= COMMENT_CHARS_MAX:
            text = "Say in a sentence what the export is for: it is kept with the evidence."
            raise BulkError("why", text)
        count = sum(one.subjects for one in self._vault.held() if one.purpose == purpose)
        if count > BULK_ROWS_MAX:
            text = "{count} persons are more than {most}, the most that may leave in a day."
            raise BulkError("rows", text, count=count, most=BULK_ROWS_MAX)
        made = Request(secrets.token_hex(8), purpose, count, why, by, now_ms)
        with self._lock:
            self._expire(now_ms)
            if len(self._open) >= BULK_OPEN_MAX:
                raise BulkError("open", "Too many exports wait. Confirm or wait for them first.")
            self._open[made.id] = made
        return made

    def confirm(self, request_id: str, by: By, now_ms: int) -> Request:
        with self._lock:
            request = self._find(request_id, now_ms)
            if request.confirmed is not None:
                raise BulkError("confirmed", "Somebody has confirmed this already.")
            if by.account == request.asked.account:
                raise BulkError("same", "You asked for it: another account must confirm it.")
            if by.person and by.person == request.asked.person:
                text = "Both accounts are the same person: another person must confirm it."
                raise BulkError("same_person", text)
            done = replace(request, confirmed=by, confirmed_ms=now_ms)
            self._open[request_id] = done
        facts: dict[str, float | str] = {"count": float(done.count), "purpose": done.purpose}
        self._told([Finding("privacy.bulk", done.asked.account, True, now_ms, facts)])
        return done

    def take(self, request_id: str, account: str, now_ms: int) -> Rows:
        """The rows, to whoever asked, once. The evidence is written before they are handed out."""
        with self._lock:
            request = self._find(request_id, now_ms)
            if account != request.asked.account:
                raise BulkError("not_yours", "Only who asked for an export may fetch it.")
            if request.confirmed is None and request.count > BULK_FREE_ROWS:
                text = "More than {most} persons: a second person must confirm it first."
                raise BulkError("unconfirmed", text, most=BULK_FREE_ROWS)
            del self._open[request_id]
        actor = BULK + account if request.confirmed else account
        most = BULK_ROWS_MAX if request.confirmed else BULK_FREE_ROWS
        listed = self._vault.subjects(request.purpose, most + CANARIES_PER_PURPOSE, actor, now_ms)
        canaries = self._vault.canaries()
        subjects = [one for one in listed if one not in canaries][:most]
        self._record([_draft(request, len(subjects), now_ms)])
        return [self._vault.export(one, actor, now_ms) for one in subjects]

    def _find(self, request_id: str, now_ms: int) -> Request:
        self._expire(now_ms)
        request = self._open.get(request_id)
        if request is None:
            raise BulkError("gone", "This export was fetched, has expired, or never was: ask anew.")
        return request

    def _expire(self, now_ms: int) -> None:
        for request in list(self._open.values()):
            if request.ends_ms <= now_ms:
                del self._open[request.id]


def _draft(request: Request, count: int, now_ms: int) -> Draft:
    """Who, and why, in the payload: it can be erased."""
    confirmed = request.confirmed.account if request.confirmed else ""
    payload = f"{request.asked.account}\n{confirmed}\n{request.why}"
    refs: dict[str, int | str] = {"reason": request.purpose, "count": count}
    return Draft("personal.exported", now_ms, refs=refs, payload=payload.encode())
