"""The answer of the judge. A refusal is a value; each reason has one cause and one name."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from beffroi.kernel.command import Command
from beffroi.kernel.roster import Member
from beffroi.kernel.state import State


class Reason(StrEnum):
    """In the order in which they are looked for."""

    TOO_LARGE = "too_large"
    UNREADABLE = "unreadable"
    NOT_A_COMMAND = "not_a_command"
    NOT_FOR_ME = "not_for_me"
    UNKNOWN_TARGET = "unknown_target"
    ROSTER_EXPIRED = "roster_expired"
    ENVELOPE_EXPIRED = "envelope_expired"
    OTHER_ENVELOPE = "other_envelope"  # written for another version of the rules
    UNKNOWN_KEY = "unknown_key"
    BAD_SIGNATURE = "bad_signature"
    SAME_PERSON_TWICE = "same_person_twice"
    NOT_FROM_HUB = "not_from_hub"
    WRONG_ROLE = "wrong_role"
    OTHER_START = "other_start"  # made before this guard's last start
    OTHER_EPOCH = "other_epoch"
    REPLAYED = "replayed"  # the counter is not greater than the last one
    COUNTER_JUMP = "counter_jump"
    NOT_YET = "not_yet"
    EXPIRED = "expired"
    UNKNOWN_ACTION = "unknown_action"
    LIVES_TOO_LONG = "lives_too_long"
    OUTSIDE_ENVELOPE = "outside_envelope"
    CLASS_TOO_LOW = "class_too_low"
    NOT_PERMITTED_NOW = "not_permitted_now"  # a condition does not hold, or nobody knows
    TOO_FEW_PERSONS = "too_few_persons"
    NOT_COMPETENT = "not_competent"  # nobody of the authority in charge approved
    TOO_FEW_ORGANISATIONS = "too_few_organisations"
    NO_INDEPENDENT_SIGNER = "no_independent_signer"
    NO_LEASE = "no_lease"
    NOT_LOGGED = "not_logged"
    TOO_FEW_WITNESSES = "too_few_witnesses"
    TOO_FAST = "too_fast"  # a step too large, or too much travel within the hour
    TOO_OFTEN = "too_often"
    FLEET_LIMIT = "fleet_limit"


@dataclass(frozen=True, slots=True)
class Accepted:
    """`state` must be durable before anything moves."""

    command: Command
    approvers: tuple[Member, ...]
    klass: str  # of the case that allows it
    safe: bool
    break_glass: bool
    state: State


@dataclass(frozen=True, slots=True)
class Refused:
    """`detail` is one English sentence for a log. `command` is None when it could not be read."""

    reason: Reason
    detail: str
    command: Command | None = None


Verdict = Accepted | Refused


class No(Exception):  # noqa: N818 - leaves `decide` as a Refused, never as an exception
    """A rule that does not hold."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail


def must(holds: bool, reason: Reason, detail: str) -> None:
    if not holds:
        raise No(reason, detail)
