"""A person whose every detail is unique goes through a bad day; then everything is searched for them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from rich.console import Console

from karuna import dead_letters
from karuna.show import print_story
from tests.journeys import looking
from tests.journeys.canary import Canary
from tests.journeys.town import AREA, SERVICES, Town, eventually, heard_all

pytestmark = pytest.mark.asyncio(loop_scope="session")

BIRD = Canary()


async def test_the_canary_is_found_nowhere_and_after_erasure_in_nothing(town: Town) -> None:
    await looking.make_unknown(town.local, BIRD)
    call_id = await _a_bad_day(town)
    await _nowhere(town, call_id)
    await _refused_while_open(town, call_id)
    person_id = await _erased(town, call_id)
    await _in_nothing(town, call_id, person_id)


async def _a_bad_day(town: Town) -> str:
    """Refusals, a database that says no, a poisoned message, LINE that fails, answers, searches, a whole run."""
    key = uuid4().hex
    wrong = {**BIRD.body, "patient": {**BIRD.body["patient"], "birth_date": BIRD.wrong}, BIRD.caller: 1}
    await town.ask("intake", "POST", "/v1/calls", role="call_taker", body=wrong, status=422)
    await town.ask("intake", "POST", "/v1/calls", role="crew", body=BIRD.body, status=403)
    await town.client.post(
        town.local.url("intake") + "/v1/calls", content=b'{"caller": {"name": "' + BIRD.caller.encode()[:-1]
    )
    await town.client.post(
        f"{town.line_url}/_control/faults", json={"fault": "server_error", "to": BIRD.line_id, "times": 2}
    )
    await town.client.post(
        f"{town.line_url}/_control/faults", json={"fault": "lose_response", "to": BIRD.line_id, "times": 1}
    )
    async with _database_says_no(town, "intake", "call", f"caller_name is distinct from '{BIRD.caller}'"):
        answer = await town.client.post(
            town.local.url("intake") + "/v1/calls",
            json=BIRD.body,
            headers={**town.headers("call_taker"), "Idempotency-Key": key},
        )
        assert answer.status_code == 500
        assert answer.headers["content-type"] == "application/problem+json"
        assert not looking.traces_of(BIRD.needles, answer.text)
    await town.client.post(
        f"{town.line_url}/_control/users/{BIRD.line_id}/text", json={"text": BIRD.said}
    )  # a stranger yet
    async with _database_says_no(town, "notify", "recipient", f"name is distinct from '{BIRD.caller}'"):
        taken = await town.take(BIRD.body, key=key)

        async def buried() -> list[Any]:
            return await dead_letters.letters(town.local.postgres.owner_dsn("notify"))

        letter = (await eventually(buried))[0]
        shown = await dead_letters.show(town.local.postgres.owner_dsn("notify"), letter["id"])
        assert not looking.traces_of(BIRD.needles, str(shown))
    assert await dead_letters.requeue(town.local.postgres.owner_dsn("notify"), letter["id"])
    call_id: str = taken["id"]
    exchange: dict[str, Any] = {"role": "partner", "headers": {"Idempotency-Key": "ring-1"}}
    await town.ask("intake", "POST", "/v1/ringing", body={"from": BIRD.phone}, **exchange)
    await town.ask("intake", "POST", "/v1/calls/search", role="call_taker", body={"phone": BIRD.phone})
    for digits in (BIRD.phone[-4:], "0000"):
        body = {"code": taken["tracking_code"], "phone_last4": digits}
        await town.client.post(town.local.url("intake") + "/v1/track", json=body)
    for body in ({"name": BIRD.name}, {"phone": BIRD.phone}, {"national_id": BIRD.national_id}):
        await town.ask("registry", "POST", "/v1/persons/search", role="case_manager", body=body)
    trip = await town.trip(call_id, lambda trip: bool(trip["assignments"]))
    await town.press_when_asked(trip["assignments"][0]["id"], "accept")
    await town.line_unseen(call_id)
    for act, said in (("text", {"text": BIRD.said}), ("location", {"lat": BIRD.lat, "lon": BIRD.lon})):
        await town.client.post(f"{town.line_url}/_control/users/{BIRD.line_id}/{act}", json=said)
    await town.drive(
        trip["assignments"][0]["id"], ("en_route", "at_scene", "left_scene", "at_destination", "clear", "at_base")
    )
    await town.trip(call_id, lambda trip: trip["status"] == "completed")
    await _by_file(town)
    await settled(town)
    return call_id


HEAD = ["national_id", "name", "birth_date", "phone", "current_area", "current_address", "lat", "lon", "sex"]


async def _by_file(town: Town) -> None:
    """In a clerk's file, too: a cell passed over, a row refused, undone by the database; then lists and the own copy."""
    lives = ["460101", BIRD.address, str(BIRD.lat), str(BIRD.lon)]
    rows = [
        [BIRD.national_id, BIRD.name, BIRD.born, BIRD.phone, *lives, "2"],
        ["", BIRD.caller, "", BIRD.phone, *lives, BIRD.wrong],
        ["", BIRD.caller, "", BIRD.wrong, BIRD.wrong, *lives[1:], BIRD.wrong],
    ]
    part = {
        "format": "karuna", "area": AREA, "file": uuid4().hex * 2, "file_rows": len(rows), "first_row": 2,
        "columns": HEAD, "rows": rows,
    }  # fmt: skip
    desk: dict[str, Any] = {"role": "registry_officer", "claims": {"purpose": "registration"}}
    told = [await town.ask("registry", "POST", "/v1/imports", body={**part, "dry_run": True}, **desk)]
    no_head = {**part, "columns": [*HEAD[:-1], BIRD.caller]}
    told.append(await town.ask("registry", "POST", "/v1/imports", body=no_head, status=422, **desk))
    async with _database_says_no(town, "registry", "import_row", "verdict <> 'refused'"):
        answer = await town.client.post(
            town.local.url("registry") + "/v1/imports", json=part,
            headers=town.headers("registry_officer", purpose="registration"),
        )  # fmt: skip
        assert answer.status_code == 500
        told.append(answer.text)
    taken = await town.ask("registry", "POST", "/v1/imports", body=part, **desk)
    assert [one["verdict"] for one in taken["items"]] == ["matched", "created", "refused"]
    assert not looking.traces_of(BIRD.needles, str([*told, taken]))
    for path in (f"/v1/exports/persons?area={AREA}", f"/v1/persons/{taken['items'][0]['person_id']}/copy"):
        out = await town.client.get(
            town.local.url("registry") + path, headers=town.headers("registry_officer", purpose="registration")
        )
        assert looking.traces_of(BIRD.needles, out.text), "a list and a copy do tell"


