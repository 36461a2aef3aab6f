"""Every page in a real browser: accessible, in both languages, on a phone, by keyboard, inert."""

from __future__ import annotations

from dataclasses import replace

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from tests.ui.conftest import context_of
from tests.ui.world import World

from beffroi.model.asset import Device

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
OPTIONS = {"runOnly": {"type": "tag", "values": TAGS}}
XSS = "<img src=x onerror=document.title='pwned'>"


def paths(town: World) -> list[str]:
    alarm = town.services.desk.open()[0]
    return ["/", "/list", f"/assets/{alarm.asset}", "/alarms", f"/alarms/{alarm.id}", "/no-such"]


def violations(page: Page) -> list[str]:
    found = Axe().run(page, options=OPTIONS).response["violations"]
    return [f"{v['id']}: {n['html'][:150]}" for v in found for n in v["nodes"]]


@pytest.mark.browser
@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
@pytest.mark.parametrize("lang", ["fr", "en"])
def test_every_page_is_accessible(
    town: World, browser: Browser, signed_in: dict[str, object], lang: str, phone: bool
) -> None:
    context = context_of(browser, signed_in, lang, phone)
    page = context.new_page()
    failed: list[str] = []
    page.on("pageerror", lambda error: failed.append(f"script: {error}"))
    for path in paths(town):
        page.goto(town.url + path)
        page.wait_for_timeout(300)
        assert page.locator("html").get_attribute("lang") == lang
        failed += [f"{path} {line}" for line in violations(page)]
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    context.close()
    assert failed == []
    assert wide <= 0  # nothing to scroll sideways


@pytest.mark.browser
@pytest.mark.parametrize("lang", ["fr", "en"])
def test_the_sign_in_page_is_accessible(town: World, browser: Browser, lang: str) -> None:
    context = context_of(browser, None, lang, phone=True)
    page = context.new_page()
    page.goto(town.url + "/")
    assert "/sign-in" in page.url  # closed by default
    assert violations(page) == []
    context.close()


@pytest.mark.browser
def test_an_alarm_is_handled_with_the_keyboard_alone(
    town: World, browser: Browser, signed_in: dict[str, object]
) -> None:
    context = context_of(browser, signed_in, "fr", phone=False)
    page = context.new_page()
    waiting = next(a for a in town.services.desk.open() if a.state == "raised" and not a.members)
    page.goto(f"{town.url}/alarms/{waiting.id}")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent").strip() == "Prendre en compte":
            break
    else:
        pytest.fail("the button cannot be reached by keyboard")
    page.keyboard.press("Enter")
    page.wait_for_timeout(1_500)
    stored = town.services.store.alarms.alarm(waiting.id)
    assert stored is not None
    assert stored.state == "acknowledged"
    assert town.services.store.alarms.events(waiting.id)[-1].kind == "acknowledged"
    context.close()


@pytest.mark.browser
def test_hostile_names_stay_text(
    town: World, browser: Browser, signed_in: dict[str, object]
) -> None:
    asset = town.services.store.assets.assets(limit=1)[0]
    town.services.store.assets.put_assets([replace(asset, name=XSS)])
    town.services.store.assets.put_devices([Device("evil", asset.id, maker=XSS, firmware=XSS)])
    context = context_of(browser, signed_in, "fr", phone=False)
    page = context.new_page()
    for path in ("/", "/list", f"/assets/{asset.id}", f"/assets/{asset.id}/card"):
        page.goto(town.url + path)
        page.wait_for_timeout(200)
        assert page.title() != "pwned"
        assert page.locator("img[src=x]").count() == 0
    page.goto(f"{town.url}/assets/{asset.id}")
    assert XSS in page.locator("h1").inner_text()
    town.services.store.assets.put_assets([asset])
    context.close()


@pytest.mark.browser
def test_the_map_draws_and_follows_the_town(
    town: World, browser: Browser, signed_in: dict[str, object]
) -> None:
    context = context_of(browser, signed_in, "fr", phone=False)
    page = context.new_page()
    page.goto(town.url + "/")
    page.wait_for_selector("canvas")
    assert page.evaluate("document.querySelector('canvas').width") > 300
    context.close()
