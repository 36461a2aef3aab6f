"""The guard's trust client in the shapes of tuf-conformance (case K13): what a hub that holds all
of its own keys, or somebody on the road, can and cannot make a guard believe."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.guard.trust_kit import (
    COMMUNE,
    GUARD,
    TIMESTAMP,
    Town,
    ago,
    envelope,
    holder,
    member,
    older,
    signed,
)
from tuf.api.metadata import Metadata, Role, Root

from beffroi.adapters.signers.file import SeedSigner
from beffroi.adapters.trust import ceremony, online
from beffroi.adapters.trust.tufkeys import key_of
from beffroi.guard.trust import Trust, TrustError
from beffroi.guard.trust_bundle import (
    BUNDLE_BYTES_MAX,
    BundleError,
    metadata_name,
    pack_bundle,
    role_of,
    unpack_bundle,
)
from beffroi.kernel.canonical import encode
from beffroi.kernel.keys import ED25519
from beffroi.kernel.limits import DAY_MS

HOUR_MS = 3_600_000


@pytest.fixture
def town(tmp_path):
    return Town(tmp_path)


def refused(town, files, match):
    """The bundle is refused for this reason, and what the guard believed stays."""
    before = town.guard.current()
    with pytest.raises(TrustError, match=match):
        town.take(files)
    assert town.guard.current() == before


# -- what should work ----------------------------------------------------------------------------
def test_a_guard_learns_the_roster_and_its_own_envelopes(town):
    trusted = town.take()
    assert {m.person for m in trusted.roster.members} == {"hub", "log", "p1"}
    assert set(trusted.envelopes) == {"lamp-1", "lamp-2"}
    assert trusted.roster.expires_ms == town.now_ms + DAY_MS


def test_it_is_there_after_a_restart_without_any_bundle(town):
    trusted = town.take()
    again = Trust(town.file, COMMUNE, GUARD, town.pinned)
    assert again.current() == trusted


def test_a_new_guard_trusts_nothing(town):
    assert town.guard.current() is None


def test_the_same_bundle_again_changes_nothing(town):
    town.take()
    before = town.file.read_bytes()
    town.take()
    assert town.file.read_bytes() == before


def test_a_bundle_survives_the_wire(town):
    files = town.bundle()
    assert unpack_bundle(pack_bundle(files)) == files


def test_a_guard_without_targets_still_learns_the_roster(tmp_path):
    town = Town(tmp_path, guard="new-guard")
    files = town.bundle("new-guard")
    trusted = town.guard.take(files, town.now_ms)
    assert not trusted.envelopes
    assert trusted.roster.commune == COMMUNE


def test_a_target_moves_to_another_guard(town):
    town.take()
    town.change(ceremony.put_envelopes([envelope("lamp-2", "pumps")]))
    town.publish()
    assert set(town.take().envelopes) == {"lamp-1"}
    other = Trust(town.file.with_name("pumps"), COMMUNE, "pumps", town.pinned)
    assert set(other.take(town.bundle("pumps"), town.now_ms).envelopes) == {"pump-1", "lamp-2"}


def test_fields_that_nobody_knows_are_signed_and_kept(town):
    forge = town.forge()
    root = forge.next_root()
    root.signed.unrecognized_fields["custom-field"] = {"a": 1}
    assert town.take(forge.files()).roster.version == 3


# -- freeze and expiry ---------------------------------------------------------------------------
def test_the_hub_keeps_a_guard_fresh(town):
    town.take()
    town.later(13 * HOUR_MS)
    assert town.take().roster.expires_ms == town.now_ms + DAY_MS


def test_a_frozen_guard_stops_believing_after_a_day(town):
    files = town.bundle()
    end_ms = town.take().roster.expires_ms
    town.now_ms += DAY_MS + 1
    refused(town, files, "timestamp.json is expired")
    assert town.guard.current().roster.expires_ms == end_ms < town.now_ms


def test_the_clock_is_the_guards_own(town):
    """Not the machine's: a bundle of 2026 read in 2030 by the guard's clock is refused."""
    with pytest.raises(TrustError, match="expired"):
        town.guard.take(town.bundle(), town.now_ms + 1_500 * DAY_MS)


@pytest.mark.parametrize("what", ["timestamp", "snapshot", "targets", "role"])
def test_expired_documents_are_refused(town, what):
    town.take()
    forge = town.forge()
    getattr(forge, what).signed.expires = ago(town)
    if what in ("targets", "role"):
        getattr(forge, what).signed.version += 1
    forge.point()
    refused(town, forge.files(), "expired")


def test_an_expired_root_is_learnt_and_stops_everything(town):
    town.take()
    forge = town.forge()
    forge.next_root().signed.expires = ago(town)
    refused(town, forge.files(), "root.json is expired")
    refused(town, town.bundle(), "root.json is expired")  # it cannot be unlearnt


def test_expired_local_copies_do_not_stop_an_update(town):
    town.take()
    town.put(envelope("lamp-1", low=30))
    town.publish()
    town.later(3 * DAY_MS)
    assert town.take().envelopes["lamp-1"].version == 2


def test_the_offline_end_bounds_a_hub_that_withholds_news(town):
    """It holds its own keys, so it can say "nothing new" each day, but not past the documents."""
    town.take()
    town.later(99 * DAY_MS)
    assert town.take().roster.expires_ms < town.now_ms + 1.01 * DAY_MS
    town.later(DAY_MS + 1)
    refused(town, None, "expired")


# -- rollback ------------------------------------------------------------------------------------
def test_an_older_timestamp_is_refused(town):
    old = town.bundle()
    town.later(13 * HOUR_MS)
    town.take()
    refused(town, old, "timestamp version")


def test_an_older_snapshot_is_refused(town):
    forge = town.forge()
    town.take()
    forge.snapshot.signed.version -= 1
    forge.timestamp.signed.version += 1
    forge.timestamp.signed.snapshot_meta.version = forge.snapshot.signed.version
    refused(town, forge.files(), "snapshot version")


@pytest.mark.parametrize("role", ["targets", "role"])
def test_a_snapshot_that_points_back_is_refused(town, role):
    old = town.forge()
    town.put(envelope("lamp-1", low=30))
    town.publish()
    town.take()
    forge = town.forge()
    setattr(forge, role, getattr(old, role))
    forge.point()
    refused(town, forge.files(), "BadVersionNumberError")


def test_a_snapshot_that_loses_a_role_is_refused(town):
    town.take()
    forge = town.forge()
    forge.point()
    del forge.snapshot.signed.meta[f"{role_of(GUARD)}.json"]
    refused(town, forge.files(), "missing info")


def test_a_timestamp_changed_without_a_version_changes_nothing(town):
    trusted = town.take()
    forge = town.forge()
    forge.timestamp.signed.snapshot_meta.version += 100
    assert town.take(forge.files()) == trusted


def test_a_version_of_the_snapshot_that_the_timestamp_does_not_name(town):
    town.take()
    forge = town.forge()
    forge.point()
    forge.snapshot.signed.version += 1
    refused(town, forge.files(), "not in the bundle")


def test_an_older_document_is_refused_even_when_it_is_signed_anew(town):
    """Our own rule: after a change of the hub's keys TUF has forgotten what it saw, we have not."""
    town.take()
    roster = town.guard.current().roster
    town.rotate_hub()
    town.publish()
    town.take()
    forge = town.forge()
    forge.put_roster(older(roster, 2))
    refused(town, forge.files(), "older than")


