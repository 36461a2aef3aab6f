"""The pages as an account of another body sees them: accessible, in both languages, on a phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser
from tests.ui.conftest import context_of
from tests.ui.test_pages import DESK, looks
from tests.ui.world import World

from beffroi.api import sessions
from beffroi.ports.store import User

BODY, VALVE = "syndicat des eaux", "valve-1"  # as the procedural commune names it


def paths(town: World) -> list[str]:
    store = town.services.store
    own = {one.id for one in store.assets.assets("water") if one.authority == BODY}
    alarm = next(one for one in town.services.desk.open() if one.asset in own)
    return [
        f"/?asset={VALVE}", "/list", f"/assets/{VALVE}", "/alarms", f"/alarms/{alarm.id}",
        "/devices", "/commands", f"/commands/{town.ids['water']}", f"/act/{VALVE}", "/people",
    ]  # fmt: skip


@pytest.mark.browser
@pytest.mark.parametrize("lang", ["fr", "en"])
def test_the_pages_of_another_body_are_accessible(town: World, browser: Browser, lang: str) -> None:
    user = User("u-eaux", "Inès du syndicat", "operator", organisation=BODY)
    town.services.store.people.put_user(user)
    token = sessions.start(town.services, user)
    context = context_of(browser, None, lang, phone=False)
    context.add_cookies([{"name": sessions.COOKIE, "value": token, "url": town.url}])
    page = context.new_page()
    failed: list[str] = []
    page.on("pageerror", lambda error: failed.append(f"script: {error}"))
    for path in paths(town):
        page.set_viewport_size(DESK)
        page.goto(town.url + path)
        if path.startswith("/?"):
            page.wait_for_selector("#card:not([hidden])")
        assert page.locator("html").get_attribute("lang") == lang
        failed += [f"{path} {line}" for line in looks(page, night=False)]
    context.close()
    assert failed == []
