"""The `Identity` port: one-time invitations, certificates for devices, renewal and revocation.

An invitation names the device in the state in which it was invited: when the device has been
revoked or enrolled since, the invitation is void. Revoking marks the device in the inventory; the
gate sees that and cuts the connection. Refuses to know the broker.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric import ec

from beffroi.adapters.pki import bundle, ca
from beffroi.model.asset import Device, is_device_id
from beffroi.model.limits import (
    CERT_NAME_CHARS_MAX,
    DEVICE_CERT_RENEW_DAYS,
    ENROL_TOKEN_S_MAX,
)
from beffroi.model.measure import DAY_MS
from beffroi.ports.clock import Clock
from beffroi.ports.identity import PREVIOUS_SETTING, Bundle, IdentityError
from beffroi.ports.store import Store

PURPOSE = "enrol"


class Enrolment:
    """`mqtt_host` and `mqtt_port` are what the device will connect to, for its files."""

    def __init__(
        self,
        authority: ca.CertificateAuthority,
        store: Store,
        clock: Clock,
        mqtt_host: str,
        mqtt_port: int,
    ) -> None:
        self._authority = authority
        self._store = store
        self._clock = clock
        self._where = (mqtt_host, mqtt_port)

    def invite(self, device_id: str) -> str:
        """See the port."""
        device = self._device(device_id)
        token = secrets.token_urlsafe(24)
        expires_ms = self._clock.now_ms() + ENROL_TOKEN_S_MAX * 1000
        self._store.people.put_link(_hash(token), PURPOSE, _subject(device), expires_ms)
        return token

    def redeem(self, token: str, csr_pem: bytes | None = None) -> Bundle:
        """See the port. Raises IdentityError."""
        key, private = self._key(csr_pem)
        now_ms = self._clock.now_ms()
        subject = self._store.people.take_link(_hash(token), PURPOSE, now_ms)
        if subject is None:
            raise IdentityError("this invitation is unknown, used or expired; ask for a new one")
        device = self._device(subject.split("|")[0])
        if subject != _subject(device):
            raise IdentityError(
                f"{device.id} has changed since this invitation (enrolled or revoked meanwhile); "
                "ask for a new one"
            )
        made = self._issue(device, key, private, now_ms)
        self._store.people.put_setting(PREVIOUS_SETTING + device.id, "")
        self._keep(device, made, "enrol", "invitation", now_ms)
        return made

    def renew(self, device_id: str, actor: str, csr_pem: bytes | None = None) -> Bundle:
        """A new certificate for an enrolled device; the one it has stays good until its end."""
        device = self._device(device_id)
        if device.status != "enrolled" or not device.cert_serial:
            raise IdentityError(f"{device_id} is {device.status}: invite it instead")
        key, private = self._key(csr_pem)
        now_ms = self._clock.now_ms()
        made = self._issue(device, key, private, now_ms)
        self._store.people.put_setting(PREVIOUS_SETTING + device_id, device.cert_serial)
        self._keep(device, made, "renew", actor, now_ms)
        return made

    def revoke(self, device_id: str, actor: str) -> None:
        """See the port. Revoking twice changes nothing."""
        device = self._device(device_id)
        now_ms = self._clock.now_ms()
        self._store.people.put_setting(PREVIOUS_SETTING + device_id, "")
        self._store.assets.put_devices([replace(device, status="revoked")])
        self._store.people.log_access(now_ms, actor, "device.revoke", device_id)

    def expiring(self) -> list[Device]:
        """Enrolled devices whose certificate ends within DEVICE_CERT_RENEW_DAYS, soonest first."""
        limit_ms = self._clock.now_ms() + DEVICE_CERT_RENEW_DAYS * DAY_MS
        due = [
            device
            for device in self._store.assets.devices()
            if device.status == "enrolled" and 0 < device.cert_not_after_ms < limit_ms
        ]
        return sorted(due, key=lambda device: device.cert_not_after_ms)

    # ----------------------------------------------------------------------------------------
    def _device(self, device_id: str) -> Device:
        if not is_device_id(device_id) or len(device_id) > CERT_NAME_CHARS_MAX:
            raise IdentityError(
                f"{device_id!r} cannot be a device's id: a-z, 0-9 and hyphens, at most "
                f"{CERT_NAME_CHARS_MAX} characters"
            )
        device = self._store.assets.device(device_id)
        if device is None:
            raise IdentityError(f"no device {device_id!r} in the inventory; add it first")
        if device.gateway:
            raise IdentityError(
                f"{device_id} speaks through {device.gateway}: enrol that gateway instead"
            )
        return device

    def _key(
        self, csr_pem: bytes | None
    ) -> tuple[ec.EllipticCurvePublicKey, ec.EllipticCurvePrivateKey | None]:
        if csr_pem is None:
            private = ca.new_key()
            return private.public_key(), private
        try:
            return ca.read_csr(csr_pem), None
        except ca.CsrError as error:
            raise IdentityError(str(error)) from error

    def _issue(
        self,
        device: Device,
        key: ec.EllipticCurvePublicKey,
        private: ec.EllipticCurvePrivateKey | None,
        now_ms: int,
    ) -> Bundle:
        issued = self._authority.issue_device(device.id, key, now_ms)
        files = bundle.files(
            device.id,
            *self._where,
            ca_pem=self._authority.ca_pem,
            cert_pem=issued.cert_pem,
            key_pem=None if private is None else ca.key_pem(private),
            not_after_ms=issued.not_after_ms,
            is_gateway=device.is_gateway,
        )
        return Bundle(device.id, files, issued.serial, issued.not_after_ms)

    def _keep(self, device: Device, made: Bundle, what: str, actor: str, now_ms: int) -> None:
        self._store.assets.put_devices(
            [
                replace(
                    device,
                    status="enrolled",
                    cert_serial=made.cert_serial,
                    cert_not_after_ms=made.cert_not_after_ms,
                )
            ]
        )
        self._store.people.log_access(now_ms, actor, f"device.{what}", device.id)


def _hash(token: str) -> str:
    """Tokens have 192 random bits: a plain hash cannot be searched."""
    return hashlib.sha256(token.encode()).hexdigest()


def _subject(device: Device) -> str:
    return f"{device.id}|{device.status}|{device.cert_serial}"
