"""Forms in a real browser, to the end of what they promise: a LoRaWAN sensor from nothing to its
first reading, a table imported, a passphrase changed; and an account nobody can sign in to.
"""

from __future__ import annotations

import base64
import json
import re
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.ui.conftest import context_of
from tests.ui.world import World
from tests.worlds.test_lorawan import TPS110

from beffroi.api import accounts
from beffroi.api.problems import Refusal
from beffroi.api.tries import Tries
from beffroi.hub.links import webhooks
from beffroi.lab.people import TECHNICIAN
from beffroi.model.asset import Asset, Device
from beffroi.ports.store import SeriesKey, User

pytestmark = pytest.mark.browser
EUI = "70B3D57ED00000F1"
OLD, NEW = "trois mots pas assez", "cinq mots sans aucun rapport"


@pytest.fixture
def page(town: World, browser: Browser, signed_in: dict[str, object]) -> Iterator[Page]:
    context = context_of(browser, signed_in, "fr", phone=False)
    yield context.new_page()
    context.close()


def uplink(town: World, path: str, secret: str) -> int:
    """As ChirpStack posts it: the vendor's bytes of "occupied" on port 1."""
    body = {
        "time": None,
        "deviceInfo": {"devEui": EUI.lower(), "deviceName": "bay"},
        "fPort": 1,
        "data": base64.b64encode(b"\x01").decode(),
    }
    request = urllib.request.Request(  # noqa: S310
        f"{town.url}{path}?event=up",
        json.dumps(body).encode(),
        {"Authorization": secret, "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
        return int(answer.status)


def test_a_lorawan_sensor_from_nothing_to_its_first_reading(town: World, page: Page) -> None:
    bay = Asset("bay-forms", "parking", "bay", "Place des formulaires", 5.36, 43.76)
    town.services.store.assets.put_assets([bay])
    page.goto(town.url + "/data/sources")
    page.fill("#source-name", "reseau-essai")
    page.locator("form[action='/data/webhooks'] button[type=submit]").click()
    fresh = page.locator("section[aria-labelledby=fresh-title]")
    expect(fresh).to_be_visible()
    secret = fresh.locator("#secret").inner_text().removeprefix("Authorization: ")
    path = re.sub(r"^.*?(/links/)", r"\1", fresh.locator("code").first.inner_text())
    page.reload()
    expect(page.locator("#secret")).to_have_count(0)  # shown once

    page.goto(town.url + "/data/sources")
    page.fill("#codec-name", "Essai TPS110")
    page.fill("#source", "function decodeUplink(input) { return")
    page.locator("form[action='/data/codecs'] button[type=submit]").click()
    expect(page.locator("[role=alert]").first).to_be_visible()  # tried before it is allowed
    page.fill("#source", TPS110)
    page.locator("form[action='/data/codecs'] button[type=submit]").click()
    expect(page.locator("strong", has_text="Essai TPS110")).to_be_visible()

    page.goto(f"{town.url}/add/device?asset={bay.id}")
    page.fill("#id", "capteur-essai")
    page.select_option("#model", "bosch-tps110")
    page.check("input[name=way][value=lorawan]")
    network = webhooks.sources(town.services.store.people)["reseau-essai"].device
    page.select_option("#network", network)
    page.fill("#dev_eui", EUI)
    page.select_option("#codec", label="Essai TPS110")
    page.locator("form#who button[type=submit]").click()
    page.wait_for_url("**/add/wait/capteur-essai")
    expect(page.locator("#arrival [data-arrived]")).to_have_count(0)
    assert uplink(town, path, secret) == 202
    expect(page.locator("#arrival [data-arrived]")).to_be_visible(timeout=30_000)
    device = town.services.store.assets.device("capteur-essai")
    assert device is not None
    assert device.dev_eui.upper() == EUI


def test_a_table_is_imported_and_a_wrong_map_is_explained(
    town: World, page: Page, tmp_path: Path
) -> None:
    town.services.store.assets.put_assets(
        [Asset("tank-forms", "water", "tank", "Réservoir des formulaires", 5.36, 43.76)]
    )
    town.services.store.assets.put_devices(
        [Device("table-forms", "tank-forms", points={"level": ("tank-forms", "level_m")})]
    )
    day = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86_400))
    table, good, bad = tmp_path / "t.csv", tmp_path / "m.toml", tmp_path / "x.toml"
    table.write_text(f"time;level\n{day}T10:00:00Z;2,5\n{day}T11:00:00Z;2,6\n")
    good.write_text(MAP)
    bad.write_text("nonsense = 1\n" + MAP)
    for mapping in (bad, good):
        page.goto(town.url + "/data/sources")
        page.set_input_files("#table", str(table))
        page.set_input_files("#mapping", str(mapping))
        page.locator("form[action='/data/import'] button[type=submit]").click()
        if mapping is bad:
            expect(page.locator("[role=alert]").first).to_contain_text("nonsense")
    expect(page.locator("[role=status]").first).to_contain_text("2")
    store, key = town.services.store, SeriesKey("tank-forms", "table-forms", "level_m")
    for _ in range(300):
        known = store.readings.series_of(["tank-forms"])
        if key in known and len(store.readings.points(known[key], 0, 2**62).value) == 2:
            break
        time.sleep(0.1)
    assert key in known, [row for _, row in store.readings.quarantine(5)]
    assert store.readings.points(known[key], 0, 2**62).value.tolist() == [2.5, 2.6]


