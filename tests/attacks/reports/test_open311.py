"""Schemathesis against Open311 on a real server: whatever it sends, answers are of the standard.

Required fields, types and formats are those of the JSON Schemas that the Open311 project publishes
(github.com/open311/schema-validation, schema/georeport-v2), said here in OpenAPI: no package brings
those files, so a later change of them is not seen here. We promise more fields than they require.
The XML form is read back in tests/api; no published schema was at hand for it: not verified.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.ui.world import World, world

from beffroi.api.report_gate import Gate

TEXT = {"type": "string"}
MAYBE = {"type": ["string", "null"]}
MOMENT = {"type": ["string", "null"], "format": "date-time"}
ERRORS = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "required": ["code", "description"],
        "properties": {"code": {"type": "integer"}, "description": TEXT},
    },
}
SERVICE = {
    "type": "object",
    "required": [
        "service_code", "service_name", "description", "metadata", "type", "keywords", "group",
    ],
    "properties": {
        "service_code": TEXT, "service_name": TEXT, "description": TEXT,
        "metadata": {"type": "boolean"}, "type": {"enum": ["realtime", "batch", "blackbox"]},
        "keywords": TEXT, "group": TEXT,
    },
}  # fmt: skip
ATTRIBUTE = {
    "type": "object",
    "required": ["variable", "code", "datatype", "required"],
    "properties": {
        "variable": {"type": "boolean"}, "code": TEXT, "required": {"type": "boolean"},
        "datatype": {
            "enum": ["string", "number", "datetime", "text", "singlevaluelist", "multivaluelist"]
        },
    },
}  # fmt: skip
DEFINITION = {
    "type": "object",
    "required": ["service_code", "attributes"],
    "properties": {"service_code": TEXT, "attributes": {"type": "array", "items": ATTRIBUTE}},
}
REQUEST = {
    "type": "object",
    "required": [
        "service_request_id", "status", "service_name", "service_code", "description",
        "requested_datetime", "updated_datetime", "address", "lat", "long", "media_url",
    ],
    "properties": {
        "service_request_id": TEXT, "status": {"enum": ["open", "closed"]}, "service_name": TEXT,
        "service_code": TEXT, "description": {"type": "string", "maxLength": 4_000},
        "requested_datetime": {"type": "string", "format": "date-time"},
        "updated_datetime": MOMENT, "expected_datetime": MOMENT, "address": TEXT,
        "lat": {"type": ["number", "null"]}, "long": {"type": ["number", "null"]},
        "media_url": {"anyOf": [{"type": "string", "format": "uri"}, {"type": "null"}]},
        "status_notes": MAYBE, "agency_responsible": MAYBE, "service_notice": MAYBE,
        "address_id": MAYBE, "zipcode": MAYBE,
    },
}  # fmt: skip
MADE = {
    "type": "object",
    "required": ["service_request_id", "service_notice"],
    "properties": {"service_request_id": TEXT, "service_notice": MAYBE, "account_id": MAYBE},
}


def answers(name: str, schema: dict[str, Any], ok: str, codes: tuple[str, ...]) -> dict[str, Any]:
    def body(one: dict[str, Any]) -> dict[str, Any]:
        return {"description": name, "content": {"application/json": {"schema": one}}}

    return {ok: body(schema), **{code: body(ERRORS) for code in codes}}


def asked(*names: str) -> list[dict[str, Any]]:
    return [{"name": name, "in": "query", "schema": TEXT} for name in names]


def inside(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def listed(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item}


def standard(town: World) -> dict[str, Any]:
    """GeoReport v2 as OpenAPI 3.1."""
    form = {
        "type": "object",
        "properties": {
            "service_code": {"type": "string", "enum": ["hole", "lamp", "zzz"]},
            "description": {"type": "string", "maxLength": 2_100},
            "address_string": TEXT, "lat": TEXT, "long": TEXT, "email": TEXT,
            "first_name": TEXT, "phone": TEXT, "media_url": TEXT, "jurisdiction_id": TEXT,
        },
    }  # fmt: skip
    search = asked(
        "jurisdiction_id", "service_request_id", "service_code", "start_date", "end_date",
        "status", "page", "page_size",
    )  # fmt: skip
    wrong = ("400", "404")
    sent = {"content": {"application/x-www-form-urlencoded": {"schema": form}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "GeoReport", "version": "2"},
        "servers": [{"url": f"{town.url}/open311/v2"}],
        "paths": {
            "/services.json": {
                "get": {
                    "parameters": asked("jurisdiction_id"),
                    "responses": answers("services", listed(SERVICE), "200", wrong),
                }
            },
            "/services/{code}.json": {
                "get": {
                    "parameters": [inside("code"), *asked("jurisdiction_id")],
                    "responses": answers("definition", DEFINITION, "200", wrong),
                }
            },
            "/requests.json": {
                "get": {
                    "parameters": search,
                    "responses": answers("requests", listed(REQUEST), "200", wrong),
                },
                "post": {
                    "requestBody": sent,
                    "responses": answers("made", listed(MADE), "201", (*wrong, "403", "429")),
                },
            },
            "/requests/{id}.json": {
                "get": {
                    "parameters": [inside("id"), *asked("jurisdiction_id")],
                    "responses": answers("requests", listed(REQUEST), "200", wrong),
                }
            },
        },
    }


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("open311"), seeded=True) as made:
        made.app.state.report_gate = Gate(each=10**6, of_all=10**6, before_question=10**6)
        yield made


def test_whatever_is_sent_the_answer_is_of_the_standard(town: World, tmp_path: Path) -> None:
    described = tmp_path / "georeport.json"
    described.write_text(json.dumps(standard(town)))
    command = [
        str(Path(sys.executable).parent / "schemathesis"), "run", str(described),
        "--url", f"{town.url}/open311/v2", "--continue-on-failure", "--max-examples", "25",
        "--checks", "not_a_server_error,status_code_conformance,content_type_conformance,"
        "response_schema_conformance,response_headers_conformance",
        "--seed", "7", "--phases", "examples,coverage,fuzzing", "--no-color",
    ]  # fmt: skip
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=150, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-6_000:]
