"""The catalogue of published datasets as DCAT-AP 3.0, for national and European portals.

Mandatory and recommended properties of https://semiceu.github.io/DCAT-AP/releases/3.0.0/. Codes
are those of the EU Publications Office. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import quote

from beffroi.hub.open_data.dataset import Dataset, moment
from beffroi.hub.open_data.forms import FORMS, can
from beffroi.hub.open_data.triples import Graph, Iri, Term, Text
from beffroi.model.asset import Commune, Label

EU = "http://publications.europa.eu/resource/authority/"
GEONAMES_FRANCE = f"{EU}country/FRA"
IANA = "https://www.iana.org/assignments/media-types/"


class Licence(NamedTuple):
    """Under which the commune publishes."""

    id: str
    name: str
    url: str


LICENCES = {
    licence.id: licence
    for licence in (
        Licence(
            "etalab-2.0",
            "Licence Ouverte 2.0",
            "https://www.etalab.gouv.fr/wp-content/uploads/2017/04/ETALAB-Licence-Ouverte-v2.0.pdf",
        ),
        Licence("odbl-1.0", "ODbL 1.0", "https://opendatacommons.org/licenses/odbl/1-0/"),
    )
}
DEFAULT_LICENCE = "etalab-2.0"  # one of the two that D323-2-1 CRPA allows for such data


@dataclass(frozen=True, slots=True)
class Published:
    """A dataset that the commune decided to publish, since when, and its newest row (0: none)."""

    dataset: Dataset
    since_ms: int
    newest_ms: int = 0


def catalogue(
    base: str, commune: Commune, published: Sequence[Published], licence: Licence, contact: str
) -> Graph:
    """`base`: our address without a slash at its end. `contact`: an e-mail address, "" for none."""
    graph = Graph()
    name = commune.name or "Commune"
    licence_node = graph.add(
        Iri(licence.url), "dct:LicenseDocument", ("dct:title", Text(licence.name))
    )
    town = graph.add(Iri(f"{base}/open-data#publisher"), "foaf:Agent", ("foaf:name", Text(name)))
    words = _words(graph)
    pairs: list[tuple[str, Term]] = [
        *_said("dct:title", Label(f"Données ouvertes – {name}", f"Open data – {name}")),
        *_said("dct:description", Label(
            "Ce que mesurent les équipements de la commune, publié par elle.",
            "What the commune’s equipment measures, published by the commune.",
        )),
        ("dct:publisher", town),
        ("dct:license", licence_node),
        *(("dct:language", node) for node in words),
        ("dct:spatial", _place(graph)),
        ("dcat:themeTaxonomy", graph.add(
            Iri(f"{EU}data-theme"), "skos:ConceptScheme", ("dct:title", Text("Data theme", "en"))
        )),
        ("foaf:homepage", graph.add(Iri(f"{base}/open-data"), "foaf:Document")),
    ]  # fmt: skip
    if published:
        pairs.append(("dct:issued", _time(min(one.since_ms for one in published))))
    contact_node = _contact(graph, name, contact)
    for one in published:
        node = _dataset(graph, base, one, licence_node)
        about = [("dct:publisher", town), *(("dct:language", word) for word in words)]
        about += [("dcat:contactPoint", contact_node)] if contact_node else []
        graph.add(node, "dcat:Dataset", *about)
        pairs.append(("dcat:dataset", node))
        pairs.append(("dcat:service", _service(graph, base, one.dataset, node, licence_node)))
    graph.add(Iri(f"{base}/open-data/catalog"), "dcat:Catalog", *pairs)
    return graph


def _dataset(graph: Graph, base: str, one: Published, licence: Iri) -> Iri:
    dataset = one.dataset
    node = Iri(f"{base}/open-data/{quote(dataset.id)}#dataset")
    frequency = {0: "IRREG", 86_400: "DAILY"}.get(dataset.period_s, "MONTHLY")
    theme = graph.add(
        Iri(f"{EU}data-theme/{dataset.theme}"),
        "skos:Concept",
        ("skos:prefLabel", Text(dataset.theme, "en")),
        ("skos:inScheme", Iri(f"{EU}data-theme")),
    )
    page = graph.add(Iri(f"{base}/open-data/{quote(dataset.id)}"), "foaf:Document")
    pairs: list[tuple[str, Term]] = [
        *_said("dct:title", dataset.title),
        *_said("dct:description", dataset.about),
        ("dct:identifier", Text(dataset.id)),
        ("dcat:theme", theme),
        ("dcat:keyword", Text("commune", "fr")),
        ("dcat:landingPage", page),
        ("dct:issued", _time(one.since_ms)),
        ("dct:spatial", _place(graph)),
        ("dct:accessRights", graph.add(Iri(f"{EU}access-right/PUBLIC"), "dct:RightsStatement")),
        ("dct:accrualPeriodicity", graph.add(Iri(f"{EU}frequency/{frequency}"), "dct:Frequency")),
    ]
    if one.newest_ms:
        pairs.append(("dct:modified", _time(one.newest_ms)))
    if dataset.treatment is not None:
        note = graph.blank()
        said = [("rdfs:label", text) for _, text in _said("rdfs:label", dataset.treatment)]
        pairs.append(("dct:provenance", graph.add(note, "dct:ProvenanceStatement", *said)))
    for form in FORMS:
        if form != "json" and can(form, dataset):
            pairs.append(("dcat:distribution", _distribution(graph, base, dataset, form, licence)))
    return graph.add(node, "dcat:Dataset", *pairs)


def _distribution(graph: Graph, base: str, dataset: Dataset, form: str, licence: Iri) -> Iri:
    media = FORMS[form].media.partition(";")[0]
    address = Iri(f"{base}/open-data/{quote(dataset.id)}.{form}")
    graph.add(address, "rdfs:Resource")
    status = f"{EU}planned-availability/STABLE"
    return graph.add(
        Iri(f"{base}/open-data/{quote(dataset.id)}#{form}"),
        "dcat:Distribution",
        *_said("dct:title", Label(f"{dataset.title.fr} ({form.upper()})",
                                  f"{dataset.title.en} ({form.upper()})")),
        ("dcat:accessURL", address),
        ("dcat:downloadURL", address),
        ("dcat:mediaType", graph.add(Iri(IANA + media), "dct:MediaType")),
        ("dct:format", graph.add(Iri(f"{EU}file-type/{FORMS[form].eu}"), "dct:MediaTypeOrExtent")),
        ("dct:license", licence),
        ("dcatap:availability", graph.add(
            Iri(status), "skos:Concept", ("skos:prefLabel", Text("stable", "en")))),
    )  # fmt: skip


def _service(graph: Graph, base: str, dataset: Dataset, node: Iri, licence: Iri) -> Iri:
    address = graph.add(Iri(f"{base}/open-data/{quote(dataset.id)}.json"), "rdfs:Resource")
    return graph.add(
        Iri(f"{base}/open-data/{quote(dataset.id)}#api"),
        "dcat:DataService",
        *_said("dct:title", Label(f"{dataset.title.fr} (API)", f"{dataset.title.en} (API)")),
        ("dcat:endpointURL", address),
        ("dcat:servesDataset", node),
        ("dct:license", licence),
    )


def _words(graph: Graph) -> list[Iri]:
    return [
        graph.add(Iri(f"{EU}language/{code}"), "dct:LinguisticSystem") for code in ("FRA", "ENG")
    ]


def _place(graph: Graph) -> Iri:
    return graph.add(Iri(GEONAMES_FRANCE), "dct:Location")


def _contact(graph: Graph, name: str, contact: str) -> Iri | None:
    if not contact:
        return None
    mail = Iri(f"mailto:{quote(contact, safe='@.+-_')}")
    return graph.add(
        graph.blank(), "vcard:Kind", ("vcard:fn", Text(name)), ("vcard:hasEmail", mail)
    )


def _said(verb: str, label: Label) -> list[tuple[str, Term]]:
    return [(verb, Text(label.fr, "fr")), (verb, Text(label.en, "en"))]


def _time(ms: int) -> Text:
    return Text(moment(ms), kind="xsd:dateTime")
