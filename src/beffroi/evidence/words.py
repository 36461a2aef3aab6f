"""What entries, reasons and outcomes are called in plain French and English."""

from __future__ import annotations

from beffroi.evidence.entry import Entry
from beffroi.evidence.statement import Said
from beffroi.kernel.verdict import Reason

KINDS = {
    "command.requested": Said("commande demandée", "command requested"),
    "command.signed": Said("signature d’une commande", "command signed"),
    "command.approved": Said("commande approuvée", "command approved"),
    "command.refused": Said("commande refusée", "command refused"),
    "command.sent": Said("commande envoyée", "command sent"),
    "command.cancelled": Said("commande annulée", "command cancelled"),
    "command.ended": Said("commande close", "command ended"),
    "guard.receipt": Said("reçu d’une armoire", "receipt of a guard"),
    "guard.gap": Said("reçus manquants", "missing receipts"),
    "guard.odd": Said("reçu contradictoire", "contradictory receipt"),
    "key.broken": Said("clé de secours utilisée", "break-glass key used"),
    "plan.signed": Said("plan signé", "plan signed"),
    "plan.stopped": Said("plan arrêté", "plan stopped"),
    "interlock.set": Said("incompatibilités changées", "interlocks changed"),
    "trust.published": Said("registre des clés publié", "roster of keys published"),
    "incident.raised": Said("incident signalé", "incident raised"),
    "incident.ended": Said("incident terminé", "incident over"),
    "access.refused": Said("accès refusé", "access refused"),
    "alert.published": Said("alerte publiée (CAP)", "alert published (CAP)"),
    "alert.refused": Said("alerte d’autorité écartée", "authority’s alert turned down"),
    "approval.refused": Said("approbation refusée", "approval refused"),
    "request.refused": Said("demande refusée", "request refused"),
    "alarm.raised": Said("alarme levée", "alarm raised"),
    "alarm.acknowledged": Said("alarme prise en compte", "alarm acknowledged"),
    "alarm.assigned": Said("alarme attribuée", "alarm assigned"),
    "alarm.comment": Said("commentaire d’une alarme", "comment on an alarm"),
    "alarm.decided": Said("décision sur une alarme", "decision on an alarm"),
    "alarm.resolved": Said("alarme résolue", "alarm resolved"),
    "alarm.cleared": Said("cause d’une alarme disparue", "cause of an alarm gone"),
    "alarm.closed": Said("alarme close", "alarm closed"),
    "alarm.reopened": Said("alarme rouverte", "alarm reopened"),
    "alarm.reminded": Said("rappel d’une alarme", "reminder of an alarm"),
    "alarm.escalated": Said("alarme transmise plus haut", "alarm passed on"),
    "alarm.recurred": Said("cause d’une alarme revenue", "cause of an alarm back"),
    "alarm.overdue": Said("échéance d’une décision passée", "deadline of a decision passed"),
    "incident.opened": Said("incident ouvert", "incident opened"),
    "incident.step": Said("étape d’un incident", "step of an incident"),
    "incident.facts": Said("faits d’un incident", "facts of an incident"),
    "incident.sent": Said("destinataire informé", "addressee told"),
    "incident.reminded": Said("rappel d’une échéance", "reminder of a deadline"),
    "incident.closed": Said("incident clos", "incident closed"),
    "incident.reopened": Said("incident rouvert", "incident reopened"),
    "register.balance": Said("bilan d’une nuit", "balance of a night"),
    "register.situation": Said("situation de la commune", "situation of the commune"),
    "register.competence": Said("compétence déclarée", "competence declared"),
    "register.delegation": Said("délégation déclarée", "delegation declared"),
    "register.means": Said("moyens déclarés", "means declared"),
    "register.request": Said("moyens demandés", "means asked for"),
    "register.risk": Said("risque déclaré", "risk declared"),
    "register.check": Said("contrôle noté", "check noted"),
    "register.test": Said("essai noté", "test noted"),
    "register.public": Said("acte de transparence noté", "act of transparency noted"),
    "dossier.made": Said("dossier de diligence établi", "diligence file made"),
    "experiment.draft": Said("expérience préparée", "experiment drafted"),
    "experiment.dropped": Said("projet d’expérience abandonné", "draft of an experiment given up"),
    "experiment.registered": Said("expérience enregistrée", "experiment registered"),
    "experiment.stopped": Said("expérience arrêtée", "experiment stopped"),
    "experiment.measured": Said("expérience mesurée", "experiment measured"),
    "payload.erased": Said("contenu effacé", "payload erased"),
}

