"""Signing in at a real provider process: the certified `oidc-provider`, in a real browser."""

from __future__ import annotations

import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page
from tests import npm
from tests.ui.conftest import context_of
from tests.ui.test_pages import violations
from tests.ui.world import World

from beffroi.api.oidc import Oidc, OidcSettings
from beffroi.ui.pages.oidc_entry import BACK

PACKAGE, VERSION = "oidc-provider", "9.13.3"
ROLES = {"operator": frozenset({"mairie-admin"})}


@pytest.fixture(scope="module")
def provider(town: World) -> Iterator[str]:
    """Its issuer."""
    folder = npm.package(PACKAGE, VERSION, "oidc")
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        port = place.getsockname()[1]
    script = Path(__file__).with_name("oidc_provider.mjs")
    child = subprocess.Popen(
        [npm.node(), str(script), str(folder), str(port), town.url + BACK],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert child.stdout is not None
    lines = iter(child.stdout.readline, "")
    if not any("ready" in line for line in lines):
        pytest.fail("the provider did not start")
    yield f"http://127.0.0.1:{port}"
    child.terminate()
    child.wait(10)


@pytest.fixture
def oidc(town: World, provider: str, signed_in: dict[str, object]) -> Iterator[None]:
    """After the first start: until then the sign-in page offers nothing."""
    del signed_in
    settings = OidcSettings(provider, "beffroi", "a-secret-of-the-test", "Mairie", "groups", ROLES)
    town.app.state.oidc = Oidc(settings)
    yield
    town.app.state.oidc = None


def signs_in(page: Page, town: World, who: str) -> None:
    page.goto(town.url + "/sign-in?next=/alarms")
    page.click("text=Se connecter avec Mairie")
    page.fill("input[name=login]", who)
    page.fill("input[name=password]", "anything")
    page.click("button[type=submit]")
    page.click("button[type=submit]")  # consent


@pytest.mark.browser
def test_who_is_known_there_comes_in_with_the_mapped_role(
    town: World, browser: Browser, oidc: None
) -> None:
    for turn in range(2):  # the second time it is the same account
        context = context_of(browser, None, "fr", phone=turn == 1)
        page = context.new_page()
        page.goto(town.url + "/sign-in")
        assert violations(page) == []
        signs_in(page, town, "camille")
        page.wait_for_url(town.url + "/alarms")
        context.close()
    users = [one for one in town.services.store.people.users() if "camille" in one.name]
    assert [(one.name, one.role, one.password_hash) for one in users] == [
        ("camille de la mairie", "operator", "")
    ]


@pytest.mark.browser
def test_who_has_no_role_here_stays_outside(town: World, browser: Browser, oidc: None) -> None:
    context = context_of(browser, None, "fr", phone=False)
    page = context.new_page()
    signs_in(page, town, "alex")
    page.wait_for_selector("[role=alert]")
    assert "ne vous donne aucun rôle" in page.inner_text("[role=alert]")
    assert not any("alex" in one.name for one in town.services.store.people.users())
    context.close()


def test_the_way_there_is_bound_and_the_way_back_needs_it(
    town: World, provider: str, oidc: None
) -> None:
    with httpx.Client(base_url=town.url, headers={"accept": "text/html"}) as browser:
        gone = browser.get("/sign-in/oidc?next=//evil.example")
        assert gone.status_code == 303
        assert gone.headers["location"].startswith(provider + "/auth?")
        assert "code_challenge_method=S256" in gone.headers["location"]
        assert re.search(r"beffroi_oidc=.*HttpOnly", gone.headers["set-cookie"])
        for query in ("", "?code=x&state=y", "?error=access_denied&state=y", "?state="):
            answer = browser.get(BACK + query)
            assert answer.status_code == 403
            assert "beffroi_session" not in answer.headers.get("set-cookie", "")
    town.app.state.oidc = None
    assert httpx.get(town.url + "/sign-in/oidc").status_code == 404
