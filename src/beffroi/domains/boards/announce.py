"""What boards did show, as public alerts (CAP 1.2) in the same words, until they end.

Only commands that a guard read back as done come here. Another alert on the same board updates the
one before, anything else there cancels it, and an exercise never touches an actual alert's chain.
Knows no XML, no key and no address.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from beffroi.domains.base import Shown
from beffroi.domains.boards.acts import MINUTE_MS
from beffroi.domains.boards.cap import AS_CAP, Words
from beffroi.domains.boards.catalogue import ALERT, EXERCISE, TEMPLATES, text_of
from beffroi.kernel.code import code_of
from beffroi.model.asset import Asset
from beffroi.model.cap import Alert, Area, Info

NEAR_KM = 1.0  # around a board: the area of an alert of ours


def announce(board: Asset, done: Sequence[Shown], sender: str, sender_name: str) -> Sequence[Alert]:
    """See `domains.base.Domain.announce`. Times in whole seconds, as CAP writes them."""
    found: list[Alert] = []
    standing: Alert | None = None
    for one in done:
        at_ms = one.at_ms - one.at_ms % 1000
        held = standing if standing and at_ms < (standing.expires_ms or 0) else None
        fresh = None
        if "template" in one.params:
            fresh = alert_shown(board, one.params, one.digest, at_ms, sender, sender_name)
        if held and fresh and held.status == fresh.status:
            fresh = replace(fresh, msg_type="Update", references=(held.ref,))
        elif held:
            found.append(cancelled(held, one.digest, at_ms))
        found += [fresh] if fresh else []
        standing = fresh
    return found


def alert_shown(
    board: Asset,
    params: Mapping[str, int | str],
    digest: bytes,
    sent_ms: int,
    sender: str,
    sender_name: str,
) -> Alert | None:
    """What the board shows by the command of this digest, as an alert to pass on; None for a
    message that is no alert. An exercise goes out as an exercise."""
    template = TEMPLATES[str(params["template"])]
    if template.category != ALERT and template.id != EXERCISE:
        return None
    words = AS_CAP.get(template.id, Words("Other", "None"))
    clear = words.response == "AllClear"
    info = Info(
        categories=(words.category,),
        event=template.label.fr,
        urgency="Past" if clear else "Immediate",
        severity="Minor" if clear or template.id == EXERCISE else "Severe",
        certainty="Observed",
        language="fr-FR",
        responses=(words.response,),
        effective_ms=sent_ms,
        expires_ms=sent_ms + int(params["minutes"]) * MINUTE_MS,
        sender_name=sender_name,
        headline=" ".join(text_of(params).split()),
        parameters=(("beffroi-code", code_of(digest)),),
        areas=(Area(board.name or board.id, circles=(((board.lat, board.lon), NEAR_KM),)),),
    )
    status = "Exercise" if template.id == EXERCISE else "Actual"
    return Alert(digest.hex(), sender, sent_ms, status, "Alert", "Public", infos=(info,))


def cancelled(alert: Alert, digest: bytes, sent_ms: int) -> Alert:
    """The message that ends it, after the board was cleared by the command of this digest."""
    return Alert(
        f"{digest.hex()}.end",
        alert.sender,
        sent_ms,
        alert.status,
        "Cancel",
        alert.scope,
        (alert.ref,),
    )
