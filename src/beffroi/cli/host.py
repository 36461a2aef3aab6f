"""`beffroi host ...`: many communes on one machine, each in a home of its own.

`beffroi host DIR` runs them all and the front door. Nothing here opens two homes at once.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from beffroi.cli import data, place
from beffroi.cli.host_homes import (
    FrontDoor,
    Home,
    front_door,
    home_of,
    homes,
    init,
    ports_of,
    set_stopped,
)
from beffroi.cli.host_homes import add as make_home
from beffroi.cli.host_run import STATE
from beffroi.cli.settings import Settings, SettingsError, load
from beffroi.hub.compare.population import PopulationError, places
from beffroi.model.asset import Commune
from beffroi.model.limits import COMMUNE_STOP_S_MAX, NAME_CHARS_MAX
from beffroi.ports.store import StoreError

KIB_PER_MIB = 1_024


class _Group(TyperGroup):
    """`host DIR` is `host run DIR`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            args = ["run", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_Group,
    no_args_is_help=True,
    help="Plusieurs communes sur une machine / many communes on one machine.",
)
Dir = Annotated[Path, typer.Argument(help="Dossier de l'installation / its folder.")]
Id = Annotated[str, typer.Argument(help="La commune : son code INSEE ou un nom court / its id.")]


@app.command("init")
def init_(
    folder: Dir,
    base: Annotated[str, typer.Option(help="Les communes répondent à ID.BASE / ID.BASE answers.")],
    host: Annotated[
        str, typer.Option(help="Où la porte écoute / where the door listens.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65_535)] = 8080,
    tls_cert: Annotated[str, typer.Option(help="PEM de *.BASE / of *.BASE.")] = "",
    tls_key: str = "",
    behind_proxy: Annotated[bool, typer.Option(help="Un proxy d'ici porte TLS.")] = False,
    mqtt_host: Annotated[
        str, typer.Option(help="Où les brokers écoutent / brokers listen.")
    ] = "127.0.0.1",
) -> None:
    """Faire le dossier d'une installation / make the folder of an installation."""
    with _clear_errors():
        door = FrontDoor(base, host, port, tls_cert, tls_key, behind_proxy, mqtt_host)
        init(folder, door)
    typer.echo(f"{folder}: beffroi host add {folder} ID --name …")


@app.command()
def add(
    folder: Dir,
    commune: Id,
    name: Annotated[str, typer.Option(help="Son nom / its name.")] = "",
    inhabitants: Annotated[int, typer.Option(min=0)] = 0,
    lon: Annotated[float, typer.Option(min=-180, max=180)] = 0.0,
    lat: Annotated[float, typer.Option(min=-90, max=90)] = 0.0,
) -> None:
    """Ajouter une commune, même pendant que tout tourne / add one, even while all runs.

    Avec un code INSEE, le nom et la population viennent de la table des communes.
    """
    with _clear_errors():
        insee = commune.upper()
        known = _known(insee)
        name = " ".join(name.split()) or (known[0] if known else "")
        if not name or len(name) > NAME_CHARS_MAX or not name.isprintable():
            raise SettingsError("--name: what the commune is called, 80 characters at most")
        heads = inhabitants or (known[1] if known else 0)
        settings = make_home(folder, commune)
        about = Commune(commune, name, heads, lon, lat, insee=insee if known else "")
        store = place.store_of(settings)
        try:
            store.assets.put_commune(about)
        finally:
            store.close()
    typer.echo(f"{commune}: {front_door(folder).address_of(commune)}")


def _known(insee: str) -> tuple[str, int] | None:
    try:
        found = places().get(insee)
    except PopulationError:
        return None
    return (found.name, found.inhabitants) if found else None


@app.command()
def run(folder: Dir) -> None:
    """Faire tourner toutes les communes et la porte / run all communes and the front door."""
    from beffroi.cli.host_run import run as work
    from beffroi.cli.main import run as run_

    place.quiet_logs()
    run_(work(folder))


@app.command("list")
def list_(folder: Dir) -> None:
    """Les communes et leurs adresses / communes and their addresses."""
    with _clear_errors():
        door = front_door(folder)
        for home in homes(folder):
            web, mqtt, _ = ports_of(load(home.folder))
            state = "arrêtée / stopped" if home.stopped else ""
            typer.echo(
                f"{home.id:12} {door.address_of(home.id):44} web {web}  mqtt {mqtt}  {state}"
            )


@app.command()
def status(folder: Dir) -> None:
    """Qui tourne, et la mémoire de chacune / who runs, and the memory of each."""
    with _clear_errors():
        front_door(folder)
        state = _state(folder)
        if not state:
            typer.echo("arrêtée / stopped")
            raise typer.Exit(1)
        running = state["communes"]
        typer.echo(f"{'porte / door':14} {_mib(state['door'])}")
        for home in homes(folder):
            one = running.get(home.id, {"pid": 0, "restarts": 0})
            word = _mib(one["pid"]) if one["pid"] else "arrêtée / stopped"
            again = f"  {one['restarts']} ×" if one["restarts"] else ""
            typer.echo(f"{home.id:14} {word}{again}")


@app.command()
def stop(
    folder: Dir,
    commune: Annotated[str, typer.Argument(help="Une seule / one only.")] = "",
) -> None:
    """Arrêter une commune (elle le reste), ou toute l'installation / one (it stays so), or all."""
    with _clear_errors():
        if commune:
            _stop_one(folder, home_of(folder, commune))
        elif state := _state(folder):
            os.kill(state["pid"], signal.SIGTERM)
            _wait(lambda: not _state(folder))
    typer.echo("arrêtée / stopped")


@app.command()
def start(folder: Dir, commune: Id) -> None:
    """Remettre en marche une commune arrêtée / let a stopped commune run again."""
    with _clear_errors():
        set_stopped(home_of(folder, commune), False)


@app.command("take-out")
def take_out(
    folder: Dir,
    commune: Id,
    to: Annotated[Path, typer.Option(help="Dossier de la copie / folder for the copy.")],
) -> None:
    """La commune s'en va : l'arrêter, et copier tout ce qui est à elle / stop it, copy all of it.

    Ailleurs : `beffroi restore FICHIER --home DOSSIER`. Rien n'est effacé ici / nothing is
    deleted here.
    """
    with _clear_errors():
        home = home_of(folder, commune)
        _stop_one(folder, home)
        with place.alone(load(home.folder)):  # nobody writes meanwhile
            data.backup(to, prune=False, home=home.folder)
    typer.echo(f"{home.folder} : à effacer quand la copie est en service / delete it once in use")


def _stop_one(folder: Path, home: Home) -> None:
    set_stopped(home, True)
    _wait(lambda: home.id not in _state(folder).get("communes", {}) and _at_rest(load(home.folder)))


def _at_rest(settings: Settings) -> bool:
    try:
        with place.alone(settings):
            return True
    except place.InUseError:
        return False


def _wait(done: Any) -> None:
    until = time.monotonic() + COMMUNE_STOP_S_MAX + 10
    while not done():
        if time.monotonic() > until:
            raise SettingsError("it does not end: see the journal of the installation")
        time.sleep(0.2)


def _state(folder: Path) -> dict[str, Any]:
    """What the running supervisor wrote; {} when none holds the folder."""
    try:
        with place.alone_in(folder):
            return {}
    except place.InUseError:
        pass
    try:
        state: dict[str, Any] = json.loads((folder / STATE).read_text())
    except (OSError, ValueError):
        return {}
    return state


def _mib(pid: int) -> str:
    return f"{resident_kib(pid) // KIB_PER_MIB:>6} MiB"


def resident_kib(pid: int) -> int:
    """Of a process and all below it, from /proc (Linux); pages that two share count twice."""
    children: dict[int, list[int]] = {}
    sizes: dict[int, int] = {}
    for status_file in Path("/proc").glob("[0-9]*/status"):
        try:
            text = status_file.read_text()
        except OSError:  # it ended meanwhile
            continue
        facts = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
        own = int(status_file.parent.name)
        children.setdefault(int(facts["PPid"]), []).append(own)
        sizes[own] = int(facts.get("VmRSS", "0 kB").split()[0])
    total, todo = 0, [pid]
    while todo:
        one = todo.pop()
        total += sizes.get(one, 0)
        todo += children.get(one, [])
    return total


@contextmanager
def _clear_errors() -> Iterator[None]:
    try:
        yield
    except (SettingsError, StoreError, place.InUseError, OSError) as error:
        typer.echo(f"beffroi: {error}", err=True)
        raise typer.Exit(1) from error
