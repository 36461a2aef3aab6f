"""`beffroi verify` and `beffroi evidence ...`: prove, check, export, have it witnessed.

`verify` needs no hub, no home and no network: it is for whoever receives a file of evidence.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from beffroi.adapters.log.cosigners import Cosigners
from beffroi.adapters.log.fsck import fsck as check_log
from beffroi.adapters.log.keyfile import public_keys
from beffroi.adapters.log.log import Log
from beffroi.adapters.log.peers import read_peers
from beffroi.adapters.log.publish import publish as publish_log
from beffroi.adapters.log.reading import SIDE, Reader, origin_in
from beffroi.adapters.log.side import SideStore
from beffroi.cli import evidence_witness
from beffroi.cli.evidence_words import LANG, Lang, show, show_findings
from beffroi.cli.settings import default_home
from beffroi.evidence.dossier import read_dossier, stamped
from beffroi.evidence.limits import DOSSIER_BYTES_MAX
from beffroi.evidence.verify import verify as verify_file
from beffroi.evidence.vouched import StampCheck
from beffroi.kernel.limits import DOCUMENT_BYTES_MAX
from beffroi.kernel.note import read_note
from beffroi.ports.log_store import LogError, WitnessError

app = typer.Typer(no_args_is_help=True, help="Preuves : exporter, contrôler / evidence log.")
app.add_typer(evidence_witness.app, name="witness")
Home = Annotated[
    Path, typer.Option("--home", envvar="BEFFROI_HOME", help="Dossier de l'installation / home.")
]
Indices = Annotated[list[int], typer.Argument(help="Numéros d'entrées / entry numbers.", min=0)]


def verify(
    file: Annotated[Path, typer.Argument(help="Fichier de preuves / file of evidence.")],
    roster: Annotated[
        Path | None, typer.Option(help="Registre des clés reçu à part / roster.cbor.")
    ] = None,
    tsa: Annotated[
        Path | None, typer.Option(help="Certificat de l'horodateur / its certificate, PEM.")
    ] = None,
    lang: Lang = LANG,
) -> None:
    """Vérifier un fichier de preuves, hors ligne / what a file of evidence proves, offline.

    Code de retour 0 : rien n'est rompu ; 1 : quelque chose l'est / exit status 0 when nothing is
    broken, 1 when something is, 2 when a file cannot be read.
    """
    with _clear_errors(status=2):
        data = _bytes(file, DOSSIER_BYTES_MAX)
        known = _bytes(roster, DOCUMENT_BYTES_MAX) if roster else b""
        check = _stamp_check(tsa) if tsa else None
    report = verify_file(data, known, check)
    show(report, lang)
    if not report.ok:
        raise typer.Exit(1)


@app.command()
def fsck(home: Annotated[Path, typer.Argument(help="Dossier / home.")], lang: Lang = LANG) -> None:
    """Refaire l'arbre à partir des entrées, par un autre calcul / rebuild and compare.

    Code de retour 1 si quelque chose ne s'accorde pas / exit status 1 when something disagrees.
    """
    folder = home / "evidence" if (home / "evidence").is_dir() else home
    checked = check_log(folder)
    show_findings(checked, lang)
    if not checked.sound:
        raise typer.Exit(1)


@app.command()
def export(
    to: Annotated[Path, typer.Argument(help="Fichier à écrire / file to write.")],
    entries: Indices,
    roster: Annotated[Path | None, typer.Option(help="Registre à joindre / roster.cbor.")] = None,
    without_payloads: Annotated[
        bool, typer.Option("--without-payloads", help="Sans les contenus / proofs only.")
    ] = False,
    home: Home = default_home(),
) -> None:
    """Écrire un fichier de preuves ; le centre peut tourner / write a file of evidence."""
    with _clear_errors(), _reader(home) as log:
        known = _bytes(roster, DOCUMENT_BYTES_MAX) if roster else b""
        at = log.export(entries, to, known, payloads=not without_payloads)
        typer.echo(f"{to}: {len(set(entries))} / {at.size}, {len(at.signatures) - 1} témoin(s)")


@app.command()
def key(home: Home = default_home()) -> None:
    """La clé publique du journal, pour les témoins / the log's public key, for witnesses."""
    with _clear_errors():
        keys = public_keys(_folder(home))
        if not keys:
            raise LogError("this hub has not started yet: it makes its key at the first start")
        typer.echo(keys[0].text())


