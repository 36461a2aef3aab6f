"""The people of the lab who hold keys, and their ceremony. For demonstration only: one folder holds
what real people keep in different pockets.

Keys are drawn anew for each home; with a passphrase they are encrypted like real ones, and the
passphrase lies beside them in a file that says so.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from beffroi.adapters.signers import file, pem
from beffroi.adapters.signers.file import SeedSigner
from beffroi.adapters.trust import ceremony, online
from beffroi.adapters.trust.ceremony import Ceremony
from beffroi.adapters.trust.shelf import Shelf
from beffroi.guard.trust_bundle import metadata_name
from beffroi.kernel.envelope import Envelope
from beffroi.kernel.keys import ED25519
from beffroi.kernel.roster import EVERY, OPERATOR, WITNESS, Member, Roster
from beffroi.lab.guards.neighbour import NAME as NEIGHBOUR

HOLDERS = ("demo-holder-1", "demo-holder-2", "demo-holder-3")
SECRET_FILE = "PASSPHRASE-DEMO.txt"  # noqa: S105 - a file name
NOTICE = """\
DÉMONSTRATION SEULEMENT. Ces clés ne protègent rien de réel.
DEMONSTRATION ONLY. These keys protect nothing real.
Phrase de passe de toutes les clés de ce dossier / passphrase of all keys of this folder:
"""


@dataclass(frozen=True, slots=True)
class Trustee:
    """`key` names the file, `person` is a pseudonym of the roster, `office` is for people."""

    key: str
    person: str
    org: str
    office: str
    services: tuple[str, ...] = (EVERY,)


TRUSTEES = (
    Trustee("maire", "maire", "commune", "Maire (démonstration)"),
    Trustee("adjoint", "adjoint", "commune", "Adjoint aux travaux (démonstration)"),
    Trustee("adjoint-2", "adjoint", "commune", "Adjoint aux travaux, seconde clé (démonstration)"),
    Trustee("eaux", "eaux", "syndicat-des-eaux", "Syndicat des eaux (démonstration)", ("water",)),
    Trustee("prefecture", "prefecture", "prefecture", "Préfecture (démonstration)", ("boards",)),
)


class Trustees:
    """All keys of one lab home. `stick` is the offline folder of the ceremony."""

    def __init__(self, folder: Path, *, locked: bool) -> None:
        self.folder, self.stick = folder, Shelf(folder / "stick")
        self._locked = locked
        self._passphrase = self._secret() if locked else None

    def signer(self, name: str) -> SeedSigner:
        """Of a holder or a trustee; made the first time."""
        path = self.folder / "keys" / f"{name}.pem"
        if not path.exists():
            return file.create(path, self._passphrase)
        return SeedSigner(self.seed(name))

    def seed(self, name: str) -> bytes:
        """What a thief of the key and its passphrase has."""
        path = self.folder / "keys" / f"{name}.pem"
        if not path.exists():
            file.create(path, self._passphrase)
        return pem.opened(path.read_bytes(), self._passphrase)

    def members(self) -> list[Member]:
        """Each signs outside the hub, with a file of their own."""
        return [
            Member(ED25519, self.signer(one.key).public, one.person, one.org, OPERATOR,
                   services=one.services, independent=True, name=one.office)
            for one in TRUSTEES
        ]  # fmt: skip

    def hold(
        self,
        home: Path,
        commune: str,
        guards: Sequence[Member],
        witness: bytes,
        envelopes: Sequence[Envelope],
        now_ms: int,
        site: str = "http://localhost",
    ) -> bytes:
        """The first ceremony: two of three holders present; published to `home`. The root."""
        holders = {name: self.signer(name) for name in HOLDERS}
        present = [holders[name] for name in HOLDERS[:2]]
        made = Ceremony(self.stick, present, now_ms)
        rp_id = site.partition("://")[2].partition(":")[0]
        roster = Roster(commune, 1, 0, online.hub_members(home, commune), rp_id, (site,))
        public = {name: (ED25519, one.public) for name, one in holders.items()}
        made.begin(roster, public, 2, online.public(home, online.ONLINE))
        cosigner = Member(ED25519, witness, NEIGHBOUR, "neighbour", WITNESS)
        joined = [ceremony.add_member(one) for one in (*self.members(), *guards, cosigner)]
        made.change(ceremony.all_of([*joined, ceremony.put_envelopes(envelopes)]))
        online.publish(self.stick.folder, home, now_ms)
        return self.root

    @property
    def root(self) -> bytes:
        return self.stick.read(metadata_name("root", 1))

    @property
    def held(self) -> bool:
        """A ceremony took place here."""
        return bool(self.stick.versions("root"))

    def _secret(self) -> str:
        path = self.folder / SECRET_FILE
        if path.exists():
            return path.read_text().splitlines()[-1]
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        secret = secrets.token_urlsafe(18)
        path.touch(mode=0o600)
        path.write_text(f"{NOTICE}{secret}\n")
        return secret
