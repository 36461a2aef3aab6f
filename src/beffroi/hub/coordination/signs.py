"""What may be part of an attack: one sign each, with how much it weighs.

The weights say how seldom a kind of sign is seen in a month without an attack; they were set by
reasoning and tried on the lab's months (`bench/coordination.py`), not learnt from real attacks.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from beffroi.kernel.verdict import Reason


class SignKind(StrEnum):
    FORGED = "forged"  # a signature, key, role or proof that does not hold
    STALE = "stale"  # replayed, or a counter that jumps
    BEYOND = "beyond"  # well signed, but not allowed
    TAMPERED = "tampered"  # equipment changed without a command
    UNPLANNED = "unplanned"  # it shows what nobody commanded, says the service itself
    GAP = "gap"  # a receipt is missing
    IDENTITY = "identity"  # a device or account that claims to be another
    DISOBEYED = "disobeyed"  # a command failed
    CHANGED = "changed"  # an accepted change outside every plan
    DANGER = "danger"  # a grave alarm of a service


WEIGHT = {
    SignKind.FORGED: 2.0,
    SignKind.STALE: 1.5,
    SignKind.BEYOND: 0.5,
    SignKind.TAMPERED: 3.0,
    SignKind.UNPLANNED: 3.0,
    SignKind.GAP: 2.0,
    SignKind.IDENTITY: 1.5,
    SignKind.DISOBEYED: 0.4,
    SignKind.CHANGED: 0.4,
    SignKind.DANGER: 0.4,
}
# A storm brings dangers, failures and hurried changes everywhere. Without one of these it is one.
HOSTILE = frozenset(
    {
        SignKind.FORGED,
        SignKind.STALE,
        SignKind.TAMPERED,
        SignKind.UNPLANNED,
        SignKind.GAP,
        SignKind.IDENTITY,
    }
)
_FORGED = {
    Reason.UNREADABLE,
    Reason.NOT_A_COMMAND,
    Reason.NOT_FOR_ME,
    Reason.BAD_SIGNATURE,
    Reason.UNKNOWN_KEY,
    Reason.SAME_PERSON_TWICE,
    Reason.WRONG_ROLE,
    Reason.NOT_FROM_HUB,
    Reason.NOT_LOGGED,
}
_STALE = {Reason.REPLAYED, Reason.COUNTER_JUMP, Reason.OTHER_EPOCH}
# A guard that restarts, a lease that ends, a command that waited too long: life, not an attack.
_HARMLESS = {
    Reason.OTHER_START,
    Reason.NO_LEASE,
    Reason.EXPIRED,
    Reason.NOT_YET,
    Reason.OTHER_ENVELOPE,
    Reason.ROSTER_EXPIRED,
    Reason.ENVELOPE_EXPIRED,
    Reason.TOO_FEW_WITNESSES,
    Reason.NOT_PERMITTED_NOW,
}


@dataclass(frozen=True, slots=True)
class Sign:
    """`ref` names the alarm, command or receipt that it comes from. `actor` is a pseudonym."""

    at_ms: int
    kind: SignKind
    service: str
    target: str
    actor: str = ""
    ref: str = ""


def of_refusal(reason: Reason) -> SignKind | None:
    """What a refusal by the judge is a sign of; None for what happens in any week."""
    if reason in _HARMLESS:
        return None
    if reason in _FORGED:
        return SignKind.FORGED
    return SignKind.STALE if reason in _STALE else SignKind.BEYOND
