"""Signers: a file protected by a passphrase, a FIDO2 security key, a PKCS#11 module."""

from beffroi.adapters.signers.open import open_signer

__all__ = ["open_signer"]
