"""The story of an idea: from an inhabitant's telephone to a measured result that anybody checks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser
from tests.ui.conftest import context_of
from tests.ui.test_reports import calm, newest, shot
from tests.ui.world import World
from typer.testing import CliRunner

from beffroi.api import experiment_views
from beffroi.api.report_gate import Gate
from beffroi.cli.experiment import app
from beffroi.evidence.entry import read_entry
from beffroi.hub.experiments import paper
from beffroi.hub.experiments.desk import Experiments
from beffroi.hub.reports.lifecycle import ReportAct
from beffroi.lab.twin import LabTwin
from beffroi.model.reading import Row
from beffroi.ports.store import Batch, SeriesKey

DAY_MS = 86_400_000
XSS = "<img src=x onerror=document.title='pwned'>"


class Later:
    """The town's clock, some days ahead: a pilot takes four weeks."""

    def __init__(self, clock: Any) -> None:
        self._clock, self.days = clock, 0

    def now_ms(self) -> int:
        return int(self._clock.now_ms()) + self.days * DAY_MS


@pytest.fixture
def later(town: World) -> Later:
    made = Later(town.services.clock)
    desk = experiment_views.made(town.services)
    assert desk is not None
    office = town.services.office
    assert office is not None
    town.app.state.experiments = Experiments(
        office.registers, town.services.store, made, desk._published
    )
    town.app.state.twin = LabTwin()
    town.app.state.report_gate = Gate(each=1_000, of_all=1_000, before_question=999, form_s_min=0)
    return made


def street_lives(town: World, start: date, change: float) -> None:
    """What the lamps' meters say in the nights that the lab has not lived: like those it has; the
    pilot's are dimmed from its first day on."""
    store = town.services.store
    first = int(datetime(start.year, start.month, start.day, tzinfo=UTC).timestamp() * 1000)
    rows = []
    for n, asset in enumerate(a for a in store.assets.assets() if a.kind == "luminaire"):
        series = store.readings.series_ids([SeriesKey(asset.id, "", "night_kWh")])[0]
        known = [
            hour
            for key, ident in store.readings.series_of([asset.id]).items()
            if key.prop == "night_kWh"
            for hour in store.readings.hours(ident, first - 28 * DAY_MS, first)
        ]
        usual = sum(hour.total for hour in known) / sum(hour.n for hour in known) if known else 0.4
        lived = {hour.start_ms // DAY_MS for hour in known}
        for k in range(-28, 28):
            at = first + k * DAY_MS + 5 * 3_600_000
            if at // DAY_MS in lived:
                continue
            lower = change if asset.zone == PILOT and k >= 0 else 0.0
            value = usual * (1 + 0.02 * ((3 * k + n) % 7 - 3)) * (1 + lower)
            rows.append(Row(series, at, value, 0, at))
    store.readings.commit(Batch(rows=rows))


PILOT = ""


@pytest.mark.browser
def test_from_an_idea_to_a_measured_result(
    town: World,
    browser: Browser,
    signed_in: dict[str, object],
    later: Later,
    tmp_path: Path,
) -> None:
    global PILOT
    failed: list[str] = []
    outside = browser.new_context(
        viewport={"width": 390, "height": 844}, locale="fr-FR", java_script_enabled=False
    )
    page = outside.new_page()
    page.set_default_timeout(10_000)
    page.goto(town.url + "/ideas")
    page.click("text=Proposer une idée")
    page.fill("#where", "Place de la Mairie")
    page.click("main form:has(#where) button.primary")
    page.fill("#text", f"Baisser les lampes de ma rue après minuit {XSS}")
    page.check("input[name=spot] >> nth=-1")
    page.click("form[enctype] button.primary")
    assert "/suivi/" in page.url
    idea = newest(town)
    assert idea.topic == "idea"
    assert idea.id not in httpx.get(town.url + "/ideas").text  # nobody has read it yet

    inside = context_of(browser, signed_in, "fr", phone=False)
    desk = inside.new_page()
    moderated(town, idea.id, "Baisser les lampes de la rue après minuit")
    page.goto(town.url + "/ideas")
    page.click("text=Je soutiens cette idée")
    page.goto(town.url + "/ideas")
    assert "1 autre personne la soutient" in page.inner_text("main")
    shot(page, "idea-1-list")

    zones = sorted({a.zone for a in town.services.store.assets.assets() if a.kind == "luminaire"})
    PILOT = zones[0]
    today = datetime.now(UTC).date()
    start, end = today + timedelta(days=2), today + timedelta(days=29)
    desk.goto(
        f"{town.url}/town-hall/experiments/new?measure=lighting/luminaire/night_kWh&idea={idea.id}"
    )
    desk.fill("#title", "Abaisser la rue après minuit")
    desk.fill("#why", "Moins d’énergie, sans plainte de plus.")
    desk.fill("#target", "-20")
    desk.fill("#start", start.isoformat())
    desk.fill("#end", end.isoformat())
    for n, zone in enumerate(zones):
        field = desk.locator("fieldset", has=desk.locator(f"legend:has-text({zone!r})")).first
        field.locator(f"input[value={'pilot' if n == 0 else 'control'}]").check()
    desk.select_option("#twin", "dimming")
    desk.click("text=Simuler seulement")
    assert "Simulé, non mesuré" in desk.inner_text("main")
    calm(desk, failed, "form")
    shot(desk, "idea-2-form")
    desk.click("text=Enregistrer le brouillon")
    ident = desk.url.rpartition("/")[2]
    assert httpx.get(f"{town.url}/experiments/{ident}").status_code == 404  # a draft is not public
    desk.click("text=Sceller la promesse")
    desk.wait_for_selector("text=Mesurer et publier")
    assert httpx.get(f"{town.url}/experiments/{ident}").status_code == 200
    desk.click("text=Mesurer et publier")
    assert desk.locator("[role=alert]").count() == 1  # its last day is not over

    street_lives(town, start, -0.3)
    later.days = 31
    desk.click("text=Mesurer et publier")
    assert "Objectif atteint" in desk.inner_text("main")
    page.goto(f"{town.url}/experiments/{ident}")
    assert "Objectif atteint" in page.inner_text("main")
    shot(page, "idea-3-result-phone")
    for lang in ("fr", "en"):
        seen = context_of(browser, None, lang, phone=lang == "fr")
        sight = seen.new_page()
        for path in ("/ideas", "/experiments", f"/experiments/{ident}"):
            sight.goto(town.url + path)
            calm(sight, failed, f"{lang} {path}")
            assert sight.locator("img[src=x]").count() == 0
        shot(sight, f"idea-4-result-{lang}")
        seen.close()
    assert failed == []

    one = town.app.state.experiments.one(ident)
    entry = read_entry(town.dispatch.book.log.entry(one.registered))
    assert entry.subject == paper.digest(one.plan_text)
    file = tmp_path / f"{ident}.json"
    file.write_bytes(httpx.get(f"{town.url}/experiments/{ident}/file.json").content)
    answer = CliRunner().invoke(app, ["verify", str(file)])
    assert answer.exit_code == 0, answer.output
    assert entry.subject.hex() in answer.output
    outside.close()
    inside.close()


def moderated(town: World, ident: str, text: str) -> None:
    """As the town hall's page does it."""
    now_ms = town.services.clock.now_ms()
    assert town.services.reports is not None
    for action in ("accept", "publish"):
        town.services.reports.act(ident, ReportAct(action, "u-1", now_ms, text=text))
