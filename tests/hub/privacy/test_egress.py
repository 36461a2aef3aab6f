"""What leaves is bounded, whichever way it is asked for; a canary gives its reader away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.hub.privacy.kit import DAY, NOW, Kit

from beffroi.hub.privacy import egress
from beffroi.hub.privacy.egress import plant_canaries
from beffroi.model.limits import CANARIES_PER_PURPOSE
from beffroi.model.purposes import PURPOSES
from beffroi.ports.personal import EgressError


@pytest.fixture
def kit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kit]:
    monkeypatch.setattr(egress, "EGRESS_ACCOUNT_PER_DAY_MAX", 5)
    monkeypatch.setattr(egress, "EGRESS_SYSTEM_PER_DAY_MAX", 7)
    monkeypatch.setattr(egress, "EGRESS_ALL_PER_DAY_MAX", 12)
    made = Kit(tmp_path)
    yield made
    made.vault.close()


def taken(kit: Kit, actor: str, people: list[str], now: int = NOW) -> int:
    """How many of these people this actor gets to see."""
    count = 0
    for subject in people:
        try:
            count += kit.gate.get(subject, "email", actor, now) is not None
        except EgressError:
            break
    return count


def test_an_account_has_a_bound_and_the_alarm_names_it(kit: Kit) -> None:
    people = kit.people(8)
    assert taken(kit, "u-1", people) == 5
    (alarm,) = kit.told.found
    assert (alarm.rule, alarm.asset, alarm.facts["count"]) == ("privacy.egress", "u-1", 5.0)
    with pytest.raises(EgressError):
        kit.gate.export(people[7], "u-1", NOW)
    assert taken(kit, "u-1", people[:5]) == 5  # the same persons again are no more than that


def test_a_restart_forgives_nothing(kit: Kit, tmp_path: Path) -> None:
    people = kit.people(6)
    assert taken(kit, "u-1", people) == 5
    kit.vault.close()
    again = Kit(tmp_path)
    assert taken(again, "u-1", people[5:]) == 0
    again.vault.close()


def test_the_next_day_begins_anew(kit: Kit) -> None:
    people = kit.people(7)
    assert taken(kit, "u-1", people) == 5
    assert taken(kit, "u-1", people[5:], NOW + DAY) == 0  # exactly a day: still the old window
    assert taken(kit, "u-1", people[5:], NOW + DAY + 1) == 2


def test_many_accounts_are_no_way_round(kit: Kit) -> None:
    people = kit.people(20)
    assert sum(taken(kit, f"u-{n}", people[4 * n : 4 * n + 4]) for n in range(5)) == 12


def test_a_part_of_the_hub_has_its_own_bound(kit: Kit) -> None:
    assert taken(kit, "hub", kit.people(9)) == 7


def test_one_s_own_data_are_free(kit: Kit) -> None:
    people = kit.people(13)
    assert taken(kit, "own.u-1", people) == 13
    assert kit.told.found == []


def test_a_missing_field_is_no_way_to_count_people(kit: Kit) -> None:
    for subject in kit.people(6):
        assert kit.gate.get(subject, "phone", "u-1", NOW) is None
    assert kit.told.found == []


class TestCanaries:
    def test_there_are_some_for_each_purpose(self, kit: Kit) -> None:
        assert plant_canaries(kit.gate, NOW) == len(PURPOSES) * CANARIES_PER_PURPOSE
        assert plant_canaries(kit.gate, NOW) == 0
        values = [kit.vault.export(one, "x", NOW) for one in kit.gate.canaries()]
        assert len({value["email"] for value in values}) == len(values)

    def test_the_first_reading_is_the_alarm_and_the_end(self, kit: Kit) -> None:
        plant_canaries(kit.gate, NOW)
        people = kit.people(2)
        canary = next(iter(kit.gate.canaries()))
        assert kit.gate.get(canary, "email", "u-1", NOW)
        assert kit.told.rules() == ["privacy.canary"]
        with pytest.raises(EgressError):
            kit.gate.get(people[0], "email", "u-1", NOW)
        assert kit.gate.get(people[0], "email", "u-2", NOW)

    def test_an_export_gives_it_away_too(self, kit: Kit) -> None:
        plant_canaries(kit.gate, NOW)
        kit.gate.export(next(iter(kit.gate.canaries())), "u-1", NOW)
        assert kit.told.rules() == ["privacy.canary"]
