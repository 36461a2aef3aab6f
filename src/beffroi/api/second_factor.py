"""A second factor for signing in: time-based codes (RFC 6238) and one-time recovery codes.

Secrets lie in the vault under the account's own key; recovery codes as hashes. A code opens once:
the step it belongs to is remembered. Between passphrase and code somebody holds a ticket of 256
random bits that dies after a few wrong codes. Knows no page.
"""

from __future__ import annotations

import base64
import hmac
import json
import secrets
import threading
from typing import NamedTuple
from urllib.parse import quote

from beffroi.api import own_data, sessions
from beffroi.api.access import SECOND, SECOND_NEEDED
from beffroi.api.policies import ROLES
from beffroi.api.problems import Refusal
from beffroi.api.tries import Tries
from beffroi.hub.privacy.egress import OWN
from beffroi.hub.services import Services
from beffroi.model.limits import (
    RECOVERY_CODES,
    SECOND_STEP_S_MAX,
    SECOND_STEPS_MAX,
    TIME_MS_MAX,
    TOTP_DIGITS,
    TOTP_DRIFT_STEPS,
    TOTP_STEP_S,
)
from beffroi.ports.store import User

SEED, NEW_SEED, STEP, RECOVERY = (
    "secret.totp",
    "secret.totp_new",
    "secret.totp_step",
    "secret.recovery",
)
WRONG_MAX = 5  # codes per ticket
SEED_BYTES = 20  # RFC 4226 section 4, R6
RECOVERY_CHARS = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that looks like another
RECOVERY_LENGTH = 16  # 79 bits
_using = threading.Lock()  # a code is not used twice at the same moment


class Ticket(NamedTuple):
    """Somebody whose passphrase was right."""

    user_id: str
    ends_ms: int
    wrong: int


