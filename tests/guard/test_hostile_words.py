"""Words that cannot be written, from equipment or documents, stand in a receipt all the same."""

from __future__ import annotations

import pytest
from tests.guard.kit import WIRING

from beffroi.guard.drivers.simulated import Simulated
from beffroi.guard.ledger import Ledger
from beffroi.guard.main import Guard
from beffroi.guard.memory import Memory
from beffroi.kernel.dsse import unpack
from beffroi.kernel.receipt import REFUSED, read_receipt


def test_half_a_character_in_a_detail_does_not_end_the_guard() -> None:
    """JSON may hold lone surrogates; canonical bytes may not."""
    kept = Ledger("g1", bytes(32), Memory()).write(0, REFUSED, reason="trust", detail="a\ud800b")
    assert read_receipt(unpack(kept.wire).payload).detail == "a?b"


class _Broken:
    """Parts of a guard whose core has a mistake."""

    steps = 0

    def begin(self) -> None:
        raise ValueError("a mistake")

    def stop(self) -> None: ...
    def close(self) -> None: ...


def test_a_mistake_of_the_guard_itself_puts_everything_into_its_safe_state(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("signal.signal", lambda *_: None)  # those of the tests stay
    guard, driver, broken = Guard.__new__(Guard), Simulated(WIRING), _Broken()
    vars(guard).update(_worker=broken, _drivers={"lamp-1": driver}, _link=broken, _store=broken)
    with pytest.raises(ValueError, match="a mistake"):
        guard.run()
    assert driver.effects == [("fall_back", {"level_pct": 100})]
