"""The datasets of a commune, derived from what its services say may be shared. Names no service.

A kind or property that no service opens makes no dataset, so nobody can open it by a click.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import NamedTuple

from beffroi.domains.base import Domain, no_findings
from beffroi.hub.open_data.dataset import Column, Dataset
from beffroi.hub.open_data.hours import Measured
from beffroi.hub.open_data.things import Alarms, Inventory, reports
from beffroi.model.asset import Kind, Label, Property
from beffroi.model.limits import OPEN_GROUP_MIN, OPEN_K_MIN, OPEN_ROUND
from beffroi.model.sharing import CLOSED, Sharing, Treatment

DAY_S, MONTH_S = 86_400, 31 * 86_400


class Never(NamedTuple):
    """What is never published of a service, and why. `prop` "" is the kind as a whole."""

    domain: str
    kind: str
    prop: str
    name: Label
    reason: Label


def datasets(domains: Mapping[str, Domain]) -> dict[str, Dataset]:
    """By id, in the order in which pages show them."""
    found = [one for domain in domains.values() for one in _of_domain(domain)]
    found += [_alarms(domains), _reports()]
    return {one.id: one for one in found}


def nevers(domains: Mapping[str, Domain]) -> list[Never]:
    """Everything that can never be opened, with its reason."""
    return [
        never
        for domain in domains.values()
        for kind in domain.kinds.values()
        for never in _nevers(domain, kind, domain.sharing.get(kind.name, Sharing()))
    ]


def _of_domain(domain: Domain) -> Iterator[Dataset]:
    open_kinds = {
        kind.name: kind
        for kind in domain.kinds.values()
        if domain.sharing.get(kind.name, Sharing()).places
    }
    if open_kinds:
        yield _inventory(domain, open_kinds)
    for name, sharing in domain.sharing.items():
        for prop, treatment in sharing.hourly.items():
            kind = domain.kinds[name]
            yield from _hourly(domain, kind, kind.properties[prop], treatment, sharing.theme)


def _inventory(domain: Domain, kinds: Mapping[str, Kind]) -> Dataset:
    inventory = Inventory(domain.name, {name: kind.label.fr for name, kind in kinds.items()})
    names = Label(
        ", ".join(kind.label.fr for kind in kinds.values()),
        ", ".join(kind.label.en for kind in kinds.values()),
    )
    return Dataset(
        f"{domain.name}-assets",
        Label(f"Équipements – {domain.label.fr}", f"Equipment – {domain.label.en}"),
        Label(f"Inventaire et emplacement : {names.fr}.", f"Inventory and places: {names.en}."),
        (
            _text("id", "Identifiant", "Identifier"),
            _text("kind", "Type", "Kind"),
            _text("kind_fr", "Type en français", "Kind in French"),
            _text("name", "Nom", "Name"),
            _text("zone", "Zone", "Zone"),
            _text("authority", "Autorité compétente", "Competent authority"),
            _real("lon", "Longitude (WGS 84)", "Longitude (WGS 84)"),
            _real("lat", "Latitude (WGS 84)", "Latitude (WGS 84)"),
        ),
        inventory.rows,
        theme=domain.sharing[next(iter(kinds))].theme,
        domain=domain.name,
        shaped=True,
    )


def _hourly(
    domain: Domain, kind: Kind, prop: Property, treatment: Treatment, theme: str
) -> Iterator[Dataset]:
    measured = Measured(domain.name, kind.name, prop.name, prop.digits)
    ident = f"{domain.name}-{kind.name}-{prop.name}".lower().replace("_", "-")
    unit = f" ({prop.unit})" if prop.unit else ""
    fr, en = f"{kind.label.fr} – {prop.label.fr}", f"{kind.label.en} – {prop.label.en}"
    what = Label(fr[:1].upper() + fr[1:], en[:1].upper() + en[1:])
    hour = _text("hour", "Début de l’heure (UTC)", "Start of the hour (UTC)")
    asset = _text("asset", "Équipement", "Asset")
    hourly = partial(
        Dataset, theme=theme, domain=domain.name, timed=True, period_s=DAY_S, newest=measured.newest
    )
    title = Label(f"{what.fr}, par heure", f"{what.en}, by hour")
    if treatment is Treatment.PEOPLE:
        count = Column("count", "whole", Label("Passages (arrondis)", "People (rounded)"))
        hidden = Column("hidden", "whole", Label("1 : effectif masqué", "1: count hidden"))
        note = _PEOPLE_NOTE
        columns = (hour, asset, count, hidden)
        yield hourly(f"{ident}-hours", title, note, columns, measured.people, treatment=note)
        yield _by_day(f"{ident}-days", what, measured, theme, domain.name)
    elif treatment is Treatment.GROUP:
        mean = Column("mean", "real", Label(f"Moyenne{unit}", f"Mean{unit}"))
        assets = Column("assets", "whole", Label("Équipements comptés", "Assets counted"))
        columns = (hour, _text("zone", "Zone", "Zone"), mean, assets)
        zoned = Label(f"{title.fr} et par zone", f"{title.en} and zone")
        note = _GROUP_NOTE
        yield hourly(f"{ident}-hours", zoned, note, columns, measured.groups, treatment=note)
    else:
        figures = tuple(
            Column(name, "real", Label(f"{fr}{unit}", f"{en}{unit}"))
            for name, fr, en in (("mean", "Moyenne", "Mean"), ("low", "Minimum", "Lowest"),
                                 ("high", "Maximum", "Highest"))
        )  # fmt: skip
        about = Label("Moyenne, minimum et maximum de chaque heure.",
                      "Mean, lowest and highest of each hour.")  # fmt: skip
        yield hourly(f"{ident}-hours", title, about, (hour, asset, *figures), measured.values)


_PEOPLE_NOTE = Label(
    f"Un effectif inférieur à {OPEN_K_MIN} (zéro compris) est masqué, les autres sont arrondis à "
    f"{OPEN_ROUND} près ; les totaux n’ajoutent que ce qui est publié.",
    f"A count under {OPEN_K_MIN} (zero included) is hidden, the others are rounded to "
    f"{OPEN_ROUND}; totals add what is published and nothing else.",
)
_GROUP_NOTE = Label(
    f"Moyenne par zone d’au moins {OPEN_GROUP_MIN} équipements : jamais un équipement seul.",
    f"Mean over zones of at least {OPEN_GROUP_MIN} assets: never one asset alone.",
)


def _by_day(ident: str, what: Label, measured: Measured, theme: str, domain: str) -> Dataset:
    return Dataset(
        ident,
        Label(f"{what.fr}, par jour", f"{what.en}, by day"),
        Label(
            "Somme des heures publiées de chaque jour : inférieure au total réel quand des heures "
            "sont masquées.",
            "Sum of the published hours of each day: less than the true total when hours are "
            "hidden.",
        ),
        (
            _text("day", "Jour (UTC)", "Day (UTC)"),
            _text("asset", "Équipement", "Asset"),
            Column("published", "whole", Label("Somme publiée", "Published sum")),
            Column("hours_shown", "whole", Label("Heures publiées", "Hours shown")),
            Column("hours_hidden", "whole", Label("Heures masquées", "Hours hidden")),
        ),
        measured.people_by_day,
        theme=theme,
        domain=domain,
        timed=True,
        period_s=DAY_S,
        treatment=_PEOPLE_NOTE,
        newest=measured.newest,
    )


def _alarms(domains: Mapping[str, Domain]) -> Dataset:
    persons = {name for name, one in domains.items() if one.reported is not no_findings}
    return Dataset(
        "alarms-by-month",
        Label("Alarmes par service et par mois", "Alarms by service and month"),
        Label(
            "Combien d’alarmes ont commencé, par mois entier et par gravité. Aucune ne dit où.",
            "How many alarms began, by whole month and severity. None of them says where.",
        ),
        (
            _text("month", "Mois", "Month"),
            _text("service", "Service", "Service"),
            _text("severity", "Gravité", "Severity"),
            Column("alarms", "whole", Label("Alarmes", "Alarms")),
            Column("hidden", "whole", Label("1 : effectif masqué", "1: count hidden")),
        ),
        Alarms(frozenset(domains), frozenset(persons)).rows,
        theme="GOVE",
        timed=True,
        period_s=MONTH_S,
        treatment=Label(
            "Pour les services dont les alarmes viennent de personnes, les petits effectifs sont "
            "masqués et les autres arrondis.",
            "For services whose alarms come from persons, small counts are hidden and the others "
            "rounded.",
        ),
    )


def _reports() -> Dataset:
    return Dataset(
        "reports",
        Label("Signalements rendus publics", "Reports made public"),
        Label(
            "Jour, catégorie, état et lieu arrondi à 100 m environ. Sans texte, photo ni auteur.",
            "Day, category, state and place to about 100 m. No text, photo or author.",
        ),
        (
            _text("day", "Jour (UTC)", "Day (UTC)"),
            _text("topic", "Catégorie", "Category"),
            _text("state", "État", "State"),
            _real("lon", "Longitude (arrondie)", "Longitude (rounded)"),
            _real("lat", "Latitude (arrondie)", "Latitude (rounded)"),
        ),
        reports,
        theme="GOVE",
        timed=True,
        shaped=True,
        period_s=DAY_S,
    )


def _nevers(domain: Domain, kind: Kind, sharing: Sharing) -> Iterator[Never]:
    whole = sharing.never.get("*")
    if whole is not None or not sharing.hourly:
        yield Never(domain.name, kind.name, "", kind.label, whole or CLOSED)
        return
    for name, prop in kind.properties.items():
        if name not in sharing.hourly:
            reason = sharing.never.get(name, CLOSED)
            yield Never(domain.name, kind.name, name, prop.label, reason)


def _text(name: str, fr: str, en: str) -> Column:
    return Column(name, "text", Label(fr, en))


def _real(name: str, fr: str, en: str) -> Column:
    return Column(name, "real", Label(fr, en))
