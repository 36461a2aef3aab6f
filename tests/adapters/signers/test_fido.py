"""A security key behind the real client of python-fido2; only the USB cable is missing."""

from __future__ import annotations

import json

import pytest
from tests.adapters.signers.soft_key import SoftKey

from beffroi.adapters.signers import fido, open_signer
from beffroi.kernel import keys
from beffroi.kernel.document import FieldError
from beffroi.kernel.dsse import COMMAND, Signed
from beffroi.kernel.roster import Member, Roster
from beffroi.kernel.signers import signers
from beffroi.kernel.verdict import No
from beffroi.ports.signer import SignerError

SITE = "https://beffroi.lys.fr"
MESSAGE = b"DSSEv1 1 a 1 b"


def never(what):
    raise AssertionError(f"asked for {what}")


@pytest.fixture
def device():
    return SoftKey()


@pytest.fixture
def signer(tmp_path, device):
    return fido.create(tmp_path / "maire.fido.json", SITE, never, lambda: [device])


def test_its_signature_counts_as_its_persons_passkey(signer):
    member = Member(keys.PASSKEY, signer.public, "p1", "lys", "operator")
    roster = Roster("lys", 1, 0, (member,), "beffroi.lys.fr", (SITE,))
    signed = Signed(COMMAND, b"\xa0")
    (who,) = signers(signed.plus(signer.sign(signed.pae)), roster)
    assert who.person == "p1"
    other = Signed(COMMAND, b"\xa1")
    with pytest.raises(No, match="does not hold"):
        signers(other.plus(signer.sign(signed.pae)), roster)


def test_it_is_never_the_signature_made_outside_the_hub(signer):
    with pytest.raises(FieldError, match="never independent"):
        Member(keys.PASSKEY, signer.public, "p1", "lys", "operator", independent=True)


def test_it_is_opened_by_its_public_file(tmp_path, signer, device):
    again = fido.FidoSigner(
        fido.read_credential(tmp_path / "maire.fido.json"), never, lambda: [device]
    )
    assert again.public == signer.public
    assert again.sign(MESSAGE).key == signer.sign(MESSAGE).key
    assert open_signer(f"fido:{tmp_path}/maire.fido.json", never).public == signer.public


def test_without_a_touch_nothing_is_signed(signer, device):
    device.touched = False
    with pytest.raises(SignerError, match="refused"):
        signer.sign(MESSAGE)


def test_without_a_pin_or_a_finger_the_answer_is_refused(signer, device):
    device.verified = False
    with pytest.raises(SignerError, match="does not hold"):
        signer.sign(MESSAGE)


def test_another_security_key_does_not_pass_for_it(tmp_path, signer):
    other = fido.FidoSigner(
        fido.read_credential(tmp_path / "maire.fido.json"), never, lambda: [SoftKey()]
    )
    with pytest.raises(SignerError, match="refused"):
        other.sign(MESSAGE)


@pytest.mark.parametrize("count", [0, 2])
def test_exactly_one_key_is_plugged_in(tmp_path, count):
    with pytest.raises(SignerError, match="exactly one"):
        fido.create(tmp_path / "a.json", SITE, never, lambda: [SoftKey()] * count)


def test_a_kind_that_the_kernel_does_not_verify_is_not_made(tmp_path):
    with pytest.raises(SignerError, match="ES256"):
        fido.create(tmp_path / "a.json", SITE, never, lambda: [SoftKey(eddsa=True)])
    assert not (tmp_path / "a.json").exists()


def test_a_file_is_not_overwritten(tmp_path, signer, device):
    with pytest.raises(SignerError, match="never overwritten"):
        fido.create(tmp_path / "maire.fido.json", SITE, never, lambda: [device])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        json.dumps({"rp_id": "a", "origin": "b", "credential": "zz", "public": "00"}),
        json.dumps({"rp_id": "a", "origin": "b", "credential": "00", "public": "00"}),
    ],
)
def test_junk_is_no_credential(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(SignerError):
        fido.read_credential(tmp_path / "a.json")
