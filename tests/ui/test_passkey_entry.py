"""A passkey in a real browser with its virtual authenticator: made on the account page, then used
at the door instead of passphrase and code."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser
from tests.ui.conftest import context_of
from tests.ui.test_pages import violations
from tests.ui.world import PASSPHRASE, World, world

from beffroi.api import accounts, second_factor, sessions
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


@pytest.mark.browser
def test_a_passkey_is_the_second_factor_that_a_role_needs(small: World, browser: Browser) -> None:
    services = small.services
    admin = next(iter(services.store.people.users()))
    token = accounts.invite(services, "operator", admin).rpartition("/")[2]
    user = accounts.accept(services, accounts.INVITE, token, "Aline Clef", PASSPHRASE)
    second_factor.require(services, {"operator"}, admin)
    context = context_of(browser, None, "fr", phone=False)
    page = context.new_page()
    tool = context.new_cdp_session(page)
    tool.send("WebAuthn.enable")
    tool.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})

    def with_passphrase() -> None:
        page.goto(small.local + "/sign-in?next=/alarms")
        page.fill("#name", "Aline Clef")
        page.fill("#passphrase", PASSPHRASE)
        page.click("form[action='/sign-in'] button")

    with_passphrase()  # one factor: its own page only
    assert context.request.get(small.local + "/alarms").status == 403
    page.goto(small.local + "/account")
    page.fill("#entry-passkey", "Clé")
    page.click("form[action='/account/sign-in-passkeys'] button")
    page.wait_for_selector("form[action='/account/sign-in-passkeys/remove']")
    assert context.request.get(small.local + "/alarms").status == 403  # this session had one
    assert violations(page) == []
    context.clear_cookies()
    with_passphrase()  # whoever knows the passphrase alone could add a factor of their own
    page.wait_for_selector("text=clé d’accès")
    assert sessions.COOKIE not in {one["name"] for one in context.cookies()}
    assert violations(page) == []
    page.goto(small.local + "/sign-in?next=/alarms")
    page.click("form[action='/sign-in/passkey'] button")
    page.wait_for_url(small.local + "/alarms")
    assert context.request.get(small.local + "/alarms").status == 200
    page.goto(small.local + "/account")
    assert "mettez-le" not in page.inner_text("#second")
    token = next(one["value"] for one in context.cookies() if one["name"] == sessions.COOKIE)
    plain = token.replace(f".{sessions.VERIFIED}", ".")
    forged = plain.replace(".", f".{sessions.VERIFIED}")
    assert sessions.find(services, token).verified
    assert sessions.find(services, plain) is None
    one_factor = sessions.start(services, user)
    assert sessions.find(services, one_factor.replace(".", f".{sessions.VERIFIED}")) is None
    assert forged == token
    passkeys.forget(services, user.id, admin)  # the telephone is lost
    assert not passkeys.held(services, user.id)
    context.close()
    second_factor.require(services, set(), admin)


@pytest.mark.browser
@pytest.mark.parametrize("lang", ["fr", "en"])
def test_the_second_step_is_accessible(small: World, browser: Browser, lang: str) -> None:
    services = small.services
    user = next(iter(services.store.people.users()))
    services.store.people.put_setting(second_factor.SECOND + user.id, "on")
    context = context_of(browser, None, lang, phone=True)
    page = context.new_page()
    page.goto(small.local + "/sign-in")
    page.fill("#name", user.name)
    page.fill("#passphrase", PASSPHRASE)
    page.click("form[action='/sign-in'] button")
    page.wait_for_selector("#code")
    assert violations(page) == []
    assert page.evaluate("document.activeElement.id") == "code"
    page.fill("#code", "000000")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=alert], .notice")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    services.store.people.put_setting(second_factor.SECOND + user.id, "")
    context.close()
