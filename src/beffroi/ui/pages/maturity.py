"""Maturity: where the commune stands by both readings, six axes, and the cheapest next step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from beffroi import law
from beffroi.api.access import Me, Svc
from beffroi.api.problems import Refusal
from beffroi.api.routes.maturity import AnswerIn, answer, describe, office
from beffroi.api.words import lang_of
from beffroi.law import shown
from beffroi.model.limits import COMMENT_CHARS_MAX, NAME_CHARS_MAX
from beffroi.ui.render import page

router = APIRouter()
Text = Annotated[str, Form(max_length=COMMENT_CHARS_MAX)]
LEVELS, CENTRE, RADIUS = 4, 200.0, 130.0


@router.get("/maturity")
def maturity_page(request: Request, services: Svc) -> Response:
    return _page(request, services)


@router.post("/maturity/answers")
def add_answer(
    request: Request,
    services: Svc,
    me: Me,
    question: Text = "",
    yes: Text = "",
    document: Text = "",
    day: Text = "",
    text: Text = "",
) -> Response:
    try:
        given = AnswerIn(
            question=question[:8],
            yes=yes == "yes",
            document=document[: 2 * NAME_CHARS_MAX],
            day=day[:10],
            text=text,
        )
        answer(services, me.user.id, given)
    except Refusal as refusal:
        return _page(request, services, refusal)
    return RedirectResponse(f"/maturity#q-{question}", 303)


@router.post("/maturity/initiatives")
async def add_initiative(request: Request, services: Svc, me: Me) -> Response:
    form = await request.form(max_fields=40)
    given = {key: value for key, value in form.items() if isinstance(value, str)}
    axes = [value for value in form.getlist("axis") if isinstance(value, str)]
    return await run_in_threadpool(_described, request, services, me.user.id, given, axes)


def _described(
    request: Request, services: Svc, actor: str, given: dict[str, str], axes: list[str]
) -> Response:
    try:
        describe(services, actor, given, axes)
    except Refusal as refusal:
        return _page(request, services, refusal, given | {"axes": ",".join(axes)})
    return RedirectResponse("/maturity#initiatives", 303)


def _page(
    request: Request,
    services: Svc,
    refusal: Refusal | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    lang, method = lang_of(request), law.maturity()
    desk = office(services)
    answers = desk.answers()
    result, todo, proven = desk.result(answers)
    axes = [(a, a.en if lang == "en" else a.fr, result.axes[a.id]) for a in method.axes]
    facts: dict[str, Any] = {
        "method": method,
        "result": result,
        "todo": todo,
        "proven": proven,
        "axes": axes,
        "draw": radar([stage for _, _, stage in axes]),
        "answers": answers,
        "facts_shown": [shown(one, "fr") for one in method.facts],
        "rules": {rule.id: rule for rule in method.rules},
        "checks": _checks(result.checks, lang),
        "refusal": refusal,
        "typed": typed or {},
    }
    return page(request, "maturity.html", refusal.status if refusal else 200, **facts)


def _checks(checks: Mapping[str, bool], lang: str) -> list[tuple[str, str, bool]]:
    """(id, name, passed); A7 is a question, the others are indicators."""
    asked = {one.id: one for one in law.maturity().questions}
    found = []
    for ident, passed in checks.items():
        item = law.indicators().get(ident)
        if item is not None:
            name = item.en if lang == "en" else item.text
        else:
            name = asked[ident].en if lang == "en" else asked[ident].fr
        found.append((ident, name, passed))
    return found


def radar(stages: Sequence[int]) -> dict[str, Any]:
    """Points of the drawing of six axes: rings 1 to 4, the shape, and where names go."""

    def at(i: int, size: float) -> tuple[float, float]:
        turn = 2 * math.pi * i / len(stages) - math.pi / 2
        x, y = CENTRE + size * math.cos(turn), CENTRE + size * math.sin(turn)
        return round(x, 1), round(y, 1)

    def ring(sizes: Sequence[float]) -> str:
        return " ".join(f"{x},{y}" for x, y in (at(i, size) for i, size in enumerate(sizes)))

    names = []
    for i in range(len(stages)):
        x, y = at(i, RADIUS + 22)
        side = "middle" if abs(x - CENTRE) < 5 else "start" if x > CENTRE else "end"
        names.append((x - (26 if side == "start" else -26 if side == "end" else 0), y, side))
    return {
        "rings": [ring([RADIUS * n / LEVELS] * len(stages)) for n in range(1, LEVELS + 1)],
        "marks": [round(CENTRE - RADIUS * n / LEVELS, 1) for n in range(1, LEVELS + 1)],
        "spokes": [at(i, RADIUS) for i in range(len(stages))],
        "shape": ring([RADIUS * stage / LEVELS for stage in stages]),
        "names": names,
        "centre": CENTRE,
    }
