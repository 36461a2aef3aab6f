"""The container, beside securesystemslib as an independent DSSE."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.dsse import Envelope as TheirEnvelope
from securesystemslib.signer import CryptoSigner, SSlibKey
from securesystemslib.signer import Signature as Theirs
from tests.kernel.world import logged, public, seed, signature, trial

from beffroi.kernel import keys
from beffroi.kernel.canonical import CanonicalError, decode, encode
from beffroi.kernel.document import FieldError
from beffroi.kernel.dsse import COMMAND, TYPES, Signed, pack, pae, unpack

KINDS = st.sampled_from(TYPES) | st.text(st.characters(codec="utf-8"), max_size=20)


@given(KINDS, st.binary(max_size=200))
def test_the_bytes_to_sign_are_those_of_another_dsse(kind: str, payload: bytes) -> None:
    assert pae(kind, payload) == TheirEnvelope(payload, kind, {}).pae()


def test_the_vector_of_the_standard() -> None:
    assert pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_another_dsse_verifies_what_we_sign_and_signs_what_we_verify() -> None:
    ours = Signed(COMMAND, b"{}").by(seed("clerk"))
    key = SSlibKey("k", "ed25519", "ed25519", {"public": public("clerk").hex()})
    key.verify_signature(Theirs("k", ours.signatures[0].value.hex()), ours.pae)
    signer = CryptoSigner.generate_ed25519()
    theirs = TheirEnvelope(b"{}", COMMAND, {})
    value = bytes.fromhex(theirs.sign(signer).signature)
    their_public = bytes.fromhex(signer.public_key.keyval["public"])
    assert keys.verify(their_public, value, ours.pae)


@given(st.tuples(KINDS, st.binary(max_size=40)), st.tuples(KINDS, st.binary(max_size=40)))
def test_two_things_never_have_the_same_bytes(
    one: tuple[str, bytes], other: tuple[str, bytes]
) -> None:
    assert (one == other) == (pae(*one) == pae(*other))


def test_what_is_packed_is_unpacked() -> None:
    whole = replace(trial("alert").signed(), logged=logged(b"d" * 32))
    assert unpack(pack(whole)) == whole
    assert unpack(pack(Signed(COMMAND, b"x"))) == Signed(COMMAND, b"x")


def test_one_more_signature() -> None:
    bare = Signed(COMMAND, b"x")
    twice = bare.by(seed("hub")).plus(signature("clerk", bare.pae))
    assert [s.key for s in twice.signatures] == [
        keys.key_id(keys.ED25519, public("hub")),
        keys.key_id(keys.ED25519, public("clerk")),
    ]
    assert all(
        keys.verify(public(name), one.value, bare.pae)
        for name, one in zip(("hub", "clerk"), twice.signatures, strict=True)
    )


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "application/vnd.beffroi.other+cbor"},
        {"kind": 7},
        {"payload": b""},
        {"payload": b"x" * 4_097},
        {"payload": "text"},
        {"signatures": {}},
        {"signatures": [1]},
        {"signatures": [{"key": "k", "value": b""}]},
        {"signatures": [{"key": "k", "value": b"", "assertion": None}]},
        {"signatures": [{"key": "k", "value": b"x" * 129, "assertion": None}]},
        {"signatures": [{"key": "é", "value": b"x", "assertion": None}]},
        {"signatures": [{"key": "k", "value": b"x", "assertion": {}}]},
        {"logged": {}},
        {"logged": False},
        {"more": 1},
    ],
    ids=str,
)
def test_a_container_that_is_not_quite_one(change: dict[str, object]) -> None:
    good = decode(pack(trial().signed()), 16_384)
    assert isinstance(good, dict)
    with pytest.raises(FieldError):
        unpack(encode({**good, **change}))


def test_too_large() -> None:
    with pytest.raises(CanonicalError):
        unpack(pack(trial().signed()) + bytes(16_384))
