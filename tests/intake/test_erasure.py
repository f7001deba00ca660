"""Erasure: after it nothing personal of the call is anywhere here, and everybody else is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest_asyncio

from services.intake.app import SERVICE
from services.intake.verbs.erase import retire
from shared.events import registry
from shared.retention import retire_all
from shared.service import build, running
from shared.work import new_id, now_utc
from tests.harness import Running, call_origin, issuer_file, problem_of, service_running
from tests.intake import events
from tests.intake.conftest import OUTSIDE, acted, emergency, get, post, whole
from tests.patience import PATIENCE_S
from tests.platform_fixtures import Broker, MakeDatabase

CANARY = {
    "name": "กานารี่ นกขมิ้น", "phone": "0891112222", "national_id": "1234567890121", "landmark": "ต้นจามจุรีคู่",
    "complaint": "ความลับของกานารี่",
}  # fmt: skip
TRACES = ("กานารี่", "+66891112222", "0891112222", "1234567890121", "จามจุรี", "ความลับ")


async def canary(intake: Running, **body: Any) -> dict[str, Any]:
    return await emergency(
        intake,
        caller={"name": CANARY["name"], "phone": CANARY["phone"], "relation": "self"},
        patient={"name": CANARY["name"], "national_id": CANARY["national_id"]},
        location={"landmark": CANARY["landmark"], **(body.pop("place", {}))},
        complaint=CANARY["complaint"],
        **body,
    )


async def traces_in_the_database(intake: Running) -> set[str]:
    """Every row of every table as text, searched for what belongs to the canary."""
    tables = await intake.sql("select tablename from pg_tables where schemaname = 'public'")
    found = set()
    for row in tables:
        table = row["tablename"]
        for record in await intake.sql(f'select t::text as text from "{table}" t'):
            found |= {f"{table}: {trace}" for trace in TRACES if trace in record["text"]}
    return found


async def test_nothing_of_an_erased_call_is_left_in_any_table(intake: Running) -> None:
    taken = await canary(intake, barriers=["money"])
    await post(intake, "/v1/ringing", {"from": CANARY["phone"]})
    patch = {"version": 1, "notes": "กานารี่อยู่ชั้นสอง"}
    await intake.client.patch(f"/v1/calls/{taken['id']}", json=patch, headers=_desk())
    open_call = await post(intake, f"/v1/calls/{taken['id']}/erase", {}, "supervisor")
    assert (open_call.status_code, problem_of(open_call)["code"]) == (409, "call_open")
    await acted(intake, taken["id"], "withdraw", {"text": "กานารี่โทรมายกเลิก", "reason": "other"})
    assert await traces_in_the_database(intake) != set()
    await acted(intake, taken["id"], "erase")
    assert await traces_in_the_database(intake) == set()
    rows = await intake.said()
    assert rows[-1]["type"] == "intake.call.erased.v1"
    assert rows[-1]["data"] != {}
    assert all(row["data"] == {} for row in rows[:-1]), "the envelope stays, its content goes"
    ledger = await intake.sql("select noun, subject_id from erasure")
    assert {(row["noun"], str(row["subject_id"])) for row in ledger} >= {("call", taken["id"])}
    call = await whole(intake, taken["id"])
    assert call["number"] == taken["number"], "figures stay"
    assert call["erased_at"]
    track = await intake.client.post("/v1/track", json={"code": taken["tracking_code"], "phone_last4": "2222"})
    assert track.status_code == 404
    assert (await post(intake, "/v1/calls/search", {"phone": CANARY["phone"]})).json()["items"] == []


def _desk() -> dict[str, str]:
    from tests.harness import bearer

    return bearer("call_taker")


async def test_a_person_s_erasure_erases_the_calls_matched_to_them(intake: Running) -> None:
    taken, other = await canary(intake), await emergency(intake)
    patient = (await whole(intake, taken["id"]))["patients"][0]
    person_id = new_id()
    await events.person(intake, person_id)
    await events.matched(intake, person_id, taken["id"], patient["id"])
    await events.person_erased(intake, person_id)
    assert await traces_in_the_database(intake) == set()
    (erased,) = await intake.said("intake.call.erased")
    assert str(erased["aggregate_id"]) == taken["id"]
    assert (await whole(intake, other["id"]))["erased_at"] is None
    await intake.do_due("watchdog")
    assert [str(row["call_id"]) for row in await intake.sql("select call_id from alarm")] == [other["id"]]


async def test_what_remains_of_other_patients_is_said_again(intake: Running) -> None:
    taken = await emergency(
        intake,
        caller={"name": CANARY["name"], "phone": CANARY["phone"], "relation": "self"},
        patients=[{"name": CANARY["name"], "national_id": CANARY["national_id"]}, {"name": "สมหญิง"}],
        complaint=CANARY["complaint"],
    )
    patients = (await whole(intake, taken["id"]))["patients"]
    person_id = new_id()
    await events.matched(intake, person_id, taken["id"], patients[0]["id"])
    await events.person_erased(intake, person_id)
    assert await traces_in_the_database(intake) == set()
    rows = await intake.said("intake.call.")
    assert [row["type"] for row in rows[-2:]] == ["intake.call.erased.v1", "intake.call.updated.v1"]
    private = rows[-1]["data"]["private"]
    assert [patient["name"] for patient in private["patients"]] == ["สมหญิง"]
    assert private["patients"][0]["patient_id"] == patients[1]["id"]
    assert private["caller"]["phone"] is None, "the caller was the erased person"
    assert private["location"]["lat"], "the others must still be found"
    call = await whole(intake, taken["id"])
    assert (call["status"], call["patient_count"], call["erased_at"]) == ("open", 1, None)


async def test_a_restore_brings_back_an_open_call_and_an_admin_erases_it_again(intake: Running) -> None:
    taken = await canary(intake)
    await acted(intake, taken["id"], "erase", {"past_keeping": True}, role="admin")
    assert await traces_in_the_database(intake) == set()
    assert await ledger(intake) == ["system"]
    assert (await whole(intake, taken["id"]))["status"] == "closed"
    await acted(intake, taken["id"], "erase", role="admin")
    assert await ledger(intake) == ["person"], "asked for since"
    await acted(intake, taken["id"], "erase", {"past_keeping": True}, role="admin")
    assert await ledger(intake) == ["person"], "and that stays so"
    by = [row["open_data"]["by"] for row in await intake.said("intake.call.erased")]
    assert by == ["system", "person", "system"]


async def ledger(intake: Running) -> list[str]:
    """Why the calls were erased."""
    return [row["by"] for row in await intake.sql("select by from erasure where noun = 'call' order by erased_at")]


# --- the stream ------------------------------------------------------------------------


@pytest_asyncio.fixture
async def on_air(streams: Broker, database: MakeDatabase, tmp_path: Path) -> AsyncIterator[Running]:
    """Intake with its relay, its topic and its shredder on a real broker."""
    made = await database("intake")
    settings = {
        "nats_url": streams.url, "nats_credentials": streams.creds("intake"), "nats_monitor_url": streams.monitor_url,
    }  # fmt: skip
    async with service_running(SERVICE, made.dsn, tmp_path, **settings) as face:
        runtime = await build(SERVICE, SERVICE.settings(
            database_url=made.dsn, issuer_file=issuer_file(tmp_path), **settings
        ))  # fmt: skip
        async with running(runtime):
            yield face


async def test_an_erased_call_s_messages_are_overwritten_in_the_stream(on_air: Running, streams: Broker) -> None:
    taken = await canary(on_air, barriers=["money"])
    await acted(on_air, taken["id"], "withdraw")
    await _until(on_air, "select count(*) = 0 from outbox")
    before = await _bodies(streams)
    assert any(trace in body for body in before for trace in TRACES)
    await acted(on_air, taken["id"], "erase")
    await _until(on_air, "select (select count(*) from shred) = 0 and (select count(*) from outbox) = 0")
    after = await _bodies(streams)
    assert not any(trace in body for body in after for trace in TRACES)
    assert any("intake.call.erased.v1" in body for body in after)
    await emergency(on_air)
    await _until(on_air, "select count(*) = 0 from outbox")
    assert on_air.runtime.relay.broken is None, "the stream goes on behind the holes"


async def _until(intake: Running, question: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not await intake.runtime.pool.fetchval(question):
            await asyncio.sleep(0.02)


async def _bodies(broker: Broker) -> list[str]:
    from nats.js.errors import NotFoundError

    found = []
    async with broker.connected("provisioner") as client:
        js = client.jetstream(timeout=PATIENCE_S)
        state = (await js.stream_info("INTAKE")).state
        for sequence in range(1, state.last_seq + 1):
            try:
                found.append(((await js.get_msg("INTAKE", sequence)).data or b"").decode())
            except NotFoundError:
                continue
    return found


async def test_the_audit_is_for_auditors_and_says_who_erased(intake: Running) -> None:
    taken = await canary(intake)
    await acted(intake, taken["id"], "withdraw")
    await acted(intake, taken["id"], "erase")
    page = (await get(intake, f"/v1/audit?subject_id={taken['id']}", "auditor")).json()
    assert [row["act"] for row in page["items"]] == ["take", "withdraw", "erase"]
    assert not any(trace in str(page) for trace in TRACES)


OVER = "update call set status = 'closed', stage = 'closed', ended_at = $2 where id = $1"


async def test_calls_past_their_time_are_erased_and_a_series_that_goes_on_is_kept(intake: Running) -> None:
    old, young, head, opened = [await emergency(intake) for _ in range(4)]
    for call in (old, head):
        await intake.sql(OVER, UUID(call["id"]), now_utc() - timedelta(days=400))
    await intake.sql(OVER, UUID(young["id"]), now_utc())
    await intake.sql(
        "update call set series_of = $1, occurrence = 2 where id = $2", UUID(head["id"]), UUID(opened["id"])
    )
    assert await retire_all(intake.runtime, 0, retire) == 0, "as shipped everything is kept"
    assert await retire_all(intake.runtime, 365, retire) == 1
    gone = await intake.sql("select id from call where erased_at is not null")
    assert ([row["id"] for row in gone], await ledger(intake)) == ([UUID(old["id"])], ["system"])
    assert [row["aggregate_id"] for row in await intake.said("intake.call.erased")] == [UUID(old["id"])]
    await intake.sql(OVER, UUID(opened["id"]), now_utc() - timedelta(days=400))
    assert await retire_all(intake.runtime, 365, retire) == 2


async def test_a_call_handed_over_is_erased_like_any_that_is_over_and_then_nothing_happens_to_it(
    intake: Running,
) -> None:
    by_hand, by_time = [await canary(intake, place=OUTSIDE) for _ in range(2)]
    await acted(intake, by_hand["id"], "erase")
    await intake.sql("update call set ended_at = ended_at - interval '400 days' where id = $1", UUID(by_time["id"]))
    assert await retire_all(intake.runtime, 365, retire) == 1
    assert await traces_in_the_database(intake) == set()
    for erased in (by_hand, by_time):
        call = await whole(intake, erased["id"])
        assert (call["status"], bool(call["erased_at"])) == ("handed_over", True), "figures stay"
        refused = await intake.client.patch(
            f"/v1/calls/{erased['id']}", json={"version": call["version"], "notes": "x"}, headers=_desk()
        )
        assert (refused.status_code, problem_of(refused)["code"]) == (409, "call_erased")


async def test_two_of_one_call_erased_in_one_go_leave_no_name_in_what_is_said_of_the_rest(intake: Running) -> None:
    taken = await emergency(intake, patients=[{"name": "กานารี่ หนึ่ง"}, {"name": "จามจุรี สอง"}])
    persons = [new_id(), new_id()]
    for person, patient in zip(persons, (await whole(intake, taken["id"]))["patients"], strict=True):
        await events.matched(intake, person, taken["id"], patient["id"])
    gone = [
        await intake.emit(person, registry.PersonErased(at=now_utc()), call_origin(person), take=False)
        for person in persons
    ]
    await intake.runtime.inbox.take(gone)
    assert len(await intake.said("intake.call.erased")) == len(persons)
    assert not await traces_in_the_database(intake)
