"""Commands in a real browser: asked in real units, signed by passkey and by file, read back.

The authenticator is Chromium's own virtual one; the guard is the real program; the signer is the
real `beffroi sign`. Browsers allow passkeys on a name only: these tests live on `localhost`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.ui.cabinet import BOARD, COMMUNE, LAMPS, MAYOR, PHRASE, VALVE
from tests.ui.conftest import context_of
from tests.ui.orders import ended, until
from tests.ui.test_pages import XSS, tab_to, violations
from tests.ui.world import NAME, PASSPHRASE, World
from typer.testing import CliRunner

from beffroi.cli import pins
from beffroi.cli.main import app
from beffroi.evidence.verify import verify
from beffroi.hub.dispatch.request import Wish
from beffroi.kernel.code import code_of
from beffroi.kernel.dsse import COMMAND, Signature, Signed, unpack
from beffroi.kernel.keys import ED25519, PASSKEY, key_id, public_of, sign
from beffroi.kernel.roster import Member
from beffroi.kernel.signers import signers
from beffroi.ports.commands import CommandRow, State

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
RUN = CliRunner()


@pytest.fixture(scope="module")
def mayor(town: World, browser: Browser, signed_in: dict[str, object]) -> Iterator[Page]:
    """Signed in at the address of passkeys, with an authenticator, and put into the roster."""
    assert signed_in
    context = browser.new_context(locale="fr-FR", viewport={"width": 1440, "height": 900})
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(town.local + "/account")
    page.fill("#name", NAME)
    page.fill("#passphrase", PASSPHRASE)
    page.keyboard.press("Enter")
    page.wait_for_url(town.local + "/account")
    session = context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    _register(town, page)
    yield page
    assert wrong == []
    context.close()


def _register(town: World, page: Page) -> None:
    """In the page; then the holders of the root put the key into the roster, and an administrator
    says whose account it is."""
    page.fill("#passkey-name", "Clé de la mairie")
    page.get_by_role("button", name="Enregistrer une clé d’accès").click()
    shown = page.locator("#passkeys li", has_text="Clé de la mairie")
    expect(shown).to_contain_text("pas encore au registre")
    assert violations(page) == []
    public = shown.locator("pre").inner_text().removeprefix("passkey ").strip()
    member = Member(PASSKEY, bytes.fromhex(public), "maire", COMMUNE, "operator", name="Maire")
    assert town.cabinets is not None
    before = town.dispatch.book.trusted.roster.version
    town.cabinets.add(member)

    def known() -> bool:
        mirror, roster = town.dispatch.book.mirror, town.dispatch.book.trusted.roster
        seen = mirror.of("armoire-mairie").values()
        fresh = all(one.status.roster_version == roster.version for one in seen)
        return roster.version > before and fresh

    until(known)
    page.goto(town.local + "/trust")
    page.get_by_label(f"Personne du registre, {NAME}").select_option("maire")
    page.get_by_role("button", name=f"Enregistrer {NAME}").click()
    page.goto(town.local + "/account")
    expect(page.locator("#passkeys")).to_contain_text(
        "au registre : elle peut signer".replace(" :", "\xa0:")
    )


def _id(page: Page) -> str:
    page.wait_for_url(re.compile(r"/commands/c-[0-9a-f]+$"))
    return page.url.rpartition("/")[2]


def _row(town: World, ident: str) -> CommandRow:
    return town.dispatch.office.command(ident)


# --- class B -------------------------------------------------------------------------------------
@pytest.mark.browser
def test_asked_in_real_units_and_signed_with_a_passkey_by_keyboard_alone(
    town: World, mayor: Page
) -> None:
    page = mayor
    page.goto(f"{town.local}/assets/{LAMPS}")
    tab_to(page, "Régler le niveau")
    page.keyboard.press("Enter")
    tab_to(page, "Niveau")
    page.keyboard.type("60")
    tab_to(page, "Durée")
    page.keyboard.type("120")
    tab_to(page, "Voir ce qu’il faut")
    page.keyboard.press("Enter")
    page.wait_for_url("**/act/**")
    expect(page.locator("h1")).to_have_text("Régler à 60 % pendant 120 min")
    expect(page.locator(".klass-line")).to_contain_text("Une personne signe")
    tab_to(page, "Demander")
    page.keyboard.press("Enter")
    ident = _id(page)
    assert _row(town, ident).state is State.AWAITING
    assert violations(page) == []
    tab_to(page, "Signer avec ma clé d’accès")
    page.keyboard.press("Enter")
    expect(page.locator(".alarm-top .severity-word")).to_have_text(
        "Faite, relue sur place", timeout=30_000
    )
    row = _row(town, ident)
    assert row.state is State.DONE  # the guard's own judge has accepted it, and read it back
    found = {one.person: one.kind for one in signers(unpack(row.wire), _roster(town))}
    assert found == {"hub": ED25519, "maire": PASSKEY}
    expect(page.locator(".people")).to_contain_text("clé d’accès")
    shown = page.locator("dl", has_text="Reçu")
    expect(shown).to_contain_text("comme demandé")
    assert violations(page) == []


def _roster(town: World) -> Any:
    return town.dispatch.book.trusted.roster


@pytest.mark.browser
def test_who_stops_at_the_authenticator_has_signed_nothing(town: World, mayor: Page) -> None:
    page = mayor
    row = town.dispatch.office.request(Wish(LAMPS, "dim", {"level_pct": 50, "minutes": 61}), "u-1")
    page.goto(f"{town.local}/commands/{row.id}")
    stop = "() => Promise.reject(new DOMException('', 'NotAllowedError'))"
    page.evaluate(f"() => {{ navigator.credentials.get = {stop}; }}")
    page.get_by_role("button", name="Signer avec ma clé d’accès").click()
    expect(page.locator("[data-passkey-says]")).to_contain_text("Rien n’a été signé")
    assert _row(town, row.id).state is State.AWAITING
    page.get_by_role("button", name="Retirer cette demande").click()
    expect(page.locator(".alarm-top .severity-word")).to_have_text("Annulée")


# --- class C -------------------------------------------------------------------------------------
@pytest.mark.browser
def test_two_persons_one_of_them_outside_these_pages(
    town: World, mayor: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert town.cabinets is not None
    monkeypatch.setenv("BEFFROI_SIGNER_HOME", str(tmp_path / "signer"))
    pins.pin(COMMUNE, town.cabinets.root)
    page = mayor
    page.goto(f"{town.local}/act/{VALVE}?action=set&p_pressure_mbar=3,05")
    expect(page.locator(".param-row")).to_contain_text("3,05")
    expect(page.locator(".checklist")).to_contain_text("syndicat-des-eaux")
    page.get_by_role("button", name="Demander").click()
    ident = _id(page)
    request = tmp_path / "demande.beffroi"
    with page.expect_download() as download:
        page.get_by_role("link", name="Télécharger la demande").click()
    download.value.save_as(request)
    mark = page.locator("#fingerprint").inner_text().replace(" ", "").replace("\n", "")
    assert len(mark) == 16
    own = _signed(town, request, "maire", tmp_path / "maire.sig", mark)
    other = _signed(town, request, "astreinte", tmp_path / "astreinte.sig", mark)

    page.get_by_role("button", name="Signer avec ma clé d’accès").click()
    expect(page.locator(".checklist li").first).to_contain_text("1/2", timeout=15_000)
    assert violations(page) == []
    _bring(page, own)  # the same person with another key
    expect(page.get_by_role("alert").first).to_have_text(
        "maire a déjà signé. Il faut une autre personne."
    )
    page.evaluate(READ_AGAIN)  # the answer stays when the page follows an event
    expect(page.get_by_role("alert").first).to_contain_text("maire a déjà signé")
    _bring(page, request)  # not a signature at all
    expect(page.get_by_role("alert").first).to_contain_text("Ce n’est pas une commande signée")
    assert _row(town, ident).state is State.AWAITING
    _bring(page, other)
    expect(page.locator(".alarm-top .severity-word")).to_have_text(
        "Faite, relue sur place", timeout=30_000
    )
    row = _row(town, ident)
    found = {one.person for one in signers(unpack(row.wire), _roster(town))}
    assert found == {"hub", "maire", "astreinte"}
    assert page.locator(".entries li").count() >= 5  # each step in the evidence log
    _evidence_holds(town, page, tmp_path / "preuves.txt")


def _signed(town: World, request: Path, who: str, to: Path, mark: str) -> Path:
    """`beffroi sign`, as the person types it. It shows the fingerprint that the page shows."""
    assert town.cabinets is not None
    words = ["--key", f"file:{town.cabinets.keys[who]}", "--out", str(to), "--lang", "fr"]
    said = RUN.invoke(app, ["sign", str(request), *words], input=f"{PHRASE}\n{VALVE}\n")
    assert said.exit_code == 0, said.output
    assert mark in said.output
    assert "Régler la pression à 3050 mbar" in said.output
    return to


READ_AGAIN = """() => new Promise(done => {
    document.addEventListener("beffroi:fresh", () => done(), {once: true});
    document.dispatchEvent(new CustomEvent("beffroi:command", {detail: {}}));
})"""


def _bring(page: Page, file: Path) -> None:
    page.focus("#file")  # as whoever chooses a file: the page is not read again meanwhile
    page.set_input_files("#file", file)
    page.get_by_role("button", name="Déposer la signature").click()


def _evidence_holds(town: World, page: Page, to: Path) -> None:
    """The page's file of evidence stands alone; one changed byte breaks it."""
    with page.expect_download() as download:
        page.get_by_role("link", name="Fichier de preuves").click()
    download.value.save_as(to)
    data, roster = to.read_bytes(), _roster(town).encoded()
    report = verify(data, roster)
    assert report.ok, [one.fr for one in report.statements]
    at = data.index(b"entry ") + 40
    spoilt = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
    assert not verify(spoilt, roster).ok


