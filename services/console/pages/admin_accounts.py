"""Administration of accounts: made, changed, closed; a first password shown once; second factor off; devices out."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from services.console.accounts import hashed
from services.console.area_tree import area_choices
from services.console.backend import BackendAway, BackendRefused
from services.console.colleagues import every_agency
from services.console.issuer import name_revoked
from services.console.navigation import roles_of
from services.console.people import Person, caller_of
from services.console.rules import accounts as rules
from services.console.rules.accounts import Wanted
from services.console.store import accounts
from services.console.store.accounts import Account
from services.console.towns import EVERYWHERE, area_names, area_options
from services.console.tries import rests_elsewhere
from services.console.web import backend, go, page, runtime, signed_in
from shared.audit import audit
from shared.auth import Role
from shared.thai.dates import local_day
from shared.work import new_id, now_utc

router = APIRouter(prefix="/admin/accounts", include_in_schema=False)

Reader = Annotated[Person, Depends(signed_in(*roles_of("admin")))]
Admin = Annotated[Person, Depends(signed_in(Role.ADMIN))]
"""Who may do what is an administrator's to say; supervisors and auditors see it."""
Short = Annotated[str, Form(max_length=200)]
Roles = Annotated[list[str] | None, Form()]
Areas = Annotated[list[str] | None, Form()]
Places = Annotated[list[str] | None, Form()]
PASSWORD_BYTES = 12


def not_found() -> BackendRefused:
    """What does not exist for this person, as a page."""
    return BackendRefused(404, {"code": "not_found", "th": "ไม่พบสิ่งที่ขอ", "en": "there is no such thing"})


async def _note(request: Request, person: Person, act: str, account: Account | Wanted, account_id: UUID) -> None:
    pool, caller = runtime(request).pool, caller_of(person)
    await audit(pool, caller, act, "account", account_id, rules.noted(account), area=rules.area_of(account))


@router.get("")
async def everybody(request: Request, person: Reader) -> Response:
    """The accounts of one's own municipalities."""
    found = await accounts.everybody(runtime(request).pool)
    own = [each for each in found if rules.may_manage(person.areas, each.areas)]
    agencies = await _agencies(request, person) if any(each.agency_id for each in own) else []
    return page(
        request, "admin/accounts.html", accounts=own, edits=person.role is Role.ADMIN,
        agency_names=_names(agencies, person.lang),
    )  # fmt: skip


async def _agencies(request: Request, person: Person) -> list[dict[str, Any]]:
    """The agencies of one's municipalities; none where the registry is away, or this role does not see them."""
    try:
        return await every_agency(request, person)
    except (BackendAway, BackendRefused):
        return []


def _names(agencies: list[dict[str, Any]], lang: str) -> dict[str, str]:
    return {each["id"]: (each["name_en"] if lang == "en" else None) or each["name_th"] for each in agencies}


