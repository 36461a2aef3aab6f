"""The nights of a paying zone on its page: figures, and what is not proven, said so."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect
from tests.ui.conftest import context_of
from tests.ui.test_pages import looks
from tests.ui.world import World

from beffroi.hub.nights import BALANCED, BOOK, UNPROVEN

END_MS = 1_790_028_000_000  # midnight after 21 September 2026 in Paris
PROVEN = {
    "occupied_low_min": 4210, "occupied_high_min": 4390, "paid_min": 3805, "known_pct": 99,
    "unpaid_low_min": 480, "unpaid_high_min": 610, "unpaid_low_permille": 109,
    "unpaid_high_permille": 145, "titles": 61, "not_ours": 0,
}  # fmt: skip


@pytest.mark.browser
@pytest.mark.parametrize("lang", ["fr", "en"])
def test_a_zone_shows_its_nights(
    town: World, browser: Browser, signed_in: dict[str, object], lang: str
) -> None:
    office = town.services.office
    assert office is not None
    store = office.registers.store
    if not store.records(BOOK, "zone-001"):
        day: dict[str, str | int] = {"day": "2026-09-21", "end_ms": END_MS}
        late: dict[str, str | int] = {"day": "2026-09-22", "end_ms": END_MS + 86_400_000}
        office.registers.write(BOOK, "zone-001", BALANCED, day | PROVEN, "hub")
        office.registers.write(BOOK, "zone-001", UNPROVEN, late | {"why": "titles"}, "hub")
    context = context_of(browser, signed_in, lang, phone=False)
    page = context.new_page()
    page.goto(town.url + "/assets/zone-001")
    rows = page.locator("#nights tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("non prouvé" if lang == "fr" else "not proven")
    expect(rows.nth(1)).to_contain_text(
        "21 septembre 2026" if lang == "fr" else "21 September 2026"
    )
    expect(rows.nth(1)).to_contain_text("10,9–14,5" if lang == "fr" else "10.9–14.5")
    assert looks(page, night=lang == "fr") == []
    context.close()