# --- without scripts, with the wrong values ------------------------------------------------------
@pytest.mark.browser
def test_acting_works_without_scripts(
    town: World, browser: Browser, signed_in: dict[str, object]
) -> None:
    context = browser.new_context(
        locale="fr-FR",
        storage_state=signed_in,  # type: ignore[arg-type]
        java_script_enabled=False,
    )
    page = context.new_page()
    page.goto(f"{town.url}/act/{LAMPS}")
    page.locator("summary", has_text="Allumer").click()
    page.locator("details", has_text="Allumer").get_by_role("button").click()
    expect(page.locator(".klass-line")).to_contain_text("Automatique")
    page.get_by_role("button", name="Demander et envoyer").click()
    assert ended(town, _row(town, _id(page))).state is State.DONE
    page.goto(f"{town.url}/commands/{town.ids['both']}")
    assert page.get_by_role("button", name="Déposer la signature").is_visible()
    assert page.get_by_role("button", name="Signer avec ma clé d’accès").count() == 0
    context.close()


@pytest.mark.browser
@pytest.mark.parametrize(
    ("path", "says"),
    [
        (f"/act/{VALVE}?action=set&p_pressure_mbar=4,5", "hors de ce que la commune a permis"),
        (f"/act/{VALVE}?action=set&p_pressure_mbar=beaucoup", "doit être un nombre"),
        (f"/act/{VALVE}?action=set&p_pressure_mbar=3,0501", "au plus 3 décimales"),
        (f"/act/{VALVE}?action=set&p_pressure_mbar=1e99", "doit être un nombre"),
        (f"/act/{VALVE}?action=set", "Remplissez"),
        (f"/act/{VALVE}?action=explode", "Choisissez"),
    ],
)
def test_a_wrong_value_is_said_in_words(
    town: World, browser: Browser, signed_in: dict[str, object], path: str, says: str
) -> None:
    context = context_of(browser, signed_in, "fr", phone=True)
    page = context.new_page()
    page.goto(town.url + path)
    expect(page.get_by_role("alert")).to_contain_text(says)
    context.close()


