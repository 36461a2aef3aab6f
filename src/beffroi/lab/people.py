"""What the town's (imaginary) staff did with the alarms of the demonstration's past.

So that the desk shows every state of an alarm's life. Acts go through the desk like anybody's.
"""

from __future__ import annotations

from collections.abc import Mapping

from beffroi.domains.base import Domain
from beffroi.hub.alarms.desk import Desk, RefusedError
from beffroi.ports.store import Store, User

TECHNICIAN = User("demo-technicien", "Camille Renaud (démonstration)", "operator")
ACTS = (
    ("lighting.lamp_out", "acknowledge", ""),
    ("lighting.lamp_out", "assign", ""),
    ("lighting.lamp_out", "comment", "Nacelle réservée, lampe commandée."),
    ("water.yield_low", "acknowledge", ""),
    ("water.yield_low", "comment", "Recherche de fuite demandée au syndicat des eaux."),
)


def act(store: Store, domains: Mapping[str, Domain], now_ms: int) -> int:
    """Do what is possible of ACTS; returns how many were. What has no alarm is left out."""
    store.people.put_user(TECHNICIAN)
    rules = {rule.id: rule for domain in domains.values() for rule in domain.rules.values()}
    desk = Desk(store.alarms, rules)
    done = 0
    for rule, action, text in ACTS:
        for alarm in desk.open():
            if alarm.rule != rule:
                continue
            try:
                desk.act(alarm.id, action, TECHNICIAN.id, now_ms, text=text,
                         assignee=TECHNICIAN.id if action == "assign" else "")  # fmt: skip
                done += 1
            except RefusedError:  # somebody, or the alarm itself, was faster
                continue
    return done
