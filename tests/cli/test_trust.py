"""`beffroi trust` as a clerk uses it: typed passphrases, questions answered, one printed page."""

from __future__ import annotations

import base64
import re
import shutil
from dataclasses import fields, replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.guard.trust_kit import envelope, member
from typer.testing import CliRunner

from beffroi.adapters.sql import open_store
from beffroi.adapters.trust import online
from beffroi.cli import trust_page
from beffroi.cli.cards import read_card
from beffroi.cli.main import app
from beffroi.cli.proposals import ProposalError, read_proposals, write_proposals
from beffroi.cli.settings import load
from beffroi.cli.trust_words import differences, envelope_lines, roster_lines
from beffroi.kernel.document import to_map
from beffroi.kernel.envelope import Action, Allowed, Case, Condition, Envelope, Slew
from beffroi.kernel.roster import Roster
from beffroi.model.asset import Asset

run = CliRunner()
PHRASES = {"maire": "un deux trois quatre", "dgs": "cinq six sept huit", "tech": "neuf dix onze"}


def beffroi(*words: object, keys: str = "", code: int = 0) -> str:
    """What it says, after these lines were typed."""
    result = run.invoke(app, [str(word) for word in words], input=keys)
    assert result.exit_code == code, result.output
    return result.output


def typed(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)


@pytest.fixture(scope="module")
def ceremony_of_three(tmp_path_factory):
    """A first ceremony with three holders."""
    folder = tmp_path_factory.mktemp("first")
    keys = typed(*(phrase for one in PHRASES.values() for phrase in (one, one)))
    names = [word for name in PHRASES for word in ("--holder", name)]
    beffroi(
        "trust", "init", folder / "cle", "--commune", "lys", *names,
        "--home", folder / "home", "--site", "https://beffroi.lys.fr", "--lang", "fr", keys=keys,
    )  # fmt: skip
    return folder


@pytest.fixture
def stick(ceremony_of_three, tmp_path):
    """A stick of one's own after it; two of three sign from now on."""
    shutil.copytree(ceremony_of_three, tmp_path, dirs_exist_ok=True)
    return tmp_path / "cle"


@pytest.fixture
def card(tmp_path):
    phrase = "douze treize quatorze"
    beffroi(
        "signer", "new", tmp_path / "p1.pem", "--person", "p1", "--org", "lys",
        "--name", "Secrétaire", keys=typed(phrase, phrase),
    )  # fmt: skip
    return tmp_path / "p1.card.json"


def present(*names: str) -> str:
    """The keys are asked for in the order of their file names; an empty line: absent."""
    return typed(*(PHRASES[name] if name in names else "" for name in sorted(PHRASES)))


def test_a_person_is_added_by_two_holders_and_published(stick, card):
    said = beffroi(
        "trust", "add", stick, card, "--lang", "fr", keys="oui\n" + present("dgs", "tech")
    )
    assert "+ p1 (Secrétaire) — lys — agent qui approuve — tous les services" in said
    assert "signe hors du serveur" in said
    assert "Signé. Valable jusqu'au" in said
    home = stick.parent / "home"
    beffroi("trust", "publish", stick, "--to", home)
    assert {one.person for one in online.current(home)[0].members} == {"hub", "log", "p1"}


def test_a_passkey_of_the_web_page_comes_with_a_card(stick, tmp_path):
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    point = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    for number, text in enumerate((point.hex(), base64.urlsafe_b64encode(point).decode())):
        words = ["--public", text.rstrip("="), "--person", "p7", "--org", "lys"]
        beffroi("signer", "card", tmp_path / f"{number}.json", *words)
        assert read_card(tmp_path / f"{number}.json").public == point
    said = beffroi(
        "trust", "add", stick, tmp_path / "0.json", "--yes", "--lang", "fr",
        keys=present("dgs", "tech"),
    )  # fmt: skip
    assert "passkey-es256" in said
    assert "hors du serveur" not in said


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"kind": "x"}', "[" * 9_000, "\u00e9"])
def test_what_is_no_card_is_said(stick, tmp_path, text):
    (tmp_path / "x.json").write_text(text)
    assert "card" in beffroi("trust", "add", stick, tmp_path / "x.json", code=1)


