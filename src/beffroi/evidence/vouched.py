"""Who vouches for the log of a file: its own key, outside witnesses, a time-stamping authority."""

from __future__ import annotations

from collections.abc import Callable

from beffroi.evidence.dossier import Found
from beffroi.evidence.statement import Report, Said, State, moment, plain
from beffroi.kernel.note import (
    COSIGNATURE,
    SIGNATURE,
    Checkpoint,
    NoteError,
    key_hint,
    read_note,
)
from beffroi.kernel.roster import HUB, LOG, WITNESS, Member, Roster, read_roster

# Checks an RFC 3161 answer over the checkpoint: when it was stamped (seconds since 1970) and by
# whom; ValueError when it does not hold.
StampCheck = Callable[[bytes, bytes], tuple[int, str]]


def roster_of(report: Report, found: Found, given: bytes) -> Roster | None:
    inside = _read(report, found.roster, Said("joint au fichier", "in the file"))
    if not given:
        if inside is None:
            said = Said(
                "Aucun registre des clés : rien ne dit à qui sont les clés.",
                "No roster of keys: nothing tells whose the keys are.",
            )
            report.add("roster.none", State.NOT_PROVEN, said)
            return None
        _inside(report, inside)
        return inside
    known = _read(report, given, Said("fourni", "given"))
    if known is None:
        return None
    said = Said(
        f"Les clés sont celles du registre que vous avez fourni (commune {known.commune}, version "
        f"{known.version}).",
        f"The keys are those of the roster that you gave (commune {known.commune}, version "
        f"{known.version}).",
    )
    report.add("roster.given", State.PROVEN, said)
    if found.roster and found.roster != given:
        said = Said(
            "Un autre registre est joint au fichier ; il n’a pas été utilisé.",
            "Another roster is in the file; it was not used.",
        )
        report.add("roster.differs", State.NOT_PROVEN, said)
    return known


def _read(report: Report, data: bytes, where: Said) -> Roster | None:
    if not data:
        return None
    try:
        return read_roster(data)
    except ValueError:
        said = Said("Le registre {x} est illisible.", "The roster {x} is unreadable.")
        report.add("roster.unreadable", State.BROKEN, said.within(x=where))
        return None


def _inside(report: Report, roster: Roster) -> None:
    prints = ", ".join(one.key for one in roster.having(LOG)) or "-"
    said = Said(
        "À qui sont les clés n’est pas prouvé : le registre vient du fichier lui-même. Comparez "
        f"l’empreinte de la clé du journal ({prints}) avec celle que publie la commune "
        f"« {roster.commune} », ou fournissez son registre (--roster).",
        "Whose the keys are is not proven: the roster comes with the file. Compare the log key’s "
        f"fingerprint ({prints}) with the one that the commune of {roster.commune} publishes, or "
        "give its roster (--roster).",
    )
    report.add("roster.inside", State.NOT_PROVEN, said)


def checkpoint_of(report: Report, found: Found, roster: Roster | None) -> Checkpoint | None:
    try:
        checkpoint = read_note(found.note)
    except NoteError:
        said = Said(
            "Le point de contrôle du journal manque ou est illisible.",
            "The checkpoint of the log is missing or unreadable.",
        )
        report.add("checkpoint.unreadable", State.BROKEN, said)
        return None
    if roster is None:
        return checkpoint
    signed = [m for m in roster.having(LOG) if checkpoint.signed_by(checkpoint.origin, m.public)]
    if not signed or checkpoint.origin != f"beffroi/{roster.commune}":
        named = plain(checkpoint.origin)
        said = Said(
            f"Le point de contrôle de « {named} » n’est pas signé par une clé du "
            f"journal de {roster.commune}.",
            f"The checkpoint of “{named}” is not signed by a log key of {roster.commune}.",
        )
        report.add("checkpoint.false", State.BROKEN, said)
        return None
    said = Said(
        f"Le journal « {checkpoint.origin} », long de {checkpoint.size} entrées, est signé par sa "
        f"clé {signed[0].key}.",
        f"The log “{checkpoint.origin}”, {checkpoint.size} entries long, is signed by its key "
        f"{signed[0].key}.",
    )
    report.add("checkpoint.signed", State.PROVEN, said)
    return checkpoint


