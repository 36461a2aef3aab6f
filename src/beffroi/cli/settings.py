"""`config.toml` of an installation: every setting, its default and its meaning.

An unknown key or a wrong type is an error that names the key: a typo must not silently leave a
door open.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_type_hints

CONFIG = "config.toml"


class SettingsError(Exception):
    """The configuration cannot be used; the text names the key and what is expected."""


@dataclass(frozen=True, slots=True)
class Web:
    """The pages: loopback only unless `host` says otherwise, answering to the names in `hosts`."""

    host: str = "127.0.0.1"
    port: int = 8080
    hosts: tuple[str, ...] = ("localhost", "127.0.0.1")
    tls_cert: str = ""  # PEM files; required as soon as `host` is not loopback
    tls_key: str = ""
    behind_proxy: bool = False  # a reverse proxy on this machine ends TLS


@dataclass(frozen=True, slots=True)
class Mqtt:
    """Where devices connect, always with TLS and a certificate of the commune."""

    host: str = "127.0.0.1"
    port: int = 8883
    names: tuple[str, ...] = ("localhost", "127.0.0.1")  # in the broker's certificate


@dataclass(frozen=True, slots=True)
class Nats:
    """The broker process. `own_binary` with its `own_sha256` replaces the packaged one."""

    port: int = 4222
    own_binary: str = ""
    own_sha256: str = ""


@dataclass(frozen=True, slots=True)
class Database:
    """`url` empty: SQLite in the home folder. Else postgresql+psycopg://user@host/name."""

    url: str = ""


@dataclass(frozen=True, slots=True)
class Notify:
    """Alarm messages go to a file outbox unless an SMTP server is named."""

    smtp_host: str = ""
    smtp_port: int = 587
    smtp_user: str = ""
    smtp_password_file: str = ""
    sender: str = ""


@dataclass(frozen=True, slots=True)
class Reports:
    """Reports of inhabitants. `address`: where people reach these pages, for links in letters
    (https://signaler.example.fr). `open311_keys`: SHA-256 (hex) of keys; none: no key is needed."""

    address: str = ""
    open311_keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Oidc:
    """An identity service of OpenID Connect. `admins`, `operators`, `readers`: values of `claim` in
    its token that give this role here; nobody else comes in. `bodies`: values of it that say of
    which body somebody is, as assets name it, or "commune"; with any, who names none stays outside.
    The address to register there is that of this
    hub with /sign-in/oidc/back."""

    issuer: str = ""  # empty: no such sign-in
    client_id: str = ""
    client_secret_file: str = ""
    name: str = ""  # on the button
    claim: str = "groups"
    admins: tuple[str, ...] = ()
    operators: tuple[str, ...] = ()
    readers: tuple[str, ...] = ()
    bodies: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settings:
    """All of it, with the home folder it came from."""

    home: Path
    web: Web = field(default_factory=Web)
    mqtt: Mqtt = field(default_factory=Mqtt)
    nats: Nats = field(default_factory=Nats)
    database: Database = field(default_factory=Database)
    notify: Notify = field(default_factory=Notify)
    reports: Reports = field(default_factory=Reports)
    oidc: Oidc = field(default_factory=Oidc)

    @property
    def store_url(self) -> str:
        return self.database.url or f"sqlite:///{self.home / 'beffroi.sqlite'}"


def default_home() -> Path:
    """BEFFROI_HOME, else the XDG data folder."""
    named = os.environ.get("BEFFROI_HOME")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_DATA_HOME", Path.home() / ".local/share")) / "beffroi"


def load(home: Path) -> Settings:
    """Read `home/config.toml` (defaults when it does not exist). Makes the folder, mode 0700."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = home / CONFIG
    if not path.exists():
        return _checked(Settings(home))
    try:
        table = tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not TOML: {error}") from error
    return _checked(Settings(home, **_sections(path, table)))


def _sections(path: Path, table: dict[str, Any]) -> dict[str, Any]:
    known = {f.name: get_type_hints(Settings)[f.name] for f in fields(Settings) if f.name != "home"}
    unknown = set(table) - set(known)
    if unknown:
        raise SettingsError(f"{path}: unknown section {sorted(unknown)}; known: {sorted(known)}")
    return {name: section(path, name, known[name], value) for name, value in table.items()}


def section(path: Path, name: str, kind: Any, table: Any) -> Any:
    """A table of a settings file as the dataclass `kind`. SettingsError names what is wrong."""
    if not isinstance(table, dict):
        raise SettingsError(f"{path}: [{name}] must be a table")
    hints = get_type_hints(kind)
    unknown = set(table) - set(hints)
    if unknown:
        raise SettingsError(
            f"{path}: [{name}] has unknown {sorted(unknown)}; known: {sorted(hints)}"
        )
    return kind(**{key: _value(path, name, key, hints[key], item) for key, item in table.items()})


def _value(path: Path, section: str, key: str, hint: Any, item: Any) -> Any:
    if hint in (str, int, bool) and type(item) is hint:
        return item
    if hint == tuple[str, ...] and isinstance(item, list) and _words(item):
        return tuple(item)
    if hint == Mapping[str, str] and isinstance(item, dict) and _words(item.values()):
        return item
    raise SettingsError(f"{path}: {section}.{key} = {item!r} has the wrong type")


def _checked(settings: Settings) -> Settings:
    web = settings.web
    loopback = web.host in ("127.0.0.1", "::1", "localhost")
    if not loopback and not (web.tls_cert and web.tls_key) and not web.behind_proxy:
        raise SettingsError(
            f"web.host = {web.host!r} is open to the network: set web.tls_cert and web.tls_key, "
            "or web.behind_proxy = true when a reverse proxy on this machine ends TLS"
        )
    if settings.nats.own_binary and not settings.nats.own_sha256:
        raise SettingsError("nats.own_binary needs nats.own_sha256 (sha256sum of the file)")
    return settings


def _words(items: Iterable[object]) -> bool:
    return all(isinstance(one, str) for one in items)