def test_no_means_no(stick, card):
    said = beffroi("trust", "add", stick, card, "--lang", "fr", keys="non\n", code=1)
    assert "rien n'est signé" in said
    assert "p1" not in beffroi("trust", "show", stick)


def test_one_holder_alone_leaves_a_draft_that_another_completes(stick, card):
    said = beffroi("trust", "add", stick, card, "--lang", "fr", keys="oui\n" + present("maire"))
    assert "manque encore 1 signature" in said
    assert "Signatures manquantes" in beffroi("trust", "show", stick, "--lang", "fr")
    said = beffroi("trust", "renew", stick, "--yes", keys=present("maire", "dgs"), code=1)
    assert "draft" in said
    said = beffroi("trust", "sign", stick, "--lang", "fr", keys="oui\n" + present("tech"))
    assert "+ p1" in said
    assert "Signé." in said


def test_a_wrong_passphrase_is_asked_again(stick):
    keys = typed("faux faux faux", PHRASES["dgs"], PHRASES["maire"])
    said = beffroi("trust", "renew", stick, "--yes", "--lang", "fr", keys=keys)
    assert "does not open the key" in said
    assert "Signé." in said


def test_a_person_is_revoked(stick, card):
    beffroi("trust", "add", stick, card, "--yes", keys=present("dgs", "maire"))
    said = beffroi(
        "trust", "revoke", stick, "p1", "--lang", "fr", keys="o\n" + present("dgs", "maire")
    )
    assert "- p1 (Secrétaire)" in said
    assert "24 h" in said


def test_a_holder_is_replaced(stick):
    keys = typed("quinze seize dix-sept", "quinze seize dix-sept") + present("dgs", "maire")
    beffroi("trust", "rotate", stick, "--out", "tech", "--in", "adjoint", "--yes", keys=keys)
    said = beffroi("trust", "show", stick)
    assert "adjoint" in said
    assert "tech" not in said


def test_somebody_who_holds_nothing_cannot_leave(stick):
    said = beffroi("trust", "rotate", stick, "--out", "nobody", "--yes", code=1)
    assert "nobody" in said


def test_a_hub_gets_new_keys(stick, tmp_path):
    home = tmp_path / "home"
    old = online.public(home, "hub")
    keys = present("dgs", "maire")
    beffroi("trust", "rotate", stick, "--hub", "--home", home, "--yes", keys=keys)
    beffroi("trust", "publish", stick, "--to", home)
    (hub,) = online.current(home)[0].having("hub")
    assert hub.public == online.public(home, "hub") != old


def test_one_key_alone_must_be_asked_for(tmp_path):
    said = beffroi(
        "trust", "init", tmp_path / "x", "--commune", "lys", "--holder", "a",
        "--home", tmp_path / "home", code=1,
    )  # fmt: skip
    assert "--threshold 1" in said


def test_the_hubs_keys_may_come_in_a_file(tmp_path):
    beffroi("trust", "hub", tmp_path / "hub.json", "--home", tmp_path / "home", "--commune", "lys")
    keys = typed(PHRASES["maire"], PHRASES["maire"])
    beffroi(
        "trust", "init", tmp_path / "cle", "--commune", "lys", "--holder", "demo",
        "--threshold", "1", "--hub", tmp_path / "hub.json", keys=keys,
    )  # fmt: skip
    beffroi("trust", "publish", tmp_path / "cle", "--to", tmp_path / "home")
    assert "PRIVATE" not in (tmp_path / "hub.json").read_text()


