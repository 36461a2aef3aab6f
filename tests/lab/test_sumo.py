"""Junctions from SUMO networks: Wildau's as they are, made ones, and hostile XML."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beffroi.domains.signal_junction import PEDESTRIAN
from beffroi.domains.signal_proof import prove, story
from beffroi.lab import sumo, sumo_net
from beffroi.lab.sumo import Found, networks
from beffroi.lab.sumo_net import SumoError

# Two one-way roads that cross, pedestrians over the exit of the first. Right-of-way table: links 0
# (south to north) and 1 (west to east) meet; the crossing is number 2 and meets link 0.
NET = """<net version="1.9">
  <location convBoundary="0,0,100,100" origBoundary="2.0,46.0,2.1,46.1"/>
  <edge id="s" name="rue du Sud">
    <lane id="s_0" speed="13.89" length="50" shape="50,0 50,40"/></edge>
  <edge id="w"><lane id="w_0" speed="13.89" length="50" shape="0,50 40,50"/></edge>
  <edge id="n"><lane id="n_0" speed="13.89" length="50" shape="50,60 50,100"/></edge>
  <edge id="e"><lane id="e_0" speed="13.89" length="50" shape="60,50 100,50"/></edge>
  <edge id=":j_0"><lane id=":j_0_0" speed="13.89" length="20" shape="50,40 50,60"/></edge>
  <edge id=":j_1"><lane id=":j_1_0" speed="13.89" length="20" shape="40,50 60,50"/></edge>
  <edge id=":j_c0" function="crossing" crossingEdges="n">
    <lane id=":j_c0_0" speed="1" length="7" shape="45,58 55,58"/></edge>
  <tlLogic id="t" type="static" programID="0" offset="0">{phases}</tlLogic>
  <junction id="j" type="traffic_light" x="50" y="50">
    <request index="0" response="000" foes="110"/>
    <request index="1" response="001" foes="001"/>
    <request index="2" response="001" foes="001"/>
  </junction>
  <connection from="s" to="n" fromLane="0" toLane="0" via=":j_0_0" tl="t" linkIndex="0" dir="s"/>
  <connection from="w" to="e" fromLane="0" toLane="0" via=":j_1_0" tl="t" linkIndex="1" dir="s"/>
  <connection from=":j_w0" to=":j_c0" fromLane="0" toLane="0" tl="t" linkIndex="2" dir="s"/>