def test_an_older_envelope_is_refused_even_when_it_is_signed_anew(town):
    town.put(envelope("lamp-1", low=50))
    town.publish()
    town.take()
    forge = town.forge()
    forge.put_envelope(replace(envelope("lamp-1"), version=1, expires_ms=town.now_ms + DAY_MS))
    refused(town, forge.files(), "older than")


def test_other_people_at_the_root_begin_to_count_anew(town):
    """A version written far too high (a slip, or two stolen keys) is not for ever."""
    forge = town.forge()
    forge.put_roster(older(online.current(town.home)[0], 2**50))
    assert town.take(forge.files()).roster.version == 2**50
    town.holders |= {"h3": holder(3), "h4": holder(4)}
    town.rotate_hub("h2", "h3", "h4", present=("h0", "h2", "h3"))
    town.publish()
    assert town.take().roster.version == 4


# -- fast-forward (K5) ---------------------------------------------------------------------------
@pytest.mark.parametrize("what", ["timestamp", "snapshot", "targets", "role"])
def test_fast_forward_by_the_hub_is_recovered_by_the_root(town, what):
    """A hub moves a version far ahead: guards are stuck until the root names another hub key."""
    town.take()
    forge = town.forge()
    if what == "timestamp":
        forge.timestamp.signed.version = 2**40
    elif what == "snapshot":
        forge.snapshot.signed.version = 2**40
        forge.timestamp.signed.snapshot_meta.version = 2**40
        forge.timestamp.signed.version += 1
    else:
        forge.point(**{what: 2**40})
    with_lie = forge.files()
    if what in ("targets", "role"):
        refused(town, with_lie, "not in the bundle")
    else:
        town.take(with_lie)
    town.now_ms += HOUR_MS
    town.put(envelope("lamp-1", low=30))
    town.publish()
    refused(town, None, "BadVersionNumberError")
    town.rotate_hub()
    town.publish()
    trusted = town.take()
    assert trusted.envelopes["lamp-1"].version == 2


