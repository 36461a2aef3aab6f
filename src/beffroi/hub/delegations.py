"""Competences that the commune delegated to an organisation: which, by what act, from when to when.

Lines of the register `delegated`, each in the evidence log, folded here; an ended one stays. While
one runs, the assets of its domain that were the commune's are the organisation's to act on
(`Asset.authority`), and a token lets the organisation read the open alarms of that domain. Refuses
to know accounts, pages and the network; rules that guards obey change only when the root signs.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
import threading
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from beffroi.domains.envelopes import organisation as identifier
from beffroi.hub.dossier.registers import RegisterError, Registers, fit_text
from beffroi.model.asset import Asset
from beffroi.model.limits import (
    DELEGATION_LOOK_S,
    DELEGATIONS_MAX,
    NAME_CHARS_MAX,
    REGISTER_TEXT_CHARS_MAX,
)
from beffroi.ports.clock import Clock
from beffroi.ports.registers import Fact, Record
from beffroi.ports.store import AssetStore, StoreError

BOOK, OWN = "delegated", "commune"
GRANTED, ENDED, TOKEN, REVOKED = "granted", "ended", "token", "token_revoked"
PREFIX = "bfd_"  # so that a token found somewhere is known for what it is
_turn = threading.Lock()  # two grants of one domain must not both see it free

log = structlog.get_logger("delegations")


@dataclass(frozen=True, slots=True)
class Delegation:
    """`organisation` in words, `act` the council’s decision of the day `decided` (ISO). Runs from
    `from_ms` until `until_ms` (0: no term) unless it was ended at `ended_ms`. `token` is the
    SHA-256 (hex) of the one that is good, "" for none. `lines`: of the register, the first grants.
    """

    id: str
    domain: str
    organisation: str
    act: str
    decided: str
    from_ms: int
    until_ms: int
    ended_ms: int = 0
    why: str = ""
    token: str = ""
    lines: tuple[Record, ...] = ()

    def runs(self, now_ms: int) -> bool:
        return not self.over(now_ms) and self.from_ms <= now_ms

    def over(self, now_ms: int) -> bool:
        return bool(self.ended_ms) or bool(self.until_ms and now_ms >= self.until_ms)


def folded(records: Iterable[Record]) -> list[Delegation]:
    """In the order granted. A line that was erased says nothing."""
    found: dict[str, Delegation] = {}
    for record in records:
        facts = record.facts
        if record.what == GRANTED and not record.erased:
            found[record.id] = Delegation(
                record.id, record.key, str(facts["organisation"]), str(facts["act"]),
                str(facts["decided"]), int(facts["from_ms"]), int(facts["until_ms"]),
                lines=(record,),
            )  # fmt: skip
            continue
        known = found.get(str(facts.get("of", "")))
        if known is not None:
            found[known.id] = _after(known, record)
    return list(found.values())


def _after(known: Delegation, record: Record) -> Delegation:
    known = replace(known, lines=(*known.lines, record))
    if record.what == ENDED and not known.ended_ms:
        return replace(known, ended_ms=record.at_ms, why=str(record.facts["why"]), token="")
    if record.what == TOKEN and not known.ended_ms:
        return replace(known, token=str(record.facts["sha256"]))
    return replace(known, token="") if record.what == REVOKED else known


class Delegations:
    """Of one commune. Holds nothing: everything is read from the register. Blocks."""

    def __init__(self, registers: Registers, assets: AssetStore, clock: Clock) -> None:
        self._registers, self._assets, self._clock = registers, assets, clock

    def all(self) -> list[Delegation]:
        return folded(self._registers.store.records(BOOK))

    def one(self, ident: str) -> Delegation | None:
        return next((each for each in self.all() if each.id == ident), None)

    def grant(
        self, domain: str, organisation: str, act: str, decided: str, from_ms: int, until_ms: int,
        actor: str,
    ) -> Record:  # fmt: skip
        """RegisterError says what is missing or in the way."""
        organisation = _words(organisation, NAME_CHARS_MAX)
        act = _words(act, REGISTER_TEXT_CHARS_MAX)
        now = self._clock.now_ms()
        if identifier(organisation) == OWN:
            raise RegisterError("own", "Name the organisation as its statutes do.")
        if until_ms and (until_ms <= from_ms or until_ms <= now):
            raise RegisterError("term", "The end must lie after the beginning and after today.")
        facts: dict[str, Fact] = {
            "organisation": organisation, "act": act, "decided": decided, "from_ms": from_ms,
            "until_ms": until_ms,
        }  # fmt: skip
        with _turn:
            there = self.all()
            if any(one.domain == domain and not one.over(now) for one in there):
                raise RegisterError(
                    "delegated", "This competence is delegated already: end that delegation first."
                )
            if len(there) >= DELEGATIONS_MAX:
                raise RegisterError("delegations", "There are too many delegations.")
            record = self._registers.write(BOOK, domain, GRANTED, facts, actor)
        self.settle()
        return record

    def end(self, ident: str, why: str, actor: str) -> None:
        """At once, whatever its term was."""
        known, why = self._open(ident), _words(why, REGISTER_TEXT_CHARS_MAX)
        self._registers.write(BOOK, known.domain, ENDED, {"of": ident, "why": why}, actor)
        self.settle()

    def issue(self, ident: str, actor: str) -> str:
        """A token that reads; said this once. The one before is void."""
        known, token = self._open(ident), PREFIX + secrets.token_urlsafe(32)
        facts: Mapping[str, Fact] = {"of": ident, "sha256": hashed(token)}
        self._registers.write(BOOK, known.domain, TOKEN, facts, actor)
        return token

    def revoke(self, ident: str, actor: str) -> None:
        known = self._open(ident)
        self._registers.write(BOOK, known.domain, REVOKED, {"of": ident}, actor)

    def holder(self, token: str) -> Delegation | None:
        """Whose token it is, if its delegation runs now."""
        given, now = hashed(token), self._clock.now_ms()
        found = None
        for one in self.all():  # all of them: the time must not tell which
            if one.token and hmac.compare_digest(one.token, given):
                found = one
        return found if found is not None and found.runs(now) else None

    def settle(self) -> int:
        """Who is in charge of each asset, as the register says now; how many changed hands."""
        there = self.all()
        changed = handed(self._assets.assets(), there, self._clock.now_ms()) if there else []
        if changed:
            self._assets.put_assets(changed)
        return len(changed)

    async def run(self) -> None:
        """Until cancelled: terms begin and end by themselves."""
        while True:
            try:
                await asyncio.to_thread(self.settle)
            except StoreError as error:
                log.warning("not_settled", error=str(error))
            await asyncio.sleep(DELEGATION_LOOK_S)

    def _open(self, ident: str) -> Delegation:
        known = self.one(ident)
        if known is None or known.over(self._clock.now_ms()):
            raise RegisterError("over", "This delegation has ended.")
        return known


def handed(assets: Iterable[Asset], delegations: Sequence[Delegation], now_ms: int) -> list[Asset]:
    """The assets whose authority must change. What belongs to a third authority is left alone."""
    running = {one.domain: one.organisation for one in delegations if one.runs(now_ms)}
    ever: dict[str, set[str]] = {}
    for one in delegations:
        ever.setdefault(one.domain, {OWN}).add(identifier(one.organisation))
    return [
        replace(asset, authority=running.get(asset.domain, OWN))
        for asset in assets
        if identifier(asset.authority) in ever.get(asset.domain, ())
        and asset.authority != running.get(asset.domain, OWN)
    ]


def hashed(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _words(text: str, chars_max: int) -> str:
    text = fit_text(" ".join(unicodedata.normalize("NFC", text).split()), chars_max)
    if not text:
        raise RegisterError("field_missing", "A field is empty: fill in what is asked.")
    return text
