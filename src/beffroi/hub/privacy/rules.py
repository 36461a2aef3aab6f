"""Alarms about personal data, in the words of the alarm desk. Their "asset" is an account or a part
of the hub, by its id. No text names a person about whom data are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from beffroi.model.asset import Label
from beffroi.model.finding import Rule, Severity

DOMAIN = Label("Données personnelles", "Personal data")


def _rule(name: str, severity: Severity, fr: str, en: str, advice_fr: str, advice_en: str) -> Rule:
    return Rule(f"privacy.{name}", severity, Label(fr, en), Label(advice_fr, advice_en))


_ALL = (
    _rule(
        "canary", Severity.GRAVE,
        "Une fiche-témoin a été lue par {actor} : personne n’a de raison de l’ouvrir",
        "A canary record was read by {actor}: nobody has a reason to open it",
        "Fermez ce compte, puis lisez le journal des accès : ce qu’il a lu est peut-être parti.",
        "Close this account, then read the access log: what it read may have left.",
    ),
    _rule(
        "egress", Severity.GRAVE,
        "{actor} a atteint {count:.0f} personnes lues en un jour ; la lecture est bloquée",
        "{actor} reached {count:.0f} persons read in one day; reading is blocked",
        "Demandez-lui pourquoi. Sans bonne raison : fermez le compte, ouvrez un incident (72 h).",
        "Ask them why. Without a good reason: close the account, open an incident (72 h).",
    ),
    _rule(
        "bulk", Severity.WARNING,
        "Un export de {count:.0f} personnes ({purpose}) a été confirmé par deux agents",
        "An export of {count:.0f} persons ({purpose}) was confirmed by two people",
        "Vérifiez qu’il était attendu ; le fichier doit être détruit après usage.",
        "Check that it was expected; the file must be destroyed after use.",
    ),
    _rule(
        "access_log", Severity.GRAVE,
        "Le journal des accès aux données personnelles est abîmé ({why})",
        "The access log of personal data is damaged ({why})",
        "Quelqu’un a peut-être effacé ses traces : gardez une copie du dossier, puis enquêtez.",
        "Somebody may have removed their traces: keep a copy of the folder, then investigate.",
    ),
)  # fmt: skip
RULES: Mapping[str, Rule] = MappingProxyType({rule.id: rule for rule in _ALL})