</net>"""
SOUND = "20:Grr 3:yrr 2:rrr 20:rGG 6:rGr 3:ryr 7:rrr"


def net(program: str, **changes: str) -> bytes:
    """A program as "seconds:lamps", or "least-most:lamps" for an actuated phase."""
    phases = ""
    for one in program.split():
        seconds, lamps = one.split(":")
        least, _, most = seconds.partition("-")
        bounds = f' minDur="{least}" maxDur="{most}"' if most else ""
        phases += f'<phase duration="{least}" state="{lamps}"{bounds}/>'
    text = NET.replace("{phases}", phases)
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    return text.encode()


def one(program: str) -> Found:
    (found,) = networks(net(program))
    return found


def broken(program: str) -> set[str]:
    proof = one(program).written
    assert proof is not None
    return {wrong.rule for wrong in (proof.wrong, *proof.also) if wrong}


def test_a_sound_program_is_proven_as_it_is_written() -> None:
    found = one(SOUND)
    assert found.junction is not None
    assert found.written is not None
    assert found.proof is not None
    assert found.written.holds, story(found.junction, found.written)
    assert found.proof.holds
    assert found.place == (2.05, 46.05)
    assert [group.name for group in found.junction.groups] == [
        "V rue du Sud [0]", "V w [1]", "P :j_c0 [2]"]  # fmt: skip
    assert found.junction.groups[2].kind == PEDESTRIAN
    assert found.junction.conflicts == {(0, 1): 200, (1, 0): 200, (0, 2): 200, (2, 0): 70}
    stages = found.junction.plans[1].stages
    assert [(sorted(stage.green), stage.green_s) for stage in stages] == [
        ([0], 20), ([1, 2], 20), ([1], 6)]  # fmt: skip


def test_a_program_has_no_beginning() -> None:
    """The red before its first phase is that of its last one: here two seconds over the join."""
    assert not broken("1:rrr 20:rGG 6:rGr 3:ryr 7:rrr 20:Grr 3:yrr 1:rrr")
    assert broken("1:rrr 20:rGG 6:rGr 3:ryr 7:rrr 20:Grr 3:yrr") == {"clearance"}


@pytest.mark.parametrize(
    ("program", "rule"),
    [
        ("20:Grr 2:yrr 3:rrr 20:rGG 6:rGr 3:ryr 7:rrr", "amber_short"),
        ("20:Grr 4:yrr 2:rrr 20:rGG 6:rGr 3:ryr 7:rrr", "amber_long"),
        ("20:Grr 3:yrr 1:rrr 20:rGG 6:rGr 3:ryr 7:rrr", "clearance"),
        ("20:Grr 3:yrr 2:rrr 20:rGG 3:ryr 3:rrr", "clearance"),  # of the pedestrians
        ("5:Grr 3:yrr 2:rrr 20:rGG 6:rGr 3:ryr 7:rrr", "green_short"),
        ("20:Grr 3:rrr 20:rGG 6:rGr 3:ryr 7:rrr", "no_amber"),
        ("110:Grr 3:yrr 2:rrr 20:rGG 6:rGr 3:ryr 7:rrr", "wait"),
        ("20:GGr 3:yyr 7:rrG", "conflict"),
        ("20:GrG 3:yrr 2:rrr 20:rGr 3:ryr 7:rrr", "conflict"),
        ("20:GGG", "conflict"),  # everything green: SUMO itself takes it without a word
        ("20:Grr 3:yrr 2:rrr 20:rGG 6:rGr 3:ryr 7:rrr 1:yrr", "order"),
        ("20:Grr 3:yrr 2:roo 20:rGG 6:rGr 3:ryr 7:rrr", "mixed"),
    ],
)
def test_a_program_is_refused_for_each_rule_that_it_breaks(program: str, rule: str) -> None:
    found = one(program)
    assert rule in broken(program)
    assert found.written is not None
    assert not found.written.holds


def test_an_actuated_phase_is_tried_at_every_length() -> None:
    assert not broken(SOUND.replace("20:Grr", "6-40:Grr"))
    assert broken(SOUND.replace("20:Grr", "5-40:Grr")) == {"green_short"}
    assert broken(SOUND.replace("20:Grr", "6-110:Grr")) == {"wait"}


def test_the_proposal_keeps_the_stages_and_is_proven_or_says_why() -> None:
    found = one("5:Grr 9:yrr 20:rGG 3:ryr")
    assert found.proof is not None
    assert found.proof.holds
    hopeless = one("20:Grr 3:yrr 110:rGG 110:rGr 3:ryr 7:rrr")
    assert hopeless.proof is not None
    assert not hopeless.proof.holds
    assert hopeless.proof.wrong is not None
    assert hopeless.proof.wrong.rule == "wait"


def test_pedestrians_who_meet_vehicles_lose_that_green_and_get_another() -> None:
    found = one("20:GrG 3:yrr 2:rrr 20:rGr 3:ryr 7:rrr")
    assert [note.fr for note in found.notes] == [
        "P :j_c0 [2] perd un vert en conflit avec des véhicules",
        "P :j_c0 [2] reçoit un vert à part",
    ]
    assert found.proof is not None
    assert found.proof.holds


def test_a_turn_gives_way_at_green_and_straight_traffic_does_not() -> None:
    """Into the road that pedestrians cross: no conflict of lamps for a turn, one for the rest."""
    turning = NET.replace('linkIndex="0" dir="s"', 'linkIndex="0" dir="r"')
    (found,) = networks(turning.replace("{phases}", '<phase duration="9" state="GrG"/>').encode())
    assert found.junction is not None
    assert (0, 2) not in found.junction.conflicts
    assert (0, 1) in found.junction.conflicts


@pytest.mark.data
def test_wildau(data_dir: Path) -> None:
    """All three junctions are refused as their file has them (a German simulation, made without
    French rules in mind), each with its reasons; all three proposals are proven."""
    data = (data_dir / "wildau" / "Netzmodell2.net.xml").read_bytes()
    found = {one.id: one for one in networks(data)}
    assert set(found) == {"31511424", "891707410", "gneJ5"}
    for one_ in found.values():
        assert one_.junction is not None
        assert one_.written is not None
        assert one_.proof is not None
        assert not one_.written.holds
        assert one_.proof.holds
        assert prove(one_.junction).holds
        assert one_.place is not None
        assert 13.59 < one_.place[0] < 13.67
        assert 52.29 < one_.place[1] < 52.37
        rules = {wrong.rule for wrong in (one_.written.wrong, *one_.written.also) if wrong}
        assert {"green_short", "clearance"} <= rules
        assert all(line.fr and line.en for line in story(one_.junction, one_.written))
    bad = found["gneJ5"].written
    assert bad is not None
    assert any(
        wrong.rule == "conflict" and "P Dorfaue [9]" in (wrong.a, wrong.b) for wrong in bad.also
    )
    assert found["gneJ5"].notes


# --- hostile files -------------------------------------------------------------------------------
LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;">]><net>&c;</net>"""
OUTSIDE = b'<!DOCTYPE net [<!ENTITY x SYSTEM "file:///etc/passwd">]><net>&x;</net>'


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<net>",
        b"\x00\x01",
        b"<html/>",
        LAUGHS,
        OUTSIDE,
        b"<!DOCTYPE net><net/>",
        b"<net>" + b"<a>" * 20 + b"</a>" * 20 + b"</net>",
        b"<net><tlLogic/></net>",
        b'<net><junction id="j" x="a" y="0"/></net>',
        b'<net><lane id="x" shape="" speed="1" length="1"/></net>',
        b'<net><lane id="x" shape="0,0 1,1" speed="1e999" length="1"/></net>',
        b'<net><tlLogic id="t"><phase duration="inf" state="G"/></tlLogic></net>',
        b'<net><tlLogic id="t"><phase duration="2.5" state="G"/></tlLogic></net>',
        b'<net><tlLogic id="t"><phase duration="99999" state="G"/></tlLogic></net>',
        b'<net><tlLogic id="t"><phase duration="9" state="' + b"G" * 300 + b'"/></tlLogic></net>',
        net(SOUND, **{'linkIndex="0"': 'linkIndex="-7"'}),
        net(SOUND, **{'linkIndex="0"': 'linkIndex="1000000000"'}),
    ],
)
def test_hostile_files_are_refused(data: bytes) -> None:
    with pytest.raises(SumoError):
        list(networks(data))


