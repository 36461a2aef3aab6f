"""`beffroi replay` and `beffroi import`: a table of history or of a trial into the running hub."""

from __future__ import annotations

import asyncio
import contextlib
import time
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from beffroi.cli import place
from beffroi.cli.settings import Settings, SettingsError, default_home, load

if TYPE_CHECKING:
    from beffroi.cli.feed import Counts

Table = Annotated[Path, typer.Argument(help="Fichier / file, CSV.", exists=True, dir_okay=False)]
MapOption = Annotated[
    str,
    typer.Option("--map", help="Fichier TOML ou carte fournie / TOML file or provided map."),
]
Home = Annotated[
    Path | None,
    typer.Option("--home", envvar="BEFFROI_HOME", help="Dossier de l'installation / home folder."),
]
Speed = Annotated[str, typer.Option("--speed", help="max ou N fois le temps réel / N x real time.")]
Via = Annotated[str, typer.Option("--via", help="mqtt (passerelle, mTLS) ou/or link.")]
Now = Annotated[
    bool, typer.Option("--now", help="Décale les temps : la fin est maintenant / ends now.")
]
Restart = Annotated[
    bool, typer.Option("--restart", help="Depuis la première ligne / from the first row.")
]


def replay(
    table: Table,
    map_: MapOption,
    home: Home = None,
    speed: Speed = "max",
    via: Via = "mqtt",
    now: Now = False,
    restart: Restart = False,
) -> None:
    """Rejoue un tableau par le vrai courtier / replay a table through the real broker."""
    from beffroi.cli.feed import FeedError
    from beffroi.hub.links.import_map import MapError
    from beffroi.ports.store import StoreError

    try:
        settings = load(home or default_home())
        factor = 0.0 if speed == "max" else float(speed)
        if factor < 0 or via not in ("mqtt", "link"):
            raise FeedError("--speed is max or a positive number; --via is mqtt or link")
        asyncio.run(_replay(settings, table, map_text(map_), factor, via, now, restart))
    except (FeedError, MapError, StoreError, SettingsError, OSError, ValueError) as error:
        typer.echo(f"beffroi: {error}", err=True)
        raise typer.Exit(1) from error


def import_table(
    table: Table, map_: MapOption, home: Home = None, restart: Restart = False
) -> None:
    """Importe un tableau / import a table (as `replay --via link`)."""
    replay(table, map_, home, "max", "link", False, restart)


def map_text(name: str) -> str:
    """A file, or one of the maps that come with Beffroi."""
    path = Path(name)
    if path.suffix or path.exists():
        return path.read_text(encoding="utf-8")
    provided = files("beffroi.lab") / "maps" / f"{name}.toml"
    return provided.read_text(encoding="utf-8")


async def _replay(
    settings: Settings,
    table: Path,
    text: str,
    speed: float,
    via: str,
    now: bool,
    restart: bool,
) -> None:
    from beffroi.cli import feed
    from beffroi.hub.links.import_map import read

    mapping = read(text)
    try:
        where = place.endpoint(settings)
    except FileNotFoundError as error:
        raise feed.FeedError("no broker has run in this home folder: beffroi serve") from error
    store = place.store_of(settings)
    with contextlib.closing(store):
        feed.prepare(store, mapping)
        shift_ms = _shift(table, text) if now else 0
        at = feed.Place(settings.home, table, text, shift_ms)
        if restart or now:
            at.forget()
        before = sum(store.readings.quarantine_counts().values())
        rows = _rows(table)
        way = (
            feed.by_mqtt(settings.home, store, where, mapping)
            if via == "mqtt"
            else feed.by_link(settings.home, where, mapping)
        )
        start = time.monotonic()
        async with way as sender:
            with _progress() as progress:
                task = progress.add_task(table.name, total=rows, completed=at.row)
                counts = await feed.feed(
                    table,
                    mapping,
                    sender,
                    at,
                    shift_ms=shift_ms,
                    speed=speed,
                    moved=lambda row: progress.update(task, completed=row),
                )
        sent_s = time.monotonic() - start
        await feed.settle(store, mapping, counts, before)
        _report(counts, sent_s, time.monotonic() - start)


def _report(counts: Counts, sent_s: float, all_s: float) -> None:
    equal = counts.stored + counts.quarantined == counts.values
    Console().print(
        f"lignes / rows {counts.rows}, messages {counts.messages}\n"
        f"valeurs envoyées / values sent        {counts.values}  ({sent_s:.1f} s)\n"
        f"valeurs enregistrées / values stored  {counts.stored}\n"
        f"mises en quarantaine / quarantined    {counts.quarantined}\n"
        f"{'compte juste / equal' if equal else 'ÉCART / NOT EQUAL'}, {all_s:.1f} s",
        highlight=False,
    )
    if not equal:
        raise typer.Exit(3)


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )


def _rows(table: Path) -> int:
    with table.open("rb") as file:
        return max(sum(1 for line in file if line.strip()) - 1, 0)


def _shift(table: Path, text: str) -> int:
    """So that the newest row of the table is now."""
    from beffroi.adapters.clock import SystemClock
    from beffroi.hub.links.csv_import import chunks
    from beffroi.hub.links.import_map import MapError, read

    with table.open(encoding="utf-8-sig", newline="") as lines:
        last_ms = max((chunk.last_ms or 0 for chunk in chunks(lines, read(text))), default=0)
    if not last_ms:
        raise MapError("--now: no row has a readable time")
    return SystemClock().now_ms() - last_ms
