"""Something that signs for one person: a file, a security key, a module in a safe.

Knows one key. Refuses to know what it signs: whoever calls it has shown that to a person first.
"""

from __future__ import annotations

from typing import Protocol

from beffroi.kernel.dsse import Signature


class SignerError(Exception):
    """The key cannot be opened or does not answer; the text says what to do."""


class Signer(Protocol):
    """`kind` is one of `kernel.keys.KINDS`, `public` the key in the form that kind has there."""

    @property
    def kind(self) -> str: ...

    @property
    def public(self) -> bytes: ...

    def sign(self, message: bytes) -> Signature:
        """A signature of `message` (a DSSE `pae`, or TUF metadata) that the kernel can verify.

        May wait for a person (touch, PIN). SignerError when there is none.
        """
