"""What may be asked of a junction: one of its proven plans, by number. Nothing of a single lamp.

A junction is proven again here, from the data it would be run with: a remembered digest alone
convinces nobody. No proof, no envelope. Without orders the junction runs its local plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from beffroi.domains import envelopes
from beffroi.domains.attrs import text
from beffroi.domains.base import Act, Choice, Terms
from beffroi.domains.signal_controller import Controller, cycle_s
from beffroi.domains.signal_junction import Junction, JunctionError
from beffroi.domains.signal_proof import prove
from beffroi.domains.signals.table import junction
from beffroi.kernel.envelope import Action, Case, Envelope
from beffroi.model.asset import Asset, Label

CYCLES_BETWEEN = 3  # of the longest plan, between two changes; attrs "cycles_between" may be more
CHANGES_HOUR_MAX, CHANGES_DAY_MAX = 6, 40
FLEET_MAX, FLEET_WINDOW_MS = 3, 600_000  # junctions of one guard within ten minutes
LIFETIME_MS_MAX = 120_000
HOURS_MAX = 8

ACTS: Mapping[str, Mapping[str, Act]] = {
    "junction": {
        "select_plan": Act(
            Label("Choisir un plan de feux", "Select a signal plan"),
            {"plan": Choice(Label("Numéro du plan", "Number of the plan"))},
            shows="plan",
        ),
        "local": Act(Label("Rendre au plan local", "Give back to the local plan"), shows="plan"),
        "flash": Act(Label("Mettre au jaune clignotant", "Set to flashing amber"), shows="state"),
    }
}


class Hours(NamedTuple):
    """A usual plan at these minutes of every local day."""

    plan: int
    spans: tuple[tuple[int, int], ...]


def proven(asset: Asset) -> Junction | None:
    """The junction that the asset's `attrs` hold, if they name its digest and its proof holds."""
    try:
        made = junction(asset.attrs.get("junction"))
    except JunctionError:
        return None
    same = text(asset.attrs, "proof") == made.digest
    return made if same and prove(made).holds else None


def envelope(asset: Asset, terms: Terms) -> Envelope | None:
    """See `domains.base.Domain`. `attrs.usual` are the plans of every day (the local one is always
    among them), `attrs.day` their hours [{"from": "07:00", "to": "09:00", "plan": 2}]."""
    made = proven(asset)
    if made is None:
        return None
    fr, en = f"Carrefour {asset.name} : ", f"Junction {asset.name}: "
    actions = {
        "select_plan": _select(asset, made),
        # The mildest that can be asked: what a silent hub leads to anyway.
        "local": _safe("A", f"{fr}revenir au plan local", f"{en}return to the local plan"),
        # Safe, but a whole town flashing is a nuisance: one person answers for it.
        "flash": _safe("B", f"{fr}passer au jaune clignotant", f"{en}set to flashing amber"),
    }
    return envelopes.envelope(
        asset, terms, actions, fleet_targets_max=FLEET_MAX, fleet_window_ms=FLEET_WINDOW_MS
    )


def ordered(
    asset: Asset, action: str, params: Mapping[str, int | str], digest: bytes, at_ms: int
) -> Mapping[str, float]:
    """See `domains.base.Domain.ordered`. 0: the local plan."""
    del asset, digest, at_ms
    plan = params.get("plan") if action == "select_plan" else 0
    return {"ordered_plan": float(plan)} if isinstance(plan, int) else {}


def hours(given: Any) -> list[Hours]:
    """From `attrs.day`. What cannot be read is left out."""
    found = []
    for one in given[:HOURS_MAX] if isinstance(given, list) else ():
        if not isinstance(one, Mapping) or type(one.get("plan")) is not int:
            continue
        start, end = envelopes.minute_of(one.get("from")), envelopes.minute_of(one.get("to"))
        if start is not None and end is not None and start != end:
            found.append(Hours(one["plan"], envelopes.day_spans(start, end)))
    return found


def _select(asset: Asset, made: Junction) -> Action:
    named = asset.attrs.get("usual")
    usual = [p for p in made.plans if p == made.local or (isinstance(named, list) and p in named)]
    by_the_hour = [
        _case("A", [hour.plan], hour.spans)
        for hour in hours(asset.attrs.get("day"))
        if hour.plan in usual
    ]
    controller = Controller(made)
    longest_s = max(cycle_s(controller, plan) for plan in made.plans)
    cycles = envelopes.setting(asset.attrs, "cycles_between", CYCLES_BETWEEN, CYCLES_BETWEEN, 100)
    return Action(
        (*by_the_hour, _case("B", usual), _case("C", made.plans)),
        f"Carrefour {asset.name} : passer au plan de feux numéro {{plan}}",
        f"Junction {asset.name}: change to signal plan number {{plan}}",
        per_hour_max=CHANGES_HOUR_MAX,
        per_day_max=CHANGES_DAY_MAX,
        spacing_ms_min=1_000 * cycles * longest_s,
        lifetime_ms_max=LIFETIME_MS_MAX,
    )


def _case(klass: str, plans: Iterable[int], spans: tuple[tuple[int, int], ...] = ()) -> Case:
    allowed = {"plan": envelopes.whole(*((plan, plan) for plan in sorted(plans)))}
    return Case(klass, allowed, (envelopes.by_clock(spans),) if spans else ())


def _safe(klass: str, fr: str, en: str) -> Action:
    return Action((Case(klass, safe=True),), fr, en, lifetime_ms_max=LIFETIME_MS_MAX)
