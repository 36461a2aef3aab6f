"""Sealing one field under one person's key: AES-256-GCM, bound to whose it is, why and which.

A sealed field that is moved to another person, purpose or name does not open. Knows no storage.
"""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from beffroi.ports.personal import PersonalError

NONCE_BYTES = 12


def seal(key: bytes, subject: str, purpose: str, name: str, value: bytes) -> bytes:
    """A fresh random nonce each time: one key seals a few thousand fields in its life at most."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, value, _about(subject, purpose, name))


def unseal(key: bytes, subject: str, purpose: str, name: str, sealed: bytes) -> bytes:
    """PersonalError when it is damaged or was put where it does not belong."""
    nonce, body = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    try:
        return AESGCM(key).decrypt(nonce, body, _about(subject, purpose, name))
    except (InvalidTag, ValueError):
        text = "a personal datum is damaged or was moved: restore a backup of personal.sqlite"
        raise PersonalError(text) from None


def _about(subject: str, purpose: str, name: str) -> bytes:
    """No two triples give the same bytes: each part is preceded by its length."""
    parts = (part.encode() for part in (subject, purpose, name))
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)
