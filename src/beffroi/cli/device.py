"""`beffroi device ...`: add, invite, enrol, renew, list and revoke devices, on the home folder.

Works while the hub runs and while it does not: the store is the meeting place, and the gate acts
on what it finds there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from getpass import getuser
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from beffroi.adapters import durable
from beffroi.adapters.clock import SystemClock
from beffroi.adapters.pki import ca
from beffroi.adapters.pki.enrol import Enrolment
from beffroi.adapters.sql import open_store
from beffroi.cli import settings
from beffroi.model.asset import Device, is_device_id
from beffroi.model.limits import ENROL_TOKEN_S_MAX
from beffroi.ports.identity import Bundle, IdentityError
from beffroi.ports.store import Store, StoreError

app = typer.Typer(no_args_is_help=True, help="Appareils de la commune / the town's devices.")

Home = Annotated[
    Path,
    typer.Option("--home", envvar="BEFFROI_HOME", help="Dossier de l'installation / home folder."),
]
Ident = Annotated[str, typer.Argument(help="Identifiant : a-z, 0-9, tirets / device id.")]
Out = Annotated[Path | None, typer.Option("--out", help="Dossier où écrire / folder to write to.")]
Csr = Annotated[
    Path | None, typer.Option("--csr", help="Demande de certificat (PEM) / certificate request.")
]
ERRORS = (IdentityError, StoreError, ca.AuthorityError, settings.SettingsError, OSError)


@app.command()
def add(
    device_id: Ident,
    asset: Annotated[str, typer.Option(help="Ce qu'il mesure / the asset that it measures.")],
    model: Annotated[str, typer.Option(help="Modèle / device model, for its decoder.")] = "",
    maker: Annotated[str, typer.Option(help="Fabricant / maker.")] = "",
    gateway: Annotated[
        str, typer.Option(help="Passerelle par laquelle il parle / gateway it speaks through.")
    ] = "",
    is_gateway: Annotated[
        bool, typer.Option("--is-gateway", help="C'est une passerelle / it is a gateway.")
    ] = False,
    home: Home = settings.default_home(),
) -> None:
    """Inscrire un appareil à l'inventaire / put a device into the inventory."""
    with _open(home) as (store, _):
        if not is_device_id(device_id):
            _fail(f"{device_id!r} : a-z, 0-9 et tirets seulement / only a-z, 0-9 and hyphens")
        if store.assets.device(device_id) is not None:
            _fail(f"{device_id} existe déjà / exists already")
        if asset and store.assets.asset(asset) is None:
            _fail(f"aucun équipement {asset!r} / no asset {asset!r}")
        device = Device(
            device_id, asset, model=model, maker=maker, created_ms=SystemClock().now_ms()
        )
        carried = "enrolled" if gateway else "pending"  # its gateway has the certificate
        store.assets.put_devices(
            [replace(device, gateway=gateway, is_gateway=is_gateway, status=carried)]
        )
        _say(f"{device_id} : inscrit / added ({carried})")


@app.command()
def invite(device_id: Ident, home: Home = settings.default_home()) -> None:
    """Donner un jeton d'enrôlement à usage unique / print a one-time enrolment token."""
    with _open(home) as (_, enrolment):
        token = enrolment.invite(device_id)
        typer.echo(token)
        minutes = ENROL_TOKEN_S_MAX // 60
        typer.echo(f"valable {minutes} minutes / valid for {minutes} minutes", err=True)


@app.command()
def redeem(
    token: str, csr: Csr = None, out: Out = None, home: Home = settings.default_home()
) -> None:
    """Échanger un jeton contre un certificat / turn a token into a certificate."""
    with _open(home) as (_, enrolment):
        _write(enrolment.redeem(token, csr.read_bytes() if csr else None), out)


