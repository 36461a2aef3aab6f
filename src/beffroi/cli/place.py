"""Opens the parts of an installation from its home folder. No part knows the others."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import sys
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, cast

import structlog

from beffroi.adapters.clock import SystemClock
from beffroi.adapters.nats.config import Endpoint, Tls
from beffroi.adapters.nats.server import Broker
from beffroi.adapters.pki.ca import CertificateAuthority
from beffroi.cli.settings import Settings, SettingsError

if TYPE_CHECKING:
    from beffroi.adapters.sql import SqlStore
    from beffroi.ports.codec import CodecRunner
    from beffroi.ports.notify import Notifier
    from beffroi.ports.store import Store


COMMUNE_ENV = "BEFFROI_COMMUNE"  # set by an installation of many communes, for its journal


class InUseError(Exception):
    """Another process serves this home folder."""


def broker_folder(settings: Settings) -> Path:
    return settings.home / "nats"


def store_of(settings: Settings) -> SqlStore:
    """The database, migrated to this version."""
    # Imported here: the supervisor never opens the store and stays small.
    from beffroi.adapters.sql import open_store

    return open_store(settings.store_url)


def authority(settings: Settings) -> CertificateAuthority:
    return CertificateAuthority(settings.home / "ca", SystemClock().now_ms())


def broker_of(settings: Settings) -> Broker:
    """The embedded broker with the certificate of the commune's authority."""
    ca = authority(settings)

    def tls() -> Tls:
        cert, key = ca.server_files(settings.mqtt.names, SystemClock().now_ms())
        return Tls(cert, key, ca.folder / "ca.crt")

    return Broker(
        broker_folder(settings),
        tls,
        mqtt_host=settings.mqtt.host,
        mqtt_port=settings.mqtt.port,
        client_port=settings.nats.port,
        own_binary=settings.nats.own_binary,
        own_sha256=settings.nats.own_sha256,
    )


def endpoint(settings: Settings) -> Endpoint:
    """Where the running broker listens."""
    return Endpoint.load(broker_folder(settings))


@contextlib.contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Only one supervisor may serve a home folder."""
    with alone_in(settings.home):
        yield


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Only one of us may hold this folder."""
    fd = os.open(folder / ".lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise InUseError(f"{folder} is already served by another process") from error
    finally:
        os.close(fd)


class Journal:
    """A text file that is written to as well as can be: a full disk costs the line, never the
    caller. (A log line that raised once ended the task that read the broker.)"""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self.lost = 0

    def write(self, text: str) -> int:
        try:
            return self._file.write(text)
        except (OSError, ValueError):  # full, closed, or the reader of a pipe has gone
            self.lost += 1
            return 0

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._file.flush()


def _whose(_logger: object, _method: str, event: MutableMapping[str, Any]) -> Any:
    """Which commune a line is about, where several share a journal."""
    if commune := os.environ.get(COMMUNE_ENV):
        event["commune"] = commune
    return event


def quiet_logs(level: str = "info") -> None:
    """One line per event on stderr, for the terminal and for the journal of the machine."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.WriteLoggerFactory(file=cast(TextIO, Journal(sys.stderr))),
        processors=[
            structlog.contextvars.merge_contextvars,
            _whose,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(),
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
    )
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")


def codecs_of(store: Store) -> CodecRunner:
    """Runs the codecs of the store's allow-list."""
    from beffroi.adapters.codecs.runner import Runner

    return Runner(store.assets)


def notifier_of(settings: Settings) -> Notifier:
    """The outbox of the home folder, and the mail server when one is configured."""
    from beffroi.adapters.notify.mail import Account, Mail
    from beffroi.adapters.notify.outbox import Outbox

    notify, path = settings.notify, settings.home / "outbox.jsonl"
    if not notify.smtp_host:
        return Outbox(path)
    secret = ""
    if notify.smtp_password_file:
        try:
            secret = Path(notify.smtp_password_file).read_text().strip()
        except (OSError, UnicodeError) as error:
            raise SettingsError(f"notify.smtp_password_file cannot be read: {error}") from error
    sender = notify.sender or f"beffroi@{notify.smtp_host}"
    return Outbox(
        path,
        Mail(Account(notify.smtp_host, notify.smtp_port, sender, notify.smtp_user, secret)),
    )
