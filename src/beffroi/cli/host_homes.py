"""The folder of an installation of many communes: `host.toml` and one home per commune.

A home is whole in itself: nothing in it names another, and `beffroi serve --home` runs it alone.
Knows neither processes nor the network, but asks whether a port is free.
"""

from __future__ import annotations

import re
import socket
import tomllib
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from beffroi.adapters import durable
from beffroi.cli.settings import CONFIG, Settings, SettingsError, load, section
from beffroi.model.limits import COMMUNES_MAX

HOST, HOMES, STOPPED = "host.toml", "communes", ".stopped"
PORT_MIN, PORT_MAX = 20_000, 30_000  # below those that outgoing connections take
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")  # RFC 1123, as in a host name
_BASE = re.compile(rf"{_LABEL.pattern}(\.{_LABEL.pattern})*")


@dataclass(frozen=True, slots=True)
class FrontDoor:
    """`[door]` of host.toml. Each commune answers at `<id>.<base>`. Beyond loopback TLS is needed:
    a certificate of `*.<base>`, or a proxy on this machine that ends TLS. `mqtt_host`: where the
    brokers of communes added from now on listen."""

    base: str = "localhost"
    host: str = "127.0.0.1"
    port: int = 8080
    tls_cert: str = ""
    tls_key: str = ""
    behind_proxy: bool = False
    mqtt_host: str = "127.0.0.1"

    @property
    def https(self) -> bool:
        return bool(self.tls_cert) or self.behind_proxy

    def name_of(self, commune: str) -> str:
        return f"{commune}.{self.base}"

    def address_of(self, commune: str) -> str:
        """Where people reach it. Behind a proxy the port is the proxy's, taken to be the usual."""
        scheme, usual = ("https", 443) if self.https else ("http", 80)
        plain = self.behind_proxy or self.port == usual
        return f"{scheme}://{self.name_of(commune)}" + ("" if plain else f":{self.port}")


class Home(NamedTuple):
    """One commune. `stopped`: it is not to run."""

    id: str
    folder: Path
    stopped: bool


def front_door(place: Path) -> FrontDoor:
    """SettingsError when there is none or it is not fit to be used."""
    path = place / HOST
    try:
        table = tomllib.loads(path.read_text())
    except FileNotFoundError:
        raise SettingsError(
            f"{place} is no installation of communes: `beffroi host init {place} --base NAME`"
        ) from None
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from error
    if set(table) - {"door"}:
        raise SettingsError(f"{path}: unknown section {sorted(set(table) - {'door'})}")
    door: FrontDoor = section(path, "door", FrontDoor, table.get("door", {}))
    if not _BASE.fullmatch(door.base):
        raise SettingsError(f"{path}: door.base = {door.base!r} is no host name in small letters")
    if door.host not in ("127.0.0.1", "::1", "localhost") and not door.https:
        raise SettingsError(
            f"{path}: door.host = {door.host!r} is open to the network: set door.tls_cert and "
            "door.tls_key (of *.base), or door.behind_proxy = true"
        )
    return door


def init(place: Path, door: FrontDoor) -> None:
    """Make the folder and its host.toml. SettingsError when there is one or `door` is unfit."""
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    (place / HOMES).mkdir(exist_ok=True, mode=0o700)
    path = place / HOST
    if path.exists():
        raise SettingsError(f"{path} exists: change it by hand")
    fields = {name: getattr(door, name) for name in door.__slots__}
    durable.replace(path, ("[door]\n" + _toml(fields)).encode())
    try:
        front_door(place)
    except SettingsError:
        path.unlink()
        raise


def homes(place: Path) -> list[Home]:
    """By id. What is no home of a commune is passed over."""
    return sorted(_homes(place))


def _homes(place: Path) -> Iterator[Home]:
    folder = place / HOMES
    if not folder.is_dir():
        return
    for home in folder.iterdir():
        if _LABEL.fullmatch(home.name) and (home / CONFIG).is_file() and not home.is_symlink():
            yield Home(home.name, home, (home / STOPPED).exists())


def home_of(place: Path, commune: str) -> Home:
    """SettingsError when it is not here."""
    for home in _homes(place):
        if home.id == commune:
            return home
    raise SettingsError(f"{commune!r} is no commune of {place}: see `beffroi host list {place}`")


def add(place: Path, commune: str) -> Settings:
    """A new home with ports of its own. SettingsError says why not."""
    door, there = front_door(place), homes(place)
    if not _LABEL.fullmatch(commune):
        raise SettingsError(
            f"{commune!r}: small letters, digits and hyphens only, 63 at most: it becomes the "
            "first part of a host name (an INSEE code fits: 59155, 2a004)"
        )
    if len(there) >= COMMUNES_MAX:
        raise SettingsError(f"at most {COMMUNES_MAX} communes in one installation")
    folder = place / HOMES / commune
    if folder.exists():
        raise SettingsError(f"{folder} exists: nothing is overwritten")
    web, mqtt, nats = _ports(
        place, {port for home in there for port in ports_of(load(home.folder))}
    )
    folder.mkdir(mode=0o700)
    tables: Mapping[str, Mapping[str, object]] = {
        "web": {"port": web, "hosts": [door.name_of(commune)], "behind_proxy": door.https},
        "mqtt": {
            "host": door.mqtt_host,
            "port": mqtt,
            "names": [door.name_of(commune), "localhost", "127.0.0.1"],
        },
        "nats": {"port": nats},
        "reports": {"address": door.address_of(commune)},
    }
    text = "\n".join(f"[{name}]\n{_toml(fields)}" for name, fields in tables.items())
    durable.replace(folder / CONFIG, text.encode())
    return load(folder)


def set_stopped(home: Home, stopped: bool) -> None:
    """Kept over restarts of the installation; a running supervisor follows within seconds."""
    mark = home.folder / STOPPED
    if stopped:
        durable.replace(mark, b"")
    else:
        mark.unlink(missing_ok=True)


def ports_of(settings: Settings) -> tuple[int, int, int]:
    return settings.web.port, settings.mqtt.port, settings.nats.port


def _ports(place: Path, taken: set[int]) -> tuple[int, int, int]:
    """Three that no commune here has and nobody uses now; the same folder starts at the same."""
    span = PORT_MAX - PORT_MIN
    start = zlib.crc32(str(place.resolve()).encode()) % span
    found: list[int] = []
    for step in range(span):
        port = PORT_MIN + (start + step) % span
        if port not in taken and _free(port):
            found.append(port)
        if len(found) == 3:
            return found[0], found[1], found[2]
    raise SettingsError(f"no three free ports between {PORT_MIN} and {PORT_MAX}")


def _free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _toml(fields: Mapping[str, object]) -> str:
    return "".join(f"{name} = {_said(value)}\n" for name, value in fields.items())


def _said(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(_said(item) for item in value) + "]"
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return str(value) if isinstance(value, int) else f'"{text}"'
