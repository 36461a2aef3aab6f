"""`beffroi delegated ...`: on the hub of an inter-municipal body, the communes that it follows.

Addresses are kept by whoever holds this machine, never by a page: no visitor makes the hub call.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from beffroi.adapters.followed import FollowError, Source, sources
from beffroi.adapters.followed import drop as forget
from beffroi.adapters.followed import follow as keep
from beffroi.cli import settings

app = typer.Typer(
    no_args_is_help=True, help="Compétences déléguées à un syndicat / delegated to a body."
)
Home = Annotated[
    Path,
    typer.Option("--home", envvar="BEFFROI_HOME", help="Dossier de l'installation / home folder."),
]
Address = Annotated[str, typer.Argument(help="https://… du hub de la commune / of its hub.")]


@app.command()
def follow(address: Address, home: Home = settings.default_home()) -> None:
    """Suivre une délégation ; le jeton est demandé / the token is asked for, never an argument."""
    token = typer.prompt("Jeton / token", hide_input=True).strip()
    _clear(lambda: keep(home, Source(address, token)))
    typer.echo("la page « /delegated » du hub la montre / the hub's page /delegated shows it")


@app.command("list")
def list_(home: Home = settings.default_home()) -> None:
    """Ce qui est suivi / what is followed."""
    _clear(lambda: typer.echo("\n".join(one.address for one in sources(home)) or "–"))


@app.command()
def drop(address: Address, home: Home = settings.default_home()) -> None:
    """Ne plus suivre / follow no more."""
    _clear(lambda: typer.echo(f"{forget(home, address)} retirée(s) / dropped"))


def _clear(work: Callable[[], object]) -> None:
    try:
        work()
    except (FollowError, OSError) as error:
        typer.echo(f"beffroi: {error}", err=True)
        raise typer.Exit(1) from error