# -- keys and thresholds -------------------------------------------------------------------------
@pytest.mark.parametrize("what", ["targets", "role"])
@pytest.mark.parametrize("who", ["one holder", "the hub", "a stranger", "one holder and the hub"])
def test_documents_need_two_holders(town, what, who):
    forge = town.forge()
    some = {
        "one holder": [town.holders["h2"]],
        "the hub": [forge.service],
        "a stranger": [SeedSigner(b"s" * 32), SeedSigner(b"t" * 32)],
        "one holder and the hub": [town.holders["h0"], forge.service],
    }[who]
    refused(town, forge.files(**{what: some}), "was signed by [01]/2 keys")


def test_any_two_holders_will_do(town):
    forge = town.forge()
    town.take(forge.files(targets=[town.holders["h1"], town.holders["h2"]]))


def test_one_signature_twice_counts_once(town):
    files = town.bundle()
    name = next(name for name in files if name.endswith(".targets.json"))
    text = json.loads(files[name])
    text["signatures"] = [text["signatures"][0]] * 2
    refused(town, files | {name: json.dumps(text).encode()}, "Deserializ|deserializ|Multiple")


def test_a_holder_cannot_sign_freshness(town):
    forge = town.forge()
    refused(town, forge.files(timestamp=[town.holders["h0"]]), "was signed by 0/1")


def test_the_same_key_under_two_names_is_not_two_holders(town):
    key = (ED25519, town.holders["h0"].public)
    with pytest.raises(ceremony.CeremonyError, match="same key"):
        town.ceremony().rotate({"a": key, "b": key}, 2, b"\x05" * 32)


# -- rotation of the root ------------------------------------------------------------------------
def test_a_holder_is_replaced(town):
    town.take()
    town.holders["h3"] = holder(3)
    town.rotate(["h0", "h1", "h3"], ["h0", "h1", "h3"])
    town.publish()
    assert town.take().roster.version == 4
    forge = town.forge()
    forge.put_roster(town.guard.current().roster)
    old = [town.holders["h0"], town.holders["h2"]]
    refused(town, forge.files(targets=old), "was signed by 1/2")


def test_many_rotations_from_a_root_pinned_long_ago(town):
    for number in range(3, 8):
        name = f"h{number}"
        town.holders[name] = holder(number)
        last = list(town.holders)[-3:]
        town.rotate(last, list(town.holders)[-4:])
    town.publish()
    online.refresh(town.home, town.now_ms)
    assert town.take().roster.version == 3 + 5


@pytest.mark.parametrize("present", [["h0", "h2"], ["h3", "h4"], ["h0", "h3"]])
def test_a_root_needs_enough_of_the_old_and_of_the_new(town, present):
    for number in (3, 4):
        town.holders[f"h{number}"] = holder(number)
    forge = town.forge()
    root = forge.next_root()
    root.signed.roles["root"] = Role([], 2)
    for name in ("h0", "h3", "h4"):
        root.signed.add_key(key_of(ED25519, town.holders[name].public, name), "root")
    who = [town.holders[name] for name in present]
    refused(town, forge.files(root=who), "root was signed by [01]/2")


