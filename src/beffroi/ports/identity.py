"""Who a device is: certificates of the commune's own authority, given and taken back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

# A setting with this prefix and the device's id holds the serial that a renewal replaces; it stays
# good until its own end, so that the device can change over when it likes. The gate reads it.
PREVIOUS_SETTING = "cert.previous."


class IdentityError(Exception):
    """Enrolment refused; the text says why and what to do."""


class Bundle(NamedTuple):
    """What a device needs to connect: file name -> content, ready for `mosquitto_pub`."""

    device: str
    files: Mapping[str, bytes]
    cert_serial: str
    cert_not_after_ms: int


class Identity(Protocol):
    """The commune's certificate authority, as the hub uses it."""

    def invite(self, device_id: str) -> str:
        """A one-time enrolment token, valid ENROL_TOKEN_S_MAX. Only its hash is kept."""

    def redeem(self, token: str, csr_pem: bytes | None = None) -> Bundle:
        """Use the token up. With a CSR the private key never leaves the device; without one the
        bundle holds a new key, which the hub does not keep."""

    def revoke(self, device_id: str, actor: str) -> None:
        """From now on refused; a live connection is cut."""
