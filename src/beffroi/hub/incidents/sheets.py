"""Procedure sheets: what to do first, in order, for each kind of incident. French and English.

Written for somebody alone at night. `precedents` are ids of the law data's incidents: what happened
elsewhere. Refuses to decide: a sheet proposes, people act and each step is dated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from beffroi.model.asset import Label

# Addressees, in the order in which they are told.
ADDRESSEES: Mapping[str, Label] = MappingProxyType(
    {
        "mayor": Label("Maire", "Mayor"),
        "prefect": Label("Préfet", "Prefect"),
        "health": Label("Agence régionale de santé (ARS)", "Regional health agency (ARS)"),
        "police": Label("Gendarmerie ou police (plainte)", "Police (complaint)"),
        "cnil": Label("CNIL", "CNIL (data protection authority)"),
        "persons": Label("Personnes concernées", "Persons concerned"),
        "insurer": Label("Assureur", "Insurer"),
        "csirt": Label("CSIRT régional", "Regional CSIRT"),
        "body": Label("EPCI ou délégataire compétent", "Competent joint authority or operator"),
    }
)


@dataclass(frozen=True, slots=True)
class Sheet:
    """`steps` in order. `danger`, `personal`: what to suppose until somebody knows better
    ("yes", "no", "unknown"). `told`: addressees proposed."""

    id: str
    title: Label
    steps: tuple[Label, ...]
    told: tuple[str, ...]
    danger: str = "unknown"
    personal: str = "no"
    precedents: tuple[str, ...] = ()


_HAND = Label(
    "Mettez une personne sur place ; passez en conduite manuelle.",
    "Put somebody on the spot; go over to manual operation.",
)
_PROOF = Label(
    "N’éteignez rien avant d’avoir noté l’heure et photographié les écrans ; gardez les journaux.",
    "Switch nothing off before you noted the time and photographed the screens; keep the logs.",
)
_COMPLAIN = Label(
    "Déposez plainte ; notez le numéro du récépissé dans une étape.",
    "File a complaint; write the number of the receipt into a step.",
)
_KEYS = Label(
    "Révoquez les comptes, clés et boîtiers en cause ; faites signer un nouveau registre.",
    "Revoke the accounts, keys and guards concerned; have a new roster signed.",
)

_ALL = (
    Sheet(
        "set-point",
        Label("Eau : consigne modifiée", "Water: set point changed"),
        (
            _HAND,
            Label(
                "Comparez la consigne, la mesure et un prélèvement : la mesure peut mentir.",
                "Compare the set point, the reading and a sample: the reading may lie.",
            ),
            Label(
                "Fermez ou isolez le secteur si la pression ou la chimie sort des bornes.",
                "Close or isolate the zone if pressure or chemistry leaves its bounds.",
            ),
            Label(
                "Prévenez l’ARS et l’exploitant ; préparez la consigne aux habitants.",
                "Tell the health agency and the operator; prepare the advice to inhabitants.",
            ),
            _KEYS,
            _PROOF,
            _COMPLAIN,
        ),
        ("mayor", "prefect", "health", "body", "police", "csirt", "insurer"),
        "yes",
        "no",
        ("kemuri-2016", "oldsmar-2021", "aliquippa-2023"),
    ),
    Sheet(
        "lights-out",
        Label("Éclairage éteint ou commandé par un tiers", "Lights out or moved by a stranger"),
        (
            Label(
                "Vérifiez l’ampleur : un poste, un secteur, toute la commune ?",
                "See how far it goes: one cabinet, one zone, the whole commune?",
            ),
            Label(
                "Forcez l’allumage à l’armoire ; balisez les points dangereux.",
                "Force the lights on at the cabinet; mark the dangerous places.",
            ),
            _KEYS,
            _PROOF,
            _COMPLAIN,
        ),
        ("mayor", "police", "body", "csirt", "insurer"),
        "unknown",
        "no",
        ("nice-2014",),
    ),
    Sheet(
        "junctions",
        Label("Feux tricolores modifiés", "Traffic signals changed"),
        (
            Label(
                "Envoyez la police municipale ou la gendarmerie régler la circulation.",
                "Send the police to direct the traffic.",
            ),
            Label(
                "Passez les carrefours au jaune clignotant depuis l’armoire.",
                "Put the junctions to flashing amber at the cabinet.",
            ),
            Label(
                "Comparez le plan affiché au plan approuvé, carrefour par carrefour.",
                "Compare the plan shown with the plan approved, junction by junction.",
            ),
            _KEYS,
            _PROOF,
            _COMPLAIN,
        ),
        ("mayor", "prefect", "police", "body", "csirt", "insurer"),
        "yes",
        "no",
        ("ghena-2014",),
    ),
    Sheet(
        "false-alert",
        Label("Fausse alerte affichée ou diffusée", "False alert shown or sent"),
        (
            Label(
                "Effacez les panneaux avec la clé locale de la mairie.",
                "Blank the boards with the local key of the town hall.",
            ),
            Label(
                "Démentez par un autre canal : téléphone, voiture sonorisée, presse, préfecture.",
                "Deny it by another channel: telephone, loudspeaker car, press, prefecture.",
            ),
            Label(
                "Cherchez un changement simultané (flux de personnes, sirènes) : c’est le signe "
                "d’une attaque coordonnée.",
                "Look for a change at the same time (people flow, sirens): it is the sign of a "
                "coordinated attack.",
            ),
            _KEYS,
            _PROOF,
            _COMPLAIN,
        ),
        ("mayor", "prefect", "police", "csirt", "insurer"),
        "yes",
        "no",
        ("road-signs", "dallas-2017"),
    ),
    Sheet(
        "data-theft",
        Label("Vol ou fuite de données", "Data stolen or leaked"),
        (
            Label(
                "Fermez la voie de sortie : compte, jeton, lien, export en cours.",
                "Close the way out: account, token, link, export under way.",
            ),
            Label(
                "Établissez quelles données, combien de personnes, depuis quand.",
                "Find out which data, how many people, since when.",
            ),
            Label(
                "Prévenez le délégué à la protection des données ; préparez la notification CNIL.",
                "Tell the data protection officer; prepare the notice to the CNIL.",
            ),
            _PROOF,
            _COMPLAIN,
        ),
        ("mayor", "cnil", "persons", "police", "insurer", "csirt"),
        "no",
        "yes",
        ("kemuri-2016",),
    ),
    Sheet(
        "ransomware",
        Label("Rançongiciel", "Ransomware"),
        (
            Label(
                "Débranchez le réseau des postes touchés, sans les éteindre.",
                "Unplug the network of the machines hit, without switching them off.",
            ),
            Label("Isolez les sauvegardes ; ne payez pas.", "Isolate the backups; do not pay."),
            Label(
                "Vérifiez que les boîtiers tiennent leur réglage local ; conduite manuelle.",
                "See that the guards hold their local setting; operate by hand.",
            ),
            Label(
                "Restaurez sur une machine saine ; changez tous les secrets.",
                "Restore on a sound machine; change all secrets.",
            ),
            _PROOF,
            _COMPLAIN,
        ),
        ("mayor", "police", "cnil", "csirt", "insurer", "prefect", "body"),
        "unknown",
        "unknown",
    ),
    Sheet(
        "power-cut",
        Label("Coupure d’électricité ou de réseau", "Power or network cut"),
        (
            Label(
                "Appelez le gestionnaire du réseau : étendue, heure de retour.",
                "Call the network operator: extent, time of return.",
            ),
            Label(
                "Veillez aux personnes vulnérables, à l’eau, aux carrefours.",
                "Look after vulnerable people, water, junctions.",
            ),
            _HAND,
            Label(
                "Au retour, relisez l’état de chaque ouvrage avant de reprendre les commandes.",
                "When it is back, read every asset again before you resume commands.",
            ),
        ),
        ("mayor", "prefect", "body"),
        "unknown",
        "no",
    ),
    Sheet(
        "other",
        Label("Autre incident", "Other incident"),
        (
            _HAND,
            Label(
                "Décrivez ce qui est vu, sans interpréter ; notez les heures.",
                "Describe what is seen, without interpreting; write down the hours.",
            ),
            _PROOF,
        ),
        ("mayor",),
        "unknown",
        "unknown",
    ),
)
SHEETS: Mapping[str, Sheet] = MappingProxyType({sheet.id: sheet for sheet in _ALL})
