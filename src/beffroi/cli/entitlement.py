"""`beffroi entitlement ...`: issue parking titles, check them without any network, compare checks.

The key that signs titles is its own key, never one of the roster: whoever prints titles must not be
able to command anything.
"""

from __future__ import annotations

import secrets
import time
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from beffroi.adapters.signers import open_signer
from beffroi.adapters.used.file import UsedFile, UsedFileError
from beffroi.cli.holders import secret
from beffroi.cli.plain import plain
from beffroi.domains.entitlement.reconcile import doubles
from beffroi.domains.entitlement.token import NONCE_BYTES, Token, message, plate_hash, seal
from beffroi.domains.entitlement.verify import Reason, Refused, Verifier
from beffroi.kernel import keys
from beffroi.ports.signer import Signer, SignerError

app = typer.Typer(no_args_is_help=True, help="Titres de stationnement / parking titles.")
SALT_BYTES = 32
ERRORS = (SignerError, UsedFileError, ValueError, OSError)
Key = Annotated[str, typer.Option("--key", help="file:titres.pem, pkcs11:...")]
Plate = Annotated[str, typer.Option(help="Plaque, jamais gardée / plate, never kept.")]
Salt = Annotated[Path | None, typer.Option(help="Sel secret / secret salt (`salt FILE`).")]
WHY = {
    Reason.UNREADABLE: "illisible / unreadable",
    Reason.OTHER_COMMUNE: "d'une autre commune / of another commune",
    Reason.UNKNOWN_KEY: "signé par une clé inconnue / signed by an unknown key",
    Reason.FORGED: "falsifié / forged",
    Reason.OTHER_PLACE: "pour un autre emplacement / for another place",
    Reason.NOT_YET: "pas encore valable / not yet valid",
    Reason.EXPIRED: "expiré / expired",
    Reason.OTHER_PLATE: "pour un autre véhicule / for another vehicle",
    Reason.PLATE_NEEDED: "lié à un véhicule : donner la plaque / give the plate",
    Reason.USED_ELSEWHERE: "déjà utilisé ailleurs / already used elsewhere",
}


@app.command()
def salt(path: Annotated[Path, typer.Argument(help="Fichier à créer / file to make.")]) -> None:
    """Tirer le sel secret des plaques / draw the secret salt for plates."""
    try:
        with path.open("xb") as file:
            path.chmod(0o600)
            file.write(secrets.token_bytes(SALT_BYTES))
    except OSError as error:
        _fail(str(error))


@app.command()
def public(key: Key) -> None:
    """La clé publique à donner aux contrôleurs / the public key that verifiers need."""
    try:
        typer.echo(_titles(key).public.hex())
    except ERRORS as error:
        _fail(str(error))


@app.command()
def issue(
    key: Key,
    commune: Annotated[str, typer.Option()],
    place: Annotated[str, typer.Option(help="Place ou zone / bay or zone.")],
    minutes: Annotated[int, typer.Option(help="Minutes payées / paid minutes.", min=1)],
    plate: Plate = "",
    salt: Salt = None,
) -> None:
    """Délivrer un titre qui commence maintenant / issue a title that begins now."""
    try:
        signer = _titles(key)
        now_s = int(time.time())
        token = Token(commune, place, now_s, now_s + 60 * minutes, minutes,
                      secrets.token_bytes(NONCE_BYTES), _hash(plate, salt))  # fmt: skip
        signature = signer.sign(message(token))
        typer.echo(seal(token, signature.key, signature.value))
    except ERRORS as error:
        _fail(str(error))


@app.command()
def check(
    word: Annotated[str, typer.Argument(help="Le titre lu / the title as it was read.")],
    public: Annotated[list[str], typer.Option(help="Clé publique / public key (hex).")],
    commune: Annotated[str, typer.Option()],
    bay: Annotated[str, typer.Option(help="La place du véhicule / where the vehicle stands.")],
    used: Annotated[Path, typer.Option(help="Titres déjà vus / titles already seen.")],
    zone: Annotated[list[str] | None, typer.Option(help="Zones de la place / of the bay.")] = None,
    plate: Plate = "",
    salt: Salt = None,
) -> None:
    """Vérifier un titre sans réseau ; 0 valable, 1 refusé / check a title offline."""
    try:
        known = {keys.key_id(keys.ED25519, one): one for one in map(bytes.fromhex, public)}
        verifier = Verifier(commune, known, {bay: frozenset(zone or ())})
        with UsedFile(used) as seen:
            told = verifier.check(word, bay, _hash(plate, salt), int(time.time()), seen)
    except ERRORS as error:
        _fail(str(error))
    if isinstance(told, Refused):
        _fail(f"refusé / refused: {WHY[told.reason]}")
    until = time.strftime("%Y-%m-%d %H:%M", time.localtime(told.token.until_s))
    typer.echo(f"valable jusqu'à / valid until {until}")


@app.command()
def compare(
    used: Annotated[list[Path], typer.Argument(help="Un fichier par contrôleur / one each.")],
) -> None:
    """Titres montrés à deux endroits ; 1 s'il y en a / titles shown in two places."""
    try:
        claims = {}
        for path in used:
            with UsedFile(path) as seen:
                claims[str(path)] = list(seen.claims())
    except ERRORS as error:
        _fail(str(error))
    found = doubles(claims)
    for one in found:
        places = ", ".join(sorted({name for name, _ in one.where}))
        typer.echo(f"{one.nonce.hex()}: {len({w for _, w in one.where})} ({places})")
    typer.echo(f"{len(found)} titres montrés à deux endroits / titles shown in two places")
    if found:
        raise typer.Exit(1)


def _titles(uri: str) -> Signer:
    signer = open_signer(uri, secret)
    if signer.kind != keys.ED25519:
        raise ValueError("les titres demandent une clé Ed25519 / titles need an Ed25519 key")
    return signer


def _hash(plate: str, salt: Path | None) -> bytes:
    if not plate:
        return b""
    if salt is None:
        raise ValueError("une plaque demande --salt / a plate needs --salt")
    return plate_hash(salt.read_bytes(), plate)


def _fail(text: str) -> NoReturn:
    typer.echo(f"beffroi: {plain(text)}", err=True)
    raise typer.Exit(1)
