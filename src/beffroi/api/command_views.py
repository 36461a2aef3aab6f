"""Commands, targets, guards and plans as people see them: names, sentences, what may be done now.

Reads the dispatcher and the store; changes nothing. `person_of` says who an account is in the
roster: a setting that administrators keep and everybody sees.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from beffroi.api import command_words
from beffroi.api.problems import Refusal
from beffroi.api.words import said
from beffroi.domains.base import Act, Choice
from beffroi.hub.dispatch import plan as plans
from beffroi.hub.dispatch.approve import Missing, named
from beffroi.hub.dispatch.denied import Denied
from beffroi.hub.dispatch.office import CONSOLE, PLAN
from beffroi.hub.dispatch.request import say
from beffroi.hub.dispatch.service import Dispatch
from beffroi.hub.dispatch.words import STATES, reason_text
from beffroi.hub.services import Services
from beffroi.kernel.dsse import unpack
from beffroi.kernel.envelope import Action, Allowed, Envelope
from beffroi.kernel.receipt import read_receipt
from beffroi.model.asset import Asset, Label
from beffroi.model.limits import PERSON_CHARS_MAX
from beffroi.ports.commands import CommandRow, PlanRow, State
from beffroi.ports.store import User

PERSON = "person_of:"
_BY = {
    PLAN: Label("le plan", "the plan"),
    CONSOLE: Label("la console", "the console"),
    "hub": Label("le serveur", "the hub"),
}
CLASS_NOTES = {
    "A": Label("automatique, sans signature", "automatic, without a signature"),
    "B": Label("une personne signe", "one person signs"),
    "C": Label("deux personnes signent", "two persons sign"),
}


def dispatch_of(services: Services) -> Dispatch:
    """409 while the commune has no trust repository."""
    if services.dispatch is None:
        text = "Commands are off: the commune's keys and rules have not been set up on this hub."
        raise Refusal(409, "commands_off", text)
    return services.dispatch


def person_of(services: Services, user_id: str) -> str:
    """Who an account is in the roster; "" for nobody."""
    return services.store.people.setting(PERSON + user_id) or ""


def put_person(services: Services, user_id: str, person: str) -> None:
    services.store.people.put_setting(PERSON + user_id, person[:PERSON_CHARS_MAX])


NOBODY = User("", "", "reader")


# --- commands ------------------------------------------------------------------------------------
class View:
    """For one reader: language, account, what names mean."""

    def __init__(self, services: Services, lang: str, user: User = NOBODY) -> None:
        self._services, self.lang, self._user = services, lang, user
        self._dispatch = dispatch_of(services)
        self._users = {one.id: one.name for one in services.store.people.users()}
        self._person = person_of(services, user.id)
        self._assets: dict[str, Asset | None] = {}

    def many(self, rows: Sequence[CommandRow]) -> list[dict[str, Any]]:
        return [self.one(row) for row in rows]

    def one(self, row: CommandRow) -> dict[str, Any]:
        """See docs/commands.md."""
        envelope = self._envelopes.get(row.target)
        action = envelope.actions.get(row.action) if envelope else None
        lacks = self._dispatch.office.missing(row)
        held = self._dispatch.sender.held.get(row.id) if row.state is State.READY else None
        reason, detail = (held.code, str(held)) if held else (row.reason, row.detail)
        return {
            "id": row.id,
            "digest": row.digest,
            "target": row.target,
            "target_name": self.target_name(row.target),
            "guard": row.guard,
            "service": row.service,
            "authority": envelope.authority if envelope else "",
            "action": row.action,
            "action_name": self.action_name(row.target, row.action),
            "class": row.klass,
            "class_note": said(CLASS_NOTES[row.klass], self.lang),
            "params": dict(row.params),
            "params_shown": [
                one._asdict()
                for one in command_words.shown(
                    self._act(row.target, row.action), row.params, self.lang
                )
            ],
            "say": say(action, row.params, self.lang) if action else "",
            "state": row.state.value,
            "state_name": said(STATES[row.state], self.lang),
            "reason": reason,
            "reason_text": said(reason_text(reason), self.lang) if reason else "",
            "detail": detail,
            "by": row.by,
            "by_name": self.actor(row.by),
            "created_ms": row.created_ms,
            "changed_ms": row.changed_ms,
            "not_before_ms": row.not_before_ms,
            "expires_ms": row.expires_ms,
            "sent_ms": row.sent_ms,
            "plan": row.plan,
            "safe": row.safe,
            "needed": None if lacks is None else missing_json(lacks),
            "approvals": self._approvals(row),
            "receipt": self._receipt(row),
            "may": self._may(row, lacks),
        }

    def displayed(self, row: CommandRow) -> dict[str, Any]:
        """What a passer-by may know of a public command: what he sees anyway, and how it ended."""
        return {
            "target_name": self.target_name(row.target),
            "action_name": self.action_name(row.target, row.action),
            "params_shown": [
                one._asdict() for one in self.params_shown(row.target, row.action, row.params)
            ],
            "state": row.state.value,
            "state_name": said(STATES[row.state], self.lang),
        }

    def story(self, row: CommandRow) -> list[dict[str, Any]]:
        return [
            {
                "at_ms": event.at_ms,
                "actor": event.actor,
                "actor_name": self.actor(event.actor),
                "kind": event.kind,
                "state": event.state.value,
                "state_name": said(STATES[event.state], self.lang),
                "text": event.text,
                "data": dict(event.data),
            }
            for event in self._dispatch.book.store.events(row.id)
        ]

    def actor(self, who: str) -> str:
        known = _BY.get(who)
        return said(known, self.lang) if known else self._users.get(who, who)

    def target_name(self, target: str) -> str:
        asset, envelope = self._asset(target), self._envelopes.get(target)
        return asset.name if asset else envelope.name if envelope else target

    def _asset(self, target: str) -> Asset | None:
        if target not in self._assets:
            self._assets[target] = self._services.store.assets.asset(target)
        return self._assets[target]

    # --- targets -----------------------------------------------------------------------------
    def targets(self) -> list[dict[str, Any]]:
        found = sorted(self._envelopes.values(), key=lambda one: (one.service, one.target))
        return [self._target(one) for one in found]

    def target(self, target: str) -> dict[str, Any] | None:
        """One of them; None when nothing can be done to it from here."""
        envelope = self._envelopes.get(target)
        return self._target(envelope) if envelope else None

    def held(self, target: str, action: str) -> list[command_words.Held]:
        """What the envelope allows of this action, case by case."""
        envelope = self._envelopes.get(target)
        found = envelope.actions.get(action) if envelope else None
        return command_words.cases(found, self._act(target, action), self.lang) if found else []

    def params_shown(
        self, target: str, action: str, params: Mapping[str, int | str]
    ) -> list[command_words.Shown]:
        return command_words.shown(self._act(target, action), params, self.lang)

    def told(self, act: Mapping[str, Any]) -> dict[str, Any]:
        """A step of a plan or of an interlock by its names."""
        target, action = act["target"], act["action"]
        return {
            "target": target,
            "target_name": self.target_name(target),
            "action_name": self.action_name(target, action),
            "params_shown": self.params_shown(target, action, act["params"]),
        }

    def facts_shown(self, target: str, facts: Mapping[str, int | str]) -> list[command_words.Shown]:
        """What equipment shows, by the names of the parameters that set it; no clock."""
        asset = self._asset(target)
        domain = self._services.domains.get(asset.domain) if asset else None
        acts = domain.acts.get(asset.kind, {}) if asset and domain else {}
        known = {name: one for act in acts.values() for name, one in act.params.items()}
        own = {k: v for k, v in facts.items() if k not in command_words.CLOCK_FACTS}
        return command_words.shown(Act(Label("", ""), known), own, self.lang)

    def action_name(self, target: str, action: str) -> str:
        act = self._act(target, action)
        return said(act.label, self.lang) if act else action

    def public(self, target: str, action: str) -> bool:
        """Whether passers-by see its effect with its short code."""
        act = self._act(target, action)
        return bool(act and act.public)

    def _target(self, envelope: Envelope) -> dict[str, Any]:
        mirror, now = self._dispatch.book.mirror, self._services.clock.now_ms()
        seen = mirror.target(envelope.guard, envelope.target)
        return {
            "target": envelope.target,
            "name": self.target_name(envelope.target),
            "service": envelope.service,
            "authority": envelope.authority,
            "guard": envelope.guard,
            "connected": mirror.connected(envelope.guard, now),
            "leased": bool(seen and seen.status.leased),
            "status_ms": seen.recv_ms if seen else 0,
            "facts": dict(seen.status.facts) if seen else {},
            "actions": {
                name: self._action(envelope.target, name, action)
                for name, action in sorted(envelope.actions.items())
            },
        }

    def _action(self, target: str, name: str, action: Action) -> dict[str, Any]:
        act = self._act(target, name)
        lowest = min((case.klass for case in action.cases), default="C")
        return {
            "name": said(act.label, self.lang) if act else name,
            "say": action.say_en if self.lang == "en" else action.say_fr,
            "class": lowest,
            "class_most": max((case.klass for case in action.cases), default="C"),
            "class_note": said(CLASS_NOTES[lowest], self.lang),
            "cases": [
                {name: list(allowed.choices) for name, allowed in case.params.items()}
                for case in action.cases
            ],
            "params": {
                param: self._param(act.params.get(param) if act else None, param, allowed)
                | {"required": command_words.must(action.cases, param)}
                for param, allowed in _in_order(_params(action), act).items()
            },
            "orgs": action.orgs_min,
            "witnesses": action.witnesses_min,
            "safe_possible": any(case.safe for case in action.cases),
        }

    def _param(
        self, choice: Choice | None, name: str, allowed: Sequence[Allowed]
    ) -> dict[str, Any]:
        words = choice.words if choice else {}
        texts = sorted({text for one in allowed for text in one.choices})
        return {
            "label": said(choice.label, self.lang) if choice else name,
            "unit": choice.unit if choice else "",
            "scale": choice.scale if choice else 1,
            "said": command_words.range_text(choice, allowed, self.lang),
            "ranges": sorted({tuple(pair) for one in allowed for pair in one.ranges}),
            "choices": [
                {"value": text, "name": said(words[text], self.lang) if text in words else text}
                for text in texts
            ],
            "words": {value: said(label, self.lang) for value, label in words.items()},
            "chars_max": max((one.chars_max for one in allowed), default=0),
            "charset": "".join(sorted({c for one in allowed for c in one.charset})),
        }

    def _act(self, target: str, action: str) -> Act | None:
        asset = self._asset(target)
        domain = self._services.domains.get(asset.domain) if asset else None
        return domain.acts.get(asset.kind, {}).get(action) if asset and domain else None

    # --- parts of a command ------------------------------------------------------------------
    @property
    def _envelopes(self) -> Mapping[str, Envelope]:
        return self._dispatch.book.trusted.envelopes

    def _approvals(self, row: CommandRow) -> list[dict[str, Any]]:
        roster = self._dispatch.book.trusted.roster
        found = []
        for one in self._dispatch.book.store.approvals(row.id):
            member = roster.member(one.key)
            found.append(
                {
                    "person": one.person,
                    "org": one.org,
                    "name": member.name if member else "",
                    "at_ms": one.at_ms,
                    "how": one.how,
                    "break_glass": one.break_glass,
                    "counts": member is not None,
                }
            )
        return found

    def _receipt(self, row: CommandRow) -> dict[str, Any] | None:
        kept = self._dispatch.book.store.receipt(row.receipt) if row.receipt else None
        if kept is None:
            return None
        receipt = read_receipt(unpack(kept.wire).payload)
        return {
            "number": receipt.number,
            "outcome": receipt.outcome,
            "at_ms": receipt.at_ms,
            "readback": dict(receipt.readback),
            "shown": [one._asdict() for one in self.facts_shown(row.target, receipt.readback)],
            "reason": receipt.reason,
            "reason_text": said(reason_text(receipt.reason), self.lang) if receipt.reason else "",
            "detail": receipt.detail,
        }

    def _may(self, row: CommandRow, lacks: Missing | None) -> list[str]:
        if self._user.role not in ("operator", "admin"):
            return []
        may = ["cancel"] if row.state in (State.REQUESTED, State.AWAITING, State.READY) else []
        if lacks is None:
            return may
        mine = self._person and any(one.person == self._person for one in lacks.asked)
        keys = {one.key for one in self._dispatch.book.store.passkeys(self._user.id)}
        roster = self._dispatch.book.trusted.roster
        if mine and any(roster.member(key) for key in keys):
            may.append("passkey")
        return [*may, "signature"]


def _in_order(params: dict[str, list[Allowed]], act: Act | None) -> dict[str, list[Allowed]]:
    """As the act lists them: a form asks for the message before its minutes."""
    known = [name for name in (act.params if act else {}) if name in params]
    return {name: params[name] for name in [*known, *params]}


def _params(action: Action) -> dict[str, list[Allowed]]:
    found: dict[str, list[Allowed]] = {}
    for case in action.cases:
        for name, allowed in case.params.items():
            found.setdefault(name, []).append(allowed)
    return found


def missing_json(lacks: Missing) -> dict[str, Any]:
    return {
        "persons": lacks.persons,
        "persons_have": lacks.persons_have,
        "orgs": lacks.orgs,
        "orgs_have": lacks.orgs_have,
        "authority": lacks.authority,
        "authority_missing": lacks.authority_missing,
        "independent_missing": lacks.independent_missing,
        "witnesses": lacks.witnesses,
        "asked": named(lacks.asked),
    }


def problem_json(denied: Denied) -> dict[str, Any]:
    return {"code": denied.code, "text": str(denied), "key": denied.text, "facts": denied.facts}


# --- plans ---------------------------------------------------------------------------------------
def plan_json(row: PlanRow) -> dict[str, Any]:
    plan = plans.read_plan(row.payload)
    return {
        "id": row.id,
        "generation": row.generation,
        "name": plan.name,
        "kind": plan.kind,
        "active": row.active,
        "created_ms": row.created_ms,
        "by": row.by,
        "digest": plan.digest,
        "steps": [
            {
                "target": step.target,
                "action": step.action,
                "params": dict(step.params),
                "minute": step.minute,
                "weekdays": list(step.weekdays),
                "sun": step.sun,
                "lifetime_s": step.lifetime_s,
            }
            for step in plan.steps
        ],
    }