@app.command()
def enrol(
    device_id: Ident,
    csr: Csr = None,
    out: Out = None,
    guard: Annotated[
        bool,
        typer.Option("--guard", help="Garde d'une armoire / a guard: it will receive commands."),
    ] = False,
    home: Home = settings.default_home(),
) -> None:
    """Enrôler ici et maintenant : clé, certificat, réglages / make the device's files now."""
    with _open(home) as (store, enrolment):
        if guard:
            _mark_guard(store, device_id)
        token = enrolment.invite(device_id)
        _write(enrolment.redeem(token, csr.read_bytes() if csr else None), out)


@app.command()
def renew(
    device_id: Ident, csr: Csr = None, out: Out = None, home: Home = settings.default_home()
) -> None:
    """Renouveler le certificat ; l'ancien reste valable jusqu'à sa fin / new certificate."""
    with _open(home) as (_, enrolment):
        _write(enrolment.renew(device_id, getuser(), csr.read_bytes() if csr else None), out)


@app.command()
def revoke(device_id: Ident, home: Home = settings.default_home()) -> None:
    """Révoquer : connexion coupée, refusé désormais / cut and refuse from now on."""
    with _open(home) as (_, enrolment):
        enrolment.revoke(device_id, getuser())
        _say(f"{device_id} : révoqué / revoked")


@app.command("list")
def list_devices(
    expiring: Annotated[
        bool, typer.Option("--expiring", help="À renouveler seulement / only those to renew.")
    ] = False,
    home: Home = settings.default_home(),
) -> None:
    """Montrer l'inventaire / show the inventory."""
    with _open(home) as (store, enrolment):
        devices = enrolment.expiring() if expiring else store.assets.devices()
    table = Table("appareil / device", "équipement / asset", "état / status")
    for title in ("passerelle / gateway", "certificat / certificate", "vu / last seen"):
        table.add_column(title)
    words = {"enrolled": "enrôlé", "pending": "en attente", "revoked": "révoqué"}
    for device in devices:
        table.add_row(
            device.id,
            device.asset,
            f"{words.get(device.status, '?')} / {device.status}",
            device.gateway or ("oui / yes" if device.is_gateway else ""),
            _date(device.cert_not_after_ms),
            _date(device.last_seen_ms, "%Y-%m-%d %H:%M"),
        )
    Console().print(table)


# ---------------------------------------------------------------------------------------------
@contextmanager
def _open(home: Path) -> Iterator[tuple[Store, Enrolment]]:
    """The store and the authority of a home folder; errors become one line and exit code 1."""
    try:
        config = settings.load(home)
        clock = SystemClock()
        authority = ca.CertificateAuthority(home / "ca", clock.now_ms())
        store = open_store(config.store_url)
        try:
            yield store, Enrolment(authority, store, clock, config.mqtt.host, config.mqtt.port)
        finally:
            store.close()
    except ERRORS as error:
        _fail(str(error))


def _mark_guard(store: Store, device_id: str) -> None:
    """It may publish receipts and statuses; what it may do is in the rules that the root signs."""
    if not is_device_id(device_id):
        _fail(f"{device_id!r} : a-z, 0-9 et tirets seulement / only a-z, 0-9 and hyphens")
    new = Device(device_id, "", status="pending", created_ms=SystemClock().now_ms())
    known = store.assets.device(device_id) or new
    store.assets.put_devices([replace(known, is_guard=True)])


def _write(made: Bundle, out: Path | None) -> None:
    """Files of a bundle into a folder of mode 0700; the private key has mode 0600."""
    folder = out or Path(made.device)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, content in made.files.items():
        durable.replace(folder / name, content)
    _say(f"{folder}/ : {', '.join(sorted(made.files))}")
    _say(f"voir / see {folder}/README.txt")


def _date(at_ms: int, form: str = "%Y-%m-%d") -> str:
    return dt.datetime.fromtimestamp(at_ms / 1000, dt.UTC).strftime(form) if at_ms else ""


def _say(text: str) -> None:
    typer.echo(text)


def _fail(text: str) -> NoReturn:
    typer.echo(text, err=True)
    raise typer.Exit(1)
