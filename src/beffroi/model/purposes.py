"""Why Beffroi may keep a personal datum, and for how long: one table, read by the store that
enforces it and by the record of processing that tells of it. Holds no datum and knows no page.

The lives are our own upper bounds, from no text of law: the commune's record of processing decides
(docs/privacy.md). Whoever keeps a datum may say less; shorter ones are changed here, in review.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from beffroi.model.asset import Label
from beffroi.model.limits import ACCESS_LOG_DAYS, SIGN_IN_LOG_DAYS


class Purpose(NamedTuple):
    """`days`: the longest that a field of this purpose is kept."""

    id: str
    days: int
    label: Label


_ALL = (
    Purpose("reports", 366, Label("signalements des habitants", "reports by inhabitants")),
    Purpose("consultations", 366, Label("consultations et idées", "consultations and ideas")),
    Purpose("account", 3 * 366, Label("comptes des agents", "accounts of staff")),
    Purpose("incident", 5 * 366, Label("suivi d’un incident", "following up an incident")),
    Purpose("request", ACCESS_LOG_DAYS, Label("demandes d’accès", "access requests")),
)
# Not in the vault: lines of the main database's access log, with the network address.
SIGN_INS = Purpose("sign_in", SIGN_IN_LOG_DAYS, Label("connexions", "sign-ins"))
PURPOSES: Mapping[str, Purpose] = MappingProxyType({one.id: one for one in _ALL})
