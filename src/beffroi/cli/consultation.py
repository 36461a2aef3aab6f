"""`beffroi consultation verify FILE`: count a published consultation again, on any computer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from beffroi.hub.consultations import tally
from beffroi.model.limits import TALLY_BYTES_MAX

app = typer.Typer(no_args_is_help=True, help="Consultations : recompter / count again.")


@app.callback()
def group() -> None:
    """Consultations des habitants / of inhabitants."""


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="Fichier publié / published file.")],
    receipt: Annotated[str, typer.Option(help="Votre reçu / your receipt.")] = "",
    word: Annotated[str, typer.Option(help="Votre mot / your word.")] = "",
) -> None:
    """Recompter, sans la mairie / count again, without the town hall."""
    try:
        with file.open("rb") as opened:
            data = opened.read(TALLY_BYTES_MAX + 1)
        findings = tally.verify(data)
    except (OSError, tally.TallyError) as error:
        typer.echo(f"beffroi: {error}", err=True)
        raise typer.Exit(2) from error
    read = json.loads(data)
    for one in findings:
        typer.echo(f"{'oui / yes' if one.holds else 'NON / NO '}  {one.fr} / {one.en}")
    typer.echo(f"ouverture / opening: {read['opened']}\nrésultat / result:    {read['result']}")
    found = True
    if receipt:
        wanted = tally.receipt_hash(read["id"], receipt, word)
        mine = [choice for known, choice in read["ballots"] if known == wanted]
        found = len(mine) == 1
        said = read["choices"][mine[0]] if found else "aucun bulletin / no ballot"
        typer.echo(f"votre bulletin / your ballot: {said}")
    if not (found and all(one.holds for one in findings)):
        raise typer.Exit(1)
