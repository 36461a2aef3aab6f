"""What a file of evidence proves, for a judge's expert: offline, without the hub, without trust.

Needs the file and, to know whose keys these are, a roster obtained another way. Says of each thing
whether it is proven, not proven, or broken. Never raises, whatever the bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from beffroi.evidence import words
from beffroi.evidence.content import commands_in
from beffroi.evidence.dossier import Damage, DossierError, Found, Item, read_dossier
from beffroi.evidence.entry import Entry, EntryError, read_entry, seal
from beffroi.evidence.limits import SALT_BYTES, WITNESS_FUTURE_S_MAX
from beffroi.evidence.merkle import ProofError, check_inclusion
from beffroi.evidence.signed import (
    About,
    chain_statements,
    signed_statements,
)
from beffroi.evidence.statement import Report, Said, State, moment
from beffroi.evidence.vouched import StampCheck, checkpoint_of, roster_of, stamp_of, witnesses_of
from beffroi.kernel.keys import same, sha256
from beffroi.kernel.note import Checkpoint
from beffroi.kernel.receipt import Receipt
from beffroi.kernel.roster import Roster


@dataclass(slots=True)
class _Context:
    """What is known of the file when its entries are looked at."""

    checkpoint: Checkpoint | None
    roster: Roster | None
    seen_s: int | None
    commands: dict[bytes, bytes]
    receipts: list[tuple[int, Receipt]] = field(default_factory=list)


def verify(data: bytes, roster: bytes = b"", stamp: StampCheck | None = None) -> Report:
    """`roster`: canonical bytes obtained another way than the file, empty for none."""
    report = Report()
    try:
        found = read_dossier(data)
    except DossierError as error:
        said = Said("Ce n’est pas un fichier de preuves de Beffroi.", f"{error}.")
        report.add("file.other", State.BROKEN, said)
        return report
    _file(report, found)
    keys = roster_of(report, found, roster)
    checkpoint = checkpoint_of(report, found, keys)
    seen_s = witnesses_of(report, checkpoint, keys) if checkpoint and keys else None
    if found.stamp and checkpoint:
        stamp_of(report, found.stamp, checkpoint, stamp)
    context = _Context(checkpoint, keys, seen_s, commands_in(one.payload for one in found.items))
    for item in found.items:
        _item(report, item, context)
    report.statements += chain_statements(context.receipts)
    _beyond(report)
    return report


def _file(report: Report, found: Found) -> None:
    if found.whole and not found.damage:
        said = Said("Le fichier est complet et intact.", "The file is complete and intact.")
        report.add("file.whole", State.PROVEN, said)
    if not found.whole:
        said = Said(
            "Le fichier a changé depuis qu’il a été écrit : la somme de contrôle est fausse.",
            "The file was changed since it was written: the checksum is wrong.",
        )
        report.add("file.changed", State.BROKEN, said)
    for damage in found.damage:
        _damage(report, damage)


def _damage(report: Report, damage: Damage) -> None:
    if damage.index is not None:
        said = Said(
            f"L’entrée {damage.index} est abîmée (ligne {damage.line}) : elle ne peut pas être "
            "lue.",
            f"Entry {damage.index} is damaged (line {damage.line}): it cannot be read.",
        )
    else:
        said = Said(
            f"La ligne {damage.line} est abîmée ({damage.label}).",
            f"Line {damage.line} is damaged ({damage.label}).",
        )
    report.add("file.damaged", State.BROKEN, said, damage.index)


def _item(
    report: Report,
    item: Item,
    context: _Context,
) -> None:
    index = item.index
    try:
        entry = read_entry(item.entry)
    except EntryError:
        said = Said(f"L’entrée {index} est illisible.", f"Entry {index} is unreadable.")
        report.add("entry.unreadable", State.BROKEN, said, index)
        return
    if not _logged(report, item, entry, context.checkpoint, context.roster):
        return
    _in_time(report, index, entry, context.seen_s)
    roster = context.roster
    if entry.kind == "trust.published" and roster and entry.subject == sha256(roster.encoded()):
        said = Said(
            f"Le registre des clés utilisé est celui qu’inscrit l’entrée {index}.",
            f"The roster used is the one that entry {index} records.",
        )
        report.add("roster.recorded", State.PROVEN, said, index)
    if _sealed(report, item, entry) and context.roster:
        about = About(index, entry, item.payload, context.roster, context.commands)
        report.statements += signed_statements(about, context.receipts)


def _logged(
    report: Report,
    item: Item,
    entry: Entry,
    checkpoint: Checkpoint | None,
    roster: Roster | None,
) -> bool:
    named = words.entry(item.index, entry)
    if checkpoint is None or roster is None:
        said = Said(
            "Rien ne prouve que {x} soit dans le journal : son point de contrôle n’est pas établi.",
            "Nothing proves that {x} is in the log: its checkpoint is not established.",
        )
        report.add("entry.unproven", State.NOT_PROVEN, said.within(x=named), item.index)
        return True
    try:
        check_inclusion(item.entry, item.index, checkpoint.size, item.path, checkpoint.root)
    except ProofError:
        said = Said(
            "Rupture : {x} n’est pas dans le journal signé, ou sa preuve a été changée.",
            "Broken: {x} is not in the signed log, or its proof was changed.",
        )
        report.add("entry.not_logged", State.BROKEN, said.within(x=named), item.index)
        return False
    at = moment(entry.at_ms)
    said = Said(
        "Dans le journal signé figure {x}, datée par le centre du {at}.",
        "In the signed log stands {x}, dated {at} by the hub.",
    )
    report.add("entry.logged", State.PROVEN, said.within(x=named, at=at), item.index)
    return True


def _in_time(report: Report, index: int, entry: Entry, seen_s: int | None) -> None:
    if seen_s is not None and entry.at_ms > (seen_s + WITNESS_FUTURE_S_MAX) * 1000:
        said = Said(
            f"L’heure de l’entrée {index} est postérieure au passage du témoin : elle est fausse.",
            f"The time of entry {index} is later than the witness’s visit: it is false.",
        )
        report.add("entry.late", State.BROKEN, said, index)


def _sealed(report: Report, item: Item, entry: Entry) -> bool:
    """Is the payload attached, and the one that was recorded?"""
    index = item.index
    if not item.payload and not item.salt:
        if entry.sealed:
            said = Said(
                f"Le contenu de l’entrée {index} n’est pas joint : effacé, ou non communiqué.",
                f"The payload of entry {index} is not attached: erased, or not handed out.",
            )
            report.add("payload.absent", State.NOT_PROVEN, said, index)
        return False
    proper = len(item.salt) == SALT_BYTES and len(entry.sealed) == 32
    if not proper or not same(seal(item.salt, item.payload), entry.sealed):
        said = Said(
            f"Le contenu joint à l’entrée {index} n’est pas celui qui fut enregistré.",
            f"The payload attached to entry {index} is not the one that was recorded.",
        )
        report.add("payload.other", State.BROKEN, said, index)
        return False
    said = Said(
        f"Le contenu joint à l’entrée {index} est celui qui fut enregistré.",
        f"The payload attached to entry {index} is the one that was recorded.",
    )
    report.add("payload.same", State.PROVEN, said, index)
    return True


def _beyond(report: Report) -> None:
    """What no such file can prove is said each time, so that nobody reads more into it."""
    said = Said(
        "Ce fichier ne prouve pas l’heure exacte des faits (chaque heure est celle de qui "
        "l’écrit), ni que le journal ne dit rien d’autre, ni qui tenait une clé en main.",
        "This file does not prove the exact time of events (each time is its writer’s own), nor "
        "that the log says nothing else, nor whose hand held a key.",
    )
    report.add("file.beyond", State.NOT_PROVEN, said)
