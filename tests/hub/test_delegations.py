"""Who is in charge of an asset follows from the register, whatever came before."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from beffroi.hub.delegations import BOOK, ENDED, GRANTED, OWN, Delegation, folded, handed
from beffroi.model.asset import Asset
from beffroi.ports.registers import Record

BODIES = ("Syndicat des eaux", "Communauté d’agglo", "SIVOM")
THIRD = "département"


def granted(ident: str, domain: str, body: str, start: int, end: int) -> Record:
    facts: dict[str, str | int] = {
        "organisation": body, "act": "D", "decided": "2026-01-01", "from_ms": start,
        "until_ms": end,
    }  # fmt: skip
    return Record(ident, BOOK, domain, GRANTED, start, "u", facts)


def asset(ident: str, domain: str, authority: str = OWN) -> Asset:
    return Asset(ident, domain, "kind", ident, 2, 48, authority=authority)


spans = st.tuples(st.integers(0, 50), st.integers(0, 50))
histories = st.lists(
    st.tuples(st.sampled_from(BODIES), spans, st.booleans()), min_size=1, max_size=6
)


def story(history: list[tuple[str, tuple[int, int], bool]]) -> list[Delegation]:
    """One after another, as the desk lets them be granted; some ended by hand."""
    lines, at = [], 0
    for number, (body, (wait, length), by_hand) in enumerate(history):
        start = at + wait
        end = start + length + 1
        lines.append(granted(f"d{number}", "a", body, start, end))
        if by_hand:
            end = start + (length + 1) // 2
            facts = {"of": f"d{number}", "why": "x"}
            lines.append(Record(f"e{number}", BOOK, "a", ENDED, end, "u", facts))
        at = end
    return folded(lines)


@given(histories, st.lists(st.integers(0, 700), min_size=1, max_size=8))
def test_the_register_alone_decides(
    history: list[tuple[str, tuple[int, int], bool]], moments: list[int]
) -> None:
    there = story(history)
    town = {one.id: one for one in (asset("x", "a"), asset("y", "b"), asset("z", "a", THIRD))}
    for now in sorted(moments):
        # ended by hand at e: it does not run from then on, and nobody asks about before
        known = [replace(one, ended_ms=one.ended_ms if one.ended_ms <= now else 0) for one in there]
        town |= {one.id: one for one in handed(town.values(), known, now)}
        running = [one.organisation for one in known if one.runs(now)]
        assert len(running) <= 1
        assert town["x"].authority == (running[0] if running else OWN)
        assert town["y"].authority == OWN
        assert town["z"].authority == THIRD
        assert handed(town.values(), known, now) == []


def test_the_same_body_in_other_letters_is_the_same() -> None:
    there = folded([granted("d", "a", "Syndicat des Eaux", 0, 0)])
    (one,) = handed([asset("x", "a", "syndicat des eaux")], there, 5)
    assert one.authority == "Syndicat des Eaux"


def test_an_erased_grant_opens_nothing() -> None:
    line = replace(granted("d", "a", "SIVOM", 0, 0), facts={}, erased=True)
    assert folded([line]) == []
