"""Every attacker against one commune of real processes: nothing moves, and the proof holds.

The long form (`beffroi lab attack all`, a commune for each) is part of `make campaign`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from beffroi.cli import lab
from beffroi.evidence.statement import State
from beffroi.evidence.verify import verify
from beffroi.kernel.roster import Roster
from beffroi.lab.attackers import forge, stage
from beffroi.lab.attackers.score import BARRIERS, Outcome, Score, Try, words_of
from beffroi.lab.attackers.stage import CAST, StageError, play, play_all
from beffroi.lab.attackers.town import INCIDENT, Town
from beffroi.model.asset import Label

pytestmark = pytest.mark.timeout(300)

# Each with reasons that must be among what stopped it: an attack that fails by accident is none.
MUST = {
    "all-green": {"unknown_action", "outside_envelope", "awaiting", "unknown_key"},
    "false-alert": {"outside_envelope", "awaiting", "same_person_twice", "not_from_hub"},
    "lights-off": {"tls", "sign_in_needed", "sign_in_failed", "broker"},
    "water-theft": {"outside_envelope", "awaiting", "no_personal_data", "role"},
    "unpaid-parking": {"refused_offline"},
    "malicious-operator": {"same_person_twice", "another_command", "unknown_target"},
    "stolen-certificate": {"no_key", "broker", "revoked"},
    "raw-writes": {"read_back"},
    "raw-snmp": {"snmp", "read_back", "unknown_key", "not_from_hub"},
    "root-on-the-hub": {
        "too_few_persons", "unknown_key", "wrong_role", "bad_signature", "other_start",
        "same_receipt", "unreadable", "trust_kept", "witness",
    },
    "stolen-laptop": {"awaiting", "same_person_twice", "unknown_key"},
}  # fmt: skip


async def test_no_attack_has_an_effect(tmp_path: Path) -> None:
    assert MUST.keys() == CAST.keys()
    async with Town(tmp_path / "commune") as town:
        outcomes = {name: await play(town, name, tmp_path / "proof") for name in MUST}
        await control(town)
        incidents = town.incidents(0)
        roster = town.roster
    for name, one in outcomes.items():
        assert one.effects == 0, (name, one.effects_seen)
        assert one.held, name
        stopped = {reason for tried in one.tries for reason in tried.stopped}
        assert stopped >= MUST[name], (name, stopped)
        check_evidence(one, roster)
    verified_offline(Path(outcomes["all-green"].evidence))
    # The first two attacks come within minutes: one attack to whoever looks at the town.
    assert [one.rule for one in incidents] == [INCIDENT]
    first = outcomes["all-green"]
    assert (first.incidents, outcomes["false-alert"].incidents) == (1, 0)
    assert 0 <= first.noticed_ms < 60_000
    assert sum(one.within for one in outcomes.values()) == 2  # the rules allow these two


async def control(town: Town) -> None:
    """That the ledger would show an effect: two persons sign what root alone could not have."""
    from beffroi.adapters.trust import online

    lamp, score = town.targets("luminaire")[0], Score(town)
    made = forge.command(town, lamp, "dim", {"level_pct": 0, "minutes": 45})
    keys = [town.trustees.seed(name) for name in ("eaux", "adjoint")]
    hub = online.seed(town.home, "hub")
    refused = await forge.fire(town, [(made.guard, forge.wire(made, hub, *keys))])
    assert refused["wrong_role"] == 1
    keys = [town.trustees.seed(name) for name in ("maire", "adjoint")]
    made = forge.command(town, lamp, "dim", {"level_pct": 0, "minutes": 45})
    done = await forge.fire(town, [(made.guard, forge.wire(made, hub, *keys))])
    assert done["done"] == 1
    assert [one.target for one in score.moved()] == [lamp]


def check_evidence(one: Outcome, roster: Roster) -> None:
    """It verifies offline; one byte changed breaks it, and the entry is named."""
    path = Path(one.evidence)
    data = path.read_bytes()
    assert verify(data, roster.encoded()).ok, one.name
    at, index = _an_entry(data)
    broken = bytearray(data)
    broken[at] = ord("B") if broken[at] != ord("B") else ord("C")
    report = verify(bytes(broken), roster.encoded())
    assert not report.ok, one.name
    named = [item.index for item in report.statements if item.state == State.BROKEN]
    assert index in named, (one.name, index)


def _an_entry(data: bytes) -> tuple[int, int]:
    """(where a byte of an entry's base64 stands, the entry's index)."""
    for line in data.splitlines(keepends=True):
        words = line.split()
        if len(words) >= 3 and words[0] == b"entry" and words[1].isdigit():
            start = data.index(line) + line.index(words[2])
            return start + len(words[2]) // 2, int(words[1])
    raise AssertionError(data[:600])


def verified_offline(proof: Path) -> None:
    """By `beffroi verify`, without a home."""
    run = [sys.executable, "-m", "beffroi", "verify", str(proof)]
    checked = subprocess.run(run, capture_output=True, text=True, timeout=120, check=False)
    assert checked.returncode == 0, checked.stdout
    assert "temoin.voisine" in checked.stdout


def outcome(effects: int) -> Outcome:
    tried = Try(Label("des octets", "bytes"), 3, {"tls": 3}, words_of({"tls": 3}))
    story = CAST["all-green"].STORY
    seen = ("lamp-1: dim",) * effects
    return Outcome("all-green", story, (tried,), effects, seen, 0, 1, 410, 900, evidence="p.txt")


@pytest.mark.parametrize(("effects", "code"), [(0, 0), (1, 1)])
def test_the_command_says_what_happened_and_ends_accordingly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, effects: int, code: int
) -> None:
    """The real command with real attacks is run by `make campaign`."""

    async def played(*_: object, **__: object) -> list[Outcome]:
        return [outcome(effects)]

    monkeypatch.setattr(stage, "play_all", played)
    out = tmp_path / "out.json"
    say = ["attack", "all-green", "--home", str(tmp_path / "lab"), "--json", str(out)]
    french = CliRunner().invoke(lab.app, say)
    assert french.exit_code == code, french.output
    assert "Ce qui l’a arrêté" in french.output
    assert f"{1 - effects} / 1 attaques sans effet" in french.output
    english = CliRunner().invoke(lab.app, [*say, "--english"])
    assert "certificate required (TLS) (3)" in english.output
    (told,) = json.loads(out.read_text())
    assert (told["effects"], told["held"]) == (effects, not effects)


def test_something_that_nothing_stopped_is_no_success() -> None:
    open_door = replace(outcome(0), tries=(Try(Label("x", "x"), 1, {}, words_of({})),))
    assert not open_door.held


async def test_an_unknown_attack_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="there are all-green"):
        await play_all(tmp_path, ["ransom"])


def test_every_attack_tells_its_story() -> None:
    for name, attack in CAST.items():
        story = attack.STORY
        for label in (story.title, story.tale, story.has, story.stops):
            assert label.fr, name
            assert label.en, name
        assert attack.__doc__, name
    assert all(label.fr and label.en for label in BARRIERS.values())
