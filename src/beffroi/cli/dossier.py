"""`beffroi dossier ...`: the diligence file and the extract of one asset, as PDF.

Reads the store and the evidence log beside a running hub. A hub that runs is the log's one writer,
so a paper made here is not noted in the log while it runs; the command says so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from beffroi.adapters import durable
from beffroi.adapters.clock import SystemClock
from beffroi.adapters.sql import open_store
from beffroi.cli import settings
from beffroi.cli.diligence import office_of, reader_of, roster_of, rules_of
from beffroi.cli.dispatch import trust_of
from beffroi.cli.place import quiet_logs
from beffroi.cli.results import scoreboard_of
from beffroi.domains.registry import domains
from beffroi.hub.alarms.desk import RefusedError
from beffroi.hub.dossier.facts import Period
from beffroi.hub.dossier.lines import Edition
from beffroi.hub.dossier.office import Office
from beffroi.hub.dossier.registers import RegisterError
from beffroi.ports.log_store import LogError
from beffroi.ports.papers import PaperError
from beffroi.ports.store import StoreError

app = typer.Typer(no_args_is_help=True, help="Dossier de diligence / diligence file (PDF).")
Home = Annotated[
    Path, typer.Option("--home", envvar="BEFFROI_HOME", help="Dossier de l'installation / home.")
]
Out = Annotated[Path, typer.Option("--out", help="PDF à écrire / to write.")]


@app.command()
def make(
    out: Out,
    edition: Annotated[Edition, typer.Option(help="public, internal, sealed")] = Edition.PUBLIC,
    first: Annotated[str, typer.Option("--from", help="AAAA-MM-JJ / day.")] = "",
    last: Annotated[str, typer.Option("--to", help="AAAA-MM-JJ, compris / included.")] = "",
    home: Home = settings.default_home(),
) -> None:
    """Établir le dossier de diligence (aide à la preuve) / make the diligence file."""
    with _office(home) as (office, zone):
        now = datetime.fromtimestamp(SystemClock().now_ms() / 1000, zone)
        end = (_day(last, zone) if last else now) + timedelta(days=1)
        start = _day(first, zone) if first else end - timedelta(days=366)
        pdf, lines = office.make(edition, Period(_ms(start), _ms(end)), "console", note=False)
        _write(out, pdf)
        typer.echo(f"{out}: {lines} lignes / lines, SHA-256 {hashlib.sha256(pdf).hexdigest()}")


@app.command()
def extract(
    asset: Annotated[str, typer.Argument(help="Ouvrage / asset id.")],
    at: Annotated[str, typer.Option(help="AAAA-MM-JJTHH:MM / local time.")],
    out: Out,
    home: Home = settings.default_home(),
) -> None:
    """L'extrait d'un ouvrage à un instant / one asset at one moment."""
    with _office(home) as (office, zone):
        found = office.stores.main.assets.asset(asset)
        if found is None:
            raise RegisterError("asset", f"there is no asset {asset!r}")
        pdf = office.extract_pdf(found, _ms(_day(at, zone)), "console", note=False)
        _write(out, pdf)
        typer.echo(f"{out}: SHA-256 {hashlib.sha256(pdf).hexdigest()}")


def _write(out: Path, pdf: bytes) -> None:
    durable.replace(out, pdf)


def _day(text: str, zone: ZoneInfo) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=zone)


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


@contextmanager
def _office(home: Path) -> Iterator[tuple[Office, ZoneInfo]]:
    quiet_logs("warning")
    try:
        place, clock, known = settings.load(home), SystemClock(), domains()
        rules = rules_of(known)
        store = open_store(place.store_url, create=False)
        try:
            commune = store.assets.commune()
            zone = ZoneInfo(commune.timezone if commune else "Europe/Paris")
            with reader_of(place) as journal:
                results = scoreboard_of(store, clock, known)
                trust = trust_of(place)
                own = roster_of(None, journal, clock)
                roster = trust.current().roster.encoded if trust else own
                yield office_of(store, journal, clock, known, rules, results, roster), zone
        finally:
            store.close()
    except (
        StoreError, RegisterError, PaperError, LogError, RefusedError, OSError, ValueError,
        settings.SettingsError,
    ) as error:  # fmt: skip
        typer.echo(f"beffroi: {error}", err=True)
        raise typer.Exit(1) from error
