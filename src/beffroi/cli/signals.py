"""`beffroi signals ...`: prove junctions, and take proven ones into the town's books.

A file is a SUMO network (*.xml) or a table (*.toml). What is not proven is refused with its
counterexample in words; nothing here sends anything to a street.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, NamedTuple, NoReturn

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from beffroi.cli import settings
from beffroi.domains.signal_junction import Junction, JunctionError
from beffroi.domains.signal_proof import Proof, prove, story
from beffroi.domains.signals.card import card
from beffroi.domains.signals.table import junctions, table, toml
from beffroi.lab import formal, sumo
from beffroi.lab.sumo_net import SumoError
from beffroi.model.asset import Asset, Label
from beffroi.model.limits import UPLOAD_BYTES_MAX
from beffroi.ports.store import AssetStore, StoreError

app = typer.Typer(
    no_args_is_help=True, help="Carrefours à feux : prouver, importer / signalled junctions."
)
Home = Annotated[
    Path,
    typer.Option("--home", envvar="BEFFROI_HOME", help="Dossier de l'installation / home folder."),
]
File = Annotated[
    Path, typer.Argument(metavar="FILE", help="Réseau SUMO (.xml) ou table (.toml) / network.")
]
Repair = Annotated[
    bool, typer.Option(help="Accepter la proposition prouvée / accept the proven proposal.")
]
English = Annotated[bool, typer.Option(help="Les traces en anglais / traces in English.")]
ERRORS = (JunctionError, SumoError, StoreError, settings.SettingsError, OSError, UnicodeError)


class Line(NamedTuple):
    """One junction of a file. `written` is None for a table: there is nothing else than it."""

    id: str
    junction: Junction | None
    written: Proof | None
    proof: Proof | None
    notes: tuple[Label, ...]
    place: tuple[float, float] | None
    seconds: float

    def accepted(self, repair: bool) -> bool:
        if self.junction is None or self.proof is None or not self.proof.holds:
            return False
        return repair or self.written is None or self.written.holds


@app.command("prove")
def prove_(
    file: File,
    out: Annotated[Path | None, typer.Option(help="Écrire les carrefours prouvés / write.")] = None,
    z3: Annotated[bool, typer.Option(help="Second avis de z3 / ask z3 too.")] = False,
    english: English = False,
) -> None:
    """Explorer tous les états de chaque carrefour / every state of every junction."""
    lines = _lines(file)
    _show(lines, english)
    if z3:
        _second_opinion(lines)
    held = [line.junction for line in lines if line.junction and line.proof and line.proof.holds]
    if out is not None:
        out.write_text("\n".join(toml(junction) for junction in held))
        typer.echo(f"{out} : {len(held)}")
    if not all(line.accepted(repair=False) for line in lines):
        raise typer.Exit(1)


@app.command("import")
def import_(
    file: File,
    repair: Repair = False,
    english: English = False,
    home: Home = settings.default_home(),
) -> None:
    """Prouver, puis ajouter à l'inventaire ce qui est prouvé / prove, then add what is proven."""
    from beffroi.adapters.sql import open_store

    lines = _lines(file)
    _show(lines, english)
    accepted = [line for line in lines if line.accepted(repair)]
    try:
        store = open_store(settings.load(home).store_url)
        try:
            store.assets.put_assets(
                [
                    _asset(store.assets, line.junction, line.place)
                    for line in accepted
                    if line.junction
                ]
            )
        finally:
            store.close()
    except ERRORS as error:
        _fail(str(error))
    typer.echo(
        f"{len(accepted)} importé(s), {len(lines) - len(accepted)} refusé(s) / imported, refused"
    )
    if len(accepted) < len(lines):
        raise typer.Exit(1)


@app.command("card")
def card_(
    file: File,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Dossier neuf / a new folder.")],
) -> None:
    """Cartes et sceaux des moniteurs de conflit / cards and seals of the conflict monitors.

    Pour les carrefours prouvés ; la carte se pose à l'armoire, à la main / for proven junctions.
    """
    lines = _lines(file)
    _show(lines, english=False)
    proven = [line.junction for line in lines if line.junction and line.accepted(repair=True)]
    try:
        folder.mkdir(parents=True)
        for made in proven:
            data = card(made)
            for suffix, content in (
                ("card.json", data),
                ("seal", hashlib.sha256(data).hexdigest().encode() + b"\n"),
            ):
                path = folder / f"{_slug(made.id)}.{suffix}"
                path.write_bytes(content)
                path.chmod(0o444)  # the switch at the cabinet is off
    except OSError as error:
        _fail(str(error))
    typer.echo(f"{folder} : {len(proven)}")


