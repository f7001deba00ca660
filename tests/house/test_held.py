"""Accounts that are held to places, on every route that is served: who lives elsewhere does not exist for them.

``objects.py`` says how each route is asked for a thing of the municipality; a route that is new stands there, so none
can forget the rule.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.registry.rules.access import ROUTES
from shared.auth import NOT_FOR_HELD, OUTSIDERS, Role
from shared.work import new_id
from tests.harness import AREA, Running, problem_of
from tests.house.objects import NOTHING, PLACE, Asked, Things, objects_of
from tests.house.test_roles import MATRIX, allowed, anywhere, ask, guarded, who
from tests.house.worlds import SERVICES
from tests.platform_fixtures import MakeDatabase

ELSEWHERE = f"{AREA}:elsewhere"
WHOLE = {operation for operation, rule in ROUTES.items() if rule.whole}
OF_ALL = frozenset(role.value for role in Role)
LIVE_THERE = """
insert into address (id, person_id, kind, area_code, since_on) select gen_random_uuid(), id, 'current', $1, '2020-01-01'
from person where erased_at is null
on conflict (person_id, kind) where until_on is null do update set area_code = excluded.area_code
"""


async def furnished(running: Running) -> Things:
    """Everything of the municipality; everybody of it lives in one community."""
    things = await objects_of("registry", running)
    await running.sql(LIVE_THERE, PLACE)
    return things


def told_in(text: str, things: Things, asked: Asked) -> list[str]:
    """Ids of things that an answer tells and nobody had asked for, or that are the very thing that a list finds."""
    said = f"{asked.path} {asked.body}"
    return [known for known in things.ids if known in text and (known not in said or known == asked.finds)]


def refused_only(asked: Asked, things: Things) -> frozenset[int]:
    """What may not be answered where the request itself points at a thing, by its address or in its body."""
    points = any(known in f"{asked.path} {asked.body}" for known in things.ids)
    return frozenset({200, 201}) if points and asked.refusals != NOTHING else frozenset()


def of_the_registry(things: Things) -> Iterator[tuple[str, Asked, frozenset[str]]]:
    for operation, asked in things.asked.items():
        yield operation, asked, allowed(MATRIX["registry"][operation])


async def test_who_lives_elsewhere_does_not_exist_for_an_account_that_is_held(
    database: MakeDatabase, tmp_path: Path
) -> None:
    async with SERVICES["registry"](database, tmp_path) as running:
        things = await furnished(running)
        wrong = []
        for operation, asked, roles in of_the_registry(things):
            for role in sorted(roles):
                headers = who(role, subject="held", places=[ELSEWHERE])
                answer = await ask(running, operation.split(" ")[0], asked.path, headers, asked.body)
                place = f"{role}: {operation} → {answer.status_code} {answer.text[:200]}"
                if asked.of_nobody:
                    assert answer.status_code < 500, place
                elif answer.status_code not in {200, 201, 403, 404} or answer.status_code in refused_only(
                    asked, things
                ):
                    wrong.append(place)
                elif answer.status_code < 400 and told_in(answer.text, things, asked):
                    wrong.append(f"tells {place}")
        assert wrong == []


async def test_in_their_own_place_they_work_as_everybody(database: MakeDatabase, tmp_path: Path) -> None:
    """The refusals above were those of the place and of nothing else."""
    async with SERVICES["registry"](database, tmp_path) as running:
        things = await furnished(running)
        wrong = []
        for operation, asked, roles in of_the_registry(things):
            role = asked.by or next(one for one in ("supervisor", *sorted(roles)) if one in roles)
            as_whom = {"crew_id": str(asked.crew_id)} if asked.crew_id else {}
            headers = who(role, places=[PLACE], **as_whom)
            answer = await ask(running, operation.split(" ")[0], asked.path, headers, asked.body)
            if operation in WHOLE or operation not in ROUTES:
                assert (answer.status_code, problem_of(answer)["code"]) == (403, NOT_FOR_HELD[1]), operation
            elif answer.status_code not in {200, 201, 202, 204, 409, 503}:
                wrong.append(f"{operation} → {answer.status_code} {answer.text[:200]}")
            elif asked.refusals == NOTHING and asked.finds not in answer.text:
                wrong.append(f"{operation} does not find it: {answer.text[:200]}")
        assert wrong == []


@pytest.mark.parametrize("name", [name for name in SERVICES if name != "registry"])
async def test_what_does_not_decide_by_place_is_closed_to_them(
    name: str, database: MakeDatabase, tmp_path: Path
) -> None:
    """Calls, trips and messages know no place of people: desks that are held do not come in, crews see their own."""
    async with SERVICES[name](database, tmp_path) as running:
        for method, path, roles in guarded(name):
            for role in sorted(roles - OUTSIDERS):
                answer = await ask(running, method, anywhere(path), who(role, places=[PLACE], crew_id=str(new_id())))
                closed = roles != OF_ALL or path == "/v1/events"
                said = problem_of(answer)["code"] if answer.status_code == 403 else ""
                assert (said == NOT_FOR_HELD[1]) == closed, f"{role}: {method} {path} → {answer.status_code}"
        feed = await ask(running, "GET", "/v1/events", who("volunteer", places=[PLACE]))
        assert problem_of(feed)["code"] == NOT_FOR_HELD[1]
