"""A command on its way to a person who signs it and back. Shows and asks nothing: whoever calls
it has done that.

The file: one canonical map {"request": wire, "trust": bundle}, where `wire` is the packed command
with the signatures so far and `bundle` what its guard would be sent (the signer checks it like a
guard). The packed command alone is read too. Either may be pasted as base64.
"""

from __future__ import annotations

import base64
from typing import NamedTuple

from beffroi.kernel.canonical import CanonicalError, decode, encode
from beffroi.kernel.command import read_command
from beffroi.kernel.dsse import COMMAND, Signature, Signed, pack, unpack
from beffroi.ports.signer import Signer, SignerError

FILE_BYTES_MAX = 600_000  # with a bundle, in base64, with line ends


class Request(NamedTuple):
    wire: bytes
    bundle: bytes  # empty when none came along


def pack_request(wire: bytes, bundle: bytes) -> bytes:
    return encode({"request": wire, "trust": bundle})


def unpack_request(data: bytes) -> Request:
    """SignerError unless it holds a command, in one of the forms above."""
    raw = _binary(data)
    try:
        value = decode(raw, FILE_BYTES_MAX)
    except CanonicalError as error:
        raise SignerError(f"this is not a request to sign: {error}") from error
    if not isinstance(value, dict) or value.keys() != {"request", "trust"}:
        return Request(raw, b"")
    wire, bundle = value["request"], value["trust"]
    if not isinstance(wire, bytes) or not isinstance(bundle, bytes):
        raise SignerError("this is not a request to sign: the parts are not bytes")
    return Request(wire, bundle)


def _binary(data: bytes) -> bytes:
    text = b"".join(data.split()).translate(bytes.maketrans(b"-_", b"+/"))
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except ValueError:
        return data


def sign_request(wire: bytes, signer: Signer) -> Signature:
    """`wire` is a packed container holding one command. SignerError for anything else."""
    return signer.sign(read_request(wire).pae)


def signed_file(wire: bytes, signature: Signature) -> bytes:
    """What is brought back to the hub: the same command with this one signature."""
    request = read_request(wire)
    return pack(Signed(request.kind, request.payload, (signature,)))


def read_request(wire: bytes) -> Signed:
    try:
        signed = unpack(wire)
        if signed.kind == COMMAND:
            read_command(signed.payload)
            return signed
    except ValueError as error:
        raise SignerError(f"this is not a request to sign: {error}") from error
    raise SignerError(f"only commands are signed here, this is a {signed.kind}")
