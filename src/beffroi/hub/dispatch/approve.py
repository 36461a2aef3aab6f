"""Who must approve a command, and whether a signature counts. Pure.

A signature is over the exact bytes of one command; the roster that the root signed says whose key
it is. The account that brings it is only believed when it is the same person: neither two keys nor
two accounts make one person two. Refuses to know how a signature was made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from beffroi.hub.dispatch.denied import Denied, deny
from beffroi.hub.dispatch.request import Need
from beffroi.kernel import document, keys
from beffroi.kernel.canonical import decode
from beffroi.kernel.command import read_command
from beffroi.kernel.dsse import COMMAND, Signature, Signed
from beffroi.kernel.envelope import Envelope
from beffroi.kernel.limits import WIRE_BYTES_MAX
from beffroi.kernel.roster import BREAK_GLASS, EVERY, OPERATOR, Member, Roster
from beffroi.kernel.signers import PERSONS_MIN, enough, signers
from beffroi.kernel.verdict import No, Reason
from beffroi.ports.commands import Approval

PASSKEY, SIGNER = "passkey", "signer"


@dataclass(frozen=True, slots=True)
class Asked:
    """Somebody who may be asked. `in_charge`: of the authority that is in charge of the target."""

    person: str
    org: str
    name: str
    independent: bool
    passkey: bool
    in_charge: bool


@dataclass(frozen=True, slots=True)
class Missing:
    """What a command still needs. `complete` is the judge's own answer, never a count of ours."""

    complete: bool
    persons: int
    persons_have: int
    orgs: int
    orgs_have: int
    authority: str
    authority_missing: bool
    independent_missing: bool
    witnesses: int
    asked: tuple[Asked, ...]


def missing(need: Need, envelope: Envelope, roster: Roster, members: Sequence[Member]) -> Missing:
    """What `members`, who have signed, leave to be asked, and of whom."""
    persons = PERSONS_MIN[need.klass]
    free = need.case.safe or persons == 0
    orgs = {member.org for member in members}
    alone = persons > 0 and envelope.authority not in orgs
    independent = need.klass == "C" and not free and not any(m.independent for m in members)
    complete = _complete(need, envelope, members)
    operators = [member for member in members if member.role == OPERATOR]
    return Missing(
        complete=complete,
        persons=persons,
        persons_have=len(operators) + (len(operators) < len(members)),
        orgs=1 if free else need.action.orgs_min,
        orgs_have=len({member.org for member in operators}),
        authority=envelope.authority,
        authority_missing=alone,
        independent_missing=independent,
        witnesses=0 if need.case.safe else need.action.witnesses_min,
        asked=() if complete else candidates(envelope, roster, [m.person for m in members]),
    )


def _complete(need: Need, envelope: Envelope, members: Sequence[Member]) -> bool:
    try:
        enough(need.case, need.action, envelope, tuple(members))
    except No:
        return False
    return True


def candidates(envelope: Envelope, roster: Roster, but: Sequence[str] = ()) -> tuple[Asked, ...]:
    """Operators who may command this service, those of the authority in charge first. The sealed
    key is not among them: nobody is asked to break the glass."""
    found: dict[str, Asked] = {}
    for member in roster.having(OPERATOR):
        if member.person in but or not _serves(member, envelope):
            continue
        old = found.get(member.person)
        found[member.person] = Asked(
            member.person,
            member.org,
            member.name or (old.name if old else ""),
            member.independent or bool(old and old.independent),
            member.kind == keys.PASSKEY or bool(old and old.passkey),
            member.org == envelope.authority,
        )
    return tuple(sorted(found.values(), key=lambda one: (not one.in_charge, one.org, one.person)))


def _serves(member: Member, envelope: Envelope) -> bool:
    return EVERY in member.services or envelope.service in member.services


def examined(
    payload: bytes,
    signature: Signature,
    envelope: Envelope,
    roster: Roster,
    before: Sequence[Approval],
    *,
    account: str = "",
    person: str | None = None,
) -> Member | Denied:
    """The member who signed exactly `payload`, or why this does not count.

    `account` brings it; `person` is who that account is in the roster (None: the signature came
    by another way than an account that must be the signer).
    """
    try:
        (member,) = signers(Signed(COMMAND, payload, (signature,)), roster)
    except No as no:
        return _unheld(no)
    if member.role not in (OPERATOR, BREAK_GLASS) or not _serves(member, envelope):
        return deny(
            str(Reason.WRONG_ROLE),
            "{person} may not approve commands of this service.",
            person=member.person,
        )
    if person is not None and member.person != person:
        return deny(
            "another_person",
            "This key is of {person} in the roster, your account is not. Ask an administrator.",
            person=member.person,
        )
    if any(one.person == member.person or one.key == member.key for one in before):
        return deny(
            str(Reason.SAME_PERSON_TWICE),
            "{person} has approved this already. Another person must.",
            person=member.person,
        )
    passkeys = [one for one in before if one.how == PASSKEY]
    if person is not None and any(one.account == account for one in passkeys):
        return deny("same_account_twice", "This account has approved already. Another person must.")
    return member


def _unheld(no: No) -> Denied:
    if no.reason is Reason.UNKNOWN_KEY:
        return deny(
            str(no.reason),
            "This key is not in the commune's roster. The holders of the root must add it first.",
        )
    return deny(
        str(Reason.BAD_SIGNATURE),
        "The signature does not hold for this command. Sign the newest file, then try again.",
    )


def signature_in(data: bytes, payload: bytes) -> Signature | Denied:
    """The one signature of an uploaded file, if the file is about exactly these bytes."""
    try:
        signed = document.from_map(Signed, decode(data, WIRE_BYTES_MAX))
        command = read_command(signed.payload)
    except ValueError as error:
        return deny("unreadable", "This is not a signed command: {why}.", why=str(error))
    if signed.kind != COMMAND or signed.payload != payload:
        return deny(
            "another_command",
            "This signature is for another command ({id}). Upload it there.",
            id=command.id,
        )
    if len(signed.signatures) != 1:
        return deny("one_signature", "The file must hold exactly one signature.")
    return signed.signatures[0]


def members_of(approvals: Sequence[Approval], roster: Roster) -> list[Member]:
    """Those whose key the roster still holds: a revoked one no longer counts."""
    found = [roster.member(one.key) for one in approvals]
    return [member for member in found if member is not None]


def signed_by(payload: bytes, approvals: Sequence[Approval], roster: Roster) -> Signed:
    """The container with the signatures that still count; the hub's own comes when it is sent."""
    kept = [one for one in approvals if roster.member(one.key) is not None]
    return Signed(COMMAND, payload, tuple(read_signature(one.signature) for one in kept))


def read_signature(data: bytes) -> Signature:
    return document.read(Signature, data, WIRE_BYTES_MAX)


def named(asked: Sequence[Asked]) -> list[Mapping[str, object]]:
    """As JSON."""
    return [
        {
            "person": one.person,
            "org": one.org,
            "name": one.name,
            "independent": one.independent,
            "passkey": one.passkey,
            "in_charge": one.in_charge,
        }
        for one in asked
    ]
