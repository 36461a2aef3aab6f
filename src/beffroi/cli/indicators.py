"""`beffroi indicators`: give others a signed file of public results, and read theirs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from beffroi.adapters.clock import SystemClock
from beffroi.adapters.trust import seed
from beffroi.cli import settings
from beffroi.cli.results import peers_of, scoreboard_of
from beffroi.domains.registry import domains
from beffroi.hub.compare.peerfile import PeerFileError, write_file
from beffroi.hub.compare.population import PopulationError, places
from beffroi.hub.indicators.public import public
from beffroi.hub.indicators.scoreboard import Scoreboard
from beffroi.kernel import keys
from beffroi.model.limits import PEER_FILE_BYTES_MAX
from beffroi.ports.store import StoreError

KEY, DAYS, ACTOR = "results", 365, "console"
app = typer.Typer(no_args_is_help=True, help="Résultats publics signés / signed public results.")
Home = Annotated[
    Path,
    typer.Option("--home", envvar="BEFFROI_HOME", help="Dossier de l'installation / home folder."),
]


@app.command()
def publish(
    target: Annotated[Path, typer.Argument(help="Fichier à écrire / file to write.")],
    home: Home = settings.default_home(),
) -> None:
    """Écrire le fichier signé de nos résultats publics / write our signed public results."""
    with _board(home) as (board, place):
        commune = board.books.store.assets.commune()
        if commune is None or commune.insee not in places():
            raise PeerFileError("the commune has no known INSEE code: enter it first")
        sheet = board.sheet(DAYS)
        private = seed(place, KEY)
        data = write_file(commune.insee, sheet.span, sheet.at_ms, public(sheet.figures), private)
        target.write_bytes(data)
        typer.echo(f"{target}\nclé / key : {keys.public_of(private).hex()}")


@app.command()
def pin(commune: str, key: str, home: Home = settings.default_home()) -> None:
    """Épingler la clé d'une commune, apprise par une voie sûre / pin another commune's key."""
    with _board(home) as (board, _):
        peers_of(board).pin(commune, key, ACTOR)
        typer.echo(f"{commune} {places()[commune].name}")


@app.command("import")
def take(
    source: Annotated[Path, typer.Argument(help="Fichier reçu / file received.")],
    home: Home = settings.default_home(),
) -> None:
    """Lire le fichier signé d'une autre commune / read another commune's signed file."""
    with _board(home) as (board, _):
        with source.open("rb") as file:
            data = file.read(PEER_FILE_BYTES_MAX + 1)
        found = peers_of(board).take(data, SystemClock().now_ms(), ACTOR)
        typer.echo(f"{found.commune} {places()[found.commune].name} : {len(found.figures)}")


@contextmanager
def _board(home: Path) -> Iterator[tuple[Scoreboard, Path]]:
    from beffroi.cli.place import store_of

    try:
        loaded = settings.load(home)
        store = store_of(loaded)
    except (settings.SettingsError, StoreError) as error:
        typer.echo(f"beffroi: {error}", err=True)
        raise typer.Exit(2) from error
    try:
        yield scoreboard_of(store, SystemClock(), domains()), loaded.home
    except (PeerFileError, PopulationError, StoreError, OSError) as error:
        typer.echo(f"beffroi: {error}", err=True)
        raise typer.Exit(1) from error
    finally:
        store.close()
