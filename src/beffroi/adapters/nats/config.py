"""The broker's configuration, as text, from a few parameters.

Four rules: nothing listens beyond what is named here; devices come in by MQTT with TLS and a
certificate of the commune and are judged by the gate; an acknowledgement is on disk
(`sync_interval: always`); every resource has a bound.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from beffroi.adapters import durable
from beffroi.model.limits import (
    ACK_PENDING_MAX,
    BROKER_LOG_BYTES_MAX,
    BROKER_STORE_BYTES_MAX,
    DEVICE_CONNECTIONS_MAX,
    MESSAGE_BYTES_MAX,
)

ACCOUNT = "TOWN"  # where devices and the hub meet
SERVER_NAME = "beffroi"
MQTT_OVERHEAD_BYTES = 1_024  # topic and headers count in max_payload
AUTH_S_MAX = 6  # a thousand devices may come back at once: they queue at the gate

_TEMPLATE = """\
# Written by Beffroi at each start: changes here are lost. Settings: config.toml
server_name: {name}
host: 127.0.0.1
port: {client_port}
max_payload: {max_payload}
max_pending: 64MB
max_connections: {connections}
max_subscriptions: 0
write_deadline: "10s"
ping_interval: "30s"
ping_max: 2
{log}
pid_file: "{folder}/nats-server.pid"

jetstream {{
  store_dir: "{folder}/jetstream"
  sync_interval: {sync}
  max_mem: 64MB
  max_file: {store_bytes}
}}

mqtt {{
  host: {mqtt_host}
  port: {mqtt_port}
  ack_wait: "30s"
  max_ack_pending: {mqtt_ack_pending}
  authorization {{ timeout: {auth_s} }}
  tls {{
    cert_file: {cert}
    key_file: {key}
    ca_file: {ca}
    verify: true
    min_version: "1.2"
    timeout: {auth_s}
  }}
}}

accounts {{
  GATE {{ users: [ {{ nkey: {gate} }} ] }}
  SYS {{ users: [ {{ nkey: {sys} }} ] }}
  {account} {{
    jetstream {{ max_mem: 64MB, max_file: {store_bytes} }}
    users: [ {{ nkey: {hub} }} ]
  }}
}}
system_account: SYS

authorization {{
  timeout: {auth_s}
  auth_callout {{
    issuer: {issuer}
    account: GATE
    auth_users: [ {gate}, {sys}, {hub} ]
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the running broker listens; `home/nats/endpoint.json` tells other processes."""

    client_port: int
    mqtt_host: str
    mqtt_port: int

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.client_port}"

    def save(self, folder: Path) -> None:
        durable.put(folder / "endpoint.json", json.dumps(asdict(self)).encode())

    @classmethod
    def load(cls, folder: Path) -> Endpoint:
        """Raises FileNotFoundError when the broker has never run here."""
        return cls(**json.loads((folder / "endpoint.json").read_text()))


@dataclass(frozen=True, slots=True)
class Tls:
    """Files of the MQTT listener."""

    cert: Path
    key: Path
    ca: Path


def text(
    folder: Path, endpoint: Endpoint, tls: Tls, public: Mapping[str, str], *, sync: str = "always"
) -> str:
    """The configuration file. `sync` other than "always" is for measurements only."""
    values = {
        "folder": json.dumps(str(folder))[1:-1],
        "cert": json.dumps(str(tls.cert)),
        "key": json.dumps(str(tls.key)),
        "ca": json.dumps(str(tls.ca)),
        "mqtt_host": json.dumps(endpoint.mqtt_host),
    }
    return _TEMPLATE.format(
        name=SERVER_NAME,
        account=ACCOUNT,
        client_port=endpoint.client_port,
        mqtt_port=endpoint.mqtt_port,
        max_payload=MESSAGE_BYTES_MAX + MQTT_OVERHEAD_BYTES,
        connections=DEVICE_CONNECTIONS_MAX,
        store_bytes=BROKER_STORE_BYTES_MAX,
        mqtt_ack_pending=min(ACK_PENDING_MAX, 65_535),
        auth_s=AUTH_S_MAX,
        sync=sync if sync == "always" else json.dumps(sync),
        log=f'log_file: "{values["folder"]}/server.log"\nlogfile_size_limit: {BROKER_LOG_BYTES_MAX}'
        "\nlogfile_max_num: 3",
        **values,
        **public,
    )


def free_port(host: str) -> int:
    """A port that nobody uses now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as sock:
        sock.bind((host, 0))
        port: int = sock.getsockname()[1]
        return port
