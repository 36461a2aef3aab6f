"""A hostile identity service, and a thief between: every answer but the right one is refused.

The service is a real HTTP server that signs real tokens; each case changes one thing.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey

from beffroi.api.oidc import Oidc, OidcSettings, OidcSettingsError, origin
from beffroi.api.problems import Refusal
from beffroi.model.limits import OIDC_ANSWER_BYTES_MAX, OIDC_STEP_MS_MAX

NOW_MS = 1_790_000_000_000
NOW_S = NOW_MS // 1000
BACK = "https://beffroi.example/sign-in/oidc/back"
ROLES = {"admin": frozenset({"chef"}), "reader": frozenset({"agent"})}
VAL = "Syndicat des eaux du Val"
BODIES = {"eaux": VAL, "eaux-garde": VAL, "epci": "EPCI", "mairie": "commune"}
NO_BODIES: Mapping[str, str] = {}
KEY, OTHER = (ECKey.generate_key("P-256", {"kid": kid}) for kid in ("ours", "ours"))
Change = Callable[[dict[str, Any]], None]


class Service:
    """Answers as `document`, `keys`, `answer` say; counts what it was asked."""

    def __init__(self) -> None:
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                service.asked.append(self.path)
                known = self.path.endswith("openid-configuration")
                self._say(200, service.document if known else service.keys)

            def do_POST(self) -> None:
                sent = self.rfile.read(int(self.headers["content-length"])).decode()
                service.asked.append(self.path)
                service.sent = {key: values[0] for key, values in parse_qs(sent).items()}
                if service.redirect:
                    self.send_response(302)
                    self.send_header("location", service.redirect)
                    self.end_headers()
                    return
                self._say(200, service.answer)

            def _say(self, status: int, body: Any) -> None:
                raw = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.reset()

    def reset(self) -> None:
        self.asked: list[str] = []
        self.sent: dict[str, str] = {}
        self.redirect = ""
        self.answer: Any = {}
        self.keys: Any = KeySet([KEY]).as_dict(private=False)
        self.document: Any = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/auth",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        }


@pytest.fixture(scope="module")
def server() -> Iterator[Service]:
    made = Service()
    yield made
    made.server.shutdown()


@pytest.fixture
def service(server: Service) -> Service:
    server.reset()
    return server


class Visit:
    """Somebody on the way: what the address bar and the cookie hold."""

    def __init__(
        self, service: Service, now_ms: int = NOW_MS, bodies: Mapping[str, str] = NO_BODIES
    ) -> None:
        made = OidcSettings(service.issuer, "beffroi", "secret", "", "groups", ROLES, bodies)
        self.service, self.oidc = service, Oidc(made)
        where, self.browser = self.oidc.begin(BACK, "/alarms", now_ms)
        asked = {key: values[0] for key, values in parse_qs(urlsplit(where).query).items()}
        self.state, self.nonce = asked["state"], asked["nonce"]

    def claims(self) -> dict[str, Any]:
        return {
            "iss": self.service.issuer, "sub": "u1", "aud": "beffroi", "exp": NOW_S + 60,
            "iat": NOW_S, "nonce": self.nonce, "groups": ["agent"], "name": "Camille",
        }  # fmt: skip

    def signed(self, claims: dict[str, Any], key: Any = KEY, alg: str = "ES256") -> None:
        header = {"alg": alg, "kid": "ours"}
        self.service.answer = {"id_token": jwt.encode(header, claims, key, algorithms=[alg])}

    def back(self, browser: str = "", now_ms: int = NOW_MS, **more: str) -> Any:
        answer = {"state": self.state, "code": "c0de", **more}
        return self.oidc.finish(answer, browser or self.browser, BACK, now_ms)


def test_the_right_answer_is_taken(service: Service) -> None:
    visit = Visit(service)
    visit.signed(visit.claims() | {"amr": ["pwd", "otp"]})
    known = visit.back()
    assert (known.role, known.name, known.second, known.next) == (
        "reader", "Camille", True, "/alarms",
    )  # fmt: skip
    assert service.sent["code_verifier"]
    assert service.sent["redirect_uri"] == BACK


@pytest.mark.parametrize(
    ("groups", "body"),
    [
        (["agent", "mairie"], "commune"),
        (["agent", "eaux"], VAL),
        (["agent", "eaux", "eaux-garde"], VAL),  # two groups, one body
    ],
)
def test_the_body_is_what_the_mapping_says(service: Service, groups: list[Any], body: str) -> None:
    """A claim of that name, or of any other, says nothing."""
    visit = Visit(service, bodies=BODIES)
    visit.signed(visit.claims() | {"groups": groups, "organisation": "EPCI", "bodies": ["epci"]})
    known = visit.back()
    assert (known.role, known.organisation) == ("reader", body)


@pytest.mark.parametrize(
    "groups",
    [
        ["agent"],  # a group taken away there opens nothing of the commune here
        ["agent", VAL, "Eaux", "eaux ", "*", "commune"],  # a name of a body is no group
        ["agent", ["eaux"], {"eaux": 1}, None],
    ],
)
def test_who_names_no_body_stays_outside(service: Service, groups: list[Any]) -> None:
    visit = Visit(service, bodies=BODIES)
    visit.signed(visit.claims() | {"groups": groups, "organisation": "commune"})
    with pytest.raises(Refusal) as refused:
        visit.back()
    assert refused.value.code == "no_body"


def test_nobody_is_of_two_bodies(service: Service) -> None:
    visit = Visit(service, bodies=BODIES)
    visit.signed(visit.claims() | {"groups": ["agent", "eaux", "epci"]})
    with pytest.raises(Refusal) as refused:
        visit.back()
    assert refused.value.code == "two_bodies"


def test_a_body_alone_opens_nothing(service: Service) -> None:
    visit = Visit(service, bodies=BODIES)
    visit.signed(visit.claims() | {"groups": ["eaux"]})
    with pytest.raises(Refusal) as refused:
        visit.back()
    assert refused.value.code == "no_role"


def without(name: str) -> Change:
    return lambda claims: claims.__delitem__(name)


def having(**more: Any) -> Change:
    return lambda claims: claims.update(more)


@pytest.mark.parametrize(
    "change",
    [
        having(nonce="another"), without("nonce"), having(aud="another-client"), without("aud"),
        having(aud=["beffroi", "other"]), having(azp="other"), having(iss="http://evil.example"),
        without("iss"), having(exp=NOW_S - 120), without("exp"), without("iat"), without("sub"),
        having(exp="never"), having(nbf=NOW_S + 600), having(iat=NOW_S + 600),
    ],
)  # fmt: skip
def test_a_token_with_another_claim_is_refused(service: Service, change: Change) -> None:
    visit = Visit(service)
    claims = visit.claims()
    change(claims)
    visit.signed(claims)
    with pytest.raises(Refusal) as refused:
        visit.back()
    assert refused.value.code == "oidc_failed"


def test_a_token_of_another_key_or_of_none_is_refused(service: Service) -> None:
    def none(visit: Visit) -> None:
        token = jwt.encode({"alg": "ES256", "kid": "ours"}, visit.claims(), KEY)
        body = token.split(".")[1]
        service.answer = {"id_token": f"eyJhbGciOiJub25lIn0.{body}."}

    def shared(visit: Visit) -> None:  # the public key taken for a shared secret
        secret = OctKey.import_key(json.dumps(service.keys))
        visit.signed(visit.claims(), secret, "HS256")

    for forge in (none, shared, lambda visit: visit.signed(visit.claims(), OTHER)):
        visit = Visit(service)
        forge(visit)
        with pytest.raises(Refusal):
            visit.back()


def test_an_answer_is_good_once_in_its_browser_in_its_time(service: Service) -> None:
    visit = Visit(service)
    visit.signed(visit.claims())
    with pytest.raises(Refusal):
        visit.back(browser="of-somebody-else")  # a link sent to a victim
    with pytest.raises(Refusal):
        visit.back()  # and used up by it
    for more in ({"state": "guessed"}, {"code": ""}, {"error": "access_denied"}):
        fresh = Visit(service)
        fresh.signed(fresh.claims())
        with pytest.raises(Refusal):
            fresh.back(**more)
    late = Visit(service)
    late.signed(late.claims())
    with pytest.raises(Refusal):
        late.back(now_ms=NOW_MS + OIDC_STEP_MS_MAX)
    twice = Visit(service)
    twice.signed(twice.claims())
    twice.back()
    with pytest.raises(Refusal):
        twice.back()


def test_an_answer_of_another_service_is_refused(service: Service) -> None:
    """RFC 9207, mix-up."""
    visit = Visit(service)
    visit.signed(visit.claims())
    with pytest.raises(Refusal):
        visit.back(iss="http://evil.example")
    service.document |= {"authorization_response_iss_parameter_supported": True}
    told = Visit(service)
    told.signed(told.claims())
    with pytest.raises(Refusal):
        told.back()  # it says that it always tells who it is, and here did not
    right = Visit(service)
    right.signed(right.claims())
    assert right.back(iss=service.issuer).role == "reader"


@pytest.mark.parametrize(
    "name", ["authorization_endpoint", "token_endpoint", "jwks_uri"],
)  # fmt: skip
@pytest.mark.parametrize(
    "where",
    ["http://169.254.169.254/latest", "http://127.0.0.1:1/x", "file:///etc/passwd", "", 5, None,
     "http://user@127.0.0.1/x"],
)  # fmt: skip
def test_its_description_sends_us_nowhere_else(service: Service, name: str, where: object) -> None:
    service.document |= {name: where}

    def whole() -> None:
        visit = Visit(service)
        visit.signed(visit.claims())
        visit.back()

    with pytest.raises(Refusal) as refused:
        whole()
    assert refused.value.code == "oidc_down"


def test_a_redirect_is_not_followed(service: Service) -> None:
    visit = Visit(service)
    service.redirect = f"{service.issuer}/stolen"
    with pytest.raises(Refusal):
        visit.back()
    assert "/stolen" not in service.asked


@pytest.mark.parametrize(
    "body", [b"", b"no", b"[]", b"{", b"[" * 100_000, b" " * (OIDC_ANSWER_BYTES_MAX + 1),
             b'{"issuer": "http://evil.example"}', b"\xff\xfe"],
)  # fmt: skip
def test_any_other_description_is_refused_in_words(service: Service, body: bytes) -> None:
    service.document = body
    with pytest.raises(Refusal) as refused:
        Visit(service)
    assert refused.value.code == "oidc_down"


SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
JSONS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


@given(JSONS)
@settings(max_examples=40, deadline=None)
def test_no_claim_makes_it_fall(server: Service, value: Any) -> None:
    """Whatever stands for groups, name and methods: a role of the mapping, or refused."""
    server.reset()
    visit = Visit(server)
    visit.signed(visit.claims() | {"groups": value, "name": value, "amr": value})
    answers = [_role(visit)]
    server.keys = value
    again = Visit(server)
    again.signed(again.claims())
    answers.append(_role(again))
    assert set(answers) <= {*ROLES, "no_role", "oidc_failed", "oidc_down"}


def _role(visit: Visit) -> str:
    try:
        return str(visit.back().role)
    except Refusal as refused:
        return refused.code


def test_settings_that_would_be_unsafe_are_refused() -> None:
    def made(issuer: str = "https://id.example", key: str = "s", **roles: frozenset[str]) -> Oidc:
        return Oidc(OidcSettings(issuer, "beffroi", key, "", "groups", roles or ROLES))

    made()
    for issuer in ("http://id.example", "ftp://id.example", "", "https://"):
        with pytest.raises(OidcSettingsError):
            made(issuer)
    with pytest.raises(OidcSettingsError):
        made(key="")
    with pytest.raises(OidcSettingsError):
        made(admin=frozenset())
    assert origin("https://id.example") == origin("https://id.example:443/x")
