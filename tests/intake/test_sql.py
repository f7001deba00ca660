"""Every statement of intake's stores is one that the migrated database can prepare."""

from __future__ import annotations

import importlib
import pkgutil

from services.intake import store
from shared import audit, erasure, limits
from tests.harness import Running


async def test_every_statement_can_be_prepared(intake: Running) -> None:
    modules = [
        importlib.import_module(f"services.intake.store.{each.name}") for each in pkgutil.iter_modules(store.__path__)
    ]
    wrong = []
    async with intake.runtime.pool.acquire() as connection:
        for module in (*modules, audit, erasure, limits):
            for name, text in vars(module).items():
                if not (name.isupper() and isinstance(text, str) and len(text.split()) > 3):
                    continue
                try:
                    await connection.prepare(text)
                except Exception as problem:  # noqa: BLE001 all of them are shown
                    wrong.append(f"{module.__name__}.{name}: {problem}")
    assert wrong == []
