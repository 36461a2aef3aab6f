"""Cryptography behind its one door: Ed25519, passkeys, weak keys. Assertions are real ES256."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given
from hypothesis import strategies as st
from tests.kernel.world import PAGE, RP_ID, Page, passkey, point, public, seed

from beffroi.kernel import keys
from beffroi.kernel.keys import Assertion

MESSAGE = b"DSSEv1 ..."
POINT = point(passkey("mayor"))


def holds(
    page: Page | None = None,
    *,
    message: bytes = MESSAGE,
    public_key: bytes = POINT,
    value: bytes | None = None,
    assertion: Assertion | None = None,
    rp_id: str = RP_ID,
    origins: tuple[str, ...] = (PAGE,),
) -> bool:
    made, true = (page or Page()).assertion(MESSAGE)
    return keys.verify_passkey(
        public_key, value or true, message, assertion or made, rp_id, origins
    )


def resign(data: bytes, client: bytes, name: str = "mayor") -> tuple[Assertion, bytes]:
    """An authenticator that signs whatever it is given."""
    signed = data + hashlib.sha256(client).digest()
    return Assertion(data, client), passkey(name).sign(signed, ec.ECDSA(hashes.SHA256()))


def signed_client(client: bytes) -> bool:
    data = Page().assertion(MESSAGE)[0].authenticator_data
    assertion, value = resign(data, client)
    return holds(assertion=assertion, value=value)


def test_a_true_assertion_holds() -> None:
    assert holds()
    assert holds(origins=("https://other.example", PAGE))
    assert holds(Page({"crossOrigin": ...})), "older browsers leave it out"
    assert holds(Page({"extra_of_a_browser": "yes"}))


@given(st.integers(0, 255))
def test_present_and_verified_are_both_asked(flags: int) -> None:
    assert holds(Page(flags=flags)) == (flags & 0x05 == 0x05)


LIES = {
    "another origin": Page({"origin": "https://evil.example"}),
    "an origin with a slash": Page({"origin": PAGE + "/"}),
    "an origin with a port": Page({"origin": PAGE + ":8443"}),
    "origin in capitals": Page({"origin": PAGE.upper()}),
    "origins as a list": Page({"origin": [PAGE]}),
    "no origin": Page({"origin": ...}),
    "origin null": Page({"origin": None}),
    "a subdomain": Page({"origin": PAGE.replace("hub.", "evil.hub.")}),
    "plain http": Page({"origin": PAGE.replace("https", "http")}),
    "another relying party": Page(rp_id="evil.example"),
    "the parent domain": Page(rp_id="bourg.example"),
    "a registration": Page({"type": "webauthn.create"}),
    "a payment": Page({"type": "payment.get"}),
    "no type": Page({"type": ...}),
    "another challenge": Page({"challenge": "A" * 43}),
    "no challenge": Page({"challenge": ...}),
    "an empty challenge": Page({"challenge": ""}),
    "a challenge as a number": Page({"challenge": 7}),
    "in another site's frame": Page({"crossOrigin": True}),
    "crossOrigin as a text": Page({"crossOrigin": "false"}),
    "crossOrigin null": Page({"crossOrigin": None}),
    "crossOrigin as zero": Page({"crossOrigin": 0}),
    "crossOrigin empty": Page({"crossOrigin": ""}),
    "somebody else": Page(name="eve"),
}


@pytest.mark.parametrize("name", LIES)
def test_a_lie(name: str) -> None:
    assert not holds(LIES[name])


def test_the_challenge_is_of_these_bytes_in_one_form() -> None:
    assert keys.challenge(MESSAGE) == hashlib.sha256(MESSAGE).digest()
    assert not holds(message=MESSAGE + b" ")
    wanted = json.loads(Page().assertion(MESSAGE)[0].client_data_json)["challenge"]
    assert not holds(Page({"challenge": wanted + "="})), "padding is another form"
    assert not holds(Page({"challenge": hashlib.sha256(MESSAGE).hexdigest()}))


def test_client_data_that_is_no_json_object() -> None:
    good = Page().assertion(MESSAGE)[0].client_data_json
    assert signed_client(good)
    odd = [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{",
        good[:-1],
        good + b"x",
        b"\xff" + good,
        good.decode().encode("utf-16"),
        good.decode().encode("utf-32"),
        b"\xef\xbb\xbf" + good,
        b"[" * 5_000,
        b'{"a":' * 5_000,
        b"1" * 10_000,
    ]
    for client in odd:
        assert not signed_client(client), client[:20]


def test_authenticator_data_that_is_cut_or_changed() -> None:
    assertion, _ = Page().assertion(MESSAGE)
    data, client = assertion.authenticator_data, assertion.client_data_json
    for cut in (0, 31, 32, 33, 36):
        short, value = resign(data[:cut], client)
        assert not holds(assertion=short, value=value)
    longer, value = resign(data + b"extensions", client)
    assert holds(assertion=longer, value=value)
    assert not holds(assertion=replace(assertion, authenticator_data=data[:-1] + b"\x08"))
    assert not holds(assertion=replace(assertion, client_data_json=client + b" "))


def test_the_site_is_of_the_roster() -> None:
    assert not holds(rp_id="other.example")
    assert not holds(rp_id="")
    assert not holds(origins=())
    assert not holds(origins=(PAGE[:-1],))


def test_keys_and_signatures_that_are_none() -> None:
    _, value = Page().assertion(MESSAGE)
    for bad in (b"0", bytes(64), bytes(72), value[:-1], value + b"\0", b"\x30\x00"):
        assert not holds(value=bad)
    for odd in (
        bytes(65),
        b"\x04" + bytes(64),
        b"\x06" + POINT[1:],
        POINT[:64],
        b"",
        POINT[:-1] + bytes([POINT[-1] ^ 1]),
        point(passkey("eve")),
    ):
        assert not holds(public_key=odd)
    r, s = decode_dss_signature(value)
    assert r
    assert s


@given(st.binary(max_size=100), st.binary(max_size=100))
def test_ed25519(message: bytes, other: bytes) -> None:
    value = keys.sign(seed("clerk"), message)
    assert keys.verify(public("clerk"), value, message)
    assert keys.verify(public("clerk"), value, other) == (message == other)
    assert not keys.verify(public("eve"), value, message)


@given(st.binary(max_size=70), st.binary(max_size=70))
def test_what_is_no_key_or_signature_does_not_hold(key: bytes, value: bytes) -> None:
    assert not keys.verify(public("clerk"), value, MESSAGE)
    if len(key) != 32 or not keys.weak(key):
        assert not keys.verify(key, value, MESSAGE)


def test_a_signature_has_one_form() -> None:
    """S + L holds under careless verifiers: two byte strings for one signature."""
    order = 2**252 + 27742317777372353535851937790883648493
    value = keys.sign(seed("clerk"), MESSAGE)
    s = int.from_bytes(value[32:], "little") + order
    assert not keys.verify(public("clerk"), value[:32] + s.to_bytes(32, "little"), MESSAGE)


# --- points of small order, found here by the group law itself (RFC 8032, section 5.1) ---
P = 2**255 - 19
D = -121665 * pow(121666, P - 2, P) % P
Point = tuple[int, int]


def add(a: Point, b: Point) -> Point:
    (x1, y1), (x2, y2) = a, b
    k = D * x1 * x2 * y1 * y2
    return (
        (x1 * y2 + x2 * y1) * pow(1 + k, P - 2, P) % P,
        (y1 * y2 + x1 * x2) * pow(1 - k, P - 2, P) % P,
    )


def times8(a: Point) -> Point:
    for _ in range(3):
        a = add(a, a)
    return a


def x_of(y: int) -> int | None:
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    for root in (x, x * pow(2, (P - 1) // 4, P) % P):
        if root * root % P == square:
            return root
    return None


def of_small_order(public_key: bytes) -> bool:
    y = int.from_bytes(public_key, "little") % 2**255 % P
    x = x_of(y)
    return x is not None and times8((x, y)) == (0, 1)


def test_weak_keys_are_exactly_the_points_of_small_order() -> None:
    weak = [y + sign * 2**255 for y in keys._SMALL_ORDER for sign in (0, 1)]
    for number in weak:
        raw = number.to_bytes(32, "little")
        assert keys.weak(raw)
        assert of_small_order(raw)
    assert len({x % P for x in keys._SMALL_ORDER}) == 5, "one, minus one, zero, two of order 8"
    near = [y + d for y in keys._SMALL_ORDER for d in (-1, 1, 2)]
    for number in near:
        raw = (number % 2**255).to_bytes(32, "little")
        assert keys.weak(raw) == of_small_order(raw)
    assert not keys.weak(public("clerk"))


def test_why_weak_keys_are_refused() -> None:
    """Anybody signs under the neutral element: R = B, S = 1 holds for every message."""
    base_y = 4 * pow(5, P - 2, P) % P
    anybody = base_y.to_bytes(32, "little") + (1).to_bytes(32, "little")
    neutral = (1).to_bytes(32, "little")
    if keys.verify(neutral, anybody, MESSAGE):
        assert keys.verify(neutral, anybody, b"anything else")
    assert keys.weak(neutral)


def test_names_of_keys() -> None:
    assert (
        keys.key_id(keys.ED25519, b"k")
        == (hashlib.sha256(b"beffroi-key\0ed25519\0k").hexdigest()[:32])
    )
    assert keys.key_id(keys.ED25519, POINT) != keys.key_id(keys.PASSKEY, POINT)
    assert keys.same(b"a", b"a")
    assert not keys.same(b"a", b"b")
    assert not keys.same(b"a", b"aa")
