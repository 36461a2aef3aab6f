"""Both engines for every test of the store: SQLite files, and a private PostgreSQL cluster."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from beffroi.adapters.sql import SqlStore, open_store

_names = itertools.count()


class Cluster:
    """A throw-away PostgreSQL server on a unix socket, run by an ordinary user."""

    def __init__(self, bin_dir: Path, *, fsync: bool = False) -> None:
        self.bin_dir = bin_dir
        self.home = Path(tempfile.mkdtemp(prefix="bpg-"))
        self._as: dict[str, object] = {}
        if os.geteuid() == 0:  # the server refuses to run as root, and tests of CI do
            user = pwd.getpwnam("postgres")
            os.chown(self.home, user.pw_uid, user.pw_gid)
            self._as = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        data = str(self.home / "data")
        init = [bin_dir / "initdb", "-D", data, "-U", "beffroi", "-A", "trust", "--no-sync"]
        subprocess.run(
            [*init, "-E", "UTF8", "--locale=C"], check=True, capture_output=True, **self._run()
        )
        settings = [f"fsync={'on' if fsync else 'off'}", "max_connections=80"]
        options = ["-h", "", "-k", str(self.home), *(w for s in settings for w in ("-c", s))]
        self._server = subprocess.Popen(
            [bin_dir / "postgres", "-D", data, *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **self._run(),
        )
        self._wait()

    def admin(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host=str(self.home), user="beffroi", dbname="postgres", autocommit=True
        )

    def database(self, template: str = "template0") -> str:
        """The url of a new database."""
        name = f"t{next(_names)}"
        with self.admin() as conn:
            conn.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return f"postgresql+psycopg://beffroi@/{name}?host={self.home}"

    def stop(self) -> None:
        self._server.send_signal(signal.SIGINT)
        self._server.wait(20)
        shutil.rmtree(self.home, ignore_errors=True)

    def _run(self) -> dict[str, object]:
        return {"cwd": "/", **self._as}

    def _wait(self) -> None:
        for _ in range(300):
            try:
                self.admin().close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return
        raise RuntimeError("PostgreSQL did not start")


def postgres_bin() -> Path | None:
    """The folder of PostgreSQL's programs, 15 or newer."""
    for base in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if int(base.parent.name) >= 15 and (base / "initdb").exists():
            return base
    return None


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


NewUrl = Callable[[], str]


@pytest.fixture(
    params=["sqlite", pytest.param("postgres", marks=pytest.mark.peer)],
)
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> NewUrl:
    """Makes the url of one more empty database of the engine under test."""
    if request.param == "sqlite":
        return lambda: f"sqlite:///{tmp_path}/{next(_names)}/beffroi.sqlite"
    server: Cluster = request.getfixturevalue("cluster")
    template: str = request.getfixturevalue("migrated")
    return lambda: server.database(template)


@pytest.fixture
def url(new_url: NewUrl) -> str:
    return new_url()


@pytest.fixture
def store(url: str) -> Iterator[SqlStore]:
    opened = open_store(url)
    yield opened
    opened.close()
