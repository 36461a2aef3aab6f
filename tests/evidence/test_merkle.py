"""The tree against the definition of RFC 9162, published roots, and every small forgery."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.evidence.kit import mth

from beffroi.evidence.merkle import (
    EMPTY,
    ProofError,
    Range,
    check_consistency,
    check_inclusion,
    consistency,
    inclusion,
    range_of,
)
from beffroi.kernel.logged import leaf_hash

# The eight leaves and roots that every Certificate Transparency implementation is tested with.
LEAVES = [
    bytes.fromhex(one)
    for one in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


class Tree:
    def __init__(self, count: int) -> None:
        self.entries = [b"entry %d" % i for i in range(count)]

    def node(self, level: int, index: int) -> bytes:
        part = self.entries[index << level : (index + 1) << level]
        assert len(part) == 1 << level, "only perfect subtrees may be asked for"
        return mth(part)

    def root(self, size: int) -> bytes:
        return mth(self.entries[:size])


TREE = Tree(70)


@pytest.mark.parametrize("size", range(1, 9))
def test_published_roots(size: int) -> None:
    grown = Range().plus([leaf_hash(one) for one in LEAVES[:size]])
    assert grown.root.hex() == ROOTS[size - 1]


def test_the_empty_tree_has_the_root_of_the_standard() -> None:
    assert Range().root == EMPTY == hashlib.sha256(b"").digest()


@given(st.lists(st.integers(0, 9), max_size=12))
def test_growing_in_any_steps_gives_the_same_tree(steps: list[int]) -> None:
    grown, count = Range(), 0
    for step in steps:
        grown = grown.plus([leaf_hash(b"entry %d" % i) for i in range(count, count + step)])
        count += step
    entries = [b"entry %d" % i for i in range(count)]
    assert grown.root == mth(entries)
    again = range_of(count, lambda level, at: mth(entries[at << level : (at + 1) << level]))
    assert again == grown


@pytest.mark.parametrize("size", [*range(1, 35), 63, 64, 65, 70])
def test_every_entry_is_proven_in_every_tree(size: int) -> None:
    for index in range(size):
        path = inclusion(index, size, TREE.node)
        check_inclusion(TREE.entries[index], index, size, path, TREE.root(size))


@pytest.mark.parametrize("new", [*range(1, 35), 63, 64, 65, 70])
def test_every_tree_begins_with_every_smaller_one(new: int) -> None:
    for old in range(new + 1):
        path = consistency(old, new, TREE.node)
        check_consistency(old, TREE.root(old), new, TREE.root(new), path)


def changed(path: tuple[bytes, ...], at: int) -> list[tuple[bytes, ...]]:
    flipped = bytes([path[at][0] ^ 1]) + path[at][1:]
    return [
        path[:at] + path[at + 1 :],
        (*path[:at], flipped, *path[at + 1 :]),
        (*path[:at], path[at], *path[at:]),
        *([tuple(reversed(path))] if len(set(path)) > 1 else []),
    ]


@pytest.mark.parametrize("size", [2, 3, 5, 8, 13])
def test_a_changed_inclusion_proof_never_holds(size: int) -> None:
    for index in range(size):
        path = inclusion(index, size, TREE.node)
        root, entry = TREE.root(size), TREE.entries[index]
        for at in range(len(path)):
            for bad in changed(path, at):
                with pytest.raises(ProofError):
                    check_inclusion(entry, index, size, bad, root)
        for other in range(size):
            if other != index:
                with pytest.raises(ProofError):
                    check_inclusion(entry, other, size, path, root)
        with pytest.raises(ProofError):
            check_inclusion(entry + b"!", index, size, path, root)
        for outside in (-1, size):
            with pytest.raises(ProofError):
                check_inclusion(entry, outside, size, path, root)


@pytest.mark.parametrize("new", [2, 3, 5, 8, 13])
def test_a_changed_consistency_proof_never_holds(new: int) -> None:
    for old in range(1, new):
        path = consistency(old, new, TREE.node)
        roots = TREE.root(old), TREE.root(new)
        for at in range(len(path)):
            for bad in changed(path, at):
                with pytest.raises(ProofError):
                    check_consistency(old, roots[0], new, roots[1], bad)
        for wrong in (bytes(32), TREE.root(old + 1)):
            with pytest.raises(ProofError):
                check_consistency(old, wrong, new, roots[1], path)
        with pytest.raises(ProofError):
            check_consistency(old, roots[0], new, bytes(32), path)
        with pytest.raises(ProofError):
            check_consistency(old, roots[0], new, roots[1], ())
        with pytest.raises(ProofError):
            check_consistency(new, roots[1], old, roots[0], path)


def test_a_tree_does_not_pass_for_a_larger_one() -> None:
    """Of 8 entries, said to be of 16: the proof has the steps, but not enough of them."""
    path = consistency(4, 8, TREE.node)
    check_consistency(4, TREE.root(4), 8, TREE.root(8), path)
    for claimed in (9, 12, 16, 64):  # 5 to 7 have the same proof: witnesses compare sizes
        with pytest.raises(ProofError):
            check_consistency(4, TREE.root(4), claimed, TREE.root(8), path)


def test_a_rewritten_entry_is_never_consistent() -> None:
    forged = Tree(20)
    forged.entries[4] = b"rewritten"
    for old in range(5, 20):
        path = consistency(old, 20, forged.node)
        with pytest.raises(ProofError):
            check_consistency(old, TREE.root(old), 20, forged.root(20), path)


def test_no_proof_of_what_is_not_there() -> None:
    with pytest.raises(ProofError):
        inclusion(5, 5, TREE.node)
    with pytest.raises(ProofError):
        consistency(6, 5, TREE.node)
    with pytest.raises(ProofError):
        check_consistency(0, EMPTY, 5, TREE.root(5), (bytes(32),))
    with pytest.raises(ProofError):
        check_consistency(0, bytes(32), 5, TREE.root(5), ())