def witnesses_of(report: Report, checkpoint: Checkpoint, roster: Roster) -> int | None:
    """When an outside witness saw it first, in seconds; None when none did."""
    ours = {m.org for m in roster.members if m.role in (HUB, LOG)} | {roster.commune}
    times = []
    for member in roster.having(WITNESS):
        seconds = checkpoint.cosigned_by(member.person, member.public)
        if seconds is None:
            _false_witness(report, checkpoint, member)
        elif member.org not in ours:
            times.append(seconds)
            at = moment(seconds * 1000)
            said = Said(
                f"Le témoin extérieur {member.person} ({member.org}) a vu ce journal de "
                f"{checkpoint.size} entrées le {at.fr}, selon son horloge.",
                f"The outside witness {member.person} ({member.org}) saw this log of "
                f"{checkpoint.size} entries on {at.en}, by its clock.",
            )
            report.add("witness.saw", State.PROVEN, said)
    if not times:
        said = Said(
            "Aucun témoin extérieur connu n’a vu ce journal : seule la commune garantit qu’il n’a "
            "pas été réécrit.",
            "No known outside witness has seen this log: only the commune vouches that it was not "
            "rewritten.",
        )
        report.add("witness.none", State.NOT_PROVEN, said)
    _strangers(report, checkpoint, roster)
    return min(times, default=None)


def _false_witness(report: Report, checkpoint: Checkpoint, member: Member) -> None:
    hint = key_hint(member.person, COSIGNATURE, member.public)
    if any(s.name == member.person and s.raw[:4] == hint for s in checkpoint.signatures):
        said = Said(
            f"La signature du témoin {member.person} ne tient pas.",
            f"The signature of the witness {member.person} does not hold.",
        )
        report.add("witness.false", State.BROKEN, said)


def _strangers(report: Report, checkpoint: Checkpoint, roster: Roster) -> None:
    known = {
        (m.person, key_hint(m.person, COSIGNATURE, m.public)) for m in roster.having(WITNESS)
    } | {
        (checkpoint.origin, key_hint(checkpoint.origin, SIGNATURE, m.public))
        for m in roster.having(LOG)
    }
    count = sum((one.name, one.raw[:4]) not in known for one in checkpoint.signatures)
    if count:
        said = Said(
            f"{count} signature(s) du point de contrôle viennent de clés absentes du registre ; "
            "elles ne comptent pas.",
            f"{count} signature(s) of the checkpoint are by keys not in the roster; they do not "
            "count.",
        )
        report.add("witness.stranger", State.NOT_PROVEN, said)


def stamp_of(
    report: Report, stamp: bytes, checkpoint: Checkpoint, check: StampCheck | None
) -> None:
    if check is None:
        said = Said(
            "Un horodatage (RFC 3161) est joint ; il n’a pas été vérifié : fournissez le "
            "certificat de l’autorité (--tsa).",
            "A time stamp (RFC 3161) is attached and was not checked: give the authority’s "
            "certificate (--tsa).",
        )
        report.add("stamp.unchecked", State.NOT_PROVEN, said)
        return
    try:
        seconds, who = check(stamp, checkpoint.body)
    except ValueError as error:
        said = Said(
            "L’horodatage joint ne tient pas.", f"The time stamp attached does not hold: {error}."
        )
        report.add("stamp.false", State.BROKEN, said)
        return
    at = moment(seconds * 1000)
    said = Said(
        f"L’autorité d’horodatage {plain(who)} a daté ce journal du {at.fr}.",
        f"The time-stamping authority {plain(who)} dated this log {at.en}.",
    )
    report.add("stamp.holds", State.PROVEN, said)
