"""`beffroi`: every command, with the errors of every room turned into one clear line."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from beffroi.cli import (
    board,
    codec,
    command,
    consultation,
    data,
    delegated,
    device,
    dossier,
    entitlement,
    evidence,
    experiment,
    guard,
    host,
    indicators,
    lab,
    place,
    replay,
    sign,
    signals,
    signer,
    trust,
)
from beffroi.cli.settings import Settings, SettingsError, default_home, load

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Beffroi, l'hyperviseur d'une commune connectée / the hub of a connected town.",
)
app.add_typer(device.app, name="device")
app.add_typer(dossier.app, name="dossier")
app.add_typer(board.app, name="board")
app.add_typer(codec.app, name="codec")
app.add_typer(command.app, name="command")
app.add_typer(consultation.app, name="consultation")
app.add_typer(experiment.app, name="experiment")
app.add_typer(data.app, name="data")
app.add_typer(delegated.app, name="delegated")
app.add_typer(entitlement.app, name="entitlement")
app.add_typer(evidence.app, name="evidence")
app.add_typer(host.app, name="host")
app.add_typer(lab.app, name="lab")
app.command()(evidence.verify)
app.add_typer(indicators.app, name="indicators")
app.add_typer(signals.app, name="signals")
app.add_typer(trust.app, name="trust")
app.add_typer(signer.app, name="signer")
app.command()(sign.sign)
app.command("guard-conformance")(guard.guard_conformance)
app.command("replay")(replay.replay)
app.command("import")(replay.import_table)
app.command()(data.backup)
app.command()(data.restore)
Home = Annotated[
    Path | None, typer.Option(help="Folder of the installation.", envvar="BEFFROI_HOME")
]


def settings_of(home: Path | None) -> Settings:
    """The settings, or one line on stderr and exit status 2."""
    try:
        return load(home or default_home())
    except SettingsError as error:
        typer.echo(f"beffroi: {error}", err=True)
        raise typer.Exit(2) from error


def run(work: Coroutine[Any, Any, None]) -> None:
    """On uvloop where there is one; known errors become one line."""
    from beffroi.adapters.nats.binary import BinaryError
    from beffroi.adapters.nats.server import BrokerError
    from beffroi.adapters.pki.ca import AuthorityError
    from beffroi.cli.serve import NotReadyError
    from beffroi.ports.log_store import LogError
    from beffroi.ports.personal import PersonalError
    from beffroi.ports.store import StoreError

    try:
        import uvloop

        runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    except ImportError:
        runner = asyncio.Runner()
    try:
        with runner:
            runner.run(work)
    except (
        AuthorityError,
        BinaryError,
        BrokerError,
        LogError,
        NotReadyError,
        PersonalError,
        SettingsError,
        StoreError,
        place.InUseError,
    ) as error:
        typer.echo(f"beffroi: {error}", err=True)
        raise typer.Exit(1) from error


@app.command()
def serve(home: Home = None) -> None:
    """Run the hub: broker, gate, ingest, alarms and pages."""
    from beffroi.cli.serve import serve as work

    place.quiet_logs()
    run(work(settings_of(home)))


@app.command()
def demo(
    home: Home = Path("var/demo"),
    inhabitants: Annotated[int, typer.Option(help="500 to 1,000,000.")] = 800,
    seed: Annotated[int, typer.Option(help="Another seed, another commune.")] = 1,
) -> None:
    """A living commune, simulated: streets, lamps, bays, water, people; then the hub on it."""
    from beffroi.cli.demo import prepare
    from beffroi.cli.serve import serve as work
    from beffroi.lab.commune import TownError
    from beffroi.lab.demo import DemoError

    place.quiet_logs()
    settings = settings_of(home)
    try:
        with place.alone(settings):
            prepare(settings, inhabitants, seed)
    except (DemoError, TownError, place.InUseError) as error:
        typer.echo(f"beffroi: {error}", err=True)
        raise typer.Exit(1) from error
    run(work(settings, beside=("street",)))


@app.command(hidden=True)
def street_process(home: Home = None) -> None:
    """Started by `demo`: the simulated devices."""
    from beffroi.cli.demo import street_process as work

    place.quiet_logs()
    run(work(settings_of(home)))


@app.command(hidden=True)
def prepare_process(home: Home = None) -> None:
    """Started by `serve`: the database, migrated to this version."""
    from beffroi.ports.store import StoreError

    try:
        place.store_of(settings_of(home)).close()
    except StoreError as error:
        typer.echo(f"beffroi: {error}", err=True)
        raise typer.Exit(1) from error


@app.command(hidden=True)
def gate_process(home: Home = None) -> None:
    """Started by `serve`."""
    from beffroi.cli.gate import gate_process as work

    place.quiet_logs()
    run(work(settings_of(home)))


@app.command(hidden=True)
def hub_process(home: Home = None) -> None:
    """Started by `serve`."""
    from beffroi.cli.hub import hub_process as work

    place.quiet_logs()
    run(work(settings_of(home)))


@app.command(hidden=True)
def door_process(home: Home = None) -> None:
    """Started by `host`: the front door of many communes."""
    from beffroi.cli.host_run import door_process as work

    place.quiet_logs()
    run(work(home or default_home()))
