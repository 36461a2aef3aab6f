"""Ways to reach a witness: HTTP(S), a folder that somebody carries, or the same process (the lab).

A peer passes bytes. Whether the answer is worth anything is checked by whoever asked.
"""

from __future__ import annotations

import http.client
import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from beffroi.adapters import durable
from beffroi.adapters.log.witness import PATH, Answer, Witness
from beffroi.evidence.limits import WITNESS_ANSWER_BYTES_MAX, WITNESS_REQUEST_BYTES_MAX
from beffroi.evidence.vkey import Vkey, VkeyError, read_vkey
from beffroi.kernel.keys import sha256
from beffroi.kernel.note import COSIGNATURE
from beffroi.ports.log_store import LogError, WitnessError

FOLDER_POLL_S = 0.05


class Way(Protocol):
    """`ask` passes one request; WitnessError when no answer comes in time."""

    def ask(self, request: bytes, timeout_s: float) -> Answer: ...


@dataclass(frozen=True, slots=True)
class Peer:
    """A witness that we ask, and its key: an answer signed by another is no answer."""

    key: Vkey
    way: Way

    @property
    def name(self) -> str:
        return self.key.name


@dataclass(frozen=True, slots=True)
class Direct:
    """In the same process."""

    witness: Witness

    def ask(self, request: bytes, timeout_s: float) -> Answer:  # noqa: ARG002 - it is at once
        return self.witness.handle(request)


@dataclass(frozen=True, slots=True)
class Http:
    """`url`: the submission prefix, http or https. Redirects are not followed."""

    url: str
    authorities: str = ""  # a PEM file; empty: those of the machine

    def ask(self, request: bytes, timeout_s: float) -> Answer:
        parts = urlsplit(self.url)
        try:
            line = self._line(parts.scheme, parts.hostname or "", parts.port, timeout_s)
            try:
                path = parts.path.rstrip("/") + PATH
                line.request("POST", path, request, {"Content-Type": "text/plain; charset=utf-8"})
                answer = line.getresponse()
                body = answer.read(WITNESS_ANSWER_BYTES_MAX + 1)
            finally:
                line.close()
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise WitnessError(f"no answer from {self.url}: {error}") from error
        if len(body) > WITNESS_ANSWER_BYTES_MAX:
            raise WitnessError(f"the answer from {self.url} is too long")
        return Answer(answer.status, body, answer.headers.get("Content-Type", ""))

    def _line(
        self, scheme: str, host: str, port: int | None, timeout_s: float
    ) -> http.client.HTTPConnection:
        if scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=timeout_s)
        context = ssl.create_default_context(cafile=self.authorities or None)
        return http.client.HTTPSConnection(host, port, timeout=timeout_s, context=context)


@dataclass(frozen=True, slots=True)
class Folder:
    """Requests and answers as files: between two town halls without a line, or with a stick."""

    folder: Path

    def ask(self, request: bytes, timeout_s: float) -> Answer:
        name = sha256(request).hex()[:32]
        question, answer = self.folder / f"{name}.request", self.folder / f"{name}.answer"
        until = time.monotonic() + timeout_s
        try:
            if not answer.exists():
                _write(question, request)
            # Who asked has gone at the deadline: what comes then is for who asks again.
            while (left_s := until - time.monotonic()) <= 0 or not answer.exists():
                if left_s <= 0:
                    raise WitnessError(f"no answer in {self.folder} yet: carry it and ask again")
                time.sleep(min(FOLDER_POLL_S, left_s))
            status, _, body = answer.read_bytes().partition(b"\n")
            answer.unlink()
            question.unlink(missing_ok=True)
            return Answer(int(status), body)
        except (OSError, ValueError) as error:
            raise WitnessError(f"{self.folder} cannot be used: {error}") from error


def serve_folder(witness: Witness, folder: Path) -> int:
    """Answer every request that lies there; how many there were."""
    count = 0
    for path in sorted(folder.glob("*.request")):
        with path.open("rb") as file:
            answer = witness.handle(file.read(WITNESS_REQUEST_BYTES_MAX + 1))
        _write(path.with_suffix(".answer"), b"%d\n%s" % (answer.status, answer.body))
        path.unlink()
        count += 1
    return count


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    durable.put(path, data)


def read_peers(path: Path) -> list[Peer]:
    """A text file, one witness a line: its key, then its address (https://..., or a folder)."""
    if not path.exists():
        return []
    found = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            key, _, address = line.strip().partition(" ")
            found.append(peer_of(key, address.strip()))
        except (VkeyError, LogError) as error:
            raise LogError(f"{path}, line {number}: {error}") from error
    return found


def peer_of(key: str, address: str) -> Peer:
    """LogError or VkeyError when the line cannot be used."""
    vkey = read_vkey(key)
    if vkey.kind != COSIGNATURE:
        raise LogError("that is the key of a log; ask for the key of the witness")
    if address.startswith(("http://", "https://")):
        return Peer(vkey, Http(address))
    if not address or "://" in address:
        raise LogError("an address begins with http:// or https://, or is a folder")
    return Peer(vkey, Folder(Path(address)))
