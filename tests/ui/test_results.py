"""Results in a real browser: entering a figure, describing an initiative, publishing the page."""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import Browser
from tests.ui.conftest import context_of
from tests.ui.world import World

from beffroi.hub.indicators.public import open_or_close

XSS = "<img src=x onerror=document.title='pwned'>"


@pytest.mark.browser
def test_a_figure_and_an_initiative_are_entered_without_scripts(
    town: World, browser: Browser, signed_in: dict[str, object]
) -> None:
    context = browser.new_context(
        java_script_enabled=False,
        storage_state=signed_in,  # type: ignore[arg-type]
        locale="fr-FR",
    )
    page = context.new_page()
    page.goto(town.url + "/indicators")
    page.select_option("#entry-name", "exposed_devices")
    page.fill("#entry-value", "2")
    page.fill("#entry-document", XSS)
    page.click("text=Enregistrer ce chiffre")
    assert page.locator("img[src=x]").count() == 0
    page.goto(town.url + "/indicators/S8")
    assert page.locator(".big").inner_text().startswith("2")
    page.goto(town.url + "/maturity")
    page.click("text=Décrire une initiative")
    page.fill("#i-name", XSS)
    page.check("input[value=mobility]")
    page.fill("#i-problem", "places bloquées")
    page.click("text=Enregistrer cette fiche")
    assert XSS in page.locator("#initiatives h3").first.inner_text()
    assert page.locator("img[src=x]").count() == 0
    page.click("text=Décrire une initiative")
    page.fill("#i-name", "Sans axe")
    page.click("text=Enregistrer cette fiche")
    assert page.locator("[role=alert]").count() == 1  # and what was typed is kept
    assert page.input_value("#i-name") == "Sans axe"
    context.close()


def test_results_are_closed_until_they_are_opened(town: World) -> None:
    people = town.services.store.people
    with httpx.Client(base_url=town.url, headers={"accept": "text/html"}) as nobody:
        assert nobody.get("/results").status_code == 404
        open_or_close(people, True)
        page = nobody.get("/results")
        assert page.status_code == 200
        assert page.headers["cache-control"] == "public, max-age=300"
        assert "set-cookie" not in page.headers
        assert "vigilance" not in page.text.lower()
        assert nobody.get("/results/W1").status_code == 200
        for hidden in ("S1", "S8", "G5", "nothing"):
            assert nobody.get(f"/results/{hidden}").status_code == 404
        assert nobody.get("/resultats").status_code == 307
        for closed in ("/indicators", "/maturity", "/compare"):
            assert nobody.get(closed).status_code == 303
        assert nobody.post("/results", data={"value": "close"}).status_code in (401, 403, 303)
        open_or_close(people, False)
        assert nobody.get("/results").status_code == 404


@pytest.mark.browser
def test_a_page_made_for_one_is_not_kept_for_all(
    town: World, browser: Browser, signed_in: dict[str, object]
) -> None:
    context = context_of(browser, signed_in, "fr", phone=True)
    answer = context.new_page().goto(town.url + "/results")
    assert answer is not None
    assert answer.headers["cache-control"] == "no-store"
    context.close()
