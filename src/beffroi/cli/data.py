"""`beffroi data ...`: back up, restore, check, seal and purge what is stored."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from beffroi.adapters.clock import SystemClock
from beffroi.adapters.copies import CopyError, copy_home, restore_home
from beffroi.adapters.sql import SqlStore, open_store, restore_store
from beffroi.cli import settings
from beffroi.cli.house import backed_up, read_back
from beffroi.hub.retention import keep_once
from beffroi.ports.store import StoreError

app = typer.Typer(no_args_is_help=True, help="Données : sauvegarder, restaurer / stored data.")
Home = Annotated[
    Path,
    typer.Option("--home", envvar="BEFFROI_HOME", help="Dossier de l'installation / home folder."),
]
HOME_SUFFIX = ".home.tar.gz"


@app.command()
def backup(
    to: Annotated[Path | None, typer.Option(help="Dossier / folder for the copy.")] = None,
    home: Home = settings.default_home(),
) -> None:
    """Copier la base, et à part les clés et le journal / the store; keys and log beside it."""
    with _store(home) as (store, place):
        now = dt.datetime.fromtimestamp(SystemClock().now_ms() / 1000, dt.UTC)
        target = (to or place.home / "backups") / f"beffroi-{now:%Y%m%dT%H%M%SZ}.backup"
        store.backup(str(target))
        rest = target.with_suffix(HOME_SUFFIX)
        count = copy_home(place.home, rest)
        backed_up(place.home)
        typer.echo(f"{target} (+ manifest)")
        typer.echo(
            f"{rest} : {count} fichiers, clés comprises, à garder comme une clé / "
            "files, keys among them: keep it like a key"
        )


@app.command()
def restore(
    copy: Annotated[Path, typer.Argument(help="Le fichier de sauvegarde / the backup file.")],
    home: Home = settings.default_home(),
) -> None:
    """Refaire la base à partir d'une sauvegarde ; rien n'est écrasé / nothing is overwritten.

    Si le fichier .home.tar.gz est à côté, il est repris d'abord / taken back first.
    """
    with _clear_errors():
        rest = copy.with_suffix(HOME_SUFFIX)
        if rest.exists():
            typer.echo(f"{rest}: {restore_home(rest, home)} fichiers / files")
        place = settings.load(home)
        store = restore_store(copy, place.store_url)
        counts = store.readings.counts()
        store.close()
        read_back(copy)
        typer.echo(f"restored and checked: {counts._asdict()}")


@app.command()
def check(home: Home = settings.default_home()) -> None:
    """Chercher des dommages / look for damage; exit status 1 when there is some."""
    with _store(home) as (store, _):
        found = store.check()
        for sentence in found or ["sound"]:
            typer.echo(sentence)
        if found:
            raise typer.Exit(1)


@app.command()
def keep(home: Home = settings.default_home()) -> None:
    """Sceller les jours finis, purger ce qui est trop vieux / seal days, purge what is too old."""
    with _store(home) as (store, _):
        done = keep_once(store.readings, SystemClock().now_ms())
        typer.echo(f"sealed {done.sealed} observations, purged {done.purged} rows and blocks")


@app.command()
def stats(home: Home = settings.default_home()) -> None:
    """Compter / totals."""
    with _store(home) as (store, _):
        for name, count in store.readings.counts()._asdict().items():
            typer.echo(f"{name:14} {count:>12}")
        for reason, count in store.readings.quarantine_counts().items():
            typer.echo(f"  {reason:12} {count:>12}")


@contextmanager
def _store(home: Path) -> Iterator[tuple[SqlStore, settings.Settings]]:
    with _clear_errors():
        place = settings.load(home)
        store = open_store(place.store_url, create=False)
        try:
            yield store, place
        finally:
            store.close()


@contextmanager
def _clear_errors() -> Iterator[None]:
    try:
        yield
    except (StoreError, CopyError, settings.SettingsError, OSError) as error:
        typer.echo(f"beffroi: {error}", err=True)
        raise typer.Exit(1) from error
