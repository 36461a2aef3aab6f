"""The Merkle tree of RFC 9162: grows by leaves, proves and verifies. Hashes in, hashes out.

Where hashes are kept is somebody else's business: `Node` is asked for those of perfect subtrees.
`beffroi evidence fsck` does not use this file, so that one mistake cannot hide behind itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from beffroi.kernel.keys import same, sha256
from beffroi.kernel.logged import LoggedError, leaf_hash, node_hash, root_of

# Node(level, index): the hash of the perfect subtree over leaves [index << level, index+1 << level)
Node = Callable[[int, int], bytes]
EMPTY = sha256(b"")


class ProofError(ValueError):
    """The proof does not hold, or cannot be made; the text says why."""


@dataclass(frozen=True, slots=True)
class Range:
    """A tree of `size` leaves by the roots of its perfect subtrees, the largest first."""

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def plus(self, leaves: Sequence[bytes]) -> Range:
        """With these leaf hashes behind the others."""
        size, peaks = self.size, list(self.peaks)
        for leaf in leaves:
            node, carry = leaf, size
            while carry & 1:
                node, carry = node_hash(peaks.pop(), node), carry >> 1
            peaks.append(node)
            size += 1
        return Range(size, tuple(peaks))

    @property
    def root(self) -> bytes:
        if not self.peaks:
            return EMPTY
        root = self.peaks[-1]
        for peak in self.peaks[-2::-1]:
            root = node_hash(peak, root)
        return root


def range_of(size: int, node: Node) -> Range:
    """The compact range of the first `size` leaves."""
    peaks, at = [], 0
    for level in range(size.bit_length() - 1, -1, -1):
        if size >> level & 1:
            peaks.append(node(level, at >> level))
            at += 1 << level
    return Range(size, tuple(peaks))


def inclusion(index: int, size: int, node: Node) -> tuple[bytes, ...]:
    """PATH of RFC 9162, 2.1.3.1: that leaf `index` is in the tree of `size` leaves."""
    if not 0 <= index < size:
        raise ProofError(f"entry {index} is not among the {size} of that tree")
    path: list[bytes] = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append(_subtree(middle, high, node))
            high = middle
        else:
            path.append(_subtree(low, middle, node))
            low = middle
    return tuple(reversed(path))


def consistency(old: int, new: int, node: Node) -> tuple[bytes, ...]:
    """PROOF of RFC 9162, 2.1.4.1: that the tree of `new` leaves begins with that of `old`."""
    if not 0 <= old <= new:
        raise ProofError(f"a tree of {new} does not begin with one of {old}")
    if old in (0, new):
        return ()
    path: list[bytes] = []
    low, high, whole = 0, new, True
    while old != high:
        middle = low + _split(high - low)
        if old <= middle:
            path.append(_subtree(middle, high, node))
            high = middle
        else:
            path.append(_subtree(low, middle, node))
            low, whole = middle, False
    if not whole:
        path.append(_subtree(low, high, node))
    return tuple(reversed(path))


def _split(count: int) -> int:
    """The largest power of two that is smaller than `count`."""
    return 1 << (count - 1).bit_length() - 1


def _subtree(low: int, high: int, node: Node) -> bytes:
    count = high - low
    if count & (count - 1) == 0:
        level = count.bit_length() - 1
        return node(level, low >> level)
    middle = low + _split(count)
    return node_hash(_subtree(low, middle, node), _subtree(middle, high, node))


def check_inclusion(
    entry: bytes, index: int, size: int, path: Sequence[bytes], root: bytes
) -> None:
    """ProofError unless the entry is at `index` in the tree with that root."""
    try:
        led_to = root_of(leaf_hash(entry), index, size, path)
    except LoggedError as error:
        raise ProofError(str(error)) from error
    if not same(led_to, root):
        raise ProofError("the entry and its proof lead to another root")


def check_consistency(
    old: int, old_root: bytes, new: int, new_root: bytes, path: Sequence[bytes]
) -> None:
    """ProofError unless the new tree begins with the old one (RFC 9162, 2.1.4.2)."""
    if old > new:
        raise ProofError(f"from {old} entries back to {new}")
    if old in (0, new):
        known = EMPTY if old == 0 else new_root
        if path or not same(old_root, known):
            raise ProofError("another tree of the same size, or a proof where none is needed")
        return
    first, second = _walk(old, new, old_root, path)
    if not (same(first, old_root) and same(second, new_root)):
        raise ProofError("the new tree does not begin with the old one")


def _walk(old: int, new: int, old_root: bytes, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    steps = [old_root, *path] if old & (old - 1) == 0 else list(path)
    if not steps:
        raise ProofError("the proof is too short")
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    first = second = steps[0]
    for step in steps[1:]:
        if last == 0:
            raise ProofError("the proof is too long")
        if at & 1 or at == last:
            first, second = node_hash(step, first), node_hash(step, second)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            second = node_hash(second, step)
        at, last = at >> 1, last >> 1
    if last:
        raise ProofError("the proof is too short")
    return first, second
