"""The one alarm that a coordinated attack raises, in the words of the alarm desk."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from beffroi.hub.coordination.signs import SignKind
from beffroi.model.asset import Label
from beffroi.model.finding import Rule, Severity

ATTACK = "coordination.attack"
RULES: Mapping[str, Rule] = MappingProxyType(
    {
        ATTACK: Rule(
            ATTACK,
            Severity.GRAVE,
            Label(
                "Attaque coordonnée : {count:.0f} signes, services {services}",
                "Coordinated attack: {count:.0f} signs, services {services}",
            ),
            Label(
                "Lisez le récit dans l’ordre. N’approuvez rien, mettez les services touchés en "
                "conduite locale, prévenez le maire et le référent sécurité.",
                "Read the story in order. Approve nothing, put the services concerned under local "
                "control, tell the mayor and the security contact.",
            ),
            remind_s=300,
            escalate_s=900,
            source="local",
        )
    }
)
KINDS = {
    SignKind.FORGED: Label("signature ou rôle faux", "false signature or role"),
    SignKind.STALE: Label("ordre rejoué", "replayed command"),
    SignKind.BEYOND: Label("demande hors des règles", "asked beyond the rules"),
    SignKind.TAMPERED: Label("équipement changé sans ordre", "equipment changed without a command"),
    SignKind.UNPLANNED: Label("affiche ce que personne n’a commandé", "shows what nobody ordered"),
    SignKind.GAP: Label("reçu manquant", "missing receipt"),
    SignKind.IDENTITY: Label("se fait passer pour un autre", "claims to be another"),
    SignKind.DISOBEYED: Label("ordre non exécuté", "command not carried out"),
    SignKind.CHANGED: Label("changement hors plan", "change outside every plan"),
    SignKind.DANGER: Label("alarme grave", "grave alarm"),
}
