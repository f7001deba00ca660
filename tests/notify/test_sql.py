"""Every SQL constant of notify's store is one PostgreSQL can prepare."""

from __future__ import annotations

import importlib
import pkgutil

import asyncpg

from services.notify import store
from tests.platform_fixtures import MakeDatabase


def constants() -> dict[str, str]:
    found = {}
    for module in pkgutil.iter_modules(store.__path__):
        members = vars(importlib.import_module(f"{store.__name__}.{module.name}"))
        found |= {
            f"{module.name}.{name}": text for name, text in members.items() if name.isupper() and isinstance(text, str)
        }
    return found


async def test_every_statement_can_be_prepared(database: MakeDatabase) -> None:
    made = await database("notify")
    connection = await asyncpg.connect(made.dsn)
    try:
        for name, text in constants().items():
            try:
                await connection.prepare(text)
            except asyncpg.PostgresError as problem:
                raise AssertionError(f"{name}: {problem}") from problem
    finally:
        await connection.close()
    assert len(constants()) > 50
