"""Authorisation as Cedar policies: `policies.cedar` decides, this module asks it.

Checked against its schema when it is loaded: a word that does not exist stops the start. An answer
depends on the six words of a question only, so answers are remembered. Knows no request, no store.
"""

from __future__ import annotations

import json
import re
from functools import cache, lru_cache
from importlib.resources import files
from typing import NamedTuple

import cedarpy

from beffroi.model.limits import POLICY_ANSWERS_MAX

COMMUNE = "commune"  # the organisation of the commune's own accounts, and the authority by default
ROLES = ("reader", "operator", "admin")  # each may do what those before it may
POLICIES, SCHEMA = "policies.cedar", "policies.cedarschema"
NO_POLICY = "no-policy-opens-it"


class PolicyError(ValueError):
    """The policies or their schema are not valid; the text says where."""


class Who(NamedTuple):
    role: str
    organisation: str
    active: bool


class What(NamedTuple):
    """`kind`: Town, List or Thing; the rest is for a Thing."""

    kind: str = "Town"
    authority: str = ""
    domain: str = ""


class Answer(NamedTuple):
    """`policy` is the @id that decided."""

    allowed: bool
    policy: str


class Book(NamedTuple):
    policies: cedarpy.PolicySet
    actions: cedarpy.Entities


def text() -> str:
    return _file(POLICIES)


def subjects(schema: str = "") -> tuple[str, ...]:
    """What actions can be about, as the schema lists them."""
    named = re.findall(r'^action "([a-z]+)";', schema or _file(SCHEMA), re.MULTILINE)
    return tuple(one for one in named if one not in ROLES)


def load(policies: str, schema: str) -> Book:
    """Parsed and validated; raises PolicyError."""
    words = schema + "".join(_declared(*pair) for pair in _pairs(schema))
    try:
        known = cedarpy.Schema.from_str(words)
        parsed = cedarpy.PolicySet.from_str(policies)
        result = cedarpy.validate_policies(policies, known)
    except ValueError as error:
        raise PolicyError(f"policies.cedar or its schema cannot be read: {error}") from error
    if not result.validation_passed:
        told = "; ".join(str(error) for error in result.errors)
        raise PolicyError(f"policies.cedar uses words that its schema does not know: {told}")
    actions = json.dumps([_entity(*pair) for pair in _pairs(schema)])
    return Book(parsed, cedarpy.Entities.from_json_str(actions))


@cache
def book() -> Book:
    return load(text(), _file(SCHEMA))


@lru_cache(POLICY_ANSWERS_MAX)
def ask(who: Who, action: str, what: What) -> Answer:
    """What the policies of this installation say."""
    return decide(book(), who, action, what)


def decide(held: Book, who: Who, action: str, what: What) -> Answer:
    """Closed when no policy opens, when one forbids, and when Cedar meets an error."""
    attrs = {"authority": what.authority, "domain": what.domain} if what.kind == "Thing" else {}
    added = [
        {"uid": {"type": "Account", "id": "asking"}, "attrs": who._asdict(), "parents": []},
        {"uid": {"type": what.kind, "id": "asked"}, "attrs": attrs, "parents": []},
    ]
    request = {
        "principal": {"type": "Account", "id": "asking"},
        "action": {"type": "Action", "id": action},
        "resource": {"type": what.kind, "id": "asked"},
        "context": {},
    }
    entities = held.actions.with_added_json_str(json.dumps(added))
    found = cedarpy.is_authorized(request, held.policies, entities)
    told = found.diagnostics
    named = sorted(told.id_annotations_by_reason.values())
    return Answer(found.allowed and not told.errors, ", ".join(named) or NO_POLICY)


def _pairs(schema: str) -> list[tuple[str, str]]:
    return [(subject, least) for subject in subjects(schema) for least in ROLES]


def _declared(subject: str, least: str) -> str:
    return (
        f'action "{subject}.{least}" in ["{subject}", "{least}"]'
        " appliesTo { principal: Account, resource: [Thing, List, Town] };\n"
    )


def _entity(subject: str, least: str) -> dict[str, object]:
    parents = [{"type": "Action", "id": subject}, {"type": "Action", "id": least}]
    return {
        "uid": {"type": "Action", "id": f"{subject}.{least}"},
        "attrs": {},
        "parents": parents,
    }


def _file(name: str) -> str:
    return (files("beffroi.api") / name).read_text(encoding="utf-8")
