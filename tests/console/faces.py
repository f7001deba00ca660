"""The console in the test's own process on a real database; the four services are faked at their HTTP doors alone."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import jwt
import orjson
import pytest_asyncio
from cryptography.hazmat.primitives import serialization
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from karuna.simulate.serving import listening, serving
from services.console.app import SERVICE
from services.console.store import accounts
from shared.auth import Role
from shared.work import new_id, now_utc
from tests.harness import AREA, KEY, Running, service_running
from tests.patience import PATIENCE_S
from tests.platform_fixtures import MakeDatabase

BASE = "http://test"
FAKED = ("intake", "dispatch", "registry", "notify", "simulators")
Answer = Any
"""JSON to answer, ``(status, JSON)``, a response, or a function of :class:`Asked` that gives one of them."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a service was asked: ``claims`` of the token, the header ``purpose``."""

    service: str
    method: str
    path: str
    query: dict[str, str]
    body: Any
    claims: dict[str, Any]
    purpose: str | None
    key: str | None


@dataclass(slots=True)
class Services:
    """The faked services: ``answers["GET registry /v1/persons/1"] = {...}``; what is not named answers 404."""

    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def of(self, line: str) -> list[Asked]:
        """What was asked by ``"GET registry /v1/…"``."""
        return [each for each in self.asked if f"{each.method} {each.service} {each.path}" == line]

    async def answer(self, request: Request) -> Response:
        raw = await request.body()
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        asked = Asked(
            request.path_params["service"], request.method, "/" + request.path_params["path"],
            dict(request.query_params), _read(raw),
            jwt.decode(token, options={"verify_signature": False}) if token else {},
            request.headers.get("karuna-purpose"), request.headers.get("idempotency-key"),
        )  # fmt: skip
        self.asked.append(asked)
        found = self.answers.get(
            f"{asked.method} {asked.service} {asked.path}", (404, {"code": "not_found", "th": "ไม่พบ"})
        )
        said = found(asked) if callable(found) else found
        status, body = said if isinstance(said, tuple) else (200, said)
        if isinstance(body, Response):
            return body
        if isinstance(body, str):
            return Response(body, status)
        return JSONResponse(body, status)


def _read(raw: bytes) -> Any:
    try:
        return orjson.loads(raw) if raw else None
    except orjson.JSONDecodeError:
        return raw.decode()


@dataclass(slots=True)
class SignedIn:
    """Somebody's browser."""

    client: httpx.AsyncClient
    csrf: str
    account_id: UUID

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.client.get(path, **options)

    async def post(self, path: str, form: dict[str, Any] | None = None, **options: Any) -> httpx.Response:
        """A form of ours, CSRF token included."""
        return await self.client.post(path, data={"csrf": self.csrf, **(form or {})}, **options)


@dataclass(slots=True)
class Faces:
    """The console under test, with as many browsers as wanted."""

    running: Running
    services: Services
    _browsers: list[httpx.AsyncClient] = field(default_factory=list)

    async def sign_in(
        self, *roles: Role, login: str = "", lang: str = "th", areas: tuple[str, ...] = (AREA,), name: str = "คนทดสอบ",
        agency_id: UUID | None = None,
    ) -> SignedIn:  # fmt: skip
        """A demonstration account with these roles, in a browser of its own."""
        pool = self.running.runtime.pool
        login = login or f"{roles[0].value.replace('_', '-')}-{new_id().hex[-8:]}"
        account_id = await accounts.put(
            pool, new_id(), login, name, None, [role.value for role in roles], areas, None, now_utc(), demo=True
        )
        if agency_id is not None:
            await accounts.set_agency(pool, account_id, agency_id, now_utc())
        browser = self.browser(lang)
        answer = await browser.post("/demo-sign-in", data={"login": login})
        assert answer.status_code == 303, answer.text
        csrf = await pool.fetchval("select csrf from session where account_id = $1", account_id)
        return SignedIn(browser, csrf, account_id)

    def browser(self, lang: str = "th") -> httpx.AsyncClient:
        """One in which nobody is signed in."""
        transport = httpx.ASGITransport(self.running.client._transport.app, raise_app_exceptions=False)  # type: ignore[attr-defined]
        made = httpx.AsyncClient(transport=transport, base_url=BASE, timeout=PATIENCE_S, cookies={"karuna_lang": lang})
        self._browsers.append(made)
        return made


def issuer_key_file(folder: Path) -> Path:
    """The private half of the test's issuer."""
    path = folder / "issuer.pem"
    pem, plain = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    path.write_bytes(KEY.private_bytes(pem, plain, serialization.NoEncryption()))
    return path


@pytest_asyncio.fixture
async def faces(database: MakeDatabase, tmp_path: Path) -> AsyncIterator[Faces]:
    made = await database("console")
    services = Services()
    app = Starlette(
        routes=[Route("/{service}/{path:path}", services.answer, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])]
    )
    async with serving(app, listening()) as base:
        urls = {f"{service}_url": f"{base}/{service}" for service in FAKED}
        settings = {
            "demo": True,
            "secure_cookies": False,
            "issuer_key_file": issuer_key_file(tmp_path),
            "map_dir": tmp_path / "map",
        }
        async with service_running(SERVICE, made.dsn, tmp_path, **settings, **urls) as running:
            opened = Faces(running, services)
            try:
                yield opened
            finally:
                for browser in opened._browsers:
                    await browser.aclose()
                await running.runtime.parts["backend"].client.close()


def key_of(page: httpx.Response, after: str = "") -> str:
    """The hidden key of a form, the first ``after`` some text of the page: what is sent twice with it is done once."""
    found = re.search(r'name="key" value="([0-9a-f]{32})"', page.text[page.text.index(after) :])
    assert found is not None, "a form that makes something carries a key"
    return found[1]


def words_of(page: httpx.Response) -> str:
    """What a page says, without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", page.text, flags=re.DOTALL))
