"""K11 and K9: certificates that must open nothing, and one certificate in two hands."""

from __future__ import annotations

import asyncio
import datetime as dt
import ssl
import subprocess
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from tests.attacks.mqtt.test_identity import refused

from beffroi.adapters.nats.refusals import SESSION
from beffroi.adapters.pki import ca
from beffroi.adapters.sql import open_store
from beffroi.hub.alarms.desk import Desk
from beffroi.hub.dispatch.alarming import ToDesk
from beffroi.hub.house.facts import Machine, Papers
from beffroi.hub.house.keeper import House
from beffroi.hub.house.rules import RULES
from beffroi.lab.mqtt import MqttError
from beffroi.lab.stack import Stack, tls_context
from beffroi.model.asset import Device
from beffroi.ports.identity import Bundle

ALARM_S_MAX = 20.0


def bundle(name, ca_pem, cert_pem, key):
    files = {"ca.crt": ca_pem, "device.crt": cert_pem, "device.key": ca.key_pem(key)}
    return Bundle(name, files, "", 0)


def self_signed(name):
    """Of itself, and saying that it is an authority too."""
    key, now = ca.new_key(), dt.datetime.now(dt.UTC)
    whole = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    cert = (
        x509.CertificateBuilder()
        .subject_name(whole)
        .issuer_name(whole)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=9))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=True)
        .sign(key, hashes.SHA256())
    )
    return key, cert.public_bytes(serialization.Encoding.PEM)


def by_sha1(folder, authority, name):
    """The commune's own authority, with a digest that can be collided. Made by openssl."""
    key = ca.new_key()
    (folder / "k.pem").write_bytes(ca.key_pem(key))
    (folder / "ext").write_text("extendedKeyUsage=critical,clientAuth\n")
    run = ["openssl", "req", "-new", "-key", "k.pem", "-subj", f"/CN={name}", "-out", "r.pem"]
    subprocess.run(run, cwd=folder, check=True, capture_output=True)
    sign = ["openssl", "x509", "-req", "-sha1", "-in", "r.pem", "-out", "c.pem", "-days", "9"]
    signer = ["-CA", authority.folder / "ca.crt", "-CAkey", authority.folder / "ca.key"]
    subprocess.run(
        [*sign, *signer, "-set_serial", "7", "-extfile", "ext"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    return key, (folder / "c.pem").read_bytes()


def lax(folder, ca_pem, cert_pem, key):
    """Of a program that lets every old digest and cipher pass: the refusal must be the broker's."""
    (folder / "c.pem").write_bytes(cert_pem)
    (folder / "k.pem").write_bytes(ca.key_pem(key))
    context = ssl.create_default_context(cadata=ca_pem.decode())
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.load_cert_chain(folder / "c.pem", folder / "k.pem")
    return context


async def test_k11_self_signed_and_sha1_open_nothing(harbour, tmp_path):
    authority = harbour.stack.authority
    harbour.enrol("victim")
    victim = await harbour.connect("victim")
    key, pem = self_signed("victim")
    await refused(harbour, tls_context(bundle("victim", authority.ca_pem, pem, key)), "victim")
    key, pem = by_sha1(tmp_path, authority, "weak")
    serial = f"{x509.load_pem_x509_certificate(pem).serial_number:x}"
    weak = Device("weak", "a", status="enrolled", cert_serial=serial)
    harbour.stack.store.assets.put_devices([weak])  # only the digest is wrong with it
    await refused(harbour, lax(tmp_path, authority.ca_pem, pem, key), "weak")
    assert not victim.lost
    await victim.close()


def ended_long_ago(authority):
    """The commune's authority, same name and key, over since yesterday; in place of the real."""
    now = dt.datetime.now(dt.UTC)
    cert = (
        x509.CertificateBuilder()
        .subject_name(authority.cert.subject)
        .issuer_name(authority.cert.subject)
        .public_key(authority.cert.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=9))
        .not_valid_after(now - dt.timedelta(days=1))
    )
    for extension in authority.cert.extensions:
        cert = cert.add_extension(extension.value, extension.critical)
    pem = cert.sign(authority._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    (authority.folder / "ca.crt").write_bytes(pem)


async def test_k11_below_an_authority_that_has_ended_nobody_comes_in(tmp_path: Path):
    """Not even with a certificate of its own that is good for another year."""
    stack = Stack(tmp_path)
    ended_long_ago(stack.authority)
    async with stack:
        context = tls_context(stack.enrol(Device("old", "a", status="pending")))
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        await refused(Bare(stack), context, "old")
        assert stack.gate is not None
        assert stack.gate.granted == 0


class Bare:
    """`refused` wants a harbour."""

    def __init__(self, stack):
        self.stack = stack


@pytest.fixture
def house(tmp_path):
    """The house on a desk of its own, fed like in the hub."""

    class Clock:
        def now_ms(self):
            return time.time_ns() // 1_000_000

    store = open_store(f"sqlite:///{tmp_path / 'house.sqlite'}")
    desk = Desk(store.alarms, RULES)
    made = House(
        lambda: Machine(monotonic_ms=time.monotonic_ns() // 1_000_000),
        Papers, desk.open, ToDesk(desk, store, Clock()), Clock(),
    )  # fmt: skip
    yield made, desk
    store.close()


async def test_k9_a_stolen_certificate_used_elsewhere_is_kicked_and_told(harbour, house):
    """Owner and thief both want to stay: each arrival ends the other, and people are called."""
    made, desk = house
    bus = harbour.stack.bus()
    bus._on_refused = lambda one, times: (
        made.taken_over(one.device, times) if one.what == SESSION else None
    )
    await bus.start()
    harbour.enrol("guard-1")
    working = asyncio.create_task(made.run())
    both = [await harbour.connect("guard-1")]
    kicked, end = 0, time.monotonic() + ALARM_S_MAX
    while not desk.open() and time.monotonic() < end:
        client = harbour.client("guard-1")
        try:
            await client.connect()
        except MqttError:  # the broker lets a fight for one name go slowly
            await asyncio.sleep(0.1)
            continue
        await asyncio.wait_for(both[-1].wait_lost(), 5)
        kicked += 1
        both.append(client)
        await asyncio.sleep(0.2)
    assert [(alarm.rule, alarm.asset) for alarm in desk.open()] == [("house.twins", "guard-1")]
    assert kicked >= 2
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    await both[-1].close()
    await bus.stop()
