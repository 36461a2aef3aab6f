"""What a board may say: templates with short fields. Free text does not exist.

A field is a place from the commune's own list, a road number or a whole number, so that no
sentence can be made of it. Texts are what stands on the board, in French, in capitals.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from beffroi.domains.envelopes import among, whole
from beffroi.kernel.envelope import Allowed
from beffroi.kernel.keys import sha256
from beffroi.model.asset import Label

INFO, ROAD, ALERT = "information", "road", "alert"
LINES_MAX, LINE_CHARS_MAX = 3, 20
PLACE_CHARS_MAX = 18
PLACES_MAX = 100
CHARSET = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZÀÂÇÉÈÊËÎÏÔŒÙÛÜ0123456789 -'’.,/:")
ROAD_CHARSET = "ADEN0123456789"
EXERCISE = "exercice"


class CatalogueError(ValueError):
    """No such template, or a field that it does not have, or not such a value."""


@dataclass(frozen=True, slots=True)
class Template:
    """`fields`: what may be filled in, by name. A place's choices come from the board."""

    id: str
    category: str
    text: str
    label: Label
    fields: Mapping[str, Allowed] = field(default_factory=dict)


PLACE = Allowed()  # its choices are the board's own
_ROAD_NUMBER = Allowed(chars_max=5, charset=ROAD_CHARSET)
_HOUR = whole((0, 24))
_FIELDS = {
    "place": PLACE,
    "road": _ROAD_NUMBER,
    "from_h": _HOUR,
    "to_h": _HOUR,
    "free": whole((0, 999)),
    "speed_kmh": whole((30, 30), (50, 50), (70, 70)),
}
FIELD_LABELS = {
    "place": Label("Lieu", "Place"),
    "road": Label("Route", "Road"),
    "from_h": Label("De (heure)", "From (hour)"),
    "to_h": Label("À (heure)", "To (hour)"),
    "free": Label("Places libres", "Free places"),
    "speed_kmh": Label("Vitesse (km/h)", "Speed (km/h)"),
}

# id | category | French name | English name | line / line / line
_TABLE = """
bienvenue | information | Bienvenue | Welcome | BIENVENUE
marche | information | Marché | Market | MARCHÉ / {place} / {from_h} H - {to_h} H
evenement | information | Événement | Event | ÉVÉNEMENT / {place}
parking | information | Places libres | Free parking | PARKING / {place} / {free} PLACES
coupure_eau | information | Coupure d’eau | Water cut | COUPURE D’EAU / {place} / {from_h} H - {to_h} H
travaux | road | Travaux | Road works | TRAVAUX / {place} / RALENTIR
route_barree | road | Route barrée | Road closed | ROUTE BARRÉE / {place} / DÉVIATION
deviation | road | Déviation | Diversion | DÉVIATION / SUIVRE {road}
accident | road | Accident | Accident | ACCIDENT / {place} / PRUDENCE
vitesse | road | Vitesse limitée | Speed limit | VITESSE / {speed_kmh} KM/H
verglas | road | Verglas | Black ice | VERGLAS / RALENTIR
brouillard | road | Brouillard | Fog | BROUILLARD / RALENTIR
ecole | road | Sortie d’école | School hours | ÉCOLE / RALENTIR
exercice | information | Exercice | Exercise | EXERCICE / CECI EST UN TEST
alerte_orage | alert | Alerte orage | Thunderstorm alert | ALERTE ORAGE / METTEZ-VOUS À L’ABRI
alerte_vent | alert | Alerte vent violent | Storm alert | ALERTE VENT VIOLENT / RESTEZ CHEZ VOUS
alerte_crue | alert | Alerte inondation | Flood alert | ALERTE INONDATION / ÉLOIGNEZ-VOUS / DES COURS D’EAU
alerte_neige | alert | Alerte neige | Snow alert | ALERTE NEIGE / NE PRENEZ PAS / LA ROUTE
alerte_canicule | alert | Alerte canicule | Heat alert | ALERTE CANICULE / BUVEZ DE L’EAU
alerte_incendie | alert | Alerte incendie | Fire alert | INCENDIE / {place} / ÉLOIGNEZ-VOUS
alerte_industrie | alert | Alerte industrielle | Industrial alert | ALERTE INDUSTRIELLE / ENFERMEZ-VOUS / ÉCOUTEZ LA RADIO
evacuation | alert | Évacuation | Evacuation | ÉVACUATION / ALLEZ À / {place}
eau_non_potable | alert | Eau non potable | Unsafe water | EAU NON POTABLE / NE PAS BOIRE
fin_alerte | alert | Fin d’alerte | All clear | FIN D’ALERTE
"""  # noqa: E501


def _read(line: str) -> Template:
    ident, category, fr, en, text = (part.strip() for part in line.split("|"))
    names = re.findall(r"\{(\w+)\}", text)
    lines = "\n".join(one.strip() for one in text.split(" / "))
    return Template(ident, category, lines, Label(fr, en), {n: _FIELDS[n] for n in names})


TEMPLATES = {t.id: t for t in map(_read, _TABLE.strip().splitlines())}


def places(given: object) -> tuple[str, ...]:
    """The names that a board may show, from its `attrs["places"]`: short, in capitals. What does
    not fit is left out."""
    names = given if isinstance(given, Sequence) and not isinstance(given, str) else ()
    fit = [n for n in names if isinstance(n, str) and 0 < len(n) <= PLACE_CHARS_MAX]
    return tuple(dict.fromkeys(n for n in fit if set(n) <= CHARSET))[:PLACES_MAX]


def allowed(template: Template, known_places: Sequence[str]) -> dict[str, Allowed] | None:
    """What each parameter may be on a board that knows these places; None without any to choose."""
    if "place" in template.fields and not known_places:
        return None
    fields = {n: among(known_places) if n == "place" else a for n, a in template.fields.items()}
    return {"template": among([template.id]), **fields}


def text_of(params: Mapping[str, int | str]) -> str:
    """What the board shows, lines parted by newlines. CatalogueError."""
    template = TEMPLATES.get(str(params.get("template")))
    if template is None:
        raise CatalogueError(f"{params.get('template')!r} is not in the catalogue")
    missing = template.fields.keys() - params.keys()
    if missing:
        raise CatalogueError(f"{template.id} needs {', '.join(sorted(missing))}")
    return template.text.format(**{name: params[name] for name in template.fields})


def text_number(text: str) -> int:
    """A text as a whole number that a reading can carry: equal texts, equal numbers (48 bits).
    Spaces, line ends and small letters make no difference. 0 is a blank board."""
    plain = " ".join(text.upper().split())
    return int.from_bytes(sha256(plain.encode())[:6], "big") if plain else 0
