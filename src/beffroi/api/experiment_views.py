"""Experiments as pages and programs show them: words, the drawing of days, forms read as plans."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from math import isfinite
from typing import Any, NamedTuple

from fastapi import Request

from beffroi.api.problems import Refusal, not_found
from beffroi.hub.experiments import paper
from beffroi.hub.experiments.desk import ExperimentError, Experiments
from beffroi.hub.experiments.effect import Daily, Effect
from beffroi.hub.services import Services
from beffroi.model.asset import Asset, Label, Property
from beffroi.model.experiment import Experiment, ExperimentStage, Guess, Plan, TwinOffer
from beffroi.model.measure import DAY_MS
from beffroi.model.report import IDEA
from beffroi.ports.twin import Twin, TwinError

STAGES = {
    ExperimentStage.DRAFT: Label("projet", "draft"),
    ExperimentStage.DROPPED: Label("abandonné", "given up"),
    ExperimentStage.REGISTERED: Label("promis, en cours", "promised, under way"),
    ExperimentStage.STOPPED: Label("arrêtée", "stopped"),
    ExperimentStage.MEASURED: Label("mesurée", "measured"),
}
VERDICTS = {
    "reached": Label("Objectif atteint", "Goal reached"),
    "better": Label(
        "Effet dans le bon sens, objectif non prouvé", "Effect the right way, goal not proven"
    ),
    "none": Label("Aucun effet prouvé", "No effect proven"),
    "worse": Label("Effet contraire", "Effect the wrong way"),
    "unknown": Label("Non prouvé : trop peu de jours mesurés", "Not proven: too few measured days"),
}
HIDDEN = (ExperimentStage.DRAFT, ExperimentStage.DROPPED)
WIDTH, HEIGHT = 600.0, 160.0
EPOCH = date(1970, 1, 1).toordinal()


class Outcome(NamedTuple):
    """Of a measured experiment."""

    effect: Effect
    verdict: str
    words: Label


class Drawing(NamedTuple):
    """Lines of the days as SVG points; `start_x` is where the pilot begins."""

    treated: str
    control: str
    start_x: float
    low: float
    high: float


class Group(NamedTuple):
    """Assets that are chosen together: those of a zone, or one alone."""

    key: str
    name: str
    ids: tuple[str, ...]


def made(services: Services) -> Experiments | None:
    """None in parts without registers."""
    if services.office is None:
        return None

    def published(ident: str) -> bool:
        report = services.reports.store.report(ident) if services.reports else None
        return report is not None and report.public and report.topic == IDEA

    return Experiments(services.office.registers, services.store, services.clock, published)


def desk_of(request: Request) -> Experiments:
    desk: Experiments | None = request.app.state.experiments
    if desk is None:
        raise Refusal(404, "experiments_off", "This hub holds no experiments.")
    return desk


def seen(desk: Experiments, ident: str) -> Experiment:
    """404 for a draft as for one that does not exist."""
    one = desk.one(ident)
    if one is None or one.stage in HIDDEN:
        raise not_found(ident[:40])
    return one


def public(desk: Experiments) -> list[Experiment]:
    return [one for one in desk.all() if one.stage not in HIDDEN]


def outcome(one: Experiment) -> Outcome | None:
    if not one.result_text:
        return None
    found, word = paper.read_result(one.plan, one.result_text)
    return Outcome(found, word, VERDICTS[word])


def property_of(services: Services, domain: str, kind: str, prop: str) -> Property | None:
    known = services.domains[domain].kinds.get(kind) if domain in services.domains else None
    return known.properties.get(prop) if known else None


def measures(services: Services) -> list[tuple[str, str, Label, list[Property]]]:
    """(domain, kind, its name, properties whose mean day says something)."""
    return [
        (name, kind.name, kind.label, props)
        for name, domain in services.domains.items()
        for kind in domain.kinds.values()
        if (props := [one for one in kind.properties.values() if _counts(one)])
    ]


def _counts(prop: Property) -> bool:
    """A quantity, or a state of two of which the share of time is one."""
    return prop.states is None or len(prop.states) == 2


def groups(services: Services, domain: str, kind: str) -> list[Group]:
    """What can be chosen for pilot or control."""
    by_zone: dict[str, list[Asset]] = {}
    for asset in services.store.assets.assets(domain):
        if asset.kind == kind:
            by_zone.setdefault(asset.zone or f"\0{asset.id}", []).append(asset)
    return [
        Group(f"g{n}", some[0].name if len(some) == 1 else zone, tuple(one.id for one in some))
        for n, (zone, some) in enumerate(sorted(by_zone.items()))
    ]


def twin_of(request: Request) -> Twin | None:
    """None in an installation that simulates nothing."""
    found: Twin | None = request.app.state.twin
    return found


def offers(request: Request) -> dict[str, TwinOffer]:
    """What can be simulated, by name."""
    twin = twin_of(request)
    return {one.name: one for one in twin.offers()} if twin else {}


def read_form(request: Request, services: Services, form: Mapping[str, str]) -> Plan:
    """ExperimentError or Refusal when the form says nothing that can be promised."""
    domain, kind, prop = measure_of(form.get("measure", ""))
    known = property_of(services, domain, kind, prop)
    if known is None:
        raise ExperimentError("measure", "Choose what is measured.")
    commune = services.store.assets.commune()
    chosen: dict[str, list[str]] = {"pilot": [], "control": []}
    for group in groups(services, domain, kind):
        chosen.get(form.get(group.key, ""), []).extend(group.ids)
    try:
        start, end = (date.fromisoformat(form.get(name, "")) for name in ("start", "end"))
        before = int(form.get("before", ""))
        target = float(form.get("target", "").replace(",", ".").replace("−", "-"))
    except ValueError:
        raise ExperimentError("numbers", "Fill in days and numbers.") from None
    if not isfinite(target):
        raise ExperimentError("numbers", "Fill in days and numbers.")
    params = _params(request, form)
    name = form.get("twin", "")
    return Plan(
        title=form.get("title", "").strip(),
        why=form.get("why", "").replace("\r", "").strip(),
        idea=form.get("idea", "").strip(),
        domain=domain,
        kind=kind,
        prop=prop,
        unit=known.unit,
        assets=tuple(chosen["pilot"]),
        control=tuple(chosen["control"]),
        target_pct=target,
        start=start.isoformat(),
        end=end.isoformat(),
        before_days=before,
        timezone=commune.timezone if commune else "Europe/Paris",
        twin=name,
        twin_params=tuple(sorted(params.items())),
        guess=guessed(request, name, params) if name else None,
        holds_s=known.stale_s if known.states else 0,
    )


def measure_of(text: str) -> tuple[str, str, str]:
    """(domain, kind, property) of the form's one field; all empty when it is no such thing."""
    parts = text.split("/")
    return (parts[0], parts[1], parts[2]) if len(parts) == 3 else ("", "", "")


