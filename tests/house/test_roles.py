"""Every role on every route, as ``roles.toml`` says; every token that is none; and nothing for a stranger to find.

A stranger is whoever may call the route and yet has nothing to do with the thing: somebody of another municipality,
a crew that is not on the trip, a partner who did not bring the call. For them it does not exist.
"""

from __future__ import annotations

import re
import time
import tomllib
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from shared.auth import AUDIENCE, ISSUER, LONGEST_S, Role
from shared.work import new_id
from tests.harness import AREA, KEY, KEY_ID, Running, bearer, problem_of
from tests.house.objects import Asked, objects_of
from tests.house.worlds import SERVICES
from tests.platform_fixtures import MakeDatabase

DECIDES = {
    "POST /v1/persons/search", "GET /v1/persons/{person_id}", "GET /v1/persons/{person_id}/history", "GET /v1/persons/{person_id}/visits",
    "GET /v1/persons/{person_id}/needs", "GET /v1/persons/{person_id}/assessments",
    "GET /v1/persons/{person_id}/locations", "GET /v1/pictures/{picture_id}", "GET /v1/cases",
    "GET /v1/cases/{case_id}", "GET /v1/cases/{case_id}/tasks", "GET /v1/cases/{case_id}/team", "GET /v1/tasks",
    "POST /v1/tasks/{task_id}/done", "POST /v1/team/{member_id}/answer", "GET /v1/agencies", "GET /v1/agreements", "GET /v1/agreements/{agreement_id}",
    "GET /v1/agreements/{agreement_id}/effect", "POST /v1/agreements/{agreement_id}/sign",
    "POST /v1/agreements/{agreement_id}/end", "POST /v1/access/why", "GET /v1/withdrawals",
    "POST /v1/withdrawals/acknowledge", "POST /v1/break-glass", "GET /v1/corrections",
    "POST /v1/persons/{person_id}/corrections", "POST /v1/persons/{person_id}/needs", "POST /v1/needs/{need_id}/met",
    "POST /v1/persons/{person_id}/locations", "PUT /v1/visits/{visit_id}",
}  # fmt: skip
"""Routes at which somebody of another agency is asked on what ground they come; everywhere else they are refused."""
Operation = tuple[str, str]
"""Method and path, as OpenAPI has it."""
MATRIX: dict[str, dict[str, Any]] = tomllib.loads(Path(__file__).with_name("roles.toml").read_text("utf-8"))
CREW = {"crew", "volunteer"}
ELSEWHERE = "sample"


def operations(running: Running) -> set[str]:
    document = app_of(running).openapi()
    return {f"{method.upper()} {path}" for path, by_method in document["paths"].items() for method in by_method}


def app_of(running: Running) -> Any:
    return running.client._transport.app  # type: ignore[attr-defined]


def allowed(line: Any) -> frozenset[str]:
    """The roles of a line."""
    return frozenset(role.value for role in Role) if line == "everybody" else frozenset(line)


def guarded(name: str) -> Iterator[tuple[str, str, frozenset[str]]]:
    """Method, path and roles of everything that needs a token."""
    for operation, line in MATRIX[name].items():
        if line != "public":
            method, path = operation.split(" ")
            yield method, path, allowed(line)


def anywhere(path: str) -> str:
    """The path with ids of nothing."""
    return re.sub(r"\{(\w+)\}", lambda part: "x" if part[1] in {"kpi", "kind"} else str(new_id()), path)


async def ask(running: Running, method: str, path: str, headers: dict[str, str], body: Any = None) -> httpx.Response:
    sent = (
        {}
        if method == "GET"
        else {"content": body}
        if isinstance(body, bytes)
        else {"json": {} if body is None else body}
    )
    return await running.client.request(method, path, headers=headers, **sent)


def who(role: str, **claims: Any) -> dict[str, str]:
    """Somebody of that role; a crew member is always somebody."""
    return bearer(role, **{**({"crew_id": str(new_id())} if role in CREW else {}), **claims})


