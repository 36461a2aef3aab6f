"""What pages of the town hall share: its office, its time, and what forms say of it."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from beffroi.api.problems import Refusal
from beffroi.hub.dossier.office import Office
from beffroi.hub.dossier.registers import RegisterError
from beffroi.hub.services import Services
from beffroi.ui import i18n


def office_of(services: Services) -> Office:
    """The hub's office; a hub put together without one says so."""
    if services.office is None:
        raise Refusal(503, "no_office", "Registers are not open here: start the hub anew.")
    return services.office


def refusal_of(error: RegisterError, lang: str) -> Refusal:
    """The reason in the reader's language, as text that is never formatted again."""
    text = i18n.words(lang).gettext(str(error))
    return Refusal(409, error.code, "{text}", text=text)


def zone_of(services: Services) -> ZoneInfo:
    commune = services.store.assets.commune()
    return ZoneInfo(commune.timezone if commune else "Europe/Paris")


def moment_ms(services: Services, text: str) -> int:
    """Of a form's local day or day and hour; Refusal when it is none."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Refusal(422, "moment", "Choose a day and an hour.") from None
    at = at if at.tzinfo else at.replace(tzinfo=zone_of(services))
    if not 1970 < at.year < 2500:
        raise Refusal(422, "moment", "Choose a day and an hour.")
    return int(at.timestamp() * 1000)
