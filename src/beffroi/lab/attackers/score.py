"""What an attack tried, what stopped it, what it moved: values, and the book that is kept of one.

The effect is counted at the equipment's own ledger, never at the hub: a hub that was taken over
would say that all is well.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from beffroi.evidence import words
from beffroi.kernel.verdict import Reason
from beffroi.lab.attackers.town import Town
from beffroi.lab.guards.posts import Effect
from beffroi.model.asset import Label


class Try(NamedTuple):
    """`stopped`: by what, each with how often. Empty only if nothing did."""

    what: Label
    times: int
    stopped: Mapping[str, int]
    by: Label


@dataclass(frozen=True, slots=True)
class Story:
    """Of one attack: `has` are its keys and position, `stops` what must hold it."""

    title: Label
    tale: Label
    has: Label
    stops: Label


@dataclass(frozen=True, slots=True)
class Outcome:
    """`effects`: what the attack moved at the equipment and ought not to have (0 is the only good
    number). `within`: what its keys may do alone by the signed rules, and did. `noticed_ms`: until
    the hub's alarm desk had a grave alarm or the incident of a coordinated attack, -1 for never."""

    name: str
    story: Story
    tries: tuple[Try, ...]
    effects: int
    effects_seen: tuple[str, ...]
    within: int
    incidents: int
    noticed_ms: int
    took_ms: int
    notes: tuple[Label, ...] = ()
    evidence: str = ""
    entries: int = 0

    @property
    def held(self) -> bool:
        """Nothing moved, and everything that was tried was stopped by something."""
        return self.effects == 0 and all(one.stopped for one in self.tries)

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"held": self.held, "tries": [_json(one) for one in self.tries]}


def _json(one: Try) -> dict[str, Any]:
    return {
        "what": asdict(one.what),
        "times": one.times,
        "stopped": dict(one.stopped),
        "by": asdict(one.by),
    }


@dataclass(slots=True)
class Score:
    """The book of one attack while it runs."""

    town: Town
    began_s: float = field(default_factory=time.monotonic)
    began_ms: int = field(default_factory=lambda: time.time_ns() // 1_000_000)
    tries: list[Try] = field(default_factory=list)
    notes: list[Label] = field(default_factory=list)
    breaches: list[str] = field(default_factory=list)  # that no ledger of equipment would show
    within: list[tuple[str, str]] = field(default_factory=list)  # (target, action): may be done
    ignored: set[str] = field(default_factory=set)  # targets whose raw writes are the attack itself

    def tried(self, fr: str, en: str, times: int, stopped: Mapping[str, int]) -> None:
        """`stopped` by reason of the judge, or any short name of a barrier."""
        by = words_of(stopped)
        self.tries.append(Try(Label(fr, en), times, dict(stopped), by))

    def note(self, fr: str, en: str) -> None:
        self.notes.append(Label(fr, en))

    def moved(self) -> list[Effect]:
        """Acts at the equipment since it began, less what was allowed."""
        allowed = Counter(self.within)
        found = []
        for one in self.town.effects(self.began_s):
            key = (one.target, str(one.what.get("action")))
            if one.do == "act" and allowed[key] > 0:
                allowed[key] -= 1
            elif one.do == "act" or (one.do == "write" and one.target not in self.ignored):
                found.append(one)
        return found


BARRIERS = {
    "awaiting": Label("attend d’autres personnes, jamais envoyée", "waits for others, never sent"),
    "sign_in_needed": Label("personne n’est connecté", "nobody is signed in"),
    "role": Label("rôle insuffisant", "role too low"),
    "csrf": Label("page étrangère", "foreign page"),
    "sign_in_failed": Label("phrase de passe fausse", "wrong passphrase"),
    "too_many_tries": Label("trop d’essais", "too many tries"),
    "tls": Label("certificat exigé (TLS)", "certificate required (TLS)"),
    "broker": Label("droits du courtier : ses propres sujets seulement",
                    "broker permissions: its own topics only"),
    "not_heard": Label("la garde n’a rien entendu", "the guard heard nothing"),
    "same_receipt": Label("même reçu, rien de refait", "the same receipt, nothing done again"),
    "trust": Label("documents non signés par la racine", "documents not signed by the root"),
    "trust_kept": Label("documents refusés, les anciens restent", "refused; the old ones stay"),
    "no_personal_data": Label("aucune donnée personnelle ici", "no personal data here"),
    "witness": Label("témoin de la commune voisine", "the neighbour commune’s witness"),
    "verify": Label("preuve rompue, entrée nommée", "proof broken, entry named"),
    "no_key": Label("il n’a pas la clé des reçus", "it lacks the key of receipts"),
    "revoked": Label("révoqué", "revoked"),
    "read_back": Label("relecture : revenu à l’état sûr", "read-back: returned to its safe state"),
    "snmp": Label("secret SNMP faux : l’appareil ne prend rien",
                  "wrong SNMP secret: the device takes nothing"),
    "refused_offline": Label("refusé hors ligne", "refused offline"),
    "unknown_target": Label("équipement inconnu", "unknown equipment"),
    "another_command": Label("signature d’une autre commande", "signature of another command"),
    "signer": Label("le signataire indépendant montre les vrais octets",
                    "the independent signer shows the true bytes"),
}  # fmt: skip


def words_of(stopped: Mapping[str, int]) -> Label:
    """For people: most frequent first."""
    ranked = sorted(stopped.items(), key=lambda one: -one[1])
    fr = "; ".join(f"{_word(name).fr} ({count})" for name, count in ranked)
    en = "; ".join(f"{_word(name).en} ({count})" for name, count in ranked)
    return Label(fr, en)


def _word(name: str) -> Label:
    if name in BARRIERS:
        return BARRIERS[name]
    if name in Reason.__members__.values():
        said = words.reason(name)
        return Label(said.fr, said.en)
    return Label(name, name)
