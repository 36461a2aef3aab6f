"""`beffroi sign FILE`: the signer that no hub serves. Needs no hub, no home and no network.

It decodes the command itself, holds it against its own copy of the commune's documents, says in
plain words what it does, asks, and signs. A hub that shows one thing and sends another is read out
here as what it sent.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from beffroi.adapters.signers import open_signer
from beffroi.adapters.signers.request import (
    FILE_BYTES_MAX,
    read_request,
    sign_request,
    signed_file,
    unpack_request,
)
from beffroi.cli.holders import secret
from beffroi.cli.pins import PinError, folder_of, pinned
from beffroi.cli.plain import plain
from beffroi.cli.signing import Seen, examine
from beffroi.cli.trust_words import say
from beffroi.kernel.command import Command, read_command
from beffroi.kernel.envelope import Envelope
from beffroi.kernel.keys import key_id
from beffroi.kernel.roster import Roster
from beffroi.ports.signer import Signer, SignerError

KEY_ENV = "BEFFROI_KEY"
LANG = "en" if os.environ.get("LANG", "").startswith("en") else "fr"


def sign(
    file: Annotated[Path, typer.Argument(help="Demande reçue du serveur / the request; - stdin.")],
    key: Annotated[
        str, typer.Option("--key", envvar=KEY_ENV, help="file:..., pkcs11:..., fido:...")
    ],
    out: Annotated[Path | None, typer.Option(help="Où écrire / where to write.")] = None,
    trust: Annotated[Path | None, typer.Option(help="Documents plus récents / newer.")] = None,
    lang: Annotated[str, typer.Option(help="fr ou / or en.")] = LANG,
) -> None:
    """Lire une commande en clair, puis la signer / read a command in plain words, then sign it."""
    now_ms = time.time_ns() // 1_000_000
    try:
        wire, bundle = unpack_request(_bytes(file))
        signed = read_request(wire)
        if trust is not None:
            bundle = trust.read_bytes()
        roster, envelopes = documents(read_command(signed.payload), bundle, now_ms, lang)
        signer = open_signer(key, secret)
        me = key_id(signer.kind, signer.public)
        seen = examine(signed, roster, envelopes, me, now_ms, lang)
        _show(seen, lang)
        _agree(seen, lang)
        _write(wire, signer, out or _beside(file), lang)
    except (SignerError, PinError, ValueError, OSError) as error:
        _fail(plain(str(error)))


def documents(
    command: Command, bundle: bytes, now_ms: int, lang: str
) -> tuple[Roster, Mapping[str, Envelope]]:
    """Our own copy for the command's guard, brought up to date by `bundle` if it passes the very
    client that guards use. PinError when we hold nothing."""
    from beffroi.guard.trust import Trust, TrustError
    from beffroi.guard.trust_bundle import unpack_bundle

    commune, guard = command.commune, command.guard
    path = folder_of(commune) / "guards" / guard
    held = Trust(path, commune, guard, pinned(commune))
    if bundle:
        try:
            held.take(unpack_bundle(bundle), now_ms)
        except (TrustError, ValueError) as error:
            text = say(lang, "documents reçus refusés : ", "documents it brought are refused: ")
            typer.echo(text + plain(str(error)), err=True)
    current = held.current()
    if current is None:
        raise PinError(
            f"aucun document vérifié de {commune} / no verified document of {commune}: "
            "beffroi sign --trust"
        )
    return current.roster, current.envelopes


def _bytes(file: Path) -> bytes:
    if str(file) == "-":
        return sys.stdin.buffer.read(FILE_BYTES_MAX + 1)
    with file.open("rb") as opened:
        return opened.read(FILE_BYTES_MAX + 1)


def _show(seen: Seen, lang: str) -> None:
    for line in seen.lines:
        typer.echo(line)
    for line in seen.unusual:
        typer.echo(say(lang, "ATTENTION : ", "TAKE CARE: ") + line)
    if seen.refusals:
        for line in seen.refusals:
            typer.echo(say(lang, "REFUS : ", "REFUSED: ") + line, err=True)
        raise typer.Exit(3)


def _agree(seen: Seen, lang: str) -> None:
    asked = say(
        lang,
        f"Pour signer, tapez « {seen.word} » ; autre chose : ne pas signer",
        f'To sign, type "{seen.word}"; anything else: do not sign',
    )
    if str(typer.prompt(asked, default="", show_default=False)).strip() != seen.word:
        _fail(say(lang, "rien n'est signé", "nothing is signed"))


def _write(wire: bytes, signer: Signer, path: Path, lang: str) -> None:
    data = signed_file(wire, sign_request(wire, signer))
    path.write_bytes(data)
    typer.echo(
        say(lang, "Signé. À rapporter au serveur : ", "Signed. Bring it back to the hub: ")
        + plain(str(path))
    )


def _beside(file: Path) -> Path:
    return Path("signature.sig") if str(file) == "-" else file.with_name(f"{file.name}.sig")


def _fail(text: str) -> NoReturn:
    typer.echo(f"beffroi: {text}", err=True)
    raise typer.Exit(1)


def main() -> None:
    """`beffroi-sign`: the same, without loading the rest of Beffroi."""
    typer.run(sign)
