"""What a signed-in browser can try: ask for commands, bring signatures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from beffroi.adapters.signers.file import SeedSigner
from beffroi.adapters.signers.request import sign_request, signed_file, unpack_request
from beffroi.lab.attackers.town import Town
from beffroi.lab.hub_process import Answer, Session

PATH = "/api/commands"
Wish = tuple[str, str, Mapping[str, int | str]]  # target, action, params


class Asked(NamedTuple):
    """`open`: ids of what was accepted as a request; `stopped` by reason; `sent`: states of those
    that needed nobody."""

    open: list[str]
    stopped: Counter[str]
    answers: list[Answer]


async def ask(town: Town, session: Session | None, wishes: Sequence[Wish]) -> Asked:
    """Each as a request of this browser."""
    asked = Asked([], Counter(), [])
    for target, action, params in wishes:
        body = {"target": target, "action": action, "params": dict(params)}
        answer = await town.hub.call(session, "POST", PATH, body)
        asked.answers.append(answer)
        if answer.status == 201:
            asked.open.append(answer.body["id"])
            waits = answer.body["state"] == "awaiting_approval"
            asked.stopped["awaiting" if waits else answer.body["state"]] += 1
        else:
            asked.stopped[answer.code] += 1
    return asked


async def sign(town: Town, session: Session, ident: str, seed: bytes) -> Answer:
    """Fetch the request, sign it as `beffroi sign` does, bring it back."""
    file = await town.hub.call(session, "GET", f"{PATH}/{ident}/request")
    if file.status >= 400:
        return file
    path = f"{PATH}/{ident}/signature"
    return await town.hub.call(session, "POST", path, signed_by(file.body, seed))


def signed_by(file: bytes, seed: bytes) -> bytes:
    """A request file, signed as `beffroi sign` signs it."""
    wire, _ = unpack_request(file)
    return signed_file(wire, sign_request(wire, SeedSigner(seed)))


async def state(town: Town, session: Session, ident: str) -> str:
    return str((await town.hub.call(session, "GET", f"{PATH}/{ident}")).body["state"])


async def drop(town: Town, session: Session, idents: Sequence[str]) -> None:
    """Take back what still waits, so that the next one finds a clean desk."""
    for ident in idents:
        await town.hub.call(session, "POST", f"{PATH}/{ident}/cancel")


def reason(answer: Answer) -> str:
    """What a refusal says."""
    return answer.code if answer.status >= 400 else str(_state(answer.body))


def _state(body: Any) -> str:
    waits = isinstance(body, dict) and body.get("state") == "awaiting_approval"
    return "awaiting" if waits else str(body.get("state") if isinstance(body, dict) else body)
