"""Keys of logs and witnesses as people exchange them: C2SP signed-note verifier keys.

`name+hint+base64(type, key)`: one line that fits in a letter between two town halls.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from beffroi.evidence.limits import VKEY_CHARS_MAX
from beffroi.kernel.note import COSIGNATURE, SIGNATURE, key_hint

_VKEY = re.compile(r"([^\s+]{1,200})\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44})")


class VkeyError(ValueError):
    """Not a verifier key."""


@dataclass(frozen=True, slots=True)
class Vkey:
    """`kind` SIGNATURE is of a log, COSIGNATURE of a witness. `public`: raw Ed25519, 32 bytes."""

    name: str
    public: bytes
    kind: int = SIGNATURE

    def text(self) -> str:
        hint = key_hint(self.name, self.kind, self.public).hex()
        key = base64.b64encode(bytes([self.kind]) + self.public).decode()
        return f"{self.name}+{hint}+{key}"


def read_vkey(text: str) -> Vkey:
    """VkeyError unless it is exactly one key, with the hint that belongs to it."""
    found = _VKEY.fullmatch(text.strip()[:VKEY_CHARS_MAX])
    if found is None:
        raise VkeyError("not name+hint+key: ask for the line that `beffroi evidence key` prints")
    try:
        raw = base64.b64decode(found[3], validate=True)
    except binascii.Error as error:
        raise VkeyError("the key is not base64") from error
    if len(raw) != 33 or raw[0] not in (SIGNATURE, COSIGNATURE):
        raise VkeyError("not an Ed25519 key of a log or of a witness")
    key = Vkey(found[1], raw[1:], raw[0])
    if key.text() != text.strip():
        raise VkeyError("the hint does not belong to this name and key: was it copied whole?")
    return key
