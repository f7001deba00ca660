"""Gaps: who of a group lacks what, by where they live; small counts are kept back from whoever sees counts alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from services.registry.rules.gaps import GAPS, URGENCIES, Tally, by_tambon, publishable, summed
from shared.work import now_utc
from tests.harness import Running, bearer, problem_of
from tests.registry.conftest import add, goes_to, read

CARE = "case_manager"


def tally(place: str | None, people: int, **gaps: int) -> Tally:
    return Tally(place, people, {gap: gaps.get(gap, 0) for gap in GAPS}, dict.fromkeys(URGENCIES, 0))


def test_villages_are_counted_with_their_tambon_and_unknown_places_stand_last() -> None:
    places = [tally(None, 1), tally("46010102", 5, no_phone=2), tally("460101", 3), tally("kalasin:wat", 2)]
    rolled = by_tambon(places)
    assert [(one.place, one.people, one.gaps["no_phone"]) for one in rolled] == [
        ("460101", 8, 2), ("kalasin:wat", 2, 0), (None, 1, 0),
    ]  # fmt: skip
    assert summed(rolled).people == 11
    assert summed([]).people == 0


@pytest.mark.parametrize(
    ("people", "no_phone", "shown"),
    [(20, 0, 0), (20, 4, None), (20, 5, 5), (20, 15, 15), (20, 16, None), (20, 20, 20), (4, 0, None), (0, 0, 0)],
)
def test_a_count_of_few_or_of_all_but_few_points_at_people(people: int, no_phone: int, shown: int | None) -> None:
    total, _ = publishable(tally(None, people, no_phone=no_phone), [])
    assert total.gaps["no_phone"] == shown


def test_what_is_kept_back_does_not_follow_from_the_total() -> None:
    places = [tally("a", 50, no_phone=20), tally("b", 40, no_phone=10), tally("c", 3, no_phone=3)]
    total, shown = publishable(summed(places), places)
    assert (total.people, total.gaps["no_phone"]) == (93, 33)
    assert [one.people for one in shown] == [50, None, None]
    assert [one.gaps["no_phone"] for one in shown] == [20, None, None]


def test_where_there_is_no_second_to_keep_back_the_total_is() -> None:
    places = [tally("a", 10, no_phone=2), tally("b", 50)]
    total, shown = publishable(summed(places), places)
    assert (total.people, total.gaps["no_phone"], total.gaps["not_visited"]) == (60, None, 0)
    assert [one.gaps["no_phone"] for one in shown] == [None, 0]


def test_two_urgencies_and_the_open_needs_of_their_row_do_not_tell_the_third() -> None:
    places = [needy(30, 2, 8, 0), needy(40, 0, 7, 9), needy(50, 9, 9, 9)]
    total, shown = publishable(summed(places), places)
    assert (total.gaps["open_need"], [one.gaps["open_need"] for one in shown]) == (53, [10, 16, 27])
    assert [set(one.needs.values()) for one in shown] == [{None}, {0, 7, 9}, {None}], "where nobody is hides nobody"
    assert set(total.needs.values()) == {11, 24, 18}


def needy(people: int, *needs: int) -> Tally:
    return Tally(
        None, people, {**dict.fromkeys(GAPS, 0), "open_need": sum(needs)}, dict(zip(URGENCIES, needs, strict=True))
    )


EVERYBODY = 1000
FEW_OR_MANY = st.one_of(st.integers(0, 8), st.integers(0, 60))


@st.composite
def towns(draw: st.DrawFn) -> list[Tally]:
    """One to four places in which every count may be few, none, all or many."""
    places = []
    for _ in range(draw(st.integers(1, 4))):
        needs = [draw(FEW_OR_MANY) for _ in URGENCIES]
        people = sum(needs) + draw(FEW_OR_MANY)
        gaps = {gap: draw(st.integers(0, people)) for gap in GAPS}
        places.append(Tally(None, people, {**gaps, "open_need": sum(needs)}, dict(zip(URGENCIES, needs, strict=True))))
    return places


@given(towns())
@settings(max_examples=100, deadline=None)
def test_nothing_that_is_kept_back_can_be_computed_from_what_is_shown(places: list[Tally]) -> None:
    """Whatever is kept back could be one person more or less, for all that sums, people and open needs tell."""
    total, shown = publishable(summed(places), places)
    true, told = [*map(numbers, [*places, summed(places)])], [*map(numbers, [*shown, total])]
    width = len(true[0])
    equal, below = relations(len(true), width)
    bounds = [(0, EVERYBODY) if count is None else (count, count) for row in told for count in row]
    for at, count in enumerate(count for row in told for count in row):
        row, column = divmod(at, width)
        if count is None and true[row][column]:
            aim = [0.0] * len(bounds)
            aim[at] = 1.0
            least, most = (
                sign
                * linprog([sign * one for one in aim], below, [0] * len(below), equal, [0] * len(equal), bounds).fun
                for sign in (1, -1)
            )
            assert most - least >= 1, (row, column, true, told)


def numbers(tally: Tally) -> list[int | None]:
    return [tally.people, *tally.gaps.values(), *tally.needs.values()]


def relations(rows: int, width: int) -> tuple[list[list[int]], list[list[int]]]:
    """What everybody knows: the last row is the sum of the others, open needs are those of all urgencies; and nobody

    lacks anything who is not there.
    """

    def line(signs: dict[tuple[int, int], int]) -> list[int]:
        return [signs.get((row, column), 0) for row in range(rows) for column in range(width)]

    need, levels = 1 + GAPS.index("open_need"), range(1 + len(GAPS), width)
    equal = [line({(row, column): 1 for row in range(rows - 1)} | {(rows - 1, column): -1}) for column in range(width)]
    equal += [line({(row, level): 1 for level in levels} | {(row, need): -1}) for row in range(rows)]
    below = [line({(row, column): 1, (row, 0): -1}) for row in range(rows) for column in range(1, width)]
    return equal, below


async def in_group(registry: Running, tambon: str, **body: Any) -> UUID:
    where = {"current": {"area_code": tambon}}
    return await add(registry, groups=["bedridden"], addresses=where, **body)


async def counts(registry: Running, role: str = CARE, query: str = "") -> dict[str, Any]:
    return await read(registry, f"/v1/gaps?group=bedridden{query}", role)


def told(gaps: dict[str, Any]) -> dict[str, int | None]:
    return {one["gap"]["code"]: one["people"] for one in gaps["gaps"]}


async def lacking(registry: Running, gap: str, query: str = "") -> list[str]:
    body = await read(registry, f"/v1/gaps/people?group=bedridden&gap={gap}{query}", CARE)
    return [item["person_id"] for item in body["items"]]


async def test_who_lacks_what_is_counted_by_place_and_listed_for_who_cares(registry: Running) -> None:
    cared = await in_group(registry, "460101", name="มานี", phone="0812345601")
    alone = await in_group(registry, "460101")
    far = await in_group(registry, "460201", phone="0812345602")
    await in_group(registry, "460101", exercise=True)
    await add(registry, addresses={"current": {"area_code": "460101"}})
    at = f"/v1/persons/{cared}"
    for one in (cared, alone, far):
        volunteer = bearer("volunteer", **await goes_to(registry, one))
    home = {"lon": 103.5, "lat": 16.43, "method": "visit"}
    await registry.client.post(f"{at}/locations", json=home, headers=bearer("registry_officer"))
    visit = {"person_id": str(cared), "fields": {"result": {"value": "as_told"}}}
    await registry.client.put(f"/v1/visits/{cared.hex[:-4]}0000", json=visit, headers=volunteer)
    sheet = {"instrument": "depression_2q", "answers": {"low": 0, "joyless": 0}}
    await registry.client.post(f"{at}/assessments", json=sheet, headers=volunteer)
    for person_id, urgency in ((alone, 9), (far, 1)):
        need = {"need": "food", "urgency": urgency}
        await registry.client.post(f"/v1/persons/{person_id}/needs", json=need, headers=volunteer)

    found = await counts(registry)
    assert found["whole"]
    assert (found["total"]["people"], told(found["total"])) == (
        3, {"not_visited": 2, "no_verified_point": 2, "no_phone": 1, "not_assessed": 2, "open_need": 2},
    )  # fmt: skip
    assert [(one["code"], one["people"]) for one in found["places"]] == [("460101", 2), ("460201", 1)]
    assert found["places"][0]["th"].startswith("ต.")
    assert {one["urgency"]["code"]: one["people"] for one in found["total"]["needs"]} == {"9": 1, "5": 0, "1": 1}
    assert (await counts(registry, query="&area_code=4602"))["total"]["people"] == 1
    assert await lacking(registry, "open_need") == [str(alone), str(far)], "the most urgent first"
    assert await lacking(registry, "no_phone") == [str(alone)]
    assert await lacking(registry, "open_need", "&limit=1&skip=1") == [str(far)]
    assert await lacking(registry, "not_visited", "&area_code=4602") == [str(far)]
    longer = now_utc() - timedelta(days=100)
    await registry.sql("update visit set visited_at = $1", longer)
    assert set(await lacking(registry, "not_visited")) == {str(cared), str(alone), str(far)}
    assert str(cared) not in await lacking(registry, "not_visited", "&days=200")

    few = await counts(registry, "auditor")
    assert (few["whole"], few["total"]["people"], few["places"][0]["people"]) == (False, None, None)
    for role in ("auditor", "admin"):
        part = await registry.client.get("/v1/gaps?group=bedridden&area_code=460101", headers=bearer(role))
        assert (part.status_code, problem_of(part)["code"]) == (403, "all_of_it"), role
        span = await registry.client.get("/v1/gaps?group=bedridden&days=91", headers=bearer(role))
        assert (span.status_code, problem_of(span)["code"]) == (403, "one_period"), "two periods tell of single visits"
    unheard = await registry.client.get("/v1/gaps?group=nothing", headers=bearer(CARE))
    assert problem_of(unheard)["errors"][0]["field"] == "group"
    rows = await registry.sql("select purpose from audit where act = 'list_gaps'")
    assert {row["purpose"] for row in rows} == {"care"}


async def test_linked_records_are_one_person_and_secret_people_are_in_no_count(registry: Running) -> None:
    one, other = await in_group(registry, "460101"), await in_group(registry, "460101", phone="0812345603")
    hidden = await in_group(registry, "460101")
    await registry.sql("update person set disclosure = 'secret' where id = $1", hidden)
    link = {"survivor_id": str(one)}
    linked = await registry.client.post(f"/v1/persons/{other}/link", json=link, headers=bearer("registry_officer"))
    assert linked.status_code == 200, linked.text
    found = await counts(registry)
    assert (found["total"]["people"], told(found["total"])["no_phone"]) == (1, 0)
    assert await lacking(registry, "not_visited") == [str(one)]
    assert (await counts(registry, "supervisor", "&area_code=4602"))["total"]["people"] == 0
