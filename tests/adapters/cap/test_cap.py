"""CAP 1.2: the real signed alert and its five spoiled sisters, hostile XML, round trips."""

from __future__ import annotations

import base64
import datetime as dt
import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from beffroi.adapters.cap.signature import Authority, signed, verified
from beffroi.adapters.cap.write import write
from beffroi.adapters.cap.xml import NS, alert_of, read
from beffroi.model import cap
from beffroi.model.cap import Alert, Area, CapError, Info, Ref, time_ms
from beffroi.model.limits import CAP_BYTES_MAX

SENDER = "https://www.meteoburkina.bf/"
RECEIVED_MS = time_ms("2024-07-02T20:12:00+00:00")
NOW = 1_780_000_000_000


# --- the real files ---
@pytest.fixture(scope="module")
def burkina(data_dir: Path) -> dict[str, bytes]:
    return {path.stem: path.read_bytes() for path in (data_dir / "cap-burkina").glob("*.xml")}


@pytest.fixture(scope="module")
def meteo(burkina: dict[str, bytes]) -> Authority:
    """What the commune would have pinned: the office's certificate, got beforehand."""
    found = re.search(rb"<ds:X509Certificate>(.*?)</", burkina["valid"], re.DOTALL)
    assert found
    return Authority(SENDER, (base64.b64decode(found[1]),))


@pytest.mark.data
def test_the_genuine_alert_is_accepted(burkina: dict[str, bytes], meteo: Authority) -> None:
    alert = verified(burkina["valid"], [meteo], RECEIVED_MS)
    assert (alert.sender, alert.status, alert.msg_type) == (SENDER, "Actual", "Alert")
    (info,) = alert.infos
    assert (info.language, info.event) == ("fr", "Thunderstorms/Squall lines")
    assert (info.urgency, info.severity, info.certainty) == ("Expected", "Moderate", "Likely")
    assert alert.expires_ms == time_ms("2024-07-03T12:00:00+00:00")
    assert sum(len(p) for area in info.areas for p in area.polygons) > 10_000


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("invalid_certificate", "certificate"),
        ("invalid_digest", "does not hold"),
        ("invalid_signature", "does not hold"),
        ("invalid_schema", "severity is there 0 times"),
        ("no_signature", "0 signatures"),
    ],
)
def test_the_five_spoiled_ones_are_refused(
    burkina: dict[str, bytes], meteo: Authority, name: str, why: str
) -> None:
    with pytest.raises(CapError, match=why):
        verified(burkina[name], [meteo], RECEIVED_MS)


@pytest.mark.data
def test_one_changed_word_breaks_it(burkina: dict[str, bytes], meteo: Authority) -> None:
    for old, new in (
        (b"Moderate", b"Extreme"),
        (b"2024-07-03T12", b"2024-07-04T12"),
        (b"<scope>Public", b"<!-- x --><scope>Public"),
        (b"Grand public", b"Grand  public"),
        (b"14.405985", b"15.405985"),
    ):
        assert old in burkina["valid"]
        if new.startswith(b"<!--"):
            continue  # comments are not signed and not read
        with pytest.raises(CapError, match="does not hold"):
            verified(burkina["valid"].replace(old, new, 1), [meteo], RECEIVED_MS)


@pytest.mark.data
def test_an_old_certificate_signs_nothing_new(burkina: dict[str, bytes], meteo: Authority) -> None:
    with pytest.raises(CapError, match="expired"):
        verified(burkina["valid"], [meteo], time_ms("2026-11-24T12:00:00+00:00"))


@pytest.mark.data
def test_a_valid_signature_of_an_unlisted_sender_is_nothing(burkina: dict[str, bytes]) -> None:
    with pytest.raises(CapError, match="not a listed authority"):
        verified(burkina["valid"], [], RECEIVED_MS)
    other = Authority(SENDER, (_certificate(ec.generate_private_key(ec.SECP256R1())),))
    with pytest.raises(CapError, match="not listed for"):
        verified(burkina["valid"], [other], RECEIVED_MS)


