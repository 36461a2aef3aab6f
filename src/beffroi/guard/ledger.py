"""The guard's receipts: numbered, chained, signed, and given again for the same question.

Knows what was answered, not why. Pure: writing them down is the store's business.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from beffroi.guard.limits import (
    ANSWERS_MAX,
    READBACK_ITEMS_MAX,
    REFUSALS_BURST_MAX,
    REFUSALS_PER_S,
)
from beffroi.guard.memory import Expected, Kept, Memory
from beffroi.kernel.document import is_id
from beffroi.kernel.dsse import RECEIPT, Signed, pack
from beffroi.kernel.limits import SENTENCE_CHARS_MAX, TEXT_CHARS_MAX, WHOLE_MAX
from beffroi.kernel.receipt import Receipt


@dataclass(frozen=True, slots=True)
class Asked:
    """The command that a receipt answers: the hash of its bytes as they came, its digest ("" if
    it could not be read), and whether it was accepted."""

    wire: bytes
    digest: bytes = b""
    acted: bool = False


NOBODY = Asked(b"")


class Ledger:
    def __init__(self, guard: str, key: bytes, memory: Memory) -> None:
        self._guard, self._key = guard, key
        self.number, self.previous = memory.record.receipts, memory.record.previous
        # Apart, or a flood of rubbish would drive out the answers to commands that had an effect.
        self._refused: OrderedDict[bytes, Kept] = OrderedDict()
        self._acted: OrderedDict[bytes, Kept] = OrderedDict()
        self._done: OrderedDict[bytes, Kept] = OrderedDict()
        for kept in memory.kept:
            self._remember(kept)
            if kept.number >= self.number:
                self.number, self.previous = kept.number, kept.hash

    def answer(self, wire_hash: bytes) -> Kept | None:
        """The receipt that these very bytes got."""
        return self._acted.get(wire_hash) or self._refused.get(wire_hash)

    def effect_of(self, digest: bytes) -> Kept | None:
        """The receipt of an accepted command, however its signatures were packed."""
        return self._done.get(digest)

    def write(
        self,
        now_ms: int,
        outcome: str,
        *,
        target: str = "",
        asked: Asked = NOBODY,
        reason: str = "",
        detail: str = "",
        readback: Mapping[str, int | str] | None = None,
        expects: Mapping[str, int | str] | None = None,
        until_ms: int = 0,
    ) -> Kept:
        """The next receipt; `expects`: what the target shall show from now on, `until_ms`."""
        receipt = Receipt(
            guard=self._guard,
            number=self.number + 1,
            previous=self.previous,
            at_ms=now_ms,
            outcome=outcome,
            target=target,
            digest=asked.digest,
            reason=reason,
            detail=_writable(detail)[:SENTENCE_CHARS_MAX],
            readback=tidy(readback or {}, READBACK_ITEMS_MAX, expects or {}),
        )
        wire = pack(Signed(RECEIPT, receipt.encoded()).by(self._key))
        self.number, self.previous = receipt.number, receipt.hash
        kept = Kept(
            number=receipt.number,
            hash=receipt.hash,
            wire=wire,
            asked=asked.wire,
            digest=asked.digest,
            acted=asked.acted,
            target=target,
            expects=None if expects is None else Expected(receipt.number, expects, until_ms),
        )
        self._remember(kept)
        return kept

    def _remember(self, kept: Kept) -> None:
        if kept.acted:
            _put(self._acted, kept.asked, kept)
            _put(self._done, kept.digest, kept)
        elif kept.asked:
            _put(self._refused, kept.asked, kept)


def _put(table: OrderedDict[bytes, Kept], name: bytes, kept: Kept) -> None:
    table[name] = kept
    if len(table) > ANSWERS_MAX:
        table.popitem(last=False)


class Tap:
    """How many refusals get a receipt: each costs a write, and anybody on the broker can ask."""

    def __init__(self) -> None:
        self._drops, self._at_ms, self.untold = float(REFUSALS_BURST_MAX), 0, 0

    def open(self, mono_ms: int) -> bool:
        gained = max(0, mono_ms - self._at_ms) * REFUSALS_PER_S / 1000
        self._drops, self._at_ms = min(float(REFUSALS_BURST_MAX), self._drops + gained), mono_ms
        if self._drops < 1:
            self.untold += 1
            return False
        self._drops -= 1
        return True


def tidy(
    shown: Mapping[str, int | str], items_max: int, first: Mapping[str, int | str]
) -> dict[str, int | str]:
    """What of a driver's values may stand in a document; those in `first` before others."""
    kept: dict[str, int | str] = {}
    for name in [*(n for n in first if n in shown), *(n for n in shown if n not in first)]:
        value = shown[name]
        if len(kept) >= items_max or not is_id(name):
            continue
        if isinstance(value, str):
            kept[name] = _writable(value)[:TEXT_CHARS_MAX]
        elif abs(value) <= WHOLE_MAX:
            kept[name] = int(value)
    return kept


def _writable(text: str) -> str:
    """Equipment and documents may bring half a character (JSON can), which nobody can sign."""
    return text.encode("utf-8", "replace").decode()
