"""Boards, meters and plant of the lab: they obey, they are read back, and honest days are quiet."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from beffroi.domains.base import Terms
from beffroi.domains.boards.catalogue import text_of
from beffroi.domains.registry import domains
from beffroi.kernel.code import code_of
from beffroi.kernel.envelope import read_envelope
from beffroi.lab.commune import LabCommune, commune
from beffroi.lab.sources import FixtureSource
from beffroi.lab.worlds.fixtures import FixturesWorldError
from beffroi.model.finding import Finding
from beffroi.model.reading import Obs

T0 = 1_780_000_000_000
HOUR = 3_600_000
DIGEST = bytes(range(32))


@pytest.fixture(scope="module")
def made() -> LabCommune:
    return commune(800, 1)


class Town:
    """Every fixture with its watch; `found` are the findings that stand."""

    def __init__(self, made: LabCommune) -> None:
        self.source = FixtureSource(made, 1)
        self.assets = {a.id: a for a in made.assets}
        self.of = {d.id: self.assets[d.asset] for d in made.devices}
        self.watches = {
            name: domains()[self.assets[name].domain].watch(self.assets[name], None)
            for name in self.source._device
        }
        self.found: set[tuple[str, str]] = set()

    def live(self, start_ms: int, hours: float, step_ms: int = HOUR) -> None:
        for at in range(start_ms, start_ms + round(hours * HOUR), step_ms):
            for measure in self.source.measures(at):
                asset = self.of[measure.device]
                decoded = domains()[asset.domain].decode("", measure.values)
                obs = [Obs(k, measure.device, at, float(v)) for k, v in decoded.items()]
                self._note(self.watches[asset.id].step(obs).findings)

    def order(self, asset: str, action: str, params: dict[str, int | str], at: int) -> None:
        owner = self.assets[asset]
        noted = domains()[owner.domain].ordered(owner, action, params, DIGEST, at)
        self._note(self.watches[asset].step([Obs(k, "", at, v) for k, v in noted.items()]).findings)

    def _note(self, findings: Iterator[Finding] | object) -> None:
        for one in findings:  # type: ignore[attr-defined]
            key = (one.asset, one.rule.partition(".")[2])
            (self.found.add if one.active else self.found.discard)(key)


def test_weeks_without_anything_are_quiet(made: LabCommune) -> None:
    town = Town(made)
    town.live(T0, 40 * 24)
    assert town.found == set()


def test_a_foreign_message_is_noticed_and_an_ordered_one_is_not(made: LabCommune) -> None:
    town, step = Town(made), 30_000
    town.live(T0, 0.2, step)
    said: dict[str, int | str] = {"template": "travaux", "place": "ÉCOLE", "minutes": 20}
    at = T0 + HOUR
    town.source.world.show("board-001", text_of(said), code_of(DIGEST), at + 20 * 60_000)
    town.order("board-001", "show", said, at)
    town.live(at, 0.5, step)
    assert town.found == set()
    town.source.world.show("board-002", "ALERTE ATTENTAT", "ABC123", at + 9 * HOUR)
    town.live(at + HOUR, 0.1, step)
    assert town.found == {("board-002", "unknown_message")}
    town.source.world.blank("board-002")
    town.live(at + 2 * HOUR, 0.1, step)
    assert town.found == set()


def test_a_board_that_no_longer_clears(made: LabCommune) -> None:
    town, step = Town(made), 30_000
    said: dict[str, int | str] = {"template": "verglas", "minutes": 5}
    town.source.world.boards["board-001"].faults.add("stuck")
    town.source.world.show("board-001", text_of(said), code_of(DIGEST), T0 + 5 * 60_000)
    town.order("board-001", "show", said, T0)
    town.live(T0, 0.2, step)
    assert town.found == {("board-001", "not_cleared")}


def test_unpaid_parking_is_noticed_within_days(made: LabCommune) -> None:
    town = Town(made)
    town.live(T0, 30 * 24)
    town.source.world.unpaid_pct = 45.0
    town.live(T0 + 30 * 24 * HOUR, 3 * 24)
    assert town.found == {("zone-001", "unpaid_unusual")}


def test_hot_water_that_was_turned_up_is_noticed(made: LabCommune) -> None:
    town = Town(made)
    town.source.world.set("hot-1", 75.0)
    town.live(T0, 4, 600_000)
    assert ("hot-1", "hot_high") in town.found


def test_what_is_not_there_cannot_be_set(made: LabCommune) -> None:
    world = FixtureSource(made, 1).world
    with pytest.raises(FixturesWorldError):
        world.set("board-001", 1.0)
    with pytest.raises(FixturesWorldError):
        world.blank("valve-1")


def test_everything_that_can_be_commanded_has_an_envelope(made: LabCommune) -> None:
    terms, acts = Terms("commune", "g1", 1, 0, T0), 0
    for asset in made.assets:
        domain = domains()[asset.domain]
        envelope = domain.envelope(asset, terms)
        assert (envelope is not None) == bool(domain.acts.get(asset.kind))
        if envelope is not None:
            acts += 1
            assert envelope.actions.keys() <= domain.acts[asset.kind].keys()
            assert read_envelope(envelope.encoded()) == envelope
    assert acts > 120
