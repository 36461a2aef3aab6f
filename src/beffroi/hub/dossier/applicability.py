"""Which obligations bind this commune, and why. Pure: facts come in, answers go out.

Rules are by obligation id; an id without a rule is answered "to be verified", never "no". Unknown
facts give an unknown answer. What the law data mark as unverified stays so marked: `doubt`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from beffroi.law import Obligation
from beffroi.ports.registers import Record

OPEN_DATA_INHABITANTS, OPEN_DATA_FTE = 3_500, 50  # CRPA L312-1-1, D312-1-1-1
ALGORITHM_FTE = 50  # CRPA L312-1-3
NIS2_INHABITANTS = 30_000  # bill as last seen: not verified


class Applies(StrEnum):
    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known of the commune. None: nobody has said."""

    inhabitants: int | None = None
    staff_fte: int | None = None
    roads_moved: bool | None = None
    water_held: bool | None = None
    water_large: bool | None = None
    paid_parking: bool | None = None
    video: bool | None = None
    insured: bool | None = None
    nis2: bool | None = None
    risk_plan: bool | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """`why` in French. `doubt`: the rule of law itself, or how it applies, is to be verified."""

    obligation: Obligation
    applies: Applies
    why: str
    doubt: bool = False


Rule = Callable[[Situation], tuple[Applies, str]]


def situation_of(inhabitants: int | None, declared: Record | None) -> Situation:
    """From the inventory's population and the newest line of the register "situation"."""
    facts = dict(declared.facts) if declared else {}
    words = {"yes": True, "no": False}
    known = {name: words.get(str(value)) for name, value in facts.items() if name != "staff_fte"}
    staff = facts.get("staff_fte")
    fields = {name for name in Situation.__dataclass_fields__ if name not in FIRST}
    return Situation(
        inhabitants or None,
        staff if isinstance(staff, int) else None,
        **{name: known.get(name) for name in fields},
    )


FIRST = ("inhabitants", "staff_fte")


def answers(obligations: Iterable[Obligation], situation: Situation) -> list[Answer]:
    """One answer for each obligation, in order."""
    return [_answer(one, situation) for one in obligations]


def _answer(obligation: Obligation, situation: Situation) -> Answer:
    rule = RULES.get(obligation.id)
    if rule is None:
        why = "la règle d’application n’est pas écrite ici : à vérifier"
        return Answer(obligation, Applies.UNKNOWN, why, doubt=True)
    applies, why = rule(situation)
    return Answer(obligation, applies, why, doubt=not obligation.verified or obligation.id in LOOSE)


# Their text was seen, but the seat of the rule or its threshold may have moved since.
LOOSE = frozenset({"NIS2", "CGCT-L5211-9-2", "CGCT-L2123-34", "CNIL-LAPI", "PCS"})


def _always(why: str) -> Rule:
    return lambda _: (Applies.YES, why)


def _never(why: str) -> Rule:
    return lambda _: (Applies.NO, why)


def _said(name: str, yes: str, no: str, unknown: str) -> Rule:
    """By one declared yes or no."""

    def rule(situation: Situation) -> tuple[Applies, str]:
        value: bool | None = getattr(situation, name)
        if value is None:
            return Applies.UNKNOWN, unknown
        return (Applies.YES, yes) if value else (Applies.NO, no)

    return rule


def _open_data(situation: Situation) -> tuple[Applies, str]:
    people, staff = situation.inhabitants, situation.staff_fte
    told = f"{_n(people)} habitants, {_n(staff)} ETP ; seuils : 3 500 habitants et 50 ETP"
    if people is not None and people < OPEN_DATA_INHABITANTS:
        return Applies.NO, told
    if staff is not None and staff < OPEN_DATA_FTE:
        return Applies.NO, told
    if people is None or staff is None:
        return Applies.UNKNOWN, told
    return Applies.YES, told


def _algorithms(situation: Situation) -> tuple[Applies, str]:
    if situation.staff_fte is None:
        return Applies.UNKNOWN, "nombre d’agents non déclaré ; seuil : 50 ETP"
    told = f"{situation.staff_fte} ETP ; seuil : 50 ETP (la mention individuelle vaut sans seuil)"
    return (Applies.YES if situation.staff_fte >= ALGORITHM_FTE else Applies.NO), told


def _nis2(situation: Situation) -> tuple[Applies, str]:
    if situation.nis2 is not None:
        word = "assujettie" if situation.nis2 else "non assujettie"
        return (Applies.YES if situation.nis2 else Applies.NO), f"la commune se déclare {word}"
    if situation.inhabitants is not None and situation.inhabitants > NIS2_INHABITANTS:
        return Applies.UNKNOWN, "plus de 30 000 habitants : visée par le projet de loi vu"
    return Applies.UNKNOWN, "assujettissement non déclaré ; loi de transposition à vérifier"


