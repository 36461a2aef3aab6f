"""The words that go to the author of a report by e-mail, and templates for answers. Pure.

A letter holds what the town says and the status link, never what the author wrote: a letter that
goes astray tells little.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from beffroi.model.asset import Label
from beffroi.model.report import Report, ReportEvent

WHAT: Mapping[str, Label] = MappingProxyType({
    "received": Label("Nous avons bien reçu votre signalement.", "We have received your report."),
    "accept": Label("Votre signalement a été lu.", "Your report has been read."),
    "start": Label("Quelqu’un s’en occupe.", "Somebody is working on it."),
    "answer": Label("La mairie vous répond.", "The town hall answers you."),
    "close": Label("Votre signalement est clos.", "Your report is closed."),
    "reject": Label(
        "Votre signalement n’est pas retenu.", "Your report is not taken up."),
    "merge": Label(
        "Votre signalement rejoint un signalement déjà reçu.", "Your report joins an earlier one."),
    "safe": Label("Le danger a été mis en sécurité.", "The danger has been made safe."),
    "reopen": Label("Votre signalement est rouvert.", "Your report is open again."),
})  # fmt: skip

TEMPLATES: tuple[tuple[str, Label], ...] = (
    ("planned", Label(
        "Merci de votre signalement. L’intervention est prévue ; nous vous dirons ici quand elle "
        "sera faite.",
        "Thank you for your report. The work is planned; we shall tell you here when it is done.")),
    ("done", Label(
        "C’est réparé. Merci de nous l’avoir signalé ; dites-nous ici si le problème revient.",
        "It is repaired. Thank you for reporting it; tell us here if it comes back.")),
    ("safe_first", Label(
        "L’endroit est balisé. La réparation demande plus de temps ; nous vous tiendrons au "
        "courant ici.",
        "The place is cordoned off. The repair takes longer; we shall keep you posted here.")),
    ("elsewhere", Label(
        "Cela ne dépend pas de la commune. Nous l’avons transmis au service compétent.",
        "This is not for the commune to do. We have passed it on to the body in charge.")),
    ("more", Label(
        "Nous n’avons pas trouvé l’endroit. Pouvez-vous préciser, par exemple avec un numéro ou un "
        "repère, sur cette page ?",
        "We could not find the place. Can you say more, for example a number or a landmark, on "
        "this page?")),
)  # fmt: skip


class Letter(NamedTuple):
    subject: str
    body: str


def letter(report: Report, event: ReportEvent, commune: str, link: str) -> Letter:
    """In the author's language; the subject is one line whatever the commune is called."""
    english = report.lang == "en"
    what = WHAT.get(event.kind, WHAT["answer"])
    head = what.en if english else what.fr
    town = " ".join(commune.split()) or "Beffroi"
    number = "Report" if english else "Signalement"
    subject = f"[{town}] {number} {report.id} – {head}"
    lines = [head, ""]
    if event.told and event.text:
        lines += [event.text, ""]
    if link:
        follow = (
            "Follow it, add to it or withdraw it"
            if english
            else ("Suivez-le, complétez-le ou retirez-le")
        )
        lines += [f"{follow}{':' if english else ' :'} {link}", ""]
    end = (
        "This message is sent automatically. Nobody reads replies to it."
        if english
        else ("Message envoyé automatiquement. Personne ne lit les réponses à ce courriel.")
    )
    return Letter(subject, "\n".join([*lines, end, ""]))
