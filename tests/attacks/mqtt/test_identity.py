"""Attacks on identity: certificates, client ids, TLS. A live victim must not notice any of them."""

from __future__ import annotations

import asyncio
import datetime as dt
import ssl
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID

from beffroi.adapters.pki import ca
from beffroi.lab.mqtt import MqttClient, MqttError
from beffroi.lab.stack import tls_context
from beffroi.model.asset import Device
from beffroi.ports.identity import Bundle

NOW_MS = time.time_ns() // 1_000_000


def forged(authority, name, ca_pem):
    """A device bundle signed by `authority`, trusting the real server."""
    key = ca.new_key()
    issued = authority.issue_device(name, key.public_key(), NOW_MS)
    files = {"ca.crt": ca_pem, "device.crt": issued.cert_pem, "device.key": ca.key_pem(key)}
    return tls_context(Bundle(name, files, issued.serial, issued.not_after_ms))


def expired(harbour, name):
    """The commune's own certificate of an enrolled device, that ended yesterday."""
    authority, key = harbour.stack.authority, ca.new_key()
    builder = authority._builder(name, key.public_key(), NOW_MS, 1)
    day = dt.timedelta(days=1)
    now = dt.datetime.now(dt.UTC)
    builder._not_valid_before, builder._not_valid_after = now - 2 * day, now - day
    cert = builder.add_extension(
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=True
    ).sign(authority._key, ca.hashes.SHA256())
    device = Device(name, "a", cert_serial=f"{cert.serial_number:x}")
    harbour.stack.store.assets.put_devices([device])
    pem = cert.public_bytes(serialization.Encoding.PEM)
    files = {"ca.crt": authority.ca_pem, "device.crt": pem, "device.key": ca.key_pem(key)}
    return tls_context(Bundle(name, files, device.cert_serial, 0))


async def refused(harbour, context, name):
    here = harbour.stack.endpoint
    with pytest.raises(MqttError):
        await MqttClient(here.mqtt_host, here.mqtt_port, name, context).connect()


async def test_wrong_or_missing_certificates_and_old_tls(harbour, tmp_path):
    real = harbour.stack.authority
    harbour.enrol("victim")
    victim = await harbour.connect("victim")
    bare = ssl.create_default_context(cadata=real.ca_pem.decode())
    await refused(harbour, bare, "victim")  # no certificate
    other = ca.CertificateAuthority(tmp_path / "other", NOW_MS)
    await refused(harbour, forged(other, "victim", real.ca_pem), "victim")  # another authority
    await refused(harbour, forged(real, "victim", real.ca_pem), "victim")  # ours, not the current
    await refused(harbour, expired(harbour, "old"), "old")  # current in the inventory, but ended
    server = ssl.create_default_context(cadata=real.ca_pem.decode())
    server.load_cert_chain(real.folder / "server.crt", real.folder / "server.key")
    await refused(harbour, server, "beffroi-broker")  # the broker's own certificate
    await refused(harbour, forged(real, "unknown", real.ca_pem), "unknown")  # not in the inventory
    await refused(harbour, None, "victim")  # plain TCP on the TLS port
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        old = tls_context(harbour.bundles["victim"])
        old.set_ciphers("ALL:@SECLEVEL=0")
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, version
        await refused(harbour, old, "victim")
    assert not victim.lost
    await victim.publish("d/victim/tele", b"still here")
    await victim.close()


async def test_another_ones_client_id_does_not_kick_and_gets_no_queue(harbour):
    harbour.enrol("mallory")
    harbour.enrol("victim")
    got = []
    victim = await harbour.connect("victim", clean=False, on_message=lambda _, p: got.append(p))
    await victim.subscribe("d/victim/cmd")
    for clean in (True, False):
        with pytest.raises(MqttError):
            await harbour.client("mallory", as_id="victim", clean=clean).connect()
    for name in ("", "Victim", "victim ", "victim/", "d/victim", "x" * 200, "victim\u0000"):
        with pytest.raises(MqttError):
            await harbour.client("mallory", as_id=name).connect()
    assert not victim.lost
    await victim.close()
    bus = harbour.stack.bus()
    await bus.start()
    while not bus.connected:
        await asyncio.sleep(0.02)
    wire = bus._reader.wire
    queued = b"HPUB $MQTT.msgs.d.victim.cmd 25 44\r\nNATS/1.0\r\nNmqtt-Pub:1\r\n\r\n"
    wire.write(queued + b"for the victim only\r\n")
    await wire.flush()
    with pytest.raises(MqttError):
        await harbour.client("mallory", as_id="victim", clean=False).connect()
    victim = harbour.client("victim", clean=False, on_message=lambda _, p: got.append(p))
    await victim.connect()
    for _ in range(50):
        if got:
            break
        await asyncio.sleep(0.05)
    assert victim.session_present
    assert got == [b"for the victim only"]
    await victim.close()
    await bus.stop()


async def test_a_key_that_fits_no_certificate_cannot_be_used(harbour):
    made = harbour.enrol("victim")
    other = ca.new_key().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    stolen = made._replace(files={**made.files, "device.key": other})
    with pytest.raises(ssl.SSLError):
        tls_context(stolen)


async def test_the_inner_listener_takes_no_stranger(harbour):
    harbour.enrol("victim")
    victim = await harbour.connect("victim")  # the gate is there
    reader, writer = await asyncio.open_connection("127.0.0.1", harbour.stack.endpoint.client_port)
    await reader.readline()  # INFO
    writer.write(b'CONNECT {"verbose":false,"user":"hub","pass":"x"}\r\nPING\r\n')
    answer = await asyncio.wait_for(reader.read(), 10)  # until it hangs up
    assert b"Authorization Violation" in answer
    writer.close()
    await victim.close()
