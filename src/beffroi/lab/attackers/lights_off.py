"""Street lights off from a telephone (Nice).

A passer-by has a telephone on the town's network, finds the broker and the pages, guesses
passphrases, and has taken the certificate out of a lamp controller that hung loose. It wants the
street dark. What must stop it: without a certificate nobody speaks to the broker; a device may
publish under its own name only; without a session nobody asks for anything; guesses are few; and a
guard believes signatures, not senders.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from urllib.parse import urlencode

from beffroi.lab.attackers import forge, web
from beffroi.lab.attackers.score import Score, Story
from beffroi.lab.attackers.town import LAMP_UNIT, Town
from beffroi.lab.mqtt import MqttClient, MqttError
from beffroi.lab.stack import tls_context
from beffroi.model.asset import Label

NAME = "lights-off"
STORY = Story(
    Label("Éteindre les rues depuis un téléphone", "Street lights off from a telephone"),
    Label(
        "Un passant veut éteindre la rue avec son téléphone, comme à Nice.",
        "A passer-by wants the street dark with a telephone, as in Nice.",
    ),
    Label(
        "un téléphone sur le réseau, le certificat d’un contrôleur de lampe volé",
        "a telephone on the network, the certificate of a stolen lamp controller",
    ),
    Label(
        "certificats, droits du courtier, sessions, essais comptés, signatures",
        "certificates, broker permissions, sessions, counted tries, signatures",
    ),
)
GUESSES = 6
DARK = {"level_pct": 0, "minutes": 240}
OWN_KEY = bytes([202]) * 32


async def play(town: Town, score: Score) -> None:
    """See the module."""
    score.tried(
        "parler au courtier sans certificat", "speak to the broker without a certificate",
        1, {"tls" if await _without_certificate(town) else "": 1},
    )  # fmt: skip
    lamps = town.targets("luminaire")
    asked = await web.ask(town, None, [(one, "dim", DARK) for one in lamps])
    score.tried(
        "demander au site sans être connecté", "ask the site without signing in",
        len(lamps), asked.stopped,
    )  # fmt: skip
    guesses = Counter[str]()
    for number in range(GUESSES):
        form = urlencode({"name": "op-1", "passphrase": f"saint-hilaire-{number}"})
        answer = await town.hub.call(None, "POST", "/sign-in", form)
        code = {401: "sign_in_failed", 429: "too_many_tries"}.get(answer.status, answer.code)
        guesses[code] += 1
    score.tried("deviner une phrase de passe", "guess a passphrase", GUESSES, guesses)
    await _as_a_device(town, score, lamps)


async def _without_certificate(town: Town) -> bool:
    """True when it was not let in."""
    open_to_all = ssl.create_default_context(cafile=str(town.home / "ca" / "ca.crt"))
    client = MqttClient("127.0.0.1", town.hub.mqtt_port, "guard-lighting", open_to_all)
    try:
        await client.connect()
    except (MqttError, OSError):
        return True
    await client.close()
    return False


async def _as_a_device(town: Town, score: Score, lamps: list[str]) -> None:
    client = MqttClient(
        "127.0.0.1", town.hub.mqtt_port, LAMP_UNIT, tls_context(town.bundles[LAMP_UNIT])
    )
    await client.connect()
    before = len(town.heard)
    for target in lamps:
        made = forge.command(town, target, "dim", DARK)
        await client.publish(f"d/{made.guard}/cmd", forge.wire(made, OWN_KEY))
    await asyncio.sleep(1.0)
    quiet = len(town.heard) == before
    score.tried(
        "publier des ordres avec le certificat d’une lampe",
        "publish commands with a lamp’s certificate",
        len(lamps), {"broker": len(lamps)} if quiet else {"done": len(town.heard) - before},
    )  # fmt: skip
    refused = 0
    for topic in ("d/guard-lighting/cmd", "d/+/receipt", "#"):
        try:
            await client.subscribe(topic)
        except MqttError:
            refused += 1
    score.tried(
        "écouter les ordres et les reçus", "listen to commands and receipts",
        3, {"broker": refused} if refused else {},
    )  # fmt: skip
    await client.close()
