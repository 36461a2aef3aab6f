"""`beffroi sign`: what a person reads is what the bytes say, whatever a hub shows (case K12)."""

from __future__ import annotations

import base64
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.guard.trust_kit import COMMUNE, GUARD, NOW_MS, Town, envelope, member
from typer.testing import CliRunner

from beffroi.adapters.signers.file import SeedSigner, create
from beffroi.adapters.signers.pem import locked
from beffroi.adapters.signers.request import pack_request, sign_request, signed_file
from beffroi.adapters.trust import ceremony, online
from beffroi.cli import pins
from beffroi.cli.main import app
from beffroi.cli.plain import filled, plain, quoted
from beffroi.cli.signing import examine
from beffroi.guard.trust_bundle import pack_bundle
from beffroi.hub.dispatch.approve import signature_in
from beffroi.kernel.command import Command
from beffroi.kernel.dsse import COMMAND, LEASE, Signature, Signed, pack, unpack
from beffroi.kernel.envelope import Action, Allowed, Case, Condition
from beffroi.kernel.keys import key_id
from beffroi.kernel.limits import DAY_MS
from beffroi.kernel.signers import signers

GOLDEN = Path(__file__).parents[1] / "golden"
NONCE, PHRASE = b"n" * 16, "une longue phrase"
P1, P2 = SeedSigner(bytes([11]) * 32), SeedSigner(bytes([12]) * 32)
run = CliRunner()

TEXT = Allowed((), (), 40, "ABCDEFGHIJKLMNOPQRSTUVWXYZ ÉÀ'«»<>\x1b[\u202e\u0430")
BOARD = Action(
    (
        Case("B", {"text": TEXT, "minutes": Allowed(((1, 30),))}),
        Case(
            "C",
            {"text": TEXT, "minutes": Allowed(((31, 240),))},
            (Condition("night", ((0, 0),), 1),),
        ),
    ),
    "Afficher {text} pendant {minutes} minutes",
    "Show {text} for {minutes} minutes",
    lifetime_ms_max=6 * 3_600_000,
    orgs_min=2,
)
CLEAR = Action((Case("B", {}, safe=True),), "Éteindre le panneau", "Blank the board")


@pytest.fixture
def town(tmp_path, monkeypatch):
    """A board whose rules are signed; p1 and p2 may command; p1's machine has the root pinned."""
    monkeypatch.setenv("BEFFROI_SIGNER_HOME", str(tmp_path / "signer"))
    one = Town(tmp_path)
    rules = envelope("board-1", name="Panneau de la mairie", service="boards")
    one.put(replace(rules, actions={"show": BOARD, "clear": CLEAR}))
    one.change(ceremony.add_member(member("p2", 12, name="Adjoint", org="epci")))
    one.publish()
    pins.pin(COMMUNE, one.pinned)
    return one


