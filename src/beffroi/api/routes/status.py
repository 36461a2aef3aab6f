"""Whether the hub is well. `/healthz` is public and says nothing else."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TypeVar

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from beffroi.api.access import Svc, public
from beffroi.hub.alarms.text import line
from beffroi.hub.house.keeper import House
from beffroi.hub.house.rules import RULES
from beffroi.ports.store import StoreError

router = APIRouter(tags=["status"])
T = TypeVar("T")


@router.get("/healthz")
@public
async def healthz() -> dict[str, str]:
    """For a load balancer or a supervisor."""
    return {"status": "ok"}


@router.get("/api/status")
async def status(request: Request, services: Svc) -> dict[str, Any]:
    """Counted in and out: observations, quarantine by reason, messages waiting at the broker. What
    cannot be read just now is null: a broken disk must not hide what the hub finds wrong."""
    counts = await _read(services.store.readings.counts)
    return {
        "version": installed_version(),
        "now_ms": services.clock.now_ms(),
        "store": None if counts is None else counts._asdict(),
        "quarantine": await _read(services.store.readings.quarantine_counts),
        "backlog": await backlog(services),
        "ingest": ingest_counters(request),
        "house": house(request),
    }


async def _read(what: Callable[[], T]) -> T | None:
    try:
        return await run_in_threadpool(what)
    except StoreError:
        return None


def house(request: Request) -> list[dict[str, Any]]:
    """What the hub finds wrong with itself now, also when no disk can keep an alarm: `rule`,
    `asset` (a device or ""), `severity` 0-2, `since_ms`, `text` in French and English."""
    keeper: House | None = getattr(request.app.state, "house", None)
    return [
        {
            "rule": one.rule,
            "asset": one.asset,
            "severity": int(RULES[one.rule].severity),
            "since_ms": one.since_ms,
            "text": {lang: line(RULES[one.rule], one.facts, lang) for lang in ("fr", "en")},
        }
        for one in (keeper.standing() if keeper else ())
    ]


async def backlog(services: Svc) -> int | None:
    """None when the broker does not answer: the page says so instead of failing."""
    try:
        return await services.bus.backlog()
    except Exception:  # noqa: BLE001 - whatever the broker's client raises means "not reachable"
        return None


def ingest_counters(request: Request) -> dict[str, int]:
    """What `app.state.counters()` says, if the composition root hung such a function there."""
    read = getattr(request.app.state, "counters", None)
    return dict(read()) if read is not None else {}


def installed_version() -> str:
    try:
        return version("beffroi")
    except PackageNotFoundError:
        return "0"
