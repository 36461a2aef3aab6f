"""The gate of the public form: keeps programs and floods out without a script and without a cookie.

A form carries a signed token that is good once, not before a person could have filled it in and not
for ever; a field that people do not see must stay empty; reports are counted for each address and
for everybody; when many come, the form asks a sum. Addresses are kept in memory for ten minutes and
nowhere else.
"""

from __future__ import annotations

import hmac
import secrets
from collections import OrderedDict
from threading import Lock
from typing import NamedTuple

from beffroi.api.asked import network
from beffroi.api.problems import Refusal
from beffroi.api.tries import Tries
from beffroi.model.limits import (
    FORM_S_MAX,
    FORM_S_MIN,
    FORM_TOKENS_MAX,
    REPORTS_BEFORE_QUESTION,
    REPORTS_OF_ALL_PER_10_MIN_MAX,
    REPORTS_PER_10_MIN_MAX,
    SUPPORTS_PER_10_MIN_MAX,
)

ALL = "all"


class Form(NamedTuple):
    """What a page puts into its form. `sum` is () when no question is asked."""

    token: str
    sum: tuple[int, ...]


class Gate:
    """One for each process: a restart makes open forms void, and they say so."""

    def __init__(
        self,
        *,
        each: int = REPORTS_PER_10_MIN_MAX,
        of_all: int = REPORTS_OF_ALL_PER_10_MIN_MAX,
        before_question: int = REPORTS_BEFORE_QUESTION,
        form_s_min: int = FORM_S_MIN,
    ) -> None:
        self._key = secrets.token_bytes(32)
        self._each, self._all = Tries(each), Tries(of_all)
        self._calm = Tries(before_question)
        self._supports = Tries(SUPPORTS_PER_10_MIN_MAX)
        self._form_ms_min = form_s_min * 1_000
        self._busy_until_ms = 0
        self._used: OrderedDict[str, None] = OrderedDict()
        self._lock = Lock()

    def form(self, now_ms: int) -> Form:
        asks = now_ms < self._busy_until_ms
        terms = tuple(1 + secrets.randbelow(9) for _ in range(2)) if asks else ()
        body = ".".join(map(str, (now_ms, secrets.token_hex(8), *terms)))
        return Form(f"{body}.{self._mac(body)}", terms)

    def check(self, token: str, answer: str | None, trap: str, now_ms: int) -> None:
        """Refusal unless the form is ours, filled in by somebody, and new. `answer` is None where
        no sum is asked."""
        body, _, mac = token.rpartition(".")
        parts = body.split(".")
        good = hmac.compare_digest(mac.encode(), self._mac(body).encode()) and len(parts) in (2, 4)
        if not good:
            raise _again()
        age_ms = now_ms - int(parts[0])
        if not 0 <= age_ms <= FORM_S_MAX * 1_000:
            raise _again()
        if trap or age_ms < self._form_ms_min:
            raise Refusal(422, "form_fast", "That was very quick. Wait a moment and send again.")
        if answer is not None:
            self._check_sum(parts[2:], answer)
        self._use(parts[1])

    def _check_sum(self, terms: list[str], answer: str) -> None:
        if terms and answer.strip() != str(sum(map(int, terms))):
            raise Refusal(422, "form_sum", "The sum is not right. Please do it again.")

    def admit(self, ip: str, now_ms: int) -> None:
        """Count one report of this address; Refusal when there were too many."""
        if not self._calm.allowed(ALL, now_ms):
            self._busy_until_ms = now_ms + 600_000
        if not self._each.allowed(network(ip), now_ms):
            text = "Many reports came from your connection. Try again in ten minutes."
            raise Refusal(429, "too_many_reports", text)
        if not self._all.allowed(ALL, now_ms):
            text = "Very many reports are coming in. Try again in ten minutes, or telephone."
            raise Refusal(429, "too_many_reports", text)

    def support(self, ip: str, now_ms: int) -> None:
        if not self._supports.allowed(network(ip), now_ms):
            text = "Many reports came from your connection. Try again in ten minutes."
            raise Refusal(429, "too_many_reports", text)

    def _use(self, nonce: str) -> None:
        with self._lock:
            if nonce in self._used:
                raise _again()
            self._used[nonce] = None
            while len(self._used) > FORM_TOKENS_MAX:
                self._used.popitem(last=False)

    def _mac(self, body: str) -> str:
        return hmac.digest(self._key, body.encode(), "sha256").hex()


def _again() -> Refusal:
    text = "This form is too old or was sent already. Look at it again and send it once more."
    return Refusal(409, "form_old", text)
