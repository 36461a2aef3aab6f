"""Puts the nightly balances together: registers, observations, titles handed over as files."""

from __future__ import annotations

from beffroi.adapters.titles import TitleFolder
from beffroi.cli.settings import Settings
from beffroi.hub.dispatch.alarming import ToDesk
from beffroi.hub.dossier.office import Office
from beffroi.hub.nights import Nights
from beffroi.hub.services import Services


def nights_of(settings: Settings, services: Services, office: Office, alarms: ToDesk) -> Nights:
    """Of a running hub."""
    shelf = TitleFolder(settings.home / "titles")
    return Nights(office.registers, services.store, services.domains, shelf, alarms, services.clock)
