"""The cases of the fault-and-attack campaign, by number, and what shows each: tests and scripts.

F faults, M messages, K keys and authority, L log. A test is named by its place in the tree; an id
that ends in `[x` stands for all parameters that begin so. A script is a command line below
`bench/`. What is not shown, or shown in part, is said in `note`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

COUNTS = {"F": 21, "M": 14, "K": 14, "L": 6}
NUMBERS = [f"{kind}{n}" for kind, count in COUNTS.items() for n in range(1, count + 1)]


@dataclass(frozen=True, slots=True)
class Case:
    """`tests` run in every `make test`; `scripts` only in the campaign."""

    what: str
    tests: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()
    note: str = ""


def _in(path: str, *names: str) -> tuple[str, ...]:
    """Tests of one file; no name: all of it."""
    return tuple(f"tests/{path}::{name}" for name in names) or (f"tests/{path}",)


def _attacks(*reasons: str) -> Iterable[str]:
    return (f"tests/kernel/test_rules.py::test_attack[{reason}-" for reason in reasons)


# Named by many cases: the campaign runs it once. With every broken guard, not ten as `make test`.
KIT = _in(
    "lab/conformance/test_kit.py",
    "test_our_guard_keeps_every_rule",
    "test_each_broken_guard_breaks_its_rule",
)
_FORGED = "hub/dispatch/test_attacks.py"

CASES: dict[str, Case] = {
    "F1": Case(
        "kill -9 of hub, broker and gate under load: nothing acknowledged is lost",
        (
            *_in("lab/test_faults.py", "test_kill_9_loses_nothing"),
            *_in("adapters/sql/test_readings.py",
                 "test_a_killed_writer_loses_nothing_that_was_acknowledged"),
            *_in("hub/ingest/test_loop.py", "test_killed_between_commit_and_acknowledgement"),
        ),
        (
            "faults_hub.py kill --times 12",
            "faults_store.py kill --times 25",
            "faults_commands.py --kills 6",
        ),
        "a short run; the figures page has one of 200 kills",
    ),
    "F2": Case(
        "kill at every named step",
        (
            *_in("hub/dispatch/test_crash.py"),
            *_in("guard/test_memory.py",
                 "test_cut_at_every_step_a_command_acts_at_most_once_and_ends_in_a_receipt"),
            *_in("adapters/log/test_log.py", "test_every_write_may_fail",
                 "test_a_second_crash_during_the_recovery"),
        ),
    ),
    "F3": Case("power cut: unsynced writes are gone", (), ("faults_store.py cut --times 40",)),
    "F4": Case(
        "torn write: the last page is half there",
        (
            *_in("guard/test_memory.py", "test_a_torn_last_receipt_is_no_damage"),
            *_in("adapters/used/test_file.py", "test_a_torn_last_record_is_cut_off"),
        ),
        ("faults_store.py cut --times 25 --seed 4",),
    ),
    "F5": Case(
        "fsync answers EIO at the Nth call",
        (
            *_in("guard/test_memory.py", "test_a_disk_that_fails_before_acting_means_no_act",
                 "test_a_disk_that_fails_after_acting_means_no_receipt_and_an_honest_end"),
            *_in("adapters/log/test_log.py",
                 "test_after_a_failed_write_the_same_process_goes_on"),
        ),
        ("faults_store.py eio --times 20", "faults_broker.py fsync"),
    ),
    "F6": Case(
        "disk full during ingest, commit, log append; goes on when there is room",
        _in("adapters/log/test_log.py",
            "test_a_full_disk_is_refused_and_goes_on_when_there_is_room"),
        ("faults_hub.py full", "faults_broker.py full", "faults_store.py full --times 20"),
    ),
    "F7": Case(
        "the file system becomes read-only under a running commune",
        _in("hub/house/test_keeper.py", "test_an_alarm_comes_and_goes"),
        ("faults_hub.py readonly",),
    ),
    "F8": Case("1 % of writes fail", (), ("faults_store.py writes --times 15",)),
    "F9": Case("database cut short, bits flipped", _in("adapters/sql/test_damage.py")),
    "F10": Case(
        "database deleted or put back to last week",
        (
            *_in("attacks/log/test_campaign.py", "test_l3_the_database_alone_put_back",
                 "test_l3_the_database_alone_lost"),
            *_in("adapters/trust/test_ceremony.py",
                 "test_a_home_restored_from_a_backup_is_not_behind"),
            *_in("hub/dispatch/test_receipts.py", "test_a_memory_put_back_is_told"),
            *_in(_FORGED, "test_m2_an_older_command_after_a_newer_one_is_refused"),
        ),
    ),
    "F11": Case(
        "clocks jump: +1 h, -1 h, 10 years, back a hundred times",
        (
            *_in("hub/dispatch/test_clock.py"),
            *_in("guard/test_time.py"),
            *_in("hub/house/test_judge.py",
                 "test_f11_a_clock_that_jumps_is_told_and_then_forgotten"),
        ),
    ),
    "F12": Case(
        "a clock stands still; the lease follows the monotonic one",
        (
            *_in("guard/test_time.py",
                 "test_a_frozen_wall_clock_does_not_stretch_a_lease_nor_a_life"),
            *_in("hub/dispatch/test_clock.py",
                 "test_f12_a_clock_that_stands_still_holds_nothing_up"),
            *_in("hub/house/test_judge.py", "test_f12_a_clock_that_stands_still_is_told"),
        ),
    ),
    "F13": Case(
        "memory limit at 1.2 of what is used",
        _in("lab/test_faults.py", "test_starved_it_loses_nothing"),
        ("faults_hub.py starve",),
        "data segment of the hub (prlimit); the broker's soft limit is its own setting",
    ),
    "F14": Case(
        "no file descriptors left: new visitors are refused, devices go on",
        _in("lab/test_faults.py", "test_starved_it_loses_nothing"),
        ("faults_hub.py starve --short --seed 14",),
    ),
    "F15": Case(
        "SIGSTOP, then CONT: guards fall back, nothing stale is done",
        (
            *_in("guard/test_time.py",
                 "test_a_guard_that_slept_longer_than_its_lease_falls_back_before_anything_else"),
            *_in("lab/test_faults.py", "test_starved_it_loses_nothing"),
            *KIT,
        ),
    ),
    "F16": Case(
        "hub away, devices buffer: everything arrives once",
        (
            *_in("adapters/nats/test_gate.py",
                 "test_hub_down_devices_reconnect_and_their_messages_come_later_once"),
            *_in("hub/ingest/test_loop.py", "test_what_came_while_the_hub_was_down"),
            *_in("hub/ingest/test_pipeline.py",
                 "test_a_device_that_kept_a_month_loses_nothing"),
        ),
        ("faults_broker.py away",),
        "the messages of an hour, not its 60 minutes",
    ),
    "F17": Case(
        "a thousand devices come back at once",
        (),
        ("reconnect.py --devices 1000 --rounds 2",),
        "all come back; how fast is printed, not judged",
    ),
    "F18": Case(
        "broker restarts in mid-flow",
        (
            *_in("adapters/nats/test_bus.py",
                 "test_kill_9_of_the_broker_under_load_loses_nothing_acknowledged"),
            *_in("hub/ingest/test_loop.py", "test_the_broker_goes_away_and_comes_back"),
            *KIT,
        ),
        ("faults_broker.py kill --times 20",),
    ),
    "F19": Case(
        "one-way partition between device or guard and hub",
        (
            *_in("attacks/net/test_lines.py",
                 "test_f19_a_one_way_line_ends_in_a_fresh_connection"),
            *_in("attacks/net/test_guard_lines.py"),
            *_in("guard/test_core.py",
                 "test_silence_falls_back_once_and_the_hub_alone_does_not_undo_it"),
        ),
        (),
        "by a TCP relay, not by the kernel's packet filter",
    ),
    "F20": Case(
        "half of what is sent is lost, long delays, a trickle",
        _in("attacks/net/test_lines.py", "test_f20_a_bad_line_delays_and_loses_nothing",
            "test_f20_one_byte_a_second_holds_up_nobody_else"),
        (),
        "loss is felt through TCP as further round trips",
    ),
    "F21": Case(
        "half-open connection; RST in mid-PUBLISH",
        _in("attacks/net/test_lines.py",
            "test_f21_a_reset_in_mid_publish_is_sent_again_as_duplicate",
            "test_f21_a_half_open_connection_is_replaced_by_the_same_device"),
    ),
    "M1": Case(
        "duplicates, up to a hundred times: one row, one effect",
        (
            *_in(_FORGED, "test_m1_duplicates_have_one_effect_and_one_receipt"),
            *_in("hub/ingest/test_properties.py",
                 "test_any_order_duplication_and_restarts"),
        ),
    ),
    "M2": Case(
        "another order, devices mixed: the last by device time",
        (
            *_in("hub/ingest/test_properties.py",
                 "test_any_order_duplication_and_restarts",
                 "test_a_watch_sees_each_series_forward_and_once"),
            *_in(_FORGED, "test_m2_an_older_command_after_a_newer_one_is_refused"),
        ),
    ),
    "M3": Case(
        "yesterday's capture again",
        (*_in(_FORGED, "test_m3_yesterdays_capture_is_refused"), *_attacks("replayed")),
    ),
    "M4": Case(
        "malformed MQTT, each packet type",
        (
            *_in("attacks/mqtt/test_topics.py", "test_malformed_packets_hurt_nobody_else",
                 "test_garbage_before_connect_hurts_nobody"),
            *_in("guard/test_mqtt.py"),
            *KIT,
        ),
        (),
        "processor time of the broker is not judged",
    ),
    "M5": Case(
        "10 MB sent, 256 MB declared",
        _in("attacks/mqtt/test_topics.py", "test_m5_what_is_declared_is_not_made_room_for",
            "test_too_large_a_payload_closes_only_its_sender"),
    ),
    "M6": Case(
        "JSON: depth, 1e400, NaN, double keys, lone surrogates, huge numbers, BOM",
        _in("hub/links/test_mqtt_json.py", "test_hostile_json_is_refused_in_bounded_time",
            "test_any_bytes"),
    ),
    "M7": Case(
        "CBOR: nests, huge lengths, tags, other forms",
        _in("kernel/test_canonical.py"),
    ),
    "M8": Case(
        "compressed bombs: HTTP body, imports, backups, XML",
        (
            *_in("api/test_bombs.py"),
            *_in("adapters/cap/test_cap.py", "test_hostile_xml_is_refused"),
            *_in("guard/test_trust.py", "test_bombs_for_the_parser_are_refused"),
            *_in("adapters/test_copies.py", "test_a_hostile_copy_writes_nothing"),
        ),
    ),
    "M9": Case(
        "images: 30,000 x 30,000 PNG, SVG with script, GPS in EXIF",
        _in("attacks/images/test_images.py"),
    ),
    "M10": Case(
        "codecs: endless loop, 4 GB, recursion, ReDoS, prototypes, files, network",
        (*_in("attacks/codecs/test_hostile.py"), *_in("attacks/codecs/test_jail.py")),
    ),
    "M11": Case(
        "codec gives NaN, 1e308, a million keys",
        _in("adapters/codecs/test_output.py"),
    ),
    "M12": Case(
        "topics of others, SUBSCRIBE #, $SYS, wills: refused and told",
        (
            *_in("attacks/mqtt/test_topics.py",
                 "test_subscriptions_to_what_is_not_ones_own",
                 "test_publishing_on_what_is_not_ones_own",
                 "test_a_will_for_somebody_else_is_not_sent"),
            *_in("hub/house/test_judge.py",
                 "test_refusals_are_counted_by_device_and_forgotten"),
        ),
    ),
    "M13": Case(
        "device A as B; a gateway for what is not its child",
        (
            *_in("hub/ingest/test_pipeline.py", "test_a_gateway_speaks_for_its_children_only",
                 "test_a_device_cannot_speak_for_another",
                 "test_a_foreign_key_in_tele_is_not_an_identity"),
            *_in("attacks/mqtt/test_identity.py",
                 "test_another_ones_client_id_does_not_kick_and_gets_no_queue"),
            *_in("adapters/nats/test_gate.py", "test_only_a_gateway_may_send_batches"),
        ),
    ),
    "M14": Case(
        "one device floods: its quota, the others are heard",
        _in("hub/ingest/test_pipeline.py", "test_a_flood_is_one_row_and_others_are_heard",
            "test_large_rubbish_counts_for_its_bytes"),
        ("flood.py",),
        "the quota is judged; others' p99 beside a flood is printed, and misses 1.5 times alone",
    ),
    "K1": Case(
        "one of two signatures; a key twice; a person with two keys",
        (
            *_in(_FORGED, "test_k1_one_of_two_signatures_is_not_enough_at_the_guard"),
            *_attacks("same_person_twice", "too_few_persons"),
            *KIT,
        ),
    ),
    "K2": Case(
        "root on the hub forges every kind of command",
        (
            *_in(_FORGED, "test_k2_"),
            *_in("hub/dispatch/test_street.py",
                 "test_root_on_the_hub_gets_nothing_but_class_a_from_a_real_guard"),
            *_in("kernel/test_hostile.py"),
        ),
        ("hostile.py --count 100000 --no-rate",),
    ),
    "K3": Case(
        "well signed, outside the envelope",
        (
            *_attacks("outside_envelope", "class_too_low"),
            "tests/kernel/test_rules.py::test_property[rule9-",
            *KIT,
        ),
    ),
    "K4": Case(
        "a hundred legal small steps",
        (*_attacks("too_fast", "too_often", "fleet_limit"), *KIT),
    ),
    "K5": Case(
        "replay, equal counter, a jump of 2^63, an older epoch; recovery by the root",
        (
            *_attacks("replayed", "counter_jump", "other_epoch"),
            *_in("guard/test_trust.py", "test_fast_forward_by_the_hub_is_recovered_by_the_root"),
            *KIT,
        ),
    ),
    "K6": Case(
        "the guard's flash put back to an older image",
        (
            *_in("guard/test_memory.py", "test_a_restored_image_accepts_nothing_of_before"),
            *_attacks("other_start"),
            *KIT,
        ),
    ),
    "K7": Case(
        "over by 1 ms, not yet, living too long",
        (
            *_attacks("expired", "not_yet", "lives_too_long"),
            "tests/kernel/test_rules.py::test_border",
            *KIT,
        ),
    ),
    "K8": Case(
        "other bytes for the same thing, well signed",
        (*_attacks("unreadable", "bad_signature"),),
    ),
    "K9": Case(
        "a stolen certificate used elsewhere: two sessions",
        (
            *_in("attacks/mqtt/test_certificates.py",
                 "test_k9_a_stolen_certificate_used_elsewhere_is_kicked_and_told"),
            *_in("hub/house/test_keeper.py",
                 "test_k9_a_fight_for_a_certificate_is_grave_at_the_third_time"),
            *KIT,
        ),
        (),
        "told at the third takeover within a minute",
    ),
    "K10": Case(
        "revoked device or operator, guard offline",
        (
            *_in("guard/test_trust_judged.py", "test_k10_"),
            *_in("adapters/nats/test_gate.py",
                 "test_revocation_cuts_the_live_connection_and_refuses_the_next",
                 "test_a_device_revoked_while_no_gate_ran_is_cut_when_one_starts"),
        ),
    ),
    "K11": Case(
        "expired authority, wrong use, self-signed, SHA-1, TLS 1.0, no certificate",
        (
            *_in("attacks/mqtt/test_certificates.py", "test_k11_"),
            *_in("attacks/mqtt/test_identity.py",
                 "test_wrong_or_missing_certificates_and_old_tls",
                 "test_a_key_that_fits_no_certificate_cannot_be_used"),
        ),
    ),
    "K12": Case(
        "the hub shows A and sends B to be signed",
        _in("cli/test_sign.py",
            "test_k12_the_signer_says_what_was_sent_not_what_was_shown",
            "test_a_value_cannot_pretend_to_be_our_sentence"),
        (),
        "with golden texts; not tried on people",
    ),
    "K13": Case(
        "TUF: rollback, freeze, fast-forward, mix and match, endless data",
        _in("guard/test_trust.py"),
        (),
        "our own cases after those of tuf-conformance, which is no package that can be installed",
    ),
    "K14": Case(
        "one person approves twice by a second account or key",
        (
            *_in("guard/test_trust_judged.py", "test_k14_"),
            *_in("hub/dispatch/test_course.py",
                 "test_k14_one_person_does_not_count_twice_by_key_or_account"),
        ),
    ),
    "L1": Case(
        "an entry changed or deleted",
        _in("attacks/log/test_campaign.py", "test_l1_"),
    ),
    "L2": Case("the tail cut off", _in("attacks/log/test_campaign.py", "test_l2_")),
    "L3": Case("rollback; a split view", _in("attacks/log/test_campaign.py", "test_l3_")),
    "L4": Case(
        "checkpoints wrong in one way",
        (
            *_in("attacks/log/test_campaign.py", "test_l4_"),
            *_in("kernel/test_logged.py", "test_a_note_that_must_fail"),
        ),
    ),
    "L5": Case(
        "a witness away, all away: what needs one waits, the rest goes on",
        (
            *_in("hub/dispatch/test_clock.py",
                 "test_l5_without_witnesses_class_a_and_b_go_on_and_what_needs_one_waits"),
            *_in("hub/dispatch/test_witnessed.py"),
            *_in("hub/dispatch/test_course.py", "test_breaking_the_glass_is_loud",
                 "test_a_witnessed_command_waits_for_a_witness_and_then_expires"),
            *_in("adapters/log/test_witnesses.py",
                 "test_feeding_reports_once_when_it_goes_wrong_and_when_it_is_well"),
        ),
    ),
    "L6": Case(
        "personal data in the log",
        _in("attacks/log/test_campaign.py", "test_l6_"),
    ),
}  # fmt: skip
