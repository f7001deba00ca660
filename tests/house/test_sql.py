"""Every SQL statement in the code is prepared against a migrated database: names, types and syntax hold.

A statement is a module's UPPER_CASE text that begins like one. Those of ``shared`` are tried on every service's
database, for each has the core's tables.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import asyncpg
import pytest

import services
import shared
from shared.database import Search
from shared.streams import LISTENERS
from tests.platform_fixtures import MakeDatabase

BEGINS = re.compile(r"\s*(?:--[^\n]*\n\s*)*(?:select|with|insert into|update|delete from)\s", re.IGNORECASE)
NAME = re.compile(r"_?[A-Z][A-Z0-9_]*")


def modules(package: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not found.name.endswith(("__main__", "shared.lean")):  # these change the process they are loaded in
            yield importlib.import_module(found.name)


def statements(package: ModuleType) -> dict[str, str]:
    """``module.NAME`` → text, each text once, under the module that wrote it."""
    found: dict[str, str] = {}
    for module in modules(package):
        for name, value in vars(module).items():
            if isinstance(value, Search):
                found.setdefault(value.text, f"{module.__name__}.{name}")
            elif NAME.fullmatch(name) and isinstance(value, str) and BEGINS.match(value):
                found.setdefault(value, f"{module.__name__}.{name}")
    return {where: text for text, where in found.items()}


def searches(package: ModuleType) -> set[str]:
    """The texts that are planned for their values."""
    return {value.text for module in modules(package) for value in vars(module).values() if isinstance(value, Search)}


OF_SHARED = statements(shared)
OF_SERVICES = statements(services)


@pytest.mark.parametrize("service", LISTENERS)
async def test_every_statement_can_be_prepared(service: str, database: MakeDatabase) -> None:
    own = {where: text for where, text in OF_SERVICES.items() if where.startswith(f"services.{service}.")}
    assert len(own) > 10, "the walk has lost its way"
    connection = await asyncpg.connect((await database(service)).dsn)
    faults = []
    for where, text in {**own, **OF_SHARED}.items():
        try:
            await connection.prepare(text)
        except asyncpg.PostgresError as problem:
            faults.append(f"{where}: {problem}")
    await connection.close()
    assert not faults, "\n".join(faults)


def test_no_statement_is_put_together_from_pieces() -> None:
    """A text in which Python's own placeholders stand would be one."""
    every = {**OF_SHARED, **OF_SERVICES}
    assert not [where for where, text in every.items() if re.search(r"%s|\{[a-z_]*\}", text.replace("'{}'", ""))]


def test_the_walk_sees_the_statements_it_should() -> None:
    assert "shared.work.WRITE_EVENTS" in OF_SHARED
    assert "services.registry.store.people.SEARCH" in OF_SERVICES


TWICE = {("registry", "0010")}
"""Landed so: migrations are never renamed afterwards, for a database knows them by name."""


def test_no_two_migrations_have_one_number() -> None:
    """Else their order follows from their names, and two who work at once do not see each other."""
    root = Path(services.__path__[0])
    found = Counter((path.parent.parent.name, path.name[:4]) for path in root.glob("*/migrations/*.sql"))
    assert {place for place, count in found.items() if count > 1} == TWICE
