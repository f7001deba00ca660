"""Signing in and out, the role one works in, one's own password, second factor and devices."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Annotated
from uuid import UUID

import segno
from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from services.console import accounts as rules
from services.console import tries
from services.console.issuer import name_revoked
from services.console.people import Person, caller_of
from services.console.rules.devices import device_name
from services.console.store import accounts, browsers
from services.console.web import (
    BROWSER,
    COOKIE,
    NotAllowed,
    cookie_hash,
    go,
    inside,
    page,
    runtime,
    same_origin,
    settings,
    signed_in,
    whoever,
)
from shared.audit import audit
from shared.auth import Caller, Role
from shared.limits import address_of
from shared.work import new_id, now_utc

router = APIRouter(include_in_schema=False)

LASTS = timedelta(hours=14)
"""A long night shift; a phone of a crew stays signed in for as long as its shift can be."""
HOMES = {
    Role.CALL_TAKER: "/desk",
    Role.CREW: "/crew",
    Role.VOLUNTEER: "/crew",
    Role.CASE_MANAGER: "/people",
    Role.REGISTRY_OFFICER: "/people",
    Role.AUDITOR: "/reports",
    Role.ADMIN: "/admin",
    Role.PARTNER: "/public",
}
Text = Annotated[str, Form(max_length=300)]
REMEMBERED = timedelta(days=400)
"""How long a browser is known on which somebody has signed in."""


def home_of(role: Role, agency_id: UUID | None = None) -> str:
    """The first page of a role; people of other agencies have one."""
    return "/people" if agency_id else HOMES.get(role, "/board")


@router.get("/")
async def start(request: Request) -> Response:
    """The signed-in person's own first page; the public one for everybody else."""
    person = await whoever(request)
    return go(home_of(person.role, person.agency_id) if person else "/public")


@router.get("/sign-in")
async def ask(request: Request) -> Response:
    if await whoever(request):
        return go("/")
    return await _form(request)


async def _form(
    request: Request, problem: str | None = None, *, login: str = "", next_: str | None = None, status: int = 200
) -> Response:
    demo = await accounts.demonstration(runtime(request).pool) if settings(request).demo else []
    wanted = inside(next_ or request.query_params.get("next"))
    return page(
        request,
        "base/sign_in.html",
        status=status,
        problem=problem,
        login=login,
        demo=demo,
        next=wanted,
        home_of=home_of,
    )


@router.post("/sign-in")
async def sign_in(
    request: Request, login: Text, password: Text = "", code: Text = "", next_: Annotated[str, Form(alias="next")] = "/"
) -> Response:
    """Password and, where there is one, the code of the second factor. Says only that it was not right."""
    pool, now = runtime(request).pool, now_utc()
    if not same_origin(request):
        return await _form(request, "origin", next_=next_, status=403)
    asked = login.strip().lower()
    account = await accounts.by_login(pool, asked)
    cookie, known = await _browser(request)
    where = tries.Place(address_of(request), cookie_hash(cookie) if account and account.id in known else None)
    problem = await tries.try_password(pool, asked, account, where, now)
    if problem:
        return await _form(request, problem, login=login, next_=next_, status=429)
    verdict = await rules.judge(account, password, code, now)
    if account is None:
        return await _form(request, verdict.code, login=login, next_=next_, status=401)
    if verdict.code == "ok" and verdict.step and not await accounts.use_step(pool, account.id, verdict.step):
        verdict = rules.Verdict("wrong")
    if verdict.code != "ok":
        if verdict.code != "needs_code":  # half way in, and asked for the rest
            await _note(request, account, "sign_in_refused")
        return await _form(request, verdict.code, login=login, next_=next_, status=401)
    await _note(request, account, "sign_in")
    await tries.was_right(pool, account, where)
    await browsers.remember(pool, cookie_hash(cookie), account.id, now)
    answer = await _begin(request, account, next_)
    _give(request, answer, BROWSER, cookie, REMEMBERED)
    return answer


async def _note(request: Request, account: accounts.Account, act: str) -> None:
    """Who came in, who was kept out, and who changed how they get in. What was typed for a login that nobody has is

    written nowhere: often it is a password.
    """
    caller = Caller(account.login, Role(account.roles[0]), frozenset(account.areas))
    await audit(runtime(request).pool, caller, act, "account", account.id)


async def _browser(request: Request) -> tuple[str, set[UUID]]:
    """The cookie that tells this browser from others, and whose accounts it has seen; one of nobody's is made anew."""
    cookie = request.cookies.get(BROWSER, "")
    known = await browsers.accounts_of(runtime(request).pool, cookie_hash(cookie)) if cookie else set()
    return (cookie, known) if known else (secrets.token_urlsafe(32), known)


def _give(request: Request, answer: Response, name: str, cookie: str, lasts: timedelta) -> None:
    answer.set_cookie(
        name, cookie, max_age=int(lasts.total_seconds()), httponly=True, samesite="lax",
        secure=settings(request).secure_cookies,
    )  # fmt: skip


@router.post("/demo-sign-in")
async def demo_sign_in(request: Request, login: Text, next_: Annotated[str, Form(alias="next")] = "/") -> Response:
    """One press in the local default: an invented account, without its password."""
    account = await accounts.by_login(runtime(request).pool, login)
    if (
        not settings(request).demo
        or not same_origin(request)
        or account is None
        or not (account.demo and account.active)
    ):
        return await _form(request, "wrong", status=401)
    return await _begin(request, account, next_)