def test_too_many_bytes_and_elements_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sumo_net, "BYTES_MAX", 100)
    with pytest.raises(SumoError, match="at most 100"):
        list(networks(net(SOUND)))
    monkeypatch.undo()
    monkeypatch.setattr(sumo_net, "ELEMENTS_MAX", 5)
    with pytest.raises(SumoError, match="5 elements"):
        list(networks(net(SOUND)))


@pytest.mark.parametrize(
    "change",
    [
        {'<lane id="s_0"': '<lane id="other"'},  # the approach is missing
        {'via=":j_0_0"': 'via=":j_9_0"'},
        {'via=":j_0_0"': 'via="x"'},
        {'via=":j_0_0"': ""},
        {'index="0" response="000" foes="110"': 'index="7" response="000" foes="110"'},
        {'index="0" response="000" foes="110"': 'index="0" response="" foes=""'},
        {'state="Grr"': 'state="G"'},
        {'state="Grr"': 'state="Gur"'},
        {'state="Grr"': 'state=""'},
    ],
)
def test_a_network_with_holes_gives_a_junction_or_a_reason(change: dict[str, str]) -> None:
    (found,) = networks(net(SOUND, **change))
    assert found.junction is not None or found.notes[0].fr


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(net(SOUND)) - 1), st.binary(min_size=1, max_size=6), st.booleans())
def test_a_spoiled_network_gives_only_its_own_error(at: int, what: bytes, cut: bool) -> None:
    data = net(SOUND)
    spoiled = data[:at] + what + (data[at + len(what) :] if not cut else b"")
    with contextlib.suppress(SumoError):
        list(networks(spoiled))


def test_the_reader_is_reached_through_the_front_door() -> None:
    assert sumo.read is sumo_net.read
