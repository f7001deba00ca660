"""What goes wrong, said to whoever asked: a page for people, a fragment for htmx, JSON for scripts; and every answer's
headers.
"""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import quote

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.console.backend import BackendAway, BackendRefused
from services.console.texts import service_away, teller
from services.console.web import NotAllowed, PasswordFirst, SignedOut, lang_of, trouble, wants_json, whoever
from shared.database import AWAY
from shared.errors import Refused

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


def furnish(app: FastAPI) -> None:
    """Static files, headers, and errors as pages people can read (JSON for scripts that ask for it)."""
    app.mount("/static", StaticFiles(packages=[("services.console", "static")]), name="static")
    app.add_exception_handler(SignedOut, _signed_out)
    app.add_exception_handler(PasswordFirst, _password_first)
    app.add_exception_handler(NotAllowed, _not_allowed)
    app.add_exception_handler(BackendRefused, _refused)
    app.add_exception_handler(BackendAway, _away)
    for kind in (Refused, RequestValidationError, HTTPException):
        _for_people(app, kind)
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


async def _password_first(request: Request, _: Exception) -> Response:
    if wants_json(request):
        return JSONResponse({"code": "password_first"}, 403)
    if request.headers.get("hx-request"):
        return Response(status_code=403, headers={"HX-Redirect": "/account"})
    if "text/event-stream" in request.headers.get("accept", ""):
        return Response(status_code=403)
    return RedirectResponse("/account", 303)


async def _not_allowed(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, NotAllowed)  # noqa: S101 registered for this class
    many = problem.code == "role" and len(problem.person.roles) > 1
    key = "base.refused_role_now" if many else f"base.refused_{problem.code}"
    return trouble(request, 403, teller(lang_of(request))(key), problem.code)


async def _refused(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, BackendRefused)  # noqa: S101
    if wants_json(request):
        return JSONResponse({**problem.problem, "sentence": problem.sentence(lang_of(request))}, problem.status)
    return trouble(request, problem.status, problem.sentence(lang_of(request)), problem.code)


async def _away(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, BackendAway)  # noqa: S101
    sentence = service_away(problem.service, lang_of(request))
    return trouble(request, 503, sentence, "service_away", {"Retry-After": "3"})


async def _own_database_away(request: Request, _: Exception) -> Response:
    sentence = service_away("console", lang_of(request))
    return trouble(request, 503, sentence, "service_away", {"Retry-After": "3"})


def _for_people(app: FastAPI, kind: type[Exception]) -> None:
    """What the core answers as a problem document, as a page where somebody looks at it in a browser."""
    core = app.exception_handlers[kind]
    plain = app.exception_handlers[HTTPException]

    async def answer(request: Request, problem: Exception) -> Response:
        nowhere = isinstance(problem, RequestValidationError) and any(e["loc"][0] == "path" for e in problem.errors())
        # An address that is no page's: how ids are written is nobody's concern.
        said = plain(request, HTTPException(404)) if nowhere else core(request, problem)
        said = said if isinstance(said, Response) else await said
        if "text/html" not in request.headers.get("accept", ""):
            return said
        with suppress(*AWAY):
            request.state.person = await whoever(request)
        sentence = BackendRefused(said.status_code, orjson.loads(bytes(said.body))).sentence(lang_of(request))
        return trouble(request, said.status_code, sentence, "refused")

    app.add_exception_handler(kind, answer)
