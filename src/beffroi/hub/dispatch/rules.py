"""Alarms of the command path, in the words of the alarm desk. Their "asset" is a target or a guard.

Each says what happened and what to do first. Knows no service of the town.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from beffroi.model.asset import Label
from beffroi.model.finding import Rule, Severity

DOMAIN = Label("Commandes", "Commands")
_G, _W, _I = Severity.GRAVE, Severity.WARNING, Severity.INFO


def _rule(name: str, severity: Severity, fr: str, en: str, advice_fr: str, advice_en: str) -> Rule:
    return Rule(f"commands.{name}", severity, Label(fr, en), Label(advice_fr, advice_en))


_ALL = (
    _rule(
        "break_glass", _G,
        "La clé sous scellé a signé une commande de {target}",
        "The sealed key signed a command of {target}",
        "Vérifiez qui a ouvert le coffre et pourquoi ; puis révoquez cette clé et refaites-en une.",
        "Find out who opened the safe and why; then revoke this key and make a new one.",
    ),
    _rule(
        "receipt_gap", _G,
        "Il manque les reçus {first} à {last} de {guard}",
        "Receipts {first} to {last} of {guard} are missing",
        "Ce que cette armoire a fait entre-temps n’est pas prouvé : allez voir sur place.",
        "What this cabinet did meanwhile is not proven: go and look on the spot.",
    ),
    _rule(
        "receipt_odd", _G,
        "Un reçu de {guard} contredit ce qui est écrit ici ({why})",
        "A receipt of {guard} contradicts what is written here ({why})",
        "Comparez le journal de preuves et l’armoire ; l’un des deux a été remplacé ou copié.",
        "Compare the evidence log and the cabinet; one of the two was replaced or copied.",
    ),
    _rule(
        "forged", _G,
        "Un message signé faussement au nom de {guard} a été refusé ({why})",
        "A message in the name of {guard} with a false signature was refused ({why})",
        "Son certificat est peut-être volé : révoquez l’appareil, puis enrôlez-le de nouveau.",
        "Its certificate may be stolen: revoke the device, then enrol it again.",
    ),
    _rule(
        "tampered", _G,
        "{target} a changé sans commande",
        "{target} changed without a command",
        "Quelqu’un agit sur l’équipement sans passer par ici : allez voir sur place.",
        "Somebody acts on the equipment without passing through here: go and look on the spot.",
    ),
    _rule(
        "fallback", _W,
        "{guard} est en sécurité locale ({why})",
        "{guard} went to its safe local state ({why})",
        "Vérifiez la liaison de l’armoire ; elle suit son réglage local jusqu’à son retour.",
        "Check the cabinet’s link; it follows its local setting until it is back.",
    ),
    _rule(
        "started", _I,
        "{guard} a redémarré",
        "{guard} has started again",
        "Rien à faire si vous l’attendiez ; sinon, regardez l’alimentation de l’armoire.",
        "Nothing to do if you expected it; else look at the cabinet’s power supply.",
    ),
    _rule(
        "failed", _W,
        "{target} n’a pas fait ce qui était demandé ({why})",
        "{target} did not do what was asked ({why})",
        "L’équipement ne répond pas ou montre autre chose : faites-le vérifier.",
        "The equipment does not answer or shows something else: have it checked.",
    ),
    _rule(
        "unknown", _W,
        "Personne ne sait si {target} a exécuté la commande {command}",
        "Nobody knows whether {target} carried out command {command}",
        "La liaison a été coupée après l’envoi : regardez l’équipement ; son reçu viendra.",
        "The link was lost after it was sent: look at the equipment; its receipt will come.",
    ),
    _rule(
        "plan_missed", _W,
        "Le plan {plan} n’a pas pu commander {target} ({why})",
        "Plan {plan} could not command {target} ({why})",
        "Vérifiez l’armoire et les règles signées ; l’équipement suit son réglage local.",
        "Check the cabinet and the signed rules; the equipment follows its local setting.",
    ),
    _rule(
        "no_trust", _G,
        "Les règles signées de la commune ne sont plus valables ({why})",
        "The commune’s signed rules are no longer valid ({why})",
        "Réunissez les porteurs des clés racine et renouvelez-les : « beffroi trust ».",
        "Bring the holders of the root keys together and renew them: “beffroi trust”.",
    ),
    _rule(
        "no_log", _G,
        "Le journal de preuves ne peut pas être écrit ({why})",
        "The evidence log cannot be written ({why})",
        "Aucune commande ne part tant que cela dure : vérifiez le disque.",
        "No command is sent as long as this lasts: check the disk.",
    ),
)  # fmt: skip
RULES: Mapping[str, Rule] = MappingProxyType({rule.id: rule for rule in _ALL})