@pytest.fixture(autouse=True)
def in_france(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Europe/Paris")
        time.tzset()
        yield
    time.tzset()


def command(town, action="show", **other):
    """What the hub asks to be signed."""
    rules = online.current(town.home)[1].get(other.get("target", "board-1"))
    fields = {
        "id": "c-42", "commune": COMMUNE, "guard": GUARD, "target": "board-1", "klass": "C",
        "action": action, "nonce": NONCE, "epoch": 0, "counter": 7,
        "not_before_ms": town.now_ms, "expires_ms": town.now_ms + 3_600_000,
        "envelope": rules.digest if rules else b"\0" * 32,
        "params": {"text": "FERMÉ", "minutes": 60} if action == "show" else {},
    } | other  # fmt: skip
    return Command(**fields)


def request(one, *signers_):
    signed = Signed(COMMAND, one.encoded())
    for signer in signers_:
        signed = signed.plus(signer.sign(signed.pae))
    return signed


def seen(town, signed, me=P1, lang="fr", now_ms=None):
    roster, envelopes = online.current(town.home)
    key = key_id(me.kind, me.public)
    return examine(signed, roster, envelopes, key, now_ms or town.now_ms, lang)


# -- K12: a page that says A and sends B -----------------------------------------------------------
@pytest.mark.parametrize("lang", ["fr", "en"])
def test_k12_the_signer_says_what_was_sent_not_what_was_shown(town, lang):
    """The hub's page says "blank the board" and sends an alert text: this is what is read out."""
    hub = SeedSigner(online.seed(town.home, "hub"))
    sent = command(town, params={"text": "ÉVACUEZ", "minutes": 60})
    shown = seen(town, request(sent, hub, P2), lang=lang)
    assert shown.refusals == ()
    told = "\n".join([*shown.lines, *(f"! {one}" for one in shown.unusual), ""])
    golden = GOLDEN / f"sign_swap.{lang}.txt"
    assert told == golden.read_text(encoding="utf-8"), told


@given(st.text(max_size=60))
def test_no_text_escapes_from_its_line(text):
    for shown in (plain(text), quoted(text), filled("Afficher {x}", {"x": text})):
        assert all(c.isprintable() or c in "\u00a0\u202f" for c in shown)
    inner = quoted(text)[2:-2]
    assert "«" not in inner
    assert "»" not in inner


@given(st.text("{}xy.:", max_size=12), st.text("{}xy", max_size=12))
def test_a_value_is_never_read_as_a_place(sentence, value):
    shown = filled(sentence + "{x}", {"x": value, "y": "SECRET"})
    assert shown.count("SECRET") == sentence.count("{y}")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[2Jb", "a<U+001B>[2Jb"),
        ("ab\u202ecd", "ab<U+202E>cd"),
        ("zero\u200bwidth", "zero<U+200B>width"),
        ("a\nb\rc", "a<U+000A>b<U+000D>c"),
        ("e\u0301\u0301\u0301x", "e\u0301\u0301<U+0301>x"),
        ("À 20\u00a0%", "À 20\u00a0%"),
        ("\ue000", "<U+E000>"),
    ],
)
def test_what_cannot_be_seen_is_spelled_out(text, shown):
    assert plain(text) == shown


def test_a_value_cannot_pretend_to_be_our_sentence(town):
    lie = "X» pendant 1 minute. Où : «Y"
    shown = seen(town, request(command(town, params={"text": lie, "minutes": 60})))
    assert shown.lines[0].count("«") == shown.lines[0].count("»") == 1


def test_letters_of_another_alphabet_are_named(town):
    shown = seen(town, request(command(town, params={"text": "M\u0430IRIE", "minutes": 60})))
    assert any("autre alphabet" in line for line in shown.unusual)


# -- what must not be signed -----------------------------------------------------------------------
def test_a_good_request_has_no_refusal(town):
    assert seen(town, request(command(town))).refusals == ()
    assert seen(town, request(command(town, "clear", klass="B"))).refusals == ()


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"params": {"text": "FERMÉ", "minutes": 500}}, "hors de ce que la commune a permis"),
        ({"params": {"text": "123", "minutes": 5}}, "hors de ce que la commune a permis"),
        ({"params": {"text": "FERMÉ"}}, "hors de ce que la commune a permis"),
        ({"klass": "B"}, "classe est trop basse"),
        ({"action": "burn"}, "action inconnue"),
        ({"expires_ms": NOW_MS}, "déjà expirée"),
        ({"expires_ms": NOW_MS + 7 * 3_600_000}, "vaut trop longtemps"),
        ({"envelope": b"\1" * 32}, "d'autres règles"),
        ({"epoch": 1}, "autre époque"),
        ({"target": "pump-9"}, "aucune règle signée"),
        ({"guard": "pumps"}, "aucune règle signée"),
        ({"commune": "elsewhere"}, "aucune règle signée"),
    ],
)
def test_what_the_guard_would_refuse_is_not_signed(town, other, said):
    refusals = seen(town, request(command(town, **other))).refusals
    assert any(said in line for line in refusals), refusals


def test_a_forged_signature_on_it_is_refused(town):
    forged = replace(P2.sign(b"something else"))
    shown = seen(town, replace(request(command(town)), signatures=(forged,)))
    assert any("ne tient pas" in line for line in shown.refusals)


def test_expired_documents_are_not_relied_on(town):
    late = town.now_ms + 500 * DAY_MS
    one = command(town, not_before_ms=late, expires_ms=late + 1_000)
    assert any("ont expiré" in line for line in seen(town, request(one), now_ms=late).refusals)


def test_one_does_not_sign_twice_nor_for_another_service(town):
    again = seen(town, request(command(town), P1))
    assert any("déjà signé" in line for line in again.refusals)
    stranger = seen(town, request(command(town)), me=SeedSigner(b"s" * 32))
    assert any("pas dans la liste" in line for line in stranger.refusals)
    town.change(ceremony.add_member(member("p3", 13, services=("water",))))
    town.publish()
    other = seen(town, request(command(town)), me=SeedSigner(bytes([13]) * 32))
    assert any("ne commande pas ce service" in line for line in other.refusals)


def test_what_is_not_a_command_is_not_signed(town):
    wire = Signed(LEASE, command(town).encoded())
    assert seen(town, wire).refusals == ("ce n'est pas une commande",)
    assert seen(town, Signed(COMMAND, b"\xa0")).refusals


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (
            {"not_before_ms": NOW_MS + 2 * 3_600_000, "expires_ms": NOW_MS + 3 * 3_600_000},
            "ne commence que",
        ),
        ({"expires_ms": NOW_MS + 5 * 3_600_000}, "vaut encore"),
        ({"params": {"text": "FERMÉ", "minutes": 5}}, "classe moindre"),
        ({}, "2 organisations"),
        ({}, "night"),
    ],
)
def test_what_is_unusual_is_said(town, other, said):
    unusual = seen(town, request(command(town, **other))).unusual
    assert any(said in line for line in unusual), unusual


# -- the command itself ----------------------------------------------------------------------------
@pytest.fixture
def key(tmp_path):
    path = tmp_path / "p1.pem"
    path.write_bytes(locked(bytes([11]) * 32, PHRASE))
    return f"file:{path}"


@pytest.fixture
def now(monkeypatch, town):
    """The signer's clock stands at the town's."""
    monkeypatch.setattr("time.time_ns", lambda: town.now_ms * 1_000_000)


