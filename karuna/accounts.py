"""Accounts of the console: made by the operator, and the invented ones of the local default."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from karuna.local import Local
from karuna.seed import seed_id, shift_at
from services.console.accounts import hashed
from services.console.issuer import name_revoked
from services.console.rules import accounts as rules
from services.console.store import accounts, promises
from services.registry.store.agencies import read_agency
from shared.audit import audit
from shared.auth import Caller, Role
from shared.database import Connection, connect
from shared.packs import load
from shared.work import new_id, now_utc


@dataclass(frozen=True, slots=True)
class Invented:
    """One account of the demonstration. ``crew``: the code of a crew template."""

    login: str
    name: str
    roles: tuple[str, ...]
    crew: str | None = None


DESK = (
    Invented("somsri", "สมศรี รับแจ้ง", ("call_taker", "dispatcher")),
    Invented("wichai", "วิชัย สั่งการ", ("dispatcher", "call_taker")),
    Invented("malee", "มาลี หัวหน้าเวร", ("supervisor", "dispatcher", "auditor")),
    Invented("orathai", "อรทัย ดูแลรายกรณี", ("case_manager", "registry_officer")),
    Invented("anan", "อนันต์ ดูแลระบบ", ("admin", "supervisor")),
)


OPERATOR = Caller("local-admin", Role.ADMIN, frozenset({"*"}))
"""Whoever sits at the machine: the command line asks the services under this name, too."""
PROMISES = (
    ("ผู้ป่วยวิกฤติได้รับการช่วยเหลือภายใน 8 นาที ร้อยละ 80", "80 % of critical patients are reached within 8 minutes",
     "ร้อยละ 80 ภายในสิ้นปี 2570", "80 % by the end of 2027", 80.0, 52.0),
    ("รถรับส่งไปหาหมอครบทั้ง 36 ชุมชน", "Rides to the doctor in all 36 communities",
     "36 ชุมชน", "36 communities", 36.0, 21.0),
    ("อบรมจิตอาสากู้ชีพ 200 คน", "200 volunteers trained in first aid",
     "200 คน", "200 people", 200.0, 134.0),
)  # fmt: skip
"""Invented, as everything in the demonstration."""


def logins(people: Sequence[Invented]) -> list[str]:
    """A line for each account of the demonstration: its login, who that is, its roles."""
    return [f"{each.login:11} {', '.join(each.roles):31} {each.name}" for each in people]


async def demonstration(local: Local, area: str, *, at: datetime | None = None) -> list[Invented]:
    """Accounts that everybody may use on this machine, and promises to show: all of it invented. Gives the accounts.

    The crews' accounts are of who is on duty at the moment ``at``; None: by day.
    """
    pack = load(local.areas / area)
    crews = [member for member in pack.crew if member.shift == shift_at(at) and member.kind != "volunteer"][:2]
    volunteers = [member for member in pack.crew if member.kind == "volunteer"][:1]
    people = [
        *DESK,
        *(Invented(f"crew{n}", member.name.th, ("crew",), member.code) for n, member in enumerate(crews, 1)),
        *(
            Invented(f"volunteer{n}", member.name.th, ("volunteer",), member.code)
            for n, member in enumerate(volunteers, 1)
        ),
    ]
    connection = await asyncpg.connect(local.postgres.dsn("console"))
    try:
        for each in people:
            crew_id = seed_id(area, "crew", each.crew) if each.crew else None
            await accounts.put(
                connection, new_id(), each.login, each.name, None, each.roles, [area], crew_id, now_utc(), demo=True
            )
        if not await promises.listed(connection, area):
            for place, (th, en, target_th, target_en, target, progress) in enumerate(PROMISES, 1):
                await promises.put(
                    connection, new_id(), area, th, en, target_th, target_en, target, progress, place, now_utc()
                )
    finally:
        await connection.close()
    return people


async def add(
    local: Local, login: str, name: str, roles: Sequence[str], areas: Sequence[str], crew_id: UUID | None,
    agency_id: UUID | None = None, places: Sequence[str] = (),
) -> str:  # fmt: skip
    """Make an account, or give an existing one these roles; its new first password.

    ``agency_id``: of another agency, for good; ``places``: held to these from now on, none leaves it as it is. Whoever
    is signed in to it is out at once.
    """
    password = secrets.token_urlsafe(12)
    connection = await connect(local.postgres.dsn("console"))
    try:
        async with connection.transaction():
            before = await accounts.by_login(connection, login.lower())
            account_id = await accounts.put(
                connection, new_id(), login.lower(), name, await hashed(password), roles, areas, crew_id, now_utc(),
                must_change=True,
            )  # fmt: skip
            if agency_id is not None:
                await accounts.set_agency(connection, account_id, agency_id, now_utc())
            if places:
                await accounts.set_places(connection, account_id, places, now_utc())
            if agency_id is not None or places:
                await accounts.revoke_all(connection, account_id, now_utc())
            await _note(connection, "change" if before else "make", account_id)
        if agency_id is not None or places:
            await name_revoked(connection, local.issuer.public_file)
    finally:
        await connection.close()
    return password


async def agency_is_known(local: Local, agency_id: UUID) -> bool:
    """Whether the register has this agency: an account of another one could never be given to anybody else."""
    connection = await connect(local.postgres.dsn("registry"))
    try:
        return await read_agency(connection, agency_id) is not None
    finally:
        await connection.close()


async def roles_of(local: Local, login: str) -> tuple[str, ...] | None:
    """The roles of the account of this login; None: there is none."""
    connection = await connect(local.postgres.dsn("console"))
    try:
        found = await accounts.by_login(connection, login.lower())
        return found.roles if found else None
    finally:
        await connection.close()


async def _note(connection: Connection, act: str, account_id: UUID) -> None:
    """Who holds the machine gives rights too: it stands in the audit as what administrators do on the screen."""
    account = await accounts.by_id(connection, account_id)
    if account is not None:
        detail, area = {**rules.noted(account), "by": "command"}, rules.area_of(account)
        await audit(connection, OPERATOR, act, "account", account_id, detail, area=area)


async def lines(local: Local) -> list[str]:
    connection = await asyncpg.connect(local.postgres.dsn("console"))
    try:
        return [
            f"{each.login:16} {each.name}  {' '.join(each.roles)}  {' '.join(each.areas)}"
            + (f"  หน่วยงาน (agency) {each.agency_id}" if each.agency_id else "")
            + (f"  เฉพาะ (held to) {' '.join(each.places)}" if each.places else "")
            + ("" if each.active else "  ปิดแล้ว (closed)")
            for each in await accounts.everybody(connection)
        ]
    finally:
        await connection.close()


async def close(local: Local, login: str) -> bool:
    """Close an account; its browsers are out at once, its tokens within half a minute. False: there is none."""
    connection = await connect(local.postgres.dsn("console"))
    try:
        found = await accounts.by_login(connection, login)
        if found is None:
            return False
        now = now_utc()
        await accounts.put(
            connection,
            found.id,
            found.login,
            found.name,
            None,
            found.roles,
            found.areas,
            found.crew_id,
            now,
            active=False,
        )
        await accounts.revoke_all(connection, found.id, now)
        await _note(connection, "close", found.id)
        await name_revoked(connection, local.issuer.public_file)
    finally:
        await connection.close()
    return True


async def second_factor_off(local: Local, login: str) -> bool:
    """Take the second factor off an account whose telephone is lost; its browsers are out. False: there is none.

    For whoever holds the machine: an installation's only administrator has nobody else to ask.
    """
    connection = await connect(local.postgres.dsn("console"))
    try:
        found = await accounts.by_login(connection, login.lower())
        if found is None:
            return False
        async with connection.transaction():
            await accounts.set_totp(connection, found.id, None, now_utc())
            await accounts.revoke_all(connection, found.id, now_utc())
            await _note(connection, "second_factor_off", found.id)
        await name_revoked(connection, local.issuer.public_file)
    finally:
        await connection.close()
    return True
