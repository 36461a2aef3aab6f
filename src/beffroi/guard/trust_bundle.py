"""What travels on `d/<guard>/trust`: one canonical map {"files": {name: bytes}}, within bounds.

Names: `metadata/<n>.root.json`, `metadata/timestamp.json`, `metadata/<n>.snapshot.json`,
`metadata/<n>.targets.json`, `metadata/<n>.<role>.json`, `targets/roster.cbor`,
`targets/envelopes/<target>.cbor`. Knows nothing of what the files say.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from beffroi.kernel.canonical import CanonicalError, decode, encode

BUNDLE_BYTES_MAX = 262_144
FILES_MAX = 2_000
ROSTER = "roster.cbor"


class BundleError(ValueError):
    """Not a bundle, or too large for the road to a guard; the text says which."""


def envelope_path(target: str) -> str:
    return f"envelopes/{target}.cbor"


def metadata_name(role: str, version: int) -> str:
    """The name of one version of a role's metadata, as python-tuf asks for it."""
    return f"metadata/{version}.{quote(role, '')}.json"


def role_of(guard: str) -> str:
    """The delegated role that holds a guard's envelopes: never one of TUF's own four names."""
    return f"guard-{guard}"


def pack_bundle(files: Mapping[str, bytes], bytes_max: int = BUNDLE_BYTES_MAX) -> bytes:
    data = encode({"files": dict(files)})
    if len(data) > bytes_max:
        raise BundleError(f"{len(data)} bytes, more than {bytes_max}: give the guard fewer targets")
    return data


def unpack_bundle(data: bytes, bytes_max: int = BUNDLE_BYTES_MAX) -> dict[str, bytes]:
    try:
        value = decode(data, bytes_max)
    except CanonicalError as error:
        raise BundleError(str(error)) from error
    files = value.get("files") if isinstance(value, dict) and value.keys() == {"files"} else None
    if not isinstance(files, dict) or len(files) > FILES_MAX:
        raise BundleError('not a map {"files": {name: bytes}}')
    named: dict[str, bytes] = {}
    for name, content in files.items():
        if not isinstance(content, bytes):
            raise BundleError(f"{name[:80]!r} is not bytes")
        named[name] = content
    return named
