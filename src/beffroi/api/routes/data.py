"""Where data comes from and what was refused: quarantine, codecs, webhook sources, imports."""

from __future__ import annotations

import base64
import io
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request, UploadFile
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

from beffroi.api.access import Me, Svc, needs, public
from beffroi.api.asked import Number
from beffroi.api.problems import Refusal
from beffroi.hub import codecs
from beffroi.hub.links import csv_import, import_map, webhooks
from beffroi.hub.links.formats import IMPORT
from beffroi.hub.services import Services
from beffroi.model.limits import CODEC_BYTES_MAX, NAME_CHARS_MAX, PAGE_ROWS_MAX
from beffroi.ports.codec import CodecError
from beffroi.ports.store import User

router = APIRouter(tags=["data"])
Name = Annotated[str, Field(max_length=NAME_CHARS_MAX)]


class CodecIn(BaseModel, extra="forbid"):
    """JavaScript with `decodeUplink` (TS013)."""

    name: Name
    source: str = Field(max_length=CODEC_BYTES_MAX)


class SourceIn(BaseModel, extra="forbid"):
    """`link`: "chirpstack" or "tts"; `gateway`: the device as which the source speaks."""

    name: Name
    link: Name
    gateway: Name


@router.get("/api/quarantine")
def read_quarantine(
    services: Svc, after_id: Number = 0, limit: int = Query(default=50, ge=1, le=PAGE_ROWS_MAX)
) -> list[dict[str, Any]]:
    """Newest first; `payload` is base64."""
    rows = services.store.readings.quarantine(limit, after_id)
    return [
        row._asdict() | {"id": ident, "payload": base64.b64encode(row.payload).decode()}
        for ident, row in rows
    ]


@router.get("/api/codecs")
def read_codecs(services: Svc) -> list[dict[str, Any]]:
    """The allow-list, without sources."""
    return [
        {"sha256": c.sha256, "name": c.name, "added_ms": c.added_ms, "added_by": c.added_by}
        for c in services.store.assets.codecs()
        if not codecs.removed(c)
    ]


@router.post("/api/codecs", status_code=201)
@needs("admin")
def post_codec(services: Svc, me: Me, body: CodecIn) -> dict[str, str]:
    """Tried in a process of its own before it is allowed."""
    return {"sha256": add_codec(services, body.name, body.source, me.user)}


@router.get("/api/sources")
def read_sources(services: Svc) -> list[dict[str, str]]:
    """Webhook sources, without their secrets."""
    return [
        {"name": s.name, "link": s.link, "gateway": s.device}
        for s in webhooks.sources(services.store.people).values()
    ]


@router.post("/api/sources", status_code=201)
@needs("admin")
def post_source(services: Svc, me: Me, body: SourceIn) -> dict[str, str]:
    """`secret` is shown this once."""
    return {"secret": add_source(services, body.name, body.link, body.gateway, me.user)}


@router.delete("/api/sources/{name}", status_code=204)
@needs("admin")
def delete_source(services: Svc, me: Me, name: str) -> None:
    drop_source(services, name, me.user)


@router.post("/api/imports", status_code=202)
@needs("admin")
async def post_import(
    services: Svc, me: Me, mapping: Annotated[str, Form()], table: UploadFile
) -> dict[str, int]:
    """A CSV table and its map (TOML, see docs/ingest.md), put on the same stream as everything."""
    return await import_table(services, mapping, table, me.user)


@router.post("/links/{link}/{source}")
@public
async def webhook(request: Request, services: Svc, link: str, source: str) -> Response:
    """ChirpStack v4 and The Things Stack v3; the secret comes in a header. 202: it is durable."""
    body = await request.body()
    event = request.query_params.get("event")
    done = await webhooks.accept(services, link, source, secret_in(request), body, event)
    return JSONResponse({"code": done.code, "detail": done.text}, done.status)


def secret_in(request: Request) -> str:
    """From `Authorization: Bearer ...` or `X-Beffroi-Secret`."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    own = request.headers.get("x-beffroi-secret", "")
    return own or (token.strip() if kind.lower() == "bearer" else "")


def add_codec(services: Services, name: str, source: str, by: User) -> str:
    try:
        return codecs.add_codec(services, name, source, by.id).sha256
    except CodecError as error:
        raise Refusal(422, "codec", "Not accepted: {why}.", why=error) from error


def add_source(services: Services, name: str, link: str, gateway: str, by: User) -> str:
    try:
        secret = webhooks.create_source(services, name, link, gateway)
    except webhooks.SourceError as error:
        raise Refusal(422, "source", "Not accepted: {why}.", why=error) from error
    services.store.people.log_access(services.clock.now_ms(), by.id, "source.add", name)
    return secret


def drop_source(services: Services, name: str, by: User) -> None:
    try:
        webhooks.delete_source(services, name)
    except webhooks.SourceError as error:
        raise Refusal(404, "source", "Not accepted: {why}.", why=error) from error
    services.store.people.log_access(services.clock.now_ms(), by.id, "source.drop", name)


async def import_table(
    services: Services, mapping: str, table: UploadFile, by: User
) -> dict[str, int]:
    """{messages, values}: put durably on the stream; what is bad in them goes to quarantine."""
    sent = {"messages": 0, "values": 0}
    try:
        known = import_map.read(mapping)
        lines = io.TextIOWrapper(table.file, encoding="utf-8", errors="replace", newline="")
        for chunk in csv_import.chunks(lines, known):
            await services.bus.publish(IMPORT, known.gateway, chunk.payload)
            sent["messages"] += 1
            sent["values"] += chunk.values
        lines.detach()
    except import_map.MapError as error:
        raise Refusal(422, "map", "Not accepted: {why}.", why=error) from error
    services.store.people.log_access(services.clock.now_ms(), by.id, "import", known.name[:80])
    return sent
