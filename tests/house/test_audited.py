"""Who reads or writes something of a person leaves a row of the audit: asked of every route of every service.

``objects.py`` says how each route is asked for a thing of the municipality; a route that is new stands there, so none
can forget its row. What tells and changes nothing of a person stands with its reason in ``audited.toml``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shared.work import new_id
from tests.harness import ROOT, Running, bearer
from tests.house.objects import Asked, objects_of
from tests.house.test_roles import DECIDES, MATRIX, allowed, ask
from tests.house.worlds import SERVICES
from tests.platform_fixtures import MakeDatabase

SPARED: dict[str, dict[str, str]] = tomllib.loads(Path(__file__).with_name("audited.toml").read_text("utf-8"))
ELSEWHERE = SPARED["elsewhere"]
ROWS = "select caller, role, purpose, act, noun, subject_id, detail, areas, hash from audit where id > $1 order by id"
LAST = "select coalesce(max(id), 0) as id from audit"
AFRESH: dict[str, Callable[[Asked], Asked]] = {
    # The same part of a file, and the same picture, a second time do nothing.
    "POST /v1/imports": lambda asked: replace(asked, body={**asked.body, "file": "1" * 64}),
    "PUT /v1/pictures/{picture_id}": lambda asked: replace(
        asked, path=f"/v1/pictures/{new_id()}?{asked.path.partition('?')[2]}"
    ),
}
"""Requests that would be answered out of what was done before."""


async def rows_of(running: Running, operation: str, asked: Asked, headers: dict[str, str]) -> tuple[int, list[Any]]:
    """How it was answered, and which rows of the audit it left."""
    before = (await running.sql(LAST))[0]["id"]
    asked = AFRESH.get(operation, lambda same: same)(asked)
    answer = await ask(running, operation.split(" ", maxsplit=1)[0], asked.path, headers, asked.body)
    return answer.status_code, await running.sql(ROWS, before)


def is_told(row: Any, role: str) -> bool:
    """Who, in which role, what for, what, and of whom or what; in a chain."""
    who = (row["caller"], row["role"], row["purpose"]) == (f"person:test-{role}", role, "care")
    return bool(who and row["act"] and row["noun"] and (row["subject_id"] or row["detail"]) and row["hash"])


async def look(name: str, running: Running, only: set[str] | None) -> tuple[list[str], set[str]]:
    """Ask for everything (or ``only`` this) by whoever may: what is wrong, and what was not answered with success."""
    things = await objects_of(name, running)
    spared, wrong, refused = {**SPARED["every"], **SPARED[name]}, [], set()
    for operation, asked in things.asked.items():
        if only is not None and operation not in only:
            continue
        roles = allowed(MATRIX[name][operation])
        role = asked.by or next(one for one in ("supervisor", *sorted(roles)) if one in roles)
        as_whom = {"crew_id": str(asked.crew_id)} if asked.crew_id else {}
        status, rows = await rows_of(running, operation, asked, bearer(role, **as_whom))
        told = [f"{row['act']} {row['noun']}" for row in rows]
        if operation in spared:
            wrong += [f"{operation} is spared and leaves {told}"] if rows else []
        elif status >= 300:
            refused.add(operation)
        elif not rows or not all(is_told(row, role) for row in rows):
            wrong.append(f"{operation} → {status} leaves {told}")
    return wrong, refused


@pytest.mark.parametrize("name", SERVICES)
async def test_whoever_reads_or_writes_of_a_person_leaves_a_row(
    name: str, database: MakeDatabase, tmp_path: Path
) -> None:
    async with SERVICES[name](database, tmp_path) as running:
        wrong, refused = await look(name, running, None)
    assert wrong == []
    if refused:  # what was done before stood against it: in a world where nothing was
        async with SERVICES[name](database, tmp_path) as running:
            wrong, refused = await look(name, running, refused)
        assert wrong == []
    assert refused == set(ELSEWHERE) & set(MATRIX[name]) - UNASKED


UNASKED = {"POST /v1/withdrawals/acknowledge"}
"""An agency's alone to do: ``objects.py`` has no question for it."""


async def test_every_route_is_asked_or_has_its_reason(database: MakeDatabase, tmp_path: Path) -> None:
    for name in SERVICES:
        async with SERVICES[name](database, tmp_path) as running:
            things = await objects_of(name, running)
        routes = {operation for operation, line in MATRIX[name].items() if line != "public"}
        spared = {*SPARED["every"], *SPARED[name]}
        assert set(SPARED[name]) <= routes, "every line has its route"
        assert things.without_objects - spared - UNASKED == {"GET /v1/audit/verify"}


@pytest.mark.parametrize("operation", ELSEWHERE)
def test_what_is_held_elsewhere_is_held_there(operation: str) -> None:
    act, file = ELSEWHERE[operation].split(" in ")
    assert f'.audited("{act}")' in (ROOT / file).read_text("utf-8")


async def test_an_agency_that_is_refused_a_person_leaves_a_row_of_that(database: MakeDatabase, tmp_path: Path) -> None:
    """Whom they asked about, and what is missing: a refusal tells the privacy officer as much as a look."""
    async with SERVICES["registry"](database, tmp_path) as running:
        things = await objects_of("registry", running)
        refused, wrong = set(), []
        headers = bearer("supervisor", agency_id=new_id())
        for operation in sorted(DECIDES & set(things.asked)):
            status, rows = await rows_of(running, operation, things.asked[operation], headers)
            if status == 403:
                refused.add(operation)
                if [row["act"] for row in rows] != ["read_refused"] or not rows[0]["detail"]["missing"]:
                    wrong.append(f"{operation} leaves {[row['act'] for row in rows]}")
        assert wrong == []
        assert {"POST /v1/persons/search", "GET /v1/persons/{person_id}", "GET /v1/cases/{case_id}"} <= refused
