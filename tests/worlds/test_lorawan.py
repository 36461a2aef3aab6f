"""Real uplink frames of parking sensors, by both webhook formats, to the bays: counted, equal."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any, cast

import pytest
from tests.hub.links.test_webhooks import Few
from tests.worlds.running import Hub, start_hub

from beffroi.adapters.codecs.runner import Runner
from beffroi.hub.links.webhooks import accept, create_source
from beffroi.hub.services import Services
from beffroi.lab.stack import Stack
from beffroi.model.asset import Asset, Device
from beffroi.ports.codec import Codec
from beffroi.ports.store import SeriesKey

# Written for this test from the frames' documentation; the makers' codecs are added by the user.
TPS110 = """
function decodeUplink(input) {
  var b = input.bytes;
  if (input.fPort === 1) return {data: {type: "parking_status", occupied: (b[0] & 1) === 1}};
  if (input.fPort === 2) {
    return {data: {type: "heartbeat", occupied: (b[0] & 1) === 1, temperature: b[1] << 24 >> 24}};
  }
  if (input.fPort === 3) return {data: {type: "startup", occupied: (b[16] & 1) === 1}};
  return {errors: ["unknown port"]};
}
"""
SHA = hashlib.sha256(TPS110.encode()).hexdigest()
MODELS = {"Nwave": "nwave-nps405", "Bosch": "bosch-tps110"}
PROPS = {
    "occupied": "occupied_device",
    "temperature": "temperature_C",
    "battery_voltage": "battery_V",
}


def samples(folder: Path) -> list[dict[str, Any]]:
    """With the maker's name carried down to the frames that only say "same"."""
    found = json.loads((folder / "lorawan" / "samples.json").read_text(encoding="utf-8"))
    maker = ""
    for one in found:
        maker = one.get("device", maker)
        one["maker"] = maker.split()[0]
    return cast("list[dict[str, Any]]", found)


def chirpstack(eui: str, at: str, one: dict[str, Any], decoded: bool) -> bytes:
    body = {
        "time": at,
        "deviceInfo": {"devEui": eui.lower(), "deviceName": "bay"},
        "fPort": one["fPort"],
        "data": base64.b64encode(bytes.fromhex(one["bytes"])).decode(),
        **({"object": one["decoded"]} if decoded else {}),
    }
    return json.dumps(body).encode()


def tts(eui: str, at: str, one: dict[str, Any], decoded: bool) -> bytes:
    uplink = {
        "f_port": one["fPort"],
        "frm_payload": base64.b64encode(bytes.fromhex(one["bytes"])).decode(),
        "received_at": at,
        **({"decoded_payload": one["decoded"]} if decoded else {}),
    }
    return json.dumps({"end_device_ids": {"dev_eui": eui}, "uplink_message": uplink}).encode()


FORMATS = {"chirpstack": chirpstack, "tts": tts}


async def posted(hub: Hub, link: str, bodies: list[bytes]) -> None:
    services = cast("Services", Few(hub))
    secret = create_source(services, link, link, "lns")
    for body in bodies:
        assert (await accept(services, link, link, secret, body, "up")).status == 202
    await hub.idle()


@pytest.mark.data
@pytest.mark.parametrize("link", ["chirpstack", "tts"])
@pytest.mark.parametrize("decoded", [True, False], ids=["their codec", "our codec"])
async def test_frames_to_bays(data_dir: Path, tmp_path: Path, link: str, decoded: bool) -> None:
    chosen = [one for one in samples(data_dir) if decoded or one["maker"] == "Bosch"]
    assert len(chosen) == (7 if decoded else 3)
    async with Stack(tmp_path) as stack:
        stack.store.assets.put_codec(Codec(SHA, "tps110", TPS110, 0, "test"))
        runner = Runner(stack.store.assets)
        hub = await start_hub(stack, codecs=runner)
        bodies, expected = [], {}
        for n, one in enumerate(chosen):
            eui = f"{n:016X}"
            stack.store.assets.put_assets([Asset(f"bay-{n}", "parking", "bay", "B", 2.0, 48.0)])
            device = Device(
                id=f"dev-{n}",
                asset=f"bay-{n}",
                gateway="lns",
                dev_eui=eui,
                model=MODELS[one["maker"]],
                codec="" if decoded else SHA,
            )
            stack.store.assets.put_devices([device])
            bodies.append(FORMATS[link](eui, f"2026-11-24T07:00:0{n}.123456789Z", one, decoded))
            for theirs, ours in PROPS.items():
                if theirs in one["decoded"]:
                    key = SeriesKey(f"bay-{n}", f"dev-{n}", ours)
                    expected[key] = [float(one["decoded"][theirs])]
        await posted(hub, link, bodies)
        series = stack.store.readings.series_of([])
        found = {
            key: stack.store.readings.points(number, 0, 2**62).value.tolist()
            for key, number in series.items()
            if key.device
        }
        assert found == expected
        assert hub.loop.stats.received == len(expected)
        assert hub.loop.stats.balanced()
        assert not stack.store.readings.quarantine_counts()
        await hub.stop()
        runner.close()


@pytest.mark.data
async def test_a_hostile_codec_costs_its_own_frames_only(data_dir: Path, tmp_path: Path) -> None:
    """M10: others are stored meanwhile."""
    endless = "function decodeUplink(i) { for (;;); }"
    sha = hashlib.sha256(endless.encode()).hexdigest()
    one = next(s for s in samples(data_dir) if s["maker"] == "Bosch")
    async with Stack(tmp_path) as stack:
        for name, source in (("tps110", TPS110), ("endless", endless)):
            digest = hashlib.sha256(source.encode()).hexdigest()
            stack.store.assets.put_codec(Codec(digest, name, source, 0, "test"))
        stack.store.assets.put_assets([Asset("bay", "parking", "bay", "B", 2.0, 48.0)])
        for name, codec in (("good", SHA), ("bad", sha)):
            eui = {"good": "00000000000000AA", "bad": "00000000000000BB"}[name]
            stack.store.assets.put_devices(
                [Device(name, "bay", "bosch-tps110", "lns", codec=codec, dev_eui=eui)]
            )
        runner = Runner(stack.store.assets)
        hub = await start_hub(stack, codecs=runner)
        bodies = []
        for n in range(20):
            for eui in ("00000000000000AA", "00000000000000BB"):
                bodies.append(chirpstack(eui, f"2026-11-24T07:00:{n:02}Z", one, False))
        await posted(hub, "chirpstack", bodies)
        key = SeriesKey("bay", "good", "occupied_device")
        number = stack.store.readings.series_of(["bay"])[key]
        assert len(stack.store.readings.points(number, 0, 2**62).ts_ms) == 20
        assert hub.loop.stats.quarantined == {"codec_failed": 20}
        await hub.stop()
        runner.close()