def test_a_root_cannot_be_left_out(town):
    for number in (3, 4):
        town.holders[f"h{number}"] = holder(number)
        town.rotate(
            [f"h{n}" for n in range(number - 2, number + 1)],
            [f"h{n}" for n in range(number - 2, number + 1)],
        )
    town.publish()
    files = town.bundle()
    del files[metadata_name("root", 2)]
    refused(town, files, "was signed by")


def test_a_root_of_the_wrong_version_is_refused(town):
    forge = town.forge()
    files = forge.files()
    refused(town, files | {metadata_name("root", 2): files[metadata_name("root", 1)]}, "version 2")


def test_a_pinned_root_without_its_signatures_is_refused(town):
    pinned: Metadata[Root] = Metadata.from_bytes(town.pinned)
    town.guard = Trust(town.file, COMMUNE, GUARD, signed(pinned, [SeedSigner(b"s" * 32)]))
    refused(town, None, "was signed by 0/2")


def test_a_pinned_root_that_is_no_root_is_refused(town):
    for data in (b"", b"{}", b"null", town.bundle()[TIMESTAMP]):
        town.guard = Trust(town.file, COMMUNE, GUARD, data)
        refused(town, None, ".")


# -- content: mix and match, wrong hash, left out, endless ----------------------------------------
def test_another_rosters_bytes_are_refused(town):
    files = town.bundle()
    old = files["targets/roster.cbor"]
    town.change(ceremony.revoke("p1"))
    town.publish()
    refused(town, town.bundle() | {"targets/roster.cbor": old}, "LengthOrHashMismatch|length")


def test_old_envelopes_under_a_new_roster_are_refused(town):
    old = town.bundle()
    town.put(envelope("lamp-1", low=90))
    town.publish()
    mixed = town.bundle() | {n: d for n, d in old.items() if n.startswith("targets/envelopes")}
    refused(town, mixed, "length|hash|Length")


def test_an_envelope_cannot_be_left_out(town):
    files = town.bundle()
    del files["targets/envelopes/lamp-2.cbor"]
    refused(town, files, "lamp-2.cbor is not in the bundle")


def test_two_envelopes_cannot_change_places(town):
    files = town.bundle()
    one, two = "targets/envelopes/lamp-1.cbor", "targets/envelopes/lamp-2.cbor"
    refused(town, files | {one: files[two], two: files[one]}, "length|hash|Length")


@pytest.mark.parametrize(
    "other",
    [{"guard": "pumps"}, {"commune": "elsewhere"}, {"target": "lamp-9"}],
    ids=lambda one: next(iter(one)),
)
def test_an_envelope_signed_for_another_place_is_refused(town, other):
    """Even when the holders have signed it by mistake."""
    forge = town.forge()
    forge.put_envelope(replace(envelope("lamp-1"), **other), "envelopes/lamp-1.cbor")
    refused(town, forge.files(), "lamp-1.cbor is for")


def test_a_roster_of_another_commune_is_refused(town):
    forge = town.forge()
    forge.put_roster(replace(online.current(town.home)[0], commune="elsewhere"))
    refused(town, forge.files(), "not of lourmarin")


def test_a_signed_document_that_is_no_document_is_refused(town):
    forge = town.forge()
    forge.put_roster(online.current(town.home)[0])
    data = b"\xa1aa\x01"
    info = forge.targets.signed.targets["roster.cbor"]
    forge.targets.signed.targets["roster.cbor"] = type(info).from_data(
        "roster.cbor", data, ["sha256"]
    )
    forge.documents["targets/roster.cbor"] = data
    refused(town, forge.files(), "unreadable")


@pytest.mark.parametrize("what", ["timestamp", "snapshot", "targets", "guard-cabinet-1"])
def test_metadata_of_another_kind_is_refused(town, what):
    files = town.bundle()
    name = TIMESTAMP if what == "timestamp" else next(n for n in files if f".{what}." in n)
    wrong = files[TIMESTAMP] if what != "timestamp" else files[metadata_name("root", 1)]
    refused(town, files | {name: wrong}, ".")


