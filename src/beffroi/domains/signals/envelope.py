"""What may be asked of a junction: one of its proven plans, by number. Nothing of a single lamp.

A junction is proven again here, from the data it would be run with: a remembered digest alone
convinces nobody. No proof, no envelope.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import time
from typing import Any

from beffroi.domains.attrs import number_or, text
from beffroi.domains.base import Act, Choice, Terms
from beffroi.domains.signal_controller import Controller, cycle_s
from beffroi.domains.signal_junction import Junction, JunctionError
from beffroi.domains.signal_proof import prove
from beffroi.domains.signals.table import junction
from beffroi.kernel.envelope import Action, Allowed, Case, Condition, Envelope
from beffroi.model.asset import Asset, Label

CYCLES_BETWEEN_CHANGES = 3
CHANGES_HOUR_MAX, CHANGES_DAY_MAX = 6, 40
FLEET_MAX, FLEET_WINDOW_MS = 3, 600_000  # junctions of one guard within ten minutes
FACT_AGE_MS_MAX = 60_000
LIFETIME_MS_MAX = 120_000
WINDOWS_MAX = 8

ACTS: Mapping[str, Mapping[str, Act]] = {
    "junction": {
        "select_plan": Act(
            Label("Choisir un plan de feux", "Select a signal plan"),
            {"plan": Choice(Label("Plan du catalogue", "Plan of the catalogue"))},
            shows="plan",
        ),
        "local": Act(Label("Rendre au plan local", "Give back to the local plan"), shows="plan"),
        "flash": Act(Label("Mettre au jaune clignotant", "Set to flashing amber"), shows="state"),
    }
}


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
    usual = _usual(asset, made)
    hours = [
        Case("A", {"plan": _plans([plan])}, (_between(start, end),))
        for start, end, plan in windows(asset.attrs.get("day"))
        if plan in usual
    ]
    by_hand = [Case("B", {"plan": _plans(usual)}), Case("C", {"plan": _plans(made.plans)})]
    select = Action(
        (*hours, *by_hand),
        f"Carrefour {asset.name} : passer au plan de feux numéro {{plan}}",
        f"Junction {asset.name}: change to signal plan number {{plan}}",
        per_hour_max=CHANGES_HOUR_MAX,
        per_day_max=CHANGES_DAY_MAX,
        spacing_ms_min=_spacing_ms(asset, made),
        lifetime_ms_max=LIFETIME_MS_MAX,
    )
    return Envelope(
        commune=terms.commune,
        guard=terms.guard,
        target=asset.id,
        name=asset.name,
        service="signals",
        authority=asset.authority,
        version=terms.version,
        epoch=terms.epoch,
        expires_ms=terms.expires_ms,
        actions={"select_plan": select, "local": _local(asset), "flash": _flash(asset)},
        fleet_targets_max=FLEET_MAX,
        fleet_window_ms=FLEET_WINDOW_MS,
    )


def windows(given: Any) -> list[tuple[int, int, int]]:
    """(first minute, last minute, plan) of a local day. What cannot be read is left out, and so is
    a window over midnight: write it as two."""
    found = []
    for one in given[:WINDOWS_MAX] if isinstance(given, list) else ():
        try:
            start, end = (time.fromisoformat(one[key]) for key in ("from", "to"))
            plan = one["plan"]
        except (KeyError, TypeError, ValueError):
            continue
        first, last = 60 * start.hour + start.minute, 60 * end.hour + end.minute - 1
        if first <= last and type(plan) is int:
            found.append((first, last, plan))
    return found


def _usual(asset: Asset, made: Junction) -> list[int]:
    named = asset.attrs.get("usual")
    return [p for p in made.plans if p == made.local or (isinstance(named, list) and p in named)]


def _plans(numbers: Iterable[int]) -> Allowed:
    return Allowed(ranges=tuple((number, number) for number in sorted(numbers)))


def _between(first: int, last: int) -> Condition:
    return Condition("local_minute", ((first, last),), FACT_AGE_MS_MAX)


def _spacing_ms(asset: Asset, made: Junction) -> int:
    """So many cycles of the longest plan."""
    cycles = max(1.0, number_or(asset.attrs, "cycles_between_changes", CYCLES_BETWEEN_CHANGES))
    controller = Controller(made)
    longest_s = max(cycle_s(controller, plan) for plan in made.plans)
    return int(min(cycles, 24.0) * longest_s) * 1_000


def _local(asset: Asset) -> Action:
    """The mildest that can be asked: what a silent hub leads to anyway."""
    return Action(
        (Case("A", safe=True),),
        f"Carrefour {asset.name} : revenir au plan local",
        f"Junction {asset.name}: return to the local plan",
        lifetime_ms_max=LIFETIME_MS_MAX,
    )


def _flash(asset: Asset) -> Action:
    """Safe, but a whole town flashing is a nuisance: one person answers for it (class B)."""
    return Action(
        (Case("B", safe=True),),
        f"Carrefour {asset.name} : passer au jaune clignotant",
        f"Junction {asset.name}: change to flashing amber",
        lifetime_ms_max=LIFETIME_MS_MAX,
    )
