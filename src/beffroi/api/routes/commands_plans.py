"""Plans and interlocks: schedules and scenes made by administrators, scenes run by operators."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from beffroi.api import command_views
from beffroi.api.access import Me, Svc, needs
from beffroi.api.command_views import View, dispatch_of
from beffroi.api.routes.commands import Ident, Name, Value
from beffroi.api.words import lang_of
from beffroi.hub.dispatch.check import Act, Interlock, Interlocks
from beffroi.hub.dispatch.plan import Step
from beffroi.kernel.limits import PARAMS_MAX, TEXT_CHARS_MAX
from beffroi.model.limits import INTERLOCKS_MAX, PAGE_ROWS_MAX, PLAN_STEP_LIFE_S, PLAN_STEPS_MAX

router = APIRouter(prefix="/api", tags=["plans"])
Title = Annotated[str, Field(max_length=TEXT_CHARS_MAX, min_length=1)]
Params = Annotated[dict[Name, Value], Field(max_length=PARAMS_MAX)]


class StepIn(BaseModel, extra="forbid"):
    """See `plan.Step`."""

    target: Name
    action: Name
    params: Params = Field(default_factory=dict)
    minute: int = Field(default=0, ge=-720, le=1439)
    weekdays: list[Annotated[int, Field(ge=0, le=6)]] = Field(default_factory=list, max_length=7)
    sun: Literal["", "rise", "set"] = ""
    lifetime_s: int = Field(default=PLAN_STEP_LIFE_S, ge=1, le=86_400)

    def step(self) -> Step:
        days = tuple(sorted(set(self.weekdays)))
        return Step(
            self.target, self.action, self.params, self.minute, days, self.sun, self.lifetime_s
        )


class PlanIn(BaseModel, extra="forbid"):
    """See `plan.Plan`; the generation is given by the hub."""

    id: Name
    kind: Literal["schedule", "scene"]
    name: Title
    steps: list[StepIn] = Field(min_length=1, max_length=PLAN_STEPS_MAX)


class ActIn(BaseModel, extra="forbid"):
    target: Name
    action: Name
    params: Params = Field(default_factory=dict)


class InterlockIn(BaseModel, extra="forbid"):
    """See `check.Interlock`."""

    name: Title
    most: int = Field(ge=0, le=64)
    acts: list[ActIn] = Field(min_length=1, max_length=64)


@router.get("/plans")
def read_plans(services: Svc) -> list[dict[str, Any]]:
    """The newest generation of each."""
    return [command_views.plan_json(row) for row in dispatch_of(services).plans.newest_of_each()]


@router.post("/plans", status_code=201)
@needs("admin")
def put_plan(services: Svc, me: Me, body: PlanIn) -> dict[str, Any]:
    """A new plan, or a new generation: the older one stops at once."""
    plans = dispatch_of(services).plans
    steps = [step.step() for step in body.steps]
    made = plans.put(body.id, body.kind, body.name, steps, me.user.id)
    return command_views.plan_json(plans.newest(made.id))


@router.post("/plans/check")
@needs("admin")
def check_plan(services: Svc, body: PlanIn) -> dict[str, Any]:
    """All that is wrong with it; nothing is kept."""
    plans = dispatch_of(services).plans
    steps = [step.step() for step in body.steps]
    found = plans.problems(plans.draft(body.id, body.kind, body.name, steps))
    return {"problems": [command_views.problem_json(one) for one in found]}


@router.get("/plans/{plan_id}")
def read_plan(request: Request, services: Svc, me: Me, plan_id: Ident) -> dict[str, Any]:
    """With its older generations and the commands of the newest."""
    dispatch = dispatch_of(services)
    row = dispatch.plans.newest(plan_id)
    rows = dispatch.book.store.commands(plan=f"{row.id}.{row.generation}", limit=PAGE_ROWS_MAX)
    older = dispatch.book.store.plans(plan_id)[1:]
    return command_views.plan_json(row) | {
        "older": [{"generation": one.generation, "created_ms": one.created_ms} for one in older],
        "commands": View(services, lang_of(request), me.user).many(rows),
    }


@router.post("/plans/{plan_id}/run")
def run_plan(request: Request, services: Svc, me: Me, plan_id: Ident) -> list[dict[str, Any]]:
    """The commands of a scene, all or none."""
    rows = dispatch_of(services).plans.run(plan_id, me.user.id)
    return View(services, lang_of(request), me.user).many(rows)


@router.post("/plans/{plan_id}/stop")
@needs("admin")
def stop_plan(services: Svc, plan_id: Ident) -> dict[str, Any]:
    return command_views.plan_json(dispatch_of(services).plans.stop(plan_id))


@router.get("/interlocks")
def read_interlocks(services: Svc) -> list[dict[str, Any]]:
    return [
        {
            "name": lock.name,
            "most": lock.most,
            "acts": [
                {"target": act.target, "action": act.action, "params": dict(act.params)}
                for act in lock.acts
            ],
        }
        for lock in dispatch_of(services).plans.interlocks().of
    ]


@router.put("/interlocks")
@needs("admin")
def put_interlocks(
    services: Svc, me: Me, body: Annotated[list[InterlockIn], Field(max_length=INTERLOCKS_MAX)]
) -> list[dict[str, Any]]:
    """All of them at once; in the evidence log."""
    locks = Interlocks(
        tuple(
            Interlock(
                one.name,
                one.most,
                tuple(Act(act.target, act.action, dict(act.params)) for act in one.acts),
            )
            for one in body
        )
    )
    dispatch_of(services).plans.put_interlocks(locks, me.user.id)
    return read_interlocks(services)
