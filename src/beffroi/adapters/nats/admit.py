"""Who may connect, and what for: a decision from facts, without any I/O.

The rule: the connection is MQTT; TLS has verified a certificate of the commune; its common name
is the MQTT client id; that device is enrolled; and the certificate's serial is the device's
current one, or the one it is being renewed from. It may then publish its own readings (a guard
also its receipts and statuses) and read what is addressed to it, nothing else.
"""

from __future__ import annotations

from typing import NamedTuple

from cryptography import x509
from cryptography.x509.oid import NameOID

from beffroi.adapters.nats.tokens import Permissions, Request
from beffroi.model.asset import is_device_id

# What the broker needs inside for a QoS 1 subscription: the reader's own delivery subject.
_DELIVERY = "$MQTT.sub.>"
GUARD_KINDS = ("receipt", "status")


class Known(NamedTuple):
    """What the inventory says of a device."""

    status: str
    serial: str
    is_gateway: bool
    is_guard: bool = False


class Claim(NamedTuple):
    """What the connection shows."""

    device: str
    serial: str
    not_after_s: int


class RefusalError(Exception):
    """The connection may not come in; the text says why (for the log, not for the peer)."""


def claim(request: Request) -> Claim:
    """Who the connection says and proves it is. Raises RefusalError."""
    if request.kind != "mqtt":
        raise RefusalError(f"a {request.kind or 'unknown'} client without one of our keys")
    if request.user:
        raise RefusalError("user names are not accepted: the certificate is the identity")
    if not request.chain_pem:
        raise RefusalError("no certificate verified by TLS")
    try:
        cert = x509.load_pem_x509_certificate(request.chain_pem.encode())
        names = cert.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    except ValueError as error:
        raise RefusalError(f"unreadable certificate: {error}") from error
    if len(names) != 1:
        raise RefusalError("the certificate has not exactly one common name")
    name = str(names[0].value)
    if name != request.mqtt_id:
        raise RefusalError(f"client id {request.mqtt_id!r} with the certificate of {name!r}")
    if not is_device_id(name):  # it becomes part of the permissions
        raise RefusalError(f"{name!r} is not a device id")
    return Claim(name, f"{cert.serial_number:x}", int(cert.not_valid_after_utc.timestamp()))


def judge(shown: Claim, known: Known | None, previous_serial: str = "") -> Permissions:
    """The permissions, or RefusalError. `previous_serial` is "" unless a renewal is under way."""
    if known is None:
        raise RefusalError(f"{shown.device} is not in the inventory")
    if known.status != "enrolled":
        raise RefusalError(f"{shown.device} is {known.status}")
    if shown.serial not in {known.serial, previous_serial} - {""}:
        raise RefusalError(f"certificate {shown.serial} of {shown.device} is no longer valid")
    return permissions(shown.device, known.is_gateway, known.is_guard)


def permissions(device: str, is_gateway: bool, is_guard: bool = False) -> Permissions:
    """Subjects of a device: `d/<device>/tele` (and `batch` for a gateway, `receipt` and `status`
    for a guard) out, the rest of `d/<device>/` in. Nobody but the hub can publish `cmd`."""
    own = [f"d.{device}.{kind}" for kind in ("tele", "batch", *GUARD_KINDS)]
    mine = {"tele": True, "batch": is_gateway, "receipt": is_guard, "status": is_guard}
    return Permissions(
        publish=[subject for subject in own if mine[subject.rpartition(".")[2]]],
        subscribe=[f"d.{device}.>", f"d.{device}", _DELIVERY],
        subscribe_not=own,
    )
