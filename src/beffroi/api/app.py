"""Puts the management API together. Knows nothing of pages: `ui.app.mount_ui` adds them."""

from __future__ import annotations

from fastapi import Depends, FastAPI, Request
from starlette.responses import JSONResponse, Response

from beffroi.api import described, experiment_views, policies, problems
from beffroi.api.access import guard
from beffroi.api.border import Border
from beffroi.api.kept import Shelf
from beffroi.api.report_gate import Gate
from beffroi.api.routes import (
    alarms,
    alerts,
    assets,
    commands,
    commands_people,
    commands_plans,
    consultations,
    data,
    delegated,
    devices,
    events,
    experiments,
    indicators,
    lab,
    maturity,
    open311,
    open_data,
    people,
    privacy,
    reports,
    status,
    witness,
)
from beffroi.api.routes import map as map_routes
from beffroi.api.second_factor import Tickets
from beffroi.api.settings import WebSettings
from beffroi.api.sign_in_passkeys import Challenges
from beffroi.api.town import Town
from beffroi.api.tries import Tries
from beffroi.hub.open_data.publish import OpenData
from beffroi.hub.services import Services
from beffroi.model.limits import (
    ALERTS_PER_10_MIN_MAX,
    CODE_TRIES_PER_10_MIN_MAX,
    DELEGATED_PER_10_MIN_MAX,
    GROUND_S,
    OIDC_TRIES_PER_10_MIN_MAX,
    OPEN_PER_10_MIN_MAX,
    PASSKEY_TRIES_PER_10_MIN_MAX,
    REFUSALS_LOGGED_PER_10_MIN_MAX,
    REPORTS_PUBLIC_S,
    RESULTS_PER_10_MIN_MAX,
)

ROUTERS = (
    witness.router,  # before /links/{link}/{source}, which its path would fit
    status.router,
    map_routes.router,
    events.router,
    assets.router,
    alarms.router,
    alerts.router,
    indicators.router,
    maturity.router,
    devices.router,
    data.router,
    delegated.router,
    people.router,
    privacy.router,
    commands.router,
    commands_plans.router,
    commands_people.router,
    lab.router,
    reports.router,
    open311.router,
    open_data.router,
    consultations.router,
    experiments.router,
)


def create_app(services: Services, web: WebSettings | None = None) -> FastAPI:
    """The application; `app.state` holds what routes share. PolicyError: nothing is opened."""
    policies.book()  # a typo in the policies is found here, not at the first request
    app = FastAPI(
        title="Beffroi",
        dependencies=[Depends(guard)],
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.state.services = services
    app.state.web = web or WebSettings()
    app.state.town = Town(services)
    app.state.tries = Tries()
    app.state.refusal_tries = Tries(REFUSALS_LOGGED_PER_10_MIN_MAX)
    app.state.code_tries = Tries(CODE_TRIES_PER_10_MIN_MAX)
    app.state.tickets, app.state.passkey_challenges = Tickets(), Challenges()
    app.state.sign_in_challenges = Challenges()
    app.state.passkey_tries = Tries(PASSKEY_TRIES_PER_10_MIN_MAX)
    app.state.report_gate = Gate()
    app.state.public_map = Shelf(REPORTS_PUBLIC_S)
    app.state.public_ground = Shelf(GROUND_S)
    app.state.open_data = OpenData(services)
    app.state.booth = consultations.Booth(services)
    app.state.experiments, app.state.twin = experiment_views.made(services), None
    app.state.delegated_tries = Tries(DELEGATED_PER_10_MIN_MAX)
    app.state.oidc, app.state.oidc_tries = None, Tries(OIDC_TRIES_PER_10_MIN_MAX)
    app.state.open_tries = Tries(OPEN_PER_10_MIN_MAX)
    app.state.alert_tries = Tries(ALERTS_PER_10_MIN_MAX)
    app.state.announcer = app.state.advisor = app.state.house = None  # set where they run
    app.state.result_tries = Tries(RESULTS_PER_10_MIN_MAX)
    for router in ROUTERS:
        app.include_router(router)
    app.add_api_route("/api/openapi.json", _openapi, include_in_schema=False)
    problems.install(app)
    app.add_middleware(Border, settings=app.state.web)
    return app


def _openapi(request: Request) -> Response:
    """The description of this API, for signed-in people only."""
    return JSONResponse(described.description(request.app))
