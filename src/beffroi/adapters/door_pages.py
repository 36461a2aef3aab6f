"""The few pages that the front door itself says: French and English, no script, nothing of anybody.

They name no commune: who asks for a wrong name learns which names exist from nobody here.
"""

from __future__ import annotations

import base64
import hashlib
from enum import Enum
from typing import NamedTuple

from starlette.types import Scope, Send


class Words(NamedTuple):
    """One page. `wait_s` 0: trying again does not help."""

    status: int
    fr: str
    todo_fr: str
    en: str
    todo_en: str
    wait_s: int = 0


class Page(Enum):
    """Why the door does not open."""

    NO_COMMUNE = Words(
        421,
        "Aucune commune ne répond à cette adresse",
        "Vérifiez l’adresse, ou demandez-la à votre mairie.",
        "No commune answers to this address",
        "Check the address, or ask your town hall for it.",
    )
    BUSY = Words(
        429,
        "Trop de demandes à la fois pour cette commune",
        "Attendez quelques secondes, puis rechargez la page.",
        "Too many requests at once for this commune",
        "Wait some seconds, then reload the page.",
        5,
    )
    DOWN = Words(
        502,
        "Cette commune ne répond pas pour l’instant",
        "Son service est en train de démarrer ou il est arrêté. Réessayez dans une minute.",
        "This commune does not answer at the moment",
        "Its service is starting or stopped. Try again in a minute.",
        60,
    )
    SILENT = Words(
        504,
        "Cette commune met trop de temps à répondre",
        "Réessayez dans une minute.",
        "This commune takes too long to answer",
        "Try again in a minute.",
        60,
    )
    TOO_LARGE = Words(
        413,
        "Cet envoi est trop grand",
        "Envoyez-le en plusieurs fois.",
        "This is too large",
        "Send it in smaller parts.",
    )
    SLOW = Words(
        408,
        "L’envoi s’est interrompu",
        "Vérifiez la connexion, puis recommencez.",
        "The sending stopped half-way",
        "Check the connection, then start again.",
    )


STYLE = (
    "body{margin:0;min-height:100vh;display:grid;place-items:center;background:#f6f4ee;"
    "color:#1d2733;font:1.0625rem/1.55 system-ui,sans-serif}"
    "main{max-width:34rem;margin:1.5rem;padding:1.75rem 2rem;background:#fff;"
    "border:1px solid #d9d4c7;border-top:4px solid #22405f;border-radius:4px}"
    "h1{font-size:1.3rem;line-height:1.3;margin:0 0 .5rem}p{margin:0}"
    "section+section{margin-top:1.4rem;padding-top:1.2rem;border-top:1px solid #e6e2d8}"
    "h2{margin:0 0 .4rem;font-size:1.05rem}"
    "@media(prefers-color-scheme:dark){body{background:#12181f;color:#e7e9ec}"
    "main{background:#1a222b;border-color:#33404d;border-top-color:#8fb2d6}"
    "section+section{border-color:#33404d}}"
)
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; frame-ancestors 'none'"


def html(words: Words) -> bytes:
    """The whole page, in both languages: the door knows nobody's."""
    return (
        '<!doctype html><html lang="fr"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{words.fr} – Beffroi</title><style>{STYLE}</style></head><body><main>"
        f"<section><h1>{words.fr}</h1><p>{words.todo_fr}</p></section>"
        f'<section lang="en"><h2>{words.en}</h2><p>{words.todo_en}</p></section>'
        "</main></body></html>"
    ).encode()


async def answer(send: Send, scope: Scope, page: Page) -> None:
    """Say it, and close nothing else."""
    words = page.value
    body = html(words)
    headers = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"content-security-policy", POLICY.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"cache-control", b"no-store"),
    ]
    if words.wait_s:
        headers.append((b"retry-after", str(words.wait_s).encode()))
    await send({"type": "http.response.start", "status": words.status, "headers": headers})
    sent = b"" if scope["method"] == "HEAD" else body
    await send({"type": "http.response.body", "body": sent})
