"""`beffroi signer ...`: a person's own key and own copy of the commune's documents."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from beffroi.adapters.signers import open_signer
from beffroi.adapters.signers.file import create
from beffroi.cli import pins
from beffroi.cli.cards import CardError, card_of, new_member
from beffroi.cli.holders import new_passphrase, secret
from beffroi.cli.plain import plain
from beffroi.kernel import keys
from beffroi.ports.signer import Signer, SignerError

app = typer.Typer(no_args_is_help=True, help="Ma clé et mes documents / my key, my documents.")
ERRORS = (SignerError, CardError, pins.PinError, ValueError, OSError)


@app.command()
def new(
    path: Annotated[Path, typer.Argument(help="Fichier de la clé / key file, e.g. maire.pem")],
    person: Annotated[str, typer.Option(help="Identifiant pseudonyme / id, e.g. p1")],
    org: Annotated[str, typer.Option(help="Organisation / organisation.")],
    name: Annotated[str, typer.Option(help="Fonction, pas le nom / office, not the name.")] = "",
    role: Annotated[str, typer.Option(help="operator, break-glass, witness, guard")] = "operator",
    uri: Annotated[str, typer.Option("--key", help="Une clé qui existe / an existing key.")] = "",
    make: Annotated[bool, typer.Option("--make", help="Créer la clé --key / make it.")] = False,
    site: Annotated[str, typer.Option(help="Pages du serveur / the hub's pages (fido).")] = "",
) -> None:
    """Faire sa clé et la carte à porter à la cérémonie / make a key and its card."""
    try:
        signer = _signer(path, uri, make, site)
        alone = signer.kind == keys.ED25519 and role == "operator"
        member = new_member(
            signer.public, person, org, role, kind=signer.kind, independent=alone, name=name
        )
        card = path.with_suffix(".card.json")
        card.write_text(card_of(member))
        typer.echo(f"carte / card: {card}")
        typer.echo(f"empreinte à lire à voix haute / read aloud: {member.key[:12]}")
    except ERRORS as error:
        _fail(str(error))


@app.command()
def card(
    path: Annotated[Path, typer.Argument(help="Carte à écrire / card to write.")],
    public: Annotated[str, typer.Option(help="Clé publique / public key: hex or base64url.")],
    person: Annotated[str, typer.Option(help="Identifiant pseudonyme / id, e.g. p1")],
    org: Annotated[str, typer.Option(help="Organisation / organisation.")],
    kind: Annotated[str, typer.Option(help="passkey-es256 ou / or ed25519")] = keys.PASSKEY,
    role: Annotated[str, typer.Option(help="operator, guard, witness...")] = "operator",
    name: Annotated[str, typer.Option(help="Fonction, pas le nom / office, not the name.")] = "",
) -> None:
    """Une carte pour une clé faite ailleurs : page web, gardien, témoin / for another's key."""
    try:
        member = new_member(_public(public), person, org, role, kind=kind, name=name)
        path.write_text(card_of(member))
        typer.echo(f"{path}: {member.key[:12]}")
    except ERRORS as error:
        _fail(str(error))


@app.command()
def pin(
    commune: Annotated[str, typer.Argument(help="Identifiant / id.")],
    root: Annotated[Path, typer.Argument(help="Dossier de confiance ou racine / folder or root.")],
) -> None:
    """Croire cette racine désormais ; comparer l'empreinte avec la page / trust this root."""
    from tuf.api.metadata import Metadata, Root

    from beffroi.adapters.trust.tufkeys import fingerprint

    try:
        data = pins.read_root(root)
        metadata: Metadata[Root] = Metadata.from_bytes(data)
        typer.echo(f"racine / root {metadata.signed.version}: {fingerprint(metadata.signed_bytes)}")
        asked = "La même que sur la page imprimée ? / the same as on the printed page? (oui/non)"
        if str(typer.prompt(asked, default="non")).lower() not in ("o", "oui", "y", "yes"):
            _fail("rien n'est épinglé / nothing is pinned")
        typer.echo(str(pins.pin(commune, data)))
    except ERRORS as error:
        _fail(str(error))


def _public(text: str) -> bytes:
    if len(text) in (2 * size for size in keys.PUBLIC_BYTES.values()):
        return bytes.fromhex(text)
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _signer(path: Path, uri: str, make: bool, site: str) -> Signer:
    if not uri:
        return create(path, new_passphrase(path.stem))
    if not make:
        return open_signer(uri, secret)
    if uri.startswith("fido:"):
        from beffroi.adapters.signers import fido

        if not site.startswith("https://"):
            raise SignerError("a security key is of a site: --site https://...")
        return fido.create(Path(uri.removeprefix("fido:")), site.rstrip("/"), secret)
    from beffroi.adapters.signers import hsm

    return hsm.create(uri, secret)


def _fail(text: str) -> NoReturn:
    typer.echo(f"beffroi: {plain(text)}", err=True)
    raise typer.Exit(1)
