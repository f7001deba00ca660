"""Accounts and their sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from shared.database import Connection, Pool

BY_LOGIN = "select * from account where login = $1"
BY_ID = "select * from account where id = $1"
ALL = "select * from account order by login limit 500"
DEMO = "select * from account where demo and active order by login limit 50"
PUT = """
insert into account (id, login, name, password, roles, areas, crew_id, demo, active, must_change, made_at, changed_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)
on conflict (login) do update
set name = excluded.name, roles = excluded.roles, areas = excluded.areas, crew_id = excluded.crew_id,
    active = excluded.active, changed_at = excluded.changed_at,
    password = coalesce(excluded.password, account.password), must_change = excluded.must_change
returning id
"""
MAKE = """
insert into account (id, login, name, password, roles, areas, crew_id, demo, active, must_change, made_at, changed_at,
                     agency_id, places)
values ($1, $2, $3, $4, $5, $6, $7, false, true, true, $8, $8, $9, $10) on conflict (login) do nothing returning id
"""
CHANGE = """
update account set name = $2, roles = $3, areas = $4, crew_id = $5, changed_at = $6, places = $7 where id = $1
"""
SET_PLACES = "update account set places = $2, changed_at = $3 where id = $1"
SET_AGENCY = "update account set agency_id = $2, changed_at = $3 where id = $1"
SET_ACTIVE = "update account set active = $2, changed_at = $3 where id = $1"
RESET = "update account set password = $2, must_change = true, changed_at = $3 where id = $1"
USE_STEP = "update account set totp_step = $2 where id = $1 and totp_step < $2 returning id"
SET_PASSWORD = "update account set password = $2, must_change = false, changed_at = $3 where id = $1"  # noqa: S105
SET_TOTP = "update account set totp_secret = $2, totp_step = $4, changed_at = $3 where id = $1"
START = """
insert into session (id, account_id, cookie_hash, csrf, role, device, started_at, seen_at, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $7, $8)
"""
BY_COOKIE = """
select s.id, s.csrf, s.role, s.device, s.started_at, s.seen_at, s.expires_at, a.id as account_id, a.login, a.name,
       a.roles, a.areas, a.crew_id, a.must_change, a.agency_id, a.places
from session s join account a on a.id = s.account_id
where s.cookie_hash = $1 and s.revoked_at is null and s.expires_at > $2 and a.active and s.role = any(a.roles)
"""
SEEN = "update session set seen_at = $2 where id = $1 and seen_at < $2::timestamptz - interval '1 minute'"
SWITCH = "update session set role = $2 where id = $1"
OF_ACCOUNT = "select * from session where account_id = $1 and expires_at > $2 order by started_at desc limit 100"
REVOKE = "update session set revoked_at = $2 where id = $1 and revoked_at is null returning account_id"
REVOKE_ALL = "update session set revoked_at = $2 where account_id = $1 and revoked_at is null"
REVOKED_SINCE = "select id from session where revoked_at > $1"
DROP_OLD = "delete from session where expires_at < $1"


@dataclass(frozen=True, slots=True)
class Account:
    """One person's account. ``areas`` may hold ``*``; ``places``: codes to which it is held, none is no less."""

    id: UUID
    login: str
    name: str
    password: str | None
    totp_secret: str | None
    totp_step: int
    roles: tuple[str, ...]
    areas: tuple[str, ...]
    crew_id: UUID | None
    demo: bool
    active: bool
    must_change: bool
    made_at: datetime
    changed_at: datetime
    agency_id: UUID | None = None
    places: tuple[str, ...] = ()


def _account(row: asyncpg.Record) -> Account:
    """What of the row this version knows: a newer one may have more columns."""
    known = {each.name: row[each.name] for each in fields(Account)}
    return Account(**{**known, **{name: tuple(row[name]) for name in ("roles", "areas", "places")}})


async def by_login(db: Connection | Pool, login: str) -> Account | None:
    row = await db.fetchrow(BY_LOGIN, login)
    return _account(row) if row else None


async def by_id(db: Connection | Pool, account_id: UUID) -> Account | None:
    row = await db.fetchrow(BY_ID, account_id)
    return _account(row) if row else None


async def everybody(db: Connection | Pool) -> list[Account]:
    return [_account(row) for row in await db.fetch(ALL)]


async def demonstration(db: Connection | Pool) -> list[Account]:
    """The invented accounts of the local default."""
    return [_account(row) for row in await db.fetch(DEMO)]