async def _begin(request: Request, account: accounts.Account, next_: str) -> Response:
    """A new session, always under a new cookie: one set before signing in is worth nothing."""
    cookie, now = secrets.token_urlsafe(32), now_utc()
    device = device_name(request.headers.get("user-agent"))
    await accounts.start_session(
        runtime(request).pool, new_id(), account.id, cookie_hash(cookie), secrets.token_urlsafe(24), account.roles[0],
        device, now, LASTS,
    )  # fmt: skip
    role = Role(account.roles[0])
    answer = go(
        "/account" if account.must_change else next_ if inside(next_) != "/" else home_of(role, account.agency_id)
    )
    _give(request, answer, COOKIE, cookie, LASTS)
    return answer


@router.post("/sign-out")
async def sign_out(request: Request, person: Annotated[Person, Depends(signed_in(agencies=True))]) -> Response:
    await _revoke(request, person.session_id)
    answer = go("/sign-in")
    answer.delete_cookie(COOKIE)
    return answer


async def _revoke(request: Request, session_id: UUID) -> bool:
    parts = runtime(request).parts
    revoked = await accounts.revoke(runtime(request).pool, session_id, now_utc())
    parts["signer"].forget(str(session_id))
    await name_revoked(runtime(request).pool, parts["signer"].public_file)
    return revoked


@router.post("/role")
async def change_role(
    request: Request, person: Annotated[Person, Depends(signed_in(agencies=True))], role: Text
) -> Response:
    """Work in another of one's roles: a token carries one at a time."""
    if role not in person.roles:
        raise NotAllowed(person, "role")
    await accounts.switch_role(runtime(request).pool, person.session_id, role)
    return go(home_of(Role(role)))


# --- one's own account ---------------------------------------------------------


@router.get("/account")
async def own_account(request: Request, person: Annotated[Person, Depends(signed_in(agencies=True))]) -> Response:
    return await _account(request, person)


async def _account(request: Request, person: Person, told: str | None = None, *, status: int = 200) -> Response:
    pool = runtime(request).pool
    account = await accounts.by_id(pool, person.account_id)
    devices = await accounts.sessions_of(pool, person.account_id, now_utc())
    return page(
        request,
        "base/account.html",
        status=status,
        account=account,
        devices=devices,
        told=told,
        shortest=rules.SHORTEST,
    )


@router.post("/account/password")
async def change_password(
    request: Request, person: Annotated[Person, Depends(signed_in(agencies=True))], old: Text, new: Text
) -> Response:
    """A new password of one's own; all other devices are signed out."""
    pool, now = runtime(request).pool, now_utc()
    account = await accounts.by_id(pool, person.account_id)
    if not await tries.may_retype(pool, account, person.session_id, now):
        return await _account(request, person, "password_rests", status=429)
    verdict = await rules.judge(account, old, "", now)
    if verdict.code not in {"ok", "needs_code"}:
        return await _account(request, person, "password_wrong", status=422)
    if len(new) < rules.SHORTEST or new == old:
        return await _account(request, person, "password_short", status=422)
    await accounts.set_password(pool, person.account_id, await rules.hashed(new), now)
    await audit(pool, caller_of(person), "change_password", "account", person.account_id)
    for device in await accounts.sessions_of(pool, person.account_id, now):
        if device["id"] != person.session_id:
            await _revoke(request, device["id"])
    return await _account(request, person, "password_changed")


@router.post("/account/second-factor")
async def second_factor(
    request: Request, person: Annotated[Person, Depends(signed_in(agencies=True))], secret: Text = "", code: Text = "",
    password: Text = "",
) -> Response:  # fmt: skip
    """Show a new secret, then keep it when a code of it and the password were typed: an open screen is not enough."""
    pool, now = runtime(request).pool, now_utc()
    wanted = secret or rules.new_secret()
    if secret:
        account = await accounts.by_id(pool, person.account_id)
        if not await tries.may_retype(pool, account, person.session_id, now):
            return await _account(request, person, "password_rests", status=429)
        verdict = await rules.judge(account, password, "", now)
        step = rules.matching_step(secret, code, now)
        if verdict.code in {"ok", "needs_code"} and step > 0:
            await accounts.set_totp(pool, person.account_id, secret, now, step)
            await audit(pool, caller_of(person), "second_factor_on", "account", person.account_id)
            return await _account(request, person, "totp_on")
    picture = segno.make(rules.enrolment_uri(wanted, person.login)).svg_data_uri(scale=4)
    return page(request, "base/second_factor.html", secret=wanted, picture=picture, wrong=bool(secret))


@router.post("/account/devices/{session_id}/revoke")
async def revoke_device(
    request: Request, person: Annotated[Person, Depends(signed_in(agencies=True))], session_id: UUID
) -> Response:
    """Sign one of one's own devices out, at once and for good."""
    own = await accounts.sessions_of(runtime(request).pool, person.account_id, now_utc())
    if session_id not in {device["id"] for device in own}:
        raise NotAllowed(person, "role")
    await _revoke(request, session_id)
    return go("/account")


@router.get("/language/{lang}")
async def language(request: Request, lang: str) -> Response:
    """Thai or English from now on, on this browser."""
    answer = go(inside(request.query_params.get("back")))
    answer.set_cookie("karuna_lang", "en" if lang == "en" else "th", max_age=365 * 86400, samesite="lax")
    return answer
