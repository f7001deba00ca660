"""What is erased is nowhere in this service: not in rows, archive, waiting messages or dead letters."""

from __future__ import annotations

import asyncio
from uuid import UUID

import asyncpg
import orjson
import pytest

from services.registry import records, store
from services.registry.keys import ring
from services.registry.verbs import erasing, people
from shared.events import intake
from shared.heard import Raw
from shared.work import Cause, now_utc
from tests.harness import Running, bearer
from tests.patience import PATIENCE_S
from tests.registry.conftest import Call, add, cid, person_of, read, search, somsri

TABLES = "select table_name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'"


async def everything(registry: Running) -> str:
    """All rows of all tables as text, messages that wait among them readable."""
    found = []
    for table in await registry.sql(TABLES):
        name = table["table_name"]
        body = ", convert_from(body, 'UTF8')" if name in ("parked", "dead_letter") else ""
        found += [str(tuple(row)) for row in await registry.sql(f"select row_to_json(t)::text{body} from {name} t")]
    return "\n".join(found)


async def erase(registry: Running, person_id: UUID) -> dict[str, str]:
    answer = await registry.client.post(f"/v1/persons/{person_id}/erase", headers=bearer("registry_officer"))
    assert answer.status_code == 200, answer.text
    body: dict[str, str] = answer.json()
    return body


async def test_an_erased_person_leaves_a_tombstone_and_nothing_more(registry: Running) -> None:
    person_id = await add(registry, name="นางสมศรี ใจดี", national_id=cid(1), phone="0812345678", line_user_id="Ucanary",
                          groups=["bedridden"], needs=["oxygen"], sex="female", birth_year=1950)  # fmt: skip
    call = await Call(registry, patients=[somsri()], caller={"phone": "+66899999999", "name": "มานี"}).received()
    assert await person_of(registry, call) == person_id
    marks = [
        row["blind"].hex() for row in await registry.sql("select blind from contact union select blind from identifier")
    ]
    await erase(registry, person_id)

    left = await everything(registry)
    assert not [word for word in ("Ucanary", "812345678", "bedridden", "oxygen", *marks) if word in left]
    row = (await registry.sql("select * from person where id = $1", person_id))[0]
    kept = {"id", "area", "source", "language", "needs", "may_be_texted", "disclosure", "exercise", "registered_at",
            "changed_at", "erased_at"}  # fmt: skip
    assert {name for name, value in row.items() if value is not None} == kept
    for path in (f"/v1/persons/{person_id}", f"/v1/persons/{person_id}/history", f"/v1/cases?person_id={person_id}"):
        assert (await registry.client.get(path, headers=bearer("supervisor"))).status_code == 404
    for sought in ({"phone": "0812345678"}, {"national_id": cid(1)}, {"name": "สมศรี"}, {"ids": [str(person_id)]}):
        assert await search(registry, **sought) == []


async def test_the_others_are_told_and_the_archive_is_blanked(registry: Running) -> None:
    person_id = await add(registry, name="นางสมศรี ใจดี", phone="0812345678", groups=["elderly"])
    await erase(registry, person_id)
    said = [(row["type"], row["data"] == {}) for row in await registry.said()]
    assert said == [
        ("registry.person.registered.v1", True),
        ("registry.group.joined.v1", True),
        ("registry.person.erased.v1", False),
    ]
    shredded = await registry.sql("select l.type from shred join event_log l using (position)")
    assert len(shredded) == 2
    assert (await registry.sql("select noun from erasure where subject_id = $1", person_id))[0]["noun"] == "person"
    assert (await registry.sql("select purpose, detail from audit where act = 'erase'"))[0]["detail"] == {
        "reason": "asked_by_person"
    }


async def test_erasing_again_answers_the_same_and_does_nothing(registry: Running) -> None:
    person_id = await add(registry, name="มานี")
    assert len({(await erase(registry, person_id))["erased_at"] for _ in range(3)}) == 1
    assert len(await registry.said("registry.person.erased")) == 1


async def test_the_open_case_is_closed_and_the_number_is_free_again(registry: Running) -> None:
    call = await Call(registry, patients=[somsri()]).received()
    person_id = await person_of(registry, call)
    await erase(registry, person_id)
    assert (await registry.said("registry.case.closed"))[0]["data"]["private"]["outcome"] == "erased"
    assert await add(registry, national_id=cid(1)) != person_id


async def test_an_erased_person_does_not_come_back_by_a_late_message(registry: Running) -> None:
    call = await Call(registry, patients=[somsri()]).received()
    person_id = await person_of(registry, call)
    await erase(registry, person_id)
    await call.updated()
    await registry.runtime.inbox.take(call.raws)
    assert len(await registry.sql("select from person")) == 1
    assert not await registry.sql("select from identifier")
    assert "สมศรี" not in await everything(registry)


