"""How the evidence commands put what they found on a terminal, in French or English."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from beffroi.adapters.log.fsck import Checked
from beffroi.evidence.statement import Report, State, typeset

LANG = "en" if os.environ.get("LANG", "").startswith("en") else "fr"
Lang = Annotated[str, typer.Option("--lang", help="fr ou / or en.")]

_MARKS = {
    State.PROVEN: ("PROUVÉ    ", "PROVEN    "),
    State.NOT_PROVEN: ("NON PROUVÉ", "NOT PROVEN"),
    State.BROKEN: ("ROMPU     ", "BROKEN    "),
}


def show(report: Report, lang: str) -> None:
    """Every statement on its line, then the conclusion."""
    place = 1 if lang == "en" else 0
    for one in report.statements:
        typer.echo(f"{_MARKS[one.state][place]}  {one.en if place else one.fr}")
    typer.echo("")
    typer.echo(_conclusion(report)[place])


def _conclusion(report: Report) -> tuple[str, str]:
    broken = [one for one in report.statements if one.state is State.BROKEN]
    if broken:
        named = sorted({one.index for one in broken if one.index is not None})
        entries = ", ".join(str(index) for index in named)
        fr = f" Entrées concernées : {entries}." if named else ""
        en = f" Entries concerned: {entries}." if named else ""
        return (
            typeset(f"CE FICHIER NE FAIT PAS FOI : {len(broken)} rupture(s).{fr}"),
            f"THIS FILE PROVES NOTHING AS IT IS: {len(broken)} broken.{en}",
        )
    if not report.ok:
        return (
            "CE FICHIER NE PROUVE RIEN : aucune entrée n’est établie.".replace(" :", "\u00a0:"),
            "THIS FILE PROVES NOTHING: no entry is established.",
        )
    if not report.anchored:
        return (
            "Rien n’est rompu. Comparez encore l’empreinte de la clé, ou fournissez le registre.",
            "Nothing is broken. Still compare the key’s fingerprint, or give the roster.",
        )
    return ("Rien n’est rompu.", "Nothing is broken.")


def show_findings(checked: Checked, lang: str) -> None:
    """Each finding of the checker, or that all agrees."""
    for one in checked.findings:
        typer.echo(one.en if lang == "en" else typeset(one.fr))
    if checked.sound:
        counts = f"{checked.size}", f"{checked.payloads}", f"{checked.erased}"
        fr = "{} entrées : tout s’accorde. Contenus gardés : {} ; effacés : {}."
        en = "{} entries: all agrees. Payloads kept: {}; erased: {}."
        typer.echo(en.format(*counts) if lang == "en" else typeset(fr.format(*counts)))
