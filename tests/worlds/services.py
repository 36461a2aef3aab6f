"""What the web application is given on a running hub, for tests without a browser."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import httpx
from tests.hub.ingest.town import TableCodecs
from tests.worlds.running import Hub

from beffroi.domains.base import Domain
from beffroi.hub.services import Services
from beffroi.ports.codec import CodecRunner


def services_of(hub: Hub, domains: Mapping[str, Domain]) -> Services:
    """Store, broker, ingest and identity are the real ones; codecs are a table."""
    stack = hub.stack
    return Services(
        store=stack.store,
        live=hub.live,
        desk=hub.desk,
        bus=hub.bus,
        clock=stack.clock,
        codecs=cast("CodecRunner", TableCodecs()),
        identity=stack.enrolment(),
        domains=domains,
        mqtt_host="localhost",
        mqtt_port=stack.endpoint.mqtt_port,
    )


def client_of(app: Any, **more: Any) -> httpx.AsyncClient:
    """Speaks to the application without a socket."""
    transport = httpx.ASGITransport(app)
    return httpx.AsyncClient(transport=transport, base_url="http://localhost", **more)
