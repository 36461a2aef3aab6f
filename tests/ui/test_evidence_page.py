"""Another commune cosigns our log; the evidence page says which, how far and when, and no other."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from tests.ui.conftest import context_of
from tests.ui.world import World

from beffroi.adapters.log.cosigners import Cosigners
from beffroi.adapters.log.keyfile import load_seed
from beffroi.adapters.log.peers import Direct, Peer
from beffroi.adapters.log.witness import KEY, Witness
from beffroi.evidence.entry import Draft
from beffroi.evidence.vkey import Vkey
from beffroi.kernel.roster import LOG, WITNESS

NAME, SEED = "temoin.oye", bytes([75]) * 32  # as the town's roster has it, see `cabinet`


def witness_of(folder: Path, town: World, seed: bytes = b"") -> Witness:
    """With its own new key unless one is given."""
    if seed:
        folder.mkdir(mode=0o700)
        (folder / KEY).touch(mode=0o600)
        (folder / KEY).write_bytes(seed)
        assert load_seed(folder / KEY) == seed
    made = Witness(folder, NAME, lambda: town.services.clock.now_ms() // 1000)
    book = town.dispatch.book
    for member in book.trusted.roster.having(LOG):
        made.trust(Vkey(book.log.origin, member.public))
    return made


def cosign(town: World, witness: Witness) -> int:
    """How many entries it has seen."""
    log = town.dispatch.book.log
    log.append([Draft("register.check", town.services.clock.now_ms())])
    cosigners = Cosigners(log, [Peer(witness.vkey, Direct(witness))])  # type: ignore[arg-type]
    try:
        return cosigners.cosign(log.checkpoint(), 1, 10).size
    finally:
        cosigners.close()
        witness.close()


@pytest.mark.browser
def test_the_witness_of_another_commune_is_shown(
    town: World, browser: Browser, signed_in: dict[str, object], tmp_path: Path
) -> None:
    (member,) = town.dispatch.book.trusted.roster.having(WITNESS)
    context = context_of(browser, signed_in, "fr", phone=True)
    page = context.new_page()
    line = page.locator("section[aria-labelledby=witness-title] li")
    page.goto(town.url + "/evidence")
    expect(line).to_have_count(1)
    expect(line).to_contain_text("oye")
    expect(line).to_contain_text("n’a encore rien vu")
    # Somebody with the witness's name and a key of his own is not the commune in the roster.
    cosign(town, witness_of(tmp_path / "impostor", town))
    page.reload()
    expect(line).to_have_count(1)
    expect(line).to_contain_text("n’a encore rien vu")
    real = witness_of(tmp_path / "real", town, SEED)
    assert real.vkey.public == member.public
    size = cosign(town, real)
    page.reload()
    expect(line).not_to_contain_text("n’a encore rien vu")
    expect(line.locator(".tag-ok")).to_contain_text("il y a")
    expect(line.locator(".under")).to_have_text(f"{size} entrées")
    seen = page.locator(".desk-figures div", has_text="vues par un témoin").locator("dd")
    expect(seen).to_have_text(str(size))
    context.close()
