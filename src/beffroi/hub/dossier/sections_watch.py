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
from beffroi.model.finding import Severity

SEEN_MS = 7 * 86_400_000
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


def personal(facts: Facts) -> list[Line]:
    purged = [(n, e) for n, e in facts.journal.entries.items() if e.kind.startswith("privacy.")]
    erased = [(n, e) for n, e in facts.journal.entries.items() if e.kind == "payload.erased"]
    lines = [
        counted(
            f"{len(purged)} opérations de purge, d’effacement ou d’export inscrites.",
            [Cite("entry", "", e.at_ms, n) for n, e in purged + erased],
            "Purge",
        ),
        missing("Analyse d’impact (AIPD) par traitement.", "AIPD"),
        missing("Absence de lecture de plaques sur les places gratuites.", "LAPI"),
    ]
    return [missing("Registre des traitements : voir la page Vie privée.", "Registre"), *lines]


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
