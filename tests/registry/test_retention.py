"""What is past its time is erased; whoever is still looked after is not."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from services.registry.app import SERVICE
from services.registry.verbs.retiring import retire
from shared.events.intake import CallErased
from shared.retention import retire_all
from shared.work import new_id, now_utc
from tests.harness import Running, bearer
from tests.registry.conftest import Call, add, person_of, somsri

OFFICER = "registry_officer"
KEPT_BY = {
    "a group": "insert into membership (id, person_id, group_code, source, protected, from_on) values ($2, $1, 'elderly', 'desk', false, '2020-01-01')",
    "an open case": "insert into case_file (id, person_id, area, protected, exercise, opened_at) values ($2, $1, 'kalasin', false, false, '2020-01-01')",
    "an open need": "insert into life_need (id, person_id, need, urgency, opened_at, opened_by) values ($2, $1, 'food', 1, '2020-01-01', 'x')",
    "a consent": "insert into consent (id, person_id, purpose, given_by, given_at, recorded_by, recorded_at, until_on) values ($2, $1, 'care', 'self', '2020-01-01', 'x', '2020-01-01', '2090-01-01')",
    "a consent without an end": "insert into consent (id, person_id, purpose, given_by, given_at, recorded_by, recorded_at) values ($2, $1, 'care', 'self', '2020-01-01', 'x', '2020-01-01')",
    "a care group": """
        with g as (insert into care_group (id, area, name, changed_at) values ($2, 'kalasin', 'x', '2020-01-01') returning id)
        insert into care_group_patient (group_id, person_id) select id, $1 from g""",
    "a proposal": "insert into correction (id, person_id, area, fields, proposed_by, proposed_in, proposed_at) values ($2, $1, 'kalasin', '{name}', 'x', '{trat}', '2020-01-01')",
    "a household in a group": """
        with h as (insert into household (id, area, registered_at) values ($2, 'kalasin', '2020-01-01') returning id),
             g as (insert into household_group (id, household_id, group_code, source, from_on)
                   select gen_random_uuid(), id, 'hardship', 'desk', '2020-01-01' from h)
        insert into household_member (id, household_id, person_id, role, from_on)
        select gen_random_uuid(), id, $1, 'member', '2020-01-01' from h""",
}  # fmt: skip


async def erased(registry: Running) -> set[UUID]:
    return {row["id"] for row in await registry.sql("select id from person where erased_at is not null")}


async def test_whoever_is_heard_of_no_more_is_erased_after_the_time_that_was_set(registry: Running) -> None:
    idle, recent = await add(registry, name="เงียบหาย"), await add(registry, name="เพิ่งมา")
    linked = await add(registry, name="เชื่อมไว้")
    kept = {why: await add(registry, name=f"คน{number}") for number, why in enumerate(KEPT_BY)}
    for why, statement in KEPT_BY.items():
        await registry.sql(statement, kept[why], new_id())
    call = await Call(registry, patients=[somsri()]).received()
    called = await person_of(registry, call)
    body = {"survivor_id": str(recent)}
    await registry.client.post(f"/v1/persons/{linked}/link", json=body, headers=bearer("registry_officer"))
    added = await add(registry, name="เพิ่งได้เบอร์")
    long_ago = now_utc() - timedelta(days=400)
    await registry.sql("update person set changed_at = $1 where id <> $2", long_ago, recent)
    await registry.sql("update known set known_from = $1 where person_id <> $2", long_ago, recent)
    phone = {"phone": "0812345678", "relation": "child"}
    said = await registry.client.post(f"/v1/persons/{added}/contacts", json=phone, headers=bearer(OFFICER))
    assert said.status_code == 201, said.text
    await registry.sql("update person set changed_at = $1 where id = $2", long_ago, added)

    assert await retire_all(registry.runtime, 0, retire) == 0, "as shipped everything is kept"
    assert await retire_all(registry.runtime, 500, retire) == 0, "the time is not over"
    assert await retire_all(registry.runtime, 365, retire) == 1
    ledger = await registry.sql("select by from erasure where noun = 'person'")
    assert [row["by"] for row in ledger] == ["system"]
    assert await erased(registry) == {idle}, "one record of a person is young, or something is open: all are kept"
    said = await registry.said("registry.person.erased")
    assert [row["aggregate_id"] for row in said] == [idle]
    # A year later: what was open is what keeps them.
    assert await retire_all(registry.runtime, 365, retire, at=now_utc() + timedelta(days=800)) == 3
    assert await erased(registry) == {idle, recent, linked, added}
    assert called not in await erased(registry), "their case is open"


async def test_a_call_past_its_time_takes_nobody_along_who_is_still_looked_after(registry: Running) -> None:
    async def called(name: str) -> tuple[Call, UUID]:
        call = await Call(registry, patients=[{"name": name, "birth_year": 1950}]).received()
        return call, await person_of(registry, call)

    (gone, patient), (asked, other) = await called("คนที่1 ทดลอง"), await called("คนที่2 ทดลอง")
    await gone.tell(CallErased(at=now_utc(), by="system"))
    assert await erased(registry) == set(), "people have a time of their own"
    [case] = await registry.sql("select closed_at, opened_call_id from case_file where person_id = $1", patient)
    assert (case["closed_at"], case["opened_call_id"]) == (None, None), "it stands by itself from now on"
    again = await Call(registry, patients=[{"name": "คนที่1 ทดลอง", "birth_year": 1950, "person_id": patient}]).received()
    assert await person_of(registry, again) == patient
    await again.erased()
    [case] = await registry.sql("select closed_at from case_file where person_id = $1", patient)
    assert case["closed_at"] is None, "one call of several, erased on request, closes nothing"
    await asked.erased()
    assert await erased(registry) == {other}, "erased by somebody, a call takes its people along as before"
    by_hand, whose = await called("คนที่3 ทดลอง")
    await registry.sql("update case_file set closed_at = now(), outcome = 'normal' where person_id = $1", whose)
    body = {"person_id": str(whose)}
    assert (await registry.client.post("/v1/cases", json=body, headers=bearer(OFFICER))).status_code == 201
    await by_hand.erased()
    assert whose not in await erased(registry), "somebody looks after them, whoever called"


def test_the_job_is_there_under_its_name() -> None:
    assert "retire" in {job.__name__ for job in SERVICE.beside}
