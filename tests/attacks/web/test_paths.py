"""W6: paths that climb out of what is served, as raw bytes over a real connection."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from tests.ui.world import World, world

INSIDE = b"root:"  # of the file that everybody has
UP = (
    b"../",
    b"..%2f",
    b"%2e%2e/",
    b"%2e%2e%2f",
    b"..%252f",
    b"..\\",
    b"..%5c",
    b"..%c0%af",
    b".//../",
)
PLACES = (b"/static/", b"/", b"/signalements/", b"/open-data/", b"/api/reports/", b"/alerts/")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("paths")) as made:
        yield made


def asked(town: World, path: bytes) -> bytes:
    """The whole answer; no client that tidies the path on the way."""
    parts = urlsplit(town.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), 20) as line:
        host = parts.netloc.encode()
        line.sendall(
            b"GET " + path + b" HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n"
        )
        found = b""
        while part := line.recv(65_536):
            found += part
        return found


@pytest.mark.parametrize("place", PLACES, ids=bytes.decode)
def test_w6_no_path_climbs_out(town: World, place: bytes) -> None:
    for up in UP:
        for target in (b"etc/passwd", b"ui/render.py", b"beffroi.sqlite"):
            answer = asked(town, place + up * 8 + target)
            status = int(answer.split()[1])
            assert status in (303, 307, 400, 401, 403, 404, 405, 422), (up, target, status)
            assert INSIDE not in answer
            assert b"SQLite format" not in answer
            assert b"def page" not in answer


def test_w6_what_is_served_is_served(town: World) -> None:
    """Else the test above would pass on a server that answers nothing."""
    assert asked(town, b"/signalements").split()[1] == b"200"


def test_w6_absolute_and_empty_names(town: World) -> None:
    for path in (b"//etc/passwd", b"/static//etc/passwd", b"/static/%00", b"/static/a%00.css"):
        answer = asked(town, path)
        assert int(answer.split()[1]) in (303, 307, 400, 401, 404), path
        assert INSIDE not in answer
