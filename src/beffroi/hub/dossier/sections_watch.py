"""Watching and detection, personal data, digital hygiene. Pure; French."""

from __future__ import annotations

from beffroi.hub.dossier.facts import Facts
from beffroi.hub.dossier.lines import (
    Cite,
    Line,
    Reach,
    counted,
    missing,
    proven,
    share,
    span,
)
from beffroi.hub.privacy.register import record
from beffroi.model.finding import Severity
from beffroi.model.measure import DAY_MS
from beffroi.model.purposes import PURPOSES, SIGN_INS, Purpose

SEEN_MS = 7 * DAY_MS
TAKEN = ("acknowledged", "assigned", "decided")


def watching(facts: Facts) -> list[Line]:
    seen = [d for d in facts.devices if d.last_seen_ms >= facts.now_ms - SEEN_MS]
    watched = {d.asset for d in facts.devices} | {a for d in facts.devices for a, _ in _points(d)}
    covered = [asset for asset in facts.assets if asset.id in watched]
    lines = [
        counted(
            f"{len(covered)} ouvrages sur {len(facts.assets)} ont un équipement.",
            [Cite("inventory", f"version {facts.inventory_version}")] if facts.assets else [],
            "Couverture",
        ),
        counted(
            f"{len(seen)} équipements sur {len(facts.devices)} ont parlé depuis sept jours.",
            [Cite("device", device.id, device.last_seen_ms) for device in seen],
        ),
    ]
    found = [a for a in facts.alarms if facts.period.has(a.seen_ms)]
    if found:
        waits = [float(max(0, a.seen_ms - a.raised_ms)) for a in found]
        lines.append(
            proven(
                f"{len(found)} alarmes ; de la mesure à l’alarme : médiane "
                f"{span(share(waits, 0.5))}, neuf sur dix en moins de {span(share(waits, 0.9))}.",
                *(Cite("alarm", a.id, a.seen_ms) for a in found),
                head="Détection",
            )
        )
    else:
        lines.append(missing("Délai de détection : aucune alarme sur la période.", "Détection"))
    return [*lines, _taken(facts), missing("Taux de fausses alarmes.", "Faux positifs")]


def _taken(facts: Facts) -> Line:
    """How long until somebody took a grave alarm."""
    waits, cites = [], []
    for alarm in facts.alarms:
        if alarm.severity is not Severity.GRAVE:
            continue
        taken = [e.at_ms for e in facts.stories.get(alarm.id, ()) if e.kind in TAKEN]
        if taken:
            waits.append(float(max(0, min(taken) - alarm.seen_ms)))
            cites += facts.alarm_cites(alarm, "acknowledged", "assigned", "decided")[:1]
    if not waits:
        return missing("Délai de prise en compte d’une alarme grave.", "Astreinte")
    text = f"Alarmes graves prises en compte en {span(share(waits, 0.5))} (médiane)."
    return proven(text, *cites, head="Astreinte")


PERSONAL = {
    "personal.purged": ("Purge", "champs arrivés à leur terme et purgés"),
    "personal.erased": ("Effacement", "champs de personnes effacées à leur demande"),
    "personal.exported": ("Export", "personnes dans un export confirmé"),
}


def personal(facts: Facts) -> list[Line]:
    """Counts only: no entry of the log names a person."""
    found = sorted(facts.journal.entries.items())
    lines = [
        _register(facts),
        proven(
            " ; ".join(f"{one.label.fr} : {one.days} jours" for one in _purposes()) + ".",
            Cite("count", "durées que le coffre impose"),
            head="Durées",
        ),
    ]
    for kind, (head, words) in PERSONAL.items():
        those = [(n, e) for n, e in found if e.kind == kind and facts.period.has(e.at_ms)]
        count = sum(int(e.refs.get("count", 0)) for _, e in those)
        cites = [Cite("entry", "", e.at_ms, n) for n, e in those]
        lines.append(counted(f"{len(those)} opérations, {count} {words}.", cites, head))
    anchored = [(n, e) for n, e in found if e.kind == "personal.accesses"]
    cites = [Cite("entry", "", e.at_ms, n) for n, e in anchored]
    text = f"Journal des accès scellé {len(anchored)} fois au journal de preuves."
    return [
        *lines,
        counted(text, cites, "Accès"),
        *_breaches(facts),
        missing("Analyse d’impact (AIPD) par traitement.", "AIPD"),
        missing("Absence de lecture de plaques sur les places gratuites.", "LAPI"),
    ]


def _register(facts: Facts) -> Line:
    modules = {"reports"} if facts.reports else set()
    names = [
        one.activity.name
        for one in record(modules | {"commands"} if facts.commands else modules, ())
    ]
    return proven(
        f"{len(names)} traitements au registre généré : {' ; '.join(names)}. Bases légales à "
        "vérifier par la commune.",
        Cite("count", "page Vie privée, registre de l’article 30"),
        head="Registre",
    )


def _purposes() -> list[Purpose]:
    return [*PURPOSES.values(), SIGN_INS]


def _breaches(facts: Facts) -> list[Line]:
    """Incidents that touched personal data, exercises apart."""
    real = [c for c in facts.cases if not c.exercise and facts.period.has(c.opened_ms)]
    touched = [case for case in real if case.personal == "yes"]
    doubt = [case for case in real if case.personal == "unknown"]
    cites = [Cite("incident", c.id, c.opened_ms, next(iter(c.entries()), -1)) for c in touched]
    lines = [counted(f"{len(touched)} incidents ont touché des données.", cites, "Violations")]
    if doubt:
        lines.append(
            missing(f"{len(doubt)} incidents dont on ne sait s’ils ont touché des données.")
        )
    return lines


def hygiene(facts: Facts) -> list[Line]:
    devices = facts.devices
    if not devices:
        return [missing("Inventaire des équipements.", "Équipements"), *_unseen()]
    named = [d for d in devices if d.cert_serial or d.gateway]
    default = [d for d in devices if d.default_secret]
    unchecked = [d for d in devices if d.default_secret is None]
    old = [d for d in devices if d.firmware_newest and d.firmware != d.firmware_newest]
    lines = [
        counted(
            f"{len(named)} équipements sur {len(devices)} ont une identité propre.",
            [Cite("device", d.id) for d in named],
            "Identité",
        ),
        counted(
            f"{len(default)} secrets d’usine encore en service.",
            [Cite("device", d.id) for d in default]
            or [Cite("device", d.id) for d in devices if d.default_secret is False],
            "Secrets",
            Reach.SEALED,
        ),
        counted(
            f"{len(old)} équipements sans le dernier micrologiciel connu.",
            [Cite("device", d.id) for d in old]
            or [Cite("device", d.id) for d in devices if d.firmware_newest],
            "Correctifs",
            Reach.SEALED,
        ),
    ]
    if unchecked:
        lines.append(missing(f"{len(unchecked)} équipements dont le secret n’a pas été vérifié."))
    return [*lines, *_unseen()]


def _unseen() -> list[Line]:
    """Measures that the platform cannot see are listed as such."""
    return [
        missing(
            "Mesures ANSSI que la plateforme ne voit pas : postes, messagerie, locaux.", "ANSSI"
        ),
        missing("Contacts PSIRT des fabricants (CRA).", "Fabricants"),
    ]


def _points(device: object) -> list[tuple[str, str]]:
    points = getattr(device, "points", {})
    return list(points.values())