def day_ms(day: str) -> int:
    """Noon of an ISO day in UTC: near enough to be written as a day."""
    return (date.fromisoformat(day).toordinal() - EPOCH) * DAY_MS + DAY_MS // 2


def guessed(request: Request, name: str, params: Mapping[str, float]) -> Guess:
    twin = twin_of(request)
    try:
        if twin is None:
            raise TwinError("There is no such simulation.")
        return twin.run(name, params)
    except TwinError as error:
        raise ExperimentError("twin", str(error)) from error


def _params(request: Request, form: Mapping[str, str]) -> dict[str, float]:
    name = form.get("twin", "")
    offer = offers(request).get(name)
    found: dict[str, float] = {}
    for one in offer.params if offer else ():
        text = form.get(f"{name}.{one.name}", "").replace(",", ".")
        try:
            found[one.name] = float(text) if text else one.default
        except ValueError:
            raise ExperimentError("numbers", "Fill in days and numbers.") from None
    return found


def drawing(plan: Plan, treated: Daily, control: Daily | None) -> Drawing | None:
    """Both groups, each over the mean of its days before: what is compared is what is drawn."""
    start = date.fromisoformat(plan.start).toordinal()
    first = start - plan.before_days
    last = max(date.fromisoformat(plan.end).toordinal(), first + 1)
    lines = [_relative(treated, start), _relative(control or {}, start)]
    values = [value for line in lines for value in line.values()]
    if not values:
        return None
    low, high = min(*values, 1.0), max(*values, 1.0)
    room = (high - low) or 1.0

    def points(line: Daily) -> str:
        return " ".join(
            f"{WIDTH * (day - first) / (last - first):.1f},{HEIGHT * (high - value) / room:.1f}"
            for day, value in line.items()
        )

    start_x = WIDTH * (start - first) / (last - first)
    return Drawing(points(lines[0]), points(lines[1]), start_x, 100 * low, 100 * high)


def level(plan: Plan, treated: Daily) -> tuple[float, int]:
    """(mean day of the pilot's assets before it begins, of how many days); 0 days: not proven."""
    return _before(treated, date.fromisoformat(plan.start).toordinal())


def _before(daily: Daily, start: int) -> tuple[float, int]:
    was = [value for day, value in daily.items() if day < start]
    return (sum(was) / len(was) if was else 0.0), len(was)


def _relative(daily: Daily, start: int) -> dict[int, float]:
    mean, _ = _before(daily, start)
    return {day: value / mean for day, value in daily.items()} if mean > 0 else {}


def as_json(one: Experiment) -> dict[str, Any]:
    found = outcome(one)
    return {
        "id": one.id,
        "title": one.plan.title,
        "stage": one.stage.value,
        "registered_ms": one.registered_ms,
        "start": one.plan.start,
        "end": one.plan.end,
        "verdict": found.verdict if found else None,
    }
