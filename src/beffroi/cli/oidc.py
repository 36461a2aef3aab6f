"""Puts signing in at an identity service together from the section [oidc] of config.toml."""

from __future__ import annotations

from pathlib import Path

from beffroi.api.accounts import checked_organisation
from beffroi.api.oidc import Oidc, OidcSettings
from beffroi.api.problems import Refusal
from beffroi.cli.settings import Settings, SettingsError


def oidc_of(settings: Settings) -> Oidc | None:
    """None when no service is named. SettingsError says what is missing."""
    asked = settings.oidc
    if not asked.issuer:
        return None
    try:
        path = Path(asked.client_secret_file)
        secret = path.read_text().strip() if asked.client_secret_file else ""
        roles = {"admin": asked.admins, "operator": asked.operators, "reader": asked.readers}
        return Oidc(
            OidcSettings(
                asked.issuer,
                asked.client_id,
                secret,
                asked.name,
                asked.claim,
                {role: frozenset(values) for role, values in roles.items()},
                {group: checked_organisation(body) for group, body in asked.bodies.items()},
            )
        )
    except (OSError, ValueError, Refusal) as error:
        raise SettingsError(f"[oidc] cannot be used: {error}") from error
