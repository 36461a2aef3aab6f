"""Who is at the table: opens the keys of the people present at a ceremony, or at one signature.

Asks passphrases on the terminal and forgets them. Refuses to know what will be signed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import typer

from beffroi.adapters.signers import open_signer
from beffroi.adapters.signers.file import create, load
from beffroi.adapters.signers.pem import PASSPHRASE_CHARS_MIN, PassphraseError
from beffroi.ports.signer import Signer

TRIES = 3


def secret(what: str) -> str:
    """A passphrase or PIN, never shown."""
    return str(typer.prompt(f"Phrase de passe / passphrase ({what})", hide_input=True, default=""))


def new_passphrase(what: str) -> str:
    """Typed twice; asked again while it is too short."""
    while True:
        text = str(
            typer.prompt(
                f"Nouvelle phrase de passe / new passphrase ({what})",
                hide_input=True,
                confirmation_prompt="Encore une fois / once more",
            )
        )
        if len(text) >= PASSPHRASE_CHARS_MIN:
            return text
        typer.echo(f"au moins {PASSPHRASE_CHARS_MIN} caractères / characters at least", err=True)


def new_or_open(folder: Path, name: str, uri: str) -> Signer:
    """The holder's key: opened by its URI, or made in the folder's `keys/`."""
    if uri:
        return open_signer(uri, secret)
    return create(folder / "keys" / f"{name}.pem", new_passphrase(name))


def present(
    folder: Path,
    uris: Sequence[str],
    enough: Callable[[Sequence[Signer]], bool],
    but: Sequence[str] = (),
) -> list[Signer]:
    """The signers that `uris` name; without any, those of the folder's `keys/` (but those named
    `but`), one after the other (an empty passphrase: this person is absent) until there are
    enough."""
    signers = [open_signer(uri, secret) for uri in uris]
    files = [] if uris else sorted((folder / "keys").glob("*.pem"))
    for path in files:
        if enough(signers):
            break
        if path.stem in but:
            continue
        signer = _asked(path)
        if signer is not None:
            signers.append(signer)
    return signers


def _asked(path: Path) -> Signer | None:
    for _ in range(TRIES):
        text = secret(f"{path.stem}, vide si absent / empty if absent")
        if not text:
            return None
        try:
            return load(path, lambda _, text=text: text)  # type: ignore[misc]
        except PassphraseError as error:
            typer.echo(f"{path.stem}: {error}", err=True)
    return None
