"""Commands of every kind in the town of the interface's tests: done, awaiting, cancelled."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.ui.cabinet import BOARD, LAMPS, VALVE
from tests.ui.world import World

from beffroi.hub.dispatch.plan import Step
from beffroi.hub.dispatch.request import Wish
from beffroi.ports.commands import FINAL, CommandRow

WAIT_S_MAX = 40.0
EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)


def until(what: Callable[[], bool], wait_s: float = WAIT_S_MAX) -> None:
    limit = time.monotonic() + wait_s
    while not what():
        assert time.monotonic() < limit, "it did not happen in time"
        time.sleep(0.05)


def ready(town: World) -> None:
    """The guard is heard, holds the rules and was given a lease."""

    def leased() -> bool:
        found = [town.dispatch.book.mirror.target("armoire-mairie", t) for t in (LAMPS, VALVE)]
        held = town.dispatch.book.trusted.envelopes
        return all(
            seen and seen.status.leased and seen.status.envelope == held[seen.status.target].digest
            for seen in found
        )

    until(leased)


def ended(town: World, row: CommandRow) -> CommandRow:
    until(lambda: town.dispatch.office.command(row.id).state in FINAL)
    return town.dispatch.office.command(row.id)


def seed_commands(town: World) -> dict[str, str]:
    """Ids by what became of them."""
    ready(town)
    office, plans = town.dispatch.office, town.dispatch.plans
    done = ended(town, office.request(Wish(LAMPS, "on"), "u-1"))
    assert done.state == "done", done
    alert = Wish(BOARD, "alert", {"template": "alerte_crue", "minutes": 20})
    both = office.request(alert, "u-1")
    water = office.request(Wish(VALVE, "set", {"pressure_mbar": 2_950}), "u-1")
    gone = office.request(Wish(LAMPS, "dim", {"level_pct": 40, "minutes": 60}), "u-1")
    office.cancel(gone.id, "u-1", "Le marché est reporté.")
    night = [
        Step(LAMPS, "dim", {"level_pct": 60, "minutes": 30}, 1_350, EVERY_DAY),
        Step(LAMPS, "on", {}, -20, EVERY_DAY, "rise"),
    ]
    plans.put("eclairage-reduit", "schedule", "Éclairage réduit la nuit", night, "u-1")
    plans.put("jour-de-marche", "scene", "Jour de marché", [Step(LAMPS, "on")], "u-1")
    return {"done": done.id, "both": both.id, "water": water.id, "gone": gone.id}