async def put(
    db: Connection | Pool, account_id: UUID, login: str, name: str, password: str | None, roles: Sequence[str],
    areas: Sequence[str], crew_id: UUID | None, at: datetime, *, demo: bool = False, active: bool = True,
    must_change: bool = False,
) -> UUID:  # fmt: skip
    """Make or change the account of a login; ``password`` is a hash, None keeps the one there is."""
    found: UUID = await db.fetchval(
        PUT, account_id, login, name, password, list(roles), list(areas), crew_id, demo, active, must_change, at
    )
    return found


async def make(
    db: Connection | Pool, account_id: UUID, login: str, name: str, password: str, roles: Sequence[str],
    areas: Sequence[str], crew_id: UUID | None, at: datetime, agency_id: UUID | None = None,
    places: Sequence[str] = (),
) -> bool:  # fmt: skip
    """A new account that must choose a password of its own; False where the login is taken.

    ``agency_id``: of another agency, from its first moment on.
    """
    made = await db.fetchval(
        MAKE, account_id, login, name, password, list(roles), list(areas), crew_id, at, agency_id, list(places)
    )
    return made is not None


async def change(
    db: Connection | Pool, account_id: UUID, name: str, roles: Sequence[str], areas: Sequence[str],
    crew_id: UUID | None, at: datetime, places: Sequence[str] = (),
) -> None:  # fmt: skip
    await db.execute(CHANGE, account_id, name, list(roles), list(areas), crew_id, at, list(places))


async def set_agency(db: Connection | Pool, account_id: UUID, agency_id: UUID, at: datetime) -> None:
    """From now on the account is of this agency's people, and sees what agencies may. There is no way back."""
    await db.execute(SET_AGENCY, account_id, agency_id, at)


async def set_places(db: Connection | Pool, account_id: UUID, places: Sequence[str], at: datetime) -> None:
    """From now on the account is held to these places."""
    await db.execute(SET_PLACES, account_id, list(places), at)


async def set_active(db: Connection | Pool, account_id: UUID, at: datetime, *, active: bool) -> None:
    await db.execute(SET_ACTIVE, account_id, active, at)


async def reset(db: Connection | Pool, account_id: UUID, password: str, at: datetime) -> None:
    """A password of somebody else's making (hashed), to be changed at the next signing in; tries begin anew."""
    await db.execute(RESET, account_id, password, at)


async def use_step(db: Connection | Pool, account_id: UUID, step: int) -> bool:
    """Use up a code's time step; False where it was used already."""
    return await db.fetchval(USE_STEP, account_id, step) is not None


async def set_password(db: Connection | Pool, account_id: UUID, password: str, at: datetime) -> None:
    await db.execute(SET_PASSWORD, account_id, password, at)


async def set_totp(
    db: Connection | Pool, account_id: UUID, secret: str | None, at: datetime, used_step: int = 0
) -> None:
    """``used_step``: of the code that showed that the app has the secret; it opens nothing again. No secret: off."""
    await db.execute(SET_TOTP, account_id, secret, at, used_step)


async def start_session(
    db: Connection | Pool, session_id: UUID, account_id: UUID, cookie_hash: bytes, csrf: str, role: str, device: str,
    at: datetime, lasts: timedelta,
) -> None:  # fmt: skip
    await db.execute(START, session_id, account_id, cookie_hash, csrf, role, device, at, at + lasts)


async def session_by_cookie(db: Connection | Pool, cookie_hash: bytes, at: datetime) -> asyncpg.Record | None:
    """The live session behind a cookie, with its account; None where it is over, revoked or the account closed."""
    return await db.fetchrow(BY_COOKIE, cookie_hash, at)


async def seen(db: Connection | Pool, session_id: UUID, at: datetime) -> None:
    await db.execute(SEEN, session_id, at)


async def switch_role(db: Connection | Pool, session_id: UUID, role: str) -> None:
    await db.execute(SWITCH, session_id, role)


async def sessions_of(db: Connection | Pool, account_id: UUID, at: datetime) -> list[asyncpg.Record]:
    return await db.fetch(OF_ACCOUNT, account_id, at)


async def revoke(db: Connection | Pool, session_id: UUID, at: datetime) -> bool:
    return await db.fetchval(REVOKE, session_id, at) is not None


async def revoke_all(db: Connection | Pool, account_id: UUID, at: datetime) -> None:
    await db.execute(REVOKE_ALL, account_id, at)


async def revoked_since(db: Connection | Pool, since: datetime) -> list[UUID]:
    return [row["id"] for row in await db.fetch(REVOKED_SINCE, since)]


async def drop_old(db: Connection | Pool, before: datetime) -> None:
    await db.execute(DROP_OLD, before)
