"""The neighbour commune of the lab: a second town that sees our log and cosigns it, nothing more.

It answers by a folder, as neighbours without a line do. Its memory is its own.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from beffroi.adapters.log.peers import serve_folder
from beffroi.adapters.log.witness import Witness
from beffroi.evidence.vkey import Vkey
from beffroi.kernel.note import SIGNATURE

NAME = "temoin.voisine"
POLL_S = 0.05


class Neighbour:
    """`folder` holds its key and what it has seen; `post` is where requests are left."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.post = folder / "post"
        self.post.mkdir(exist_ok=True, mode=0o700)
        self.witness = Witness(folder / "witness", NAME, lambda: int(time.time()))

    @property
    def public(self) -> bytes:
        return self.witness.vkey.public

    def agree(self, home: Path, commune: str, log_public: bytes) -> None:
        """Both sides: it witnesses our log, and our hub asks it."""
        self.witness.trust(Vkey(f"beffroi/{commune}", log_public, SIGNATURE))
        path = home / "evidence" / "witnesses"
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        line = f"{self.witness.vkey.text()} {self.post}\n"
        if not path.exists() or line not in path.read_text():
            with path.open("a") as file:
                file.write(line)

    async def serve(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.to_thread(serve_folder, self.witness, self.post)
            await asyncio.sleep(POLL_S)

    def close(self) -> None:
        self.witness.close()
