"""What every screen shares: who is signed in, pages and their words, CSRF, and answers to what goes wrong."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import cache
from http import HTTPStatus
from importlib import resources
from typing import Annotated, Any
from urllib.parse import urlsplit

import orjson
from fastapi import Form, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from services.console.backend import Backend
from services.console.labels import phone_shown
from services.console.navigation import navigation, sections, stands_under
from services.console.people import Person
from services.console.rules import days
from services.console.settings import ConsoleSettings
from services.console.store import accounts
from services.console.texts import DEFAULT, LANGS, some, teller
from services.console.tokens import token
from services.console.towns import area_names, community_names
from shared.auth import Role
from shared.service import Runtime
from shared.thai.dates import local, show_day
from shared.work import new_id, now_utc

COOKIE = "karuna_session"
BROWSER = "karuna_browser"
"""A cookie of a browser on which somebody has signed in; it signs nobody in (``tries.py``)."""
SAVED = "karuna_saved"
"""A cookie between a form and the next page; it says nothing else."""
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
FORM = "application/x-www-form-urlencoded"
# --- who ---------------------------------------------------------------------


OWN = ("/account", "/sign-out", "/language")
"""What somebody may do who has not yet set a password of their own."""


class PasswordFirst(Exception):
    """Signed in with a password that somebody else knows: one's own comes first."""


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
        agency_id=row["agency_id"], places=tuple(row["places"]),
    )  # fmt: skip


def signed_in(*roles: Role, agencies: bool = False) -> Callable[[Request], Awaitable[Person]]:
    """A dependency: the person, in one of these roles (none named: any). Unsafe methods must carry the CSRF token.

    ``agencies``: whether people of other agencies may come; where it is not said they may not, whatever their role.
    """

    async def check(request: Request) -> Person:
        person = await whoever(request)
        if person is None:
            raise SignedOut
        request.state.person = person
        if request.method not in SAFE and not await _is_ours(request, person.csrf):
            raise NotAllowed(person, "csrf")
        if person.must_change and not request.url.path.startswith(OWN):
            raise PasswordFirst
        if person.agency_id is not None and not agencies:
            raise NotAllowed(person, "role")
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
        request.state.typed = await request.form()
        told = str(request.state.typed.get("csrf", ""))
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


FormKey = Annotated[str, Form(pattern=r"^[0-9a-f]{0,32}$")]
"""The macro ``once`` of a form, sent on as the Idempotency-Key."""


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
    made.globals.update(new_key=lambda: new_id().hex)
    made.globals.update(phone_shown=phone_shown)
    made.globals.update(token=token, asset=asset, navigation=navigation, sections=sections, under=stands_under)
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
        thai_date=day, thai_time=clock, thai_datetime=moment, day_in_field=lambda value: days.in_field(value, lang),
        **context,
    )  # fmt: skip


def page(request: Request, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """A screen. Templates find ``person`` (or None), ``csrf``, ``lang``, ``t``, ``path``, ``area_name``,
    ``community_name``, and what is given.
    """
    person: Person | None = getattr(request.state, "person", None)
    lang = lang_of(request)
    flash = SAVED in request.cookies and not request.headers.get("hx-request")
    html = render(
        template, lang, person=person, saved=flash and status < HTTPStatus.BAD_REQUEST,
        csrf=masked(person.csrf) if person else "", path=request.url.path,
        settings=settings(request), area_name=area_names(request, lang),
        community_name=community_names(request, lang), **context,
    )  # fmt: skip
    answer = HTMLResponse(html, status, headers={"cache-control": "no-store"})
    if request.query_params.get("lang") in LANGS:
        answer.set_cookie("karuna_lang", lang, max_age=365 * 86400, samesite="lax")
    if flash:
        answer.delete_cookie(SAVED)
    return answer


def go(path: str) -> RedirectResponse:
    """On to another page, after a form."""
    return RedirectResponse(inside(path), 303)


def saved(path: str) -> RedirectResponse:
    """On to another page that says once, above everything, that it was saved."""
    answer = go(path)
    answer.set_cookie(SAVED, "1", max_age=30, httponly=True, samesite="lax")
    return answer


def wants_json(request: Request) -> bool:
    return "application/json" in request.headers.get("accept", "")


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