def _lines(file: Path) -> list[Line]:
    """Each junction proven, with a bar while that goes on."""
    lines: list[Line] = []
    console = Console(stderr=True)
    try:
        with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task(file.name, total=None)
            began = time.perf_counter()
            for line in _proven(file):
                lines.append(line._replace(seconds=time.perf_counter() - began))
                bar.update(task, advance=1, description=line.id)
                began = time.perf_counter()
    except ERRORS as error:
        _fail(str(error))
    return lines


def _proven(file: Path) -> Iterator[Line]:
    with file.open("rb") as stream:
        data = stream.read(UPLOAD_BYTES_MAX + 1)
    if len(data) > UPLOAD_BYTES_MAX:
        raise JunctionError(f"{file} : plus de {UPLOAD_BYTES_MAX} octets / more bytes than that")
    if file.suffix != ".xml":
        for made in junctions(data.decode()):
            yield Line(made.id, made, None, prove(made), (), None, 0.0)
        return
    for found in sumo.networks(data):
        yield Line(
            found.id, found.junction, found.written, found.proof, found.notes, found.place, 0
        )


def _show(lines: Sequence[Line], english: bool) -> None:
    shown = Table(
        "Carrefour", "Nom", "Groupes", "Plans", "Du fichier / as written", "Proposé / proposed",
        "États / states", "Transitions", "s",
    )  # fmt: skip
    for line in lines:
        made, proof = line.junction, line.proof
        shown.add_row(
            line.id,
            made.name if made else "",
            str(len(made.groups)) if made else "",
            str(len(made.plans)) if made else "",
            _word(line.written) if line.written else "",
            _word(proof),
            str(proof.states) if proof else "",
            str(proof.transitions) if proof else "",
            f"{line.seconds:.2f}",
        )
    console = Console(width=max(120, Console().width))
    console.print(shown)
    for line in lines:
        for text in _why(line):
            console.print(f"{line.id}: {text.en if english else text.fr}", markup=False)


def _word(proof: Proof | None) -> str:
    if proof is None:
        return "illisible / unreadable"
    if not proof.whole and proof.wrong is None:
        return "trop grand / too large"
    return "prouvé / proven" if proof.holds else "REFUSÉ / REFUSED"


def _why(line: Line) -> Iterator[Label]:
    if line.junction is not None:
        for proof in (line.written, line.proof):
            if proof and proof.wrong:
                yield from story(line.junction, proof)
                yield from (Label(f"+ {w.label.fr}", f"+ {w.label.en}") for w in proof.also)
    yield from line.notes


def _second_opinion(lines: Sequence[Line]) -> None:
    for line in lines:
        if line.junction:
            try:
                told = formal.opinion(line.junction)
            except formal.FormalError as error:
                _fail(str(error))
            agree = line.proof is not None and told.holds == line.proof.holds
            word = "d'accord / agrees" if agree else "PAS D'ACCORD / DISAGREES"
            typer.echo(f"z3 {line.id}: {word} {told.why}")


def _asset(store: AssetStore, made: Junction, place: tuple[float, float] | None) -> Asset:
    """A junction that is already known keeps its name, place and authority."""
    ident = _slug(made.id)
    made = replace(made, id=ident)
    attrs = {"junction": table(made), "proof": made.digest}
    known = store.asset(ident)
    if known is not None:
        return replace(known, attrs={**known.attrs, **attrs})
    commune = store.commune()
    lon, lat = place or ((commune.lon, commune.lat) if commune else (0.0, 0.0))
    return Asset(ident, "signals", "junction", made.name or ident, lon, lat, attrs=attrs)


def _slug(ident: str) -> str:
    flat = re.sub(r"[^a-z0-9]+", "-", ident.lower()).strip("-")[:60]
    return flat if flat.startswith("junction") else f"junction-{flat}"


def _fail(text: str) -> NoReturn:
    typer.echo(f"beffroi: {text}", err=True)
    raise typer.Exit(1)
