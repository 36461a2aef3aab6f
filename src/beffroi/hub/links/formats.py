"""The links by name: which parser reads which message. The only list of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from beffroi.hub.links import chirpstack, mqtt_json, tts
from beffroi.hub.links.items import Parsed, Parser

IMPORT = "csv"  # what an administrator imports: it may speak for every device


def _import(payload: bytes, kind: str, sender: str, recv_ms: int) -> Parsed:
    """An import is put on the stream in the form of a gateway's batch."""
    del kind
    return mqtt_json.parse(payload, "batch", sender, recv_ms)


PARSERS: Mapping[str, Parser] = {
    "mqtt": mqtt_json.parse,
    "chirpstack": chirpstack.parse,
    "tts": tts.parse,
    IMPORT: _import,
}

# What a webhook may be: (event in the query, body) -> event name; raises LinkError.
WEBHOOKS: Mapping[str, Callable[[str | None, bytes], str]] = {
    "chirpstack": chirpstack.event_of,
    "tts": tts.event_of,
}
