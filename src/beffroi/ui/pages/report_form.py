"""How an inhabitant reports something: where and what about, then what was seen. Public pages.

Works without a script and without a session, in two steps: the first finds the place and what was
reported there already, the second sends. Nothing is kept between them: the address carries it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter, File, Form, Request, UploadFile
from starlette.responses import RedirectResponse, Response

from beffroi.api.access import Svc, public
from beffroi.api.asked import address_of
from beffroi.api.kept import Shelf
from beffroi.api.problems import Refusal
from beffroi.api.report_gate import Gate
from beffroi.api.report_views import desk_of, report_of
from beffroi.api.town import Town
from beffroi.api.words import lang_of
from beffroi.hub.reports.danger import plain
from beffroi.hub.reports.desk import ReportRefusedError
from beffroi.hub.reports.places import Spot, find
from beffroi.hub.reports.sent import Sent
from beffroi.hub.services import Services
from beffroi.model.asset import Asset, Label
from beffroi.model.limits import GROUND_S, PHOTO_BYTES_MAX, REPORT_PLACE_CHARS_MAX
from beffroi.model.report import Topic
from beffroi.ui.render import page

router = APIRouter()
Text = Annotated[str, Form()]
ELSEWHERE = "elsewhere"  # the place is only described
SHOWN = frozenset({"street", "square", "building", "river"})  # of the map: no pipes for strangers


class Choice(NamedTuple):
    """A place that the second step offers; `value` comes back with the form."""

    value: str
    name: str
    spot: Spot


@router.get("/signaler")
@router.get("/report")
@public
def where_page(
    request: Request,
    services: Svc,
    topic: str = "",
    where: str = "",
    map: int = 0,  # noqa: A002
) -> Response:
    """Step one. `map` is asked for: it weighs more than the page."""
    facts: dict[str, Any] = {
        "groups": groups(desk_of(services).topics),
        "topic": topic,
        "where": where,
        "map": bool(map),
        "refusal": None,
    }
    return page(request, "report/where.html", **facts)


@router.get("/signaler/details")
@public
def details_page(
    request: Request,
    services: Svc,
    topic: str = "",
    where: str = "",
    lat: str = "",
    lon: str = "",
    asset: str = "",
) -> Response:
    """Step two: the places that fit, what is known there, and the form."""
    typed = {"topic": topic, "where": where, "lat": lat, "lon": lon, "asset": asset}
    if topic not in desk_of(services).topics or not any((where.strip(), lat, asset)):
        refusal = Refusal(422, "where", "Choose what it is about, and say where it is.")
        facts = {"groups": groups(desk_of(services).topics), "map": False, "refusal": refusal}
        return page(request, "report/where.html", 422, topic=topic, where=where, **facts)
    return _details(request, services, typed)


@router.post("/signaler")
@router.post("/report")
@public
def send(
    request: Request,
    services: Svc,
    token: Text = "",
    topic: Text = "",
    where: Text = "",
    spot: Text = "",
    text: Text = "",
    email: Text = "",
    sum: Text = "",  # noqa: A002
    website: Text = "",  # people do not see this field
    photo: Annotated[UploadFile | None, File()] = None,
) -> Response:
    """Send it, then show its own page under its secret address."""
    typed = {"topic": topic, "where": where, "spot": spot, "text": text, "email": email}
    now_ms, gate = services.clock.now_ms(), gate_of(request)
    try:
        gate.check(token, sum, website, now_ms)
        gate.admit(address_of(request), now_ms)
        picture = photo.file.read(PHOTO_BYTES_MAX + 1) if photo and photo.filename else b""
        place = _place(spot)
        sent = Sent(topic, text, where, email=email, photo=picture, lang=lang_of(request), **place)
        received = desk_of(services).receive(sent)
    except (Refusal, ReportRefusedError) as error:
        return _details(request, services, typed, _as_refusal(error))
    return RedirectResponse(f"/suivi/{received.secret}?new=1", 303)


@router.post("/signaler/{report_id}/confirm")
@public
def support(
    request: Request, services: Svc, report_id: str, token: Text = "", website: Text = ""
) -> Response:
    """ "Me too": counted, without anything about who says so."""
    now_ms, gate = services.clock.now_ms(), gate_of(request)
    gate.check(token, None, website, now_ms)
    gate.support(address_of(request), now_ms)
    report = report_of(services, report_id)
    desk_of(services).support(report)
    return page(request, "report/thanks.html", report=report)


@router.get("/signalements/fond.json")
@public
async def public_ground(request: Request, services: Svc) -> Response:
    """The town's own map for everybody: streets and houses, nothing of the networks."""
    shelf: Shelf = request.app.state.public_ground

    def made() -> bytes:
        return json.dumps({"type": "FeatureCollection", "features": _ground(services)}).encode()

    kept = await shelf.get("ground", services.clock.now_ms(), made)
    return kept.answer(request, "application/geo+json", f"public, max-age={int(GROUND_S)}")


