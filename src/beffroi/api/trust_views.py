"""What the commune's root has signed, and how its guards stand, as people read it. Reads only."""

from __future__ import annotations

from typing import Any

from beffroi.api.command_views import View, dispatch_of
from beffroi.api.words import said
from beffroi.evidence import words
from beffroi.hub.dispatch.words import reason_text
from beffroi.hub.services import Services
from beffroi.kernel.dsse import unpack
from beffroi.kernel.limits import DAY_MS
from beffroi.kernel.receipt import read_receipt
from beffroi.model.limits import EXPIRY_WARNING_DAYS
from beffroi.ports.commands import ReceiptRow
from beffroi.ports.store import User

RECEIPTS = 6
NUMBERS = 500  # of receipts looked at for gaps


def ends(expires_ms: int, now_ms: int) -> str:
    """ "over", "soon" or "": how urgent a date is."""
    if now_ms >= expires_ms:
        return "over"
    return "soon" if expires_ms - now_ms < EXPIRY_WARNING_DAYS * DAY_MS else ""


def trust(services: Services, lang: str, user: User) -> dict[str, Any]:
    """Roster and envelopes as held, with their versions and ends."""
    trusted, now = dispatch_of(services).book.trusted, services.clock.now_ms()
    roster, view = trusted.roster, View(services, lang, user)
    rules = [
        {
            "target": one.target,
            "name": view.target_name(one.target),
            "service": one.service,
            "guard": one.guard,
            "authority": one.authority,
            "version": one.version,
            "epoch": one.epoch,
            "expires_ms": one.expires_ms,
            "ends": ends(one.expires_ms, now),
            "actions": [view.action_name(one.target, name) for name in sorted(one.actions)],
        }
        for one in sorted(trusted.envelopes.values(), key=lambda one: (one.service, one.target))
    ]
    return {
        "commune": roster.commune,
        "version": roster.version,
        "expires_ms": roster.expires_ms,
        "ends": ends(roster.expires_ms, now),
        "origins": list(roster.origins),
        "members": sorted(roster.members, key=lambda one: (one.role, one.org, one.person)),
        "rules": rules,
        "first_end_ms": min((one.expires_ms for one in trusted.envelopes.values()), default=0),
        "urgent": sum(bool(one["ends"]) for one in rules) + bool(ends(roster.expires_ms, now)),
    }


def guards_json(services: Services) -> list[dict[str, Any]]:
    """Every guard of the envelopes, heard or not."""
    dispatch, now = dispatch_of(services), services.clock.now_ms()
    book, trusted = dispatch.book, dispatch.book.trusted
    found = []
    for guard in sorted(trusted.guards):
        seen = book.mirror.of(guard)
        versions = [one.status.roster_version for one in seen.values()]
        last = book.store.receipts(guard, 1)
        found.append(
            {
                "guard": guard,
                "connected": book.mirror.connected(guard, now),
                "nonce": book.mirror.nonce(guard).hex(),
                "status_ms": book.mirror.heard_ms(guard),
                "receipts": max((one.status.receipts for one in seen.values()), default=0),
                "last_receipt": last[0].number if last else 0,
                "roster_version": min(versions, default=0),
                "roster_current": bool(versions) and min(versions) >= trusted.roster.version,
                "targets": sorted(trusted.held_by(guard)),
            }
        )
    return found


def guards(services: Services, lang: str, user: User) -> list[dict[str, Any]]:
    """Each with its targets, lease, last receipts and the numbers that are missing."""
    dispatch, view = dispatch_of(services), View(services, lang, user)
    now = services.clock.now_ms()
    found = []
    for one in guards_json(services):
        seen = dispatch.book.mirror.of(one["guard"])
        rows = dispatch.book.store.receipts(one["guard"], RECEIPTS)
        found.append(
            one
            | {
                "leased": bool(seen) and all(target.status.leased for target in seen.values()),
                "lease_until_ms": dispatch.book.mirror.lease_until_ms(one["guard"]),
                "named": [(target, view.target_name(target)) for target in one["targets"]],
                "behind": [
                    target for target in one["targets"]
                    if target in seen
                    and seen[target].status.envelope
                    != dispatch.book.trusted.envelopes[target].digest
                ],
                "facts": {
                    name: view.facts_shown(name, target.status.facts)
                    for name, target in seen.items()
                },
                "last": [_receipt(view, row, lang) for row in rows],
                "gaps": gaps(services, one["guard"], one["last_receipt"]),
                "silent_ms": now - one["status_ms"] if one["status_ms"] else 0,
            }
        )  # fmt: skip
    return found


def gaps(services: Services, guard: str, last: int) -> list[tuple[int, int]]:
    """Ranges of missing numbers among the last NUMBERS receipts."""
    low = max(1, last - NUMBERS + 1)
    have = dispatch_of(services).book.store.numbers(guard, low, last)
    missing = [number for number in range(low, last + 1) if number not in have]
    found: list[tuple[int, int]] = []
    for number in missing:
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def _receipt(view: View, row: ReceiptRow, lang: str) -> dict[str, Any]:
    receipt = read_receipt(unpack(row.wire).payload)
    told = words.outcome(receipt.outcome)
    return {
        "number": receipt.number,
        "at_ms": receipt.at_ms,
        "outcome": receipt.outcome,
        "text": told.en if lang == "en" else told.fr,
        "target_name": view.target_name(receipt.target) if receipt.target else "",
        "reason_text": said(reason_text(receipt.reason), lang) if receipt.reason else "",
    }
