"""Makes a paper of sections: the words of cover and notice, lines with their citations. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from beffroi.evidence.statement import typeset
from beffroi.hub.dossier.facts import Facts
from beffroi.hub.dossier.lines import (
    Calendar,
    Edition,
    Line,
    Reach,
    Section,
    cites_text,
    for_edition,
)
from beffroi.ports.papers import Attachment, Paper, PaperLine, PaperSection

EDITIONS = {
    Edition.PUBLIC: "Édition publique",
    Edition.INTERNAL: "Édition interne",
    Edition.SEALED: "Édition scellée",
}
HELP = (
    "Ce dossier est une aide à la preuve. Il ne vaut pas conformité et n’exonère personne ; il est "
    "à relire par l’avocat ou l’assureur de la commune.",
    "Chaque ligne cite les événements qui la fondent. Une ligne sans donnée porte la mention "
    "« non prouvé ». « (à vérifier) » signale une règle de droit non relue sur Légifrance.",
)
WITHHELD = (
    "{n} ligne(s) non communicables dans cette édition (CRPA, art. L311-5, 2° d, ou réservées à la "
    "commune)."
)
VERIFY = "Contrôle hors ligne : extraire preuves.txt, puis lancer : beffroi verify preuves.txt"
UNSEALED = "Sans pièce jointe : les preuves d’inclusion sont dans l’édition scellée."
WARNING = "Aide à la preuve – n’exonère pas"


def dossier_paper(
    facts: Facts, sections: Sequence[Section], edition: Edition, proofs: Attachment | None
) -> Paper:
    """The whole file in one edition."""
    when, log = facts.calendar, facts.log
    kept = [for_edition(section, edition) for section in sections]
    lines = [line for section in kept for line in section.lines]
    proven = sum(line.is_proven for line in lines)
    marks = [
        ("Période", f"du {when.day(facts.period.start_ms)} au {when.day(facts.period.end_ms - 1)}"),
        ("Établi le", when.when(facts.now_ms)),
        ("Lignes", f"{proven} avec citation, {len(lines) - proven} non prouvées"),
        ("Journal de preuves", f"{log.origin}, {log.size} entrées" if log else "non ouvert"),
        ("Racine", log.root if log else "–"),
        ("Témoins", str(log.witnesses) if log else "0"),
        ("Logiciel", f"Beffroi {facts.version}"),
    ]
    return Paper(
        title="Dossier de diligence",
        subtitle="Compétences, moyens, décisions et preuves",
        commune=facts.commune.name or facts.commune.id,
        town_hall=town_hall(facts.commune.name or facts.commune.id),
        edition=EDITIONS[edition],
        marks=[(name, typeset(text)) for name, text in marks],
        notice=[typeset(text) for text in (*HELP, VERIFY if proofs else UNSEALED)],
        sections=[paper_section(section, when) for section in kept],
        warning=WARNING,
        made=when.when(facts.now_ms),
        attachments=(proofs,) if proofs else (),
    )


def extract_paper(
    facts: Facts,
    name: str,
    at: str,
    sections: Sequence[Section],
    proofs: Attachment | None,
) -> Paper:
    """One asset at one moment."""
    when = facts.calendar
    return Paper(
        title=f"Extrait : {name}",
        subtitle=f"État de l’ouvrage le {at}",
        commune=facts.commune.name or facts.commune.id,
        town_hall=town_hall(facts.commune.name or facts.commune.id),
        edition="Extrait",
        marks=[("Établi le", when.when(facts.now_ms)), ("Logiciel", f"Beffroi {facts.version}")],
        notice=[typeset(text) for text in (*HELP, VERIFY if proofs else UNSEALED)],
        sections=[paper_section(section, when) for section in sections],
        warning=WARNING,
        made=when.when(facts.now_ms),
        attachments=(proofs,) if proofs else (),
    )


def town_hall(name: str) -> str:
    """`Mairie d’Aubigny`, `Mairie de Lille`, `Mairie du Havre`, `Mairie des Sables-d’Olonne`."""
    for article, of in (("Le ", "du "), ("Les ", "des ")):
        if name.startswith(article):
            return f"Mairie {of}{name.removeprefix(article)}"
    vowel = name[:1].upper() in set("AEIOUYÂÀÉÈÊËÎÏÔÛÜ")
    return f"Mairie d’{name}" if vowel else f"Mairie de {name}"


def paper_section(section: Section, when: Calendar) -> PaperSection:
    note = typeset(WITHHELD.format(n=section.withheld)) if section.withheld else ""
    return PaperSection(
        title=section.title,
        lines=tuple(_line(line, when) for line in section.lines),
        number=str(section.n) if section.n >= 0 else "",
        law=typeset(section.law),
        note=note,
    )


def _line(line: Line, when: Calendar) -> PaperLine:
    text = typeset(line.text)
    if line.reach is Reach.SEALED:
        text += " [non communicable]"
    return PaperLine(text, tuple(cites_text(line, when)), typeset(line.head))
