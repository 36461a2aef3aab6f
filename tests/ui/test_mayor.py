"""The mayor's story in a browser: from an alarm to a decision to the file, verified offline."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from pathlib import Path

import pypdf
import pytest
from playwright.sync_api import Browser, Page
from tests.ui.conftest import context_of
from tests.ui.test_pages import looks
from tests.ui.test_reports import shot
from tests.ui.world import World

from beffroi.hub.dossier.mayor import bare
from beffroi.hub.dossier.proofs import NAME


def open_page(town: World, browser: Browser, state: dict[str, object]) -> Page:
    page = context_of(browser, state, "fr", phone=False).new_page()
    page.set_default_timeout(60_000)
    return page


@pytest.mark.browser
def test_from_an_alarm_to_a_decision_to_the_file(
    town: World, browser: Browser, signed_in: dict[str, object], tmp_path: Path
) -> None:
    page = open_page(town, browser, signed_in)
    page.goto(f"{town.url}/maire")
    before = int(page.locator(".desk-figure").inner_text())
    assert before == len(bare(town.services.desk.open())) > 0
    shot(page, "mayor-1-waiting")
    link = page.locator("section[aria-labelledby=decide-title] a").first
    alarm = (link.get_attribute("href") or "").rpartition("/")[2]
    link.click()
    page.check("input[name=kind][value=treat]")
    page.fill("#owner", "La directrice technique")
    page.fill("#deadline", "2027-03-01")
    page.click("text=Enregistrer la décision")
    page.goto(f"{town.url}/maire")
    assert int(page.locator(".desk-figure").inner_text()) == before - 1
    assert "La directrice technique" in page.content()
    shot(page, "mayor-2-decided")
    pdf = made(page, town, "sealed")
    text = " ".join(p.extract_text() for p in pypdf.PdfReader(io.BytesIO(pdf)).pages)
    assert alarm in text
    assert "La directrice technique" in " ".join(text.split())
    proofs = tmp_path / NAME
    proofs.write_bytes(pypdf.PdfReader(io.BytesIO(pdf)).attachments[NAME][0])
    told = verified(proofs)
    assert told.returncode == 0, told.stdout + told.stderr
    assert "décision sur une alarme" in told.stdout
    data = bytearray(proofs.read_bytes())
    data[len(data) // 2] ^= 1
    proofs.write_bytes(data)
    assert verified(proofs).returncode == 1
    page.context.close()


def made(page: Page, town: World, edition: str) -> bytes:
    """Through the page, as the mayor's clerk does it."""
    page.goto(f"{town.url}/dossier")
    page.check(f"input[name=edition][value={edition}]")
    page.click("form[action='/dossier'] button")
    ready = page.locator("#made a.button").first
    ready.wait_for()  # the page looks again by itself
    shot(page, "mayor-3-file")
    answer = page.request.get(town.url + str(ready.get_attribute("href")))
    assert answer.headers["content-type"] == "application/pdf"
    return answer.body()


def verified(path: Path) -> subprocess.CompletedProcess[str]:
    """By the command, in a process that knows no home and no hub."""
    command = [sys.executable, "-m", "beffroi", "verify", str(path)]
    env = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(path.parent)}
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=60)


@pytest.mark.browser
def test_an_exercise_from_opening_to_lessons(
    town: World, browser: Browser, signed_in: dict[str, object]
) -> None:
    page = open_page(town, browser, signed_in)
    page.goto(f"{town.url}/incidents")
    page.select_option("#sheet", "ransomware")
    page.fill("#title", "Rançongiciel <b>au</b> secrétariat")
    page.check("input[name=exercise]")
    page.click("text=Ouvrir l’incident >> nth=-1")
    assert "EXERCICE" in page.locator(".exercise-band").inner_text()
    assert "<b>" in page.locator("h1").inner_text()
    page.fill("#text", "Réseau débranché")
    page.click("text=Noter cette étape")
    page.select_option("#addressee", "cnil")
    page.click("text=Noter cette information")
    assert "tenu" in page.locator("tr.clock-done").first.inner_text()
    page.locator("details.draft summary").first.click()
    assert "EXERCICE – EXERCICE" in page.locator("details.draft pre").first.inner_text()
    shot(page, "incident")
    assert looks(page, night=True) == []
    page.fill("#lessons", "Isoler les sauvegardes")
    page.click("text=Clore l’incident")
    assert "clos le" in page.locator("header .hint").inner_text()
    page.context.close()


@pytest.mark.browser
def test_a_page_that_is_too_old_changes_nothing(
    town: World, browser: Browser, signed_in: dict[str, object]
) -> None:
    """Forms without the session's token are refused (CSRF), on every route of these pages."""
    page = open_page(town, browser, signed_in)
    page.goto(f"{town.url}/incidents")
    office = town.services.office
    assert office is not None
    before = len(office.stores.registers.records())
    for path in ("/incidents", "/incidents/x/step", "/dossier", "/registers/risk",
                 "/registers/risk/x/erase"):  # fmt: skip
        answer = page.request.post(
            town.url + path, form={"csrf": "false"}, headers={"origin": town.url}
        )
        assert answer.status == 403, path
    time.sleep(0.1)
    assert len(office.stores.registers.records()) == before
    page.context.close()