async def test_an_erased_call_takes_along_who_is_known_from_it_alone(registry: Running) -> None:
    known = await add(registry, name="นางสมศรี ใจดี", national_id=cid(1))
    call = await Call(
        registry, patients=[somsri(), {"name": "นายสมาน ใจดี"}], caller={"phone": "+66812345678", "name": "มานี"}
    ).received()
    only_here = await person_of(registry, call, call.patients[1]["patient_id"])
    await call.barrier("money")
    await call.stamps(await call.trip())
    await call.erased()
    for table in ("history", "trip", "barrier", "call_person", "contact"):
        assert not await registry.sql(f"select from {table}"), table
    erased = [row["aggregate_id"] for row in await registry.said("registry.person.erased")]
    assert erased == [only_here]
    assert (await read(registry, f"/v1/persons/{known}"))["name"] == "นางสมศรี ใจดี"
    assert (await read(registry, f"/v1/persons/{known}"))["open_case_ids"] == []
    await call.stamps(await call.trip())
    assert not await registry.sql("select from history"), "late events of an erased call leave nothing"
    assert not await registry.dead_letters()


async def test_a_call_heard_of_and_erased_in_one_go_leaves_nothing_of_whom_it_brought(registry: Running) -> None:
    call = Call(registry, patients=[somsri()], caller={"phone": "+66812345678", "name": "มานี"})
    await call.received(take=False)
    await call.erased(take=False)
    await registry.runtime.inbox.take(call.raws)
    assert await registry.said("registry.person.erased")
    left = await everything(registry)
    assert not [word for word in ("สมศรี", cid(1), "812345678", "มานี") if word in left]


async def test_what_waits_or_died_is_wiped_with_its_call(registry: Running) -> None:
    call = Call(registry, patients=[somsri()])
    await call.received(take=False)
    await call.tell(intake.CallUpdated(**call.state(), at=now_utc(), private=call.private(intake.CallUpdated.Private)))
    await call.message()
    barrier = await call.barrier("money", seq=2)
    await call.barrier_met(barrier, "money", seq=4)
    lost = await call.barrier("knowledge", take=False)
    broken = call.raws[0]
    unreadable = call.raws[-1]
    await registry.runtime.inbox.take([Raw(unreadable.subject, unreadable.body.replace(b'"owner":"', b'"nobody":"'))])
    await registry.runtime.inbox.take([Raw(broken.subject, broken.body.replace(b'"lane":"emergency"', b'"lane":"?"'))])
    assert len(await registry.dead_letters()) == 2
    assert len(await registry.sql("select from parked")) == 4
    await call.erased()
    assert not await registry.sql("select from dead_letter where length(body) > 0")
    assert lost
    left = await everything(registry)
    assert not [word for word in ("สมศรี", cid(1), "812345678", "หายใจไม่ออก") if word in left]
    assert not await registry.sql("select from parked")


async def test_a_rebuild_sends_erased_events_empty_and_the_rest_goes_on(registry: Running) -> None:
    call = Call(registry, patients=[somsri()])
    raw = await call.received(take=False)
    empty = call.raws[0]
    start, end = empty.body.index(b'"data":') + 7, len(empty.body) - 1
    await registry.runtime.inbox.take([Raw(empty.subject, empty.body[:start] + b"{}" + empty.body[end:])])
    await call.stamps(await call.trip())
    assert not await registry.dead_letters()
    assert not await registry.sql("select from history")
    assert raw


async def test_erasing_while_a_call_comes_leaves_no_half(registry: Running) -> None:
    person_id = await add(registry, name="นางสมศรี ใจดี", national_id=cid(1))
    calls = [Call(registry, patients=[somsri()]) for _ in range(4)]
    await asyncio.gather(erase(registry, person_id), *(call.received() for call in calls))
    rows = await registry.sql(
        "select i.id from identifier i join person p on p.id = i.person_id where p.erased_at is not null"
    )
    assert not rows
    assert not await registry.dead_letters()
    opened = await registry.sql(
        "select k.id from case_file k join person p on p.id = k.person_id where p.erased_at is not null and k.closed_at is null"
    )
    assert not opened


LOCKED_OUT = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"


