"""`beffroi codec ...`: add, try, list and remove the codecs of LoRaWAN devices.

Works on the home folder, while the hub runs or not: the hub sees the change at once.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from getpass import getuser
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from beffroi.adapters.clock import SystemClock
from beffroi.adapters.codecs.output import Decoded
from beffroi.adapters.codecs.runner import Runner
from beffroi.adapters.sql import open_store
from beffroi.cli import settings
from beffroi.hub import codecs
from beffroi.model.limits import CODEC_BYTES_MAX
from beffroi.ports.codec import Codec, CodecError, Uplink
from beffroi.ports.store import Store, StoreError

app = typer.Typer(
    no_args_is_help=True, help="Décodeurs des capteurs LoRaWAN / codecs of LoRaWAN devices."
)
Home = Annotated[
    Path,
    typer.Option("--home", envvar="BEFFROI_HOME", help="Dossier de l'installation / home folder."),
]
File = Annotated[
    Path, typer.Argument(metavar="FILE.js", help="Le décodeur, en JavaScript / the codec's source.")
]
ERRORS = (CodecError, StoreError, settings.SettingsError, OSError, UnicodeError)


@app.command()
def add(
    file: File,
    name: Annotated[str, typer.Option(help="Nom du modèle / the device model.")] = "",
    home: Home = settings.default_home(),
) -> None:
    """Autoriser un décodeur, après un essai / allow a codec, after a trial run."""
    with _open(home) as store:
        source = _read(file)
        runner = Runner(store.assets)
        try:
            now_ms = SystemClock().now_ms()
            codec = codecs.put(store, runner, name or file.stem, source, getuser(), now_ms)
        finally:
            runner.close()
    typer.echo(f"{codec.name} : {codec.sha256}")


@app.command("list")
def list_(home: Home = settings.default_home()) -> None:
    """Les décodeurs autorisés / the codecs that are allowed."""
    with _open(home) as store:
        table = Table(
            "Empreinte / hash", "Nom / name", "Octets / bytes", "Ajouté / added", "Par / by"
        )
        for codec in store.assets.codecs():
            size = "retiré / removed" if codecs.removed(codec) else str(len(codec.source.encode()))
            day = dt.datetime.fromtimestamp(codec.added_ms / 1000, dt.UTC).strftime("%Y-%m-%d")
            table.add_row(codec.sha256[:16], codec.name, size, day, codec.added_by)
    Console().print(table)


@app.command("test")
def try_(
    file: File,
    frame: Annotated[str, typer.Option("--hex", help="Trame en hexadécimal / frame, in hex.")],
    fport: Annotated[int, typer.Option(min=0, max=255, help="Port LoRaWAN.")] = 1,
    recv_time: Annotated[
        str, typer.Option(help="Heure de réception, ISO 8601 / time of reception.")
    ] = "",
) -> None:
    """Décoder une trame sans rien enregistrer / decode one frame; nothing is stored."""
    try:
        source = _read(file)
        payload = bytes.fromhex(frame)
    except (*ERRORS, ValueError) as error:
        _fail(str(error))
    sha256 = hashlib.sha256(source.encode()).hexdigest()
    runner = Runner(None)
    try:
        codec = Codec(sha256, file.stem, source, 0, "")
        when = recv_time or dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
        outcome = runner.tried(codec, [Uplink(fport, payload, when)])[0]
    finally:
        runner.close()
    if not isinstance(outcome, Decoded):
        _fail(str(outcome))
    shown = {"data": outcome.data, "warnings": outcome.warnings, "errors": outcome.errors}
    typer.echo(json.dumps({k: v for k, v in shown.items() if v}, ensure_ascii=False, indent=2))
    raise typer.Exit(1 if outcome.errors else 0)


@app.command()
def remove(
    sha256: Annotated[str, typer.Argument(help="Début de l'empreinte / first digits of the hash.")],
    home: Home = settings.default_home(),
) -> None:
    """Ne plus autoriser un décodeur / take a codec off the allow-list."""
    with _open(home) as store:
        codec = codecs.remove(store, sha256, getuser(), SystemClock().now_ms())
    typer.echo(f"{codec.name} retiré / removed")


def _read(file: Path) -> str:
    with file.open("rb") as stream:
        data = stream.read(CODEC_BYTES_MAX + 1)
    if len(data) > CODEC_BYTES_MAX:
        raise CodecError(f"{file} : plus de {CODEC_BYTES_MAX} octets / more bytes than that")
    return data.decode()


@contextmanager
def _open(home: Path) -> Iterator[Store]:
    """The store of the installation; known errors become one line and exit status 1."""
    try:
        store = open_store(settings.load(home).store_url)
        try:
            yield store
        finally:
            store.close()
    except ERRORS as error:
        _fail(str(error))


def _fail(text: str) -> NoReturn:
    typer.echo(f"beffroi: {text}", err=True)
    raise typer.Exit(1)
