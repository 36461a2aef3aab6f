"""From the publish of the reading that raises an alarm to the event in a browser's connection.

    python bench/alarm_latency.py [--alarms 200] [--gap 0.1]

A real `beffroi serve`: the reading goes over MQTT with mutual TLS (QoS 1), is fsynced by the
broker, judged, committed with its alarm, and pushed as a server-sent event to an HTTP client with
a session. One tank per alarm: a level that jumps. Writes bench/results/alarm_latency.json.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

from beffroi.lab.mqtt import MqttClient
from beffroi.lab.stack import tls_context
from beffroi.model.asset import Asset, Device
from tree import Tree

WAIT_S = 10.0


class Listener(threading.Thread):
    """Notes when the first alarm event of each asset arrives."""

    def __init__(self, tree: Tree) -> None:
        super().__init__(daemon=True)
        self.seen: dict[str, float] = {}
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
                elif line.startswith(b"data: ") and kind == b"alarm":
                    self.seen.setdefault(json.loads(line[6:])["asset"], now)


async def publish(client: MqttClient, count: int, gap_s: float) -> tuple[list[float], list[float]]:
    """When each reading was handed over, and how long its PUBACK took."""
    sent, acked = [], []
    start_ms = int(time.time() * 1000) - 600_000
    for n in range(count):
        batch = [{"device": f"s-{n}", "ts": start_ms, "values": {"level_m": 2.0}}]
        await client.publish("d/g/batch", json.dumps({"readings": batch}).encode())
    await asyncio.sleep(1.0)
    for n in range(count):
        batch = [{"device": f"s-{n}", "ts": start_ms + 60_000, "values": {"level_m": 9.0}}]
        payload = json.dumps({"readings": batch}).encode()
        began = time.perf_counter()
        await client.publish("d/g/batch", payload)
        sent.append(began)
        acked.append(time.perf_counter() - began)
        await asyncio.sleep(gap_s)
    return sent, acked


def measured(count: int, gap_s: float, home: Path) -> dict[str, float]:
    tree = Tree(home)
    store = tree.store()
    attrs = {"area_m2": 100.0, "flow_l_s_max": 20.0}
    store.assets.put_assets(
        [Asset(f"t-{n}", "water", "tank", "T", 2.0, 48.0, attrs=attrs) for n in range(count)]
    )
    store.assets.put_devices([Device("g", "", is_gateway=True)])
    store.assets.put_devices([Device(f"s-{n}", f"t-{n}", gateway="g") for n in range(count)])
    enrolment = tree.enrolment(store)
    bundle = enrolment.redeem(enrolment.invite("g"))
    tree.sign_in(store)
    store.close()
    try:
        tree.start()
        listener = Listener(tree)
        listener.start()
        listener.open.wait(WAIT_S)

        async def work() -> tuple[list[float], list[float]]:
            client = MqttClient("127.0.0.1", tree.mqtt_port, "g", tls_context(bundle))
            await client.connect()
            found = await publish(client, count, gap_s)
            await client.close()
            return found

        sent, acked = asyncio.run(work())
        end = time.monotonic() + WAIT_S
        while len(listener.seen) < count and time.monotonic() < end:
            time.sleep(0.05)
    finally:
        tree.stop()
    waits = sorted(
        (listener.seen[f"t-{n}"] - began) * 1000
        for n, began in enumerate(sent)
        if f"t-{n}" in listener.seen
    )
    return summary(waits, [one * 1000 for one in acked], count)


def summary(waits: list[float], acked: list[float], count: int) -> dict[str, float]:
    found: dict[str, float] = {"alarms": count, "seen": len(waits)}
    if len(waits) > 1:
        found["p50_ms"] = round(statistics.median(waits), 1)
        found["p99_ms"] = round(statistics.quantiles(waits, n=100)[98], 1)
        found["max_ms"] = round(waits[-1], 1)
        found["puback_p50_ms"] = round(statistics.median(acked), 1)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--alarms", type=int, default=200)
    parser.add_argument("--gap", type=float, default=0.1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measured(given.alarms, given.gap, Path(folder) / "home")
    print(json.dumps(found))
    results = Path(__file__).resolve().parent / "results"
    results.mkdir(exist_ok=True)
    (results / "alarm_latency.json").write_text(json.dumps(found))
    return int(found["seen"] != found["alarms"])


if __name__ == "__main__":
    sys.exit(main())
