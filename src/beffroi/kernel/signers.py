"""Who signed, and may they? Rules 5, 6 and 10 of `decide`."""

from __future__ import annotations

from beffroi.kernel import keys
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
    hubs = sum(member.role == HUB for member in members)
    must(hubs == 1, Reason.NOT_FROM_HUB, f"{hubs} signatures of a hub, not one")
    approvers = tuple(member for member in members if member.role != HUB)
    for member in approvers:
        serves = EVERY in member.services or envelope.service in member.services
        may = serves and member.role in (OPERATOR, BREAK_GLASS)
        who = f"{member.person} ({member.role})"
        must(may, Reason.WRONG_ROLE, f"{who} may not command {envelope.service}")
    return approvers


def enough(case: Case, action: Action, envelope: Envelope, approvers: tuple[Member, ...]) -> None:
    needed, orgs_min = PERSONS_MIN[case.klass], 1 if case.safe else action.orgs_min
    operators = [member for member in approvers if member.role == OPERATOR]
    # Who opens the safe may find several sealed keys in it: together they are one person, and of
    # no second organisation.
    persons = len(operators) + (len(operators) < len(approvers))
    text = f"{persons} persons approved, class {case.klass} needs {needed}"
    must(persons >= needed, Reason.TOO_FEW_PERSONS, text)
    if needed == 0 and orgs_min == 1:
        return
    competent = any(member.org == envelope.authority for member in approvers)
    must(competent, Reason.NOT_COMPETENT, f"nobody of {envelope.authority}, which is in charge")
    orgs = len({member.org for member in operators})
    text = f"operators of {orgs} organisations approved, {orgs_min} are needed"
    must(orgs_min == 1 or orgs >= orgs_min, Reason.TOO_FEW_ORGANISATIONS, text)
    outside = case.safe or case.klass != "C" or any(member.independent for member in approvers)
    text = "class C needs a signature made outside the hub's pages"
    must(outside, Reason.NO_INDEPENDENT_SIGNER, text)