def test_the_keys_of_another_communes_hub_are_refused(tmp_path):
    beffroi("trust", "hub", tmp_path / "hub.json", "--home", tmp_path / "home")
    said = beffroi(
        "trust", "init", tmp_path / "cle", "--commune", "lys", "--holder", "demo",
        "--threshold", "1", "--hub", tmp_path / "hub.json", code=1,
    )  # fmt: skip
    assert "beffroi trust hub hub.json --commune lys" in said
    assert not (tmp_path / "cle").exists()


def test_proposals_are_shown_in_words_and_signed(stick, tmp_path):
    file = tmp_path / "proposals.cbor"
    file.write_bytes(write_proposals([replace(envelope("lamp-1"), commune="lys", authority="lys")]))
    said = beffroi(
        "trust", "envelopes", stick, "--from", file, "--lang", "fr",
        keys="oui\n" + present("dgs", "maire"),
    )  # fmt: skip
    assert "+   dim, B (une personne) : Éclairer à [20..100] %" in said
    low = replace(envelope("lamp-1", low=0), commune="lys", authority="lys")
    file.write_bytes(write_proposals([low]))
    said = beffroi(
        "trust", "envelopes", stick, "--from", file, "--lang", "fr", keys="non\n", code=1
    )
    assert "-   dim, B (une personne) : Éclairer à [20..100] %" in said
    assert "+   dim, B (une personne) : Éclairer à [0..100] %" in said
    keys = present("dgs", "maire")
    said = beffroi("trust", "envelopes", stick, "--epoch", "lamp-1", "--yes", keys=keys)
    assert re.search(r"\+ lamp-1 .* 1$", said, re.MULTILINE)
    beffroi("trust", "envelopes", stick, "--remove", "lamp-1", "--yes", keys=keys)
    assert "lamp-1" not in beffroi("trust", "show", stick)


@pytest.fixture
def inventory(stick):
    """The hub's real store with two lamps, one of which names its guard."""
    home = stick.parent / "home"
    store = open_store(load(home).store_url)
    lamp = Asset("lamp-1", "lighting", "luminaire", "Mairie", 2, 48, authority="lys")
    store.assets.put_assets([replace(lamp, attrs={"guard": "g1"}), replace(lamp, id="lamp-2")])
    store.close()
    return home


def test_what_the_towns_services_propose_is_signed(stick, inventory, tmp_path):
    keys = "oui\n" + present("dgs", "maire")
    said = beffroi("trust", "envelopes", stick, "--home", inventory, "--lang", "fr", keys=keys)
    assert "+ lamp-1 — Mairie — lighting — compétence : lys — gardien : g1" in said
    assert "Allumer [sens sûr]" in said
    assert "lamp-2" not in said
    again = beffroi(
        "trust", "envelopes", stick, "--home", inventory, "--lang", "fr", keys="non\n", code=1
    )
    assert "Aucun changement" in again
    file = tmp_path / "p.cbor"
    words = ["--commune", "lys", "--home", inventory, "--guard", "g2", "--asset", "lamp-2"]
    beffroi("trust", "propose", file, *words)
    beffroi("trust", "envelopes", stick, "--from", file, "--yes", keys=present("dgs", "maire"))
    beffroi("trust", "publish", stick, "--to", inventory)
    assert {one.guard for one in online.current(inventory)[1].values()} == {"g1", "g2"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--guard", "g2"], "--asset"),
        (["--guard", "g2", "--asset", "nothing"], "no such asset"),
        (["--asset", "lamp-2"], "names a guard"),
    ],
)
def test_what_cannot_be_proposed_is_said(stick, inventory, words, said):
    out = beffroi("trust", "envelopes", stick, "--home", inventory, *words, code=1)
    assert said in out


@pytest.mark.parametrize("data", [b"", b"\xa0", b"\xa1ienvelopes\x81A\x00", b"\xa1ienvelopesa1"])
def test_a_file_that_holds_no_proposals(data):
    with pytest.raises(ProposalError):
        read_proposals(data)


