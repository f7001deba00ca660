"""Databases and roles: each service has its own database, an owner who migrates and a user who works.

Names come from the table below, passwords from our own generator, so they are put into the text of statements
(a role cannot be a parameter).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import asyncpg

from shared.streams import SERVICES

NAMES = (*SERVICES, "console")

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]

HAS_ROLE = "select true from pg_roles where rolname = $1"
HAS_DATABASE = "select true from pg_database where datname = $1"

CREATE_ROLE = "create role {role} login nosuperuser nocreatedb nocreaterole"
SET_PASSWORD = "alter role {role} password '{password}'"  # noqa: S105
CREATE_DATABASE = "create database {database} template {template} owner {owner}"
CLOSE_TO_OTHERS = ("revoke all on database {database} from public", "grant connect on database {database} to {user}")
# What the owner makes later, the user may fill and read; it may not change the shape of anything.
DEFAULT_PRIVILEGES = (
    "alter default privileges for role {owner} grant usage on schemas to {user}",
    "alter default privileges for role {owner} grant select, insert, update, delete on tables to {user}",
    "alter default privileges for role {owner} grant usage, select on sequences to {user}",
)


async def ensure(connection: Connection, password: Callable[[str], str]) -> None:
    """Make the roles and databases that are missing. ``connection`` is the administrator's, to ``template1``:
    what is granted there by default is granted in every database made from it, those of tests too.
    """
    for service in NAMES:
        for role in (f"{service}_owner", service):
            if not await connection.fetchval(HAS_ROLE, role):
                await connection.execute(CREATE_ROLE.format(role=role))
            await connection.execute(SET_PASSWORD.format(role=role, password=password(role)))
        for statement in DEFAULT_PRIVILEGES:
            await connection.execute(statement.format(owner=f"{service}_owner", user=service))
    for service in NAMES:
        if not await connection.fetchval(HAS_DATABASE, service):
            await create(connection, service, service)


async def create(connection: Connection, database: str, service: str, template: str = "template1") -> None:
    """A new database of a service, empty or a copy of ``template``, closed to the other services."""
    text = CREATE_DATABASE.format(database=database, template=template, owner=f"{service}_owner")
    await connection.execute(text)
    for statement in CLOSE_TO_OTHERS:
        await connection.execute(statement.format(database=database, user=service))
