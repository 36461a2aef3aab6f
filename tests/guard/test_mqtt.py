"""The link against brokers that are not kind."""

from __future__ import annotations

import socket
import ssl
import threading
import time

import pytest

from beffroi.adapters import durable
from beffroi.adapters.pki.ca import CertificateAuthority, key_pem, new_key
from beffroi.guard import mqtt
from beffroi.guard.mqtt import Hub, Link, LinkError
from beffroi.guard.outbox import Queue
from beffroi.lab.mqtt import packet, publish_packet, split

NOW_MS = time.time_ns() // 1_000_000


@pytest.fixture(scope="module")
def papers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ca")
    authority = CertificateAuthority(folder / "ca", NOW_MS)
    cert, key = authority.server_files(("127.0.0.1",), NOW_MS)
    mine = new_key()
    durable.replace(folder / "device.key", key_pem(mine))
    issued = authority.issue_device("g", mine.public_key(), NOW_MS)
    (folder / "device.crt").write_bytes(issued.cert_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    context.load_verify_locations(folder / "ca" / "ca.crt")
    context.verify_mode = ssl.CERT_REQUIRED
    return folder, context


class Broker:
    """Says what it is told to say, to each client that connects and subscribes."""

    def __init__(self, context: ssl.SSLContext, *says: bytes) -> None:
        self._context, self._says = context, says
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.connects, self.lost, self.got = 0, threading.Event(), []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                link, _ = self._socket.accept()
                with self._context.wrap_socket(link, server_side=True) as one:
                    self._talk(one)
            except OSError:
                if self._socket.fileno() < 0:
                    return
            self.lost.set()

    def _talk(self, one: ssl.SSLSocket) -> None:
        buffer = bytearray()
        self.connects += 1
        one.settimeout(30)
        while data := one.recv(65_536):
            buffer += data
            for first, body in split(buffer):
                self.got.append(first >> 4)
                if first >> 4 == 1:
                    one.sendall(b"\x20\x02\x00\x00")
                if first >> 4 == 8:
                    one.sendall(packet(0x90, body[:2] + b"\x01\x01\x01"))
                    for said in self._says:
                        one.sendall(said)

    def close(self) -> None:
        self._socket.close()


def link_to(broker: Broker, papers) -> Link:
    folder, _ = papers
    hub = Hub(
        "127.0.0.1",
        broker.port,
        folder / "ca" / "ca.crt",
        folder / "device.crt",
        folder / "device.key",
    )
    return Link("g", hub, Queue((), 0))


def wait_for(holds, wait_s=8.0) -> bool:
    end_s = time.monotonic() + wait_s
    while not holds() and time.monotonic() < end_s:
        time.sleep(0.02)
    return holds()


@pytest.mark.parametrize(
    "said",
    [
        b"\x30\xff\xff\xff\x7f" + b"\x00\x07d/g/cmd" + bytes(2_000),  # 256 MB are announced
        publish_packet("d/g/cmd", bytes(3_000_000), 7)[:2_000_000],
        b"\x30\xff\xff\xff\xff\xff",  # a length that is none
        b"\xf0\x00" * 3,
        b"\x32\x00",
    ],
    ids=["huge", "large", "length", "unknown", "empty"],
)
def test_a_message_that_is_none_costs_the_connection_and_nothing_else(papers, said):
    broker = Broker(papers[1], said)
    link = link_to(broker, papers)
    link.start()
    try:
        assert wait_for(lambda: broker.connects >= 2), "it did not hang up and come again"
        assert [one for one in link.get(0.01) if one.payload] == []
    finally:
        link.stop()
        broker.close()


def test_commands_beyond_the_queue_are_dropped_and_only_the_newest_lease_is_kept(papers):
    flood = b"".join(publish_packet("d/g/cmd", b"%d" % n, n + 1) for n in range(300))
    leases = b"".join(publish_packet("d/g/lease", b"L%d" % n, 1_000 + n) for n in range(50))
    other = publish_packet("d/other/else", b"x", 2_000)
    broker = Broker(papers[1], flood + leases + other)
    link = link_to(broker, papers)
    link.start()
    try:
        assert wait_for(lambda: broker.got.count(4) >= 300 - 64 + 49 + 1)
        got = link.get(0.1)
        assert got[0].payload == b"L49"
        assert [one.payload for one in got[1:]] == [b"%d" % n for n in range(64)]
        for one in got:
            link.done(one)
        assert wait_for(lambda: broker.got.count(4) == 351), "not every message was acknowledged"
    finally:
        link.stop()
        broker.close()


def test_a_broker_of_another_town_is_not_believed(papers, tmp_path):
    other = CertificateAuthority(tmp_path / "ca", NOW_MS)
    cert, key = other.server_files(("127.0.0.1",), NOW_MS)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    broker = Broker(context)
    link = link_to(broker, papers)
    link.start()
    try:
        assert wait_for(broker.lost.is_set)
        assert not link.connected
        assert broker.connects == 0
    finally:
        link.stop()
        broker.close()


def test_missing_papers_are_named(tmp_path):
    hub = Hub("h", 1, tmp_path / "ca.crt", tmp_path / "device.crt", tmp_path / "device.key")
    with pytest.raises(LinkError, match="enrolment"):
        Link("g", hub, Queue((), 0))


def test_a_link_that_brings_nothing_is_made_anew(papers, monkeypatch):
    monkeypatch.setattr(mqtt, "DEAF_MS_MIN", 300)
    broker = Broker(papers[1])
    link = link_to(broker, papers)
    link.start()
    try:
        assert wait_for(lambda: link.pump() or broker.connects >= 3)
    finally:
        link.stop()
        broker.close()


def test_a_link_that_brings_something_stays(papers, monkeypatch):
    monkeypatch.setattr(mqtt, "DEAF_MS_MIN", 60_000)
    broker = Broker(papers[1], publish_packet("d/g/lease", b"x", 1))
    link = link_to(broker, papers)

    def heard() -> bool:
        for message in link.get(0.05):
            link.done(message)
        return 4 in broker.got

    link.start()
    try:
        assert wait_for(heard)
        wait_for(link.pump, 0.5)
        assert (broker.connects, link.connects) == (1, 1)
    finally:
        link.stop()
        broker.close()
