"""A private PostgreSQL server for tests: run by an ordinary user, on a unix socket, thrown away."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

names = itertools.count()
# Words are sorted as in a French town hall, not by their bytes as SQLite does.
LOCALE = ("--locale=C", "--locale-provider=icu", "--icu-locale=fr-FR")


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
            [*init, "-E", "UTF8", *LOCALE], check=True, capture_output=True, **self._run()
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
        name = f"t{next(names)}"
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


NewUrl = Callable[[], str]


def held(url: str, folder: Path) -> bytes:
    """Every byte that a thief of the database would read."""
    if url.startswith("sqlite"):
        return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    dump = ["pg_dump", "--data-only", url.replace("+psycopg", "")]
    return subprocess.run(dump, check=True, capture_output=True).stdout
