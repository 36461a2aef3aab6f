"""What the town's (imaginary) inhabitants sent before the visitor came, what was answered, and what
the town hall wrote down.

Everything goes through the desks like anybody's. The past that is made up here (reports and their
answers) stays out of the evidence log; what is done now (a consultation opened, lines of registers)
is in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from beffroi.hub.consultations.desk import Consultations
from beffroi.hub.dossier.registers import Registers
from beffroi.hub.reports.desk import ReportDesk
from beffroi.hub.reports.lifecycle import ReportAct
from beffroi.hub.reports.sent import Sent
from beffroi.lab.people import TECHNICIAN
from beffroi.model.asset import Asset
from beffroi.model.measure import DAY_MS, HOUR_MS

LIGHT, BAY = "lighting.luminaire", "parking.bay"
CODES, VOTES = 40, (9, 5, 12)  # voting codes printed; votes by choice so far


@dataclass(slots=True)
class Then:
    """A clock that is set by hand: when something was sent or answered."""

    ms: int

    def now_ms(self) -> int:
        return self.ms


class Told(NamedTuple):
    """A report, hours ago; then (hours later, action, text) by the technician. `at`: the kind of
    asset it is about, "" for a place of the town."""

    ago_h: float
    topic: str
    text: str
    place: str
    acts: Sequence[tuple[float, str, str]] = ()
    supports: int = 0
    at: str = ""


STORIES = (
    Told(
        52,
        "lamp",
        "Le lampadaire devant chez moi ne s’allume plus depuis trois soirs.",
        "",
        (
            (3, "publish", "Lampadaire éteint depuis trois soirs."),
            (3, "accept", ""),
            (20, "start", ""),
            (20, "answer", "Une nacelle est réservée jeudi. Merci de l’avoir signalé."),
        ),
        supports=2,
        at=LIGHT,
    ),
    Told(
        30,
        "open_manhole",
        "La plaque du regard a disparu, le trou est ouvert sur le trottoir.",
        "Devant l’école",
        (
            (0.4, "publish", "Regard ouvert sur le trottoir."),
            (0.5, "start", ""),
            (1.2, "safe", ""),
            (1.3, "answer", "Le regard est barré depuis une heure, la plaque sera posée demain."),
            (22, "close", "La plaque est posée."),
        ),
        supports=4,
    ),
    Told(
        96,
        "rubbish",
        "Deux matelas et un réfrigérateur au bord du chemin.",
        "Chemin du lavoir",
        (
            (12, "publish", "Dépôt sauvage : matelas et réfrigérateur."),
            (12, "accept", ""),
            (40, "close", "Enlevé ce matin."),
        ),
    ),
    Told(5, "hole", "Un nid-de-poule s’agrandit à la sortie du virage.", "Route de la rivière"),
    Told(2, "parking", "Une camionnette occupe l’arrêt minute toute la matinée.", "", at=BAY),
    Told(
        120,
        "idea",
        "Baisser la lumière de la place après minuit, et la remonter avant le premier car.",
        "La place",
        ((10, "publish", "Baisser la lumière de la place après minuit."), (10, "accept", "")),
        supports=11,
    ),
    Told(
        75,
        "idea",
        "Un deuxième arrêt minute devant la pharmacie, le samedi.",
        "Rue de la pharmacie",
        ((8, "publish", "Un deuxième arrêt minute devant la pharmacie."), (8, "accept", "")),
        supports=6,
    ),
)


def tell(
    desk_at: Callable[[Then], ReportDesk],
    assets: Sequence[Asset],
    now_ms: int,
    here: tuple[float, float],
) -> int:
    """Send and answer all of STORIES around `here` (lon, lat); returns how many."""
    for number, one in enumerate(STORIES):
        start_ms = now_ms - round(one.ago_h * HOUR_MS)
        then = Then(start_ms)
        desk = desk_at(then)
        asset = next((a for a in assets if f"{a.domain}.{a.kind}" == one.at), None)
        lon, lat = here[0] + 0.0006 * (number - 3), here[1] + 0.0004 * (number % 3 - 1)
        sent = Sent(
            one.topic,
            one.text,
            one.place,
            lon=None if asset else lon,
            lat=None if asset else lat,
            asset=asset.id if asset else "",
        )
        report = desk.receive(sent).report
        for later_h, action, text in one.acts:
            then.ms = start_ms + round(later_h * HOUR_MS)
            place = asset.name if asset else one.place
            act = ReportAct(action, TECHNICIAN.id, then.ms, text, place=place, at_ms=then.ms)
            report = desk.act(report.id, act)
        for _ in range(one.supports if report.ended_ms == 0 else 0):
            then.ms += HOUR_MS // 4
            report = desk.support(report)
    return len(STORIES)


LINES = (
    (
        "situation",
        "",
        {
            "staff_fte": "6",
            "roads_moved": "no",
            "water_held": "yes",
            "water_large": "yes",
            "paid_parking": "yes",
            "video": "no",
            "insured": "unknown",
            "nis2": "unknown",
            "risk_plan": "no",
        },
    ),
    (
        "request",
        "lighting",
        {
            "what": "Location d’une nacelle, dix jours par an",
            "amount_eur": "4200",
            "answer": "granted",
            "day": "2026-03-12",
            "deliberation": "2026-14 (imaginaire)",
        },
    ),
    (
        "request",
        "water",
        {
            "what": "Compteurs de secteur pour les trois hameaux",
            "amount_eur": "11800",
            "answer": "unfunded",
            "day": "2026-03-12",
            "deliberation": "2026-15 (imaginaire)",
        },
    ),
    (
        "risk",
        "water",
        {
            "what": "Conduite en fonte de 1961 sous la rue principale",
            "decision": "mitigate",
            "owner": "la première adjointe",
            "deadline": "2027-06-30",
            "reason": "Recherche de fuites chaque mois jusqu’au remplacement.",
        },
    ),
)


def write_down(registers: Registers) -> None:
    """Means asked for, a known risk, what the commune is."""
    for book, key, given in LINES:
        registers.declare(book, key, given, TECHNICIAN.id)


def ask(talks: Consultations, now_ms: int) -> list[str]:
    """An open consultation with some votes; the codes that nobody has used yet."""
    one = talks.draft(
        "À quelle heure éteindre les rues secondaires ?",
        "Les rues principales restent éclairées. Le choix vaut pour l’hiver, puis on en reparle.",
        ("À 23 h", "À minuit", "Ne pas éteindre"),
        now_ms + 21 * DAY_MS,
        now_ms,
    )
    codes = talks.codes(one.id, CODES)
    talks.open(one.id, now_ms)
    for choice, votes in enumerate(VOTES):
        for _ in range(votes):
            talks.vote(one.id, codes.pop(), choice, "", now_ms)
    return codes
