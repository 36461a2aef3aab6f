"""Parking that was not paid: a forged, an altered, a copied title.

Somebody has one valid title and a programmer. Controllers check titles offline: the verifier is a
process of its own without a network. What must stop it: only the commune's key makes titles, each
byte is signed, each title counts once at a verifier, and titles shown in two places are found when
the lists are compared. The key of titles is none of the roster: who has it commands nothing.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from pathlib import Path

from beffroi.adapters.signers import file
from beffroi.adapters.signers.file import SeedSigner
from beffroi.domains.entitlement.token import NONCE_BYTES, Token, message, seal, unseal
from beffroi.kernel.keys import ED25519, key_id
from beffroi.lab.attackers.score import Score, Story
from beffroi.lab.attackers.town import METER, Town
from beffroi.lab.mqtt import MqttClient
from beffroi.lab.stack import tls_context
from beffroi.model.asset import Label

NAME = "unpaid-parking"
STORY = Story(
    Label("Stationner sans payer", "Parking without paying"),
    Label(
        "Des titres falsifiés, modifiés, copiés sont montrés aux contrôleurs.",
        "Forged, altered and copied titles are shown to the controllers.",
    ),
    Label("un titre valable et une clé fabriquée", "one valid title and a key of its own making"),
    Label(
        "signature de chaque octet, usage unique, listes rapprochées",
        "a signature over each byte, single use, lists compared",
    ),
)
BAY, OTHER_BAY, ZONE = "bay-00001", "bay-00002", "zone-001"
OWN_KEY = bytes([203]) * 32
CHECK_S_MAX = 60
# `beffroi entitlement`, without loading the rest of Beffroi: a controller's device is small.
VERIFIER = "from beffroi.cli.entitlement import app; app()"


async def play(town: Town, score: Score) -> None:
    """See the module."""
    folder = town.folder / "parking"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"titles-{time.monotonic_ns()}.pem"
    commune = file.create(path, None)
    thief = SeedSigner(OWN_KEY)
    good, seen = issued(town.commune, commune, BAY), folder / f"seen-{path.stem}"
    honest = await check(town, commune, good, BAY, seen)
    if honest:
        score.breaches.append("an honest title was refused")
    zoned = issued(town.commune, commune, ZONE)
    tries = {
        "forged": issued(town.commune, thief, BAY),
        "named": _renamed(issued(town.commune, thief, BAY), commune),
        "altered": _altered(good),
        "copied": good,
        "elsewhere": issued("neighbour", commune, BAY),
        "expired": issued(town.commune, commune, BAY, ago_s=7_200),
    }
    answers = await asyncio.gather(
        *(
            check(town, commune, word, OTHER_BAY if name == "copied" else BAY, seen)
            for name, word in tries.items()
        )
    )
    stopped = Counter[str]()
    for name, refused in zip(tries, answers, strict=True):
        if refused:
            stopped["refused_offline"] += 1
        else:
            score.breaches.append(f"the {name} title was accepted")
    score.tried(
        "titre falsifié, modifié, copié, d’ailleurs, expiré",
        "a forged, altered, copied, foreign, expired title",
        len(tries), stopped,
    )  # fmt: skip
    await _twice(town, score, commune, zoned, folder)
    await _told(town, len(tries))


async def _twice(town: Town, score: Score, key: SeedSigner, word: str, folder: Path) -> None:
    """A zone's title at two controllers that have not met: found when their lists meet."""
    lists = [folder / f"controller-{n}-{time.monotonic_ns()}" for n in (1, 2)]
    both = zip((BAY, OTHER_BAY), lists, strict=True)
    await asyncio.gather(*(check(town, key, word, bay, seen) for bay, seen in both))
    code, _ = await _run("compare", *map(str, lists))
    score.tried(
        "le même titre chez deux contrôleurs", "one title at two controllers",
        1, {"refused_offline": 1} if code else {},
    )  # fmt: skip
    score.note(
        "deux contrôleurs sans liaison acceptent chacun une fois un titre de zone : la copie se "
        "voit au rapprochement, pas sur le moment",
        "two controllers without a link each accept a zone’s title once: the copy is seen when "
        "lists are compared, not at that moment",
    )


async def _told(town: Town, count: int) -> None:
    """The meter counts what it refused and says so: the alarm desk hears of it."""
    client = MqttClient("127.0.0.1", town.hub.mqtt_port, METER, tls_context(town.bundles[METER]))
    await client.connect()
    reading = {"ts": time.time_ns() // 1_000_000, "values": {"forged": count, "state": 1}}
    await client.publish(f"d/{METER}/tele", json.dumps(reading).encode())
    await client.close()


def issued(commune: str, key: SeedSigner, place: str, *, ago_s: int = 10) -> str:
    """A title for one hour, signed by `key`."""
    start_s = int(time.time()) - ago_s
    nonce = time.monotonic_ns().to_bytes(NONCE_BYTES, "big")
    token = Token(commune, place, start_s, start_s + 3_600, 60, nonce)
    signature = key.sign(message(token))
    return seal(token, signature.key, signature.value)


async def check(town: Town, key: SeedSigner, word: str, bay: str, seen: Path) -> str:
    """By a verifier process; "" when it was accepted, else what it said."""
    code, said = await _run(
        "check", word, "--public", key.public.hex(), "--commune", town.commune, "--bay", bay,
        "--zone", ZONE, "--used", str(seen),
    )  # fmt: skip
    return said if code else ""


async def _run(*arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", VERIFIER, *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await asyncio.wait_for(process.communicate(), CHECK_S_MAX)
    return process.returncode or 0, out.decode(errors="replace")


def _altered(word: str) -> str:
    """One letter changed, in the middle."""
    at = len(word) // 2
    return word[:at] + ("A" if word[at] != "A" else "B") + word[at + 1 :]


def _renamed(word: str, commune: SeedSigner) -> str:
    """The thief's signature under the name of the commune's key."""
    sealed, token = unseal(word)
    return seal(token, key_id(ED25519, commune.public), sealed.signature)
