"""The card of a junction's conflict monitor, made of the same data as the proof.

The monitor is told less than the controller keeps: of a pair the shorter of the two clearances, so
that it never trips on what is allowed. How a card is sealed and read is the monitor's business.
"""

from __future__ import annotations

import json

from beffroi.domains.signal_junction import Junction


def card(made: Junction) -> bytes:
    """JSON: groups with their amber, conflicting pairs with their clearance, in milliseconds."""
    names = [group.name for group in made.groups]
    data = {
        "junction": made.id,
        "groups": [
            {"name": group.name, "kind": group.kind, "amber_ms": 1_000 * group.amber_s}
            for group in made.groups
        ],
        "conflicts": [
            [names[a], names[b], 1_000 * min(made.clear_s(a, b), made.clear_s(b, a))]
            for a, b in sorted(made.conflicts)
            if a < b
        ],
    }
    return json.dumps(data, ensure_ascii=False, indent=1).encode()
