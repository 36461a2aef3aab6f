"""A passkey in a real browser with its virtual authenticator: made on the account page, then used
at the door instead of passphrase and code."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser
from tests.ui.conftest import context_of
from tests.ui.world import PASSPHRASE, World, world

from beffroi.api import accounts, sessions
from beffroi.api import sign_in_passkeys as passkeys

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("door"), seeded=False) as made:
        yield made


@pytest.mark.browser
def test_a_passkey_opens_the_door_once_per_signature(small: World, browser: Browser) -> None:
    services = small.services
    token = (accounts.first_link(services) or "").rpartition("/")[2]
    user = accounts.accept(services, accounts.FIRST, token, "Odile Clef", PASSPHRASE)
    context = context_of(browser, None, "fr", phone=False)
    session = sessions.start(services, user)
    context.add_cookies([{"name": sessions.COOKIE, "value": session, "url": small.local}])
    page = context.new_page()
    tool = context.new_cdp_session(page)
    tool.send("WebAuthn.enable")
    tool.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    page.goto(small.local + "/account")
    page.fill("#entry-passkey", "Téléphone")
    page.click("form[action='/account/sign-in-passkeys'] button")
    for _ in range(100):  # the word is on the page before, too
        if passkeys.held(services, user.id):
            break
        page.wait_for_timeout(100)
    assert [one["name"] for one in passkeys.held(services, user.id)] == ["Téléphone"]
    context.clear_cookies()
    page.goto(small.local + "/sign-in?next=/alarms")
    sent: list[str] = []
    page.on("request", lambda r: sent.append(r.post_data or "") if r.method == "POST" else None)
    page.click("form[action='/sign-in/passkey'] button")
    page.wait_for_url(small.local + "/alarms")
    with httpx.Client(base_url=small.local, headers={"origin": small.local}) as thief:
        form = {"content-type": "application/x-www-form-urlencoded"}
        replayed = thief.post("/sign-in/passkey", content=sent[0], headers=form)
        assert replayed.status_code == 401  # the same bytes again
        assert sessions.COOKIE not in thief.cookies
    (held,) = passkeys.held(services, user.id)
    assert held["count"] >= 1
    passkeys.remove(services, user, held["id"])
    page.context.clear_cookies()
    page.goto(small.local + "/sign-in")
    page.click("form[action='/sign-in/passkey'] button")
    page.wait_for_selector("[role=alert]:not([hidden])")
    context.close()
