"""How fast a commune's devices come back: N real mTLS connections at once, judged by the gate.

    python bench/reconnect.py [--devices 1000] [--rounds 3]

The gate runs as its own process. Between rounds the broker is killed (kill -9), so that each round
is what happens after a power cut. Prints the rate, the time to CONNACK and CPU of each process.
Exit code 1 when a device did not come back.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import statistics
import tempfile
import time
from pathlib import Path

import psutil
import structlog

from beffroi.lab.mqtt import MqttClient, MqttError
from beffroi.lab.stack import Stack, tls_context
from beffroi.model.asset import Device


async def come_back(stack: Stack, name: str, context: object, waits: list[float]) -> MqttClient:
    """Connect with retries; the wait counts from the first try."""
    began = time.monotonic()
    here = stack.endpoint
    while True:
        client = MqttClient(here.mqtt_host, here.mqtt_port, name, context)
        try:
            await client.connect()
        except MqttError:
            await asyncio.sleep(0.2)
        else:
            waits.append(time.monotonic() - began)
            return client


def cpu(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


async def one_round(stack: Stack, contexts: dict[str, object]) -> dict[str, float]:
    waits: list[float] = []
    before = cpu(stack.broker.pid), cpu(stack.gate_pid), time.process_time()
    began = time.monotonic()
    clients = await asyncio.gather(
        *(come_back(stack, name, context, waits) for name, context in contexts.items())
    )
    took = time.monotonic() - began
    ordered = sorted(waits)
    result = {
        "devices": len(contexts),
        "seconds": round(took, 2),
        "per_s": round(len(contexts) / took),
        "p50_ms": round(statistics.median(ordered) * 1000),
        "p99_ms": round(ordered[int(len(ordered) * 0.99)] * 1000),
        "broker_cpu_s": round(cpu(stack.broker.pid) - before[0], 2),
        "gate_cpu_s": round(cpu(stack.gate_pid) - before[1], 2),
        "clients_cpu_s": round(time.process_time() - before[2], 2),
        "broker_rss_mb": round(psutil.Process(stack.broker.pid).memory_info().rss / 1e6),
        "gate_rss_mb": round(psutil.Process(stack.gate_pid).memory_info().rss / 1e6),
    }
    os.kill(stack.broker.pid, signal.SIGKILL)
    await asyncio.gather(*(client.wait_lost() for client in clients))
    return result


async def main(devices: int, rounds: int) -> int:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    with tempfile.TemporaryDirectory() as home:
        async with Stack(Path(home), gate_process=True) as stack:
            names = [f"dev-{i}" for i in range(devices)]
            contexts = {
                n: tls_context(stack.enrol(Device(n, "a", status="pending"))) for n in names
            }
            await asyncio.sleep(2.0)  # the gate reads the inventory
            for number in range(rounds):
                result = await one_round(stack, contexts)
                result["load_1min"] = round(os.getloadavg()[0], 1)
                print(json.dumps({"round": number, **result}))
                while not stack.broker.pid:
                    await asyncio.sleep(0.01)
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    raise SystemExit(asyncio.run(main(args.devices, args.rounds)))
