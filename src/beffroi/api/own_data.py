"""What Beffroi keeps about one account: shown and handed out to its person, and erased.

Secrets that would let somebody in (hashes, keys of second factors) are named, never handed out. The
name and the address of an account stand in the main database, where every page needs them; what
else is personal is in the vault, under the account's own pseudonym. Knows no page.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from beffroi.api import accounts, sessions
from beffroi.api.access import SECOND
from beffroi.api.command_views import PERSON, person_of
from beffroi.api.problems import Refusal, not_found
from beffroi.hub.privacy.egress import OWN
from beffroi.hub.privacy.keeper import Keeper
from beffroi.hub.services import Services
from beffroi.model.limits import PAGE_ROWS_MAX
from beffroi.ports.store import User

SUBJECT = "personal:"  # setting per user: its pseudonym in the vault
HIDDEN = "secret."  # fields that are named in an export, not handed out
PURPOSE = "account"
README = """Voici ce que Beffroi conserve à votre sujet (article 15 du RGPD), au format JSON.
Les dates « _ms » sont des millisecondes depuis le 1er janvier 1970 (UTC).
Pour rectifier ou effacer : page « Mon compte », ou l’administrateur de la commune.

This is what Beffroi keeps about you (GDPR article 15), as JSON.
Dates named “_ms” are milliseconds since 1 January 1970 (UTC).
To correct or erase: page “My account”, or the commune's administrator.
"""


def keeper_of(services: Services) -> Keeper:
    if services.privacy is None:
        raise Refusal(404, "no_vault", "This hub keeps no personal data in a vault.")
    return services.privacy


def subject_of(services: Services, user_id: str) -> str:
    """The account's pseudonym, "" when nothing is kept in the vault."""
    return services.store.people.setting(SUBJECT + user_id) or ""


def subject_for(services: Services, user_id: str) -> str:
    """The same, made when it is needed."""
    known = subject_of(services, user_id)
    if known:
        return known
    made = keeper_of(services).vault.subject(PURPOSE, services.clock.now_ms())
    services.store.people.put_setting(SUBJECT + user_id, made)
    return made


def everything(services: Services, user: User) -> dict[str, Any]:
    """All that is kept about this account, but for secrets."""
    vault, now = keeper_of(services).vault, services.clock.now_ms()
    subject = subject_of(services, user.id)
    fields = vault.export(subject, OWN + user.id, now) if subject else {}
    lines = vault.accesses(PAGE_ROWS_MAX, subject=subject) if subject else []
    return {
        "at_ms": now,
        "account": {
            "id": user.id,
            "name": user.name,
            "email": user.email,
            "language": user.lang,
            "role": user.role,
            "active": user.active,
            "passphrase": "kept as a hash (argon2id)" if user.password_hash else "none",
        },
        "person_in_roster": person_of(services, user.id),
        "vault": {
            name: "kept, not handed out"
            if name.startswith(HIDDEN)
            else value.decode(errors="replace")
            for name, value in fields.items()
        },
        "read_by": [line._asdict() for line in lines],
        "decisions": _decisions(services, user.id),
    }


def zipped(services: Services, user: User) -> bytes:
    """The same as a file to keep."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("LISEZMOI.txt", README)
        text = json.dumps(everything(services, user), ensure_ascii=False, indent=2)
        archive.writestr("donnees.json", text)
    return made.getvalue()


def erase_account(services: Services, user_id: str, by: User) -> None:
    """The account ends; its pseudonym alone stays, in what it did. There is no way back."""
    people, keeper = services.store.people, keeper_of(services)
    user = people.user(user_id)
    if user is None:
        raise not_found(user_id)
    others = [one for one in people.users() if one.id != user_id]
    if accounts.administers(user) and not any(accounts.administers(one) for one in others):
        text = "This is the last administrator: make another one first, or the hub would be closed."
        raise Refusal(409, "last_admin", text)
    sessions.stop_all(services, user_id)
    keeper.forget([user.name, user.email])
    subject = subject_of(services, user_id)
    if subject:
        keeper.erase(subject, by.id)
    for setting in (SUBJECT, PERSON, SECOND):
        people.put_setting(setting + user_id, "")
    _drop_passkeys(services, user_id)
    left = User(user_id, gone(user), "reader", active=False)
    people.put_user(left)
    people.log_access(services.clock.now_ms(), by.id, "erase_account", user_id)
    people.settle()


def gone(user: User) -> str:
    """What stands where the name of an erased account stood."""
    return f"({user.id})"


def _drop_passkeys(services: Services, user_id: str) -> None:
    if services.dispatch is None:
        return
    store = services.dispatch.book.store
    for one in store.passkeys(user_id):
        store.drop_passkey(one.id, user_id)


def _decisions(services: Services, user_id: str) -> list[dict[str, Any]]:
    """Open alarms that this account decided: acts of the commune, kept for the file."""
    return [
        {"alarm": alarm.id, "kind": alarm.decision.kind, "decided_ms": alarm.decision.decided_ms}
        for alarm in services.desk.open()
        if alarm.decision is not None and alarm.decision.decided_by == user_id
    ]
