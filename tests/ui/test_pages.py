"""Every page in a real browser: accessible, in both languages, on a phone, by keyboard, inert."""

from __future__ import annotations

from dataclasses import replace

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from tests.ui.conftest import context_of
from tests.ui.world import NAME, PASSPHRASE, World

from beffroi.hub.incidents.desk import Opening
from beffroi.model.asset import Asset, Device
from beffroi.model.finding import Finding, Severity
from beffroi.model.reading import Quarantined
from beffroi.ports.store import Batch

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
OPTIONS = {
    "runOnly": {"type": "tag", "values": TAGS},
    "resultTypes": ["violations"],
    "preload": {"assets": ["media"]},  # no rule of these tags asks for the styles a second time
}
AXE = Axe().axe_script
DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
PARTS = 4  # a busy machine needs minutes for all pages: each part has its own time
XSS = "<img src=x onerror=document.title='pwned'>"


def paths(town: World) -> list[str]:
    services = town.services
    alarm = next(a for a in services.desk.open() if a.severity is Severity.GRAVE)
    device = services.store.assets.devices(limit=1)[0].id
    domain = next(iter(services.domains.values()))
    kind = next(iter(domain.kinds))
    return [
        "/",
        f"/?asset={alarm.asset}",
        "/list",
        f"/assets/{alarm.asset}",
        "/alarms",
        "/alarms?view=closed",
        f"/alarms/{alarm.id}",
        "/devices",
        f"/devices/{device}",
        "/add",
        f"/add/place?kind={domain.name}/{kind}",
        f"/add/device?asset={alarm.asset}",
        f"/add/wait/{device}",
        "/data",
        "/data/sources",
        "/data/open",
        "/open-data",
        "/consultations",
        "/town-hall/consultations",
        "/ideas",
        "/experiments",
        "/town-hall/experiments",
        "/town-hall/experiments/new",
        "/people/delegations",
        "/people/policies",
        "/delegated",
        "/town-hall/experiments/new?measure=lighting/luminaire/night_kWh",
        "/maire",
        "/incidents",
        f"/incidents?alarm={alarm.id}",
        f"/incidents/{incident_of(town)}",
        "/dossier",
        "/registers/situation",
        "/registers/request",
        f"/assets/{alarm.asset}/extract",
        "/indicators",
        "/indicators/L3",
        "/maturity",
        "/compare",
        "/results",
        "/results/W1",
        "/reports",
        "/reports?view=over",
        "/signaler",
        "/signaler?map=1",
        "/signalements",
        "/people",
        "/account",
        "/privacy",
        "/privacy/accesses",
        "/privacy/record",
        "/no-such",
        "/commands",
        "/commands?view=final",
        *(f"/commands/{ident}" for ident in town.ids.values()),
        "/assets/valve-1",
        "/act/board-001",
        "/act/valve-1?action=set&p_pressure_mbar=3,05",
        "/act/valve-1?action=set&p_pressure_mbar=4,5",
        "/plans",
        "/plans/new?kind=schedule",
        "/plans/eclairage-reduit",
        "/plans/eclairage-reduit/edit",
        "/guards",
        "/alerts",
        "/trust",
        "/trust/cabinet-0001",
        "/evidence",
        "/code/ABC123",
    ]


def incident_of(town: World) -> str:
    """An exercise that is open, made once."""
    office = town.services.office
    assert office is not None
    known = office.incidents.all()
    if not known:
        office.registers.declare("request", next(iter(town.services.domains)), REQUEST, "u")
        return office.incidents.open(Opening("data-theft", "Essai", exercise=True), "u").id
    return known[-1].id


REQUEST = {
    "what": "Deux automates",
    "amount_eur": "12400",
    "answer": "refused",
    "day": "2026-03-02",
    "deliberation": "2026-14",
}