# --- roles -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SERVICES)
async def test_each_role_may_what_its_line_says_and_no_more(name: str, database: MakeDatabase, tmp_path: Path) -> None:
    async with SERVICES[name](database, tmp_path) as running:
        assert operations(running) == set(MATRIX[name]), "every route has its line, and every line its route"
        wrong = []
        for method, path, roles in guarded(name):
            for role in Role:
                answer = await ask(running, method, anywhere(path), who(role))
                may = answer.status_code not in {401, 403}
                if may != (role in roles):
                    wrong.append(f"{role}: {method} {path} → {answer.status_code}")
                if not may and role not in roles:
                    problem = problem_of(answer)
                    assert (answer.status_code, problem["code"]) == (403, "forbidden")
                    assert set(problem["needs"]) == roles
                    assert re.search("[ก-๙]", problem["th"])
                    assert problem["en"].isascii()
            # A desk's role given to somebody of an agency: only where an agreement is asked for (registry) they come in.
            if "supervisor" in roles and len(roles) < len(Role):
                answer = await ask(running, method, anywhere(path), who("supervisor", agency_id=new_id()))
                if (answer.status_code == 403 and problem_of(answer)["code"] == "not_for_agencies") == (
                    f"{method} {path}" in DECIDES
                ):
                    wrong.append(f"agency: {method} {path} → {answer.status_code}")
        assert wrong == []
        for operation, line in MATRIX[name].items():
            if line == "public":
                answer = await ask(running, *operation.split(" "), {})
                assert answer.status_code != 403, operation
                assert "unauthenticated" not in answer.text, operation


# --- tokens ----------------------------------------------------------------------------------------------------------


def token(*, key: Any = KEY, algorithm: str = "EdDSA", kid: str = KEY_ID, drop: str = "", **claims: Any) -> str:
    """A supervisor's token, good but for what is said otherwise."""
    now = int(time.time())
    good = {
        "iss": ISSUER, "aud": AUDIENCE, "sub": "somebody", "role": "supervisor", "areas": [AREA], "iat": now,
        "exp": now + LONGEST_S,
    }  # fmt: skip
    said = {name: value for name, value in {**good, **claims}.items() if name != drop}
    return jwt.encode(said, key, algorithm=algorithm, headers={"kid": kid})


def public_pem() -> bytes:
    return KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def unsigned() -> str:
    return jwt.encode(jwt.decode(token(), options={"verify_signature": False}), None, algorithm="none")


def tampered() -> str:
    head, _, tail = token(role="crew").split(".")
    claims = {**jwt.decode(token(), options={"verify_signature": False}), "role": "admin", "areas": ["*"]}
    import json

    body = urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"{head}.{body}.{tail}"


def from_now(seconds: int) -> int:
    """Of now, not of when this file was read: by the time its turn comes, minutes may have gone by."""
    return int(time.time()) + seconds


BAD: dict[str, tuple[str, Callable[[], str | None]]] = {
    "no token": ("unauthenticated", lambda: None),
    "rubbish": ("unauthenticated", lambda: "Bearer x.y.z"),
    "another scheme": ("unauthenticated", lambda: f"Basic {token()}"),
    "expired": ("token_expired", lambda: f"Bearer {token(iat=from_now(-1000), exp=from_now(-100))}"),
    "16 minutes long": ("unauthenticated", lambda: f"Bearer {token(exp=from_now(16 * 60))}"),
    "not yet": ("unauthenticated", lambda: f"Bearer {token(iat=from_now(600), exp=from_now(700))}"),
    "without an end": ("unauthenticated", lambda: f"Bearer {token(drop='exp')}"),
    "without a beginning": ("unauthenticated", lambda: f"Bearer {token(drop='iat')}"),
    "for another service": ("unauthenticated", lambda: f"Bearer {token(aud='someone-else')}"),
    "of another issuer": ("unauthenticated", lambda: f"Bearer {token(iss='someone-else')}"),
    "of a key not ours": ("unauthenticated", lambda: f"Bearer {token(key=Ed25519PrivateKey.generate())}"),
    "of an unknown key": ("unauthenticated", lambda: f"Bearer {token(kid='other')}"),
    "not signed": ("unauthenticated", lambda: f"Bearer {unsigned()}"),
    "signed with the public key": ("unauthenticated", lambda: f"Bearer {token(key=public_pem(), algorithm='HS256')}"),
    "changed after signing": ("unauthenticated", lambda: f"Bearer {tampered()}"),
    "of no role": ("unauthenticated", lambda: f"Bearer {token(role='king')}"),
    "of no areas": ("unauthenticated", lambda: f"Bearer {token(drop='areas')}"),
    "of areas that are none": ("unauthenticated", lambda: f"Bearer {token(areas='*')}"),
    "of a device that is no text": ("unauthenticated", lambda: f"Bearer {token(device_id=['x'])}"),
    "of a crew that is no text": ("unauthenticated", lambda: f"Bearer {token(role='crew', crew_id=7)}"),
    "of an agency that is no id": ("unauthenticated", lambda: f"Bearer {token(agency_id='hospital')}"),
    "held to places that are none": ("unauthenticated", lambda: f"Bearer {token(places=[])}"),
    "held to a place that is no list": ("unauthenticated", lambda: f"Bearer {token(places='kalasin:rimpao')}"),
    "held to places that are no text": ("unauthenticated", lambda: f"Bearer {token(places=[460101])}"),
    "of a revoked device": ("device_revoked", lambda: f"Bearer {token(device_id='stolen-phone')}"),
}


