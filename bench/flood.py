"""One device floods: what do the others notice?

    python bench/flood.py [--seconds 15] [--devices 8]

Real broker, gate and ingest on one machine. Each quiet device sends twice a second, QoS 1; the
time to its acknowledgement is measured, first alone, then while one device sends as fast as it
can. At the end every acknowledged reading of the quiet ones must be stored. Exit code 1 if not.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import tempfile
import time
from pathlib import Path

from beffroi.lab.commune import commune
from beffroi.lab.demo import enrol_devices, install_commune
from beffroi.lab.mqtt import MqttClient, MqttError
from beffroi.lab.stack import tls_context
from beffroi.ports.identity import Bundle
from tree import Tree

RESULTS = Path(__file__).parent / "results"
EACH_S = 0.5
WINDOW = 200
SETTLE_S_MAX = 120.0


def percentile(waits: list[float], share: float) -> float:
    """In ms."""
    ordered = sorted(waits)
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1_000, 1)


async def connected(tree: Tree, bundle: Bundle) -> MqttClient:
    context = tls_context(bundle)
    for _ in range(100):
        client = MqttClient("127.0.0.1", tree.mqtt_port, bundle.device, context)
        try:
            await client.connect()
        except MqttError:
            await asyncio.sleep(0.1)
        else:
            return client
    raise MqttError(f"{bundle.device} could not connect")


async def quiet(client: MqttClient, seconds: float, waits: list[float]) -> int:
    """How many were acknowledged."""
    count, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        value = {"ts": int(time.time() * 1_000), "values": {"pressure_bar": 4 + count % 97 / 100}}
        began = time.monotonic()
        await client.publish(f"d/{client.client_id}/tele", json.dumps(value).encode())
        waits.append(time.monotonic() - began)
        count += 1
        await asyncio.sleep(EACH_S)
    return count


async def flooding(client: MqttClient, sent: list[int]) -> None:
    waiting: set[asyncio.Future[int]] = set()
    while True:
        value = {"ts": int(time.time() * 1_000) - sent[0] % 10_000, "values": {"pressure_bar": 3.0}}
        topic = f"d/{client.client_id}/tele"
        waiting.add(client.publish_nowait(topic, json.dumps(value).encode()))
        sent[0] += 1
        if len(waiting) >= WINDOW:
            _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)


def stored(tree: Tree, names: set[str]) -> int:
    store = tree.store()
    known = store.readings.series_of([])
    found = sum(
        len(store.readings.points(number, 0, 2**62).ts_ms)
        for key, number in known.items()
        if key.device in names
    )
    store.close()
    return found


async def measured(tree: Tree, bundles: list[Bundle], seconds: float) -> dict[str, object]:
    clients = [await connected(tree, bundle) for bundle in bundles[1:]]
    loud, sent = await connected(tree, bundles[0]), [0]
    alone: list[float] = []
    beside: list[float] = []
    acked = sum(await asyncio.gather(*(quiet(c, seconds, alone) for c in clients)))
    flood = asyncio.create_task(flooding(loud, sent))
    acked += sum(await asyncio.gather(*(quiet(c, seconds, beside) for c in clients)))
    flood.cancel()
    await asyncio.gather(flood, return_exceptions=True)
    loud.abort()
    names, end = {client.client_id for client in clients}, time.monotonic() + SETTLE_S_MAX
    while (kept := await asyncio.to_thread(stored, tree, names)) < acked:
        if time.monotonic() > end:
            break
        await asyncio.sleep(1)
    for client in clients:
        await client.close()
    return {
        "flood_per_s": round(sent[0] / seconds),
        "alone_p50_ms": percentile(alone, 0.5),
        "alone_p99_ms": percentile(alone, 0.99),
        "beside_p50_ms": percentile(beside, 0.5),
        "beside_p99_ms": percentile(beside, 0.99),
        "quiet_acked": acked,
        "quiet_stored": kept,
    }


def main(seconds: float, devices: int) -> int:
    with tempfile.TemporaryDirectory(prefix="beffroi-flood-") as folder:
        tree, made = Tree(Path(folder) / "home"), commune(500, 1)
        store = tree.store()
        install_commune(store, made)
        bundles = enrol_devices(tree.enrolment(store), made, Path(folder) / "street")
        tree.sign_in(store)
        store.close()
        tree.start()
        nodes = [d.id for d in made.connected if d.id.startswith("rtu-node")]
        try:
            found = asyncio.run(measured(tree, [bundles[n] for n in nodes[: devices + 1]], seconds))
        finally:
            tree.stop()
    result = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version()},
        "load_1min": round(os.getloadavg()[0], 1),
        "quiet_devices": devices,
        **found,
    }
    print(json.dumps(result, indent=1))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "flood.json").write_text(json.dumps(result, indent=1) + "\n")
    return 0 if found["quiet_stored"] == found["quiet_acked"] else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--devices", type=int, default=8)
    given = parser.parse_args()
    raise SystemExit(main(given.seconds, given.devices))
