"""The page of a commune without rules: the commands of the first ceremony, as they are typed here.

It knows the identifier that the log already bears; it makes nothing.
"""

from __future__ import annotations

from fastapi import Request
from starlette.responses import Response

from beffroi.hub.services import Services
from beffroi.ui.render import page


def how_to_begin(request: Request, services: Services) -> Response:
    return page(request, "commands_off.html", identifier=_identifier(services))


def _identifier(services: Services) -> str:
    """The log is of one commune, and so must the roster be: the same identifier."""
    if services.journal is not None:
        return services.journal.origin.removeprefix("beffroi/")
    commune = services.store.assets.commune()
    return commune.id if commune else "commune"