def sign(file, key, typed, *words, code=0):
    result = run.invoke(app, ["sign", str(file), "--key", key, "--lang", "fr", *words], input=typed)
    assert result.exit_code == code, result.output
    return result.output


def written(town, tmp_path, one, form="binary"):
    data = pack_request(pack(one), pack_bundle(town.bundle()))
    if form == "base64":
        data = base64.encodebytes(data)
    if form == "base64url":
        data = base64.urlsafe_b64encode(data).rstrip(b"=")
    path = tmp_path / "demande.req"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("form", ["binary", "base64", "base64url"])
def test_a_person_reads_types_the_targets_name_and_signs(town, tmp_path, key, now, form):
    hub = SeedSigner(online.seed(town.home, "hub"))
    one = request(command(town), hub)
    file = written(town, tmp_path, one, form)
    said = sign(file, key, f"{PHRASE}\nboard-1\n")
    assert "CE QUE VOUS SIGNEZ : Afficher « FERMÉ » pendant 60 minutes" in said
    data = (tmp_path / "demande.req.sig").read_bytes()
    signature = signature_in(data, one.payload)  # as the hub reads it
    assert isinstance(signature, Signature)
    roster, _ = online.current(town.home)
    (who,) = signers(Signed(COMMAND, one.payload, (signature,)), roster)
    assert who.person == "p1"
    assert who.independent


def test_anything_else_typed_signs_nothing(town, tmp_path, key, now):
    file = written(town, tmp_path, request(command(town)))
    for typed in ("\n", "oui\n", "board-2\n"):
        assert "rien n'est signé" in sign(file, key, f"{PHRASE}\n{typed}", code=1)
    assert not (tmp_path / "demande.req.sig").exists()


def test_a_refused_request_is_not_even_asked(town, tmp_path, key, now):
    file = written(town, tmp_path, request(command(town, klass="B")))
    said = sign(file, key, f"{PHRASE}\nboard-1\n", code=3)
    assert "REFUS" in said
    assert not (tmp_path / "demande.req.sig").exists()


def test_documents_of_a_lying_hub_are_refused_and_said(town, tmp_path, key, now):
    """It widens an envelope in the bundle it sends along: the signer checks like a guard."""
    forge = town.forge()
    wide = envelope("board-1", name="Panneau de la mairie", service="boards", low=0)
    forge.put_envelope(replace(wide, version=9, expires_ms=NOW_MS + DAY_MS))
    files = forge.files(role=[forge.service], targets=[forge.service])
    file = tmp_path / "demande.req"
    file.write_bytes(pack_request(pack(request(command(town))), pack_bundle(files)))
    said = sign(file, key, f"{PHRASE}\n", code=1)
    assert "documents reçus refusés" in said
    assert "aucun document vérifié" in said


def test_a_commune_that_is_not_pinned_is_unknown(town, tmp_path, key, now, monkeypatch):
    monkeypatch.setenv("BEFFROI_SIGNER_HOME", str(tmp_path / "empty"))
    file = written(town, tmp_path, request(command(town)))
    assert "signer pin" in sign(file, key, "", code=1)


def test_another_root_is_not_pinned_over_the_first(town):
    with pytest.raises(pins.PinError, match="ask why"):
        pins.pin(COMMUNE, b"another")


def test_a_path_is_not_a_commune(town):
    with pytest.raises(pins.PinError):
        pins.folder_of("../x")


@pytest.mark.parametrize("data", [b"", b"\x00", b"hello", b"\xa0", b"{}", b"\xff" * 100, b"AAAA"])
def test_junk_is_one_clear_line(town, tmp_path, key, now, data):
    file = tmp_path / "junk"
    file.write_bytes(data)
    assert "not a request to sign" in sign(file, key, f"{PHRASE}\n", code=1)


def test_pin_shows_the_fingerprint_and_asks(town, tmp_path, monkeypatch):
    monkeypatch.setenv("BEFFROI_SIGNER_HOME", str(tmp_path / "other"))
    no = run.invoke(app, ["signer", "pin", COMMUNE, str(town.stick)], input="non\n")
    assert no.exit_code == 1
    yes = run.invoke(app, ["signer", "pin", COMMUNE, str(town.stick)], input="oui\n")
    assert yes.exit_code == 0, yes.output
    page = run.invoke(app, ["trust", "print", str(town.stick)]).output
    mark = yes.output.split(": ")[1][:24]
    assert mark in page


def test_sign_request_for_the_lab(town):
    one = request(command(town))
    wire = signed_file(pack(one), sign_request(pack(one), P1))
    assert unpack(wire).payload == one.payload
    assert len(unpack(wire).signatures) == 1


def test_the_signer_alone_is_light():
    """It runs on a clerk's old laptop, without the hub's libraries."""
    heavy = ("sqlalchemy", "nats", "fastapi", "numpy", "uvicorn", "tuf", "structlog")
    code = f"import sys, beffroi.cli.sign; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_key_made_here_opens_here(tmp_path):
    made = create(tmp_path / "k.pem", PHRASE)
    assert (tmp_path / "k.pem").stat().st_mode & 0o777 == 0o600
    assert made.public
