"""Who we are to an SNMP device. Secrets come from files that nobody else can read."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pysnmp.hlapi.v3arch import asyncio as snmp

from beffroi.guard.drivers.limits import SECRET_CHARS_MAX, SECRET_CHARS_MIN
from beffroi.guard.drivers.wiring import Fields, WiringError

AUTHENTICATION = {
    "sha256": snmp.USM_AUTH_HMAC192_SHA256,
    "sha512": snmp.USM_AUTH_HMAC384_SHA512,
    "sha1": snmp.USM_AUTH_HMAC96_SHA,  # HMAC-SHA-1 still stands; older controllers have no other
}
ENCRYPTION = {"aes128": snmp.USM_PRIV_CFB128_AES, "aes256": snmp.USM_PRIV_CFB256_AES}


@dataclass(frozen=True, slots=True, repr=False)
class Security:
    """Version 3, or a community for versions 1 and 2c."""

    version: str
    user: str
    authentication: str = ""
    encryption: str = ""
    auth_secret: str = ""
    priv_secret: str = ""

    def credentials(self) -> Any:
        if self.version != "3":
            model = 0 if self.version == "1" else 1
            return snmp.CommunityData(self.auth_secret, mpModel=model)
        return snmp.UsmUserData(
            self.user,
            authKey=self.auth_secret,
            privKey=self.priv_secret,
            authProtocol=AUTHENTICATION[self.authentication],
            privProtocol=ENCRYPTION[self.encryption],
        )


def read_security(fields: Fields) -> Security:
    """WiringError unless it is version 3 with both secrets, or insecure on purpose."""
    version = fields.one_of("version", ("3", "2c", "1"), "3")
    if version != "3":
        if not fields.has("accept_insecure") or not fields.flag("accept_insecure"):
            raise WiringError(
                f"{fields.where}: version {version} sends its secret in clear; set accept_insecure "
                "only for a cable that does not leave the cabinet"
            )
        return Security(version, "", auth_secret=_secret(fields, "community_file", 1))
    return Security(
        version,
        fields.text("user"),
        fields.one_of("authentication", tuple(AUTHENTICATION), "sha256"),
        fields.one_of("encryption", tuple(ENCRYPTION), "aes128"),
        _secret(fields, "auth_file", SECRET_CHARS_MIN),
        _secret(fields, "priv_file", SECRET_CHARS_MIN),
    )


def _secret(fields: Fields, name: str, chars_min: int) -> str:
    path = Path(fields.text(name, chars_max=1_000))
    try:
        with path.open(encoding="ascii") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise WiringError(f"{fields.where}: others may read {path}; use chmod 600")
            secret = file.read(SECRET_CHARS_MAX + 1).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise WiringError(f"{fields.where}: {name}: {error}") from error
    if not chars_min <= len(secret) <= SECRET_CHARS_MAX:
        raise WiringError(
            f"{fields.where}: {name} must hold {chars_min} to {SECRET_CHARS_MAX} characters"
        )
    return secret
