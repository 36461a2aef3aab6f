"""An inhabitant's story in a browser of the size of a telephone, without and with scripts."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page
from tests.ui.conftest import context_of
from tests.ui.test_pages import violations
from tests.ui.world import World

from beffroi.api.report_gate import Gate
from beffroi.model.report import Report
from beffroi.ports.reports import Wanted

STILL = ".skip { display: none } .rail, .rail nav { position: static }"  # for tall pictures
XSS = "<img src=x onerror=document.title='pwned'>"


def shot(page: Page, name: str) -> None:
    """Kept when BEFFROI_SHOTS names a folder."""
    folder = os.environ.get("BEFFROI_SHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True, style=STILL)


def newest(town: World) -> Report:
    assert town.services.reports is not None
    return town.services.reports.store.reports(Wanted(limit=1))[0]


def photo() -> bytes:
    out = io.BytesIO()
    Image.effect_noise((1_200, 900), 60).convert("RGB").save(out, "JPEG")
    return out.getvalue()


def calm(page: Page, failed: list[str], where: str) -> None:
    """Accessible, and not wider than the screen."""
    failed += [f"{where} {line}" for line in violations(page)]
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    failed += [f"{where} scrolls {wide} px sideways"] if wide > 0 else []


@pytest.mark.browser
@pytest.mark.parametrize("lang", ["fr", "en"])
def test_from_the_telephone_to_the_answer(
    town: World, browser: Browser, signed_in: dict[str, object], lang: str
) -> None:
    town.app.state.report_gate = Gate(each=1_000, of_all=1_000, before_question=999, form_s_min=0)
    lamp = next(a for a in town.services.store.assets.assets() if a.kind == "luminaire")
    failed: list[str] = []
    outside = browser.new_context(
        viewport={"width": 390, "height": 844},
        locale="fr-FR" if lang == "fr" else "en-GB",
        java_script_enabled=lang == "en",  # in French without scripts, in English with them
    )
    page = outside.new_page()
    page.goto(town.url + "/signaler")
    shot(page, f"report-1-where-{lang}")
    page.select_option("#topic", "wires")
    page.fill("#where", lamp.name)
    page.click("main form:has(#where) button.primary")
    page.wait_for_selector("#text")
    page.fill("#text", f"Fils nus au pied du mât {XSS}, chez Jeanne")
    page.set_input_files("#photo", {"name": XSS, "mimeType": "image/jpeg", "buffer": photo()})
    page.fill("#email", "jeanne@example.fr")
    shot(page, f"report-2-details-{lang}")
    page.click("form[enctype] button.primary")
    page.wait_for_url("**/suivi/*")
    follow = page.url.partition("?")[0]
    shot(page, f"report-3-sent-{lang}")
    assert "Jeanne" not in page.content()
    report = newest(town)
    assert report.asset == lamp.id

    inside = context_of(browser, signed_in, lang, phone=False)
    desk = inside.new_page()
    desk.goto(f"{town.url}/reports")
    shot(desk, f"report-4-desk-{lang}")
    calm(desk, failed, "/reports")
    desk.goto(f"{town.url}/reports/{report.id}")
    assert desk.title() != "pwned"
    assert XSS in desk.inner_text("main")
    shot(desk, f"report-5-page-{lang}")
    calm(desk, failed, "/reports/x")
    desk.set_viewport_size({"width": 390, "height": 844})
    calm(desk, failed, "/reports/x on a telephone")
    shot(desk, f"report-5-page-phone-{lang}")
    desk.fill("#publish-text", "Fils apparents au pied du mât")
    desk.check("#publish-photo")
    desk.click("form[action$='/accept'] button")
    desk.fill("#publish-text", "Fils apparents au pied du mât")
    desk.check("#publish-photo")
    desk.click("form[action$='/publish'] button")
    desk.fill("#safe-text", "Barrière posée, courant coupé")
    desk.click("form[action$='/safe'] button")
    desk.fill("#answer-text", "C’est en sécurité ; réparation mardi.")
    desk.click("form[action$='/answer'] button.primary")
    desk.wait_for_selector(".story-answer")
    shot(desk, f"report-6-answered-{lang}")
    inside.close()

    page.goto(follow)
    assert "réparation mardi" in page.inner_text("main")
    shot(page, f"report-7-followed-{lang}")
    outside.close()
    assert newest(town).safe_ms > 0
    assert town.letters[-1].kind == "report.answer"

    public = browser.new_context(viewport={"width": 390, "height": 844}, locale=f"{lang}-XX")
    page = public.new_page()
    page.on("pageerror", lambda error: failed.append(f"script: {error}"))
    for path in (
        "/signaler", "/signaler?map=1", f"/signaler/details?topic=wires&where={lamp.name}",
        "/signaler/details?topic=hole&where=nulle+part", "/signalements",
        f"/signalements/{report.id}", follow.removeprefix(town.url),
    ):  # fmt: skip
        page.goto(town.url + path)
        calm(page, failed, path)
        if "map" in path:
            page.wait_for_selector("#place[data-ready]")
        shot(
            page,
            f"report-8-{path.strip('/').split('?')[0].replace('/', '-')[:20]}-{len(path)}-{lang}",
        )
    public.close()
    assert failed == []


@pytest.mark.browser
def test_the_form_is_light(town: World, browser: Browser) -> None:
    """Everything that a telephone loads, without the map: below 100 kB."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="fr-FR")
    page = context.new_page()
    bodies: list[int] = []
    page.on("response", lambda answer: bodies.append(len(answer.body())))
    lamp = next(a for a in town.services.store.assets.assets() if a.kind == "luminaire")
    for path in ("/signaler", f"/signaler/details?topic=lamp&where={lamp.name}"):
        bodies.clear()
        page.goto(town.url + path)
        page.wait_for_load_state("networkidle")
        assert len(bodies) >= 3
        assert sum(bodies) < 100_000, (path, sum(bodies), len(bodies))
    context.close()
