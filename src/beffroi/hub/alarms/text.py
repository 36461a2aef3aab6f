"""The words of alarms in French and English: titles with their facts, states, refusals.

Refuses to know HTML: what it returns is plain text and must be escaped where it is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter
from types import MappingProxyType
from typing import Any

from beffroi.hub.alarms.index import is_group
from beffroi.model.alarm import Alarm
from beffroi.model.asset import Label
from beffroi.model.finding import Rule

MISSING = "–"
Words = Mapping[str, Label]


class _Facts(Formatter):
    """Facts come from devices: a missing or odd one must not hide the alarm."""

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> Any:  # noqa: ARG002
        return kwargs.get(field_name, MISSING), field_name

    def format_field(self, value: Any, format_spec: str) -> str:
        try:
            return format(value, format_spec)
        except (TypeError, ValueError):
            return str(value)


def pick(label: Label, lang: str) -> str:
    """French unless English is asked for."""
    return label.en if lang == "en" else label.fr


def render(alarm: Alarm, rule: Rule, lang: str) -> str:
    """One line for people: the rule's text with the alarm's facts."""
    text = line(rule, alarm.facts, lang)
    if not is_group(alarm):
        return text
    several = "alarms of the same rule" if lang == "en" else "alarmes de la même règle"
    colon = ": " if lang == "en" else " : "
    return f"{alarm.members} {several}{colon}{text}"


def line(rule: Rule, facts: Mapping[str, float | str], lang: str) -> str:
    """The rule's text with these facts."""
    return _filled(pick(rule.text, lang), facts, lang)


class _French(float):
    """A number with a decimal comma, whatever the format."""

    def __format__(self, spec: str) -> str:
        return super().__format__(spec).replace(".", ",")


def _filled(text: str, facts: Mapping[str, float | str], lang: str) -> str:
    if lang != "en":
        facts = {k: _French(v) if isinstance(v, float) else v for k, v in facts.items()}
    try:
        return _Facts().vformat(text, (), facts)
    except ValueError:  # unbalanced braces in the rule's text
        return text


REFUSALS: Words = MappingProxyType(
    {
        "unknown_alarm": Label("Cette alarme n’existe pas.", "There is no such alarm."),
        "unknown_action": Label("Cette action n’existe pas.", "There is no such action."),
        "wrong_state": Label(
            "Cette action n’est pas possible dans l’état actuel de l’alarme.",
            "This action is not possible in the alarm’s present state.",
        ),
        "who": Label("Connectez-vous pour agir.", "Sign in to act."),
        "text_too_long": Label("Ce texte est trop long.", "This text is too long."),
        "text_missing": Label("Écrivez un commentaire.", "Write a comment."),
        "text_unreadable": Label(
            "Ce texte contient des caractères illisibles.",
            "This text holds unreadable characters.",
        ),
        "assignee_missing": Label(
            "Indiquez la personne qui s’en charge.", "Name the person who takes it."
        ),
        "needs_decision": Label(
            "Une alarme grave ne se clôt qu’avec une décision, un responsable et une échéance.",
            "A grave alarm is closed only with a decision, an owner and a deadline.",
        ),
        "cause_holds": Label(
            "La cause est toujours présente : clôture impossible, sauf à accepter le risque "
            "(avec un motif) ou à le transférer.",
            "The cause still holds: it can be closed only by accepting the risk (with a reason) "
            "or transferring it.",
        ),
        "decision_overdue": Label(
            "L’échéance de la décision est passée et la cause est toujours présente : "
            "prenez une nouvelle décision.",
            "The decision’s deadline has passed and the cause still holds: decide again.",
        ),
        "decision_kind": Label(
            "Choisissez une décision : traiter, atténuer, arrêter, accepter ou transférer.",
            "Choose a decision: treat, mitigate, stop, accept or transfer.",
        ),
        "owner_missing": Label(
            "Indiquez qui est responsable de la décision.", "Name the owner of the decision."
        ),
        "reason_missing": Label(
            "Accepter un risque demande un motif.", "Accepting a risk needs a reason."
        ),
        "deadline_past": Label(
            "L’échéance doit être dans le futur.", "The deadline must be in the future."
        ),
        "deadline_far": Label(
            "L’échéance est trop lointaine (deux ans au plus).",
            "The deadline is too far away (two years at most).",
        ),
        "group_closed": Label(
            "Ce groupe est clos : rouvrez les alarmes qu’il contenait.",
            "This group is closed: reopen the alarms that it stood for.",
        ),
        "newer_open": Label(
            "Une alarme plus récente de même cause est ouverte.",
            "A newer alarm of the same cause is open.",
        ),
        "stale": Label(
            "Quelqu’un vient de modifier cette alarme : relisez-la.",
            "Somebody has just changed this alarm: look at it again.",
        ),
    }
)
STATES: Words = MappingProxyType(
    {
        "raised": Label("Déclenchée", "Raised"),
        "acknowledged": Label("Prise en compte", "Acknowledged"),
        "assigned": Label("Attribuée", "Assigned"),
        "resolved": Label("Résolue", "Resolved"),
        "closed": Label("Close", "Closed"),
    }
)
SEVERITIES: Words = MappingProxyType(
    {
        "info": Label("Information", "Information"),
        "warning": Label("Avertissement", "Warning"),
        "grave": Label("Grave", "Grave"),
    }
)
DECISIONS: Words = MappingProxyType(
    {
        "treat": Label("Traiter", "Treat"),
        "mitigate": Label("Atténuer", "Mitigate"),
        "stop": Label("Arrêter", "Stop"),
        "accept": Label("Accepter le risque", "Accept the risk"),
        "transfer": Label("Transférer", "Transfer"),
    }
)
ACTIONS: Words = MappingProxyType(
    {
        "acknowledge": Label("Prendre en compte", "Acknowledge"),
        "assign": Label("Attribuer", "Assign"),
        "comment": Label("Commenter", "Comment"),
        "decide": Label("Décider", "Decide"),
        "resolve": Label("Marquer résolue", "Mark as resolved"),
        "close": Label("Clore", "Close"),
        "reopen": Label("Rouvrir", "Reopen"),
    }
)
EVENTS: Words = MappingProxyType(
    {
        "raised": Label("Alarme levée", "Alarm raised"),
        "recurred": Label("La cause est revenue", "The cause is back"),
        "flapping": Label(
            "La cause va et vient : les retours suivants sont seulement comptés",
            "The cause comes and goes: from here on it is only counted",
        ),
        "cleared": Label("La cause a disparu", "The cause is gone"),
        "acknowledged": Label("Prise en compte", "Acknowledged"),
        "assigned": Label("Attribuée", "Assigned"),
        "comment": Label("Commentaire", "Comment"),
        "decided": Label("Décision", "Decision"),
        "resolved": Label("Marquée résolue", "Marked as resolved"),
        "closed": Label("Close", "Closed"),
        "reopened": Label("Rouverte", "Reopened"),
        "reminded": Label("Rappel", "Reminder"),
        "escalated": Label("Transmise au niveau supérieur", "Passed on to the next level"),
        "overdue": Label("L’échéance de la décision est passée", "The deadline has passed"),
        "lapsed": Label(
            "Le délai est écoulé et la cause demeure : une nouvelle alarme prend la suite",
            "Time is up and the cause remains: a new alarm takes over",
        ),
        "grouped": Label("Rattachée à un groupe", "Put into a group"),
        "grew": Label("Le groupe s’étend", "The group grew"),
    }
)
