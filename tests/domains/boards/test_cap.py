"""From an authority's alert to proposals, and from a shown alert to CAP: never a command, never an
exercise for real."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.domains.judged import EVERYBODY, Bench, envelope_of, reason

from beffroi.adapters.cap.write import write
from beffroi.adapters.cap.xml import alert_of, read
from beffroi.domains.boards import DOMAIN
from beffroi.domains.boards.announce import alert_shown, cancelled
from beffroi.domains.boards.cap import covers
from beffroi.domains.boards.catalogue import ALERT, TEMPLATES
from beffroi.kernel.code import code_of
from beffroi.model.asset import Asset
from beffroi.model.cap import Alert, Area, Info, in_force, time_ms

NOW = 1_780_000_000_000
MIN = 60_000
HERE = Area("Bourg", circles=(((48.0, 2.0), 5.0),))
BOARD = Asset("board-1", "boards", "board", "Entrée nord", 2.0, 48.0, authority="mairie",
              attrs={"places": ["MAIRIE"]})  # fmt: skip
FAR = replace(BOARD, id="board-2", lat=49.0)
INFO = Info(
    ("Met",), "Crue de la rivière", "Immediate", "Severe", "Observed", "fr-FR",
    expires_ms=NOW + 120 * MIN, areas=(HERE,),
)  # fmt: skip
CRUE = Alert("a-1", "prefecture", NOW, "Actual", "Alert", "Public", infos=(INFO,))


def advice(*alerts: Alert, at: int = NOW + MIN, boards: tuple[Asset, ...] = (BOARD, FAR)) -> Any:
    return DOMAIN.advise(alerts, boards, at)


def told(*alerts: Alert, at: int = NOW + MIN) -> set[str]:
    return {f.asset for f in advice(*alerts, at=at).findings if f.active}


def test_an_alert_proposes_what_the_envelope_would_allow_two_persons() -> None:
    (one,) = advice(CRUE).proposals
    assert (one.asset, one.action, one.missing) == ("board-1", "alert", ())
    assert one.params == {"template": "alerte_crue", "minutes": 30}
    assert told(CRUE) == {"board-1"}
    bench = Bench(envelope_of(BOARD))
    assert reason(bench.ask(one.action, "C", EVERYBODY, **one.params)) == "accepted"
    assert reason(Bench(envelope_of(BOARD)).ask(one.action, "A", **one.params)) == "class_too_low"


@pytest.mark.parametrize("status", ["Exercise", "Test"])
def test_an_exercise_is_never_shown_as_actual(status: str) -> None:
    drill = replace(CRUE, status=status)
    assert told(drill) == set()
    (one,) = advice(drill).proposals
    assert (one.action, one.params["template"]) == ("show", "exercice")
    assert "Exercice" in one.why.fr


@pytest.mark.parametrize(
    "changes",
    [{"status": "System"}, {"status": "Draft"}, {"scope": "Restricted", "restriction": "police"},
     {"infos": (replace(INFO, urgency="Future"),)}, {"infos": (replace(INFO, severity="Minor"),)},
     {"infos": (replace(INFO, certainty="Possible"),)},
     {"infos": (replace(INFO, expires_ms=None),)}],
)  # fmt: skip
def test_what_is_not_for_the_public_now_proposes_nothing(changes: dict[str, Any]) -> None:
    found = advice(replace(CRUE, **changes))
    assert not found.proposals
    assert not any(f.active for f in found.findings)


def test_it_ends_by_time_by_update_and_by_cancellation() -> None:
    assert told(CRUE, at=NOW + 121 * MIN) == set()
    update = replace(CRUE, identifier="a-2", msg_type="Update", references=(CRUE.ref,),
                     sent_ms=NOW + 5 * MIN, infos=(replace(INFO, severity="Minor"),))  # fmt: skip
    assert told(CRUE, update) == {"board-1"}  # not yet sent
    assert told(CRUE, update, at=NOW + 6 * MIN) == set()
    cancel = Alert("a-3", "prefecture", NOW + 5 * MIN, "Actual", "Cancel", "Public", (CRUE.ref,))
    after = advice(CRUE, cancel, at=NOW + 6 * MIN)
    assert {p.action for p in after.proposals} == {"blank"}
    assert not any(f.active for f in after.findings)
    assert not advice(CRUE, cancel, at=NOW + 60 * MIN).proposals


def test_an_exercise_that_cancels_blanks_nothing() -> None:
    drill = Alert("a-3", "prefecture", NOW, "Exercise", "Cancel", "Public", (CRUE.ref,))
    assert [p.action for p in advice(CRUE, drill).proposals] == ["alert"]


def test_two_languages_are_one_alert() -> None:
    both = replace(CRUE, infos=(replace(INFO, language="en-US", event="Flood"), INFO))
    assert len(advice(both).proposals) == 1


def test_a_place_or_a_template_that_is_not_known_is_a_persons_choice() -> None:
    fire = replace(CRUE, infos=(replace(INFO, event="Incendie de forêt"),))
    assert advice(fire).proposals[0].missing == ("place",)
    odd = replace(CRUE, infos=(replace(INFO, event="Chute de météorite"),))
    assert advice(odd).proposals[0].missing == ("template",)
    assert "template" not in advice(odd).proposals[0].params


def test_areas() -> None:
    square = ((47.0, 1.0), (47.0, 3.0), (49.0, 3.0), (49.0, 1.0), (47.0, 1.0))
    assert covers(replace(INFO, areas=(Area("a", (square,)),)), 48, 2) is True
    assert covers(replace(INFO, areas=(Area("a", (square,)),)), 50, 2) is False
    assert covers(INFO, 48.04, 2.0) is True  # 4.4 km
    assert covers(INFO, 48.05, 2.0) is False  # 5.6 km
    coded = Area("b", geocodes=(("INSEE", "75056"),))
    assert covers(replace(INFO, areas=(coded,)), 48, 2) is None
    assert covers(replace(INFO, areas=(coded, HERE)), 60, 2) is None
    assert covers(replace(INFO, areas=()), 48, 2) is None


@pytest.mark.data
def test_the_real_alert_of_burkina_faso(data_dir: Path) -> None:
    """Ouagadougou is inside its area, our commune is not."""
    alert = read((data_dir / "cap-burkina" / "valid.xml").read_bytes())
    at = time_ms("2024-07-02T20:30:00+00:00")
    ouaga = replace(BOARD, lat=12.37, lon=-1.52)
    (one,) = advice(alert, at=at, boards=(ouaga,)).proposals
    assert one.params == {"template": "alerte_orage", "minutes": 30}
    assert not advice(alert, at=at).proposals
    assert not advice(alert, at=at + 86_400_000, boards=(ouaga,)).proposals


# --- out ---
DIGEST = bytes(range(32))


@pytest.mark.parametrize("one", TEMPLATES.values(), ids=lambda one: one.id)
def test_what_is_shown_goes_out_in_valid_words(one: Any) -> None:
    params: dict[str, int | str] = {"template": one.id, "minutes": 15, "place": "MAIRIE"}
    if one.category != ALERT and one.id != "exercice":
        assert alert_shown(BOARD, params, DIGEST, NOW, "commune", "Mairie") is None
        return
    alert = alert_shown(BOARD, params, DIGEST, NOW, "commune", "Mairie")
    assert alert is not None
    assert alert_of(write(alert)) == alert
    assert alert.status == ("Exercise" if one.id == "exercice" else "Actual")
    (info,) = alert.infos
    assert ("beffroi-code", code_of(DIGEST)) in info.parameters
    assert info.expires_ms == NOW + 15 * MIN
    assert covers(info, BOARD.lat, BOARD.lon)
    ended = cancelled(alert, bytes(32), NOW + 5 * MIN)
    assert alert_of(write(ended)) == ended
    assert in_force([alert, ended], NOW + 6 * MIN) == []
