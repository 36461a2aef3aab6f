"""`beffroi lab attack`: plays the lab's attackers and prints what stopped them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from beffroi.cli import place

if TYPE_CHECKING:
    from beffroi.lab.attackers.score import Outcome
    from beffroi.model.asset import Label

app = typer.Typer(no_args_is_help=True, help="Le laboratoire : attaques jouées / the lab.")
ALL = "all"
Names = Annotated[list[str], typer.Argument(help="all, ou / or: beffroi lab list.")]
Home = Annotated[
    Path | None, typer.Option(help="Dossier des communes et preuves / for communes and evidence.")
]
Out = Annotated[Path | None, typer.Option("--json", help="Écrire aussi en JSON / also as JSON.")]
English = Annotated[bool, typer.Option("--english", help="In English.")]
Together = Annotated[
    bool, typer.Option("--together", help="Une seule commune pour toutes / one commune for all.")
]


@app.command("list")
def names(english: English = False) -> None:
    """Les attaques / the attacks."""
    from beffroi.lab.attackers.stage import CAST

    for name, attack in CAST.items():
        typer.echo(f"{name:20} {_said(attack.STORY.title, english)}")


@app.command()
def attack(
    wanted: Names,
    home: Home = None,
    out: Out = None,
    english: English = False,
    together: Together = False,
) -> None:
    """Jouer une attaque ou toutes ; 1 si l'une a eu un effet / play one or all; 1 on an effect."""
    from beffroi.lab.attackers.stage import CAST, StageError
    from beffroi.lab.attackers.town import TownError
    from beffroi.lab.hub_process import HubError

    place.quiet_logs("error")
    chosen = list(CAST) if wanted == [ALL] else wanted
    folder = home or Path(tempfile.mkdtemp(prefix="beffroi-lab-"))
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    console = Console(stderr=True)
    try:
        outcomes = _played(folder, chosen, together, english, console)
    except asyncio.CancelledError as error:
        raise typer.Exit(130) from error
    except (StageError, TownError, HubError) as error:
        typer.echo(f"beffroi: {error}", err=True)
        raise typer.Exit(2) from error
    _print(outcomes, english)
    if out is not None:
        text = json.dumps([one.as_json() for one in outcomes], ensure_ascii=False, indent=1)
        beside = out.with_name(f".{out.name}.{os.getpid()}")
        beside.write_text(text + "\n")
        beside.replace(out)
    if not all(one.held for one in outcomes):
        raise typer.Exit(1)


def _played(
    folder: Path, chosen: list[str], together: bool, english: bool, console: Console
) -> list[Outcome]:
    from beffroi.lab.attackers.stage import CAST, play_all

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=len(chosen))

        def told(name: str, outcome: Outcome | None) -> None:
            title = CAST[name].STORY.title
            bar.update(task, description=_said(title, english), advance=0 if outcome is None else 1)

        async def work() -> list[Outcome]:
            me = asyncio.current_task()
            assert me is not None  # noqa: S101 - we are in one
            # Ended from outside, it still ends the hub and the guards that it has started.
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, me.cancel)
            return await play_all(folder, chosen, told, together=together)

        return asyncio.run(work())


def _print(outcomes: list[Outcome], english: bool) -> None:
    """A table for each attack: what was tried, what stopped it; then the sum."""
    console = Console()
    tried, stopped = (
        ("What was tried", "What stopped it")
        if english
        else ("Ce qui a été tenté", "Ce qui l’a arrêté")
    )
    for one in outcomes:
        table = Table(tried, stopped, title=_head(one, english), title_justify="left", expand=True)
        for line in one.tries:
            by = _said(line.by, english) or f"[red]{'nothing' if english else 'rien'}[/]"
            table.add_row(f"{_said(line.what, english)} ({line.times})", by)
        console.print(table)
        for note in one.notes:
            console.print(f"  [dim]{_said(note, english)}[/]")
        for text in one.effects_seen:
            console.print(f"  [red]{text}[/]")
    held = sum(one.held for one in outcomes)
    without = "attacks without an effect" if english else "attaques sans effet"
    typer.echo(f"{held} / {len(outcomes)} {without}")


def _head(one: Outcome, english: bool) -> str:
    colour = "green" if one.held else "red"
    words = ("effects", "noticed", "evidence") if english else ("effets", "remarqué", "preuve")
    seen = "–" if one.noticed_ms < 0 else f"{one.noticed_ms / 1_000:.1f} s"
    proof = one.evidence or "–"
    title = f"[bold]{_said(one.story.title, english)}[/]"
    return f"{title}  [{colour}]{words[0]} {one.effects}[/]  {words[1]} {seen}\n{words[2]} {proof}"


def _said(label: Label, english: bool) -> str:
    return label.en if english else label.fr
