"""`beffroi experiment verify FILE`: compute a published experiment again, on any computer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from beffroi.hub.experiments import paper
from beffroi.model.limits import EXPERIMENT_BYTES_MAX

app = typer.Typer(no_args_is_help=True, help="Expériences : recalculer / compute again.")


@app.callback()
def group() -> None:
    """Expériences de la commune / experiments of the commune."""


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="Fichier publié / published file.")],
) -> None:
    """Recalculer le résultat à partir des jours mesurés / from the measured days."""
    try:
        with file.open("rb") as opened:
            found, plan, result = paper.verify(opened.read(EXPERIMENT_BYTES_MAX + 1))
    except (OSError, paper.PaperError) as error:
        typer.echo(f"beffroi: {error}", err=True)
        raise typer.Exit(2) from error
    for one in found:
        typer.echo(f"{'oui / yes' if one.holds else 'NON / NO '}  {one.text.fr} / {one.text.en}")
    typer.echo(f"promesse / promise: {plan}\nrésultat / result:  {result or '–'}")
    typer.echo(
        "À comparer aux entrées du journal de preuves / compare with the entries of the log."
    )
    if not all(one.holds for one in found):
        raise typer.Exit(1)
