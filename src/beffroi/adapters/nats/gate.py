"""The guard at the broker's door: answers each connection, and cuts who may no longer be there.

Runs as a process of its own, so that devices connect while the hub is down. It trusts only the
inventory: every GATE_POLL_S it looks whether that changed, whoever changed it, and cuts the live
connections of devices that are no longer welcome. Decides by `admit`; refuses to know messages.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from pathlib import Path

import nats
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from beffroi.adapters.nats import admit, keys, streams, tokens
from beffroi.adapters.nats.config import ACCOUNT, Endpoint
from beffroi.adapters.nats.roster import Roster
from beffroi.adapters.nats.wire import Wire, WireError
from beffroi.model.limits import GATE_POLL_S

RECHECK_S = 5.0  # a connection granted just before the change shows up a moment later
CONNECTIONS_PER_PAGE = 1_024
UNKNOWN_LOOKUPS_MAX = 32

log = structlog.get_logger("gate")


class Gate:
    """`await Gate(endpoint, folder, roster).run()` until cancelled. Counts what it did.

    `open` is True while devices are let in.
    """

    def __init__(self, endpoint: Endpoint, folder: Path, roster: Roster) -> None:
        self.granted = 0
        self.refused = 0
        self.cut = 0
        self._endpoint = endpoint
        self._folder = folder
        self._roster = roster
        self._issuer = keys.load(folder, "issuer")
        self._strangers_cut = False
        self.open = False  # streams are there: a device's message would be kept
        self._tasks: set[asyncio.Task[None]] = set()
        self._lookups = asyncio.Semaphore(UNKNOWN_LOOKUPS_MAX)
        self._cid = 0  # the newest connection that asked
        # device -> (until when to look for it again, newest connection that may be an old one)
        self._watched: dict[str, tuple[float, int]] = {}

    async def run(self) -> None:
        """For ever; reconnects when the broker restarts."""
        await asyncio.to_thread(self._roster.refresh)
        door, system = await self._connect("gate"), await self._connect("sys")
        try:
            await door.subscribe("$SYS.REQ.USER.AUTH", cb=self._asked)
            while True:
                await self._turn(system)
                await asyncio.sleep(GATE_POLL_S)
        finally:
            for client in (door, system):
                with contextlib.suppress(NatsError, OSError):
                    await client.close()

    async def _connect(self, role: str) -> Client:
        async def lost() -> None:
            self.open = False
            self._cid = 0  # a new broker counts from the start
            self._watched.clear()

        async def quiet(error: Exception) -> None:
            log.debug("gate_connection", role=role, error=repr(error))

        connecting = asyncio.ensure_future(
            nats.connect(
                self._endpoint.url,
                nkeys_seed_str=keys.seed(self._folder, role),
                name=role,
                max_reconnect_attempts=-1,
                reconnect_time_wait=0.1,
                ping_interval=5,
                disconnected_cb=lost,
                error_cb=quiet,
            )
        )
        try:  # the library swallows a cancellation while it connects: it must not swallow ours
            await asyncio.wait({connecting})
        except asyncio.CancelledError:
            connecting.cancel()
            raise
        return connecting.result()

    async def _prepare(self) -> None:
        """The hub's streams exist, or nobody comes in: PUBACK must never be an empty promise."""
        key = keys.load(self._folder, "hub")
        wire = await Wire.connect("127.0.0.1", self._endpoint.client_port, key, "gate-streams")
        try:
            await streams.ensure(wire.request)
        finally:
            wire.close()
        self.open = True

    # --- answers ----------------------------------------------------------------------------
    async def _asked(self, message: Msg) -> None:
        try:
            request = tokens.read(message.data)
            self._cid = max(self._cid, request.cid)
            shown = admit.claim(request)
        except tokens.TokenError as error:
            log.error("gate_unreadable", error=str(error))
            return
        except admit.RefusalError as error:
            await self._refuse(message, request, str(error))
            return
        if not self.open:
            await self._refuse(message, request, "the broker is starting; try again")
            return
        try:
            granted = self._roster.judge(shown)
        except admit.RefusalError:
            # The inventory may just have changed (an enrolment): ask it once, beside the queue.
            task = asyncio.create_task(self._ask_again(message, request, shown))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return
        await self._grant(message, request, shown, granted)

    async def _ask_again(self, message: Msg, request: tokens.Request, shown: admit.Claim) -> None:
        try:
            async with self._lookups:
                granted = await asyncio.to_thread(self._roster.judge_fresh, shown)
        except admit.RefusalError as error:
            await self._refuse(message, request, str(error))
        else:
            await self._grant(message, request, shown, granted)

    async def _grant(
        self,
        message: Msg,
        request: tokens.Request,
        shown: admit.Claim,
        granted: tokens.Permissions,
    ) -> None:
        self.granted += 1
        now_s = int(time.time())
        await message.respond(
            tokens.grant(
                request, self._issuer, ACCOUNT, shown.device, granted, now_s, shown.not_after_s
            )
        )

    async def _refuse(self, message: Msg, request: tokens.Request, reason: str) -> None:
        self.refused += 1
        log.info("gate_refused", reason=reason)
        await message.respond(tokens.refuse(request, self._issuer, reason, int(time.time())))

    # --- cuts -------------------------------------------------------------------------------
    async def _turn(self, system: Client) -> None:
        """One look at the inventory. Nothing here may end the gate."""
        try:
            if not self.open:
                await self._prepare()
            if not self._strangers_cut:
                await self._cut_strangers(system)
                self._strangers_cut = True
            for device in await asyncio.to_thread(self._roster.refresh):
                self._watched[device] = (time.monotonic() + RECHECK_S, self._cid)
            for device, (until, newest) in list(self._watched.items()):
                await self._cut_device(system, device, newest)
                if time.monotonic() > until:
                    self._watched.pop(device, None)
        except (NatsError, WireError, streams.StreamError, OSError, TimeoutError) as error:
            log.warning("gate_turn_failed", error=repr(error))

    async def _cut_device(self, system: Client, device: str, newest: int) -> None:
        for server, cid, _ in await self._connections(system, mqtt_client=device):
            if cid <= newest:  # a later one was judged by the new inventory
                await self._kick(system, server, cid, device)

    async def _cut_strangers(self, system: Client) -> None:
        """At start: whoever was changed while no gate was running."""
        offset = 0
        while True:
            page = await self._connections(system, offset=offset)
            for server, cid, device in page:
                if device and not self._roster.welcome(device):
                    await self._kick(system, server, cid, device)
            if len(page) < CONNECTIONS_PER_PAGE:
                return
            offset += len(page)

    async def _connections(self, system: Client, **options: object) -> list[tuple[str, int, str]]:
        body = {"limit": CONNECTIONS_PER_PAGE, **options}
        answer = await system.request(
            "$SYS.REQ.SERVER.PING.CONNZ", json.dumps(body).encode(), timeout=2
        )
        content = json.loads(answer.data)
        server = content["server"]["id"]
        found = content.get("data", {}).get("connections") or []
        return [(server, item["cid"], item.get("mqtt_client", "")) for item in found]

    async def _kick(self, system: Client, server: str, cid: int, device: str) -> None:
        await system.request(
            f"$SYS.REQ.SERVER.{server}.KICK", json.dumps({"cid": cid}).encode(), timeout=2
        )
        self.cut += 1
        log.warning("gate_cut", device=device)
