"""Mail to a real SMTP conversation on a socket: what arrives, what is refused, what TLS guards."""

from __future__ import annotations

import datetime as dt
import email
import email.policy
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from beffroi.adapters.notify import mail as mail_module
from beffroi.adapters.notify import outbox as outbox_module
from beffroi.adapters.notify.mail import Account, Mail
from beffroi.adapters.notify.outbox import Outbox
from beffroi.ports.notify import Notice, NotifyError

NOTICE = Notice(
    "olga",
    "olga@example.org",
    "[Beffroi] Grave – Alarme – Réservoir à 0,4 m",
    "Réservoir à 0,4 m\n.\nAllez voir.\n",
    "x1",
    "raised",
    1_800_000_000_000,
)


class Server:
    """SMTP as far as a client of ours needs it, one connection after the other."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._context = context
        self.answer = "250 ok"  # to the message
        self.mails: list[EmailMessage] = []
        self.words: list[str] = []
        self.secure: list[bool] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            try:
                self._talk(connection)
            except (OSError, ValueError):
                connection.close()

    def _talk(self, connection: socket.socket) -> None:
        secure, stream = False, connection.makefile("rwb")
        self._say(stream, "220 town")
        while line := stream.readline().decode().strip():
            self.words.append(line)
            word = line.partition(" ")[0].upper()
            if word == "EHLO":
                offer = ["250-town"] + ["250-STARTTLS"] * bool(self._context and not secure)
                self._say(stream, "\r\n".join([*offer, "250-AUTH PLAIN", "250 8BITMIME"]))
            elif word == "STARTTLS" and self._context:
                self._say(stream, "220 go")
                connection = self._context.wrap_socket(connection, server_side=True)
                secure, stream = True, connection.makefile("rwb")
            elif word == "AUTH":
                self._say(stream, "235 welcome")
            elif word == "DATA":
                self._say(stream, "354 go on")
                self._keep(stream, secure)
            elif word == "QUIT":
                self._say(stream, "221 bye")
                break
            else:
                self._say(stream, "250 ok")
        stream.close()
        connection.close()

    def _keep(self, stream: object, secure: bool) -> None:
        lines = []
        while (line := stream.readline()) != b".\r\n":  # type: ignore[attr-defined]
            lines.append(line[1:] if line.startswith(b"..") else line)
        self._say(stream, self.answer)
        if self.answer.startswith("250"):
            text = b"".join(lines)
            message = email.message_from_bytes(text, policy=email.policy.default)
            assert isinstance(message, EmailMessage)
            self.mails.append(message)
            self.secure.append(secure)

    @staticmethod
    def _say(stream: object, line: str) -> None:
        stream.write(line.encode() + b"\r\n")  # type: ignore[attr-defined]
        stream.flush()  # type: ignore[attr-defined]


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.fixture(scope="module")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Of a server named localhost, and of a client that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + pem
    )
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(path)
    return serving, ssl.create_default_context(cadata=pem.decode())


def test_a_notice_arrives_whole(server: Server) -> None:
    Mail(Account("127.0.0.1", server.port, "hub@town.example")).send(NOTICE)
    (message,) = server.mails
    assert message["To"] == "olga@example.org"
    assert message["From"] == "hub@town.example"
    assert message["Subject"] == NOTICE.subject
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content().replace("\r\n", "\n") == NOTICE.body


def test_starttls_is_used_and_the_certificate_checked(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    serving, trusting = contexts
    server = Server(serving)
    account = Account("localhost", server.port, "hub@town.example", "hub", "secret", trusting)
    Mail(account).send(NOTICE)
    assert server.secure == [True]
    login = next(n for n, word in enumerate(server.words) if word.startswith("AUTH"))
    assert server.words.index("STARTTLS") < login
    with pytest.raises(NotifyError, match="Cert"):
        Mail(Account("localhost", server.port, "hub@town.example", "hub", "secret")).send(NOTICE)
    assert len(server.mails) == 1
    server.close()


def test_no_password_travels_bare(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_module, "LOCAL", ())  # as if the server were elsewhere
    account = Account("127.0.0.1", server.port, "hub@town.example", "hub", "secret")
    with pytest.raises(NotifyError):
        Mail(account).send(NOTICE)
    assert not any(word.startswith(("AUTH", "MAIL")) for word in server.words)


@pytest.mark.parametrize("answer", ["452 full", "550 no olga@example.org here"])
def test_a_refusal_can_be_tried_again_and_names_nobody(server: Server, answer: str) -> None:
    server.answer = answer
    with pytest.raises(NotifyError) as error:
        Mail(Account("127.0.0.1", server.port, "hub@town.example")).send(NOTICE)
    assert "olga" not in str(error.value)


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(NotifyError):
        Mail(Account("127.0.0.1", port, "hub@town.example")).send(NOTICE)


@pytest.mark.parametrize("address", ["a@b.c\r\nBcc: x@y.z", "a@b.c\nSubject: hi"])
def test_headers_cannot_be_slipped_in(server: Server, address: str) -> None:
    with pytest.raises(NotifyError):
        Mail(Account("127.0.0.1", server.port, "hub@town.example")).send(
            NOTICE._replace(address=address)
        )
    assert server.mails == []


def test_the_outbox_records_once_and_sends_on(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "outbox.jsonl"
    outbox = Outbox(path, Mail(Account("127.0.0.1", server.port, "hub@town.example")))
    server.answer = "452 full"
    with pytest.raises(NotifyError):
        outbox.send(NOTICE)
    server.answer = "250 ok"
    outbox.send(NOTICE)
    outbox.send(NOTICE._replace(address="", user="paul"))
    assert [json.loads(line)["user"] for line in path.read_text().splitlines()] == ["olga", "paul"]
    assert len(server.mails) == 1


def test_the_outbox_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_module, "OUTBOX_BYTES_MAX", 1_000)
    path = tmp_path / "outbox.jsonl"
    outbox = Outbox(path)
    for n in range(50):
        outbox.send(NOTICE._replace(at_ms=n))
    assert path.stat().st_size <= 1_000
    assert path.with_suffix(".jsonl.1").stat().st_size <= 1_000
    assert json.loads(path.read_text().splitlines()[-1])["at_ms"] == 49


def test_an_outbox_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotifyError, match="outbox"):
        Outbox(tmp_path / "absent" / "outbox.jsonl").send(NOTICE)


def test_a_full_disk_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of one was taken for all of it, and spoiled the next."""
    box = Outbox(tmp_path / "outbox.jsonl")
    box.send(NOTICE)
    real = outbox_module.os.write
    with monkeypatch.context() as patch:
        patch.setattr(outbox_module.os, "write", lambda fd, data: real(fd, data[:10]))
        with pytest.raises(NotifyError, match="cannot be written"):
            box.send(NOTICE._replace(alarm="x2"))
    box.send(NOTICE._replace(alarm="x3"))
    lines = (tmp_path / "outbox.jsonl").read_text().splitlines()
    assert [json.loads(one)["alarm"] for one in lines] == ["x1", "x3"]
