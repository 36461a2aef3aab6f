"""A small bridge: MQTT (mutual TLS, QoS 1, persistent session) -> InfluxDB 1.x.

    python bench/peers/bridge.py HOST PORT CLIENT_ID BUNDLE INFLUX_PORT

PUBACK only after InfluxDB has answered the write (its WAL is fsynced by default), in groups: what
a careful integrator would write. It checks nothing else: no identity, no bounds, no quarantine.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import sys
from pathlib import Path

import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from beffroi.lab.mqtt import MqttClient, MqttError, subscribe_packet
from peers.load import context

GROUP_MAX = 2_000


class Bridge(MqttClient):
    """Queues messages and leaves the PUBACK to the writer."""

    def setup(self) -> None:
        self.queue: asyncio.Queue[tuple[str, bytes, bytes]] = asyncio.Queue()

    def _receive(self, first: int, body: bytes) -> None:
        end = 2 + int.from_bytes(body[:2], "big")
        topic, qos = body[2:end].decode(), first >> 1 & 3
        ident = body[end : end + 2] if qos else b""
        self.queue.put_nowait((topic, body[end + 2 :] if qos else body[end:], ident))


def lines(topic: str, payload: bytes) -> list[str]:
    document = json.loads(payload)
    if topic.endswith("/batch"):
        return [
            f"level,device={one['device']} level_m={one['values']['level_m']} {one['ts']}"
            for one in document["readings"]
        ]
    device = topic.split("/")[1]
    return [f"level,device={device} level_m={document['values']['level_m']} {document['ts']}"]


class Influx:
    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def write(self, body: bytes) -> None:
        self._connection.request("POST", "/write?db=town&precision=ms", body)
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status != 204:
            raise RuntimeError(f"InfluxDB answered {answer.status}: {text!r}")


async def serve(client: Bridge, influx: Influx) -> None:
    while True:
        group = [await client.queue.get()]
        readings = 0
        while not client.queue.empty() and len(group) < GROUP_MAX and readings < 10_000:
            group.append(client.queue.get_nowait())
            readings += len(group[-1][1]) // 60
        body = "\n".join(line for topic, data, _ in group for line in lines(topic, data))
        await asyncio.to_thread(influx.write, body.encode())
        client.write(b"".join(b"\x40\x02" + ident for _, _, ident in group if ident))


async def main() -> None:
    host, port, name, bundle, influx_port = sys.argv[1:]
    influx = Influx(int(influx_port))
    while True:
        client = Bridge(host, int(port), name, context(Path(bundle)), clean=False)
        client.setup()
        try:
            await client.connect()
            client.write(subscribe_packet(1, "d/+/tele") + subscribe_packet(2, "d/+/batch"))
            print("ready", flush=True)
            work = asyncio.ensure_future(serve(client, influx))
            lost = asyncio.ensure_future(client.wait_lost())
            await asyncio.wait({work, lost}, return_when=asyncio.FIRST_COMPLETED)
            work.cancel()
            lost.cancel()
        except MqttError as error:
            print(error, file=sys.stderr)
        client.abort()
        await asyncio.sleep(0.2)


if __name__ == "__main__":
    uvloop.run(main())