def gate_of(request: Request) -> Gate:
    gate: Gate = request.app.state.report_gate
    return gate


def groups(topics: Mapping[str, Topic]) -> list[tuple[Label, list[tuple[str, Topic]]]]:
    """Topics by their group, in the order of the table."""
    found: dict[Label, list[tuple[str, Topic]]] = {}
    for name, topic in topics.items():
        found.setdefault(topic.group, []).append((name, topic))
    return list(found.items())


def _details(
    request: Request,
    services: Services,
    typed: dict[str, str],
    refusal: Refusal | None = None,
) -> Response:
    desk = desk_of(services)
    topic = desk.topics.get(typed["topic"])
    if topic is None:
        facts = {"groups": groups(desk.topics), "map": False, "topic": "", "where": ""}
        return page(request, "report/where.html", 422, refusal=refusal, **facts)
    choices = _choices(request, services, topic, typed)
    now_ms = services.clock.now_ms()
    facts = {
        "topic": topic,
        "typed": typed,
        "choices": choices,
        "chosen": typed.get("spot") or _named_so(choices, typed["where"]),
        "elsewhere": ELSEWHERE,
        "near": _near(services, typed["topic"], choices),
        "form": gate_of(request).form(now_ms),
        "back": urlencode({"topic": typed["topic"], "where": typed["where"]}),
        "refusal": refusal,
    }
    return page(request, "report/details.html", refusal.status if refusal else 200, **facts)


def _choices(
    request: Request, services: Services, topic: Topic, typed: Mapping[str, str]
) -> list[Choice]:
    """From the map, from an object, or from words."""
    spot = typed.get("spot", "")
    kept = _place(spot) if spot and spot != ELSEWHERE else {}
    lat, lon = typed.get("lat", ""), typed.get("lon", "")
    if kept.get("lon") is not None:
        lat, lon = str(kept["lat"]), str(kept["lon"])
    named = services.store.assets.asset(kept.get("asset") or typed.get("asset", "") or "-")
    if named is not None and named.kind in topic.kinds:
        return [_choice(Spot(named.name, named.lon, named.lat, named.id))]
    place = _degrees(lon, lat)
    if place is not None:
        name = typed["where"][:REPORT_PLACE_CHARS_MAX]
        return [_choice(Spot(name, *place))]
    assets = _visible(request, topic)
    background = {"features": _ground(services)}
    return [
        _choice(one) for one in find(typed["where"][:REPORT_PLACE_CHARS_MAX], assets, background)
    ]


def _named_so(choices: list[Choice], where: str) -> str:
    """The place whose whole name was written; else the inhabitant chooses."""
    return next((one.value for one in choices if plain(one.name) == plain(where)), "")


def _choice(spot: Spot) -> Choice:
    value = f"asset:{spot.asset}" if spot.asset else f"at:{spot.lon:.6f},{spot.lat:.6f}"
    return Choice(value, spot.name, spot)


def _visible(request: Request, topic: Topic) -> list[Asset]:
    """Only kinds that this topic is about and that stand in the street for all to see."""
    if not topic.kinds:
        return []
    town: Town = request.app.state.town
    index = town.index()
    return [
        Asset(index.ids[n], index.domains[n], kind, index.names[n], index.lon[n], index.lat[n])
        for n, kind in enumerate(index.kinds)
        if kind in topic.kinds
    ]


def _near(services: Services, topic: str, choices: list[Choice]) -> list[Any]:
    """Reports at any of the places offered, each once. Words only if a moderator let them out."""
    found: dict[str, Any] = {}
    for choice in choices:
        spot = choice.spot
        for near in desk_of(services).near(topic, (spot.lon, spot.lat), spot.asset):
            found.setdefault(near.report.id, near)
    return list(found.values())[:5]


def _place(spot: str) -> dict[str, Any]:
    """What the chosen place means; anything else is only described."""
    kind, _, rest = spot.partition(":")
    if kind == "asset":
        return {"asset": rest}
    if kind == "at":
        lon, _, lat = rest.partition(",")
        place = _degrees(lon, lat)
        if place is not None:
            return {"lon": place[0], "lat": place[1]}
    return {}


def _degrees(lon: str, lat: str) -> tuple[float, float] | None:
    try:
        x, y = float(lon.strip().replace(",", ".")), float(lat.strip().replace(",", "."))
    except ValueError:
        return None
    return (x, y) if -180 <= x <= 180 and -90 <= y <= 90 else None


def _ground(services: Services) -> list[Any]:
    """Features of the map that may be shown to everybody."""
    kept = services.store.people.setting("map_background")
    features = json.loads(kept).get("features", []) if kept else []
    return [one for one in features if (one.get("properties") or {}).get("class") in SHOWN]


def _as_refusal(error: Refusal | ReportRefusedError) -> Refusal:
    return error if isinstance(error, Refusal) else Refusal(422, error.code, error.text)
