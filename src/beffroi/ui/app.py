"""Adds the pages to the application of the API. The only module that knows all pages."""

from __future__ import annotations

from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from beffroi.api.problems import Refusal
from beffroi.ui import bundle
from beffroi.ui.pages import (
    acts,
    add,
    alarms,
    alerts,
    assets,
    attacks,
    commands,
    consultations,
    data,
    delegations,
    devices,
    dossier,
    entry,
    evidence,
    experiments,
    incidents,
    indicators,
    maturity,
    mayor,
    oidc_entry,
    open_data,
    passkey_entry,
    people,
    plans,
    policies,
    privacy,
    report_follow,
    report_form,
    reports,
    results,
    trust,
)
from beffroi.ui.pages import map as map_pages
from beffroi.ui.render import page

PAGES = (
    entry.router,
    map_pages.router,
    dossier.router,
    assets.router,
    incidents.router,
    mayor.router,
    alarms.router,
    alerts.router,
    commands.router,
    acts.router,
    plans.router,
    trust.router,
    evidence.router,
    devices.router,
    add.router,
    data.router,
    indicators.router,
    maturity.router,
    results.router,
    passkey_entry.router,
    oidc_entry.router,
    delegations.router,
    policies.router,
    people.router,
    attacks.router,
    privacy.router,
    report_form.router,
    report_follow.router,
    reports.router,
    open_data.router,
    consultations.router,
    experiments.router,
)


class Built(StaticFiles):
    """Hashed names never change their content."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if path.startswith("built/assets/"):
            response.headers["cache-control"] = "public, max-age=31536000, immutable"
        return response


def mount_ui(app: FastAPI) -> None:
    """Pages, static files and errors as pages."""
    bundle.manifest()  # fail at start, not at the first visitor
    app.mount("/static", Built(directory=bundle.STATIC_DIR), name="static")
    for router in PAGES:
        app.include_router(router, include_in_schema=False)
    app.state.error_page = error_page


async def error_page(request: Request, refusal: Refusal) -> Response:
    """The refusal in plain words; no session: to the sign-in page and back."""
    if refusal.code == "sign_in_needed":
        return RedirectResponse(entry.sign_in_path(request), 303)
    return await run_in_threadpool(page, request, "error.html", refusal.status, refusal=refusal)
