"""ChirpStack v4, HTTP integration, JSON encoding (`integration.UplinkEvent` in protobuf's JSON).

ChirpStack posts each event to one address and names it in the query: `?event=up`. Only "up" holds
readings; the other known events are answered and ignored. Refuses Protobuf and the format of v3.
"""

from __future__ import annotations

from beffroi.hub.links import lorawan
from beffroi.hub.links.items import LinkError, Parsed

EVENTS = frozenset({"up", "join", "status", "ack", "txack", "log", "location", "integration"})
HINT = "in ChirpStack choose the payload encoding JSON for this HTTP integration, not Protobuf"


def event_of(event: str | None, body: bytes) -> str:
    """The event this body is about. Raises LinkError when it is not one of ChirpStack's."""
    del body
    if event not in EVENTS:
        raise LinkError(f"unknown event {str(event)[:40]!r}: ChirpStack adds it to the URL itself")
    return event or ""


def parse(payload: bytes, kind: str, sender: str, recv_ms: int) -> Parsed:
    """One "up" event."""
    del kind, sender
    event = lorawan.document(payload, HINT)
    if "deviceInfo" not in event and "devEUI" in event:
        raise LinkError("this is the format of ChirpStack v3: Beffroi reads that of version 4")
    info = lorawan.section(event, "deviceInfo")
    return Parsed(
        frames=[
            lorawan.frame(
                dev_eui=info.get("devEui"),
                f_port=event.get("fPort"),
                data=event.get("data"),
                time=event.get("time"),
                f_cnt=event.get("fCnt"),
                decoded=event.get("object"),
                recv_ms=recv_ms,
            )
        ]
    )
