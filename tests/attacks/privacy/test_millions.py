"""M9, D2: 2.5 million records cannot leave quietly. Stolen accounts read as fast as they can from a
real vault, through the gate, with the real limits of an account."""

from __future__ import annotations

import json
import os
import random
import time
from pathlib import Path

from tests.hub.privacy.kit import NOW, Kit

from beffroi.hub.privacy.egress import plant_canaries
from beffroi.model.limits import (
    BULK_ROWS_MAX,
    EGRESS_ACCOUNT_PER_DAY_MAX,
    EGRESS_ALL_PER_DAY_MAX,
)
from beffroi.ports.personal import EgressError

RECORDS = 2_500_000  # of the water utility
PEOPLE, ACCOUNTS = 600, 3


def robbed(kit: Kit, actor: str, people: list[str]) -> int:
    count = 0
    for subject in people:
        try:
            count += bool(kit.gate.export(subject, actor, NOW))
        except EgressError:
            break
    return count


def test_stolen_accounts_get_their_day_s_share_and_no_more(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    people = kit.people(PEOPLE)
    began = time.monotonic()
    taken = [robbed(kit, f"u-{n}", people) for n in range(ACCOUNTS)]
    seconds = time.monotonic() - began
    assert taken == [EGRESS_ACCOUNT_PER_DAY_MAX] * ACCOUNTS
    assert [one.rule for one in kit.told.found] == ["privacy.egress"] * ACCOUNTS
    assert {one.asset for one in kit.told.found} == {f"u-{n}" for n in range(ACCOUNTS)}
    _note(per_account=taken[0], seconds_to_first_alarm=round(seconds / ACCOUNTS, 3))
    kit.vault.close()


def test_whoever_walks_through_everybody_meets_a_canary(tmp_path: Path) -> None:
    """In any order: one of the canaries of a purpose comes among the first, and ends it."""
    kit = Kit(tmp_path)
    plant_canaries(kit.gate, NOW)
    people, rng = kit.people(100), random.Random(7)
    met = []
    for n in range(20):
        listed = list(kit.gate.subjects("reports", 10_000, f"u-{n}", NOW))
        rng.shuffle(listed)
        met.append(robbed(kit, f"u-{n}", listed))
        assert kit.told.rules()[-2:] == ["privacy.canary", "privacy.egress"]
    assert max(met) < len(people) + 4
    _note(read_before_the_canary_of_100=sorted(met))
    kit.vault.close()


def test_all_doors_together_need_most_of_a_year_of_alarms() -> None:
    """With every account and every export of a day, the whole would take 250 days."""
    assert BULK_ROWS_MAX <= EGRESS_ALL_PER_DAY_MAX
    assert RECORDS / EGRESS_ALL_PER_DAY_MAX >= 250


def _note(**figures: object) -> None:
    """For the record of a campaign; nothing is asserted of time."""
    if place := os.environ.get("BEFFROI_FIGURES"):
        with Path(place).open("a") as file:
            file.write(json.dumps(figures) + "\n")
