"""The front door over real sockets: names, headers, streams, pace. Two small hubs behind it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import uvicorn
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import ASGIApp, Receive, Scope, Send

from beffroi.adapters.door import Door, host_of, host_only, passed
from beffroi.model.limits import DOOR_BURST, UPLOAD_BYTES_MAX


class Hub:
    """Tells what it got; `/live` speaks twice, `/wait` never."""

    def __init__(self, name: str) -> None:
        self.name, self.go, self.left = name, asyncio.Event(), asyncio.Event()
        self.seen: list[Scope] = []
        self.bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.seen.append(scope)
        headers = [(b"x-hub", self.name.encode()), (b"set-cookie", b"a=1; Path=/; HttpOnly")]
        headers.append((b"set-cookie", b"b=2; Domain=localhost; Path=/"))
        if scope["path"] == "/wait":
            while (await receive())["type"] != "http.disconnect":
                pass
            self.left.set()
            return
        more = scope["method"] == "POST"
        while more:
            message = await receive()
            self.bytes += len(message.get("body", b""))
            more = message.get("more_body", False)
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if scope["path"] == "/live":
            await send({"type": "http.response.body", "body": b"one\n", "more_body": True})
            await self.go.wait()
        await send({"type": "http.response.body", "body": self.name.encode()})


@contextlib.asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[int]:
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            app, log_level="critical", lifespan="off", ws="none", proxy_headers=False
        )
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        task = asyncio.create_task(server._serve(sockets=[place]))
        while not server.started:
            await asyncio.sleep(0.01)
        try:
            yield place.getsockname()[1]
        finally:
            server.should_exit = server.force_exit = True
            await task


@contextlib.asynccontextmanager
async def house() -> AsyncIterator[tuple[httpx.AsyncClient, Hub, Hub]]:
    a, b = Hub("a"), Hub("b")
    async with served(a) as port_a, served(b) as port_b:
        names = {"a.localhost": port_a, "b.localhost": port_b, "dead.localhost": 1}
        door = Door(lambda: names, https=True, clock=lambda: 0.0)  # no pace is won back
        async with served(door) as port:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
                yield client, a, b
            await door.close()


def inside(work: Callable[[httpx.AsyncClient, Hub, Hub], Awaitable[None]]) -> None:
    async def go() -> None:
        async with house() as (client, a, b):
            await asyncio.wait_for(work(client, a, b), 20)

    asyncio.run(go())


def at(name: str, **more: str) -> dict[str, str]:
    return {"host": name, **more}


def test_a_name_leads_to_its_hub_and_no_other_name_to_any() -> None:
    async def work(client: httpx.AsyncClient, a: Hub, b: Hub) -> None:
        for name in ("a", "b"):
            answer = await client.get("/", headers=at(f"{name.upper()}.localhost:8080"))
            assert (answer.status_code, answer.text) == (200, name)
        for host in (
            "localhost", "c.localhost", "a.localhost.", "a.localhost@b.localhost", "xa.localhost",
            "a.localhost:x", "127.0.0.1", "a.localhost, b.localhost", "[::1]", "",
        ):  # fmt: skip
            answer = await client.get("/", headers=at(host))
            assert answer.status_code in (400, 421), host
            assert "localhost" not in answer.text  # names nobody
        assert (len(a.seen), len(b.seen)) == (1, 1)
        raw = b"GET / HTTP/1.1\r\nHost: a.localhost\r\nHost: b.localhost\r\n\r\n"
        assert b" 200 " not in await spoken(client, raw)

    inside(work)


async def spoken(client: httpx.AsyncClient, raw: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port)
    writer.write(raw)
    line = await reader.readline()
    writer.close()
    return line


def test_one_connection_may_ask_for_two_communes_in_turn() -> None:
    async def work(client: httpx.AsyncClient, a: Hub, b: Hub) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port)
        for name in (b"a", b"b", b"a"):
            writer.write(b"GET / HTTP/1.1\r\nHost: " + name + b".localhost\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            assert b"x-hub: " + name in head
            chunk = await reader.readuntil(b"0\r\n\r\n")
            assert name in chunk
        writer.close()

    inside(work)


def test_claims_of_proxies_are_replaced_never_added_to() -> None:
    async def work(client: httpx.AsyncClient, a: Hub, b: Hub) -> None:
        lies = {
            "x-forwarded-for": "6.6.6.6", "x-forwarded-host": "b.localhost", "x-real-ip": "6.6.6.6",
            "forwarded": "for=6.6.6.6", "x-forwarded-proto": "http", "x-forwarded-prefix": "/b",
            "connection": "x-secret, keep-alive", "x-secret": "1", "x-csrf-token": "kept",
        }  # fmt: skip
        await client.get("/", headers=at("a.localhost", **lies))
        got = a.seen[0]["headers"]
        assert [v for n, v in got if n == b"x-forwarded-for"] == [b"127.0.0.1"]
        assert [v for n, v in got if n == b"x-forwarded-proto"] == [b"https"]
        names = {n for n, _ in got}
        assert not names & {b"forwarded", b"x-real-ip", b"x-forwarded-host", b"x-secret"}
        assert dict(got)[b"host"] == b"a.localhost"
        assert dict(got)[b"x-csrf-token"] == b"kept"

    inside(work)


def test_paths_arrive_as_they_were_sent() -> None:
    async def work(client: httpx.AsyncClient, a: Hub, b: Hub) -> None:
        for path in (
            b"//b.localhost/x",
            b"/%2e%2e/%2f?q=%00&a=b",
            b"/a/../b",
            b"http://b.localhost/",
        ):
            raw = b"GET " + path + b" HTTP/1.1\r\nHost: a.localhost\r\nConnection: close\r\n\r\n"
            assert b" 200 " in await spoken(client, raw), path
        assert not b.seen
        assert a.seen[1]["raw_path"] == b"/%2e%2e/%2f"
        assert a.seen[1]["query_string"] == b"q=%00&a=b"

    inside(work)


def test_a_cookie_stays_at_its_host() -> None:
    async def work(client: httpx.AsyncClient, a: Hub, b: Hub) -> None:
        answer = await client.get("/", headers=at("a.localhost"))
        assert answer.headers.get_list("set-cookie") == ["a=1; Path=/; HttpOnly"]

    inside(work)


def test_live_pages_stream_and_a_reader_that_leaves_is_let_go() -> None:
    async def work(client: httpx.AsyncClient, a: Hub, b: Hub) -> None:
        async with client.stream("GET", "/live", headers=at("a.localhost")) as answer:
            parts = answer.aiter_bytes()
            assert await anext(parts) == b"one\n"  # before the answer has ended
            a.go.set()
            assert await anext(parts) == b"a"
        asking = asyncio.create_task(client.get("/wait", headers=at("b.localhost")))
        while not b.seen:
            await asyncio.sleep(0.01)
        asking.cancel()
        await asyncio.wait_for(b.left.wait(), 5)

    inside(work)


def test_bodies_pass_and_too_much_does_not() -> None:
    async def work(client: httpx.AsyncClient, a: Hub, b: Hub) -> None:
        async def pieces(total: int) -> AsyncIterator[bytes]:
            for _ in range(total // 65_536):
                yield b"x" * 65_536

        answer = await client.post("/", content=pieces(10 * 65_536), headers=at("a.localhost"))
        assert (answer.status_code, a.bytes) == (200, 10 * 65_536)
        said = at("a.localhost", **{"content-length": str(UPLOAD_BYTES_MAX + 1)})
        head = b"".join(f"{k}: {v}\r\n".encode() for k, v in said.items())
        assert b" 413 " in await spoken(client, b"POST / HTTP/1.1\r\n" + head + b"\r\n")
        with contextlib.suppress(httpx.WriteError):
            answer = await client.post(
                "/", content=pieces(UPLOAD_BYTES_MAX + 200_000), headers=at("a.localhost")
            )
            assert answer.status_code == 413

    inside(work)


def test_a_flood_or_a_death_at_one_does_not_stop_another() -> None:
    async def work(client: httpx.AsyncClient, a: Hub, b: Hub) -> None:
        async def flood() -> list[int]:
            return [
                (await client.get("/", headers=at("a.localhost"))).status_code for _ in range(30)
            ]

        floods = [asyncio.create_task(flood()) for _ in range(int(DOOR_BURST) // 25)]
        for _ in range(5):
            assert (await client.get("/", headers=at("b.localhost"))).status_code == 200
        codes = [code for codes in await asyncio.gather(*floods) for code in codes]
        assert codes.count(200) == DOOR_BURST
        assert set(codes) == {200, 429}
        down = await client.get("/", headers=at("dead.localhost"))
        assert (down.status_code, down.headers["retry-after"]) == (502, "60")
        assert (await client.get("/", headers=at("b.localhost"))).status_code == 200

    inside(work)


@given(st.text(max_size=40))
def test_any_text_is_no_name_or_exactly_itself(text: str) -> None:
    name = host_of([(b"host", text.encode("utf-8"))])
    assert name in ("", text.encode().decode("latin-1").lower().partition(":")[0])


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [
                    b"Connection",
                    b"X-Forwarded-For",
                    b"Forwarded",
                    b"Te",
                    b"cookie",
                    b"x-a",
                    b"X-Real-IP",
                    b"via",
                ]
            ),
            st.sampled_from([b"x-a", b"cookie, x-a", b"1"]),
        )
    )
)
def test_nothing_of_one_connection_passes(headers: list[tuple[bytes, bytes]]) -> None:
    kept = {name.lower() for name, _ in passed(headers)}
    assert kept <= {b"cookie", b"x-a"}
    named = b",".join(v for n, v in headers if n == b"Connection")
    assert not (b"x-a" in named and b"x-a" in kept)


def test_only_host_cookies() -> None:
    bad = (b"set-cookie", b"s=1; DOMAIN = .example.fr; Path=/")
    good = (b"Set-Cookie", b"__Host-s=domain; Path=/; Secure")
    assert host_only([bad, good]) == [good]


def test_a_commune_that_moved_leaves_no_connections_behind() -> None:
    """Its old pool was forgotten with all its sockets; an answer that is on its way still comes."""

    async def go() -> None:
        a, b = Hub("a"), Hub("b")
        async with served(a) as old, served(b) as new:
            names = {"a.localhost": old}
            door = Door(lambda: names, https=True, clock=lambda: 0.0)
            closed: list[int] = []
            async with served(door) as port, httpx.AsyncClient() as client:
                url = f"http://127.0.0.1:{port}"
                async with client.stream("GET", f"{url}/live", headers=at("a.localhost")) as slow:
                    gate = door._gates["a.localhost"]
                    close = gate.transport.aclose

                    async def noted() -> None:
                        closed.append(gate.port)
                        await close()

                    gate.transport.aclose = noted  # type: ignore[method-assign]
                    names["a.localhost"] = new
                    answer = await client.get(url, headers=at("a.localhost"))
                    assert (answer.text, closed) == ("b", [])
                    a.go.set()
                    assert (await slow.aread()).endswith(b"a")
                while not closed:
                    await asyncio.sleep(0.01)
                names["a.localhost"] = old
                assert (await client.get(url, headers=at("a.localhost"))).text == "a"
            await door.close()
        assert closed == [old]

    asyncio.run(asyncio.wait_for(go(), 20))
