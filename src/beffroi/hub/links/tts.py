"""The Things Stack v3 webhooks, JSON format (`ttn.lorawan.v3.ApplicationUp` in protobuf's JSON).

Only `uplink_message` holds readings; joins, downlink receipts and the like are ignored. Fields
that are zero or empty are absent in this format. A simulated uplink, made by hand in the console,
is refused: it is no reading of the town.
"""

from __future__ import annotations

from beffroi.hub.links import lorawan
from beffroi.hub.links.items import LinkError, Parsed

OTHERS = frozenset(
    {
        "join_accept",
        "downlink_ack",
        "downlink_nack",
        "downlink_sent",
        "downlink_failed",
        "downlink_queued",
        "downlink_queue_invalidated",
        "location_solved",
        "service_data",
        "uplink_normalized",
    }
)
HINT = "in The Things Stack choose the webhook format JSON, not Protocol Buffers"


def event_of(event: str | None, body: bytes) -> str:
    """ "up" for an uplink, else the name of the message. Raises LinkError when it is none."""
    del event
    message = lorawan.document(body, HINT)
    if "uplink_message" in message:
        return "up"
    for name in OTHERS:
        if name in message:
            return name
    raise LinkError('no "uplink_message" in it: enable the uplink messages of this webhook')


def parse(payload: bytes, kind: str, sender: str, recv_ms: int) -> Parsed:
    """One uplink, or an event to ignore."""
    del kind, sender
    message = lorawan.document(payload, HINT)
    if "uplink_message" not in message:
        event_of(None, payload)
        return Parsed(ignored=1)
    if message.get("simulated") is True:
        raise LinkError("a simulated uplink from the console is not a reading of a device")
    ids = lorawan.section(message, "end_device_ids")
    uplink = lorawan.section(message, "uplink_message")
    return Parsed(
        frames=[
            lorawan.frame(
                dev_eui=ids.get("dev_eui"),
                f_port=uplink.get("f_port"),
                data=uplink.get("frm_payload"),
                time=uplink.get("received_at") or message.get("received_at"),
                f_cnt=uplink.get("f_cnt"),
                decoded=uplink.get("decoded_payload"),
                recv_ms=recv_ms,
            )
        ]
    )
