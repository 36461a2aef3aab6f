"""`beffroi evidence witness ...`: be the witness of a neighbour commune, and have witnesses."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from beffroi.adapters.log.peers import peer_of, serve_folder
from beffroi.adapters.log.witness import Witness
from beffroi.cli.neighbours import NAME, witness_folder
from beffroi.cli.settings import default_home
from beffroi.evidence.vkey import read_vkey
from beffroi.ports.log_store import LogError

app = typer.Typer(no_args_is_help=True, help="Témoins : communes voisines / neighbour witnesses.")
Home = Annotated[
    Path, typer.Option("--home", envvar="BEFFROI_HOME", help="Dossier de l'installation / home.")
]
Name = Annotated[
    str, typer.Option("--name", help="Nom du témoin, ex. temoin.aubigny / its note name.")
]


@app.command()
def key(home: Home = default_home(), name: Name = "") -> None:
    """La clé de notre témoin, pour les registres des voisins / our witness's public key."""
    with _witness(home, name) as witness:
        typer.echo(witness.vkey.text())


@app.command()
def trust(
    log_key: Annotated[str, typer.Argument(help="Clé du journal voisin / its log's key.")],
    home: Home = default_home(),
) -> None:
    """Être témoin de ce journal / cosign the checkpoints of this log from now on."""
    with _witness(home) as witness:
        witness.trust(read_vkey(log_key))
        typer.echo(f"{witness.name} -> {read_vkey(log_key).name}")


@app.command()
def add(
    witness_key: Annotated[str, typer.Argument(help="Clé du témoin / the witness's key.")],
    address: Annotated[str, typer.Argument(help="https://... ou dossier / or a folder.")],
    home: Home = default_home(),
) -> None:
    """Demander désormais la signature de ce témoin / have our log cosigned by this witness."""
    with _clear_errors():
        peer = peer_of(witness_key.strip(), address.strip())
        path = home / "evidence" / "witnesses"
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with path.open("a") as file:
            file.write(f"{peer.key.text()} {address.strip()}\n")
        typer.echo(f"{peer.name}: {address}")


@app.command("serve-folder")
def serve(
    folder: Annotated[Path, typer.Argument(help="Dossier partagé / shared folder.")],
    home: Home = default_home(),
) -> None:
    """Répondre aux demandes déposées dans un dossier / answer the requests that lie there."""
    with _witness(home) as witness:
        typer.echo(f"{serve_folder(witness, folder)} demande(s) / request(s)")


@app.command()
def conflicts(home: Home = default_home()) -> None:
    """Les journaux pris à se contredire, avec la preuve / logs that showed two histories."""
    with _witness(home) as witness:
        found = witness.conflicts()
    for one in found:
        typer.echo(f"{one.origin}\n{one.first.decode()}\n{one.second.decode()}")
    typer.echo(f"{len(found)} contradiction(s)")
    if found:
        raise typer.Exit(1)


@contextmanager
def _witness(home: Path, name: str = "") -> Iterator[Witness]:
    with _clear_errors():
        folder = witness_folder(home)
        path = folder / NAME
        known = path.read_text().strip() if path.exists() else ""
        if name and known and name != known:
            raise LogError(f"this witness is called {known}: neighbours know it by that name")
        if not name and not known:
            raise LogError("this commune is no witness yet: give it a name, `witness key --name`")
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_text(f"{name or known}\n")
        witness = Witness(folder, name or known, lambda: int(time.time()))
        try:
            yield witness
        finally:
            witness.close()


@contextmanager
def _clear_errors() -> Iterator[None]:
    try:
        yield
    except (LogError, OSError, ValueError) as error:
        typer.echo(f"beffroi: {error}", err=True)
        raise typer.Exit(1) from error
