"""Two communes witness each other over HTTP, through the real application."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.ui.world import World, world

from beffroi.adapters.log import Log
from beffroi.adapters.log.cosigners import Cosigners, Feeder, RolledBackError
from beffroi.adapters.log.peers import Http, Peer
from beffroi.adapters.log.witness import Witness
from beffroi.api.routes.witness import REQUESTS_PER_WINDOW_MAX, WINDOW_MS, Pace
from beffroi.evidence.entry import Draft
from beffroi.ports.log_store import WitnessError

URL = "/links/witness/add-checkpoint"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("witness"), seeded=False) as made:
        yield made


def test_a_commune_that_is_no_witness_says_so(town: World) -> None:
    assert httpx.post(town.url + URL, content=b"x").status_code == 404


def test_a_checkpoint_is_cosigned_over_http(town: World, tmp_path: Path) -> None:
    log = Log(tmp_path / "log", "aubigny")
    witness = Witness(tmp_path / "witness", "temoin.bethune", lambda: 1_790_000_000)
    witness.trust(log.vkey)
    town.app.state.witness = witness
    cosigners = Cosigners(log, [Peer(witness.vkey, Http(town.url + "/links/witness/"))])
    for count in (1, 300, 7):
        log.append([Draft("a.b", i) for i in range(count)])
        done = cosigners.cosign(log.checkpoint(), 1, 10)
        assert done.size == log.checkpoint().size
        assert done.cosigned_by("temoin.bethune", witness.vkey.public) == 1_790_000_000
        assert log.witnessed() == done
    said: list[str] = []
    feeder = Feeder(log, cosigners, 3_600, said.append)
    feeder.close()
    assert said == []
    for body, status in ((b"x", 400), (b"x" * 20_000, 413)):
        answer = httpx.post(town.url + URL, content=body)
        assert (answer.status_code, answer.headers["content-type"][:10]) == (status, "text/plain")
    # The same log with its tail cut off: the witness says how much it has seen.
    other = Log(tmp_path / "other", "aubigny", seed=log._seed)
    other.append([Draft("a.b", 1)])
    late = Cosigners(other, [Peer(witness.vkey, Http(town.url + "/links/witness/"))])
    with pytest.raises(RolledBackError, match="has seen 308 entries"):
        late.cosign(other.checkpoint(), 1, 10)
    for one in (cosigners, late, log, other, witness):
        one.close()


def test_nobody_answers(tmp_path: Path) -> None:
    log = Log(tmp_path / "log", "aubigny")
    witness = Witness(tmp_path / "witness", "temoin.bethune", lambda: 1)
    for url in ("http://127.0.0.1:9", "https://127.0.0.1:9", "http://127.0.0.1:99999"):
        cosigners = Cosigners(log, [Peer(witness.vkey, Http(url))])
        with pytest.raises(WitnessError, match=r"0 of 1 witnesses cosigned; temoin\.bethune"):
            cosigners.cosign(log.checkpoint(), 1, 2)
        cosigners.close()
    log.close()
    witness.close()


def test_the_pace_is_bounded() -> None:
    pace = Pace()
    assert sum(pace.allows(5) for _ in range(500)) == REQUESTS_PER_WINDOW_MAX
    assert not pace.allows(WINDOW_MS)
    assert pace.allows(WINDOW_MS + 5)