@asynccontextmanager
async def _database_says_no(town: Town, service: str, table: str, check: str) -> AsyncIterator[None]:
    """PostgreSQL refuses the canary's row; its own words for that quote the whole row."""
    await town.sql(service, f"alter table {table} add constraint no_canary check ({check}) not valid")
    try:
        yield
    finally:
        await town.sql(service, f"alter table {table} drop constraint no_canary")


async def _nowhere(town: Town, call_id: str) -> None:
    found: dict[str, list[str]] = {}
    for name, text in looking.logs(town.local).items():
        found[f"log {name}"] = looking.traces_of(BIRD.needles, text)
    async for name, text in looking.faces(town):
        found[name] = looking.traces_of(BIRD.needles, text)
    opened, within = 0, ""
    async for subject, text in looking.messages(town.local):
        if subject.startswith("internal."):
            within += text
            continue
        opened += 1
        found[subject] = looking.traces_of(BIRD.needles, text + subject)
    out = Console(record=True, width=200, quiet=True)
    await print_story(out, town.local, call_id)
    found["karuna trace"] = looking.traces_of(BIRD.needles, out.export_text())
    assert {place: what for place, what in found.items() if what} == {}
    assert opened > 50
    assert len(found) > opened / 4
    assert looking.traces_of(BIRD.needles, within), "the search itself finds what is there"


async def _refused_while_open(town: Town, call_id: str) -> None:
    call = await town.ask("intake", "GET", f"/v1/calls/{call_id}", role="call_taker")
    if call["status"] == "open":
        await town.ask("intake", "POST", f"/v1/calls/{call_id}/erase", role="supervisor", body={}, status=409)
        await town.ask("intake", "POST", f"/v1/calls/{call_id}/close", role="call_taker", body={"outcome": "done"})


async def _erased(town: Town, call_id: str) -> str:
    found = await town.ask("registry", "POST", "/v1/persons/search", role="case_manager", body={"name": BIRD.name})
    person_id: str = found["items"][0]["id"]
    others = await town.sql("registry", "select person_id from import_row where verdict = 'created'")
    await town.ask("intake", "POST", f"/v1/calls/{call_id}/erase", role="supervisor", body={})
    # At once, while the registry is forgetting the call.
    await town.ask("registry", "POST", f"/v1/persons/{person_id}/erase", role="supervisor", body={})
    for one in others:
        await town.ask("registry", "POST", f"/v1/persons/{one['person_id']}/erase", role="supervisor", body={})
    await settled(town)
    return person_id


async def settled(town: Town) -> None:
    """Nothing waits to be sent, overwritten or applied: everything said was heard."""

    async def quiet() -> bool:
        for service in SERVICES:
            waits = await town.sql(service, WAITING)
            if waits[0]["n"]:
                return False
        return await heard_all(town)

    await eventually(quiet)


WAITING = "select (select count(*) from outbox) + (select count(*) from shred) + (select count(*) from parked) as n"


async def _in_nothing(town: Town, call_id: str, person_id: str) -> None:
    assert await looking.left_of(town, BIRD.needles) == {}
    log = await town.sql(
        "intake", "select type, data from event_log where aggregate_id = $1 order by aggregateseq", UUID(call_id)
    )
    assert [row["type"] for row in log if row["data"] != "{}"][-1] == "intake.call.erased.v1"
    history = await town.client.get(
        town.local.url("registry") + f"/v1/persons/{person_id}/history", headers=town.headers("case_manager")
    )
    assert not looking.traces_of(BIRD.needles, history.text)