# -- the page ------------------------------------------------------------------------------------
def test_the_page_is_one_page_with_the_communes_fingerprints(stick):
    page = beffroi("trust", "print", stick)
    lines = page.splitlines()
    assert len(lines) <= 62
    assert max(len(line) for line in lines) <= 80
    assert "$" not in page
    shown = beffroi("trust", "show", stick)
    marks = re.findall(r"(?:[0-9a-f]{4} ){4}[0-9a-f]{4}", page)
    assert len(marks) == 4
    assert all(mark in shown for mark in marks)


def test_the_documentation_repeats_the_page():
    docs = Path(__file__).parents[2] / "docs" / "trust.md"
    assert trust_page.text() in docs.read_text(encoding="utf-8")


def test_every_command_of_the_page_exists():
    for name in re.findall(r"beffroi trust (\w+)", trust_page.text()):
        assert "CLE" not in name
        beffroi("trust", name, "--help")


# -- plain words hide nothing --------------------------------------------------------------------
RICH = Envelope(
    "lys",
    "g1",
    "t1",
    "Pompe",
    "water",
    "lys",
    1,
    0,
    5,
    {
        "set": Action(
            (
                Case(
                    "B",
                    {"p": Allowed(((1, 2),), ("un",), 3, "abc")},
                    (Condition("level", ((1, 5),), 1_000),),
                    True,
                ),
            ),
            "Mettre {p}",
            "Set {p}",
            (Slew("p", "p_now", 1, 2, 3_000),),
        )
    },
)
SILENT = {"version", "expires_ms"}  # set by the ceremony itself


def variants(document, kind):
    """The document with one field changed at a time, at any depth."""
    for field in fields(kind):
        if not field.init or field.name in SILENT:
            continue
        for value in other(getattr(document, field.name)):
            try:
                yield field.name, replace(document, **{field.name: value})
            except (ValueError, KeyError):
                continue


def other(value):
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1_000]
    if isinstance(value, str):
        return ["C"] if value in ("A", "B") else ["hub"] if value == "operator" else [value + "x"]
    if isinstance(value, bytes):
        return [bytes([value[0] ^ 1]) + value[1:]]
    if isinstance(value, dict):
        return [{**value, key: new} for key, one in value.items() for new in other(one)]
    if isinstance(value, tuple) and value and isinstance(value[0], int):
        return [(value[0] - 1, value[1]), (value[0], value[1] + 1)]
    if isinstance(value, tuple):
        changed = [
            (*value[:at], new, *value[at + 1 :])
            for at in range(len(value))
            for new in other(value[at])
        ]
        return [*changed, value[:-1]] if value else []
    return [new for _, new in variants(value, type(value))]


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_no_change_of_an_envelope_is_silent(lang):
    count = 0
    for name, changed in variants(RICH, Envelope):
        assert to_map(changed) != to_map(RICH)
        lines = differences(ROSTER, ROSTER, {"t1": RICH}, {changed.target: changed}, lang)
        assert lines, name
        count += 1
    assert count > 30


ROSTER = Roster("lys", 1, 5, (member("p1", 11, name="Maire", services=("water",)),), "a.fr", ("b",))


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_no_change_of_a_roster_is_silent(lang):
    for name, changed in variants(ROSTER, Roster):
        if name != "commune":  # refused elsewhere: a roster never changes its commune
            assert differences(ROSTER, changed, {}, {}, lang), name


def test_nothing_changed_is_nothing_said():
    assert differences(ROSTER, replace(ROSTER, version=9), {"t1": RICH}, {"t1": RICH}, "fr") == []


def test_words_cannot_move_the_cursor():
    evil = "\x1b[2K\x1b[1APompe\r\u202e"
    lines = envelope_lines(replace(RICH, name=evil), "fr")
    lines += roster_lines(replace(ROSTER, rp_id=evil, members=(member("p1", 11, name=evil),)), "fr")
    for line in lines:
        assert line.isprintable() or "\u00a0" in line
