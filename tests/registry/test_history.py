"""A person's history: a line for everything that was heard, once and in order, and the same again after a replay."""

from __future__ import annotations

import asyncio
import random
from datetime import datetime
from typing import Any

import pytest

from services.registry.app import HEARS, SERVICE
from services.registry.projection import forget
from shared.events import dispatch, intake, notify
from shared.events.base import TYPES
from shared.events.envelope import decode
from shared.heard import Raw
from shared.streams import HEARS as NOUNS
from shared.work import Cause, new_id, now_utc
from tests.harness import Running
from tests.registry.conftest import Call, add, cid, history, person_of, read, somsri

SEVEN = (
    dispatch.AssignmentOrdered, dispatch.AssignmentAccepted, dispatch.AssignmentEnRoute, dispatch.AssignmentAtScene,
    dispatch.AssignmentLeftScene, dispatch.AssignmentAtDestination, dispatch.AssignmentAtBase,
)  # fmt: skip


def test_every_event_of_a_noun_that_is_heard_has_a_handler() -> None:
    nouns = {(speaker, noun) for speaker, heard in NOUNS["registry"].items() for noun in heard}
    ours = (kind for kind in TYPES.values() if kind.__module__.startswith("shared."))
    wanted = {kind for kind in ours if (kind.SERVICE, kind.NOUN) in nouns}
    assert {line.event for line in HEARS} == wanted
    assert len(HEARS) == len(wanted)
    assert SERVICE.hears is HEARS


async def whole_story(registry: Running, **call: Any) -> Call:
    """One call from its receipt to the rating."""
    story = await Call(registry, patients=[somsri()], **call).received()
    barrier = await story.barrier("vehicle")
    trip = await story.trip()
    await story.stamps(trip, *SEVEN)
    await story.message()
    await story.message("crew")
    handed = dispatch.PatientHandedOver(
        call_id=story.id, trip_id=trip, assignment_id=new_id(), unit_id=new_id(), at=now_utc(), by="person"
    )
    await story.tell(handed, story.patient_id)
    await story.trip_completed(trip)
    await story.barrier_met(barrier, "vehicle")
    rating = notify.RatingGiven(call_id=story.id, at=now_utc(), private=notify.RatingGiven.Private(score=5))
    await story.tell(rating, new_id())
    closed = intake.CallClosed(at=now_utc(), by="system", private=intake.CallClosed.Private(outcome="done"))
    await story.tell(closed)
    return story


async def test_the_whole_story_of_a_call_is_in_the_history(registry: Running) -> None:
    story = await whole_story(registry)
    person_id = await person_of(registry, story)
    lines = await history(registry, person_id)
    types = [line["type"] for line in lines]
    told = [decode(raw.body, raw.subject).short_type for raw in story.raws]
    own = [f"registry.{name}.v1" for name in ("person.registered", "person.matched", "case.opened")]
    assert sorted(types) == sorted(told + own)
    times = [datetime.fromisoformat(line["at"]) for line in lines]
    assert times == sorted(times, reverse=True)
    assert all(line["th"] and line["en"] for line in lines)
    first = lines[-1]
    assert (first["type"], first["source"], first["th"]) == ("intake.call.received.v1", "intake", "รับแจ้งแล้ว")
    assert {code["field"]: code["th"] for code in first["codes"]}["lane"] == "ฉุกเฉิน"
    stamp = next(line for line in lines if line["type"].endswith("at_scene.v1"))
    assert (stamp["th"], stamp["noun"]) == ("ถึงที่เกิดเหตุ", "assignment")
    assert {line["number"] for line in lines if line["call_id"]} == {"KLS-6908-0001"}
    text = str(lines)
    assert not [secret for secret in ("สมศรี", "812345678", cid(1), "หายใจไม่ออก") if secret in text]


async def test_pages_follow_each_other_without_gap_or_double(registry: Running) -> None:
    story = await whole_story(registry)
    person_id = await person_of(registry, story)
    whole = await history(registry, person_id)
    pages, cursor = [], ""
    while True:
        page = await read(registry, f"/v1/persons/{person_id}/history?limit=3{cursor}")
        pages += page["items"]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert pages == whole


async def test_each_patient_has_their_own_trips_and_the_calls_common_lines(registry: Running) -> None:
    call = await Call(registry, patients=[somsri(), {"name": "นายสมาน ใจดี"}]).received()
    second = call.patients[1]["patient_id"]
    await call.trip()
    await call.trip(second)
    for patient_id in (call.patient_id, second):
        lines = [line["type"] for line in await history(registry, await person_of(registry, call, patient_id))]
        assert lines.count("dispatch.trip.requested.v1") == 1
        assert lines.count("intake.call.received.v1") == 1


async def test_what_a_unit_did_for_a_booked_ride_says_on_which_leg(registry: Running) -> None:
    booked = await Call(registry, patients=[somsri()], facts={"lane": "booked"}).received()
    for leg in ("outbound", "return"):
        await booked.stamps(await booked.trip(leg=leg), dispatch.AssignmentAtScene)
    lines = await history(registry, await person_of(registry, booked))
    stamps = [line["codes"] for line in lines if line["type"].endswith("at_scene.v1")]
    assert sorted(one["th"] for codes in stamps for one in codes if one["field"] == "leg") == ["ขากลับ", "ขาไป"]


