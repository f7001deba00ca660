"""What every screen shares: who is signed in, pages and their words, CSRF, and answers to what goes wrong."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import cache
from importlib import resources
from typing import Any
from urllib.parse import quote, urlsplit

import orjson
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.console.backend import Backend, BackendAway, BackendRefused
from services.console.navigation import navigation
from services.console.people import Person
from services.console.settings import ConsoleSettings
from services.console.store import accounts
from services.console.texts import DEFAULT, LANGS, some, teller
from services.console.tokens import token
from shared.auth import Role
from shared.database import AWAY
from shared.service import Runtime
from shared.thai.dates import local, show_day
from shared.work import now_utc

COOKIE = "karuna_session"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
FORM = "application/x-www-form-urlencoded"
POLICY = (
    b"default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    b"font-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
SECURITY = (
    (b"content-security-policy", POLICY),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"permissions-policy", b"geolocation=(self), camera=(), microphone=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
KEPT = (b"cache-control", b"public, max-age=31536000, immutable")
ASKED_AGAIN = (b"cache-control", b"no-cache")
"""Modules import each other without their hash: the browser asks whether they are still the same."""


# --- who ---------------------------------------------------------------------


class SignedOut(Exception):
    """Nobody is signed in here."""


class NotAllowed(Exception):
    """Signed in, in a role that this page is not for; or a form that is not ours."""

    def __init__(self, person: Person, code: str) -> None:
        super().__init__(code)
        self.person, self.code = person, code


def runtime(request: Request) -> Runtime:
    found: Runtime = request.app.state.runtime
    return found


def settings(request: Request) -> ConsoleSettings:
    found: ConsoleSettings = runtime(request).settings
    return found


def backend(request: Request) -> Backend:
    found: Backend = runtime(request).parts["backend"]
    return found


def cookie_hash(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode()).digest()


def lang_of(request: Request) -> str:
    """Asked for in the address, else remembered, else Thai."""
    asked = request.query_params.get("lang") or request.cookies.get("karuna_lang") or DEFAULT
    return asked if asked in LANGS else DEFAULT


async def whoever(request: Request) -> Person | None:
    """Who is signed in on this browser, if anybody."""
    cookie = request.cookies.get(COOKIE)
    if not cookie or len(cookie) > 200:  # noqa: PLR2004 ours have 43
        return None
    pool, now = runtime(request).pool, now_utc()
    row = await accounts.session_by_cookie(pool, cookie_hash(cookie), now)
    if row is None:
        return None
    await accounts.seen(pool, row["id"], now)
    return Person(
        account_id=row["account_id"], session_id=row["id"], login=row["login"], name=row["name"],
        role=Role(row["role"]), roles=tuple(Role(role) for role in row["roles"]), areas=tuple(row["areas"]),
        crew_id=row["crew_id"], csrf=row["csrf"], lang=lang_of(request), must_change=row["must_change"],
    )  # fmt: skip


def signed_in(*roles: Role) -> Callable[[Request], Awaitable[Person]]:
    """A dependency: the person, in one of these roles (none named: any). Unsafe methods must carry the CSRF token."""

    async def check(request: Request) -> Person:
        person = await whoever(request)
        if person is None:
            raise SignedOut
        request.state.person = person
        if request.method not in SAFE and not await _is_ours(request, person.csrf):
            raise NotAllowed(person, "csrf")
        if roles and person.role not in roles:
            raise NotAllowed(person, "role")
        return person

    return check


async def _is_ours(request: Request, csrf: str) -> bool:
    """The session's own token came with it, from a page of this address."""
    if not same_origin(request):
        return False
    told = request.headers.get("x-csrf-token")
    if told is None and request.headers.get("content-type", "").startswith((FORM, "multipart/form-data")):
        told = str((await request.form()).get("csrf", ""))
    return hmac.compare_digest(unmasked(told or "").encode(), csrf.encode())


def masked(csrf: str) -> str:
    """The session's token as a page carries it: never twice the same, so that it cannot be guessed from the sizes of
    compressed answers (BREACH, 2013).
    """
    mask = secrets.token_bytes(len(csrf))
    hidden = bytes(a ^ b for a, b in zip(mask, csrf.encode(), strict=True))
    return f"{mask.hex()}.{hidden.hex()}"


def unmasked(told: str) -> str:
    """The token behind what a page sent; what was never masked stays as it is."""
    mask, point, hidden = told.partition(".")
    if not point:
        return told
    try:
        pairs = zip(bytes.fromhex(mask), bytes.fromhex(hidden), strict=True)
        return bytes(a ^ b for a, b in pairs).decode()
    except ValueError:
        return ""


def same_origin(request: Request) -> bool:
    """Browsers say where a form stands; a form of another address is not ours."""
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def inside(path: str | None) -> str:
    """Where to go on: a path of this console, never another address."""
    if not path or not path.startswith("/") or path.startswith(("//", "/\\")) or "\n" in path or "\r" in path:
        return "/"
    return path


# --- pages -------------------------------------------------------------------