# --- ours ---
def _certificate(key: ec.EllipticCurvePrivateKey, name: str = "prefecture") -> bytes:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    at = dt.datetime.fromtimestamp(NOW / 1000, dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(at - dt.timedelta(1))
        .not_valid_after(at + dt.timedelta(30))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(Encoding.PEM)


KEY = ec.generate_private_key(ec.SECP256R1())
PEM = _certificate(KEY)
PREFECTURE = Authority("prefecture", (PEM,))
INFO = Info(
    ("Met",), "Inondation", "Immediate", "Severe", "Observed", "fr-FR", ("Avoid",),
    expires_ms=NOW + 3_600_000, headline="Crue <rapide> & dangereuse",
    areas=(Area("Bourg", (((48.0, 2.0), (48.0, 3.0), (49.0, 2.5), (48.0, 2.0)),),
                (((48.5, 2.5), 3.0),), (("INSEE", "75056"),)),),
)  # fmt: skip
ALERT = Alert("a-1", "prefecture", NOW, "Actual", "Alert", "Public", infos=(INFO,))


def test_what_we_sign_is_read_back_and_holds() -> None:
    raw = signed(ALERT, KEY, PEM)
    assert verified(raw, [PREFECTURE], NOW) == ALERT
    assert read(raw) == ALERT


def test_a_signature_around_another_alert_is_refused() -> None:
    """Wrapping: the signed alert is kept, an unsigned one is put where programs look."""
    genuine = etree.fromstring(signed(ALERT, KEY, PEM))
    signature = genuine[-1]
    false = Alert("a-2", "prefecture", NOW, "Actual", "Alert", "Public",
                  infos=(replace(INFO, event="Attentat"),))  # fmt: skip
    root = write(false)
    root.append(signature)
    with pytest.raises(CapError, match="does not hold"):
        verified(etree.tostring(root), [PREFECTURE], NOW)
    inner = etree.SubElement(root, f"{{{NS}}}note")
    inner.append(etree.fromstring(signed(ALERT, KEY, PEM)))
    with pytest.raises(CapError):
        verified(etree.tostring(root), [PREFECTURE], NOW)


def test_two_signatures_or_someone_elses_are_refused() -> None:
    root = etree.fromstring(signed(ALERT, KEY, PEM))
    root.append(etree.fromstring(etree.tostring(root[-1])))
    with pytest.raises(CapError, match="2 signatures"):
        verified(etree.tostring(root), [PREFECTURE], NOW)
    other = ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(CapError, match="not listed"):
        verified(signed(ALERT, other, _certificate(other)), [PREFECTURE], NOW)
    with pytest.raises(CapError, match="does not hold"):
        verified(_relabelled(other), [PREFECTURE], NOW)


def _relabelled(other: ec.EllipticCurvePrivateKey) -> bytes:
    """Signed with another key, showing the listed certificate."""
    root = etree.fromstring(signed(ALERT, other, _certificate(other)))
    shown = root.find(".//{*}X509Certificate")
    assert shown is not None
    shown.text = PEM.decode().split("-----")[2]
    return etree.tostring(root)


def test_a_document_laid_out_after_signing_is_the_signed_one() -> None:
    """White space between elements says nothing; inside them it does."""
    root = etree.fromstring(signed(ALERT, KEY, PEM))
    etree.indent(root, "  ")
    assert verified(etree.tostring(root), [PREFECTURE], NOW) == ALERT


# --- hostile XML: refused, and quickly ---
BOMB = b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">%s]><alert xmlns="%s">&j;</alert>' % (
    b"".join(b'<!ENTITY %c "%s">' % (c, b"&%c;" % (c - 1) * 10) for c in range(98, 107)),
    NS.encode(),
)
HOSTILE = {
    "billion laughs": (BOMB, "DTD"),
    "external entity": (
        b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><alert>&e;</alert>',
        "DTD",
    ),
    "external DTD": (b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd"><alert/>', "DTD"),
    "bomb in UTF-16": (BOMB.decode().encode("utf-16"), "UTF-8"),
    "bomb in UTF-7": (b'<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE a+AD4-', "UTF-8"),
    "huge": (b"<alert>" + b"x" * CAP_BYTES_MAX, "bytes"),
    "many elements": (b"<alert>" + b"<a/>" * 20_000 + b"</alert>", "elements"),
    "deep": (b"<a>" * 5_000 + b"</a>" * 5_000, "XML|belong"),
    "empty": (b"", "XML"),
    "not XML": (b"\x00\x01\x02", "XML"),
    "undeclared entity": (b"<alert>&x;</alert>", "XML"),
    "another standard": (b'<alert xmlns="urn:oasis:names:tc:emergency:cap:1.1"/>', "CAP 1.2"),
    "another root": (b"<html/>", "CAP 1.2"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_xml_is_refused(name: str) -> None:
    raw, why = HOSTILE[name]
    with pytest.raises(CapError, match=why):
        read(raw)


@given(st.binary(max_size=300))
def test_no_bytes_do_more_than_be_refused(raw: bytes) -> None:
    with pytest.raises(CapError):
        read(raw)


@settings(max_examples=60)
@given(st.data())
def test_spoiled_bytes_of_an_alert_never_become_another_signed_alert(data: st.DataObject) -> None:
    raw = bytearray(signed(ALERT, KEY, PEM))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] = data.draw(st.integers(0, 255))
    with suppress(CapError):
        assert verified(bytes(raw), [PREFECTURE], NOW) == ALERT


# --- rules of the standard, one each ---
def xml(old: str = "", new: str = "") -> bytes:
    text = etree.tostring(write(ALERT)).decode()
    assert old in text
    return text.replace(old, new, 1).encode()


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("<status>Actual</status>", "", "status is there 0 times"),
        ("<status>Actual", "<status>Real", "status 'Real'"),
        ("<scope>Public", "<scope>Restricted", "restriction"),
        ("<scope>Public", "<scope>Private", "addresses"),
        ("<msgType>Alert", "<msgType>Update", "Update without references"),
        ("<msgType>Alert", "<msgType>Shout", "msgType"),
        ("<identifier>a-1", "<identifier>a 1", "identifier"),
        ("<identifier>a-1", "<identifier>a,1", "identifier"),
        ("-00:00</sent>", "Z</sent>", "time"),
        ("<sent>", "<sent>x", "time"),
        ("<urgency>Immediate</urgency>", "", "urgency is there 0"),
        ("<certainty>Observed", "<certainty>Sure", "certainty"),
        ("<category>Met</category>", "", "category"),
        ("<event>Inondation", "<event>  ", "event"),
        ("48.000000,2.000000 ", "48.0,2.1 ", "polygon"),
        ("48.000000,2.000000 ", "98.0,2.0 ", "polygon|place"),
        ("2.500000 3.000", "2.5 nan", "number"),
        ("2.500000 3.000", "2.5 1e9", "number"),
        ("<info>", "<info><surprise/>", "does not belong"),
        ("<status>", "<status><b/>", "more than text"),
        ("<info>", "<note>late</note><info>", ""),
        ("</info>", "</info><note>after</note>", "does not belong"),
    ],
)
def test_each_rule_of_the_standard(old: str, new: str, why: str) -> None:
    if not why:
        assert read(xml(old, new)).note == "late"
        return
    with pytest.raises(CapError, match=why):
        read(xml(old, new))


