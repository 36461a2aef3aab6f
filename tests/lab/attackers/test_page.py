"""The page of a demonstration: admin only, one at a time, and nothing at all in a real commune."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.api.test_access import signed_in
from tests.ui.world import world

from beffroi.api.problems import Refusal
from beffroi.api.routes import lab
from beffroi.cli.attacks import PAUSE_S, PlayedAttacks, attacks_of
from beffroi.lab.demo import SETTING


def request_with(found: object) -> Any:
    state = SimpleNamespace(attacks=found)
    return SimpleNamespace(app=SimpleNamespace(state=state), url=SimpleNamespace(path="/lab"))


class Services:
    """Only what `begin` uses."""

    def __init__(self) -> None:
        self.logged: list[tuple[object, ...]] = []
        self.store = SimpleNamespace(
            people=SimpleNamespace(log_access=lambda *what: self.logged.append(what))
        )
        self.clock = SimpleNamespace(now_ms=lambda: 7)


ME: Any = SimpleNamespace(user=SimpleNamespace(id="u-1"))


def test_a_real_commune_has_no_such_page(tmp_path: Path) -> None:
    settings: dict[str, str] = {}
    store: Any = SimpleNamespace(people=SimpleNamespace(setting=settings.get))
    assert attacks_of(store, tmp_path) is None
    with pytest.raises(Refusal, match="nothing here"):
        lab.attacks_of(request_with(None))
    settings[SETTING] = "{}"
    assert isinstance(attacks_of(store, tmp_path), PlayedAttacks)


def test_every_route_is_for_administrators() -> None:
    from beffroi.api.access import MARK
    from beffroi.ui.pages import attacks as pages

    routes = [*lab.router.routes, *pages.router.routes]
    assert len(routes) == 5
    assert {getattr(one.endpoint, MARK) for one in routes} == {"admin"}  # type: ignore[attr-defined]


def test_one_at_a_time_and_not_at_once_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, services = threading.Event(), Services()
    found = PlayedAttacks(tmp_path)

    def played(name: str) -> None:
        go.wait(10)
        found._playing, found._ended_s = "", time.monotonic()

    monkeypatch.setattr(found, "_play", played)
    request = request_with(found)
    lab.begin(request, services, ME, "all-green")  # type: ignore[arg-type]
    assert services.logged == [(7, "u-1", "attack", "all-green")]
    assert [one["name"] for one in found.listed() if one["running"]] == ["all-green"]
    with pytest.raises(Refusal) as busy:
        lab.begin(request, services, ME, "lights-off")  # type: ignore[arg-type]
    assert busy.value.status == 409
    go.set()
    asyncio.run(asyncio.sleep(0.3))
    with pytest.raises(Refusal) as soon:
        lab.begin(request, services, ME, "lights-off")  # type: ignore[arg-type]
    assert soon.value.status == 429
    found._ended_s -= PAUSE_S
    lab.begin(request, services, ME, "lights-off")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["ransom", "../../etc/passwd", ""])
def test_what_is_no_attack_is_not_played(tmp_path: Path, name: str) -> None:
    with pytest.raises(Refusal, match="nothing here"):
        lab.begin(request_with(PlayedAttacks(tmp_path)), Services(), ME, name)  # type: ignore[arg-type]
    assert PlayedAttacks(tmp_path).proof(name) is None


def outcome() -> dict[str, object]:
    """As `beffroi lab attack` writes it."""
    says = {"fr": "des octets", "en": "bytes"}
    return {
        "name": "all-green", "held": True, "effects": 0, "noticed_ms": 410, "notes": [says],
        "evidence": "/elsewhere/all-green.preuves.txt",
        "tries": [{"what": says, "times": 3, "stopped": {"tls": 3}, "by": says}],
    }  # fmt: skip


def test_the_page_shows_what_stopped_it_and_hands_out_the_proof(tmp_path: Path) -> None:
    home = tmp_path / "town"
    with world(home, seeded=False) as town, closing(signed_in(town, "admin")) as admin:
        admin.headers["accept"] = "text/html"
        assert admin.get("/lab/attacks").status_code == 404  # no demonstration
        town.app.state.attacks = found = PlayedAttacks(tmp_path)
        folder = tmp_path / "lab" / "attacks"
        folder.mkdir(parents=True)
        (folder / "all-green.json").write_text(json.dumps([outcome()]))
        (folder / "all-green.preuves.txt").write_text("beffroi-evidence 1\n")
        shown = admin.get("/lab/attacks").text
        assert "Tous les feux au vert" in shown
        assert "des octets (3)" in shown
        assert "aucun effet" in shown
        assert admin.get("/api/lab/attacks/all-green/proof").text == "beffroi-evidence 1\n"
        assert admin.get("/api/lab/attacks/lights-off/proof").status_code == 404
        found._playing = "all-green"
        assert "Une attaque est en cours" in admin.get("/lab/attacks").text
        with closing(signed_in(town, "operator")) as operator:
            operator.headers["accept"] = "application/json"
            assert operator.get("/lab/attacks").status_code == 403
            assert operator.get("/api/lab/attacks").status_code == 403