async def test_what_names_an_unknown_call_waits_for_it(registry: Running) -> None:
    call = Call(registry, patients=[somsri()])
    trip = await call.trip()
    await call.stamps(trip, *SEVEN[:2])
    assert await registry.sql("select from parked")
    await call.received()
    assert not await registry.sql("select from parked")
    lines = [line["type"] for line in await history(registry, await person_of(registry, call))]
    assert "dispatch.assignment.accepted.v1" in lines
    assert not await registry.dead_letters()


async def test_a_message_that_comes_again_writes_nothing_again(registry: Running) -> None:
    story = await whole_story(registry)
    person_id = await person_of(registry, story)
    before, said = await history(registry, person_id), len(await registry.said())
    await registry.runtime.inbox.take(story.raws)
    assert await history(registry, person_id) == before
    assert len(await registry.said()) == said


async def test_the_history_is_append_only(registry: Running) -> None:
    await Call(registry, patients=[somsri()]).received()
    for statement in ("update history set codes = '{}'", "delete from history"):
        with pytest.raises(Exception, match="append-only"):
            await registry.sql(statement)


async def test_barriers_have_their_days_on_the_person(registry: Running) -> None:
    call = await Call(registry, patients=[somsri()]).received()
    barrier = await call.barrier("money")
    person_id = await person_of(registry, call)
    shown = (await read(registry, f"/v1/persons/{person_id}"))["barriers"][0]
    assert (shown["barrier"]["th"], shown["state"]["code"], shown["until_at"]) == ("ไม่มีเงิน", "asked", None)
    await call.barrier_met(barrier, "money")
    shown = (await read(registry, f"/v1/persons/{person_id}"))["barriers"][0]
    assert (shown["state"]["code"], shown["outcome"]) == ("met", "given")
    assert shown["from_at"] < shown["until_at"]


PROJECTIONS = {
    "history": "select * from history order by event_id",
    "trip": "select * from trip order by id",
    "barrier": "select * from barrier order by id",
    "call": "select * from call order by id",
    "person": "select * from person order by id",
    "match": "select * from call_person order by call_id, patient_id, person_id",
    "case": "select * from case_file order by id",
    "said": "select position, data from event_log order by position",
    "keys": "select * from person_key order by person_id, blind",
    "contact": "select * from contact order by id",
    "identifier": "select * from identifier order by id",
}


async def picture(registry: Running) -> dict[str, list[tuple[Any, ...]]]:
    return {name: [tuple(row) for row in await registry.sql(text)] for name, text in PROJECTIONS.items()}


def shuffled(raws: list[Raw], seed: int) -> list[Raw]:
    """Another order between the aggregates, the same within each."""
    lanes: dict[Any, list[Raw]] = {}
    for raw in raws:
        envelope = decode(raw.body, raw.subject)
        lanes.setdefault((envelope.noun, envelope.aggregate_id), []).append(raw)
    chance, mixed = random.Random(seed), []
    while lanes:
        key = chance.choice(sorted(lanes, key=str))
        mixed.append(lanes[key].pop(0))
        lanes = {key: lane for key, lane in lanes.items() if lane}
    return mixed


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_replay_of_everything_in_another_order_gives_the_same(registry: Running, seed: int) -> None:
    await add(registry, name="คนอื่น", national_id=cid(9))
    stories = [await whole_story(registry) for _ in range(2)]
    other = await Call(registry, patients=[{"name": "นายสมาน ใจดี", "mobility": "walking"}, {}]).received()
    other.patients[0].update(mobility="stretcher")
    other.patients[1].update(name="มานี", national_id=cid(3))
    await other.updated()
    gone = await whole_story(registry, caller={"phone": "+66899999999"})
    await gone.erased()
    live = await picture(registry)
    people = [await history(registry, await person_of(registry, call)) for call in (*stories, other)]

    async with registry.runtime.work(Cause("system:test")) as work:
        await forget(work)
    assert not await registry.sql("select from history")
    for raw in shuffled([raw for call in (*stories, other, gone) for raw in call.raws], seed):
        await registry.runtime.inbox.take([raw])
    assert await picture(registry) == live
    assert [await history(registry, await person_of(registry, call)) for call in (*stories, other)] == people
    assert not await registry.dead_letters()


async def test_a_backlog_taken_in_groups_by_several_gives_the_same_as_one_by_one(registry: Running) -> None:
    calls = [Call(registry, patients=[somsri(name=f"คน ที่{n}", national_id=cid(n))]) for n in range(20)]
    for call in calls:
        await call.received(take=False)
        trip = await call.trip(take=False)
        await call.stamps(trip, *SEVEN, take=False)
    raws = [raw for call in calls for raw in call.raws]
    groups = [shuffled(raws, seed) for seed in range(3)]
    await asyncio.gather(*(registry.runtime.inbox.take(group) for group in groups))
    assert len(await registry.sql("select from history")) == len(raws)
    assert len(await registry.said("registry.person.registered")) == len(calls)
    assert not await registry.dead_letters()
