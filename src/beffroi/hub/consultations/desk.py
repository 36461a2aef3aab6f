"""The life of a consultation: draft, codes, opening, votes, count. Keeps nothing of who votes.

The operator of this machine could see more than is kept: while a vote is being sent, its code and
its choice are in memory together. The pages say so; nothing here claims a secret ballot.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from beffroi.evidence.entry import Draft
from beffroi.hub.consultations import tally
from beffroi.model.consultation import Ballot, Consultation, Stage
from beffroi.model.limits import (
    CHOICES_MAX,
    CONSULTATION_DAYS_MAX,
    QUESTION_CHARS_MAX,
    TALLIES_KEPT_MAX,
    TITLE_CHARS_MAX,
    VOTING_CODE_CHARS,
    VOTING_CODES_MAX,
)
from beffroi.model.measure import DAY_MS
from beffroi.ports.consultations import ConsultationStore
from beffroi.ports.log_store import LogStore

RECEIPT_CHARS = 26  # of 32 signs: 130 bits


class ConsultationError(ValueError):
    """Not possible now; `code` names the rule, the text says what to do (English message id)."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class Counted(NamedTuple):
    """A count that is closed: the file, what its check says, votes by choice, codes issued."""

    data: bytes
    findings: tuple[tally.Finding, ...]
    counts: tuple[int, ...]
    issued: int


class Consultations:
    """`log` is None when the evidence log could not be opened; then no entry stands for a count,
    and the pages say that."""

    def __init__(self, store: ConsultationStore, log: LogStore | None) -> None:
        self.store, self._log = store, log
        self._lock = threading.Lock()
        # Sealed: it never changes, and anybody may ask for it as often as they like.
        self._tally = lru_cache(TALLIES_KEPT_MAX)(self._count)

    def draft(
        self, title: str, text: str, choices: Sequence[str], closes_ms: int, now_ms: int
    ) -> Consultation:
        title, choices = title.strip(), [one.strip() for one in choices if one.strip()]
        if not 3 <= len(title) <= TITLE_CHARS_MAX or len(text) > QUESTION_CHARS_MAX:
            raise ConsultationError("words", "Write a short title, and a text of one page at most.")
        if not 2 <= len(choices) <= CHOICES_MAX or len(set(choices)) < len(choices):
            raise ConsultationError("choices", "Give between two and ten different choices.")
        if any(len(one) > TITLE_CHARS_MAX for one in choices):
            raise ConsultationError("choices", "Give between two and ten different choices.")
        if not now_ms < closes_ms <= now_ms + CONSULTATION_DAYS_MAX * DAY_MS:
            raise ConsultationError("closes", "Choose a last day within the next three months.")
        ident = f"c-{secrets.token_hex(6)}"
        made = Consultation(ident, title, text.strip(), tuple(choices), closes_ms)
        self.store.put(made)
        return made

    def codes(self, ident: str, many: int) -> list[str]:
        """New codes to print, shown this once: only their hashes are kept."""
        with self._lock:
            one = self._of(ident, Stage.DRAFT)
            known = len(self.store.codes(ident).issued)
            if not 1 <= many <= VOTING_CODES_MAX - known:
                raise ConsultationError("codes", "Ask for at least one code, and not too many.")
            made = [_random(VOTING_CODE_CHARS) for _ in range(many)]
            self.store.add_codes(ident, [tally.code_hash(one.id, code) for code in made])
        return ["-".join(code[at : at + 4] for at in range(0, len(code), 4)) for code in made]

    def open(self, ident: str, now_ms: int) -> Consultation:
        """From here on neither question nor codes can change without it being seen."""
        with self._lock:
            one = self._of(ident, Stage.DRAFT)
            issued = self.store.codes(ident).issued
            if not issued:
                raise ConsultationError(
                    "no_codes", "Print the codes first: without them nobody votes."
                )
            promise = tally.promise(one, issued)
            entry = self._entered("consultation.opened", now_ms, promise, ident, len(issued))
            opened = replace(
                one,
                stage=Stage.OPEN,
                opened_ms=now_ms,
                opened=entry,
                origin=self._log.origin if self._log else "",
                promise=promise.hex(),
            )
            self.store.put(opened)
        return opened

    def vote(self, ident: str, code: str, choice: int, word: str, now_ms: int) -> str:
        """The receipt. ConsultationError when the code is unknown or used, or it is too late."""
        with self._lock:  # the count must not begin while a vote is being kept
            one = self._of(ident, Stage.OPEN)
            if now_ms >= one.closes_ms:
                raise ConsultationError("over", "This consultation is over.")
            if not 0 <= choice < len(one.choices):
                raise ConsultationError("choice", "Choose one of the answers.")
            receipt = _random(RECEIPT_CHARS)
            ballot = Ballot(tally.receipt_hash(ident, receipt, word), choice)
            answer = self.store.cast(ident, tally.code_hash(ident, code), ballot)
        if answer == "used":
            raise ConsultationError(
                "used",
                "This code has voted already. If it was not you, tell the town hall and the press.",
            )
        if answer == "unknown":
            raise ConsultationError("code", "This code is not known here. Check its sixteen signs.")
        return "-".join(receipt[at : at + 5] for at in range(0, len(receipt), 5))

    def close(self, ident: str, now_ms: int) -> Consultation:
        """Count, seal, publish. Once: a second count could not be told from a correction."""
        with self._lock:
            one = self._of(ident, Stage.OPEN)
            if now_ms < one.closes_ms:
                raise ConsultationError("early", "It can be counted once its last day is over.")
            codes, ballots = self.store.codes(ident), self.store.ballots(ident)
            counts = tally.count(ballots, len(one.choices))
            sealed = tally.result(one.promise, codes.used, ballots, counts)
            entry = self._entered("consultation.closed", now_ms, sealed, ident, len(ballots))
            closed = replace(one, stage=Stage.CLOSED, closed_ms=now_ms, closed=entry)
            self.store.put(closed)
            self.store.shuffle(ident)
        return closed

    def published(self, ident: str) -> bytes:
        """The file of the count."""
        return self.counted(ident).data

    def counted(self, ident: str) -> Counted:
        """Counted once while this process runs."""
        self._of(ident, Stage.CLOSED)
        return self._tally(ident)

    def _count(self, ident: str) -> Counted:
        one = self._of(ident, Stage.CLOSED)
        codes, ballots = self.store.codes(ident), self.store.ballots(ident)
        data = tally.written(one, codes, ballots)
        counts = tuple(tally.count(ballots, len(one.choices)))
        return Counted(data, tuple(tally.verify(data)), counts, len(codes.issued))

    def find(self, ident: str, receipt: str, word: str) -> Ballot | None:
        """The ballot of this receipt in the published list."""
        self._of(ident, Stage.CLOSED)
        wanted = tally.receipt_hash(ident, receipt, word)
        return next((one for one in self.store.ballots(ident) if one.receipt == wanted), None)

    def _of(self, ident: str, stage: Stage) -> Consultation:
        one = self.store.consultation(ident)
        if one is None or one.stage is not stage:
            raise ConsultationError(
                "stage", "This is not possible at this stage of the consultation."
            )
        return one

    def _entered(self, kind: str, now_ms: int, subject: bytes, ident: str, many: int) -> int:
        if self._log is None:
            return -1
        draft = Draft(kind, now_ms, subject, {"case": ident, "count": many})
        return self._log.append([draft])[0].index


def _random(signs: int) -> str:
    return "".join(secrets.choice(tally.ALPHABET) for _ in range(signs))
