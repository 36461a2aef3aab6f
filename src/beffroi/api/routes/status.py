"""Whether the hub is well. `/healthz` is public and says nothing else."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from beffroi.api.access import Svc, public

router = APIRouter(tags=["status"])


@router.get("/healthz")
@public
async def healthz() -> dict[str, str]:
    """For a load balancer or a supervisor."""
    return {"status": "ok"}


@router.get("/api/status")
async def status(request: Request, services: Svc) -> dict[str, Any]:
    """Counted in and out: observations, quarantine by reason, messages waiting at the broker."""
    counts = await run_in_threadpool(services.store.readings.counts)
    reasons = await run_in_threadpool(services.store.readings.quarantine_counts)
    return {
        "version": installed_version(),
        "now_ms": services.clock.now_ms(),
        "store": counts._asdict(),
        "quarantine": reasons,
        "backlog": await backlog(services),
        "ingest": ingest_counters(request),
    }


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
