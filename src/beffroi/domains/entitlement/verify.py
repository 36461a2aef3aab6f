"""May this vehicle stand here now? Decided offline, by a meter or a controller, from one word.

Single use: a word is good for the first vehicle or bay that it is shown for, and stays good for
that one (a controller who comes back finds it valid); anywhere else it is refused as used.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from beffroi.domains.entitlement.token import KIND, Token, TokenError, unseal
from beffroi.domains.single_use import UsedSet
from beffroi.kernel import keys
from beffroi.kernel.dsse import pae

CLOCK_S_MAX = 60  # meter and controller may differ by so much at the beginning; never at the end


class Reason(StrEnum):
    """In the order in which they are looked for."""

    UNREADABLE = "unreadable"
    OTHER_COMMUNE = "other_commune"
    UNKNOWN_KEY = "unknown_key"
    FORGED = "forged"
    OTHER_PLACE = "other_place"
    NOT_YET = "not_yet"
    EXPIRED = "expired"
    OTHER_PLATE = "other_plate"
    PLATE_NEEDED = "plate_needed"
    USED_ELSEWHERE = "used_elsewhere"


@dataclass(frozen=True, slots=True)
class Valid:
    token: Token


@dataclass(frozen=True, slots=True)
class Refused:
    """`token` is what it says, once its signature holds; None before."""

    reason: Reason
    token: Token | None = None


@dataclass(frozen=True, slots=True)
class Verifier:
    """What a meter or controller carries: `publics` {key id: Ed25519 public key} of the commune,
    `zones` {bay: the zones that it belongs to}."""

    commune: str
    publics: Mapping[str, bytes]
    zones: Mapping[str, Collection[str]] = field(default_factory=dict)

    def check(
        self, word: str, bay: str, plate: bytes, now_s: int, used: UsedSet
    ) -> Valid | Refused:
        """For the vehicle on `bay`; `plate` is its hash, b"" when none is taken."""
        token = self.read(word)
        if isinstance(token, Refused):
            return token
        reason = self._wrong(token, bay, plate, now_s)
        if reason is not None:
            return Refused(reason, token)
        # Last, so that a refused look never uses a word up.
        where = (token.plate.hex() if token.plate else bay).encode()
        if not keys.same(used.claim(token.nonce, where, token.until_s), where):
            return Refused(Reason.USED_ELSEWHERE, token)
        return Valid(token)

    def read(self, word: str) -> Token | Refused:
        """What our commune signed, wherever and whenever it is good; uses nothing up."""
        try:
            sealed, token = unseal(word)
        except TokenError:
            return Refused(Reason.UNREADABLE)
        if token.commune != self.commune:
            return Refused(Reason.OTHER_COMMUNE)
        public = self.publics.get(sealed.key)
        if public is None or keys.key_id(keys.ED25519, public) != sealed.key:
            return Refused(Reason.UNKNOWN_KEY)
        if not keys.verify(public, sealed.signature, pae(KIND, sealed.payload)):
            return Refused(Reason.FORGED)
        return token

    def _wrong(self, token: Token, bay: str, plate: bytes, now_s: int) -> Reason | None:
        if token.place != bay and token.place not in self.zones.get(bay, ()):
            return Reason.OTHER_PLACE
        if now_s < token.from_s - CLOCK_S_MAX:
            return Reason.NOT_YET
        if now_s >= token.until_s:
            return Reason.EXPIRED
        if token.plate and not plate:
            return Reason.PLATE_NEEDED
        if token.plate and not keys.same(token.plate, plate):
            return Reason.OTHER_PLATE
        return None
