"""Public bytes made once: the same for everybody, packed for who takes it, 304 for who has it."""

from __future__ import annotations

import asyncio
import gzip
import threading
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from tests.api.test_access import client
from tests.ui.world import World, world

from beffroi.api.kept import Kept, Shelf

HEADER = st.text(st.characters(max_codepoint=0xFF), max_size=80)  # more cannot come over HTTP
PATHS = ("/signalements.geojson", "/signalements/fond.json")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("kept")) as made:
        yield made


@pytest.mark.parametrize("path", PATHS)
def test_packed_plain_and_unchanged_over_http(town: World, path: str) -> None:
    with client(town) as reader:
        plain = reader.get(path, headers={"accept-encoding": "identity"})
        packed = reader.get(path, headers={"accept-encoding": "gzip"})
        assert "content-encoding" not in plain.headers
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.content == plain.content, "the client unpacked it"
        assert plain.headers["etag"] == packed.headers["etag"]
        assert "accept-encoding" in plain.headers["vary"]
        again = reader.get(path, headers={"if-none-match": plain.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["cache-control"].startswith("public, max-age=")
        other = reader.get(path, headers={"if-none-match": '"x"'})
        assert other.status_code == 200


def test_languages_are_kept_apart(town: World) -> None:
    with client(town) as reader:
        french, english, french_again = (
            reader.get(PATHS[0], headers={"accept-language": lang}) for lang in ("fr", "en", "fr")
        )
    assert french.content == french_again.content
    assert english.json()["type"] == french.json()["type"] == "FeatureCollection"


def _from(accepts: str, asked: str = "") -> Request:
    headers = {"accept-encoding": accepts, "if-none-match": asked}
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    return Request({"type": "http", "headers": raw})


def _asked(kept: Kept, accepts: str, asked: str = "") -> httpx.Headers | None:
    answer = kept.answer(_from(accepts, asked), "x/y", "public")
    return None if answer.status_code == 304 else httpx.Headers(dict(answer.headers))


@pytest.mark.parametrize(
    ("accepts", "packed"),
    [
        ("gzip", True), ("br, gzip;q=0.5", True), ("*", True), ("GZIP", True), ("", False),
        ("gzip;q=0", False), ("gzip; q=0.0", False), ("identity", False), ("xgzip", False),
    ],
)  # fmt: skip
def test_who_takes_gzip(accepts: str, packed: bool) -> None:
    headers = _asked(Kept.of(b"a" * 100), accepts)
    assert headers is not None
    assert ("content-encoding" in headers) is packed


@given(st.binary(max_size=2_000), HEADER, HEADER)
def test_any_header_and_any_body(body: bytes, asked: str, accepts: str) -> None:
    kept = Kept.of(body)
    assert gzip.decompress(kept.packed) == body
    assert kept == Kept.of(body), "no moment in the packed bytes"
    answer = kept.answer(_from(accepts, asked), "x/y", "public")
    if answer.status_code == 200:
        packed = "content-encoding" in answer.headers
        assert bytes(answer.body) == (kept.packed if packed else body)
    assert _asked(kept, "", f'"other", {kept.tag}') is None


def test_a_thousand_askers_cost_one_and_a_change_shows_in_time() -> None:
    made: list[int] = []
    slow = threading.Event()

    def make() -> bytes:
        slow.wait(0.05)
        made.append(1)
        return str(len(made)).encode()

    async def work() -> None:
        shelf = Shelf(5.0)
        first = await asyncio.gather(*(shelf.get("fr", 1_000_000, make) for _ in range(1_000)))
        assert {one.body for one in first} == {b"1"}
        assert (await shelf.get("fr", 1_004_999, make)).body == b"1"
        assert (await shelf.get("fr", 1_005_000, make)).body == b"2"
        assert (await shelf.get("fr", 1_000_000, make)).body == b"3", "the clock was set back"
        assert (await shelf.get("en", 1_000_000, make)).body == b"4"

    asyncio.run(work())


def test_what_could_not_be_made_is_not_kept() -> None:
    def broken() -> bytes:
        raise RuntimeError("no database")

    async def work() -> None:
        shelf = Shelf(5.0)
        with pytest.raises(RuntimeError):
            await shelf.get("fr", 1_000_000, broken)
        assert (await shelf.get("fr", 1_000_000, lambda: b"good")).body == b"good"

    asyncio.run(work())
