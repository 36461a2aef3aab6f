"""Personal data on disk: `personal.sqlite` holds sealed fields, `personal.keys` the keys."""

from beffroi.adapters.personal.store import Vault, open_vault

__all__ = ["Vault", "open_vault"]
