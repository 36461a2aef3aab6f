"""Who signed, and may they? Rules 5, 6 and 10 of `decide`."""

from __future__ import annotations

from beffroi.kernel import keys
from beffroi.kernel.command import Command
from beffroi.kernel.dsse import Signature, Signed
from beffroi.kernel.envelope import Action, Case, Envelope
from beffroi.kernel.roster import BREAK_GLASS, EVERY, HUB, OPERATOR, Member, Roster
from beffroi.kernel.verdict import No, Reason, must

PERSONS_MIN = {"A": 0, "B": 1, "C": 2}


def signers(signed: Signed, roster: Roster) -> tuple[Member, ...]:
    members: list[Member] = []
    for signature in signed.signatures:
        member = roster.member(signature.key)
        if member is None:
            raise No(Reason.UNKNOWN_KEY, f"key {signature.key} is not in roster {roster.version}")
        holds = _holds(signature, member, signed.pae, roster)
        must(holds, Reason.BAD_SIGNATURE, f"the signature of {member.person} does not hold")
        twice = any(member.person == other.person for other in members)
        must(not twice, Reason.SAME_PERSON_TWICE, f"{member.person} signed twice")
        members.append(member)
    return tuple(members)


def _holds(signature: Signature, member: Member, message: bytes, roster: Roster) -> bool:
    if member.kind == keys.ED25519:
        return signature.assertion is None and keys.verify(member.public, signature.value, message)
    return signature.assertion is not None and keys.verify_passkey(
        member.public, signature.value, message, signature.assertion, roster.rp_id, roster.origins
    )


def approvers_of(members: tuple[Member, ...], envelope: Envelope) -> tuple[Member, ...]:
    hubs = [member for member in members if member.role == HUB]
    must(len(hubs) == 1, Reason.NOT_FROM_HUB, f"{len(hubs)} signatures of a hub, not one")
    approvers = tuple(member for member in members if member.role != HUB)
    for member in approvers:
        may = member.role in (OPERATOR, BREAK_GLASS) and (
            EVERY in member.services or envelope.service in member.services
        )
        must(
            may,
            Reason.WRONG_ROLE,
            f"{member.person} ({member.role}) may not command {envelope.service}",
        )
    return approvers


def enough(
    command: Command,
    case: Case,
    action: Action,
    envelope: Envelope,
    approvers: tuple[Member, ...],
) -> None:
    needed = PERSONS_MIN[case.klass]
    must(
        len(approvers) >= needed,
        Reason.TOO_FEW_PERSONS,
        f"{len(approvers)} persons approved, class {case.klass} needs {needed}",
    )
    if needed == 0:
        return
    orgs = {member.org for member in approvers}
    must(
        envelope.authority in orgs,
        Reason.NOT_COMPETENT,
        f"nobody of {envelope.authority}, which is in charge of {command.target}",
    )
    if case.safe:
        return
    must(
        len(orgs) >= action.orgs_min,
        Reason.TOO_FEW_ORGANISATIONS,
        f"{len(orgs)} organisations approved, {action.orgs_min} are needed",
    )
    must(
        case.klass != "C" or any(member.independent for member in approvers),
        Reason.NO_INDEPENDENT_SIGNER,
        "class C needs a signature made outside the hub's pages",
    )
