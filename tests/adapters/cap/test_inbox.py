"""The folder of alerts: kept or refused, once, across starts; and what the hub makes of it."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from beffroi.adapters.cap.inbox import Inbox
from beffroi.domains.registry import domains
from beffroi.hub.advice import Advisor
from beffroi.model.asset import Asset
from beffroi.model.cap import time_ms
from beffroi.model.finding import Finding

SENDER = "https://www.meteoburkina.bf/"
RECEIVED = time_ms("2024-07-02T20:12:00+00:00")
ENDS = time_ms("2024-07-03T12:00:00+00:00")
OUAGA = Asset("board-1", "boards", "board", "Ouaga", -1.52, 12.37)


@pytest.fixture
def place(tmp_path: Path, data_dir: Path) -> Path:
    """With the weather office listed, and all six files waiting."""
    Inbox(tmp_path)
    office = tmp_path / "authorities" / "meteo"
    office.mkdir()
    (office / "sender").write_text(f"{SENDER}\n")
    folder = data_dir / "cap-burkina"
    found = re.search(rb"Certificate>(.*?)</", (folder / "valid.xml").read_bytes(), re.DOTALL)
    assert found
    (office / "2024.der").write_bytes(base64.b64decode(found[1]))
    for path in folder.glob("*.xml"):
        (tmp_path / "in" / path.name).write_bytes(path.read_bytes())
    return tmp_path


@pytest.mark.data
def test_the_genuine_one_is_kept_and_the_five_are_refused(place: Path) -> None:
    inbox = Inbox(place)
    (alert,) = inbox.alerts(RECEIVED)
    assert alert.sender == SENDER
    assert not list((place / "in").iterdir())
    assert len(list((place / "refused").glob("*.xml"))) == 5
    assert "does not hold" in (place / "refused" / "invalid_digest.xml.txt").read_text()
    assert Inbox(place).alerts(RECEIVED + 10**11) == [alert]  # verified when it came


@pytest.mark.data
def test_a_link_or_a_folder_is_no_alert(place: Path, tmp_path: Path) -> None:
    inbox = Inbox(place)
    inbox.alerts(RECEIVED)
    (place / "in" / "link.xml").symlink_to("/etc/passwd")
    (place / "in" / "folder.xml").mkdir()
    assert len(inbox.alerts(RECEIVED)) == 1
    assert not list((place / "in").iterdir())


class Clock:
    def __init__(self) -> None:
        self.at_ms = RECEIVED

    def now_ms(self) -> int:
        return self.at_ms


class Assets:
    """The one question of the asset store that is asked here."""

    def assets(self) -> list[Asset]:
        return [OUAGA]


@pytest.mark.data
def test_it_becomes_a_finding_and_a_proposal_until_it_ends(place: Path) -> None:
    told: list[tuple[str, bool]] = []

    def desk(findings: Sequence[Finding]) -> None:
        told.extend((one.rule, one.active) for one in findings)

    clock = Clock()
    assets: Any = Assets()
    advisor = Advisor(Inbox(place), assets, domains(), desk, clock)
    for _ in range(3):
        advisor.turn()
    assert told == [("boards.authority_alert", True)]
    (one,) = advisor.proposals
    assert (one.asset, one.action) == ("board-1", "alert")
    assert one.params["template"] == "alerte_orage"
    clock.at_ms = ENDS
    advisor.turn()
    assert told[1:] == [("boards.authority_alert", False)]
    assert advisor.proposals == ()


@pytest.mark.data
def test_what_is_wrong_here_refuses_nobody_s_alert(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failing disk, or an odd file of another authority, sent a genuine alert away for good."""
    other = place / "authorities" / "a-other"
    other.mkdir()
    (other / "sender").write_bytes(b"\xff other")
    (other / "old.pem").symlink_to(place / "nowhere")
    (other / "odd.der").write_bytes(b"nonsense")
    inbox = Inbox(place)

    def failing(_: Inbox) -> Any:
        raise OSError(5, "the disk failed")

    with monkeypatch.context() as patch:
        patch.setattr(Inbox, "_listed", failing)
        with pytest.raises(OSError, match="the disk failed"):
            inbox.alerts(RECEIVED)
    assert len(list((place / "in").iterdir())) == 6
    assert [one.sender for one in inbox.alerts(RECEIVED)] == [SENDER]
