"""What the account page shows of a second factor: the picture to scan, how many codes are left."""

from __future__ import annotations

from typing import Any

import segno

from beffroi.api import second_factor, sign_in_passkeys
from beffroi.api.sessions import Person
from beffroi.hub.services import Services


def facts(services: Services, me: Person) -> dict[str, Any]:
    """`second` is None where this hub has no vault."""
    if services.privacy is None:
        return {"second": None}
    on = second_factor.is_on(services, me.user.id)
    secret = second_factor.pending(services, me.user)
    commune = services.store.assets.commune()
    shown: dict[str, Any] = {
        "on": on,
        "needed": second_factor.required(services, me.user.role) and not me.verified,
        "left": second_factor.recovery_left(services, me.user.id) if on else 0,
        "secret": " ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        "picture": "",
        "passkeys": sign_in_passkeys.held(services, me.user.id),
    }
    if secret:
        uri = second_factor.uri(secret, me.user, commune.name if commune else "")
        shown["picture"] = segno.make(uri, error="m").svg_data_uri(scale=4, border=3, light="white")
    return {"second": shown}
