"""A backup is only one if it comes back: while writing, after damage, never over something."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url, text
from tests.postgres import Cluster, NewUrl
from typer.testing import CliRunner

from beffroi.adapters.sql import SqlStore, open_store, restore_store
from beffroi.adapters.sql.backup import copy_in, copy_out
from beffroi.cli.main import app
from beffroi.model.reading import Row
from beffroi.ports.store import Batch, SeriesKey, StoreError

START = 1_700_000_000_000
DAY = 86_400_000


def rows(series: int, start: int, count: int) -> list[Row]:
    return [Row(series, start + 60_000 * i, i / 3, 0, start + 60_000 * i + 5) for i in range(count)]


def filled(store: SqlStore) -> int:
    (series,) = store.readings.series_ids([SeriesKey("tank", "d", "level_m")])
    store.readings.commit(Batch(rows(series, START, 2_000)))
    store.readings.seal(START + DAY)
    return series


def test_a_backup_taken_while_writing_comes_back_equal_to_a_moment(
    store: SqlStore, new_url: NewUrl, tmp_path: Path
) -> None:
    series = filled(store)
    stop = threading.Event()

    def write() -> None:
        at = START + 10 * DAY
        while not stop.is_set():
            store.readings.commit(Batch(rows(series, at, 50)))
            at += DAY

    writer = threading.Thread(target=write)
    writer.start()
    copy = tmp_path / "out" / "b.backup"
    try:
        store.backup(str(copy))
    finally:
        stop.set()
        writer.join()
    back = restore_store(copy, empty(store.database.sqlite, new_url))
    assert back.check() == []
    kept = back.readings.points(series, 0, START + 400 * DAY)
    now = store.readings.points(series, 0, START + 400 * DAY)
    assert len(kept.ts_ms) >= 2_000
    assert (len(kept.ts_ms) - 2_000) % 50 == 0  # whole commits only
    for mine, theirs in zip(kept, now, strict=True):
        assert mine.tolist() == theirs[: len(mine)].tolist()
    back.close()


def empty(sqlite: bool, new_url: NewUrl) -> str:
    """PostgreSQL restores into a database without our tables."""
    url = new_url()
    if sqlite:
        return url
    engine = create_engine(url)
    with engine.begin() as conn:
        conn.execute(text("DROP SCHEMA public CASCADE"))
        conn.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    return url


def test_a_database_in_use_is_not_restored_into(store: SqlStore, tmp_path: Path) -> None:
    filled(store)
    copy = tmp_path / "b.backup"
    store.backup(str(copy))
    url = store.database.url.render_as_string(hide_password=False)
    with pytest.raises(StoreError, match="nothing is overwritten"):
        restore_store(copy, url)
    assert store.readings.counts().observations == 2_000


@pytest.mark.peer
def test_no_password_among_the_words_of_a_program(
    cluster: Cluster, migrated: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(cluster.database(migrated).replace("beffroi@", "beffroi:s3cr3t@"))
    run, asked = subprocess.run, []

    def noted(words: list[str], **how: Any) -> Any:
        asked.append((words, how["env"]["PGPASSWORD"]))
        return run(words, **how)

    monkeypatch.setattr(subprocess, "run", noted)
    store.backup(str(tmp_path / "b.backup"))
    store.close()
    ((words, password),) = asked
    assert password == "s3cr3t"
    assert "s3cr3t" not in " ".join(words)


def test_a_changed_byte_and_a_wrong_count_are_refused(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/a.sqlite")
    filled(store)
    copy = tmp_path / "b.backup"
    store.backup(str(copy))
    store.close()
    manifest = tmp_path / "b.backup.manifest.json"
    sound = manifest.read_text()
    manifest.write_text(sound.replace('"observations": 2000', '"observations": 1999'))
    with pytest.raises(StoreError, match="counts differ"):
        restore_store(copy, f"sqlite:///{tmp_path}/c.sqlite")
    manifest.write_text(sound)
    blob = bytearray(copy.read_bytes())
    blob[len(blob) // 2] ^= 1
    copy.write_bytes(blob)
    with pytest.raises(StoreError, match="sha256"):
        restore_store(copy, f"sqlite:///{tmp_path}/d.sqlite")


def test_check_finds_a_rollup_that_disagrees(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/a.sqlite")
    (series,) = store.readings.series_ids([SeriesKey("tank", "d", "level_m")])
    store.readings.commit(Batch(rows(series, START, 100)))
    assert store.check() == []
    with store.database.write() as conn:
        conn.exec_driver_sql("UPDATE hour SET n = n + 1")
    assert any("rollup says" in sentence for sentence in store.check())
    store.close()


def test_the_commands(new_url: NewUrl, tmp_path: Path) -> None:
    home, other, out = tmp_path / "home", tmp_path / "other", tmp_path / "out"
    (home / "ca").mkdir(parents=True)
    (home / "ca" / "ca.crt").write_text("the authority")
    url = new_url()
    store = open_store(url)
    filled(store)
    other.mkdir()
    spare = empty(store.database.sqlite, new_url)
    for folder, name in ((home, url), (other, spare)):
        (folder / "config.toml").write_text(f'[database]\nurl = "{name}"\n')
    store.close()
    run = CliRunner()
    made = run.invoke(app, ["backup", "--to", str(out), "--home", str(home)])
    assert made.exit_code == 0, made.output
    (copy,) = out.glob("*.backup")
    assert copy.stat().st_mode & 0o777 == 0o600
    (home / "ca" / "ca.crt").unlink()
    refused = run.invoke(app, ["restore", str(copy), "--home", str(home)])
    assert refused.exit_code == 1
    assert "nothing is overwritten" in refused.output
    back = run.invoke(app, ["restore", str(copy), "--home", str(other)])
    assert back.exit_code == 0, back.output
    assert (other / "ca" / "ca.crt").read_text() == "the authority"
    assert spare in (other / "config.toml").read_text()
    checked = run.invoke(app, ["data", "check", "--home", str(other)])
    assert checked.output.strip() == "sound"
    assert "2000" in run.invoke(app, ["data", "stats", "--home", str(other)]).output


def test_a_password_is_in_no_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody on the machine can read the words of a command; its environment they cannot."""
    seen: list[Any] = []

    def run(command: list[str], **given: Any) -> Any:
        seen.append((command, given["env"]))
        return subprocess.CompletedProcess(command, 1, "", "stopped")

    monkeypatch.setattr("beffroi.adapters.sql.backup.subprocess.run", run)
    url = make_url("postgresql+psycopg://hub:hush@db:5433/town?sslmode=require")
    for work in (
        lambda: copy_out(url, tmp_path / "b"),
        lambda: copy_in(tmp_path / "b", url),
    ):
        with pytest.raises(StoreError, match="stopped"):
            work()
    assert len(seen) == 2
    for command, env in seen:
        assert not any("hush" in word for word in command)
        (where,) = (make_url(word[9:]) for word in command if word.startswith("--dbname="))
        assert (where.username, where.password, where.host) == ("hub", None, "db")
        assert env["PGPASSWORD"] == "hush"


def test_a_restored_database_is_private_from_its_first_byte_and_whole_or_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, target = tmp_path / "copy", tmp_path / "hub.sqlite"
    copy.write_bytes(b"x" * 1_000)
    modes: list[int] = []

    def half(_: Any, out: Any) -> None:
        modes.append(target.stat().st_mode & 0o777)
        out.write(b"x")
        raise OSError(28, "no space")

    monkeypatch.setattr("beffroi.adapters.sql.backup.shutil.copyfileobj", half)
    with pytest.raises(OSError, match="no space"):
        copy_in(copy, make_url(f"sqlite:///{target}"))
    assert modes == [0o600]
    assert not target.exists()