async def test_a_person_and_their_call_erased_at_once_wait_for_each_other_and_never_collide(registry: Running) -> None:
    """Both hold the person before they touch anything of theirs; the other way round one of them would get a 503."""
    call = await Call(registry, patients=[somsri()], caller={"phone": "+66899999999", "name": "มานี"}).received()
    person_id = await person_of(registry, call)
    async with registry.runtime.pool.acquire() as erasing, erasing.transaction():
        await erasing.execute("set local lock_timeout = '300ms'")
        await erasing.execute("select from person where id = $1 for update", person_id)
        forgetting = asyncio.create_task(call.erased())
        async with asyncio.timeout(PATIENCE_S):
            while not (await registry.sql(LOCKED_OUT))[0]["count"]:
                await asyncio.sleep(0.01)
        await erasing.execute("delete from contact where person_id = $1", person_id)
    await forgetting
    assert (await registry.sql("select erased_at from person"))[0]["erased_at"]


async def test_the_database_keeps_a_tombstone_empty(registry: Running) -> None:
    person_id = await add(registry, name="มานี")
    await erase(registry, person_id)
    with pytest.raises(asyncpg.CheckViolationError):
        await registry.sql("update person set name = '\\x00' where id = $1", person_id)


WRITTEN_ABOUT = (
    "select table_name from information_schema.columns where table_schema = 'public' and column_name = 'person_id'"
)
STAYS = {"case_file", "call_person"}
"""That somebody was cared for, in codes and days."""
LATE = {
    "consent": ("/v1/persons/{person}/consents", {"purpose": "case_work", "given_by": "self"}),
    "contact": ("/v1/persons/{person}/contacts", {"phone": "0812345678"}),
    "group": ("/v1/persons/{person}/groups", {"group": "elderly"}),
    "need": ("/v1/persons/{person}/needs", {"need": "food", "urgency": 5, "note": "x"}),
    "point": ("/v1/persons/{person}/locations", {"use": "home", "lon": 103.5, "lat": 16.43, "method": "map"}),
    "task": ("/v1/cases/{case}/tasks", {"kind": "visit", "what": "x", "due_on": "2090-01-01", "agency_id": "{case}"}),
    "team": ("/v1/cases/{case}/team", {"crew_id": "{case}"}),
    "review": ("/v1/reviews", {"case_id": "{case}", "reason": "incident", "title": "x"}),
    "household": ("/v1/households", {"members": [{"person_id": "{person}"}]}),
    "disclosure": ("/v1/persons/{person}/disclosure", {"wanted": "secret", "reason": "threat"}),
    "agreed": ("/v1/disclosures/{asked}/decide", {"approve": True}),
    "link": ("/v1/persons/{person}/link", {"survivor_id": "{other}"}),
    "met": ("/v1/needs/{need}/met", {"outcome": "given"}),
}  # fmt: skip


@pytest.mark.parametrize("way", LATE)
async def test_nothing_is_written_of_somebody_who_is_erased_at_that_moment(registry: Running, way: str) -> None:
    """A request that was let in before the erasure ends after it: it finds nobody, and leaves no row behind."""
    call = await Call(registry, patients=[somsri()], caller={"phone": "+66899999999", "name": "มานี"}).received()
    person_id = await person_of(registry, call)
    ids = {"person": person_id, "other": await add(registry, name="คนอื่น"),
           "case": (await registry.sql("select id from case_file"))[0]["id"]}  # fmt: skip
    officer = bearer("registry_officer")
    opened = await registry.client.post(
        f"/v1/persons/{person_id}/needs", json={"need": "carer", "urgency": 1}, headers=officer
    )
    ids["need"] = opened.json()["id"]
    if way == "agreed":
        wish = {"wanted": "secret", "reason": "threat"}
        asked = await registry.client.post(f"/v1/persons/{person_id}/disclosure", json=wish, headers=officer)
        ids["asked"] = asked.json()["id"]
        officer = bearer("supervisor", subject="another")
    path, body = LATE[way]
    text = orjson.dumps(body).decode()
    for name, one in ids.items():
        path, text = path.replace(f"{{{name}}}", str(one)), text.replace(f"{{{name}}}", str(one))
    async with registry.runtime.work(Cause("system:test")) as work:
        [row] = await store.links.hold(work.db, [person_id])
        said = people.origin_of(records.opened(row, ring()))
        late = asyncio.create_task(registry.client.post(path, json=orjson.loads(text), headers=officer))
        async with asyncio.timeout(PATIENCE_S):
            while not (await registry.sql(LOCKED_OUT))[0]["count"]:
                assert not late.done(), late.result().text
                await asyncio.sleep(0.01)
        await erasing.erase_persons(work, [(person_id, said)])
    answer = await late
    assert answer.status_code == 404, answer.text
    tables = {row["table_name"] for row in await registry.sql(WRITTEN_ABOUT)} - STAYS
    assert "told" in tables
    for table in sorted(tables):
        left = await registry.sql(f"select * from {table} where person_id = $1", person_id)
        assert not left, table
    assert not (
        await registry.sql("select 1 from task union all select 1 from team_member union all select 1 from review")
    )