def _open_ones(agencies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those whose last day is not over; accounts of a department are the municipality's own, like everybody's there."""
    today = local_day(now_utc()).isoformat()
    outside = [each for each in agencies if each["kind"]["code"] != "department"]
    return [each for each in outside if not each["until_on"] or each["until_on"] >= today]


@router.get("/new")
async def blank(request: Request, person: Admin) -> Response:
    empty = Wanted("", "", (), tuple(area for area in person.areas if area != "*"), "")
    return await _form(request, person, empty, None, {})


async def _form(
    request: Request, person: Person, shown: Wanted, account: Account | None, faults: dict[str, str], status: int = 200
) -> Response:
    agencies = await _agencies(request, person) if account is None or account.agency_id else []
    named = _names(agencies if account else _open_ones(agencies), person.lang)
    return page(
        request, "admin/account_form.html", status=status, shown=shown, account=account, faults=faults,
        roles=rules.PERSONS, crew=await _crew(request, person), areas=_areas(request, person, shown),
        agencies=sorted(named.items(), key=lambda one: one[1]), agency_names=named,
        places=await _places(request, person, shown.places),
    )  # fmt: skip


def _areas(request: Request, person: Person, shown: Wanted) -> list[tuple[str, str]]:
    """What may be given; and what the account has, so that nothing is lost by saving it."""
    name = area_names(request, person.lang)
    found = dict(area_options(request, person))
    if EVERYWHERE in person.areas:
        found[EVERYWHERE] = name(EVERYWHERE)
    return list({**found, **{each: name(each) for each in shown.areas}}.items())


async def _places(request: Request, person: Person, kept: Sequence[str]) -> list[tuple[str, str]]:
    """Places to which an account may be held; and those it is held to, so that saving it frees nobody."""
    return list({**{code: code for code in kept}, **dict(await area_choices(request, person))}.items())


async def _crew(request: Request, person: Person) -> list[tuple[str, str]]:
    """Members of crews to choose from; none where dispatch is away: the id may be typed."""
    try:
        found = await backend(request).get(person, "dispatch", "/v1/crew", params={"limit": 500}, purpose="care")
    except (BackendAway, BackendRefused):
        return []
    return sorted(((each["id"], each["name"]) for each in found["items"] if each["active"]), key=lambda one: one[1])


@router.post("")
async def make(
    request: Request, person: Admin, login: Short = "", name: Short = "", roles: Roles = None, areas: Areas = None,
    crew: Short = "", agency: Short = "", places: Places = None,
) -> Response:  # fmt: skip
    """A new account. Its first password is shown on the answer, once, and must be changed."""
    asked = rules.wanted(login, name, roles or (), areas or (), crew, agency, places or ())
    known = _open_ones(await _agencies(request, person)) if asked.agency else []
    there = [code for code, _ in await _places(request, person, ())] if asked.places else []
    faults = rules.faults(asked, person.areas, {each["id"]: each["areas"] for each in known}, there)
    if faults:
        return await _form(request, person, asked, None, faults, 422)
    password, account_id = secrets.token_urlsafe(PASSWORD_BYTES), new_id()
    made = await accounts.make(
        runtime(request).pool, account_id, asked.login, asked.name, await hashed(password), asked.roles, asked.areas,
        asked.crew_id, now_utc(), asked.agency_id, asked.places,
    )  # fmt: skip
    if not made:
        return await _form(request, person, asked, None, {"login": "login_taken"}, 422)
    await _note(request, person, "make", asked, account_id)
    return await _one(request, person, account_id, password=password)


@router.get("/{account_id}")
async def show(request: Request, person: Reader, account_id: UUID) -> Response:
    return await _one(request, person, account_id)


async def _one(request: Request, person: Person, account_id: UUID, *, password: str | None = None) -> Response:
    account = await _theirs(request, person, account_id)
    devices = await accounts.sessions_of(runtime(request).pool, account_id, now_utc())
    named = dict(await _places(request, person, account.places)) if account.places else {}
    return page(
        request, "admin/account.html", account=account, devices=devices, password=password,
        edits=person.role is Role.ADMIN, own=account_id == person.account_id,
        agency_names=_names(await _agencies(request, person), person.lang) if account.agency_id else {},
        places=[named[code] for code in account.places],
        locked=await rests_elsewhere(runtime(request).pool, account, now_utc()),
    )  # fmt: skip


async def _theirs(request: Request, person: Person, account_id: UUID, *, other: bool = False) -> Account:
    """An account of one's own municipalities. ``other``: not one's own, which somebody else must change.

    Raises:
        BackendRefused: 404.

    """
    account = await accounts.by_id(runtime(request).pool, account_id)
    if account is None or not rules.may_manage(person.areas, account.areas):
        raise not_found()
    if other and account_id == person.account_id:
        raise not_found()
    return account


@router.get("/{account_id}/change")
async def change_form(request: Request, person: Admin, account_id: UUID) -> Response:
    account = await _theirs(request, person, account_id, other=True)
    crew, agency = (str(one or "") for one in (account.crew_id, account.agency_id))
    shown = Wanted(account.login, account.name, account.roles, account.areas, crew, agency, account.places)
    return await _form(request, person, shown, account, {})


@router.post("/{account_id}/change")
async def change(
    request: Request, person: Admin, account_id: UUID, name: Short = "", roles: Roles = None, areas: Areas = None,
    crew: Short = "", places: Places = None,
) -> Response:  # fmt: skip
    """Another name, other roles or areas. A role taken away ends its sessions by itself."""
    account = await _theirs(request, person, account_id, other=True)
    agency = str(account.agency_id or "")
    asked = rules.wanted(account.login, name, roles or (), areas or (), crew, agency, places or ())
    there = [code for code, _ in await _places(request, person, account.places)] if asked.places else []
    faults = rules.faults(asked, person.areas, await _agency_kept(request, person, account), there)
    if faults:
        return await _form(request, person, asked, account, faults, 422)
    pool = runtime(request).pool
    await accounts.change(
        pool, account_id, asked.name, asked.roles, asked.areas, asked.crew_id, now_utc(), asked.places
    )
    await _out(request, account_id)  # tokens in hand name the old roles, areas and places
    await _note(request, person, "change", asked, account_id)
    return go(f"/admin/accounts/{account_id}")


async def _agency_kept(request: Request, person: Person, account: Account) -> dict[str, Sequence[str]]:
    """The agency that the account stays with, and where it works; not known now: no further than the account goes."""
    if account.agency_id is None:
        return {}
    own = str(account.agency_id)
    known = {each["id"]: each["areas"] for each in await _agencies(request, person)}
    return {own: known.get(own, account.areas)}


async def _out(request: Request, account_id: UUID) -> None:
    """Every browser of the account is out at once; its tokens within half a minute."""
    pool, signer = runtime(request).pool, runtime(request).parts["signer"]
    for device in await accounts.sessions_of(pool, account_id, now_utc()):
        signer.forget(str(device["id"]))
    await accounts.revoke_all(pool, account_id, now_utc())
    await name_revoked(pool, signer.public_file)


@router.post("/{account_id}/close")
async def close(request: Request, person: Admin, account_id: UUID) -> Response:
    """Nobody signs in with it any more; what was done under its name stays."""
    account = await _theirs(request, person, account_id, other=True)
    await accounts.set_active(runtime(request).pool, account_id, now_utc(), active=False)
    await _out(request, account_id)
    await _note(request, person, "close", account, account_id)
    return go(f"/admin/accounts/{account_id}")


@router.post("/{account_id}/open")
async def reopen(request: Request, person: Admin, account_id: UUID) -> Response:
    account = await _theirs(request, person, account_id, other=True)
    await accounts.set_active(runtime(request).pool, account_id, now_utc(), active=True)
    await _note(request, person, "open", account, account_id)
    return go(f"/admin/accounts/{account_id}")


@router.post("/{account_id}/reset-password")
async def reset_password(request: Request, person: Admin, account_id: UUID) -> Response:
    """A new first password, shown once; whoever is signed in with the old one is out."""
    account = await _theirs(request, person, account_id, other=True)
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    await accounts.reset(runtime(request).pool, account_id, await hashed(password), now_utc())
    await _out(request, account_id)
    await _note(request, person, "reset_password", account, account_id)
    return await _one(request, person, account_id, password=password)


@router.post("/{account_id}/second-factor-off")
async def second_factor_off(request: Request, person: Admin, account_id: UUID) -> Response:
    """A lost telephone: the owner sets up a new one after signing in."""
    account = await _theirs(request, person, account_id, other=True)
    await accounts.set_totp(runtime(request).pool, account_id, None, now_utc())
    await _out(request, account_id)
    await _note(request, person, "second_factor_off", account, account_id)
    return go(f"/admin/accounts/{account_id}")


@router.post("/{account_id}/devices/{session_id}/revoke")
async def revoke_device(request: Request, person: Admin, account_id: UUID, session_id: UUID) -> Response:
    """One browser out, e.g. a stolen telephone."""
    account = await _theirs(request, person, account_id)
    pool, signer = runtime(request).pool, runtime(request).parts["signer"]
    if session_id not in {each["id"] for each in await accounts.sessions_of(pool, account_id, now_utc())}:
        raise not_found()
    await accounts.revoke(pool, session_id, now_utc())
    signer.forget(str(session_id))
    await name_revoked(pool, signer.public_file)
    await _note(request, person, "revoke_device", account, account_id)
    return go(f"/admin/accounts/{account_id}")
