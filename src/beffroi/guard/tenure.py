"""The lease: is the hub there? Counted from its arrival by the monotonic clock. Pure."""

from __future__ import annotations

from beffroi.guard.effects import Instant
from beffroi.guard.timekeeping import OwnTime
from beffroi.kernel.canonical import CanonicalError
from beffroi.kernel.document import FieldError
from beffroi.kernel.dsse import unpack
from beffroi.kernel.lease import Lease, read_lease
from beffroi.kernel.roster import HUB, Roster


class Tenure:
    """Of one start of one guard. `held` stays true after the end until somebody says `lost`."""

    def __init__(self, commune: str, guard: str, nonce: bytes) -> None:
        self._mine = (commune, guard, nonce)
        self._number = 0
        self._until_mono_ms = 0
        self._key = ""
        self.held = False

    def left_ms(self, instant: Instant) -> int:
        return max(0, self._until_mono_ms - instant.mono_ms) if self.held else 0

    def over(self, instant: Instant) -> bool:
        """It was held and is no more."""
        return self.held and instant.mono_ms >= self._until_mono_ms

    def lost(self) -> None:
        self.held = False
        self._until_mono_ms = 0

    def hear(self, wire: bytes, roster: Roster, time: OwnTime, instant: Instant) -> str:
        """ "" when it is a new lease for us, and it holds from now on; else what is wrong."""
        if time.at_ms(instant) >= roster.expires_ms:
            return "the roster has expired"
        try:
            signed = unpack(wire)
            lease = read_lease(signed, roster)
        except (CanonicalError, FieldError) as error:
            return str(error)
        if (lease.commune, lease.guard, lease.nonce) != self._mine:
            return "for another guard, or another start of this one"
        if lease.number <= self._number:
            return "played again"
        self._number = lease.number
        if not time.agree(instant, lease.at_ms):
            return WRONG_TIME
        self._take(lease, signed.signatures[0].key, instant)
        return ""

    def still_known(self, roster: Roster) -> bool:
        """Is the key that signed the lease still a hub's?"""
        member = roster.member(self._key)
        return member is not None and member.role == HUB

    def _take(self, lease: Lease, key: str, instant: Instant) -> None:
        self._until_mono_ms = instant.mono_ms + lease.ttl_ms
        self._key = key
        self.held = True


WRONG_TIME = "hub and guard do not agree on the time"
