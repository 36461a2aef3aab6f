"""A street cabinet and the rules it obeys, made in one go: for tests, benchmarks and the demo.

The root's holders are three seeds in memory; a real commune keeps them in three pockets and follows
`beffroi trust init`. The guard is the real program, its equipment simulated.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from beffroi.adapters.signers.file import SeedSigner
from beffroi.adapters.trust import ceremony, online
from beffroi.adapters.trust.ceremony import Ceremony
from beffroi.adapters.trust.shelf import Shelf
from beffroi.guard.trust_bundle import metadata_name
from beffroi.kernel.envelope import Envelope
from beffroi.kernel.keys import ED25519
from beffroi.kernel.roster import GUARD, Member, Roster

HOLDERS = {f"h{n}": SeedSigner(bytes([40 + n]) * 32) for n in range(3)}
SHOW_KEY_S_MAX = 30

_TOML = """\
guard = "{guard}"
commune = "{commune}"
folder = "state"
[place]
latitude_deg = 43.76
longitude_deg = 5.36
timezone = "Europe/Paris"
[hub]
host = "{host}"
port = {port}
[trust]
root = "root.json"
"""


@dataclass(frozen=True, slots=True)
class Cabinet:
    """`folder` holds the guard's files. `wiring` by target, as TOML text of the driver's table."""

    folder: Path
    commune: str
    guard: str

    def write(
        self, files: Mapping[str, bytes], host: str, port: int, wiring: Mapping[str, str]
    ) -> None:
        """Certificate, key and settings; the root comes with `sign_rules`."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name, content in files.items():
            (self.folder / name).write_bytes(content)
        text = _TOML.format(guard=self.guard, commune=self.commune, host=host, port=port)
        for target, table in wiring.items():
            text += f'[targets.{target}]\ndriver = "simulated"\n'
            text += table.replace("[", f"[targets.{target}.", 1) if table else ""
        (self.folder / "guard.toml").write_text(text)
        (self.folder / "root.json").write_bytes(b"")

    @property
    def command(self) -> list[str]:
        """The guard's process."""
        config = str(self.folder / "guard.toml")
        return [sys.executable, "-m", "beffroi.guard.main", "--config", config]

    def member(self) -> Member:
        """The guard's line of the roster; its key is made now if there is none."""
        shown = subprocess.run(
            [*self.command, "--show-key"], check=True, capture_output=True, timeout=SHOW_KEY_S_MAX
        )
        public = bytes.fromhex(shown.stdout.decode().strip())
        return Member(ED25519, public, self.guard, self.commune, GUARD)

    def trust(self, root: bytes) -> None:
        """The commune's root, carried here by hand."""
        (self.folder / "root.json").write_bytes(root)


def sign_rules(
    home: Path,
    commune: str,
    members: Sequence[Member],
    envelopes: Sequence[Envelope],
    now_ms: int,
    *,
    rp_id: str = "localhost",
    origins: tuple[str, ...] = ("http://localhost",),
) -> bytes:
    """The first ceremony, two of three holders present, published to `home`. Returns the root."""
    stick = Shelf(home / "stick")
    made = Ceremony(stick, [HOLDERS["h0"], HOLDERS["h1"]], now_ms)
    roster = Roster(commune, 1, 0, online.hub_members(home, commune), rp_id, origins)
    holders = {name: (ED25519, one.public) for name, one in HOLDERS.items()}
    made.begin(roster, holders, 2, online.public(home, online.ONLINE))
    for one in members:
        made.change(ceremony.add_member(one))
    made.change(ceremony.put_envelopes(envelopes))
    online.publish(home / "stick", home, now_ms)
    return stick.read(metadata_name("root", 1))
