"""Plans: schedules and scenes, made from a small form step by step, checked in words, run, stopped.

The draft travels in the form itself, so that nothing half-made is kept anywhere.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from beffroi.api import command_words
from beffroi.api.access import Me, Svc, needs
from beffroi.api.command_views import View, dispatch_of, plan_json
from beffroi.api.problems import Refusal, understood
from beffroi.api.routes import commands_plans as routes
from beffroi.api.routes.commands_plans import PlanIn
from beffroi.api.words import lang_of, said
from beffroi.hub.dispatch.denied import DeniedError
from beffroi.hub.dispatch.plan import NAME_MAX, SCENE, SCHEDULE
from beffroi.kernel.limits import TEXT_CHARS_MAX
from beffroi.model.limits import PLAN_STEP_LIFE_S, PLAN_STEPS_MAX
from beffroi.ui.pages.acts import PREFIX
from beffroi.ui.pages.beginning import how_to_begin
from beffroi.ui.render import page

router = APIRouter()
EMPTY: Mapping[str, Any] = {"id": "", "kind": SCENE, "name": "", "steps": []}
SUN_MIN_MAX = 240


@router.get("/plans")
def plans_page(request: Request, services: Svc, me: Me) -> Response:
    if services.dispatch is None:
        return how_to_begin(request, services)
    view = View(services, lang_of(request), me.user)
    rows = dispatch_of(services).plans.newest_of_each()
    found = [_told(view, plan_json(row), lang_of(request)) for row in rows]
    found.sort(key=lambda plan: (not plan["active"], plan["name"].casefold()))
    locks = routes.read_interlocks(services)
    for lock in locks:
        lock["told"] = [view.told(act) for act in lock["acts"]]
    return page(request, "plans.html", plans=found, locks=locks)


@router.get("/plans/new")
@needs("admin")
def new_page(request: Request, services: Svc, me: Me, kind: str = SCENE) -> Response:
    draft = dict(EMPTY) | {"kind": SCHEDULE if kind == SCHEDULE else SCENE}
    return _edit(request, services, me, draft)


@router.post("/plans/draft")
@needs("admin")
async def draft(request: Request, services: Svc, me: Me) -> Response:
    """One change of the draft, or its end: kept as a new generation."""
    form = await request.form()
    given = {key: value for key, value in form.items() if isinstance(value, str)}
    days = [str(day) for day in form.getlist("day")]
    return await run_in_threadpool(_draft, request, services, me, given, days)


@router.get("/plans/{plan_id}")
def plan_page(request: Request, services: Svc, me: Me, plan_id: str) -> Response:
    return _plan(request, services, me, plan_id)


@router.get("/plans/{plan_id}/edit")
@needs("admin")
def edit_page(request: Request, services: Svc, me: Me, plan_id: str) -> Response:
    kept = plan_json(dispatch_of(services).plans.newest(plan_id))
    made = {key: kept[key] for key in ("id", "kind", "name", "steps")}
    return _edit(request, services, me, made)


@router.post("/plans/{plan_id}/run")
def run(request: Request, services: Svc, me: Me, plan_id: str) -> Response:
    try:
        dispatch_of(services).plans.run(plan_id, me.user.id)
    except (DeniedError, Refusal) as error:
        return _plan(request, services, me, plan_id, understood(error))
    return RedirectResponse(f"/plans/{plan_id}", 303)


@router.post("/plans/{plan_id}/stop")
@needs("admin")
def stop(request: Request, services: Svc, me: Me, plan_id: str) -> Response:
    try:
        dispatch_of(services).plans.stop(plan_id)
    except (DeniedError, Refusal) as error:
        return _plan(request, services, me, plan_id, understood(error))
    return RedirectResponse(f"/plans/{plan_id}", 303)


def _plan(
    request: Request, services: Svc, me: Me, plan_id: str, refusal: Refusal | None = None
) -> Response:
    view = View(services, lang_of(request), me.user)
    found = _told(view, routes.read_plan(request, services, me, plan_id), lang_of(request))
    facts = {"plan": found, "refusal": refusal}
    return page(request, "plan.html", refusal.status if refusal else 200, **facts)


def _told(view: View, plan: dict[str, Any], lang: str) -> dict[str, Any]:
    plan["told"] = [
        view.told(step) | {"when": _when(step, lang) if plan["kind"] == SCHEDULE else ""}
        for step in plan["steps"]
    ]
    return plan


def _when(step: Mapping[str, Any], lang: str) -> str:
    """`lundi, mardi à 22:30`, `tous les jours, 20 min après le coucher du soleil`."""
    days = step["weekdays"]
    if len(days) == len(command_words.DAYS):
        told = "every day" if lang == "en" else "tous les jours"
    else:
        told = ", ".join(said(command_words.DAYS[day], lang) for day in days)
    if not step["sun"]:
        at = f"{step['minute'] // 60:02d}:{step['minute'] % 60:02d}"
        return f"{told} {'at' if lang == 'en' else 'à'} {at}"
    return f"{told}, {_by_sun(step['sun'], step['minute'], lang)}"


def _by_sun(sun: str, minute: int, lang: str) -> str:
    fr = "lever du soleil" if sun == "rise" else "coucher du soleil"
    en = "sunrise" if sun == "rise" else "sunset"
    if minute == 0:
        return f"at {en}" if lang == "en" else f"au {fr}"
    many, after = abs(minute), minute > 0
    if lang == "en":
        return f"{many} min {'after' if after else 'before'} {en}"
    return f"{many} min {'après' if after else 'avant'} le {fr}"


# --- the draft -----------------------------------------------------------------------------------
def _draft(
    request: Request, services: Svc, me: Me, given: Mapping[str, str], days: list[str]
) -> Response:
    made = _read(given)
    op, refusal, chosen = given.get("op", ""), None, given.get("act", "")
    try:
        if op.startswith("drop-"):
            made["steps"] = [s for n, s in enumerate(made["steps"]) if f"drop-{n}" != op]
        elif op == "add":
            made["steps"] = [*made["steps"], _step(request, services, me, made, given, days)]
            chosen = ""
        elif op == "keep":
            plan = routes.put_plan(services, me, PlanIn(**made))
            return RedirectResponse(f"/plans/{plan['id']}", 303)
    except ValidationError:
        refusal = Refusal(422, "plan_form", "Give it a name and at least one step.")
    except (DeniedError, Refusal) as error:
        refusal = understood(error)
    return _edit(request, services, me, made, chosen, given, refusal)


def _edit(
    request: Request,
    services: Svc,
    me: Me,
    made: dict[str, Any],
    chosen: str = "",
    given: Mapping[str, str] | None = None,
    refusal: Refusal | None = None,
) -> Response:
    view = View(services, lang_of(request), me.user)
    targets = view.targets()
    target, _, action = chosen.partition("/")
    found = view.target(target) if chosen else None
    act = found["actions"].get(action) if found else None
    facts: dict[str, Any] = {
        "made": made,
        "draft": json.dumps(made, ensure_ascii=False),
        "told": _told(view, dict(made), lang_of(request))["told"],
        "targets": targets,
        "chosen": chosen if act else "",
        "act": act,
        "found": found,
        "given": given or {},
        "days": command_words.DAYS,
        "problems": _problems(services, made),
        "refusal": refusal,
    }
    return page(request, "plan_edit.html", refusal.status if refusal else 200, **facts)


def _problems(services: Svc, made: dict[str, Any]) -> list[Refusal]:
    """What the check finds in the draft as it stands."""
    if not made["steps"]:
        return []
    try:
        plan = PlanIn(**(made | {"id": made["id"] or "draft", "name": made["name"] or "–"}))
        plans = dispatch_of(services).plans
        steps = [step.step() for step in plan.steps]
        found = plans.problems(plans.draft(plan.id, plan.kind, plan.name, steps))
    except (DeniedError, ValidationError) as error:
        return [understood(error)] if isinstance(error, DeniedError) else []
    return [understood(DeniedError(one)) for one in found]


def _read(given: Mapping[str, str]) -> dict[str, Any]:
    """The draft as it came back, with the fields that stand in the form."""
    try:
        kept = json.loads(given.get("draft", "") or "{}")
    except ValueError:
        kept = {}
    made = dict(EMPTY)
    if isinstance(kept, dict) and isinstance(kept.get("steps"), list):
        made["id"] = str(kept.get("id", ""))
        made["kind"] = SCHEDULE if kept.get("kind") == SCHEDULE else SCENE
        made["steps"] = [s for s in kept["steps"] if _is_step(s)][:PLAN_STEPS_MAX]
        made["name"] = str(kept.get("name", ""))
    made["name"] = given.get("name", made["name"]).strip()[:TEXT_CHARS_MAX]
    made["id"] = made["id"] or _slug(made["name"])
    return made


def _is_step(step: Any) -> bool:
    """One that the model of the API takes: the draft passes through other hands."""
    try:
        routes.StepIn(**step)
    except (ValidationError, TypeError):
        return False
    return all(key in step for key in ("params", "weekdays", "sun", "minute"))


def _slug(name: str) -> str:
    flat = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", flat).strip("-")[:NAME_MAX]


def _step(
    request: Request,
    services: Svc,
    me: Me,
    made: Mapping[str, Any],
    given: Mapping[str, str],
    days: list[str],
) -> dict[str, Any]:
    target, _, action = given.get("act", "").partition("/")
    found = View(services, lang_of(request), me.user).target(target)
    if found is None or action not in found["actions"]:
        raise Refusal(422, "action", "Choose what is to be done.")
    named = {k.removeprefix(PREFIX): v for k, v in given.items() if k.startswith(PREFIX)}
    params = command_words.parsed(found["actions"][action]["params"], named)
    step: dict[str, Any] = {"target": target, "action": action, "params": params}
    step |= {"minute": 0, "weekdays": [], "sun": "", "lifetime_s": PLAN_STEP_LIFE_S}
    return step | (_time(given, days) if made["kind"] == SCHEDULE else {})


def _time(given: Mapping[str, str], days: list[str]) -> dict[str, Any]:
    chosen = sorted({int(day) for day in days if day in {"0", "1", "2", "3", "4", "5", "6"}})
    if not chosen:
        raise Refusal(422, "days", "Choose at least one day of the week.")
    by = given.get("by", "clock")
    if by in ("rise", "set"):
        try:
            minute = int(given.get("shift", "0") or "0")
        except ValueError:
            raise Refusal(422, "shift", "Write the minutes as a whole number.") from None
        if abs(minute) > SUN_MIN_MAX:
            raise Refusal(422, "shift", "At most four hours before or after the sun.")
        return {"weekdays": chosen, "sun": by, "minute": minute}
    found = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", given.get("at", ""))
    if found is None:
        raise Refusal(422, "at", "Choose the time of day.")
    return {"weekdays": chosen, "sun": "", "minute": int(found[1]) * 60 + int(found[2])}