@cache
def _templates() -> Environment:
    made = Environment(
        loader=PackageLoader("services.console"),
        autoescape=select_autoescape(["html"], default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(token=token, asset=asset, navigation=navigation)
    return made


@cache
def asset(path: str) -> str:
    """The address of a static file, with its content's hash: browsers may keep it for good."""
    content = (resources.files("services.console") / "static" / path).read_bytes()
    return f"/static/{path}?v={hashlib.sha256(content).hexdigest()[:12]}"


def instant(value: str | datetime) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def render(template: str, lang: str, **context: Any) -> str:
    """A template in one language; dates in that language's calendar."""

    def day(value: str | datetime | None, style: str = "short") -> str:
        return show_day(instant(value), lang, style) if value else "–"  # type: ignore[arg-type]

    def clock(value: str | datetime | None) -> str:
        return f"{local(instant(value)):%H:%M}" if value else "–"

    def moment(value: str | datetime | None) -> str:
        return f"{day(value)} {clock(value)}" if value else "–"

    return _templates().get_template(template).render(
        t=teller(lang), lang=lang, other_lang="en" if lang == "th" else "th", words=lambda part: some(part, lang),
        thai_date=day, thai_time=clock, thai_datetime=moment, **context,
    )  # fmt: skip


def page(request: Request, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """A screen. Templates find ``person`` (or None), ``csrf``, ``lang``, ``t``, ``path`` and what is given."""
    person: Person | None = getattr(request.state, "person", None)
    lang = lang_of(request)
    html = render(
        template, lang, person=person, csrf=masked(person.csrf) if person else "", path=request.url.path,
        settings=settings(request), **context,
    )  # fmt: skip
    answer = HTMLResponse(html, status, headers={"cache-control": "no-store"})
    if request.query_params.get("lang") in LANGS:
        answer.set_cookie("karuna_lang", lang, max_age=365 * 86400, samesite="lax")
    return answer


def go(path: str) -> RedirectResponse:
    """On to another page, after a form."""
    return RedirectResponse(inside(path), 303)


def wants_json(request: Request) -> bool:
    return "application/json" in request.headers.get("accept", "")


# --- what goes wrong -----------------------------------------------------------


def furnish(app: FastAPI) -> None:
    """Static files, headers, and errors as pages people can read (JSON for scripts that ask for it)."""
    app.mount("/static", StaticFiles(packages=[("services.console", "static")]), name="static")
    app.add_exception_handler(SignedOut, _signed_out)
    app.add_exception_handler(NotAllowed, _not_allowed)
    app.add_exception_handler(BackendRefused, _refused)
    app.add_exception_handler(BackendAway, _away)
    for gone in AWAY:
        app.add_exception_handler(gone, _own_database_away)
    app.add_middleware(Headers)
    app.add_middleware(GZipMiddleware, minimum_size=1000)  # the page's own secret is masked anew each time: see masked


class Headers:
    """Security headers on every answer; long life for static files whose address carries their hash."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        static = scope["path"].startswith("/static/")
        keep = KEPT if b"v=" in scope.get("query_string", b"") else ASKED_AGAIN

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                more = [keep] if static else []
                message["headers"] = [*message.get("headers", []), *SECURITY, *more]
            await send(message)

        await self._app(scope, receive, with_headers)


async def _signed_out(request: Request, _: Exception) -> Response:
    if wants_json(request):
        return JSONResponse({"code": "signed_out"}, 401)
    if request.headers.get("hx-request"):
        return Response(status_code=401, headers={"HX-Redirect": "/sign-in"})
    if "text/event-stream" in request.headers.get("accept", ""):
        return Response(status_code=401)  # a page in its place would only look broken
    return RedirectResponse(f"/sign-in?next={quote(request.url.path)}", 303)


async def _not_allowed(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, NotAllowed)  # noqa: S101 registered for this class
    return trouble(request, 403, teller(lang_of(request))(f"base.refused_{problem.code}"), problem.code)


async def _refused(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, BackendRefused)  # noqa: S101
    if wants_json(request):
        return JSONResponse({**problem.problem, "sentence": problem.sentence(lang_of(request))}, problem.status)
    return trouble(request, problem.status, problem.sentence(lang_of(request)), problem.code)


async def _away(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, BackendAway)  # noqa: S101
    sentence = teller(lang_of(request))("base.service_away", service=problem.service)
    return trouble(request, 503, sentence, "service_away", {"Retry-After": "3"})


async def _own_database_away(request: Request, _: Exception) -> Response:
    sentence = teller(lang_of(request))("base.service_away", service="console")
    return trouble(request, 503, sentence, "service_away", {"Retry-After": "3"})


def trouble(request: Request, status: int, sentence: str, code: str, headers: dict[str, str] | None = None) -> Response:
    """What went wrong: JSON for scripts, a fragment for htmx, a page for people."""
    if wants_json(request):
        return JSONResponse({"code": code, "sentence": sentence}, status, headers=headers)
    template = "base/trouble_part.html" if request.headers.get("hx-request") else "base/trouble.html"
    answer = page(request, template, status=status, sentence=sentence, code=code)
    answer.headers.update(headers or {})
    return answer


def as_json(value: Any) -> str:
    """For ``<script type="application/json">``: nothing in it can end the block."""
    return orjson.dumps(value, default=str).decode().replace("<", "\\u003c")
