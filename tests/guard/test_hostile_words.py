"""Words that cannot be written, from equipment or documents, stand in a receipt all the same."""

from __future__ import annotations

from beffroi.guard.ledger import Ledger
from beffroi.guard.memory import Memory
from beffroi.kernel.dsse import unpack
from beffroi.kernel.receipt import REFUSED, read_receipt


def test_half_a_character_in_a_detail_does_not_end_the_guard() -> None:
    """JSON may hold lone surrogates; canonical bytes may not."""
    kept = Ledger("g1", bytes(32), Memory()).write(0, REFUSED, reason="trust", detail="a\ud800b")
    assert read_receipt(unpack(kept.wire).payload).detail == "a?b"
