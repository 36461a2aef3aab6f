"""From a command that the hub has accepted to the guard's signed receipt, read back, in the book.

    python bench/command_latency.py [--commands 300] [--gap 0.1] [--load 200]

A real `beffroi serve` and a real `beffroi-guard` with simulated equipment: the request comes by
HTTP, is judged, written to the evidence log and the store (fsync), sent over MQTT with mutual TLS,
judged again, acted, read back, signed; the receipt is fsynced by the broker, verified, logged and
stored, and the page hears of it by a server-sent event. Meanwhile `--load` readings a second pass
through the same hub. Two times: from sending the request, and from its answer (accepted). Writes
bench/results/command_latency.json. Goal of the project: p99 <= 500 ms, aim 150 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

from beffroi.api import sessions
from beffroi.kernel.envelope import Action, Allowed, Case, Envelope
from beffroi.lab.cabinet import Cabinet, sign_rules
from beffroi.lab.mqtt import MqttClient
from beffroi.lab.stack import tls_context
from beffroi.model.asset import Asset, Device
from beffroi.ports.store import User
from tree import Tree

COMMUNE, GUARD, TARGETS = "lourmarin", "cabinet-1", ("lamp-1", "lamp-2", "lamp-3")
WAIT_S = 30.0
WIRING = """\
[wiring]
shows = { level_pct = 100 }
safe = { level_pct = 100 }
actions = { dim = { level_pct = "$level_pct" } }
"""


class Town(Tree):
    """With an operator who may ask, a guard, and its rules."""

    def install(self) -> Cabinet:
        store = self.store()
        store.people.put_user(User("op", "Op", "operator"))
        token = f"{int(time.time() * 1000)}.{secrets.token_urlsafe(32)}"
        until_ms = int((time.time() + 3_600) * 1000)
        store.people.put_session(sessions.hashed(token), "op", until_ms)
        self._cookie = f"{sessions.COOKIE}={token}"
        self._csrf = sessions.csrf_of(token)
        store.assets.put_assets([Asset("bay-1", "parking", "bay", "B", 2.0, 48.0)])
        store.assets.put_devices([Device("g", "", is_gateway=True)])
        store.assets.put_devices([Device(f"s-{n}", "bay-1", gateway="g") for n in range(50)])
        store.assets.put_devices([Device(GUARD, "", status="pending", is_guard=True)])
        enrolment = self.enrolment(store)
        self.gateway = enrolment.redeem(enrolment.invite("g"))
        bundle = enrolment.redeem(enrolment.invite(GUARD))
        store.close()
        cabinet = Cabinet(self.home / "cabinet", COMMUNE, GUARD)
        cabinet.write(bundle.files, "127.0.0.1", self.mqtt_port, dict.fromkeys(TARGETS, WIRING))
        now = int(time.time() * 1000)
        rules = [rule(name) for name in TARGETS]
        cabinet.trust(sign_rules(self.home, COMMUNE, [cabinet.member()], rules, now))
        return cabinet

    def ask(self, target: str, level: int) -> dict[str, Any]:
        body = {"target": target, "action": "dim", "params": {"level_pct": level}}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.web_port}/api/commands",
            json.dumps(body).encode(),
            {
                "Cookie": self._cookie,
                "X-CSRF-Token": self._csrf,
                "Content-Type": "application/json",
                "Origin": f"http://127.0.0.1:{self.web_port}",
            },
        )
        with urllib.request.urlopen(request, timeout=WAIT_S) as answer:  # noqa: S310
            found: dict[str, Any] = json.loads(answer.read())
            return found


def rule(target: str) -> Envelope:
    dim = Action(
        (Case("A", {"level_pct": Allowed(((1, 100),))}),), "À {level_pct} %", "To {level_pct} %",
        per_hour_max=500,
    )  # fmt: skip
    return Envelope(COMMUNE, GUARD, target, target, "lamps", COMMUNE, 1, 0, 0, {"dim": dim})


class Listener(threading.Thread):
    """Notes when each command is heard to be over."""

    def __init__(self, tree: Town) -> None:
        super().__init__(daemon=True)
        self.done: dict[str, tuple[float, str]] = {}
        self.open = threading.Event()
        self._request = urllib.request.Request(
            f"http://127.0.0.1:{tree.web_port}/events", headers={"Cookie": tree._cookie}
        )

    def run(self) -> None:
        with urllib.request.urlopen(self._request) as stream:  # noqa: S310
            kind = b""
            for line in stream:
                now = time.perf_counter()
                self.open.set()
                if line.startswith(b"event: "):
                    kind = line[7:].strip()
                elif line.startswith(b"data: ") and kind == b"command":
                    told = json.loads(line[6:])
                    if told["state"] not in ("requested", "ready", "sent"):
                        self.done.setdefault(told["id"], (now, told["state"]))


class Load(threading.Thread):
    """Readings through the same hub, so many a second, until `stop`."""

    def __init__(self, tree: Town, rate: int) -> None:
        super().__init__(daemon=True)
        self._tree, self._rate = tree, rate
        self.halt = threading.Event()
        self.sent = 0

    def run(self) -> None:
        if self._rate:
            asyncio.run(self._work())

    async def _work(self) -> None:
        here = self._tree
        client = MqttClient("127.0.0.1", here.mqtt_port, "g", tls_context(here.gateway))
        await client.connect()
        per = max(1, self._rate // 20)
        while not self.halt.is_set():
            ts = int(time.time() * 1000)
            batch = [
                {"device": f"s-{n % 50}", "ts": ts + n // 50, "values": {"occupied": n % 2}}
                for n in range(per)
            ]
            await client.publish("d/g/batch", json.dumps({"readings": batch}).encode())
            self.sent += per
            await asyncio.sleep(0.05)
        await client.close()


def measured(count: int, gap_s: float, load: int, home: Path) -> dict[str, Any]:
    tree = Town(home)
    cabinet = tree.install()
    guard: subprocess.Popen[bytes] | None = None
    flow = Load(tree, load)
    asked: dict[str, tuple[float, float]] = {}
    try:
        tree.start()
        with (home / "guard.log").open("wb") as log:
            guard = subprocess.Popen(cabinet.command, stdout=log, stderr=log)
        listener = Listener(tree)
        listener.start()
        listener.open.wait(WAIT_S)
        leased(tree)
        flow.start()
        time.sleep(1.0)
        for n in range(count):
            began = time.perf_counter()
            made = tree.ask(TARGETS[n % len(TARGETS)], 1 + n % 100)
            asked[made["id"]] = (began, time.perf_counter())
            time.sleep(gap_s)
        end = time.monotonic() + WAIT_S
        while len(listener.done.keys() & asked) < count and time.monotonic() < end:
            time.sleep(0.05)
    finally:
        flow.halt.set()
        if guard is not None:
            guard.terminate()
            guard.wait(20)
        tree.stop()
    over = {name: listener.done[name] for name in asked if name in listener.done}
    states = [state for _, state in over.values()]
    return {
        "commands": count,
        "done": states.count("done"),
        "load_readings_per_s": load,
        "request_to_receipt": spread([(over[n][0] - asked[n][0]) * 1000 for n in over]),
        "accepted_to_receipt": spread([(over[n][0] - asked[n][1]) * 1000 for n in over]),
        "accepting": spread([(b - a) * 1000 for a, b in asked.values()]),
    }


def leased(tree: Town) -> None:
    """Until a first command of each target is done: rules and lease have arrived."""
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        guards = tree.json("/api/commands/guards")
        if guards and guards[0]["connected"] and guards[0]["roster_current"]:
            time.sleep(2.0)
            return
        time.sleep(0.2)
    raise SystemExit(f"the guard was not heard; see {tree.home}")


def spread(times: list[float]) -> dict[str, float]:
    if len(times) < 2:
        return {}
    return {
        "p50_ms": round(statistics.median(times), 1),
        "p99_ms": round(statistics.quantiles(times, n=100)[98], 1),
        "max_ms": round(max(times), 1),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--commands", type=int, default=300)
    parser.add_argument("--gap", type=float, default=0.1)
    parser.add_argument("--load", type=int, default=200)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measured(given.commands, given.gap, given.load, Path(folder) / "home")
    print(json.dumps(found))
    results = Path(__file__).resolve().parent / "results"
    results.mkdir(exist_ok=True)
    (results / "command_latency.json").write_text(json.dumps(found, indent=1) + "\n")
    return int(found["done"] != found["commands"])


if __name__ == "__main__":
    sys.exit(main())