def _water(name: str, label: str) -> Rule:
    def rule(situation: Situation) -> tuple[Applies, str]:
        held: bool | None = situation.water_held
        size: bool | None = True if not name else getattr(situation, name)
        if held is False:
            return Applies.NO, "l’eau est gérée par une autre personne publique"
        if size is False:
            return Applies.NO, f"en dessous du seuil ({label})"
        if held is None or size is None:
            return Applies.UNKNOWN, f"gestion de l’eau non déclarée ({label})"
        return Applies.YES, f"eau gérée par la commune ({label})"

    return rule


def _traffic(situation: Situation) -> tuple[Applies, str]:
    if situation.roads_moved is None:
        return Applies.UNKNOWN, "transfert de la voirie non déclaré"
    if situation.roads_moved:
        return Applies.NO, "voirie transférée : police du président de l’EPCI, sauf opposition"
    return Applies.YES, "voirie conservée : police du maire"


def _n(value: int | None) -> str:
    return "?" if value is None else f"{value:,}".replace(",", "\u202f")


_EVERY = "toute commune, quelle que soit sa taille"
RULES: Mapping[str, Rule] = {
    "CGCT-L2212-2": _always(f"{_EVERY} ; reste toujours au maire"),
    "CGCT-L2122-24": _always(_EVERY),
    "CGCT-L2212-4": _always(f"{_EVERY}, en cas de danger grave ou imminent"),
    "CGCT-L2213-1": _traffic,
    "CGCT-L2213-2": _traffic,
    "CGCT-L5211-9-2": _said(
        "roads_moved",
        "voirie transférée à l’EPCI",
        "voirie conservée par la commune",
        "transfert de la voirie non déclaré",
    ),
    "CGCT-L2216-2": _always(_EVERY),
    "CGCT-L2123-34": _always("le maire et ses délégués, dans toute commune"),
    "CP-121-3": _always("toute personne physique"),
    "CP-121-2": _always("la commune, pour ses activités délégables"),
    "CP-223-1": _always("toute personne"),
    "DEN": _always("la commune, pour les ouvrages dont elle est maître"),
    "ECLAIRAGE": _always("le maire, pour l’éclairage public"),
    "NUISANCES-LUM": _always("le gestionnaire des installations d’éclairage"),
    "RGPD-5-2-24": _always("la commune est responsable de traitement"),
    "RGPD-25": _always("la commune est responsable de traitement"),
    "RGPD-30": _always("la commune est responsable de traitement"),
    "RGPD-32": _always("la commune est responsable de traitement"),
    "RGPD-33-34": _always("en cas de violation de données personnelles"),
    "RGPD-35-37": _always("organisme public : délégué à la protection des données"),
    "CNIL-JOURNAUX": _always("ce centre tient des journaux"),
    "CNIL-LAPI": _always("dès qu’une place est surveillée"),
    "CNIL-COMPTAGE": _always("dès qu’un passage est compté"),
    "CSI-VIDEO": _said(
        "video",
        "vidéoprotection déclarée",
        "pas de vidéoprotection",
        "vidéoprotection non déclarée",
    ),
    "FPS": _said(
        "paid_parking",
        "stationnement payant",
        "pas de stationnement payant",
        "stationnement payant non déclaré",
    ),
    "CRPA-OPENDATA": _open_data,
    "CRPA-SECRET": _always("toute administration"),
    "CRPA-ALGO": _algorithms,
    "RGS-HOMOLOGATION": _always("les signalements en ligne sont un téléservice"),
    "RGAA": _always("toute collectivité, mobilier urbain numérique compris"),
    "NIS2": _nis2,
    "CRA": _never("vise les fabricants ; à exiger dans les achats"),
    "LOPMI-72H": _said(
        "insured",
        "police d’assurance cyber déclarée",
        "pas de police d’assurance cyber",
        "assurance cyber non déclarée",
    ),
    "ANSSI-42": _always("recommandation, référence de l’état de l’art"),
    "RECYF": _nis2,
    "PREUVE-1366": _always("tout écrit électronique produit comme preuve"),
    "EIDAS-41-42": _never("vise les prestataires de confiance ; l’horodatage est facultatif"),
    "ARCHIVES": _always(_EVERY),
    "PCS": _said(
        "risk_plan", "PPRN ou PPI déclaré", "ni PPRN ni PPI déclaré", "PPRN ou PPI non déclaré"
    ),
    "ALERTE": _always(_EVERY),
    "EAU-D2224": _water("", "service d’eau"),
    "EAU-PGSSE": _water("water_large", "500 habitants ou 100 m³ par jour"),
    "CP-323": _never("vise l’attaquant ; qualification à porter dans la plainte"),
}
