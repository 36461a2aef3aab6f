"""The ceremony on the stick and what the hub makes of it: real files, real signatures."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.guard.trust_kit import COMMUNE, GUARD, NOW_MS, Town, envelope, holder, member

from beffroi.adapters.signers.file import SeedSigner
from beffroi.adapters.trust import ceremony, chain, online
from beffroi.adapters.trust.ceremony import Ceremony, CeremonyError
from beffroi.adapters.trust.chain import ChainError
from beffroi.adapters.trust.shelf import Shelf, ShelfError
from beffroi.adapters.trust.source import TrustFolder
from beffroi.guard.trust_bundle import pack_bundle, role_of
from beffroi.hub.dispatch.trust import TrustError
from beffroi.kernel.keys import ED25519, PASSKEY
from beffroi.kernel.limits import DAY_MS
from beffroi.kernel.roster import Roster
from beffroi.ports.signer import SignerError


@pytest.fixture
def town(tmp_path):
    return Town(tmp_path)


def large(target):
    """A catalogue: about 8 kB."""
    dim = envelope(target).actions["dim"]
    long = replace(dim, say_fr="é" * 140, say_en="e" * 280)
    return replace(envelope(target), actions={f"dim-{n}": long for n in range(9)})


def first(tmp_path, names, threshold):
    """A first ceremony with these holders, all present."""
    signers = {name: holder(at) for at, name in enumerate(names)}
    public = {name: (one.kind, one.public) for name, one in signers.items()}
    work = Ceremony(Shelf(tmp_path / "new"), list(signers.values()), NOW_MS)
    return work.begin(Roster(COMMUNE, 1, 0), public, threshold, b"\x09" * 31 + b"\x01")


# -- thresholds and drafts -----------------------------------------------------------------------
def test_one_holder_for_a_demonstration(tmp_path):
    assert not first(tmp_path, ["demo"], 1).missing


@pytest.mark.parametrize("threshold", [0, 4, -1])
def test_a_threshold_that_nobody_can_meet_is_refused(tmp_path, threshold):
    with pytest.raises(CeremonyError, match="of 3 holders"):
        first(tmp_path, ["a", "b", "c"], threshold)


def test_a_second_root_is_not_begun_over_the_first(town):
    with pytest.raises(CeremonyError, match="already holds a root"):
        town.ceremony().begin(Roster(COMMUNE, 1, 0), {}, 1, b"\x05" * 32)


def test_a_passkey_holds_no_root(town):
    people = {"a": (PASSKEY, b"\x04" * 65)}
    with pytest.raises(SignerError, match="Ed25519"):
        town.ceremony().rotate(people, 1, b"\x05" * 32)


def test_one_signature_of_two_makes_a_draft_that_is_not_published(town):
    drafted = town.change(ceremony.revoke("p1"), "h0")
    assert set(drafted.missing.values()) == {1}
    assert chain.complete(Shelf(town.stick)).roster.version == 3
    town.publish()
    assert online.current(town.home)[0].version == 3


def test_nothing_is_built_on_a_draft(town):
    town.change(ceremony.revoke("p1"), "h0")
    with pytest.raises(CeremonyError, match="lacks 1 signature"):
        town.change(ceremony.add_member(member("p2", 12)))


def test_a_second_holder_signs_the_draft_elsewhere(town):
    town.change(ceremony.revoke("p1"), "h0")
    assert not town.ceremony("h2").cosign().missing
    town.publish()
    assert online.current(town.home)[0].version == 4


def test_the_same_holder_twice_does_not_complete_a_draft(town):
    town.change(ceremony.revoke("p1"), "h0")
    assert town.ceremony("h0").cosign().missing


def test_a_stranger_signs_nothing(town):
    work = Ceremony(Shelf(town.stick), [SeedSigner(b"s" * 32)], town.now_ms)
    assert set(work.change(ceremony.revoke("p1")).missing.values()) == {2}


def test_a_draft_is_thrown_away(town):
    town.change(ceremony.revoke("p1"), "h0")
    ceremony.discard(Shelf(town.stick))
    assert town.change(ceremony.add_member(member("p2", 12))).roster.version == 4
    with pytest.raises(CeremonyError, match="no draft"):
        ceremony.discard(Shelf(town.stick))


def test_a_rotation_needs_the_old_holders_too(town):
    town.holders |= {"h3": holder(3), "h4": holder(4)}
    drafted = town.rotate(["h0", "h3", "h4"], ["h3", "h4"])
    assert drafted.missing["root"] == 2
    assert not town.ceremony("h1", "h2").cosign().missing


@pytest.mark.parametrize("threshold", [1, 3])
def test_the_threshold_may_change(town, threshold):
    names = ["h0", "h1", "h2"]
    assert not town.rotate(names, names, threshold).missing
    assert bool(town.change(ceremony.revoke("p1"), "h0").missing) == (threshold == 3)


# -- content -------------------------------------------------------------------------------------
def test_the_same_rules_keep_their_version_and_so_their_commands(town):
    before = chain.complete(Shelf(town.stick)).envelopes["lamp-1"]
    after = town.put(replace(envelope("lamp-1"), version=99, expires_ms=5)).envelopes["lamp-1"]
    assert after == before


def test_other_rules_get_the_next_version(town):
    assert town.put(envelope("lamp-1", low=30)).envelopes["lamp-1"].version == 2


def test_rules_near_their_end_get_a_later_one(town):
    town.now_ms += 250 * DAY_MS
    after = town.ceremony().renew().envelopes["lamp-1"]
    assert (after.version, after.expires_ms > town.now_ms + 390 * DAY_MS) == (2, True)


def test_an_epoch_only_grows(town):
    assert town.change(ceremony.next_epoch("lamp-1")).envelopes["lamp-1"].epoch == 1
    assert town.put(envelope("lamp-1", low=30)).envelopes["lamp-1"].epoch == 1


def test_a_target_is_no_longer_commanded(town):
    town.change(ceremony.put_envelopes([], ["lamp-1", "lamp-2"]))
    town.publish()
    assert set(online.current(town.home)[1]) == {"pump-1"}
    assert town.take().envelopes == {}


@pytest.mark.parametrize(
    "change",
    [ceremony.revoke("nobody"), ceremony.revoke("p1", "ffff"), ceremony.next_epoch("nothing")],
)
def test_what_is_not_there_is_said(town, change):
    with pytest.raises(CeremonyError, match=r"no such key|no envelope"):
        town.change(change)


def test_an_envelope_of_another_commune_is_not_signed(town):
    with pytest.raises(CeremonyError, match="not lourmarin"):
        town.put(replace(envelope("lamp-1"), commune="elsewhere"))


def test_what_does_not_fit_on_the_way_to_a_guard_is_not_signed(town):
    with pytest.raises(CeremonyError, match="fewer targets"):
        town.put(*(large(f"lamp-{n}") for n in range(40)))
    assert not chain.draft(Shelf(town.stick)).missing


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(count=st.integers(20, 40))
def test_what_was_signed_fits(tmp_path_factory, count):
    town = Town(tmp_path_factory.mktemp("town"))
    try:
        town.put(*(large(f"lamp-{n}") for n in range(count)))
    except CeremonyError:
        assert count * len(large("lamp-1").encoded()) > 200_000
        return
    town.publish()
    assert len(pack_bundle(town.bundle())) < 262_144
    assert len(town.take().envelopes) == count


@pytest.mark.parametrize("wrong", [{"role": "mayor"}, {"org": "two words"}, {"services": ("",)}])
def test_what_guards_could_not_read_is_not_signed(town, wrong):
    with pytest.raises(CeremonyError, match="could not read"):
        town.change(ceremony.add_member(replace(member("p2", 12), **wrong)))
    assert chain.complete(Shelf(town.stick)).roster.version == 3


# -- the stick is not believed ---------------------------------------------------------------------
def test_a_roster_changed_on_the_stick_is_not_signed_again(town):
    for path in (town.stick / "targets").glob("*.roster.cbor"):
        path.write_bytes(path.read_bytes().replace(b"operator", b"operatoR"))
    with pytest.raises(ShelfError, match="not what was signed"):
        town.ceremony().renew()


def test_metadata_changed_on_the_stick_lack_signatures(town):
    shelf = Shelf(town.stick)
    path = town.stick / "metadata" / f"{shelf.versions('targets')[-1]}.targets.json"
    path.write_bytes(path.read_bytes().replace(b'"terminating":true', b'"terminating":false'))
    with pytest.raises(CeremonyError, match="lacks"):
        town.ceremony().renew()


def test_a_root_that_its_predecessor_did_not_sign_stops_everything(town):
    (town.stick / "metadata" / "3.root.json").write_bytes(town.pinned)
    with pytest.raises(ChainError, match="no complete chain"):
        chain.complete(Shelf(town.stick))


# -- the hub -------------------------------------------------------------------------------------
def test_no_private_key_leaves_the_stick(town):
    for path in (town.home / "trust").rglob("*"):
        assert path.is_dir() or b"PRIVATE" not in path.read_bytes()
    seeds = [bytes([40 + n]) * 32 for n in range(3)]
    for path in (*town.home.rglob("*"), *town.stick.rglob("*")):
        assert path.is_dir() or not any(seed in path.read_bytes() for seed in seeds)


def test_the_hub_says_that_all_is_fresh_only_when_it_must(town):
    assert not online.refresh(town.home, town.now_ms + 11 * 3_600_000)
    assert online.refresh(town.home, town.now_ms + 13 * 3_600_000)


def test_a_home_restored_from_a_backup_is_not_behind(town, tmp_path):
    town.take()
    shutil.copytree(town.home, tmp_path / "backup")
    for _ in range(5):
        town.later(DAY_MS)
        town.take()
    shutil.rmtree(town.home)
    shutil.copytree(tmp_path / "backup", town.home)
    town.later(DAY_MS)
    assert town.take().roster.expires_ms > town.now_ms


def test_an_old_copy_of_the_stick_is_not_published(town, tmp_path):
    shutil.copytree(town.stick, tmp_path / "copy")
    town.put(envelope("lamp-1", low=30))
    town.publish()
    with pytest.raises(ShelfError, match="old copy"):
        online.publish(tmp_path / "copy", town.home, town.now_ms)


def test_a_hub_with_another_key_says_what_to_do(town):
    for path in (town.home / "keys").glob("online.pem"):
        path.unlink()
    with pytest.raises(ShelfError, match="trust rotate --hub"):
        online.refresh(town.home, town.now_ms + DAY_MS)


def test_a_hub_without_trust_says_so(tmp_path):
    source = TrustFolder(tmp_path)
    for call in (source.current, lambda: source.bundle("g"), lambda: source.refresh(NOW_MS)):
        with pytest.raises(TrustError):
            call()


def test_the_dispatcher_sees_what_was_published(town):
    source = TrustFolder(town.home)
    assert set(source.current().held_by(GUARD)) == {"lamp-1", "lamp-2"}
    town.put(envelope("lamp-3"))
    assert "lamp-3" not in source.current().envelopes
    town.publish()
    assert "lamp-3" in source.current().envelopes
    assert source.bundle(GUARD) == pack_bundle(town.bundle())
    assert not source.refresh(town.now_ms)


def test_a_guard_is_sent_only_what_is_its_own(town):
    assert not [name for name in town.bundle() if "pump" in name]
    assert [name for name in town.bundle("pumps") if role_of("pumps") in name]


def test_service_keys_are_for_the_hub_alone(town):
    for path in (town.home / "keys").iterdir():
        assert path.stat().st_mode & 0o777 == 0o600
    assert (town.home / "keys").stat().st_mode & 0o777 == 0o700


def test_holders_of_the_same_key_are_refused(town):
    key = (ED25519, holder(0).public)
    with pytest.raises(CeremonyError, match="same key"):
        town.ceremony().rotate({"a": key, "b": key}, 1, b"\x05" * 32)
