"""A guard's certificate, used from elsewhere.

Somebody has copied certificate and key of a guard from a cabinet's disk and connects from home. It
can speak in that guard's name to the broker, and push the true one aside. What must stop it: the
broker gives it that guard's own topics only; receipts are signed by a key that never left the
cabinet; revoking the device cuts it off within seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter

from beffroi.kernel.dsse import RECEIPT, STATUS, Signed, pack
from beffroi.kernel.receipt import DONE, Receipt
from beffroi.lab.attackers.score import Score, Story
from beffroi.lab.attackers.town import Town
from beffroi.lab.mqtt import MqttClient, MqttError
from beffroi.lab.stack import tls_context
from beffroi.model.asset import Label
from beffroi.ports.identity import Bundle

NAME = "stolen-certificate"
STORY = Story(
    Label("Certificat d’une garde volé", "A guard’s certificate, stolen"),
    Label(
        "Le certificat d’une armoire est copié et utilisé d’ailleurs.",
        "The certificate of a cabinet is copied and used from elsewhere.",
    ),
    Label(
        "certificat et clé TLS d’une garde, pas sa clé de reçus",
        "a guard’s TLS certificate and key, not its key of receipts",
    ),
    Label(
        "ses propres sujets seulement ; reçus signés ; révocation qui coupe",
        "its own topics only; signed receipts; revocation that cuts",
    ),
)
GUARD, OTHER = "guard-boards", "guard-signals"
OWN_KEY = bytes([204]) * 32
CUT_S_MAX = 15.0
FILES = ("ca.crt", "device.crt", "device.key")


async def play(town: Town, score: Score) -> None:
    """See the module."""
    folder = town.posts[GUARD].cabinet.folder
    stolen = Bundle(GUARD, {name: (folder / name).read_bytes() for name in FILES}, "", 0)
    thief = MqttClient("127.0.0.1", town.hub.mqtt_port, GUARD, tls_context(stolen))
    await thief.connect()
    before = len(town.heard)
    lies = [_receipt(number) for number in range(1, 4)]
    for lie in lies:
        with contextlib.suppress(MqttError):
            await thief.publish(f"d/{GUARD}/receipt", lie)
    with contextlib.suppress(MqttError):
        await thief.publish(f"d/{GUARD}/status", pack(Signed(STATUS, b"\xa0").by(OWN_KEY)))
    believed = sum(one.receipt.outcome == DONE for one in town.heard[before:])
    score.tried(
        "reçus « exécuté » inventés", "invented receipts saying “done”",
        len(lies), {"no_key": len(lies)} if not believed else {},
    )  # fmt: skip
    refused = Counter[str]()
    for topic in (f"d/{OTHER}/cmd", f"d/{OTHER}/receipt", "#"):
        try:
            await thief.subscribe(topic)
        except MqttError:
            refused["broker"] += 1
    for topic in (f"d/{OTHER}/receipt", f"d/{OTHER}/cmd"):
        with contextlib.suppress(MqttError):
            await thief.publish(topic, lies[0])
        refused["broker"] += 1
    score.tried("agir au nom d’une autre garde", "act in another guard’s name", 5, refused)
    await _revoked(town, score, thief, stolen)


async def _revoked(town: Town, score: Score, thief: MqttClient, stolen: Bundle) -> None:
    """The town revokes the device, and gives the true guard a new certificate."""
    admin, began_s = town.sessions["admin"], time.monotonic()
    await town.hub.call(admin, "POST", f"/api/devices/{GUARD}/revoke")
    cut = await town.comes(lambda: thief.lost, CUT_S_MAX)
    took_s = time.monotonic() - began_s
    again = MqttClient("127.0.0.1", town.hub.mqtt_port, GUARD, tls_context(stolen))
    back = True
    try:
        await again.connect()
        await again.close()
    except MqttError:
        back = False
    if not cut or back:
        score.breaches.append("the stolen certificate was still let in after its revocation")
    score.tried(
        "rester connecté après la révocation", "stay connected after the revocation",
        1, {"revoked": 1} if cut and not back else {},
    )  # fmt: skip
    score.note(
        f"coupé {took_s:.1f} s après la révocation", f"cut off {took_s:.1f} s after the revocation"
    )
    await thief.close()
    await _enrol_again(town)


async def _enrol_again(town: Town) -> None:
    post, since_s = town.posts[GUARD], time.monotonic()
    await post.stop()

    def enrol() -> None:
        identity = town.hub.enrolment(town.store)
        town.store.assets.put_devices([post.device])
        bundle = identity.redeem(identity.invite(GUARD))
        for name, content in bundle.files.items():
            (post.cabinet.folder / name).write_bytes(content)

    await asyncio.to_thread(enrol)
    await post.start()
    await town.until(lambda: bool(town.said(since_s, "started")), "the true guard is back", 30.0)


def _receipt(number: int) -> bytes:
    now_ms = time.time_ns() // 1_000_000
    made = Receipt(GUARD, number, bytes(32), now_ms, DONE, "board-001", bytes([number]) * 32)
    return pack(Signed(RECEIPT, made.encoded()).by(OWN_KEY))