def test_endless_data_stop_at_a_limit(town):
    files = town.bundle()
    refused(town, files | {TIMESTAMP: files[TIMESTAMP] + b" " * 10_000}, "exceeding")
    long = files["targets/roster.cbor"] + b"\x00" * 100_000
    refused(town, files | {"targets/roster.cbor": long}, "exceeding")
    with pytest.raises(BundleError, match="more than"):
        unpack_bundle(b"\x00" * (BUNDLE_BYTES_MAX + 1))


@pytest.mark.parametrize("data", [b"[" * 200_000, b'{"a":' * 40_000, b"9" * 200_000, b"\xff" * 9])
def test_bombs_for_the_parser_are_refused(town, data):
    files = town.bundle()
    name = next(name for name in files if name.endswith(".targets.json"))
    refused(town, files | {name: data}, "DeserializationError")


@pytest.mark.parametrize("data", [{}, {"files": 1}, {"files": {"a": "text"}}, {"x": {}}, []])
def test_what_is_no_bundle_is_refused(data):
    with pytest.raises(BundleError):
        unpack_bundle(encode(data))


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_changed_byte_never_changes_what_is_believed(town, data):
    files = town.bundle()
    trusted = town.take(files)
    name = data.draw(st.sampled_from(sorted(files)))
    at = data.draw(st.integers(0, len(files[name]) - 1))
    bit = data.draw(st.integers(0, 7))
    raw = bytearray(files[name])
    raw[at] ^= 1 << bit
    fresh = Trust(town.file.with_name("fresh"), COMMUNE, GUARD, town.pinned)
    try:
        assert fresh.take(files | {name: bytes(raw)}, town.now_ms) == trusted
    except TrustError:
        assert fresh.current() in (None, trusted)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(junk=st.dictionaries(st.sampled_from(["timestamp", "root", "x"]), st.binary(max_size=99)))
def test_junk_is_refused_with_a_sentence(town, junk):
    files = town.bundle() | {f"metadata/{n}.json": d for n, d in junk.items()}
    files |= {metadata_name("root", 2): junk.get("root", b"{")}
    fresh = Trust(town.file.with_name("fresh"), COMMUNE, GUARD, town.pinned)
    with pytest.raises(TrustError):
        fresh.take(files, town.now_ms)


# -- the file ------------------------------------------------------------------------------------
def test_a_damaged_file_is_put_aside_and_the_next_bundle_heals(town):
    trusted = town.take()
    town.file.write_bytes(town.file.read_bytes()[:-1])
    again = Trust(town.file, COMMUNE, GUARD, town.pinned)
    assert again.current() is None
    assert town.file.with_name("trust.damaged").exists()
    assert again.take(town.bundle(), town.now_ms) == trusted


def test_what_cannot_be_kept_is_not_believed(town, tmp_path):
    trust = Trust(tmp_path / "blocked" / "trust", COMMUNE, GUARD, town.pinned)
    (tmp_path / "blocked").write_bytes(b"a file where a folder must be")
    with pytest.raises(FileExistsError):
        trust.take(town.bundle(), town.now_ms)
    assert trust.current() is None


def test_what_was_seen_in_a_refused_bundle_is_not_unseen(town):
    """A newer timestamp stays known although the rest was missing."""
    old = town.bundle()
    town.take(old)
    town.put(envelope("lamp-1", low=30))
    town.publish()
    files = {n: d for n, d in town.bundle().items() if not n.startswith("targets/")}
    refused(town, files, "not in the bundle")
    refused(town, old, "version")
    again = Trust(town.file, COMMUNE, GUARD, town.pinned)
    with pytest.raises(TrustError, match="version"):
        again.take(old, town.now_ms)


def test_a_member_revoked_is_gone_with_the_next_bundle(town):
    assert "p1" in {m.person for m in town.take().roster.members}
    town.change(ceremony.revoke("p1"))
    town.publish()
    assert "p1" not in {m.person for m in town.take().roster.members}
    town.change(ceremony.add_member(member("p2", 12)))
    town.publish()
    assert "p2" in {m.person for m in town.take().roster.members}
