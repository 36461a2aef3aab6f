"""Who may do what, for an auditor: the rules as they are, and what they answer for every route."""

from __future__ import annotations

from itertools import groupby

from fastapi import APIRouter, Request
from starlette.responses import Response

from beffroi.api import policies
from beffroi.api.access import needs
from beffroi.api.inventory import csv_line
from beffroi.api.policies import ROLES
from beffroi.api.policy_table import lines, rules
from beffroi.ui.render import page

router = APIRouter()
HEAD = ("method", "route", "action", *ROLES, "another body: own", "another body: others")


@router.get("/people/policies")
@needs("admin")
def policies_page(request: Request) -> Response:
    told = groupby(lines(request.app.routes), key=lambda one: one.subject)
    subjects = [(subject, list(some)) for subject, some in told]
    facts = {"rules": rules(), "subjects": subjects, "file": policies.text(), "roles": ROLES}
    return page(request, "policies.html", **facts)


@router.get("/people/policies.csv")
@needs("admin")
def policies_csv(request: Request) -> Response:
    rows = [csv_line(HEAD)]
    for one in lines(request.app.routes):
        may = [*(role in one.roles for role in ROLES), one.own, one.others]
        rows.append(csv_line((one.method, one.path, one.action, *("x" if m else "" for m in may))))
    name = {"content-disposition": 'attachment; filename="policies.csv"'}
    return Response("\ufeff" + "".join(rows), media_type="text/csv; charset=utf-8", headers=name)