@app.command("list")
def list_entries(
    home: Home = default_home(),
    last: Annotated[int, typer.Option(help="Combien / how many.", min=1, max=10_000)] = 20,
    lang: Lang = LANG,
) -> None:
    """Les dernières entrées / the last entries."""
    from beffroi.evidence import words
    from beffroi.evidence.entry import read_entry
    from beffroi.evidence.statement import moment, typeset

    with _clear_errors(), _reader(home) as log:
        size = log.checkpoint().size
        for index in range(max(0, size - last), size):
            entry = read_entry(log.entry(index))
            said, at = words.entry(index, entry), moment(entry.at_ms)
            line = f"{at.fr} : {said.fr}" if lang == "fr" else f"{at.en}: {said.en}"
            typer.echo(typeset(line) if lang == "fr" else line)


@app.command()
def erase(entries: Indices, home: Home = default_home()) -> None:
    """Effacer des contenus pour toujours ; les preuves restent / erase payloads for good."""
    with _clear_errors():
        origin_in(_folder(home))
        side = SideStore(_folder(home) / SIDE)
        try:
            typer.echo(f"{side.erase(entries)} effacé(s) / erased")
        finally:
            side.close()


@app.command()
def adopt(home: Home = default_home()) -> None:
    """Après la perte de payloads.sqlite : repartir du point de contrôle / go on without it."""
    with _clear_errors():
        folder = _folder(home)
        log = Log(folder, origin_in(folder).removeprefix("beffroi/"), seed=_seed(home), adopt=True)
        size = log.checkpoint().size
        log.close()
        typer.echo(f"{size} entrées ; demandez aux témoins ce qu'ils ont vu / ask the witnesses")


@app.command()
def publish(
    to: Annotated[Path, typer.Argument(help="Dossier / folder (C2SP tlog-tiles).")],
    home: Home = default_home(),
) -> None:
    """Le journal en fichiers statiques pour un serveur web / as static files."""
    with _clear_errors(), _reader(home) as log:
        typer.echo(f"{publish_log(log, to)} fichiers / files")


@app.command()
def cosign(
    home: Home = default_home(),
    timeout_s: Annotated[float, typer.Option(help="Patience, en secondes.", min=0.1)] = 10.0,
) -> None:
    """Demander leur signature aux témoins de `evidence/witnesses` / ask the witnesses now."""
    with _clear_errors(), _reader(home) as log:
        peers = read_peers(_folder(home) / "witnesses")
        if not peers:
            raise LogError(f"no witness in {_folder(home) / 'witnesses'}: KEY ADDRESS, one a line")
        cosigners = Cosigners(log, peers)
        try:
            done = cosigners.cosign(log.checkpoint(), len(peers), timeout_s)
        finally:
            cosigners.close()
        typer.echo(f"{done.size} entrées, {len(peers)} témoin(s) / witness(es)")


@app.command()
def stamp(
    file: Annotated[Path, typer.Argument(help="Fichier de preuves / file of evidence.")],
    request: Annotated[Path | None, typer.Option(help="Demande à écrire / to write, .tsq")] = None,
    answer: Annotated[Path | None, typer.Option(help="Réponse à joindre / to attach, .tsr")] = None,
) -> None:
    """Horodatage RFC 3161 : écrire la demande, puis joindre la réponse / time stamp."""
    from beffroi.adapters.log.timestamp import stamp_request

    with _clear_errors():
        data = _bytes(file, DOSSIER_BYTES_MAX)
        note = read_note(read_dossier(data).note)
        if request:
            request.write_bytes(stamp_request(note.body))
        if answer:
            file.write_bytes(stamped(data, _bytes(answer, DOCUMENT_BYTES_MAX)))
        typer.echo(f"{file}: {note.origin}, {note.size}")


def _stamp_check(authority: Path) -> StampCheck:
    from beffroi.adapters.log.timestamp import checker

    return checker(_bytes(authority, DOCUMENT_BYTES_MAX))


def _folder(home: Path) -> Path:
    return home / "evidence"


def _seed(home: Path) -> bytes | None:
    if not (home / "keys" / "log.pem").exists():
        return None
    from beffroi.adapters.trust.online import seed

    return seed(home, "log")


def _bytes(path: Path, bytes_max: int) -> bytes:
    with path.open("rb") as file:
        return file.read(bytes_max + 1)


@contextmanager
def _reader(home: Path) -> Iterator[Reader]:
    log = Reader(_folder(home))
    try:
        yield log
    finally:
        log.close()


@contextmanager
def _clear_errors(status: int = 1) -> Iterator[None]:
    try:
        yield
    except (LogError, WitnessError, OSError, ValueError) as error:
        typer.echo(f"beffroi: {error}", err=True)
        raise typer.Exit(status) from error
