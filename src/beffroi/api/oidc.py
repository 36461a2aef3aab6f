"""Signing in at the identity service of one's employer: OpenID Connect, code flow with PKCE.

RFC 9700 (exact issuer, state bound to the browser, nonce, code used once), RFC 9207, RFC 7636.
Who somebody is there is (issuer, subject), never a name or an address of mail. What they may do
here is what the administrator's mapping says at this very moment; no mapping, no entry. Answers of
the service are bounded in size and time, its addresses are those of its own origin, and redirects
are not followed: a document of it cannot send this hub anywhere else.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from beffroi.api.policies import COMMUNE
from beffroi.api.problems import Refusal
from beffroi.model.limits import (
    OIDC_ANSWER_BYTES_MAX,
    OIDC_KEEP_MS,
    OIDC_PENDING_MAX,
    OIDC_SKEW_S_MAX,
    OIDC_STEP_MS_MAX,
    OIDC_WAIT_S_MAX,
)

ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]  # never "none", never a shared secret
LOOPBACK = ("127.0.0.1", "localhost", "::1")
SECOND_FACTORS = frozenset({"mfa", "otp", "hwk", "swk", "sc", "face", "fpt"})  # RFC 8176
ROLES = ("admin", "operator", "reader")  # the highest that fits counts


class OidcSettingsError(ValueError):
    """The section [oidc] cannot be used; the text names the key."""


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """`roles`: the values of `claim` that give each role here; `bodies`: values of it that say of
    which body somebody is ("commune": the commune itself); without any, all are of the commune."""

    issuer: str
    client_id: str
    client_secret: str
    name: str
    claim: str
    roles: Mapping[str, frozenset[str]]
    bodies: Mapping[str, str] = field(default_factory=dict)


class Known(NamedTuple):
    """Somebody whom the service vouches for. `key` is a digest of issuer and subject."""

    key: str
    name: str
    role: str
    organisation: str
    second: bool  # the service says that a second factor was used
    next: str


class _Pending(NamedTuple):
    nonce: str
    verifier: str
    browser: str  # hash of the cookie that began it
    next: str
    ends_ms: int


class Oidc:
    """One identity service. Blocking: call it from a thread."""

    def __init__(self, settings: OidcSettings) -> None:
        _fit(settings)
        self.settings = settings
        self._pending: dict[str, _Pending] = {}
        self._lock = threading.Lock()
        self._found: tuple[int, dict[str, Any]] = (0, {})
        self._keys: tuple[int, KeySet | None] = (0, None)

    def begin(self, back: str, next_path: str, now_ms: int) -> tuple[str, str]:
        """(address to send the browser to, secret for its cookie)."""
        state, nonce, verifier, browser = (secrets.token_urlsafe(32) for _ in range(4))
        where = self._endpoint("authorization_endpoint", now_ms)
        with self._lock:
            while len(self._pending) >= OIDC_PENDING_MAX:
                self._pending.pop(next(iter(self._pending)))
            ends_ms = now_ms + OIDC_STEP_MS_MAX
            self._pending[_hash(state)] = _Pending(
                nonce, verifier, _hash(browser), next_path, ends_ms
            )
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
        asked = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": back,
            "scope": "openid profile",
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge.decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        return f"{where}{'&' if '?' in where else '?'}{urlencode(asked)}", browser

    def finish(self, answer: Mapping[str, str], browser: str, back: str, now_ms: int) -> Known:
        """Refusal unless this answer is of what this browser began, and the service vouches."""
        with self._lock:
            pending = self._pending.pop(_hash(answer.get("state", "")), None)
        if (
            pending is None
            or pending.ends_ms <= now_ms
            or not hmac.compare_digest(_hash(browser), pending.browser)
        ):
            raise _again()
        self._from_whom(answer, now_ms)
        code = answer.get("code", "")
        if answer.get("error") or not code:
            raise _again()
        token = self._exchanged(code, pending.verifier, back, now_ms)
        claims = self._verified(token, pending.nonce, now_ms)
        return self._known(claims, pending.next)

    def _from_whom(self, answer: Mapping[str, str], now_ms: int) -> None:
        """RFC 9207: an answer of another service must not be taken for one of ours."""
        told = self._about(now_ms).get("authorization_response_iss_parameter_supported") is True
        given = answer.get("iss")
        if (told or given is not None) and given != self.settings.issuer:
            raise _again()

    def _exchanged(self, code: str, verifier: str, back: str, now_ms: int) -> str:
        data = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back,
            "code_verifier": verifier,
        }
        key = (self.settings.client_id, self.settings.client_secret)
        read = _ask("POST", self._endpoint("token_endpoint", now_ms), data=data, auth=key)
        token = read.get("id_token")
        if not isinstance(token, str):
            raise _again()
        return token

    def _verified(self, token: str, nonce: str, now_ms: int) -> dict[str, Any]:
        mine = self.settings.client_id
        rules = jwt.JWTClaimsRegistry(
            now=now_ms // 1000,
            leeway=OIDC_SKEW_S_MAX,
            iss={"essential": True, "value": self.settings.issuer},
            aud={"essential": True, "value": mine},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            read = self._decoded(token, now_ms)
            claims: dict[str, Any] = dict(read.claims)
            rules.validate(claims)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise _again() from error
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if (several or "azp" in claims) and claims.get("azp") != mine:
            raise _again()
        return claims

    def _decoded(self, token: str, now_ms: int) -> jwt.Token:
        """A key that is not known yet may be a new one: asked for once more, not more often."""
        at_ms, keys = self._keys
        if keys is not None and now_ms - at_ms < OIDC_KEEP_MS:
            try:
                return jwt.decode(token, keys, algorithms=ALGORITHMS)
            except (JoseError, ValueError):  # of a key that this set does not have
                if now_ms - at_ms < OIDC_STEP_MS_MAX // 10:
                    raise
        read = _ask("GET", self._endpoint("jwks_uri", now_ms))
        fresh = KeySet.import_key_set(read)  # type: ignore[arg-type]
        self._keys = (now_ms, fresh)
        return jwt.decode(token, fresh, algorithms=ALGORITHMS)

    def _known(self, claims: Mapping[str, Any], next_path: str) -> Known:
        values = _texts(claims.get(self.settings.claim))
        roles = self.settings.roles
        role = next((one for one in ROLES if values & roles.get(one, frozenset())), "")
        if not role:
            text = "Your account there gives you no role here. Ask an administrator of the commune."
            raise Refusal(403, "no_role", text)
        bodies = {body for group, body in self.settings.bodies.items() if group in values}
        if self.settings.bodies and not bodies:  # else a group taken away would open the commune
            text = "Your account there names no body of ours. Ask an administrator of the commune."
            raise Refusal(403, "no_body", text)
        if len(bodies) > 1:  # an account is of one; which, is not ours to choose
            text = "Your account there names two bodies. Ask an administrator of the commune."
            raise Refusal(403, "two_bodies", text)
        name = claims.get("name") or claims.get("preferred_username")
        second = bool(_texts(claims.get("amr")) & SECOND_FACTORS)
        key = _hash(f"{self.settings.issuer}\0{claims['sub']}")
        name = name if isinstance(name, str) else ""
        return Known(key, name, role, next(iter(bodies), COMMUNE), second, next_path)

    def _endpoint(self, name: str, now_ms: int) -> str:
        where = self._about(now_ms).get(name)
        if not _is_text(where) or origin(str(where)) != origin(self.settings.issuer):
            raise _broken()
        return str(where)

    def _about(self, now_ms: int) -> dict[str, Any]:
        at_ms, found = self._found
        if not found or now_ms - at_ms >= OIDC_KEEP_MS:
            address = self.settings.issuer.rstrip("/") + "/.well-known/openid-configuration"
            found = _ask("GET", address)
            if found.get("issuer") != self.settings.issuer:
                raise _broken()
            self._found = (now_ms, found)
        return found


def origin(address: str) -> tuple[str, str, int | None]:
    """Scheme, host, port. An address that carries a user is none."""
    parts = urlsplit(address)
    if parts.username is not None or not parts.hostname:
        return "", "", None
    default = {"https": 443, "http": 80}.get(parts.scheme)
    return parts.scheme, parts.hostname, parts.port or default


def _fit(settings: OidcSettings) -> None:
    scheme, host, _ = origin(settings.issuer)
    if scheme != "https" and not (scheme == "http" and host in LOOPBACK):
        raise OidcSettingsError("oidc.issuer must be an https address")
    if not settings.client_id or not settings.client_secret:
        raise OidcSettingsError("oidc needs client_id and client_secret_file")
    if not any(settings.roles.values()):
        raise OidcSettingsError("oidc gives nobody a role: fill in admins, operators or readers")


def _ask(method: str, address: str, **more: Any) -> dict[str, Any]:
    """A small JSON object, or the refusal. Says nothing of what was asked: it holds secrets."""
    try:
        with (
            httpx.Client(timeout=OIDC_WAIT_S_MAX, follow_redirects=False) as client,
            client.stream(method, address, **more) as answer,
        ):
            body = bytearray()
            for part in answer.iter_bytes():
                body += part
                if len(body) > OIDC_ANSWER_BYTES_MAX:
                    raise _broken()
            if answer.status_code in (400, 401) and method == "POST":
                raise _again()
            if answer.status_code != 200:
                raise _broken()
        read = json.loads(bytes(body))
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, RecursionError) as error:
        raise _broken() from error
    if not isinstance(read, dict):
        raise _broken()
    return read


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _texts(value: object) -> set[str]:
    """A claim that is one text or a list of them; anything else says nothing."""
    listed = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return {one for one in listed if isinstance(one, str)}


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _again() -> Refusal:
    text = "Signing in there did not succeed, or took too long. Begin again."
    return Refusal(403, "oidc_failed", text)


def _broken() -> Refusal:
    text = "The identity service does not answer as it should. Try later, or use your passphrase."
    return Refusal(502, "oidc_down", text)