def violations(page: Page, options: dict[str, object] = OPTIONS) -> list[str]:
    if page.evaluate("typeof axe === 'undefined'"):  # once for each page that was opened
        page.evaluate(AXE)
    found = page.evaluate("async options => (await axe.run(document, options)).violations", options)
    return [f"{v['id']}: {n['html'][:150]}" for v in found for n in v["nodes"]]


def looks(page: Page, *, night: bool) -> list[str]:
    """What is wrong with the open page at the desk, on a phone, and on a phone at night."""
    failed = []
    views = [(DESK, "light", OPTIONS), (PHONE, "light", OPTIONS)]
    if night:
        views.append((PHONE, "dark", {"runOnly": ["color-contrast"]}))
    for size, scheme, options in views:
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme)
        failed += [f"{size['width']} {scheme} {line}" for line in violations(page, options)]
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        failed += [f"{size['width']} scrolls {wide} px sideways"] if wide > 0 else []
    return failed


@pytest.mark.browser
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("lang", ["fr", "en"])
def test_every_page_is_accessible(
    town: World, browser: Browser, signed_in: dict[str, object], lang: str, part: int
) -> None:
    context = context_of(browser, signed_in, lang, phone=False)
    page = context.new_page()
    failed: list[str] = []
    page.on("pageerror", lambda error: failed.append(f"script: {error}"))
    for path in paths(town)[part::PARTS]:
        page.set_viewport_size(DESK)
        page.goto(town.url + path)
        if "?asset=" in path and path.startswith("/?"):
            page.wait_for_selector("#card:not([hidden])")
        assert page.locator("html").get_attribute("lang") == lang
        failed += [f"{path} {line}" for line in looks(page, night=lang == "fr")]
    context.close()
    assert failed == []


@pytest.mark.browser
def test_what_is_wrong_is_found_page_after_page(browser: Browser) -> None:
    page = browser.new_page()
    for wrong in ("<img src=x>", "<p style='color: #999; background: #aaa'>pale</p>", "<input>"):
        page.set_content(f"<html lang=fr><title>x</title><main>{wrong}</main></html>")
        assert len(violations(page)) == 1, wrong
        assert violations(page)  # and once more on the same page
    page.close()


@pytest.mark.browser
@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
@pytest.mark.parametrize("lang", ["fr", "en"])
def test_the_doors_are_accessible(town: World, browser: Browser, lang: str, phone: bool) -> None:
    context = context_of(browser, None, lang, phone)
    page = context.new_page()
    page.goto(town.url + "/")
    assert "/sign-in" in page.url  # closed by default
    assert violations(page) == []
    for path in ("/welcome/any", "/invitation/any"):
        page.goto(town.url + path)
        assert page.locator("#passphrase").count() == 1
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


def tab_to(page: Page, name: str) -> None:
    """With the Tab key alone, to the link, button or field of this name."""
    seen = "(e => e.labels?.[0]?.textContent || e.ariaLabel || e.textContent || '')"
    for _ in range(80):
        page.keyboard.press("Tab")
        if name in page.evaluate(f"{seen}(document.activeElement)"):
            return
    pytest.fail(f"{name!r} cannot be reached with the keyboard")


@pytest.mark.browser
def test_the_keyboard_is_enough_from_the_door_to_a_decision(
    town: World, browser: Browser, signed_in: dict[str, object]
) -> None:
    grave = next(a for a in town.services.desk.open() if a.severity is Severity.GRAVE)
    asset = town.services.store.assets.asset(grave.asset)
    assert asset is not None
    context = context_of(browser, None, "fr", phone=False)
    page = context.new_page()
    page.goto(town.url + "/")
    page.keyboard.type(NAME)  # the first field has the focus
    page.keyboard.press("Tab")
    page.keyboard.type(PASSPHRASE)
    page.keyboard.press("Enter")
    page.wait_for_selector("#look button")
    tab_to(page, asset.name[:30])
    page.keyboard.press("Enter")
    page.wait_for_selector("#card:not([hidden])")
    assert page.evaluate("document.activeElement.id") == "card"
    tab_to(page, "Historique et détails")
    page.keyboard.press("Enter")
    page.wait_for_selector("#chart canvas")
    page.goto(f"{town.url}/alarms/{grave.id}")
    tab_to(page, "Traiter")
    page.keyboard.press("Space")
    tab_to(page, "Jusqu’à quel jour")
    page.evaluate("document.activeElement.value = '2027-06-30'")  # its parts follow the locale
    tab_to(page, "Enregistrer la décision")
    page.keyboard.press("Enter")
    page.wait_for_selector(".story-decided")
    stored = town.services.store.alarms.alarm(grave.id)
    assert stored is not None
    assert stored.decision is not None
    assert (stored.decision.kind, stored.decision.owner) == ("treat", NAME)
    context.close()


