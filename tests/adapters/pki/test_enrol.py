"""Invitations are used once, void when the device changed, and revocation is for good."""

from __future__ import annotations

import contextlib
import ssl
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509

from beffroi.adapters.pki import ca
from beffroi.adapters.pki.enrol import Enrolment
from beffroi.adapters.sql import SqlStore, open_store
from beffroi.model.asset import Device
from beffroi.model.limits import ENROL_TOKEN_S_MAX
from beffroi.ports.identity import PREVIOUS_SETTING, IdentityError

DAY_MS = 86_400_000


class Hands:
    """A clock that the test turns."""

    def __init__(self) -> None:
        self.ms = 1_790_000_000_000

    def now_ms(self) -> int:
        return self.ms


class Office:
    """Everything a test needs."""

    def __init__(self, home: Path) -> None:
        self.clock = Hands()
        self.store: SqlStore = open_store(f"sqlite:///{home / 'b.sqlite'}")
        self.authority = ca.CertificateAuthority(home / "ca", self.clock.now_ms())
        self.enrolment = Enrolment(self.authority, self.store, self.clock, "localhost", 8883)
        self.store.assets.put_devices([Device("dev-1", "tank-1", status="pending")])

    def device(self) -> Device:
        found = self.store.assets.device("dev-1")
        assert found is not None
        return found


@pytest.fixture
def office(tmp_path):
    made = Office(tmp_path)
    yield made
    made.store.close()


def test_a_token_makes_a_bundle_that_tls_can_use(office, tmp_path):
    made = office.enrolment.redeem(office.enrolment.invite("dev-1"))
    for name, content in made.files.items():
        (tmp_path / name).write_bytes(content)
    context = ssl.create_default_context(cafile=str(tmp_path / "ca.crt"))
    context.load_cert_chain(tmp_path / "device.crt", tmp_path / "device.key")
    device = office.device()
    assert (device.status, device.cert_serial) == ("enrolled", made.cert_serial)
    assert device.cert_not_after_ms == made.cert_not_after_ms


def test_the_store_never_sees_the_token(office, tmp_path):
    token = office.enrolment.invite("dev-1")
    office.store.close()
    for path in tmp_path.glob("b.sqlite*"):
        assert token.encode() not in path.read_bytes()


def test_a_token_works_once(office):
    token = office.enrolment.invite("dev-1")
    office.enrolment.redeem(token)
    with pytest.raises(IdentityError, match="unknown, used or expired"):
        office.enrolment.redeem(token)


def test_of_many_at_once_exactly_one_wins(office):
    token, won = office.enrolment.invite("dev-1"), []

    def try_it() -> None:
        with contextlib.suppress(IdentityError):
            won.append(office.enrolment.redeem(token).cert_serial)

    threads = [threading.Thread(target=try_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1


def test_a_token_expires(office):
    token = office.enrolment.invite("dev-1")
    office.clock.ms += ENROL_TOKEN_S_MAX * 1_000 + 1
    with pytest.raises(IdentityError):
        office.enrolment.redeem(token)


def test_a_token_from_before_the_revocation_is_void(office):
    token = office.enrolment.invite("dev-1")
    office.enrolment.revoke("dev-1", "maire")
    with pytest.raises(IdentityError, match="changed since"):
        office.enrolment.redeem(token)
    assert office.device().status == "revoked"


def test_a_second_token_is_void_once_the_first_is_used(office):
    first, second = office.enrolment.invite("dev-1"), office.enrolment.invite("dev-1")
    office.enrolment.redeem(first)
    with pytest.raises(IdentityError, match="changed since"):
        office.enrolment.redeem(second)


def test_a_bad_csr_does_not_use_the_token_up(office):
    token = office.enrolment.invite("dev-1")
    with pytest.raises(IdentityError, match="PEM"):
        office.enrolment.redeem(token, b"no request")
    assert office.enrolment.redeem(token).device == "dev-1"


def test_with_a_csr_no_key_leaves_and_the_name_is_ours(office):
    key = ca.new_key()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "dev-2")])
    request = x509.CertificateSigningRequestBuilder().subject_name(name)
    pem = request.sign(key, ca.hashes.SHA256()).public_bytes(ca.serialization.Encoding.PEM)
    made = office.enrolment.redeem(office.enrolment.invite("dev-1"), pem)
    cert = x509.load_pem_x509_certificate(made.files["device.crt"])
    assert "device.key" not in made.files
    assert cert.public_key() == key.public_key()
    assert cert.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value == "dev-1"


@pytest.mark.parametrize("bad", ["nobody", "", "d.>", "*", "a" * 65, "Dev-1", "../x", "dev-1\n"])
def test_no_invitation_for_what_cannot_be_a_device(office, bad):
    with pytest.raises(IdentityError):
        office.enrolment.invite(bad)


def test_a_child_of_a_gateway_has_no_certificate(office):
    office.store.assets.put_devices([Device("child", "tank-1", gateway="dev-1")])
    with pytest.raises(IdentityError, match="speaks through dev-1"):
        office.enrolment.invite("child")


def test_renewal_keeps_the_old_certificate_good_and_enrolment_does_not(office):
    old = office.enrolment.redeem(office.enrolment.invite("dev-1"))
    new = office.enrolment.renew("dev-1", "maire")
    assert office.device().cert_serial == new.cert_serial
    assert office.store.people.setting(PREVIOUS_SETTING + "dev-1") == old.cert_serial
    office.enrolment.redeem(office.enrolment.invite("dev-1"))
    assert not office.store.people.setting(PREVIOUS_SETTING + "dev-1")


def test_revocation_forgets_the_certificate_being_renewed(office):
    office.enrolment.redeem(office.enrolment.invite("dev-1"))
    office.enrolment.renew("dev-1", "maire")
    office.enrolment.revoke("dev-1", "maire")
    assert not office.store.people.setting(PREVIOUS_SETTING + "dev-1")
    with pytest.raises(IdentityError, match="invite it"):
        office.enrolment.renew("dev-1", "maire")


def test_expiring_lists_what_must_be_renewed_soonest_first(office):
    office.enrolment.redeem(office.enrolment.invite("dev-1"))
    soon_ms = office.clock.ms + 10 * DAY_MS
    other = Device("dev-2", "tank-1", cert_serial="1", cert_not_after_ms=soon_ms)
    office.store.assets.put_devices([other, replace(other, id="dev-3", status="revoked")])
    assert [device.id for device in office.enrolment.expiring()] == ["dev-2"]
    office.clock.ms += 340 * DAY_MS
    assert [device.id for device in office.enrolment.expiring()] == ["dev-2", "dev-1"]
