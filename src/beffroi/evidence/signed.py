"""What the signed thing inside a payload says, and who signed it; no truth beyond signatures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from beffroi.evidence import words
from beffroi.evidence.content import signed_in
from beffroi.evidence.entry import Entry
from beffroi.evidence.statement import Said, State, Statement, moment, plain
from beffroi.kernel import keys
from beffroi.kernel.command import Command, read_command
from beffroi.kernel.dsse import COMMAND, RECEIPT, Signature, Signed
from beffroi.kernel.keys import sha256
from beffroi.kernel.receipt import Receipt, read_receipt, verified
from beffroi.kernel.roster import Member, Roster

REFUSED = "command.refused"


@dataclass(frozen=True, slots=True)
class About:
    """An entry, its payload, and the roster that says whose keys are whose."""

    index: int
    entry: Entry
    payload: bytes
    roster: Roster
    commands: Mapping[bytes, bytes] = field(default_factory=dict)  # of this file, by digest

    @property
    def signed(self) -> Signed | None:
        return signed_in(self.payload, self.commands, self.entry.subject)

    def says(self, code: str, state: State, said: Said) -> Statement:
        return Statement(code, state, said, self.index)


def signed_statements(about: About, receipts: list[tuple[int, Receipt]]) -> list[Statement]:
    """Of any entry whose payload is there. Receipts that hold are added to `receipts`."""
    signed = about.signed
    if signed is not None and signed.kind == COMMAND:
        return _command_statements(about, signed)
    if signed is not None and signed.kind == RECEIPT:
        return _receipt_statements(about, signed, receipts)
    return [_raw(about)] if about.entry.kind == REFUSED else []


def _command_statements(about: About, signed: Signed) -> list[Statement]:
    try:
        command = read_command(signed.payload)
    except ValueError:
        return [_raw(about)]
    if command.digest != about.entry.subject:
        said = Said(
            f"La commande jointe n’est pas celle dont parle l’entrée {about.index}.",
            f"The command attached is not the one that entry {about.index} is about.",
        )
        return [about.says("command.other", State.BROKEN, said)]
    statements = [about.says("command.same", State.PROVEN, _decoded(about.index, command))]
    return statements + [_signature(about, signed, one) for one in signed.signatures]


def _raw(about: About) -> Statement:
    same_bytes = about.entry.subject == sha256(about.payload)
    if same_bytes and about.entry.kind == REFUSED:
        said = Said(
            f"Le message refusé à l’entrée {about.index} est joint, tel qu’il est arrivé ; ce "
            "n’est pas une commande lisible.",
            f"The message refused in entry {about.index} is attached as it came; it is not a "
            "readable command.",
        )
        return about.says("command.raw", State.PROVEN, said)
    said = Said(
        f"Le contenu de l’entrée {about.index} n’est pas une commande lisible.",
        f"The payload of entry {about.index} is not a readable command.",
    )
    return about.says("command.unreadable", State.NOT_PROVEN, said)


def _decoded(index: int, command: Command) -> Said:
    params = (
        ", ".join(f"{name} = {plain(str(value))}" for name, value in sorted(command.params.items()))
        or "-"
    )
    first, last = moment(command.not_before_ms), moment(command.expires_ms)
    return Said(
        f"L’entrée {index} porte sur cette commande : « {command.action} » ({params}) pour "
        f"l’équipement {command.target} de l’armoire {command.guard}, classe {command.klass}, "
        f"valable du {first.fr} au {last.fr}.",
        f"Entry {index} is about this command: “{command.action}” ({params}) for target "
        f"{command.target} of guard {command.guard}, class {command.klass}, valid from "
        f"{first.en} to {last.en}.",
    )


def _signature(about: About, signed: Signed, one: Signature) -> Statement:
    member = about.roster.member(one.key)
    if member is None:
        said = Said(
            f"La commande de l’entrée {about.index} porte une signature de la clé {one.key}, "
            "absente du registre.",
            f"The command of entry {about.index} carries a signature by key {one.key}, which is "
            "not in the roster.",
        )
        known = about.entry.refs.get("reason") == "unknown_key"
        return about.says("signer.unknown", State.PROVEN if known else State.NOT_PROVEN, said)
    role = words.ROLES[member.role]
    if holds(signed, one, member, about.roster):
        said = Said(
            f"La commande de l’entrée {about.index} est signée par {member.person} "
            f"({role.fr}, {member.org}).",
            f"The command of entry {about.index} is signed by {member.person} "
            f"({role.en}, {member.org}).",
        )
        return about.says("signer.holds", State.PROVEN, said)
    said = Said(
        f"La commande de l’entrée {about.index} porte une fausse signature au nom de "
        f"{member.person} ({role.fr}, {member.org}).",
        f"The command of entry {about.index} carries a false signature in the name of "
        f"{member.person} ({role.en}, {member.org}).",
    )
    state = State.PROVEN if about.entry.kind == REFUSED else State.BROKEN
    return about.says("signer.false", state, said)


def holds(signed: Signed, one: Signature, member: Member, roster: Roster) -> bool:
    """Does this signature of that member hold?"""
    if member.kind == keys.ED25519:
        return one.assertion is None and keys.verify(member.public, one.value, signed.pae)
    return one.assertion is not None and keys.verify_passkey(
        member.public, one.value, signed.pae, one.assertion, roster.rp_id, roster.origins
    )


def _receipt_statements(
    about: About, signed: Signed, receipts: list[tuple[int, Receipt]]
) -> list[Statement]:
    try:
        receipt = verified(signed, about.roster)
    except ValueError:
        return [_bad_receipt(about, signed)]
    if about.entry.subject not in (receipt.hash, receipt.digest):
        said = Said(
            f"Le reçu joint n’est pas celui dont parle l’entrée {about.index}.",
            f"The receipt attached is not the one that entry {about.index} is about.",
        )
        return [about.says("receipt.other", State.BROKEN, said)]
    receipts.append((about.index, receipt))
    at, what = moment(receipt.at_ms), words.outcome(receipt.outcome)
    why = Said("", "")
    if receipt.reason:
        named = words.reason(receipt.reason)
        why = Said(f" ({named.fr} [{receipt.reason}])", f" ({named.en} [{receipt.reason}])")
    target = receipt.target or "-"
    said = Said(
        f"L’armoire {receipt.guard} a signé le reçu n° {receipt.number} de l’entrée "
        f"{about.index}, selon son horloge le {at.fr}, équipement {target} : {what.fr}{why.fr}.",
        f"Guard {receipt.guard} signed receipt no. {receipt.number} of entry {about.index}, "
        f"by its clock on {at.en}, target {target}: {what.en}{why.en}.",
    )
    return [about.says("receipt.signed", State.PROVEN, said)]


def _bad_receipt(about: About, signed: Signed) -> Statement:
    try:
        named = read_receipt(signed.payload).guard
    except ValueError:
        named = None
    who = named or "?"
    said = Said(
        f"Le reçu de l’entrée {about.index} n’est pas signé par l’armoire qu’il nomme ({who}).",
        f"The receipt of entry {about.index} is not signed by the guard that it names ({who}).",
    )
    return about.says("receipt.false", State.BROKEN, said)


def chain_statements(receipts: list[tuple[int, Receipt]]) -> list[Statement]:
    """Do the receipts of each guard follow each other? A missing number is evidence too."""
    statements = []
    for guard in sorted({receipt.guard for _, receipt in receipts}):
        mine = sorted(
            ((i, r) for i, r in receipts if r.guard == guard), key=lambda pair: pair[1].number
        )
        for (_, before), (index, after) in pairwise(mine):
            statements.append(_link(guard, before, index, after))
    return statements


def _link(guard: str, before: Receipt, index: int, after: Receipt) -> Statement:
    numbers = f"{before.number} et {after.number}", f"{before.number} and {after.number}"
    if before.hash == after.hash:
        said = Said(
            f"Le reçu n° {after.number} de l’armoire {guard} est joint deux fois.",
            f"Receipt no. {after.number} of guard {guard} is attached twice.",
        )
        return Statement("receipts.twice", State.NOT_PROVEN, said, index)
    if after.number == before.number + 1 and after.previous == before.hash:
        said = Said(
            f"Les reçus n° {numbers[0]} de l’armoire {guard} se suivent.",
            f"Receipts no. {numbers[1]} of guard {guard} follow each other.",
        )
        return Statement("receipts.follow", State.PROVEN, said, index)
    if after.number > before.number + 1:
        said = Said(
            f"Entre les reçus n° {numbers[0]} de l’armoire {guard}, il en manque dans ce fichier.",
            f"Between receipts no. {numbers[1]} of guard {guard} some are not in this file.",
        )
        return Statement("receipts.gap", State.NOT_PROVEN, said, index)
    said = Said(
        f"Les reçus n° {numbers[0]} de l’armoire {guard} se contredisent : l’armoire ou sa carte "
        "mémoire a été remplacé, ou sa clé copiée.",
        f"Receipts no. {numbers[1]} of guard {guard} contradict each other: the guard or its "
        "memory card was replaced, or its key copied.",
    )
    return Statement("receipts.fork", State.BROKEN, said, index)
