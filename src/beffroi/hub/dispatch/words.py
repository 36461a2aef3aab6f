"""The words of commands in French and English: states, and why something was refused or held."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from beffroi.kernel.verdict import Reason
from beffroi.model.asset import Label
from beffroi.ports.commands import State

R, S = Reason, State

STATES: Mapping[str, Label] = MappingProxyType(
    {
        S.REQUESTED: Label("demandée", "requested"),
        S.AWAITING: Label("attend des signatures", "awaiting approval"),
        S.READY: Label("prête à partir", "ready to be sent"),
        S.SENT: Label("envoyée, sans réponse", "sent, no answer yet"),
        S.DONE: Label("faite, relue sur place", "done, read back on the spot"),
        S.REFUSED: Label("refusée", "refused"),
        S.FAILED: Label("échouée", "failed"),
        S.EXPIRED: Label("expirée sans effet", "expired without effect"),
        S.UNKNOWN: Label("inconnue : aucun reçu", "unknown: no receipt"),
        S.CANCELLED: Label("annulée", "cancelled"),
    }
)

REASONS: Mapping[str, Label] = MappingProxyType(
    {
        R.TOO_LARGE: Label("Trop longue.", "Too large."),
        R.UNREADABLE: Label("Illisible.", "Unreadable."),
        R.NOT_A_COMMAND: Label("Ce n’est pas une commande.", "It is not a command."),
        R.NOT_FOR_ME: Label("Adressée à une autre armoire.", "Addressed to another guard."),
        R.UNKNOWN_TARGET: Label(
            "L’armoire ne connaît pas cet équipement.", "The guard does not know this target."
        ),
        R.ROSTER_EXPIRED: Label(
            "Le registre des signataires est périmé.", "The roster of signers has expired."
        ),
        R.ENVELOPE_EXPIRED: Label(
            "Les règles de cet équipement sont périmées.", "The rules of this target have expired."
        ),
        R.OTHER_ENVELOPE: Label(
            "Écrite pour une autre version des règles.", "Written for another version of the rules."
        ),
        R.BAD_SIGNATURE: Label("Une signature est fausse.", "A signature does not hold."),
        R.UNKNOWN_KEY: Label(
            "Une clé n’est pas au registre de la commune.", "A key is not in the commune’s roster."
        ),
        R.SAME_PERSON_TWICE: Label(
            "La même personne a signé deux fois.", "The same person signed twice."
        ),
        R.WRONG_ROLE: Label(
            "Un signataire n’a pas ce droit.", "A signer does not have this right."
        ),
        R.NOT_FROM_HUB: Label("Elle ne vient pas de ce serveur.", "It does not come from the hub."),
        R.TOO_FEW_PERSONS: Label("Il manque une personne.", "A person is missing."),
        R.TOO_FEW_ORGANISATIONS: Label(
            "Il manque une organisation.", "An organisation is missing."
        ),
        R.NOT_COMPETENT: Label(
            "L’autorité compétente n’a pas signé.", "The authority in charge has not signed."
        ),
        R.NO_INDEPENDENT_SIGNER: Label(
            "Il faut une signature faite hors de ces pages.",
            "A signature made outside these pages is needed.",
        ),
        R.OTHER_START: Label(
            "L’armoire a redémarré depuis : refaites la demande.",
            "The guard has started again since: ask again.",
        ),
        R.OTHER_EPOCH: Label("D’une autre époque.", "Of another epoch."),
        R.REPLAYED: Label(
            "Une commande plus récente est déjà passée.", "A newer command has already gone."
        ),
        R.COUNTER_JUMP: Label("Numéro trop lointain.", "Its number is too far ahead."),
        R.NOT_YET: Label("Son heure n’est pas venue.", "Its time has not come."),
        R.EXPIRED: Label("Son heure est passée.", "Its time is over."),
        R.LIVES_TOO_LONG: Label("Sa durée est trop longue.", "It lives too long."),
        R.UNKNOWN_ACTION: Label("Action inconnue.", "Unknown action."),
        R.OUTSIDE_ENVELOPE: Label(
            "Hors de ce que la commune permet.", "Outside what the commune allows."
        ),
        R.CLASS_TOO_LOW: Label(
            "Il faut davantage de signatures pour cela.", "That needs more signatures."
        ),
        R.NOT_PERMITTED_NOW: Label(
            "L’état de l’équipement ne le permet pas.", "The state of the target forbids it now."
        ),
        R.NO_LEASE: Label(
            "L’armoire est en sécurité locale.", "The guard is in its safe local state."
        ),
        R.NOT_LOGGED: Label(
            "Elle n’est pas prouvée au journal.", "It is not proven to be in the log."
        ),
        R.TOO_FEW_WITNESSES: Label(
            "Il manque la signature d’un témoin.", "A witness’s cosignature is missing."
        ),
        R.TOO_FAST: Label("Changement trop rapide.", "Too large a change at once."),
        R.TOO_OFTEN: Label("Trop souvent.", "Too often."),
        R.FLEET_LIMIT: Label(
            "Trop d’équipements changent à la fois.", "Too many targets change at once."
        ),
        "no_receipt": Label("Aucun reçu n’est revenu.", "No receipt came back."),
        "interlock": Label(
            "Elle en contredirait une autre en vigueur.", "It would contradict one in force."
        ),
        "old_plan": Label("Son plan est arrêté ou remplacé.", "Its plan was stopped or replaced."),
    }
)


# What guards and the hub write beside an alarm, where it is a code and not a sentence.
CAUSES: Mapping[str, Label] = MappingProxyType(
    {
        "start": Label("à son démarrage", "at its start"),
        "lease_lost": Label("liaison perdue", "link lost"),
        "ended": Label("durée écoulée", "its time is over"),
        "superseded": Label("remplacée avant la fin", "replaced before its end"),
        "interrupted": Label("coupure pendant l’action", "cut off meanwhile"),
        "while_off": Label("pendant l’arrêt de l’armoire", "while the guard was off"),
        "changed": Label("l’équipement montre autre chose", "the equipment shows something else"),
        "tampered": Label("changée sans commande", "changed without a command"),
        "not_told": Label("l’équipement ne répond pas", "the equipment does not answer"),
        "not_shown": Label(
            "l’équipement ne montre pas l’effet", "the equipment does not show the effect"
        ),
        "failed": Label("après un échec", "after a failure"),
        "fallback_failed": Label(
            "le repli lui-même a échoué", "going to the safe state failed as well"
        ),
        "fallback_not_shown": Label(
            "l’équipement ne montre pas le repli", "the equipment does not show its safe state"
        ),
        "silent": Label("l’équipement est muet", "the equipment is silent"),
        "trust": Label("règles refusées par l’armoire", "rules refused by the guard"),
        "lease_time": Label(
            "l’heure du serveur et celle de l’armoire diffèrent", "hub and guard differ in time"
        ),
        "clock": Label("l’horloge de l’armoire a sauté", "the guard’s clock has jumped"),
        "chain": Label("la suite des reçus est rompue", "the chain of receipts is broken"),
        "unknown_command": Label("commande inconnue ici", "a command unknown here"),
        "another_guard": Label("commande d’une autre armoire", "a command of another guard"),
        "guard_silent": Label("armoire muette", "the guard is silent"),
        "guard_behind": Label("règles pas encore reprises", "rules not taken over yet"),
    }
)


def cause(code: str) -> Label:
    """For the middle of a sentence: a known code in words, anything else as it is."""
    known = CAUSES.get(code) or REASONS.get(code)
    if known is None:
        return Label(code, code)
    fr, en = known.fr.rstrip("."), known.en.rstrip(".")
    return Label(fr[:1].lower() + fr[1:], en[:1].lower() + en[1:])


def reason_text(reason: str) -> Label:
    """A sentence, or the code itself where a guard of another make uses its own."""
    known = CAUSES.get(reason)
    if known is not None:
        fr, en = (f"{text[:1].upper()}{text[1:]}." for text in (known.fr, known.en))
        return Label(fr, en)
    return REASONS.get(reason) or Label(reason, reason)
