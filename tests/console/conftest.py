"""The console in the test's own process on a real database; accounts with a real password."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest_asyncio

from services.console.accounts import hashed
from services.console.app import SERVICE
from services.console.store import accounts
from shared.auth import Role
from shared.database import Pool
from shared.work import new_id, now_utc
from tests.console.faces import faces, issuer_key_file
from tests.harness import AREA, Running, service_running
from tests.platform_fixtures import MakeDatabase

__all__ = ["faces"]

HERE = "http://test"
PASSWORD = "four words are easy"


@dataclass(slots=True)
class Console:
    """The console, and one browser."""

    running: Running

    @property
    def client(self) -> httpx.AsyncClient:
        return self.running.client

    @property
    def pool(self) -> Pool:
        return self.running.runtime.pool

    async def account(self, login: str = "somsri", *roles: Role, demo: bool = False) -> UUID:
        """Somebody with :data:`PASSWORD`."""
        wanted = [role.value for role in roles or (Role.DISPATCHER,)]
        secret = await hashed(PASSWORD)
        return await accounts.put(self.pool, new_id(), login, login, secret, wanted, [AREA], None, now_utc(), demo=demo)

    async def sign_in(self, login: str = "somsri", password: str = PASSWORD, code: str = "") -> httpx.Response:
        fields = {"login": login, "password": password, "code": code}
        return await self.client.post("/sign-in", data=fields, headers={"origin": HERE})

    async def csrf(self) -> str:
        found: str = await self.pool.fetchval("select csrf from session order by started_at desc limit 1")
        return found

    async def post(self, path: str, **fields: Any) -> httpx.Response:
        """A form of ours, as a browser sends it."""
        data = {"csrf": await self.csrf(), **fields}
        return await self.client.post(path, data=data, headers={"origin": HERE})


@pytest_asyncio.fixture
async def console(database: MakeDatabase, tmp_path: Path) -> AsyncIterator[Console]:
    made = await database("console")
    settings = {"issuer_key_file": issuer_key_file(tmp_path), "secure_cookies": False}
    async with service_running(SERVICE, made.dsn, tmp_path, **settings) as running:
        yield Console(running)
        await running.runtime.parts["backend"].client.close()
