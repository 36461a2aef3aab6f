"""`beffroi data ...`: back up, restore, check, seal and purge what is stored."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from beffroi.adapters.clock import SystemClock
from beffroi.adapters.copies import CopyError, copy_home, holds, restore_home
from beffroi.adapters.personal import copying, open_vault
from beffroi.adapters.sql import SqlStore, open_store, restore_store
from beffroi.cli import settings
from beffroi.cli.house import backed_up, read_back
from beffroi.hub.privacy import again
from beffroi.hub.retention import keep_once
from beffroi.model.limits import BACKUP_DAYS, PERSONAL_SUBJECTS_MAX
from beffroi.ports.personal import PersonalError
from beffroi.ports.store import StoreError

app = typer.Typer(no_args_is_help=True, help="Données : sauvegarder, restaurer / stored data.")
Home = Annotated[
    Path,
    typer.Option("--home", envvar="BEFFROI_HOME", help="Dossier de l'installation / home folder."),
]
HOME_SUFFIX, KEYS_SUFFIX = ".home.tar.gz", ".keys"


@app.command()
def backup(
    to: Annotated[Path | None, typer.Option(help="Dossier / folder for the copy.")] = None,
    prune: Annotated[
        bool,
        typer.Option(help="Détruire les copies trop vieilles / destroy copies past their life."),
    ] = False,
    home: Home = settings.default_home(),
) -> None:
    """Copier la base, et à part les clés et le journal / the store; keys and log beside it."""
    with _store(home) as (store, place):
        now = dt.datetime.fromtimestamp(SystemClock().now_ms() / 1000, dt.UTC)
        target = (to or place.home / "backups") / f"beffroi-{now:%Y%m%dT%H%M%SZ}.backup"
        store.backup(str(target))
        rest = target.with_suffix(HOME_SUFFIX)
        count = copy_home(place.home, rest)
        keys = target.with_suffix(KEYS_SUFFIX)
        with_keys = copying.copy_keys(place.home, keys)
        erased = again.digests(copying.erased_in(place.home), store.people)
        listed = copying.add_erased(target.parent / copying.ERASED, erased)
        backed_up(place.home)
        typer.echo(f"{target} (+ manifest)")
        typer.echo(
            f"{rest} : {count} fichiers, clés comprises, à garder comme une clé / "
            "files, keys among them: keep it like a key"
        )
        if with_keys:
            typer.echo(
                f"{keys} : clés des personnes, à garder ailleurs que le reste / "
                "keys of persons: keep them elsewhere than the rest"
            )
        typer.echo(f"{target.parent / copying.ERASED} : {listed} effacements / erasures")
        if prune:
            gone = copying.prune(target.parent, SystemClock().now_ms(), BACKUP_DAYS)
            typer.echo(f"{len(gone)} fichiers détruits / files destroyed (> {BACKUP_DAYS} j/d)")


@app.command()
def restore(
    copy: Annotated[Path, typer.Argument(help="Le fichier de sauvegarde / the backup file.")],
    erased: Annotated[
        Path | None, typer.Option(help="Une liste d'effacements plus récente / a newer list.")
    ] = None,
    without_persons: Annotated[
        bool, typer.Option(help="Sans le coffre des personnes / leave personal data out.")
    ] = False,
    home: Home = settings.default_home(),
) -> None:
    """Refaire la base à partir d'une sauvegarde ; rien n'est écrasé / nothing is overwritten.

    Si .home.tar.gz et .keys sont à côté, ils sont repris d'abord / taken back first ; un
    config.toml déjà là reste / one that is there stays. Qui a été effacé depuis l'est de nouveau /
    who was erased since is erased again.
    """
    with _clear_errors():
        rest, keys = copy.with_suffix(HOME_SUFFIX), copy.with_suffix(KEYS_SUFFIX)
        listed = copying.read_erased(copy.with_name(copying.ERASED))
        if erased is not None and not erased.is_file():
            raise PersonalError(f"{erased} is not there: without the list, erased persons return")
        listed |= copying.read_erased(erased) if erased else set()
        if rest.exists():
            if not (keys.exists() or without_persons) and holds(rest, copying.FIELDS):
                raise PersonalError(f"{keys} is missing: put it there, or add --without-persons")
            leave = [copying.FIELDS] if without_persons or not keys.exists() else []
            if (home / settings.CONFIG).exists():  # it names another database
                leave.append(settings.CONFIG)
            typer.echo(f"{rest}: {restore_home(rest, home, leave)} fichiers / files")
        if keys.exists() and not without_persons:
            copying.restore_keys(keys, home)
        place = settings.load(home)
        store = restore_store(copy, place.store_url)
        counts = store.readings.counts()
        gone = _erase_again(home, store, listed)
        store.close()
        read_back(copy)
        typer.echo(f"{gone} effacements refaits / erasures made again ({len(listed)} listed)")
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


@app.command()
def erased(
    to: Annotated[Path, typer.Argument(help="La liste, complétée / the list, added to.")],
    home: Home = settings.default_home(),
) -> None:
    """Qui a été effacé, en empreintes, pour une restauration / for a restore elsewhere."""
    with _store(home) as (store, place):
        known = again.digests(copying.erased_in(place.home), store.people)
        typer.echo(f"{to}: {copying.add_erased(to, known)}")


def _erase_again(home: Path, store: SqlStore, listed: set[str]) -> int:
    """Fields and keys were copied behind each other: what fits nothing goes, too."""
    vault = open_vault(home)
    try:
        vault.sweep(PERSONAL_SUBJECTS_MAX)
        now = SystemClock().now_ms()
        return again.erase_again(listed, vault, store.people, store.reports, now)
    finally:
        vault.close()


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
    except (StoreError, CopyError, PersonalError, settings.SettingsError, OSError) as error:
        typer.echo(f"beffroi: {error}", err=True)
        raise typer.Exit(1) from error
