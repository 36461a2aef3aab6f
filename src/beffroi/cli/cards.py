"""A member's card: the small text file that carries a public key to the ceremony, and no secret.

What it claims (person, organisation, role) counts only once the commune's root has signed it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from beffroi.kernel import keys
from beffroi.kernel.canonical import Value
from beffroi.kernel.document import FieldError, from_map, to_map
from beffroi.kernel.roster import Member

CARD_BYTES_MAX = 4_096


class CardError(Exception):
    """Not a card; the text says what is wrong."""


def card_of(member: Member) -> str:
    fields = {**to_map(member), "public": member.public.hex()}
    return json.dumps(fields, ensure_ascii=False, indent=1) + "\n"


def read_card(path: Path) -> Member:
    return _member(_object(path), path)


class HubFile(NamedTuple):
    """The hub's public keys on their way to the ceremony: `online` for freshness, and its lines
    of the roster."""

    online: bytes
    members: tuple[Member, ...]


def hub_file(hub: HubFile) -> str:
    cards = [json.loads(card_of(member)) for member in hub.members]
    return json.dumps({"online": hub.online.hex(), "members": cards}, indent=1) + "\n"


def read_hub_file(path: Path) -> HubFile:
    fields = _object(path)
    members = fields.get("members")
    if fields.keys() != {"online", "members"} or not isinstance(members, list):
        raise CardError(f"{path} is not a file of `beffroi trust hub`")
    try:
        online = bytes.fromhex(str(fields["online"]))
    except ValueError as error:
        raise CardError(f"{path}: the online key is not hexadecimal") from error
    return HubFile(online, tuple(_member(one, path) for one in members))


def _object(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            fields = json.loads(file.read(CARD_BYTES_MAX + 1).decode())
    except OSError as error:
        raise CardError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise CardError(f"{path} is not a card: {error}") from error
    if not isinstance(fields, dict):
        raise CardError(f"{path} is not a card")
    return fields


def _member(fields: object, path: Path) -> Member:
    try:
        if not isinstance(fields, dict):
            raise FieldError("not a card")
        public = bytes.fromhex(str(fields.get("public", "")))
        return from_map(Member, {**fields, "public": public})
    except ValueError as error:
        raise CardError(f"{path} is not a member's card: {error}") from error


def new_member(
    public: bytes,
    person: str,
    org: str,
    role: str,
    *,
    kind: str = keys.ED25519,
    services: tuple[str, ...] = ("*",),
    independent: bool = False,
    name: str = "",
) -> Member:
    """CardError when a field is not permitted (an id with spaces, an unknown role)."""
    fields: dict[str, Value] = {
        "kind": kind,
        "public": public,
        "person": person,
        "org": org,
        "role": role,
        "services": list(services),
        "independent": independent,
        "name": name,
    }
    try:
        return from_map(Member, fields)
    except FieldError as error:
        raise CardError(str(error)) from error
