"""A report as programs and pages read it: for everybody, or for those who work on it. Nothing of
its author in either: what was sent is asked for apart (`ReportDesk.words`)."""

from __future__ import annotations

from typing import Any

from beffroi.api.problems import Refusal
from beffroi.api.words import said
from beffroi.hub.reports.desk import ReportDesk
from beffroi.hub.services import Services
from beffroi.model.asset import Label
from beffroi.model.report import Report, ReportEvent, ReportState

STATES: dict[ReportState, Label] = {
    ReportState.RECEIVED: Label("reçu", "received"),
    ReportState.ACCEPTED: Label("lu", "read"),
    ReportState.IN_PROGRESS: Label("en cours", "in progress"),
    ReportState.ANSWERED: Label("répondu", "answered"),
    ReportState.CLOSED: Label("clos", "closed"),
    ReportState.REJECTED: Label("non retenu", "not taken up"),
    ReportState.DUPLICATE: Label("déjà signalé", "already reported"),
    ReportState.WITHDRAWN: Label("retiré", "withdrawn"),
}
NO_TOPIC = Label("autre chose", "something else")


def desk_of(services: Services) -> ReportDesk:
    if services.reports is None:
        raise Refusal(404, "reports_off", "Reports are not taken on this hub.")
    return services.reports


def report_of(services: Services, report_id: str) -> Report:
    found = desk_of(services).store.report(report_id)
    if found is None:
        raise Refusal(404, "unknown_report", "There is no such report.")
    return found


def topic_label(services: Services, report: Report) -> Label:
    known = desk_of(services).topics.get(report.topic)
    return known.label if known else NO_TOPIC


def as_public(services: Services, report: Report, lang: str) -> dict[str, Any]:
    """Only what a moderator has let out."""
    return {
        "id": report.id,
        "topic": report.topic,
        "topic_label": said(topic_label(services, report), lang),
        "state": report.state.value,
        "state_label": said(STATES[report.state], lang),
        "received_ms": report.received_ms,
        "changed_ms": report.changed_ms,
        "safe_ms": report.safe_ms,
        "lon": report.lon,
        "lat": report.lat,
        "place": report.place,
        "text": report.text,
        "photo": report.photo,
        "supports": report.supports,
    }


def as_desk(services: Services, report: Report, lang: str) -> dict[str, Any]:
    """For agents: what they need to work on it."""
    return as_public(services, report, lang) | {
        "asset": report.asset,
        "danger": report.danger,
        "danger_why": report.danger_why,
        "unsafe": report.unsafe,
        "deadline_ms": report.deadline_ms,
        "first_answer_ms": report.first_answer_ms,
        "ended_ms": report.ended_ms,
        "duplicate_of": report.duplicate_of,
        "source": report.source,
        "sent_photo": report.sent_photo,
        "mail": report.mail,
        "public": report.public,
        "version": report.version,
    }


def event_json(event: ReportEvent) -> dict[str, Any]:
    return {
        "at_ms": event.at_ms,
        "actor": event.actor,
        "kind": event.kind,
        "text": event.text,
        "told": event.told,
        "data": dict(event.data),
    }
