"""`beffroi guard-conformance`: checks anybody's edge guard by numbered rules."""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

Command = Annotated[
    str,
    typer.Option(
        "--guard-command",
        help="La commande qui lance la garde ; le banc ajoute --config FICHIER / the command that "
        "starts the guard; --config FILE is added.",
    ),
]
Rules = Annotated[
    list[str] | None, typer.Option("--rule", help="Seulement ces règles / only these (G-01 ...).")
]
Out = Annotated[
    Path | None, typer.Option("--json", help="Écrire aussi les résultats / also write results.")
]


def guard_conformance(
    guard_command: Command = "beffroi-guard", rule: Rules = None, out: Out = None
) -> None:
    """Vérifier une garde de terrain, règle par règle / check an edge guard, rule by rule."""
    from beffroi.lab.conformance.bench import ContractError
    from beffroi.lab.conformance.broker import KitBrokerError
    from beffroi.lab.conformance.report import Result, as_json, check

    console = Console()
    table = Table("Règle", "", "Texte / ce que la garde a fait", title=guard_command)

    def tell(result: Result) -> None:
        mark = "[green]oui[/]" if result.holds else "[red]non[/]"
        said = result.text if result.holds else f"{result.text}\n[red]→ {result.instead}[/]"
        table.add_row(result.number, mark, said)
        console.print(f"{result.number} {mark} {result.took_ms} ms")

    try:
        with tempfile.TemporaryDirectory(prefix="beffroi-kit-") as name:
            results = asyncio.run(check(guard_command, Path(name) / "kit", rule or (), tell))
    except (ContractError, KitBrokerError) as error:
        typer.echo(f"beffroi: {error}", err=True)
        raise typer.Exit(2) from error
    console.print(table)
    held = sum(one.holds for one in results)
    console.print(f"{held} / {len(results)}")
    if out is not None:
        out.write_text(json.dumps(as_json(guard_command, results), indent=2) + "\n")
    raise typer.Exit(0 if held == len(results) else 1)