@pytest.mark.parametrize("name", SERVICES)
async def test_what_is_no_token_opens_nothing(name: str, database: MakeDatabase, tmp_path: Path) -> None:
    async with SERVICES[name](database, tmp_path) as running:
        for bad, (code, make) in BAD.items():
            shown = make()
            headers = {} if shown is None else {"authorization": shown}
            for method, path, _ in guarded(name):
                answer = await ask(running, method, anywhere(path), headers)
                assert (answer.status_code, problem_of(answer)["code"]) == (401, code), f"{bad}: {method} {path}"
                assert answer.headers["www-authenticate"] == "Bearer"
        fine = {"authorization": f"Bearer {token(role='auditor')}"}
        assert (await ask(running, "GET", "/v1/audit", fine)).status_code == 200


# --- strangers -------------------------------------------------------------------------------------------------------


def strangers(asked: Asked, roles: frozenset[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Those who may call the route, and to whom the thing does not belong."""
    for role in sorted(roles):
        yield f"{role} of another municipality", who(role, areas=[ELSEWHERE])
        if (role in CREW or role == "partner") and not asked.of_the_area:
            yield f"another {role}", who(role, subject="another")


@pytest.mark.parametrize("name", SERVICES)
async def test_what_is_not_theirs_does_not_exist(name: str, database: MakeDatabase, tmp_path: Path) -> None:
    async with SERVICES[name](database, tmp_path) as running:
        things = await objects_of(name, running)
        lines = {operation: allowed(line) for operation, line in MATRIX[name].items() if line != "public"}
        assert set(things.asked) | things.without_objects == set(lines), "every route says how a thing is asked for"
        for operation, asked in things.asked.items():
            method, _ = operation.split(" ")
            for stranger, headers in strangers(asked, lines[operation]):
                answer = await ask(running, method, asked.path, headers, asked.body)
                place = f"{stranger}: {operation} → {answer.status_code} {answer.text[:300]}"
                assert answer.status_code in asked.refusals, place
                assert not [known for known in things.ids if known in answer.text and known not in asked.path], place
        await _and_is_there_for_those_whose_it_is(running, things.asked, lines)


async def _and_is_there_for_those_whose_it_is(
    running: Running, asked_for: dict[str, Asked], lines: dict[str, frozenset[str]]
) -> None:
    """The same requests by the right people find the thing: the 404s above were not those of a wrong question."""
    for operation, asked in asked_for.items():
        role = asked.by or next(role for role in ("supervisor", *sorted(lines[operation])) if role in lines[operation])
        as_whom = {"crew_id": str(asked.crew_id)} if asked.crew_id else {}
        answer = await ask(running, operation.split(" ")[0], asked.path, bearer(role, **as_whom), asked.body)
        assert answer.status_code in {200, 201, 202, 204, 409, 503}, f"{operation}: {answer.text[:400]}"
        if asked.refusals == {200}:
            assert asked.finds in answer.text, f"{operation}: {answer.text[:400]}"


# --- what machines see -----------------------------------------------------------------------------------------------

SOMEBODY = re.compile(r"(?<!\d)(0[689]\d{8}|\+66\d{8,9}|[1-8]\d{12})(?!\d)|@[a-z]")
NEEDLES = ("0898765432", "สมปองคนเดียว", "1234567890121", "หลังวัดกลางซอยเดียว")


@pytest.mark.parametrize("name", SERVICES)
async def test_figures_and_descriptions_hold_nothing_personal(
    name: str, database: MakeDatabase, tmp_path: Path
) -> None:
    """Whatever was put into paths, queries, headers and bodies before, rightly or wrongly."""
    async with SERVICES[name](database, tmp_path) as running:
        for needle in NEEDLES:
            headers = {**bearer("supervisor", purpose="care"), "x-note": needle.encode().hex()}
            for path in (f"/v1/{needle}", f"/v1/calls/{needle}", f"/v1/persons/{needle}", f"/v1/messages?call_id={needle}",
                         f"/v1/reports/{needle}", f"/v1/trips?area={needle}", f"/{needle}"):  # fmt: skip
                await running.client.get(path, headers=headers)
                await running.client.post(path, headers=headers, json={"name": needle, "caller": {"phone": needle}})
                await running.client.request("SOMPONG", path, headers=headers)
        shown = {
            path: (await running.client.get(path)).text for path in ("/metrics", "/docs", "/openapi.json", "/readyz")
        }
        for path, text in shown.items():
            assert text, path
            assert not [needle for needle in (*NEEDLES, "SOMPONG") if needle in text], path
        assert SOMEBODY.findall(shown["/openapi.json"] + shown["/docs"].replace("@5", "")) == []
