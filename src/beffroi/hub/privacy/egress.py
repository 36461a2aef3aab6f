"""A bound on what leaves: every reading of a personal datum passes here, whichever page asks.

One account may read so many different persons in a day, all together so many more, counted from the
access log, so that a restart forgives nothing. Beyond it nothing is handed out and a grave alarm
is raised. A canary (a person who does not exist) is the alarm at its first reading, whatever the
count, and blocks its reader for the day. Somebody's reading of their own data is theirs and free.

Wraps a vault and is one. Knows no page.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence

from beffroi.model.finding import Finding
from beffroi.model.limits import (
    BULK_ROWS_MAX,
    CANARIES_PER_PURPOSE,
    EGRESS_ACCOUNT_PER_DAY_MAX,
    EGRESS_ALL_PER_DAY_MAX,
    EGRESS_SYSTEM_PER_DAY_MAX,
)
from beffroi.model.measure import DAY_MS
from beffroi.model.purposes import PURPOSES
from beffroi.ports.personal import Access, EgressError, Held, PersonalVault, Purged

ACCOUNT = "u-"  # how an account's id begins; everybody else is a part of the hub
BULK = "bulk."  # the actor of an export that two persons confirmed, with its own bound
OWN = "own."  # the actor of a person's reading of what is kept about them
ERASER = "hub.erase"  # reads once what must be found in the outbox
FORGOTTEN_CHARS_MIN = 6  # shorter values stand in texts about anything
Told = Callable[[Sequence[Finding]], None]
Forget = Callable[[Sequence[str]], object]


class Gate:
    """See `ports.personal.PersonalVault`; `told` hears of alarms, from any thread."""

    def __init__(self, vault: PersonalVault, told: Told, forget: Forget = len) -> None:
        """`forget` removes copies in clear (notices in the outbox) of what is erased."""
        self._vault, self._told, self._forget = vault, told, forget
        self._lock = threading.Lock()  # counting and reading are one step

    # --- reading ---------------------------------------------------------------------------------
    def get(self, subject: str, name: str, actor: str, now_ms: int) -> bytes | None:
        with self._lock:
            self._allow(subject, actor, now_ms)
            value = self._vault.get(subject, name, actor, now_ms)
        self._watch(subject, actor, now_ms)
        return value

    def export(self, subject: str, actor: str, now_ms: int) -> Mapping[str, bytes]:
        with self._lock:
            self._allow(subject, actor, now_ms)
            found = self._vault.export(subject, actor, now_ms)
        self._watch(subject, actor, now_ms)
        return found

    def _allow(self, subject: str, actor: str, now_ms: int) -> None:
        """EgressError, with its alarm, when this reader has had enough for a day."""
        if actor.startswith(OWN):
            return
        since = now_ms - DAY_MS
        if self._caught(actor, since):
            self._stop(actor, self._vault.readers(since, actor), now_ms)
        if self._vault.read_by(actor, subject, since):
            return  # the same person again: nothing more leaves than did already
        count, everybody = self._vault.readers(since, actor), self._vault.readers(since)
        if count >= _most(actor) or everybody >= EGRESS_ALL_PER_DAY_MAX:
            self._stop(actor, count, now_ms)

    def _stop(self, actor: str, count: int, now_ms: int) -> None:
        facts: dict[str, float | str] = {"actor": actor, "count": float(count)}
        self._told([Finding("privacy.egress", actor, True, now_ms, facts)])
        raise EgressError(
            "So many persons were read in a day that reading is blocked until tomorrow. "
            "An alarm was raised; an administrator can look at the access log."
        )

    def _caught(self, actor: str, since_ms: int) -> bool:
        return any(self._vault.read_by(actor, one, since_ms) for one in self._vault.canaries())

    def _watch(self, subject: str, actor: str, now_ms: int) -> None:
        if subject in self._vault.canaries():
            facts: dict[str, float | str] = {"actor": actor, "count": 1.0}
            self._told([Finding("privacy.canary", actor, True, now_ms, facts)])

    def forget(self, values: Sequence[str]) -> None:
        """Copies of these in clear, outside the vault."""
        texts = [text.strip() for text in values]
        self._forget([text for text in texts if len(text) >= FORGOTTEN_CHARS_MIN])

    # --- passed on -------------------------------------------------------------------------------
    def subject(self, purpose: str, now_ms: int) -> str:
        return self._vault.subject(purpose, now_ms)

    def put(
        self, subject: str, purpose: str, name: str, value: bytes, now_ms: int, until_ms: int
    ) -> None:
        self._vault.put(subject, purpose, name, value, now_ms, until_ms)

    def erase(self, subject: str, actor: str, now_ms: int) -> int:
        """Copies in clear first: once the key is gone nobody could look for them."""
        values = self._vault.export(subject, ERASER, now_ms).values()
        self.forget([value.decode(errors="ignore") for value in values])
        return self._vault.erase(subject, actor, now_ms)

    def purge(self, now_ms: int) -> Sequence[Purged]:
        return self._vault.purge(now_ms)

    def held(self) -> Sequence[Held]:
        return self._vault.held()

    def subjects(self, purpose: str, limit: int, actor: str, now_ms: int) -> Sequence[str]:
        return self._vault.subjects(purpose, limit, actor, now_ms)

    def accesses(self, limit: int, before_id: int = 0, subject: str = "") -> Sequence[Access]:
        return self._vault.accesses(limit, before_id, subject)

    def erased(self) -> Sequence[str]:
        return self._vault.erased()

    def readers(self, since_ms: int, actor: str = "") -> int:
        return self._vault.readers(since_ms, actor)

    def read_by(self, actor: str, subject: str, since_ms: int) -> bool:
        return self._vault.read_by(actor, subject, since_ms)

    def plant(self, purpose: str, fields: Mapping[str, bytes], now_ms: int) -> str:
        return self._vault.plant(purpose, fields, now_ms)

    def canaries(self) -> frozenset[str]:
        return self._vault.canaries()

    def chain(self) -> tuple[int, bytes]:
        return self._vault.chain()

    def check(self) -> list[str]:
        return self._vault.check()

    def close(self) -> None:
        self._vault.close()


def plant_canaries(vault: PersonalVault, now_ms: int) -> int:
    """People who do not exist, among those of each purpose; how many were new."""
    wanted = len(PURPOSES) * CANARIES_PER_PURPOSE
    have = len(vault.canaries())
    for n in range(have, wanted):
        purpose = sorted(PURPOSES)[n % len(PURPOSES)]
        first, last = _FIRST[n % len(_FIRST)], _LAST[(n * 5 + n // 8) % len(_LAST)]
        fields = {
            "name": f"{first} {last}".encode(),
            "email": f"{first}.{last}@example.org".lower().encode(),
            "phone": f"01 99 00 {n:02d} {(n * 37) % 100:02d}".encode(),
        }
        vault.plant(purpose, fields, now_ms)
    return max(0, wanted - have)


def _most(actor: str) -> int:
    if actor.startswith(BULK):
        return BULK_ROWS_MAX
    return EGRESS_ACCOUNT_PER_DAY_MAX if actor.startswith(ACCOUNT) else EGRESS_SYSTEM_PER_DAY_MAX


# 01 99 00 is set aside by the French regulator for numbers in fiction (Arcep 2018-0881).
_FIRST = ("Jeanne", "Paul", "Amel", "Louis", "Claire", "Yanis", "Odile", "Marc")
_LAST = ("Vasseur", "Delattre", "Benali", "Wattel", "Lemaire", "Caron", "Dufour", "Noel")
