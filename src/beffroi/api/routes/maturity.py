"""The self-assessment: result, answers and sheets of initiatives."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from beffroi.api.access import Me, Svc
from beffroi.api.problems import Refusal
from beffroi.api.result_views import scoreboard
from beffroi.hub.dossier.registers import RegisterError
from beffroi.hub.maturity.office import Assessments, MaturityError, as_json
from beffroi.model.limits import COMMENT_CHARS_MAX, NAME_CHARS_MAX

router = APIRouter(prefix="/api/maturity", tags=["maturity"])


class AnswerIn(BaseModel, extra="forbid"):
    """To one question, with the document that shows it and its day (ISO)."""

    question: str = Field(max_length=8)
    yes: bool
    document: str = Field(default="", max_length=2 * NAME_CHARS_MAX)
    day: str = Field(default="", max_length=10)
    text: str = Field(default="", max_length=COMMENT_CHARS_MAX)


class SheetIn(BaseModel, extra="forbid"):
    """An initiative; `given` holds its fields as texts."""

    axes: list[str] = Field(max_length=6)
    given: dict[str, str] = Field(max_length=20)


@router.get("")
def read_maturity(services: Svc) -> dict[str, Any]:
    """Both levels, six axes, every initiative as judged, and what to do next."""
    result, todo, proven = office(services).result()
    return {
        "result": as_json(result),
        "platform": proven,
        "advice": [{"fr": a.text.fr, "en": a.text.en, "effort_days": a.effort_days} for a in todo],
    }


@router.post("/answers")
def add_answer(services: Svc, me: Me, body: AnswerIn) -> dict[str, str]:
    """Kept as a dated line; the older lines stay."""
    return {"id": answer(services, me.user.id, body)}


@router.post("/initiatives")
def add_initiative(services: Svc, me: Me, body: SheetIn) -> dict[str, str]:
    """A new sheet, or a newer state of the one named by `given["id"]`."""
    return {"id": describe(services, me.user.id, body.given, body.axes)}


def office(services: Svc) -> Assessments:
    return Assessments(scoreboard(services))


def answer(services: Svc, actor: str, body: AnswerIn) -> str:
    try:
        return (
            office(services)
            .answer(body.question, body.yes, body.document, body.day, body.text, actor)
            .id
        )
    except (MaturityError, RegisterError) as error:
        raise Refusal(422, error.code, "{text}", text=str(error)) from error


def describe(services: Svc, actor: str, given: dict[str, str], axes: list[str]) -> str:
    try:
        return office(services).describe(given, axes, actor).key
    except (MaturityError, RegisterError) as error:
        raise Refusal(422, error.code, "{text}", text=str(error)) from error
