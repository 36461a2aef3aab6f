"""The authority: what it signs verifies with OpenSSL, what it must not sign it refuses."""

from __future__ import annotations

import stat
import subprocess
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import given
from hypothesis import strategies as st

from beffroi.adapters.pki import ca

NOW_MS = time.time_ns() // 1_000_000
DAY_MS = 86_400_000


@pytest.fixture
def authority(tmp_path: Path) -> ca.CertificateAuthority:
    return ca.CertificateAuthority(tmp_path / "ca", NOW_MS)


def csr(key: object, name: str = "whatever") -> bytes:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    return builder.sign(key, SHA256()).public_bytes(ca.serialization.Encoding.PEM)


def test_openssl_accepts_device_as_client_only(authority, tmp_path):
    issued = authority.issue_device("dev-1", ca.new_key().public_key(), NOW_MS)
    (tmp_path / "d.crt").write_bytes(issued.cert_pem)
    verify = ["openssl", "verify", "-x509_strict", "-CAfile", authority.folder / "ca.crt"]
    client = subprocess.run([*verify, "-purpose", "sslclient", tmp_path / "d.crt"])
    server = subprocess.run([*verify, "-purpose", "sslserver", tmp_path / "d.crt"])
    assert (client.returncode, server.returncode != 0) == (0, True)


def test_openssl_accepts_server_for_its_names_only(authority):
    cert, _ = authority.server_files(["localhost", "127.0.0.1"], NOW_MS)
    verify = ["openssl", "verify", "-x509_strict", "-CAfile", authority.folder / "ca.crt"]
    good = subprocess.run([*verify, "-verify_ip", "127.0.0.1", cert])
    bad = subprocess.run([*verify, "-verify_hostname", "elsewhere.example", cert])
    assert (good.returncode, bad.returncode != 0) == (0, True)


def test_device_certificate_says_who_what_and_how_long(authority):
    issued = authority.issue_device("dev-1", ca.new_key().public_key(), NOW_MS)
    cert = x509.load_pem_x509_certificate(issued.cert_pem)
    usage = cert.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert cert.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "dev-1"
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert f"{cert.serial_number:x}" == issued.serial
    assert 365 <= (cert.not_valid_after_utc - cert.not_valid_before_utc).days <= 367


def test_secrets_are_private_and_every_serial_is_recorded(authority):
    serials = {authority.issue_device(f"d-{i}", ca.new_key().public_key(), NOW_MS).serial
               for i in range(5)}  # fmt: skip
    authority.server_files(["localhost"], NOW_MS)
    for name in ("ca.key", "server.key"):
        assert stat.S_IMODE((authority.folder / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(authority.folder.stat().st_mode) == 0o700
    recorded = {item["serial"] for item in authority.issued() if item["kind"] == "device"}
    assert recorded == serials
    assert len(serials) == 5


def test_reopening_keeps_the_authority(authority):
    again = ca.CertificateAuthority(authority.folder, NOW_MS)
    assert again.ca_pem == authority.ca_pem


def test_a_damaged_authority_is_never_replaced(authority):
    (authority.folder / "ca.key").write_bytes(b"junk")
    with pytest.raises(ca.AuthorityError, match="restore it from a backup"):
        ca.CertificateAuthority(authority.folder, NOW_MS)
    other = ca.key_pem(ca.new_key())
    (authority.folder / "ca.key").write_bytes(other)
    with pytest.raises(ca.AuthorityError, match="does not belong"):
        ca.CertificateAuthority(authority.folder, NOW_MS)


def test_server_certificate_is_kept_until_near_its_end_or_other_names(authority):
    names = ["localhost", "127.0.0.1"]
    cert, _ = authority.server_files(names, NOW_MS)
    first = cert.read_bytes()
    authority.server_files(list(reversed(names)), NOW_MS + 10 * DAY_MS)
    assert cert.read_bytes() == first
    authority.server_files([*names, "hub.example"], NOW_MS)
    second = cert.read_bytes()
    assert second != first
    authority.server_files([*names, "hub.example"], NOW_MS + 320 * DAY_MS)
    assert cert.read_bytes() != second


def test_no_certificate_outlives_the_authority(authority):
    late_ms = NOW_MS + 3_600 * DAY_MS
    issued = authority.issue_device("dev-1", ca.new_key().public_key(), late_ms)
    end_ms = int(authority.cert.not_valid_after_utc.timestamp() * 1000)
    assert issued.not_after_ms == end_ms


def test_csr_gives_its_key(authority):
    key = ca.new_key()
    assert ca.read_csr(csr(key)) == key.public_key()


def test_csr_of_another_kind_of_key_is_refused():
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    with pytest.raises(ca.CsrError, match="P-256"):
        ca.read_csr(csr(key))


def test_csr_signed_by_another_key_is_refused():
    good = x509.load_pem_x509_csr(csr(ca.new_key())).public_bytes(ca.serialization.Encoding.DER)
    broken = good[:-1] + bytes([good[-1] ^ 1])  # the last byte of the signature
    pem = subprocess.run(
        ["openssl", "req", "-inform", "DER", "-outform", "PEM"], input=broken, capture_output=True
    ).stdout
    with pytest.raises(ca.CsrError):
        ca.read_csr(pem or broken)


@given(st.binary(max_size=300))
def test_any_bytes_as_csr_are_refused_cleanly(data):
    with pytest.raises(ca.CsrError):
        ca.read_csr(data)


def test_huge_csr_is_refused_unread():
    with pytest.raises(ca.CsrError, match="bytes"):
        ca.read_csr(b"-" * 20_000)
