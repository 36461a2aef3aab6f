"""The lab's attackers, in a demonstration only: tried, stopped by what, proven where.

`app.state.attacks` exists when this hub is a demonstration; without it there is nothing here. An
attack runs in processes and on a commune of its own, never on this one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path as File
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Path, Request
from starlette.responses import FileResponse, Response

from beffroi.api.access import Me, Svc, needs
from beffroi.api.described import sends
from beffroi.api.problems import Refusal, not_found

router = APIRouter(prefix="/api/lab/attacks", tags=["lab"])
Name = Annotated[str, Path(max_length=60)]


class Attacks(Protocol):
    """`app.state.attacks`. Blocking."""

    def listed(self) -> Sequence[Mapping[str, Any]]:
        """Each attack: name, title, tale, has, stops ({"fr", "en"}), running, outcome or None."""

    def play(self, name: str) -> str:
        """Start it in the background; "" when it began, else "busy" (one runs) or "soon"."""

    def proof(self, name: str) -> File | None:
        """The file of evidence that its last play left."""


def attacks_of(request: Request) -> Attacks:
    found: Attacks | None = getattr(request.app.state, "attacks", None)
    if found is None:
        raise not_found(request.url.path)
    return found


@router.get("")
@needs("admin")
def read_attacks(request: Request) -> list[Mapping[str, Any]]:
    return list(attacks_of(request).listed())


@router.post("/{name}", status_code=202)
@needs("admin")
def play_attack(request: Request, services: Svc, me: Me, name: Name) -> dict[str, str]:
    """It takes up to a minute; read the list again."""
    begin(request, services, me, name)
    return {"playing": name}


@router.get("/{name}/proof", **sends("text/plain"))
@needs("admin")
def read_proof(request: Request, name: Name) -> Response:
    """For `beffroi verify`."""
    path = attacks_of(request).proof(name)
    if path is None:
        raise not_found(name)
    return FileResponse(path, media_type="text/plain", filename=path.name)


def begin(request: Request, services: Svc, me: Me, name: str) -> None:
    """Refusal when there is no such attack, one runs, or the last one ended a moment ago."""
    attacks = attacks_of(request)
    if name not in {one["name"] for one in attacks.listed()}:
        raise not_found(name)
    why = attacks.play(name)
    if why == "busy":
        raise Refusal(409, "attack_runs", "An attack is being played. Wait until it is over.")
    if why:
        raise Refusal(429, "attack_soon", "An attack has just ended. Wait half a minute.")
    services.store.people.log_access(services.clock.now_ms(), me.user.id, "attack", name)