texts = st.text(
    st.characters(categories=["L", "N", "P"], max_codepoint=0x24F), min_size=1, max_size=20
)
points = st.tuples(st.integers(-90, 90).map(float), st.integers(-180, 180).map(float))
rings = st.lists(points, min_size=3, max_size=5).map(lambda p: (*p, p[0]))
areas = st.builds(
    Area,
    texts,
    st.lists(rings, max_size=2).map(tuple),
    st.lists(st.tuples(points, st.integers(0, 100).map(float)), max_size=2).map(tuple),
)
moments = st.none() | st.integers(0, 4_000_000_000).map(lambda s: s * 1_000)
infos = st.builds(
    Info,
    st.lists(st.sampled_from(cap.CATEGORY), min_size=1, max_size=3).map(tuple),
    texts,
    st.sampled_from(cap.URGENCY),
    st.sampled_from(cap.SEVERITY),
    st.sampled_from(cap.CERTAINTY),
    st.sampled_from(["fr-FR", "en-US"]),
    st.lists(st.sampled_from(cap.RESPONSE), max_size=2).map(tuple),
    moments, moments, moments, texts, texts, texts, texts,
    st.lists(st.tuples(texts, texts), max_size=2).map(tuple),
    st.lists(areas, max_size=2).map(tuple),
)  # fmt: skip


@settings(max_examples=60)
@given(st.lists(infos, max_size=3).map(tuple), st.sampled_from(cap.STATUS))
def test_what_is_written_is_read_back(parts: tuple[Info, ...], status: str) -> None:
    alert = Alert("a-1", "prefecture", NOW, status, "Update", "Public",
                  (Ref("prefecture", "a-0", NOW - 60_000),), parts)  # fmt: skip
    assert alert_of(write(alert)) == alert
    assert read(etree.tostring(write(alert))) == alert
