"""What all tests share: where the real data is, and a missing peer is a clear skip."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from tests.postgres import Cluster, NewUrl, names, postgres_bin

from beffroi.adapters.sql import open_store

DATA_ENV = "BEFFROI_DATA"
# A busy machine is not a failing property.
settings.register_profile("beffroi", deadline=None)
settings.load_profile("beffroi")

# `make test` hands whole files to its workers, in this order: a long one at the end would leave
# the other workers with nothing to do.
LONGEST = (
    "ui/test_pages.py",
    "ui/test_commands.py",
    "lab/attackers/test_attackers.py",
    "lab/test_faults.py",
    "lab/conformance/test_kit.py",
    "adapters/nats/test_gate.py",
    "hub/ingest/test_loop.py",
    "ui/test_reports.py",
    "attacks/net/test_guard_lines.py",
    "attacks/reports/test_open311.py",
    "ui/test_results.py",
    "api/test_privacy.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    rank = {here / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path, len(rank)))


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real data; skips when absent, fails when CI says that it must be there."""
    named = os.environ.get(DATA_ENV, "")
    if named and Path(named).is_dir():
        return Path(named)
    if os.environ.get("BEFFROI_DATA_REQUIRED") == "1":
        pytest.fail(f"{DATA_ENV} must name the folder of real data here, it is {named!r}")
    pytest.skip(f"needs real data: set {DATA_ENV} to the folder that holds batadal/, lorawan/ ...")


# --- both databases ---
@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    bin_dir = postgres_bin()
    if bin_dir is None:
        pytest.skip("needs PostgreSQL 15 or newer: apt-get install postgresql")
    server = Cluster(bin_dir)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def migrated(cluster: Cluster) -> str:
    """The name of a database with our schema, to be copied: quicker than to migrate each."""
    url = cluster.database()
    open_store(url).close()
    return url.rpartition("/")[2] if "?" not in url else url.split("@/")[1].split("?")[0]


@pytest.fixture(
    params=["sqlite", pytest.param("postgres", marks=pytest.mark.peer)],
)
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> NewUrl:
    """Makes the url of one more empty database of the engine under test."""
    if request.param == "sqlite":
        return lambda: f"sqlite:///{tmp_path}/{next(names)}/beffroi.sqlite"
    server: Cluster = request.getfixturevalue("cluster")
    template: str = request.getfixturevalue("migrated")
    return lambda: server.database(template)


@pytest.fixture
def url(new_url: NewUrl) -> str:
    return new_url()
