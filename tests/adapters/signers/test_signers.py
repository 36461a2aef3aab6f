"""Keys in files, and the one way to name a signer."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from beffroi.adapters.signers import open_signer, pem
from beffroi.adapters.signers.file import SeedSigner, create, load
from beffroi.adapters.signers.hsm import place
from beffroi.kernel import keys
from beffroi.ports.signer import SignerError

SEED, PHRASE = b"s" * 32, "une longue phrase"
LABEL = "PRIVATE KEY"
EMPTY_PEM = f"-----BEGIN {LABEL}-----\nAA==\n".encode()


def never(what):
    raise AssertionError(f"asked for {what}")


def test_a_locked_key_opens_with_its_passphrase_only(tmp_path):
    made = create(tmp_path / "a.pem", PHRASE)
    assert load(tmp_path / "a.pem", lambda _: PHRASE).public == made.public
    for wrong in ("", "une autre phrase", PHRASE + " "):
        with pytest.raises(pem.PassphraseError):
            load(tmp_path / "a.pem", lambda _, wrong=wrong: wrong)


def test_a_locked_key_says_nothing_of_the_seed():
    locked = pem.locked(SEED, PHRASE)
    assert SEED not in locked
    assert pem.locked(SEED, PHRASE) != locked  # salt and iv are fresh


def test_the_file_names_scrypt_with_the_cost_that_was_chosen():
    """What another program reads in it (RFC 7914, section 7): N, r and p."""
    der = serialization.load_pem_private_key(pem.locked(SEED, PHRASE), PHRASE.encode())
    assert der.private_bytes_raw() == SEED
    assert pem.SCRYPT_N * pem.SCRYPT_R * 128 == 64 * 2**20


@settings(max_examples=4)
@given(seed=st.binary(min_size=32, max_size=32), phrase=st.text(min_size=10, max_size=40))
def test_what_is_locked_opens(seed, phrase):
    try:
        phrase.encode()
    except UnicodeEncodeError:
        return
    assert pem.opened(pem.locked(seed, phrase), phrase) == seed


def test_a_short_passphrase_is_refused():
    with pytest.raises(pem.PassphraseError, match="at least 10"):
        pem.locked(SEED, "court")


def test_a_key_is_never_overwritten(tmp_path):
    create(tmp_path / "a.pem", PHRASE)
    with pytest.raises(SignerError, match="never overwritten"):
        create(tmp_path / "a.pem", PHRASE)


def test_files_and_folders_are_for_their_owner(tmp_path):
    create(tmp_path / "keys" / "a.pem", None)
    assert (tmp_path / "keys" / "a.pem").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700


def test_an_open_key_that_others_can_read_is_refused(tmp_path):
    create(tmp_path / "a.pem", None)
    (tmp_path / "a.pem").chmod(0o644)
    with pytest.raises(SignerError, match="chmod 600"):
        load(tmp_path / "a.pem", never)


def test_a_locked_key_on_a_stick_without_modes_is_accepted(tmp_path):
    create(tmp_path / "a.pem", PHRASE)
    (tmp_path / "a.pem").chmod(0o755)
    assert load(tmp_path / "a.pem", lambda _: PHRASE).public


def test_another_kind_of_key_is_refused():
    other = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    with pytest.raises(SignerError, match="not an Ed25519 key"):
        pem.opened(other, None)


@pytest.mark.parametrize("data", [b"", b"hello", EMPTY_PEM, b"x" * 9_999])
def test_junk_is_no_key(data):
    with pytest.raises(SignerError):
        pem.opened(data, None)


def test_a_signature_holds_for_its_message_alone():
    signer = SeedSigner(SEED)
    made = signer.sign(b"one")
    assert made.key == keys.key_id(signer.kind, signer.public)
    assert keys.verify(signer.public, made.value, b"one")
    assert not keys.verify(signer.public, made.value, b"two")


def test_a_file_is_named_by_its_uri(tmp_path):
    made = create(tmp_path / "a.pem", PHRASE)
    assert open_signer(f"file:{tmp_path}/a.pem", lambda _: PHRASE).public == made.public


@pytest.mark.parametrize(
    "uri", ["", "file", "file:", "a.pem", "ssh:key", "pkcs11:x", "file:/no/such"]
)
def test_what_names_no_signer_is_said(uri):
    with pytest.raises(SignerError):
        open_signer(uri, never)


@pytest.mark.parametrize(
    "uri",
    [
        "pkcs11:token=a?module-path=/m",
        "pkcs11:token=a;object=b",
        "pkcs11:token=a;object=b?pin-value=1&module-path=/m",
        "pkcs11:token=a;object=b;x=c?module-path=/m",
    ],
)
def test_a_module_is_named_in_full_and_never_with_its_pin(uri, monkeypatch):
    monkeypatch.delenv("BEFFROI_PKCS11_MODULE", raising=False)
    with pytest.raises(SignerError):
        place(uri)


def test_a_module_may_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("BEFFROI_PKCS11_MODULE", "/m.so")
    assert place("pkcs11:token=la%20mairie;object=b") == ("/m.so", "la mairie", "b")
