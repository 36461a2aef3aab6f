"""The short form of `bench/hostile.py`: root on the hub, with and without one operator's key."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "bench" / "hostile.py"


@pytest.fixture(scope="module")
def hostile() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bench_hostile", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_nothing_is_forged(hostile: ModuleType) -> None:
    outcome = hostile.run(2_000, seed=7)
    assert outcome.forged == []
    assert {way for way, _ in outcome.ways} == set(hostile.WAYS)
    assert len(outcome.refused) >= 25, "the corpus reaches deep into the rules"


def test_the_oracle_would_notice(hostile: ModuleType) -> None:
    """A judge that asks for nobody is caught by the same count."""
    import random

    campaign = hostile.Campaign(random.Random(1))
    campaign.capture()
    lax = hostile.trial("B").accepted()
    assert hostile.judged(campaign, lax) == "what people signed"
    campaign.signed.clear()
    assert hostile.judged(campaign, lax) == "forged"
