"""The tokens of the broker's authentication call-out: read a request, sign an answer.

Knows the format (JWT signed with `ed25519-nkey`). Refuses to know who may connect: `admit` does.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from beffroi.adapters.nats.keys import KeyPair

_HEADER = {"typ": "JWT", "alg": "ed25519-nkey"}


class TokenError(Exception):
    """Not a readable authentication request."""


class Request(NamedTuple):
    """What the broker tells of a connection that waits for an answer.

    `chain_pem` is the leaf certificate of the chain that TLS has verified, "" when there is none.
    """

    server: str
    user_nkey: str
    cid: int  # the broker's number of the connection: later ones have greater numbers
    kind: str  # "mqtt", "nats", "websocket", ...
    mqtt_id: str
    user: str  # a user name or token was given: devices have none
    chain_pem: str


class Permissions(NamedTuple):
    """NATS subjects."""

    publish: Sequence[str]
    subscribe: Sequence[str]
    subscribe_not: Sequence[str] = ()


def read(data: bytes) -> Request:
    """Parse a request token. It came through the broker's own account over loopback from the
    broker itself, the only one who can publish there, so its signature adds nothing."""
    try:
        body = data.split(b".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + b"=" * (-len(body) % 4)))
        nats = claims["nats"]
        client, options = nats["client_info"], nats.get("connect_opts", {})
        chains = nats.get("client_tls", {}).get("verified_chains") or [[]]
        return Request(
            server=nats["server_id"]["id"],
            user_nkey=nats["user_nkey"],
            cid=int(client.get("id", 0)),
            kind=client.get("type", ""),
            mqtt_id=client.get("mqtt_id", ""),
            user=options.get("user", "") or options.get("auth_token", ""),
            chain_pem=chains[0][0] if chains[0] else "",
        )
    except (IndexError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise TokenError(f"unreadable authentication request: {error!r}") from error


def grant(
    request: Request,
    issuer: KeyPair,
    account: str,
    name: str,
    permissions: Permissions,
    now_s: int,
    expires_s: int,
) -> bytes:
    """An answer that lets the connection in as `name`, until `expires_s` at most."""
    user = {
        "aud": account,
        "exp": expires_s,
        "name": name,
        "sub": request.user_nkey,
        "nats": {
            "pub": {"allow": list(permissions.publish)},
            "sub": {"allow": list(permissions.subscribe), "deny": list(permissions.subscribe_not)},
            "subs": -1,
            "data": -1,
            "payload": -1,
            "allowed_connection_types": ["MQTT"],
            "type": "user",
            "version": 2,
        },
    }
    return _answer(request, issuer, now_s, {"jwt": _sign(user, issuer, now_s).decode()})


def refuse(request: Request, issuer: KeyPair, reason: str, now_s: int) -> bytes:
    """An answer that closes the connection; `reason` goes to the broker's log only."""
    return _answer(request, issuer, now_s, {"error": reason})


def _answer(request: Request, issuer: KeyPair, now_s: int, content: Mapping[str, Any]) -> bytes:
    claims = {
        "aud": request.server,
        "sub": request.user_nkey,
        "nats": {**content, "type": "authorization_response", "version": 2},
    }
    return _sign(claims, issuer, now_s)


def _sign(claims: Mapping[str, Any], issuer: KeyPair, now_s: int) -> bytes:
    full = {**claims, "iss": issuer.public_key.decode(), "iat": now_s, "jti": secrets.token_hex(8)}
    body = _part(_HEADER) + b"." + _part(full)
    return body + b"." + base64.urlsafe_b64encode(issuer.sign(body)).rstrip(b"=")


def _part(value: Mapping[str, Any]) -> bytes:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")
