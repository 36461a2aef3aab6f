"""One served town and one browser for all tests of the interface."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright
from tests.ui.orders import seed_commands
from tests.ui.shots import ARGS
from tests.ui.world import NAME, PASSPHRASE, World, world

STATE: dict[str, object] = {}
# A busy machine is not a failing page: other workers and their processes share the cores.
expect.set_options(timeout=20_000)
WAIT_MS_MAX = 90_000


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home: Path = tmp_path_factory.mktemp("town")
    with world(home, commands=True) as made:
        made.ids = seed_commands(made)
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """For one module: while it is open, its event loop keeps asynchronous tests from running."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with sync_playwright() as tool:
        opened = tool.chromium.launch(executable_path=program, args=ARGS)
        patient(opened)
        yield opened
        opened.close()


def patient(browser: Browser) -> None:
    """Every context of it waits longer than the 30 s that are usual."""
    made = browser.new_context

    def new_context(**options: Any) -> BrowserContext:
        context = made(**options)
        context.set_default_timeout(WAIT_MS_MAX)
        return context

    browser.new_context = new_context  # type: ignore[method-assign]


@pytest.fixture(scope="module")
def signed_in(town: World, browser: Browser) -> dict[str, object]:
    """Cookies of the first administrator, made through the one-time link in the browser, once."""
    if not STATE:
        context = browser.new_context(locale="fr-FR")
        page = context.new_page()
        page.goto(town.url + town.first)
        page.fill("#name", NAME)
        page.fill("#passphrase", PASSPHRASE)
        page.keyboard.press("Enter")
        page.wait_for_url(town.url + "/")
        STATE.update(context.storage_state())
        context.close()
    return STATE


def context_of(
    browser: Browser, state: dict[str, object] | None, lang: str, phone: bool
) -> BrowserContext:
    return browser.new_context(
        viewport={"width": 390, "height": 844} if phone else {"width": 1440, "height": 900},
        storage_state=state,  # type: ignore[arg-type]
        locale="fr-FR" if lang == "fr" else "en-GB",
        reduced_motion="reduce",
    )