def hotp(seed: bytes, counter: int, digits: int = TOTP_DIGITS) -> str:
    """RFC 4226 section 5.3, with SHA-1 as every authenticator expects."""
    mac = hmac.digest(seed, counter.to_bytes(8, "big"), "sha1")
    at = mac[-1] & 0x0F
    number = int.from_bytes(mac[at : at + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**digits:0{digits}d}"


def step_of(seed: bytes, code: str, now_ms: int, after: int) -> int | None:
    """The time step this code is right for, later than `after`; None when it is wrong."""
    here, given = now_ms // 1000 // TOTP_STEP_S, code.encode(errors="replace")
    found = None
    for step in range(here - TOTP_DRIFT_STEPS, here + TOTP_DRIFT_STEPS + 1):
        if hmac.compare_digest(hotp(seed, step).encode(), given) and step > after:
            found = step
    return found


def is_on(services: Services, user_id: str) -> bool:
    return services.store.people.setting(SECOND + user_id) == "on"


def required(services: Services, role: str) -> bool:
    return services.store.people.setting(SECOND_NEEDED + role) == "yes"


def require(services: Services, roles: set[str], by: User) -> None:
    """Which roles may not work without one."""
    people, now = services.store.people, services.clock.now_ms()
    for role in ROLES:
        people.put_setting(SECOND_NEEDED + role, "yes" if role in roles else "")
    people.log_access(now, by.id, "second_factor.required", " ".join(sorted(roles)))


def begin(services: Services, user: User) -> str:
    """A fresh secret in base32, not in force before a code of it was entered."""
    seed = secrets.token_bytes(SEED_BYTES)
    _put(services, user.id, NEW_SEED, seed)
    return base64.b32encode(seed).decode()


def pending(services: Services, user: User) -> str:
    """The secret that waits for its first code, "" for none."""
    seed = _get(services, user.id, NEW_SEED)
    return base64.b32encode(seed).decode() if seed else ""


def uri(secret: str, user: User, commune: str) -> str:
    """What an authenticator reads from the picture."""
    issuer = quote(f"Beffroi {commune}".strip())
    return f"otpauth://totp/{issuer}:{quote(user.name)}?secret={secret}&issuer={issuer}"


def turn_on(services: Services, tries: Tries, user: User, code: str) -> list[str]:
    """The recovery codes, shown this once. Replaces an earlier factor."""
    seed, now = _get(services, user.id, NEW_SEED), services.clock.now_ms()
    _allow(tries, user.id, now)
    step = step_of(seed, _plain(code), now, 0) if seed else None
    if seed is None or step is None:
        raise Refusal(422, "code_wrong", "This code is not right. Wait for the next one.")
    codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
    hashes = [sessions.hashed(_plain(one)) for one in codes]
    _put(services, user.id, RECOVERY, json.dumps(hashes).encode())
    _put(services, user.id, STEP, str(step).encode())
    _put(services, user.id, SEED, seed)
    _put(services, user.id, NEW_SEED, b"")
    services.store.people.put_setting(SECOND + user.id, "on")
    services.store.people.log_access(now, user.id, "second_factor.on", user.id)
    return codes


def turn_off(services: Services, user_id: str, by: User) -> None:
    """By the person after their passphrase, or by an administrator when a telephone is lost."""
    if own_data.subject_of(services, user_id):
        for name in (SEED, NEW_SEED, STEP, RECOVERY):
            _put(services, user_id, name, b"")
    services.store.people.put_setting(SECOND + user_id, "")
    services.store.people.log_access(services.clock.now_ms(), by.id, "second_factor.off", user_id)


def check(services: Services, tries: Tries, user: User, code: str) -> None:
    """Refusal unless this code is right; it is used up."""
    now, plain = services.clock.now_ms(), _plain(code)
    _allow(tries, user.id, now)
    with _using:
        right = _use_step(services, user.id, plain, now) or _use_recovery(services, user.id, plain)
    if not right:
        services.store.people.log_access(now, user.id, "second_factor.wrong", user.id)
        raise Refusal(401, "code_wrong", "This code is not right. Wait for the next one.")
    tries.forget(f"second:{user.id}")


def recovery_left(services: Services, user_id: str) -> int:
    return len(json.loads(_get(services, user_id, RECOVERY) or b"[]"))


class Tickets:
    """Between the two steps, in bounded memory; a restart asks for the passphrase again."""

    def __init__(self) -> None:
        self._open: dict[str, Ticket] = {}
        self._lock = threading.Lock()

    def issue(self, user_id: str, now_ms: int) -> str:
        token = secrets.token_urlsafe(32)
        with self._lock:
            while len(self._open) >= SECOND_STEPS_MAX:
                self._open.pop(next(iter(self._open)))
            ends = now_ms + SECOND_STEP_S_MAX * 1000
            self._open[sessions.hashed(token)] = Ticket(user_id, ends, 0)
        return token

    def holder(self, token: str, now_ms: int) -> str:
        """The account's id; each look counts, and a few looks end it."""
        key = sessions.hashed(token)
        with self._lock:
            ticket = self._open.pop(key, None)
            if ticket is None or ticket.ends_ms <= now_ms:
                text = "This took too long or too many codes. Begin again with your passphrase."
                raise Refusal(410, "step_gone", text)
            if ticket.wrong + 1 < WRONG_MAX:
                self._open[key] = ticket._replace(wrong=ticket.wrong + 1)
        return ticket.user_id

    def close(self, token: str) -> None:
        with self._lock:
            self._open.pop(sessions.hashed(token), None)


def keep(services: Services, user_id: str, name: str, text: str) -> None:
    """A secret of the account."""
    _put(services, user_id, name, text.encode())


def kept(services: Services, user_id: str, name: str) -> str:
    return (_get(services, user_id, name) or b"").decode()


def _use_step(services: Services, user_id: str, code: str, now_ms: int) -> bool:
    seed = _get(services, user_id, SEED)
    if not seed or len(code) != TOTP_DIGITS:
        return False
    step = step_of(seed, code, now_ms, int(_get(services, user_id, STEP) or 0))
    if step is None:
        return False
    _put(services, user_id, STEP, str(step).encode())
    _put(services, user_id, SEED, seed)  # its time begins anew: who signs in keeps it
    return True


def _use_recovery(services: Services, user_id: str, code: str) -> bool:
    hashes: list[str] = json.loads(_get(services, user_id, RECOVERY) or b"[]")
    given = sessions.hashed(code)
    if len(code) != RECOVERY_LENGTH or given not in hashes:
        return False
    hashes.remove(given)
    _put(services, user_id, RECOVERY, json.dumps(hashes).encode())
    return True


def _allow(tries: Tries, user_id: str, now_ms: int) -> None:
    if not tries.allowed(f"second:{user_id}", now_ms):
        raise Refusal(429, "too_many_tries", "Too many attempts. Wait ten minutes, then try again.")


def _recovery_code() -> str:
    code = "".join(secrets.choice(RECOVERY_CHARS) for _ in range(RECOVERY_LENGTH))
    return "-".join(code[at : at + 4] for at in range(0, RECOVERY_LENGTH, 4))


def _plain(code: str) -> str:
    return "".join(code.split()).replace("-", "").lower()[:64]


def _get(services: Services, user_id: str, name: str) -> bytes | None:
    subject = own_data.subject_of(services, user_id)
    if not subject:
        return None
    vault = own_data.keeper_of(services).vault
    return vault.get(subject, name, OWN + user_id, services.clock.now_ms()) or None


def _put(services: Services, user_id: str, name: str, value: bytes) -> None:
    subject, now = own_data.subject_for(services, user_id), services.clock.now_ms()
    vault = own_data.keeper_of(services).vault
    vault.put(subject, own_data.PURPOSE, name, value, now, TIME_MS_MAX)
