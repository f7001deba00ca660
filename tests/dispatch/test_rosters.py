"""Rosters: who should be on duty, who is missing, who gave a shift to whom, whose certificate has ended."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.dispatch.store import shifts
from shared.thai.dates import BANGKOK, local_day
from shared.work import new_id, now_utc
from tests.dispatch.conftest import Town, Unit
from tests.harness import AREA, bearer


def supervisor() -> dict[str, str]:
    """Made when it is needed: a token made as this file is read may have ended when its turn comes."""
    return bearer("supervisor")


def day(ahead: int) -> date:
    return local_day(now_utc()) + timedelta(days=ahead)


def at(ahead: int, hour: int) -> datetime:
    """That many days from now, at that hour in Kalasin."""
    return datetime.combine(day(ahead), datetime.min.time(), BANGKOK) + timedelta(hours=hour)


async def put(
    town: Town, unit: Unit, begins: datetime, hours: float = 8, *, shift_id: UUID | None = None, status: int = 201,
    **more: Any,
) -> dict[str, Any]:  # fmt: skip
    body = {
        "unit_id": str(unit.id), "from_at": begins.isoformat(), "until_at": (begins + timedelta(hours=hours)).isoformat(),
        "crew_ids": [str(member) for member in unit.crew], **more,
    }  # fmt: skip
    path = f"/v1/shifts/{shift_id or new_id()}"
    answer = await town.running.client.put(path, json=body, headers=town.desk)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


def as_crew(member: UUID) -> dict[str, str]:
    return bearer("crew", subject=str(member), crew_id=str(member))


async def crew_of(town: Town, shift_id: str) -> set[str]:
    [shift] = [each for each in (await town.get("/v1/shifts"))["items"] if each["id"] == shift_id]
    return set(shift["crew_ids"])


async def test_a_week_of_shifts_is_put_seen_changed_and_dropped(town: Town) -> None:
    unit = await town.unit(1, on=False)
    made = await put(town, unit, at(1, 8), kind="patrol", note="ตลาด")
    assert (made["made"], made["changed"], made["short_of_level"]) == (True, True, False)
    again = await put(town, unit, at(1, 8), shift_id=UUID(made["id"]), status=200, kind="patrol", note="ตลาด")
    assert again["changed"] is False
    night = await put(town, unit, at(1, 20), 12)
    week = (await town.get("/v1/shifts", **{"from": day(1), "to": day(1)}))["items"]
    assert [(each["id"], each["kind"]) for each in week] == [(made["id"], "patrol"), (night["id"], "emergency")]
    next_day = (await town.get("/v1/shifts", **{"from": day(2), "to": day(2)}))["items"]
    assert [each["id"] for each in next_day] == [night["id"]], "a night shift is of both days"
    assert [each.id for each in await shifts.shifts_of(town.running.runtime.pool, AREA, day(2))] == [UUID(night["id"])]
    gone = await town.running.client.delete(f"/v1/shifts/{night['id']}", headers=town.desk)
    assert gone.status_code == 204
    assert (await town.get("/v1/shifts", **{"from": day(2), "to": day(2)}))["items"] == []
    assert await town.types("dispatch.shift") == ["shift.planned", "shift.planned", "shift.dropped"]


async def test_nobody_is_in_two_places_and_no_unit_in_two_shifts(town: Town) -> None:
    one, other = await town.unit(1, on=False), await town.unit(2, on=False)
    await put(town, one, at(1, 8))
    assert (await put(town, one, at(1, 15), status=409, crew_ids=[]))["code"] == "unit_elsewhere"
    taken = await put(town, other, at(1, 15), status=409, crew_ids=[str(one.crew[0])])
    assert taken["code"] == "crew_elsewhere"
    await put(town, other, at(1, 16), crew_ids=[str(one.crew[0])])  # a shift ends when the next begins
    empty = await put(town, await town.unit(3, on=False), at(1, 9), crew_ids=[])
    fill = "insert into shift_crew (shift_id, crew_id, during) select id, $1, during from shift where id = $2"
    with pytest.raises(asyncpg.ExclusionViolationError):
        await town.running.sql(fill, one.crew[0], UUID(empty["id"]))


async def test_two_who_put_the_same_person_at_once_do_not_both_get_them(town: Town) -> None:
    one, other = await town.unit(1, on=False), await town.unit(2, on=False)
    body = {"from_at": at(1, 8).isoformat(), "until_at": at(1, 16).isoformat(), "crew_ids": [str(one.crew[0])]}
    answers = await asyncio.gather(*(
        town.running.client.put(f"/v1/shifts/{new_id()}", json={**body, "unit_id": str(unit.id)}, headers=town.desk)
        for unit in (one, other)
    ))  # fmt: skip
    assert sorted(answer.status_code for answer in answers) == [201, 409]


async def test_what_is_over_stays_as_it_was(town: Town) -> None:
    unit = await town.unit(1, on=False)
    now = now_utc()
    assert (await put(town, unit, now - timedelta(hours=9), status=409))["code"] == "shift_over"
    begun = await put(town, unit, now - timedelta(hours=1))
    refused = await town.running.client.delete(f"/v1/shifts/{begun['id']}", headers=town.desk)
    assert refused.json()["code"] == "shift_begun"
    assert (await put(town, unit, at(2, 8), 49, status=422))["code"] == "shift_too_long"


async def certified(town: Town, skill: str, last_on: date) -> UUID:
    body = {"area": AREA, "kind": "staff", "name": "ผู้มีใบรับรอง", "skills": {skill: last_on.isoformat()}}
    return await town.put("crew", body)


async def test_a_certificate_is_spoken_of_before_it_ends_and_refused_after(town: Town) -> None:
    unit = await town.unit(1, on=False)
    member = await certified(town, "paramedic", day(10))
    near = await put(town, unit, at(9, 8), crew_ids=[str(member)])
    assert [(each["skill"], each["days_left"]) for each in near["ending"]] == [("paramedic", 1)]
    assert near["short_of_level"] is False
    last = await put(town, unit, at(10, 16), 8, crew_ids=[str(member)])
    assert last["ending"][0]["days_left"] == 0, "valid on its last day, until midnight"
    late = await put(town, unit, at(11, 8), status=422, crew_ids=[str(member)])
    assert late["code"] == "certificate_ended"
    assert "Paramedic" in late["th"]
    ends = [each for each in (await town.get("/v1/certificates"))["items"] if each["crew_id"] == str(member)]
    assert [(each["skill"], each["days_left"]) for each in ends] == [("paramedic", 10)]
    driver = await town.member(("driving",))
    assert (await put(town, unit, at(12, 8), crew_ids=[str(driver)]))["short_of_level"] is True


async def test_whoever_holds_a_certificate_that_ends_is_told_and_once_renewed_no_more(town: Town) -> None:
    skills = {"paramedic": day(40).isoformat(), "driving": None}
    body = {"area": AREA, "kind": "volunteer", "name": "ผู้มีใบรับรอง", "skills": skills}
    member = await town.put("crew", body)

    async def due() -> list[datetime]:
        asked = "select due_at from due where kind = 'certificate_ends' and subject_id = $1"
        return [row["due_at"] for row in await town.running.sql(asked, member)]

    [row] = [each for each in (await town.get("/v1/certificates"))["items"] if each["crew_id"] == str(member)]
    assert row["tells_on"] == day(10).isoformat()
    for ahead in (10, 33):  # 30 and 7 days before its last day, at nine in the morning
        assert await due() == [at(ahead, 9)]
        await town.running.do_due("certificate_ends")
    said = await town.running.said("dispatch.crew.certificate_ending")
    assert [event["data"]["private"] for event in said] == [{"skill": "paramedic", "last_on": day(40).isoformat()}] * 2
    assert await due() == []

    renewed = {**body, "skills": {"paramedic": day(20).isoformat(), "first_aid": day(70).isoformat()}}
    await town.put("crew", renewed, member)
    assert await due() == [at(13, 9)], "of two certificates the first to be spoken of"
    await town.put("crew", {**renewed, "skills": {"paramedic": day(400).isoformat()}}, member)
    assert await due() == [at(370, 9)], "renewed: what was due is gone"
    await town.put("crew", {**renewed, "active": False}, member)
    assert await due() == []


async def test_members_say_how_soon_they_are_on_the_road_and_it_counts_with_the_drive(town: Town) -> None:
    near, far = await town.unit(1, volunteer=True), await town.unit(3, volunteer=True)
    slow, other = near.crew

    async def says(member: UUID, minutes: int, headers: dict[str, str]) -> int:
        path = f"/v1/crew/{member}/leaving"
        answer = await town.running.client.put(path, json={"leaves_after_min": minutes}, headers=headers)
        return int(answer.status_code)

    trip = (await town.trip(await town.call(severity="green")))["id"]
    first = (await town.get(f"/v1/trips/{trip}/recommendations"))["items"]
    assert [each["unit_id"] for each in first] == [str(near.id), str(far.id)]
    assert await says(slow, 10, as_crew(slow)) == 200
    assert await says(slow, 10, as_crew(other)) == 404, "nobody says it for somebody else"
    assert await says(slow, 121, as_crew(slow)) == 422
    assert (await town.get("/v1/own/duty", headers=as_crew(slow)))["leaves_after_min"] == 10
    then = (await town.get(f"/v1/trips/{trip}/recommendations"))["items"]
    assert [each["unit_id"] for each in then] == [str(far.id), str(near.id)], "a van leaves when the last one is there"
    assert any("10 minutes later" in reason["en"] for reason in then[1]["reasons"])
    assert await says(slow, 0, bearer("supervisor")) == 200
    again = (await town.get(f"/v1/trips/{trip}/recommendations"))["items"]
    assert [each["unit_id"] for each in again] == [str(near.id), str(far.id)]


async def test_a_member_sees_own_shifts_swaps_and_whom_to_ask(town: Town) -> None:
    unit = await town.unit(1, on=False)
    giver, stays = unit.crew
    taker = await town.member(("paramedic",))
    shift = await put(town, unit, at(2, 8))
    own = await town.get("/v1/own/duty", headers=as_crew(giver))
    names = {row["id"]: row["name"] for row in await town.running.sql("select id, name from crew")}
    assert [(each["id"], each["mates"]) for each in own["shifts"]] == [(shift["id"], [names[stays]])]
    assert {each["id"] for each in own["colleagues"]} == {str(stays), str(taker)}
    assert {each["skill"] for each in own["certificates"]}
    await town.post(f"/v1/shifts/{shift['id']}/swaps", {"to_crew_id": str(taker)}, status=201, headers=as_crew(giver))
    for member, gives, other in ((giver, True, taker), (taker, False, giver)):
        [swap] = (await town.get("/v1/own/duty", headers=as_crew(member)))["swaps"]
        assert (swap["gives"], swap["other_name"], swap["status"]) == (gives, names[other], "asked")
    assert (await town.get("/v1/own/duty", headers=as_crew(stays)))["swaps"] == []
    assert await town.running.audited("ask_swap") == [UUID(shift["id"])]
    assert await town.running.audited("read_own_duty") == [giver, giver, taker, stays], "who saw whose names"
    assert (await town.get("/v1/own/duty", headers=as_crew(new_id())))["shifts"] == []
    assert (await town.running.client.get("/v1/own/duty", headers=town.desk)).status_code == 403


async def test_a_swap_is_asked_agreed_and_approved(town: Town) -> None:
    unit = await town.unit(1, on=False)
    giver, stays = unit.crew
    taker = await town.member(("paramedic",))
    shift = await put(town, unit, at(2, 8))
    path, body = f"/v1/shifts/{shift['id']}/swaps", {"to_crew_id": str(taker)}
    assert await town.post(path, body, status=404, headers=as_crew(taker)), "whose shift it is not"
    swap = await town.post(path, body, status=201, headers=as_crew(giver))
    assert (await town.post(path, body, status=409, headers=as_crew(giver)))["code"] == "swap_open"
    answer = f"/v1/swaps/{swap['id']}/answer"
    assert (await town.post(answer, {"act": "approve"}, status=409, headers=supervisor()))["code"] == "out_of_order"
    await town.post(answer, {"act": "agree"}, status=404, headers=as_crew(giver))
    await town.post(answer, {"act": "agree"}, status=404, headers=as_crew(stays))
    agreed = await town.post(answer, {"act": "agree"}, headers=as_crew(taker))
    assert agreed["status"] == "agreed"
    assert (await town.post(answer, {"act": "approve"}, status=403))["code"] == "supervisor_only"
    assert await crew_of(town, shift["id"]) == {str(giver), str(stays)}, "nothing changes before it is approved"
    await town.post(answer, {"act": "approve"}, headers=supervisor())
    assert await crew_of(town, shift["id"]) == {str(taker), str(stays)}
    assert (await town.get("/v1/swaps"))["items"] == []
    said = ["swap.asked", "swap.answered", "swap.answered", "shift.planned"]
    assert sorted((await town.types())[-4:]) == sorted(said)


async def test_two_members_change_places_at_the_same_hours(town: Town) -> None:
    one, other = await town.unit(1, on=False), await town.unit(2, on=False)
    first, second = await put(town, one, at(2, 8)), await put(town, other, at(2, 8))
    body = {"from_crew_id": str(one.crew[0]), "to_crew_id": str(other.crew[0]), "for_shift_id": second["id"]}
    swap = await town.post(f"/v1/shifts/{first['id']}/swaps", body, status=201)
    await town.post(f"/v1/swaps/{swap['id']}/answer", {"act": "agree"})
    await town.post(f"/v1/swaps/{swap['id']}/answer", {"act": "approve"}, headers=supervisor())
    assert await crew_of(town, first["id"]) == {str(other.crew[0]), str(one.crew[1])}
    assert await crew_of(town, second["id"]) == {str(one.crew[0]), str(other.crew[1])}


async def test_a_swap_whose_giver_leaves_the_shift_is_withdrawn_and_nobody_is_swapped_into_two_places(
    town: Town,
) -> None:
    one, other = await town.unit(1, on=False), await town.unit(2, on=False)
    shift, _ = await put(town, one, at(2, 8)), await put(town, other, at(2, 8))
    body = {"from_crew_id": str(one.crew[0]), "to_crew_id": str(other.crew[0])}
    swap = await town.post(f"/v1/shifts/{shift['id']}/swaps", body, status=201)
    await town.post(f"/v1/swaps/{swap['id']}/answer", {"act": "agree"})
    path = f"/v1/swaps/{swap['id']}/answer"
    busy = await town.post(path, {"act": "approve"}, status=409, headers=supervisor())
    assert busy["code"] == "crew_elsewhere"
    await put(town, one, at(2, 8), shift_id=UUID(shift["id"]), status=200, crew_ids=[str(one.crew[1])])
    gone = await town.post(path, {"act": "refuse"}, status=409, headers=supervisor())
    assert gone["code"] == "out_of_order"
    body = {"from_crew_id": str(one.crew[1]), "to_crew_id": str(other.crew[0])}
    await town.post(f"/v1/shifts/{shift['id']}/swaps", body, status=201)
    await town.running.sql(
        "update shift set during = tstzrange(now() - interval '9 hours', now() - interval '1 hour') where id = $1",
        UUID(shift["id"]),
    )
    assert (await town.get("/v1/swaps"))["items"] == [], "nobody is asked about a shift that is over"


async def test_the_roster_says_who_is_missing_now(town: Town) -> None:
    unit, idle = await town.unit(1, on=False), await town.unit(2)
    guest = await town.member()
    await put(town, unit, now_utc() - timedelta(minutes=1))
    await town.duty(unit, crew_ids=[str(unit.crew[0]), str(guest)])
    now = await town.get("/v1/roster/now")
    [standing] = now["items"]
    assert (standing["present"], standing["missing"]) == ([str(unit.crew[0])], [str(unit.crew[1])])
    assert standing["extra"] == [str(guest)]
    assert now["unplanned"] == [str(idle.id)]
    await put(town, await town.unit(3, exercise=True), now_utc() - timedelta(minutes=1))
    assert len((await town.get("/v1/roster/now"))["items"]) == 1, "nobody is missed at an exercise"


async def test_a_crew_sees_its_own_shifts_and_one_who_is_erased_is_in_none(town: Town) -> None:
    unit = await town.unit(1, on=False)
    shift = await put(town, unit, at(1, 8))
    assert len((await town.get("/v1/shifts", headers=as_crew(unit.crew[0])))["items"]) == 1
    assert (await town.get("/v1/shifts", headers=as_crew(new_id())))["items"] == []
    await town.post(f"/v1/crew/{unit.crew[0]}/erase", status=204, headers=supervisor())
    assert await crew_of(town, shift["id"]) == {str(unit.crew[1])}