MAP = """
name = "forms"
gateway = "table-forms"
delimiter = ";"
decimal = ","
[time]
column = "time"
format = "iso"
[column.level]
asset = "tank-forms"
property = "level_m"
"""


def sign_in(page: Page, town: World, name: str, passphrase: str) -> None:
    page.goto(town.url + "/sign-in")
    page.fill("#name", name)
    page.fill("#passphrase", passphrase)
    page.keyboard.press("Enter")


def test_a_passphrase_changed_in_the_browser_is_the_only_one(town: World, browser: Browser) -> None:
    user = User("u-forms", "Alix Formulaire", "operator", accounts.hash_of(OLD))
    town.services.store.people.put_user(user)
    context = context_of(browser, None, "fr", phone=False)
    page = context.new_page()
    sign_in(page, town, user.name, OLD)
    page.wait_for_url(town.url + "/")
    page.goto(town.url + "/account")
    for old, new in (("pas la bonne du tout", NEW), (OLD, "court")):
        page.fill("#old", old)
        page.fill("#new", new)
        page.evaluate("document.querySelector('#new').removeAttribute('minlength')")
        page.locator("form[action='/account/passphrase'] button[type=submit]").click()
        expect(page.locator("[role=alert]").first).to_be_visible()
    page.fill("#old", OLD)
    page.fill("#new", NEW)
    page.locator("form[action='/account/passphrase'] button[type=submit]").click()
    page.wait_for_load_state()
    context.clear_cookies()
    sign_in(page, town, user.name, OLD)
    expect(page.locator("[role=alert]").first).to_be_visible()
    sign_in(page, town, user.name, NEW)
    page.wait_for_url(town.url + "/")
    context.close()


def test_the_imaginary_technician_cannot_sign_in(town: World, browser: Browser) -> None:
    """An account without a passphrase: no passphrase fits, the empty one included."""
    town.services.store.people.put_user(TECHNICIAN)
    for passphrase in ("", " ", "demo", "demo-technicien", TECHNICIAN.name):
        with pytest.raises(Refusal) as refused:
            accounts.sign_in(town.services, Tries(), TECHNICIAN.name, passphrase, "192.0.2.9")
        assert refused.value.status == 401
    context = context_of(browser, None, "fr", phone=False)
    page = context.new_page()
    sign_in(page, town, TECHNICIAN.name, "quatre mots sans lien")
    expect(page.locator("[role=alert]").first).to_be_visible()
    assert page.url.endswith("/sign-in")
    context.close()
