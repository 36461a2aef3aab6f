"""The signed indicator file that a commune gives to others: written, read strictly, verified.

A DSSE envelope in JSON: payload type, payload in base64, Ed25519 signatures over the
pre-authentication encoding. Holds public indicators only: no person, no device, nothing of
vigilance. Refuses whatever is not exactly of this form, and every key that was not pinned for that
very commune.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from beffroi import law
from beffroi.kernel import keys
from beffroi.kernel.dsse import pae
from beffroi.model.limits import PEER_FILE_BYTES_MAX, TIME_MS_MAX, VALUE_ABS_MAX
from beffroi.model.measure import DAY_MS, Measured, Span

KIND = "application/vnd.beffroi.indicators+json"
FIELDS = {"v", "commune", "start_ms", "end_ms", "made_ms", "figures"}
FIGURE = {"value", "known", "n", "spread"}


class PeerFileError(ValueError):
    """The file is not taken; the text says why."""


@dataclass(frozen=True, slots=True)
class PeerFigure:
    """One figure of another commune."""

    value: float
    known: float
    n: int
    spread: float | None


@dataclass(frozen=True, slots=True)
class PeerFile:
    """`commune` is an INSEE code."""

    commune: str
    span: Span
    made_ms: int
    figures: Mapping[str, PeerFigure]


def write_file(
    commune: str, span: Span, made_ms: int, figures: Mapping[str, Measured], seed: bytes
) -> bytes:
    """What is proven and public, signed."""
    told = {
        ident: {"value": one.value, "known": one.known, "n": one.n, "spread": one.spread}
        for ident, one in figures.items()
        if one.value is not None and law.indicators()[ident].public
    }
    body = {"v": 1, "commune": commune, "start_ms": span.start_ms, "end_ms": span.end_ms,
            "made_ms": made_ms, "figures": told}  # fmt: skip
    payload = json.dumps(body, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
    key = keys.key_id(keys.ED25519, keys.public_of(seed))
    sig = base64.b64encode(keys.sign(seed, pae(KIND, payload))).decode()
    envelope = {
        "payloadType": KIND,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [{"keyid": key, "sig": sig}],
    }
    return json.dumps(envelope, indent=1).encode() + b"\n"


def read_file(data: bytes, pins: Mapping[str, bytes], now_ms: int) -> PeerFile:
    """`pins`: Ed25519 public key by INSEE code. PeerFileError."""
    if len(data) > PEER_FILE_BYTES_MAX:
        raise PeerFileError(f"larger than {PEER_FILE_BYTES_MAX} bytes")
    envelope = _object(_json(data), {"payloadType", "payload", "signatures"})
    if envelope["payloadType"] != KIND:
        raise PeerFileError("not a file of indicators")
    payload = _base64(envelope["payload"])
    body = _object(_json(payload), FIELDS)
    commune = body["commune"]
    public = pins.get(commune) if isinstance(commune, str) else None
    if public is None:
        raise PeerFileError(f"no key is pinned for the commune {str(commune)[:20]!r}: pin it first")
    if keys.weak(public) or not _signed(envelope["signatures"], public, pae(KIND, payload)):
        raise PeerFileError("the signature is not that of the pinned key")
    return _read(commune, body, now_ms)


def _read(commune: str, body: Mapping[str, Any], now_ms: int) -> PeerFile:
    times = [body["start_ms"], body["end_ms"], body["made_ms"]]
    if body["v"] != 1 or any(type(t) is not int or not 0 <= t <= TIME_MS_MAX for t in times):
        raise PeerFileError("of another version, or with impossible times")
    start, end, made = times
    if not start < end <= made or made > now_ms + DAY_MS:
        raise PeerFileError("its period or its date is impossible")
    figures = body["figures"]
    known = {ident for ident, item in law.indicators().items() if item.public}
    if not isinstance(figures, dict) or not set(figures) <= known:
        raise PeerFileError("it holds something else than public indicators")
    return PeerFile(commune, Span(start, end), made, {i: _figure(f) for i, f in figures.items()})


def _figure(raw: Any) -> PeerFigure:
    one = _object(raw, FIGURE)
    spread = one["spread"]
    good = (
        _number(one["value"])
        and _number(one["known"])
        and 0 <= one["known"] <= 1
        and type(one["n"]) is int
        and 0 <= one["n"] <= VALUE_ABS_MAX
        and (spread is None or (_number(spread) and spread >= 0))
    )
    if not good:
        raise PeerFileError("one of its figures is no figure")
    return PeerFigure(
        float(one["value"]),
        float(one["known"]),
        one["n"],
        None if spread is None else float(spread),
    )


def _number(value: Any) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and abs(value) <= VALUE_ABS_MAX  # neither NaN nor infinite
    )


def _signed(signatures: Any, public: bytes, message: bytes) -> bool:
    if not isinstance(signatures, list) or not 1 <= len(signatures) <= 4:
        return False
    wanted = keys.key_id(keys.ED25519, public)
    for one in signatures:
        signature = _object(one, {"keyid", "sig"})
        if signature["keyid"] == wanted and keys.verify(public, _base64(signature["sig"]), message):
            return True
    return False


def _object(raw: Any, names: set[str]) -> dict[str, Any]:
    if not isinstance(raw, dict) or set(raw) != names:
        raise PeerFileError(f"expected exactly {sorted(names)}")
    return raw


def _json(data: bytes) -> Any:
    try:
        return json.loads(data.decode(), object_pairs_hook=_once, parse_constant=_nothing)
    except (ValueError, RecursionError) as error:
        raise PeerFileError("not JSON in the expected form") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a key twice")
    return dict(pairs)


def _nothing(word: str) -> Any:
    raise ValueError(f"{word} is no number")


def _base64(text: Any) -> bytes:
    try:
        return base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except (binascii.Error, ValueError) as error:
        raise PeerFileError("not base64") from error