@pytest.mark.browser
def test_hostile_names_stay_text(
    town: World, browser: Browser, signed_in: dict[str, object]
) -> None:
    services = town.services
    find = services.store.assets.asset  # the hub's own alarms have none
    alarm = [one for one in services.desk.open() if find(one.asset)][-1]
    asset = find(alarm.asset)
    assert asset is not None
    services.store.assets.put_assets([replace(asset, name=XSS)])
    services.store.assets.put_devices([Device("evil", asset.id, maker=XSS, firmware=XSS)])
    services.desk.act(alarm.id, "comment", "u-1", services.clock.now_ms(), text=XSS)
    bad = Quarantined(services.clock.now_ms(), "mqtt", XSS, XSS, XSS, XSS.encode())
    services.store.readings.commit(Batch(quarantined=[bad]))
    context = context_of(browser, signed_in, "fr", phone=False)
    page = context.new_page()
    for path in (
        f"/?asset={asset.id}",
        "/list",
        f"/assets/{asset.id}",
        f"/assets/{asset.id}/card",
        "/alarms",
        f"/alarms/{alarm.id}",
        "/devices",
        "/devices/evil",
        "/data",
        "/add",
    ):
        page.goto(town.url + path)
        page.wait_for_timeout(300)
        assert page.title() != "pwned"
        assert page.locator("img[src=x]").count() == 0
    page.goto(f"{town.url}/assets/{asset.id}")
    assert XSS in page.locator("h1").inner_text()
    services.store.assets.put_assets([asset])
    context.close()


@pytest.mark.browser
def test_the_map_draws_and_follows_the_town(
    town: World, browser: Browser, signed_in: dict[str, object]
) -> None:
    context = context_of(browser, signed_in, "fr", phone=False)
    page = context.new_page()
    page.goto(town.url + "/")
    page.wait_for_selector("#map[data-ready]", timeout=30_000)
    assert page.evaluate("beffroiMap.queryRenderedFeatures({layers: ['assets']}).length") > 20
    calm = next(a for a in town.services.store.assets.assets() if calm_and_watched(town, a))
    count = page.locator('[data-count="grave"]')
    before = int(count.inner_text())
    rule = next(
        r for r in town.services.domains[calm.domain].rules.values() if r.severity is Severity.GRAVE
    )
    raise_alarm(town, Finding(rule.id, calm.id, True, town.services.clock.now_ms()))
    expect(count).to_have_text(str(before + 1), timeout=10_000)  # without reloading
    context.close()


def calm_and_watched(town: World, asset: Asset) -> bool:
    """Without an alarm, in a domain that has a grave rule."""
    rules = town.services.domains[asset.domain].rules.values()
    troubled = {alarm.asset for alarm in town.services.desk.open()}
    return asset.id not in troubled and any(r.severity is Severity.GRAVE for r in rules)


def raise_alarm(town: World, finding: Finding) -> None:
    services = town.services
    asset = services.store.assets.asset(finding.asset)
    assert asset is not None
    with services.desk.lock:
        changes = services.desk.findings([finding], {asset.id: asset}, finding.at_ms)
        services.store.readings.commit(Batch(alarms=changes))
        services.desk.settle(changes)