# --- plans ---------------------------------------------------------------------------------------
@pytest.mark.browser
def test_a_scene_is_made_step_by_step_checked_and_run(
    town: World, browser: Browser, signed_in: dict[str, object]
) -> None:
    context = context_of(browser, signed_in, "fr", phone=False)
    page = context.new_page()
    page.goto(town.url + "/plans/new")
    page.fill("#name", XSS)  # a hostile name stays text everywhere
    for level in ("55", "65"):
        page.select_option("#act", f"{LAMPS}/dim")
        page.get_by_role("button", name="Choisir").click()
        page.get_by_label("Niveau").fill(level)
        page.get_by_label("Durée").fill("20")
        page.get_by_role("button", name="Ajouter cette étape").click()
    expect(page.get_by_role("alert")).to_contain_text("deux choses à la fois")
    assert page.get_by_role("button", name="Enregistrer le plan").is_disabled()
    assert violations(page) == []
    page.get_by_role("button", name="Retirer 1").click()
    expect(page.locator(".problems")).to_contain_text("rien ne s’y oppose")
    page.get_by_role("button", name="Enregistrer le plan").click()
    expect(page.locator("h1")).to_have_text(XSS)
    page.get_by_role("button", name="Lancer").click()
    expect(page.locator(".plain-list li")).to_have_count(1)
    page.get_by_role("button", name="Arrêter").click()
    expect(page.locator(".title-line")).to_contain_text("arrêté")
    for path in ("/plans", "/evidence"):
        page.goto(town.url + path)
        assert page.title() != "pwned"
        assert page.locator("img[src=x]").count() == 0
    context.close()