REASONS = {
    Reason.TOO_LARGE: Said("message trop long", "message too large"),
    Reason.UNREADABLE: Said("message illisible", "unreadable message"),
    Reason.NOT_A_COMMAND: Said("ce n’est pas une commande", "not a command"),
    Reason.NOT_FOR_ME: Said("adressée à une autre armoire", "addressed to another guard"),
    Reason.UNKNOWN_TARGET: Said("équipement inconnu", "unknown target"),
    Reason.ROSTER_EXPIRED: Said("registre des clés expiré", "roster expired"),
    Reason.ENVELOPE_EXPIRED: Said("enveloppe expirée", "envelope expired"),
    Reason.OTHER_ENVELOPE: Said("écrite pour une autre enveloppe", "written for another envelope"),
    Reason.BAD_SIGNATURE: Said("signature fausse", "bad signature"),
    Reason.UNKNOWN_KEY: Said("clé inconnue", "unknown key"),
    Reason.SAME_PERSON_TWICE: Said("deux fois la même personne", "the same person twice"),
    Reason.WRONG_ROLE: Said("signataire non habilité", "signer without that right"),
    Reason.NOT_FROM_HUB: Said("non signée par le centre", "not signed by the hub"),
    Reason.TOO_FEW_PERSONS: Said("trop peu de personnes", "too few persons"),
    Reason.TOO_FEW_ORGANISATIONS: Said("trop peu d’organismes", "too few organisations"),
    Reason.NOT_COMPETENT: Said("autorité non compétente", "nobody of the authority in charge"),
    Reason.NO_INDEPENDENT_SIGNER: Said(
        "aucune signature indépendante du centre", "no signature independent of the hub"
    ),
    Reason.OTHER_START: Said("antérieure au redémarrage", "from before the last start"),
    Reason.OTHER_EPOCH: Said("d’une autre époque", "of another epoch"),
    Reason.REPLAYED: Said("rejouée", "replayed"),
    Reason.COUNTER_JUMP: Said("compteur trop avancé", "counter jumps too far"),
    Reason.NOT_YET: Said("pas encore valable", "not yet valid"),
    Reason.EXPIRED: Said("expirée", "expired"),
    Reason.LIVES_TOO_LONG: Said("durée de vie excessive", "lives too long"),
    Reason.UNKNOWN_ACTION: Said("action inconnue", "unknown action"),
    Reason.OUTSIDE_ENVELOPE: Said("hors de l’enveloppe", "outside the envelope"),
    Reason.CLASS_TOO_LOW: Said("classe insuffisante", "class too low"),
    Reason.NOT_PERMITTED_NOW: Said("non permise en ce moment", "not permitted now"),
    Reason.NO_LEASE: Said("liaison rompue", "no lease"),
    Reason.NOT_LOGGED: Said("absente du journal", "not logged"),
    Reason.TOO_FEW_WITNESSES: Said("trop peu de témoins", "too few witnesses"),
    Reason.TOO_FAST: Said("variation trop rapide", "too fast"),
    Reason.TOO_OFTEN: Said("trop fréquente", "too often"),
    Reason.FLEET_LIMIT: Said("trop d’équipements à la fois", "too many targets at once"),
}

OUTCOMES = {
    "done": Said("commande exécutée, effet relu", "done, and read back"),
    "refused": Said("commande refusée", "refused"),
    "failed": Said("échec de la commande", "failed"),
    "fallback": Said("repli de sécurité", "safe fallback"),
    "tampered": Said("changement constaté sans commande", "changed without a command"),
    "started": Said("démarrage de l’armoire", "start of the guard"),
}

ROLES = {
    "hub": Said("centre", "hub"),
    "operator": Said("opérateur", "operator"),
    "break-glass": Said("clé de secours", "break-glass key"),
    "guard": Said("boîtier", "guard"),
    "witness": Said("témoin", "witness"),
    "log": Said("journal", "log"),
}

_REFS = {
    "guard": Said("boîtier", "guard"),
    "target": Said("équipement", "target"),
    "action": Said("action", "action"),
    "klass": Said("classe", "class"),
    "number": Said("numéro", "number"),
    "plan": Said("plan", "plan"),
    "alarm": Said("alarme", "alarm"),
    "incident": Said("incident", "incident"),
    "template": Said("modèle", "template"),
    "version": Said("version", "version"),
}


def reason(name: str) -> Said:
    """A reason the kernel does not know is shown as it is."""
    known = name in Reason.__members__.values()
    return REASONS[Reason(name)] if known else Said(name, name)


def outcome(name: str) -> Said:
    return OUTCOMES.get(name, Said(name, name))


def entry(index: int, one: Entry) -> Said:
    """`l’entrée 12 (commande refusée : signature fausse [bad_signature] ; boîtier g1)`."""
    kind = KINDS.get(one.kind, Said(one.kind, one.kind))
    why = one.refs.get("reason")
    if why is not None:
        said = reason(str(why))
        kind += Said(f"\u00a0: {said.fr} [{why}]", f": {said.en} [{why}]")
    for name, word in _REFS.items():
        if name in one.refs:
            kind += Said(f"\u00a0; {word.fr} {one.refs[name]}", f"; {word.en} {one.refs[name]}")
    return Said(f"l’entrée {index} ({kind.fr})", f"entry {index} ({kind.en})")
