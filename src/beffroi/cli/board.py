"""`beffroi board ...`: what stands on a message board, and what authorities ask to show.

`code` answers a passer-by: is this message of the town hall, and where is the proof? `cap` reads an
alert of an authority as the hub would. Neither shows anything anywhere.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from beffroi.adapters.cap.signature import Authority, verified
from beffroi.adapters.log.reading import Reader
from beffroi.cli.evidence_words import LANG, Lang
from beffroi.cli.plain import plain
from beffroi.cli.settings import default_home
from beffroi.domains.boards.cap import advise
from beffroi.evidence import words
from beffroi.evidence.codes import entries_named
from beffroi.evidence.dossier import read_dossier
from beffroi.evidence.limits import DOSSIER_BYTES_MAX
from beffroi.evidence.statement import moment, typeset
from beffroi.kernel.code import number_of
from beffroi.model.asset import Asset
from beffroi.model.cap import Alert, CapError, time_ms
from beffroi.model.limits import CAP_BYTES_MAX
from beffroi.ports.log_store import LogError

app = typer.Typer(no_args_is_help=True, help="Panneaux et alertes / boards and alerts.")


@app.command()
def code(
    code: Annotated[str, typer.Argument(help="Les six caractères / the six characters.")],
    file: Annotated[Path | None, typer.Option(help="Fichier de preuves / of evidence.")] = None,
    home: Annotated[Path, typer.Option("--home", envvar="BEFFROI_HOME")] = default_home(),
    lang: Lang = LANG,
) -> None:
    """À quelles entrées du journal renvoie un code / which entries of the log a code names.

    Code de retour 1 s'il n'y en a pas. Un code n'est pas une preuve : comparer le texte affiché, et
    vérifier l'entrée / a code is no proof: compare the text, verify the entry.
    """
    if number_of(code) is None:
        _fail("un code a six lettres ou chiffres / a code has six letters or digits")
    try:
        found = entries_named(code, _in_file(file) if file else _in_log(home))
    except (LogError, OSError, ValueError) as error:
        _fail(str(error))
    if not found:
        _fail("aucune commande de ce journal n'a ce code / no command of this log has this code")
    for index, entry in found:
        said, at = words.entry(index, entry), moment(entry.at_ms)
        fr, en = f"{at.fr} : {said.fr}", f"{at.en}: {said.en}"
        typer.echo(typeset(fr) if lang == "fr" else en)
        typer.echo(f"  {index}: {entry.subject.hex()}")


def _in_file(path: Path) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as file:
        found = read_dossier(file.read(DOSSIER_BYTES_MAX + 1))
    for item in found.items:
        yield item.index, item.entry


def _in_log(home: Path) -> Iterator[tuple[int, bytes]]:
    log = Reader(home / "evidence")
    try:
        for index in range(log.checkpoint().size):
            yield index, log.entry(index)
    finally:
        log.close()


@app.command()
def cap(
    file: Annotated[Path, typer.Argument(help="Alerte CAP 1.2 signée / signed CAP 1.2 alert.")],
    sender: Annotated[str, typer.Option(help="Émetteur attendu / expected sender.")],
    certificate: Annotated[list[Path], typer.Option(help="Son certificat / its certificate.")],
    lat: Annotated[float, typer.Option(help="Latitude d'un panneau / of a board.")],
    lon: Annotated[float, typer.Option(help="Longitude.")],
    at: Annotated[str, typer.Option(help="Reçue à / received at (ISO).")] = "",
) -> None:
    """Vérifier une alerte et dire ce qu'elle ferait proposer / verify an alert, say what follows.

    Code de retour 1 si elle n'est pas acceptée / exit status 1 when it is not accepted.
    """
    try:
        with file.open("rb") as stream:
            raw = stream.read(CAP_BYTES_MAX + 1)
        known = Authority(sender, tuple(path.read_bytes() for path in certificate))
        now_ms = time_ms(at) if at else time.time_ns() // 1_000_000
        alert = verified(raw, [known], now_ms)
    except (CapError, OSError) as error:
        _fail(f"refusée / refused: {error}")
    _tell(alert)
    board = Asset("board", "boards", "board", "", lon, lat)
    for one in advise([alert], [board], now_ms).proposals:
        shown = ", ".join(f"{name}={value}" for name, value in one.params.items())
        missing = f" (à choisir / to choose: {', '.join(one.missing)})" if one.missing else ""
        typer.echo(f"proposition / proposal: {one.action} {shown}{missing}")


def _tell(alert: Alert) -> None:
    typer.echo(plain(f"{alert.sender}: {alert.status} {alert.msg_type} {alert.identifier}"))
    for info in alert.infos:
        typer.echo(plain(f"  {info.event} [{info.urgency}, {info.severity}, {info.certainty}]"))
        typer.echo(plain(f"  {info.headline}"))


def _fail(text: str) -> NoReturn:
    typer.echo(f"beffroi: {plain(text)}", err=True)
    raise typer.Exit(1)