# --- the code on a board -------------------------------------------------------------------------
@pytest.mark.browser
def test_a_passer_by_checks_the_code_of_a_board(town: World, browser: Browser) -> None:
    wish = Wish(BOARD, "show", {"template": "bienvenue", "minutes": 20})
    row = town.dispatch.office.request(wish, "u-1")
    value = sign(MAYOR, Signed(COMMAND, row.payload).pae)
    signature = Signature(key_id(ED25519, public_of(MAYOR)), value)
    town.dispatch.office.approve(row.id, signature, "signer", "", None)
    assert ended(town, row).state is State.DONE
    context = context_of(browser, None, "fr", phone=True)  # nobody is signed in
    page = context.new_page()
    page.goto(town.url + "/code")
    page.fill("#code", code_of(bytes.fromhex(row.digest)).lower())
    page.keyboard.press("Enter")
    expect(page.locator(".notice-ok")).to_contain_text("Oui")
    expect(page.locator(".notice-ok")).to_contain_text("Panneau, place de la Mairie")
    assert violations(page) == []
    lamp = _row(town, town.ids["done"])  # logged, but nothing that the public sees
    page.goto(f"{town.url}/code/{code_of(bytes.fromhex(lamp.digest))}")
    expect(page.locator(".notice-grave")).to_contain_text("Non")
    assert violations(page) == []
    context.close()


@pytest.mark.browser
def test_guessing_codes_is_slowed(town: World, browser: Browser) -> None:
    context = context_of(browser, None, "fr", phone=False)
    statuses = [context.request.get(f"{town.url}/code/00000{n % 10}").status for n in range(40)]
    assert statuses[0] == 200
    assert statuses[-1] == 429
    context.close()


# --- without rules -------------------------------------------------------------------------------
@pytest.mark.browser
def test_without_rules_the_pages_say_how_to_begin(
    town: World, browser: Browser, signed_in: dict[str, object]
) -> None:
    state = town.app.state
    state.services = replace(town.services, dispatch=None)
    context = context_of(browser, signed_in, "fr", phone=True)
    page = context.new_page()
    try:
        for path in ("/commands", "/plans", "/guards", "/trust", "/evidence"):
            page.goto(town.url + path)
            expect(page.locator("main")).to_contain_text("beffroi trust init CLE --commune ")
        assert violations(page) == []
        page.goto(town.url + f"/assets/{LAMPS}")
        assert page.locator("#act").count() == 0
        page.goto(town.url + "/code/ABC123")
        expect(page.locator(".notice")).to_contain_text("ne commande pas de panneau")
    finally:
        state.services = town.services
    context.close()
