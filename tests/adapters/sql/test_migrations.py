"""An older database comes along with its data; a newer one is refused; births do not collide."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, create_engine, insert, select, text
from tests.postgres import Cluster

from beffroi.adapters.sql import SqlStore, migrations, open_store, schema
from beffroi.adapters.sql.migrations import upgrade
from beffroi.ports.store import SeriesKey, StoreError


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.peer)])
def blank(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The url of a database without any table."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/old.sqlite"
    server: Cluster = request.getfixturevalue("cluster")
    return server.database()


def test_the_versions_known_are_those_in_the_folder() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    script = ScriptDirectory.from_config(config)
    assert script.get_heads() == [schema.SCHEMA_VERSION]
    older = [step.revision for step in script.walk_revisions()][1:]
    assert sorted(older) == sorted(schema.OLDER_VERSIONS)


def test_an_older_database_comes_along_with_its_data(blank: str) -> None:
    engine = create_engine(blank)
    with engine.begin() as conn:
        upgrade(conn, "0001")
        conn.execute(text("INSERT INTO series (asset, device, prop) VALUES ('é1', 'd', 'p')"))
        conn.execute(text("INSERT INTO setting (key, value) VALUES ('map_background', '{}')"))
    engine.dispose()
    store = open_store(blank, create=False)
    assert store.readings.series_of([]) == {SeriesKey("é1", "d", "p"): 1}
    assert store.people.setting("map_background") == "{}"
    assert store.check() == []
    store.close()
    open_store(blank).close()  # once is enough


@pytest.mark.parametrize("version", schema.OLDER_VERSIONS)
def test_each_older_version_comes_along_with_all_its_rows(blank: str, version: str) -> None:
    """A row in each table that the version had: none is lost, none is changed but to be summed."""
    engine = create_engine(blank)
    with engine.begin() as conn:
        upgrade(conn, version)
        old = MetaData()
        old.reflect(conn)
        names = schema.metadata.tables.keys() - {"meter"}  # a migration fills that one
        ours = [table for table in old.sorted_tables if table.name in names]
        for table in ours:
            row = {c.name: VALUES[str(c.type.python_type)] for c in table.c}
            conn.execute(insert(table).values(row))
        before = {t.name: conn.execute(select(t)).mappings().one() for t in ours}
    engine.dispose()
    store = open_store(blank, create=False)
    with store.database.read() as conn:
        for name, row in before.items():
            now = conn.execute(select(schema.metadata.tables[name])).mappings().one()
            assert {key: now[key] for key in row} == dict(row), name
    store.close()
    assert len(before) >= 15


VALUES: dict[str, object] = {
    str(str): "é1",
    str(int): 1,
    str(float): 1.5,
    str(bytes): b"\0\xff",
}


def test_the_migrated_schema_is_the_one_the_code_uses(store: SqlStore) -> None:
    with store.database.engine.connect() as conn:
        context = MigrationContext.configure(conn, opts={"compare_server_default": False})
        found = compare_metadata(context, schema.metadata)
    extra = ("asset_box", "ix_asset_place")  # written by hand: no metadata can say them
    assert [diff for diff in found if not any(name in repr(diff) for name in extra)] == []


def test_a_newer_database_is_refused_in_words(blank: str) -> None:
    store = open_store(blank)
    with store.database.write() as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    store.close()
    with pytest.raises(StoreError, match="newer beffroi"):
        open_store(blank)


def test_what_is_not_there_is_not_made_unless_asked(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no database"):
        open_store(f"sqlite:///{tmp_path}/x/none.sqlite", create=False)
    assert list(tmp_path.iterdir()) == []


def test_nobody_else_may_read_the_file(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/home/b.sqlite")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "home").iterdir()}
    assert set(modes.values()) == {0o600}, modes
    assert stat.S_IMODE((tmp_path / "home").stat().st_mode) == 0o700
    store.close()


BORN = """
import os, sys
from beffroi.adapters.sql import open_store
store = open_store(sys.argv[1])
store.people.put_setting(str(os.getpid()), "here")
store.close()
"""


def test_processes_that_start_at_once_share_one_database(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/twins.sqlite"
    twins = [subprocess.Popen([sys.executable, "-c", BORN, url]) for _ in range(4)]
    assert [twin.wait(60) for twin in twins] == [0, 0, 0, 0]
    store = open_store(url)
    assert all(store.people.setting(str(twin.pid)) == "here" for twin in twins)
    store.close()
    assert [path.name for path in tmp_path.iterdir()] == ["twins.sqlite"]
