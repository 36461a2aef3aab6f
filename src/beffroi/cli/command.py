"""`beffroi command ...`: what a clerk at the console can do when the pages cannot be reached.

A request is left in the store; the running hub takes it up, writes it into the evidence log and
asks for approvals as always. Nothing here signs, and nothing here can send.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from beffroi.adapters.clock import SystemClock
from beffroi.adapters.sql import SqlStore, open_store
from beffroi.adapters.trust.source import TrustFolder
from beffroi.cli import settings
from beffroi.hub.dispatch import lifecycle
from beffroi.hub.dispatch.denied import Denied
from beffroi.hub.dispatch.mirror import Mirror
from beffroi.hub.dispatch.office import CONSOLE, OPEN, row_of
from beffroi.hub.dispatch.request import Need, Wish, build, say
from beffroi.hub.dispatch.trust import Trusted, TrustError
from beffroi.hub.dispatch.words import STATES
from beffroi.kernel.command import Command
from beffroi.kernel.dsse import unpack
from beffroi.kernel.lease import read_status
from beffroi.kernel.limits import DAY_MS
from beffroi.ports.store import StoreError

app = typer.Typer(no_args_is_help=True, help="Commandes : voir, demander / commands.")
Home = Annotated[
    Path,
    typer.Option("--home", envvar="BEFFROI_HOME", help="Dossier de l'installation / home folder."),
]
ROWS_MAX = 50


class RequestError(Exception):
    """It cannot be asked; the text says why."""


@app.command("list")
def list_commands(
    every: Annotated[
        bool, typer.Option("--all", help="Finies aussi / those that ended too.")
    ] = False,
    home: Home = settings.default_home(),
) -> None:
    """Montrer les commandes, la plus récente d'abord / show commands, newest first."""
    with _store(home) as (store, _):
        rows = store.commands.commands(() if every else OPEN, limit=ROWS_MAX)
    table = Table("commande / command", "équipement / target", "action", "classe", "état / state")
    for row in rows:
        params = " ".join(f"{name}={value}" for name, value in row.params.items())
        state = STATES[row.state]
        table.add_row(
            row.id, row.target, f"{row.action} {params}", row.klass, f"{state.fr} / {state.en}"
        )
    Console().print(table)


@app.command()
def request(
    target: Annotated[str, typer.Argument(help="Équipement / target.")],
    action: Annotated[str, typer.Argument(help="Action.")],
    params: Annotated[
        list[str] | None, typer.Argument(help="Paramètres nom=valeur / parameters name=value.")
    ] = None,
    home: Home = settings.default_home(),
) -> None:
    """Déposer une demande ; le serveur la prend / leave a request; the hub takes it up."""
    with _store(home) as (store, trusted):
        made, need = _made(store, trusted, Wish(target, action, _params(params or [])))
        envelope = trusted.envelopes[target]
        row = row_of(made, envelope.service, CONSOLE, SystemClock().now_ms())
        store.commands.apply([lifecycle.born(row)])
        typer.echo(f"{row.id} : {say(need.action, row.params, 'fr')}")
        until = dt.datetime.fromtimestamp(row.expires_ms / 1000, dt.UTC)
        typer.echo(f"classe / class {row.klass}, jusqu'à / until {until:%Y-%m-%d %H:%M} UTC")


def _made(store: SqlStore, trusted: Trusted, wish: Wish) -> tuple[Command, Need]:
    envelope = trusted.envelopes.get(wish.target)
    if envelope is None:
        raise RequestError(f"nothing can be done to {wish.target}; see `beffroi trust`")
    now = SystemClock().now_ms()
    mirror = Mirror()
    for row in store.commands.statuses():
        mirror.put(read_status(unpack(row.payload), trusted.roster), row.recv_ms)
    seen = mirror.target(envelope.guard, envelope.target)
    if seen is None:
        raise RequestError(f"the guard {envelope.guard} was never heard: is the hub running?")
    nonce = seen.status.nonce.hex()
    taken = store.commands.counter(envelope.guard, envelope.target, nonce, envelope.epoch)
    last = seen.status.counter if seen.status.epoch == envelope.epoch else 0
    known = mirror.situation(trusted, envelope.guard, store.commands.sent_since(now - DAY_MS), now)
    ident = f"c-{secrets.token_hex(8)}"
    made = build(wish, envelope, seen.status, known, ident=ident, counter=max(taken, last) + 1)
    if isinstance(made, Denied):
        raise RequestError(str(made))
    return made


def _params(words: list[str]) -> dict[str, int | str]:
    found: dict[str, int | str] = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not sign or not name:
            raise RequestError(f"{word!r}: nom=valeur / name=value")
        found[name] = int(value) if value.removeprefix("-").isdecimal() else value
    return found


@contextmanager
def _store(home: Path) -> Iterator[tuple[SqlStore, Trusted]]:
    try:
        config = settings.load(home)
        trusted = TrustFolder(config.home).current()
        store = open_store(config.store_url, create=False)
        try:
            yield store, trusted
        finally:
            store.close()
    except (
        RequestError,
        StoreError,
        TrustError,
        settings.SettingsError,
        OSError,
        ValueError,
    ) as error:
        typer.echo(f"beffroi: {error}", err=True)
        raise typer.Exit(1) from error
