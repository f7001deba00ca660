"""Positions over HTTP and from vehicles: on the real broker, with dispatch's own rights; never a row."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest_asyncio

from services.dispatch import fleet, positions
from services.dispatch.app import SERVICE
from services.dispatch.positions import KNOWN
from services.dispatch.trail import KEPT, TRAILS, drop_old
from shared.events import intake
from shared.streams import inbox_positions_subject
from shared.work import new_id, now_utc
from tests.dispatch.conftest import HERE, NORTH, Town, Unit
from tests.harness import AREA, bearer, service_running
from tests.patience import PATIENCE_S
from tests.platform_fixtures import Broker, MakeDatabase, settle


@pytest_asyncio.fixture
async def live(database: MakeDatabase, streams: Broker, tmp_path: Path) -> AsyncIterator[Town]:
    """Dispatch connected to the broker, listening for positions."""
    made = await database("dispatch")
    KNOWN.last.clear()
    KNOWN.areas.clear()
    fleet.forget()
    TRAILS.last.clear()
    TRAILS.waiting.clear()
    settings: dict[str, Any] = {
        "tracker_secret": "only for this test",
        "nats_url": streams.url,
        "nats_credentials": streams.creds("dispatch"),
    }
    async with service_running(SERVICE, made.dsn, tmp_path, **settings) as running:
        await running.runtime.bus.open()
        listening = asyncio.create_task(positions.listen(running.runtime))
        yield Town(running)
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        assert running.runtime.bus.refusals == []
        await running.runtime.bus.close()


async def until(true: Callable[[], Awaitable[bool] | bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            found = true()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(0.01)


def fix(unit: Unit, km: float, age_s: float = 0) -> dict[str, Any]:
    at = now_utc() - timedelta(seconds=age_s)
    return {"unit_id": str(unit.id), "lon": HERE[0], "lat": HERE[1] + km * NORTH, "at": at.isoformat()}


async def stored(streams: Broker) -> dict[str, Any]:
    """What the memory stream holds: subject → body."""
    async with streams.connected("console") as client:
        inbox = client.new_inbox()
        answers = await client.subscribe(inbox)
        wanted = {"multi_last": ["internal.*.telemetry.unit.*.position.v1"]}
        await client.publish("$JS.API.DIRECT.GET.POSITIONS", orjson.dumps(wanted), reply=inbox)
        found: dict[str, Any] = {}
        while True:
            message = await answers.next_msg(timeout=PATIENCE_S)
            if not message.data:
                return found
            found[message.headers["Nats-Subject"]] = orjson.loads(message.data)


async def test_the_last_position_of_a_unit_is_kept_by_the_stream_and_shown_on_the_board(
    live: Town, streams: Broker
) -> None:
    unit = await live.unit(5)
    await live.post("/v1/positions", {"positions": [fix(unit, 3, 20), fix(unit, 2)]}, status=202)
    await live.post("/v1/positions", {"positions": [fix(unit, 4, 400)]}, status=202)
    await settle(live.running.runtime.bus.client)
    subject = f"internal.kalasin.telemetry.unit.{unit.id}.position.v1"
    kept = await stored(streams)
    assert round((kept[subject]["lat"] - HERE[1]) / NORTH) == 2, "the newest by its own clock wins"
    [board] = (await live.get("/v1/units"))["items"]
    assert round((board["position"]["lat"] - HERE[1]) / NORTH) == 2
    assert not board["position"]["stale"]
    assert await live.running.sql("select from event_log where noun = 'position'") == []


async def test_a_nearer_position_decides_and_an_old_one_is_marked(live: Town) -> None:
    home, moved = await live.unit(2), await live.unit(8)
    await live.post("/v1/positions", {"positions": [fix(moved, 0.5), fix(home, 2, 3600)]}, status=202)
    call_id = await live.call()
    [asked] = await live.asked(call_id)
    assert asked["unit_id"] == str(moved.id)
    trip = await live.trip(call_id)
    found = (await live.get(f"/v1/trips/{trip['id']}/recommendations"))["items"]
    stale = {item["unit_id"]: item["position_stale"] for item in found}
    assert stale == {str(moved.id): False, str(home.id): True}
    board = {item["id"]: item["position"]["stale"] for item in (await live.get("/v1/units"))["items"]}
    assert board == {str(moved.id): False, str(home.id): True}


async def test_vehicles_tell_their_positions_on_the_inbox_topic(live: Town, streams: Broker) -> None:
    unit = await live.unit(5)
    body = {key: value for key, value in fix(unit, 1).items() if key != "unit_id"}
    async with streams.connected("simulator") as client:
        await client.publish(inbox_positions_subject("elsewhere", str(unit.id)), orjson.dumps(body))
        await client.publish(inbox_positions_subject(AREA, str(new_id())), orjson.dumps(body))
        await client.publish(inbox_positions_subject(AREA, str(unit.id)), b"\xff not json")
        await client.publish(inbox_positions_subject(AREA, str(unit.id)), orjson.dumps({**body, "lat": 999}))
        await client.publish(inbox_positions_subject(AREA, str(unit.id)), orjson.dumps(body))
        await settle(client)

    async def heard() -> bool:
        return len(await stored(streams)) == 1

    await until(heard)
    assert round((KNOWN.last[unit.id].point.lat - HERE[1]) / NORTH) == 1


async def test_a_process_that_starts_later_reads_what_was_said_before(live: Town) -> None:
    unit = await live.unit(5)
    await live.post("/v1/positions", {"positions": [fix(unit, 1)]}, status=202)
    await settle(live.running.runtime.bus.client)
    KNOWN.last.clear()
    another = asyncio.create_task(positions.listen(live.running.runtime))
    await until(lambda: unit.id in KNOWN.last)
    another.cancel()
    await asyncio.gather(another, return_exceptions=True)


async def test_a_crew_tells_its_own_position_only_and_all_or_none_is_taken(live: Town) -> None:
    own, other = await live.unit(1), await live.unit(2)
    await live.post("/v1/positions", {"positions": [fix(own, 1)]}, status=202, headers=own.headers)
    mixed = {"positions": [fix(own, 2), fix(other, 1)]}
    refused = await live.post("/v1/positions", mixed, status=422, headers=own.headers)
    assert [error["field"] for error in refused["errors"]] == ["positions.1.unit_id"]
    assert round((KNOWN.last[own.id].point.lat - HERE[1]) / NORTH) == 1
    future = await live.post("/v1/positions", {"positions": [fix(own, 1, -3600)]}, status=422)
    assert future["errors"][0]["field"] == "positions.0.at"
    many = {"positions": [fix(own, 1)] * 501}
    await live.post("/v1/positions", many, status=422)
    await live.post("/v1/positions", {"positions": []}, status=422)
    await live.post("/v1/positions", mixed, status=422, headers=bearer("dispatcher", areas=["elsewhere"]))


async def test_without_the_broker_positions_are_refused_and_everything_else_goes_on(town: Town) -> None:
    unit = await town.unit(1)
    answer = await town.running.client.post("/v1/positions", json={"positions": [fix(unit, 1)]}, headers=town.desk)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert len(await town.asked(await town.call())) == 1


async def test_who_was_last_heard_of_long_ago_away_from_its_station_is_never_called_the_nearest(live: Town) -> None:
    """A parked vehicle's tracker sleeps: at its station it is as good as ever."""
    lost, far, parked = await live.unit(9), await live.unit(8), await live.unit(12)
    old = [fix(lost, 0.2, 1800), fix(far, 7), fix(parked, 12, 1800)]
    await live.post("/v1/positions", {"positions": old}, status=202)
    trip = await live.trip(await live.call())
    found = (await live.get(f"/v1/trips/{trip['id']}/recommendations"))["items"]
    by_unit = {item["unit_id"]: item["position_stale"] for item in found}
    assert by_unit == {str(lost.id): True, str(far.id): False, str(parked.id): True}
    assert [item["unit_id"] for item in found if item["eligible"]][-1] == str(lost.id)
    assert [each["unit_id"] for each in trip["assignments"]] == [str(far.id)]


async def identified(live: Town, unit: Unit) -> str:
    return str((await live.post(f"/v1/units/{unit.id}/tracker", {}))["tracker_id"])


async def test_traccar_forwards_and_apps_tell_positions_with_the_key_of_their_unit_only(live: Town) -> None:
    unit, other = await live.unit(5), await live.unit(6)
    tracker, client = await identified(live, unit), live.running.client
    at = now_utc().strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    said = {"id": 7, "protocol": "osmand", "fixTime": at, "latitude": HERE[1], "longitude": HERE[0], "course": 361.0,
            "speed": 20.0, "accuracy": 5.0, "valid": True, "attributes": {"ignition": True}}  # fmt: skip
    body = {"position": said, "device": {"id": 3, "name": "K1", "uniqueId": tracker}}
    answer = await client.post("/v1/positions/traccar", json=body)
    assert (answer.status_code, answer.json()) == (200, {"taken": 1})
    assert KNOWN.last[unit.id].point.lat == HERE[1]
    distrusted = {**body, "position": {**said, "valid": False}}
    assert (await client.post("/v1/positions/traccar", json=distrusted)).json() == {"taken": 0}

    later = now_utc() + timedelta(seconds=1)
    for number, stamp in enumerate((str(int(later.timestamp() * 1000)), later.isoformat(), "")):
        query = {"id": tracker, "lat": HERE[1] + number / 100, "lon": HERE[0], "batt": 80, "speed": 3}
        query |= {"timestamp": stamp} if stamp else {}
        assert (await client.get("/v1/positions/osmand", params=query)).status_code == 200
    assert (await client.post("/v1/positions/osmand", params=query)).status_code == 200

    stolen = f"{other.id}.{tracker.partition('.')[2]}"
    for wrong, status in ((stolen, 404), (str(unit.id), 422), (f"{new_id()}.{tracker.partition('.')[2]}", 404)):
        assert (await client.get("/v1/positions/osmand", params={**query, "id": wrong})).status_code == status
        forged = {**body, "device": {"uniqueId": wrong}}
        assert (await client.post("/v1/positions/traccar", json=forged)).status_code == status
    for stamp in ("noon", "nan", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-11-23T09:00:00"):
        assert (await client.get("/v1/positions/osmand", params={**query, "timestamp": stamp})).status_code == 422, (
            stamp
        )
    for number in ("NaN", "Infinity", "1e999"):
        text = orjson.dumps(body).decode().replace('"course":361.0', f'"course":{number}')
        refused = await client.post("/v1/positions/traccar", content=text, headers={"content-type": "application/json"})
        assert [error["field"] for error in refused.json()["errors"]] == ["position.course"], number
    await live.post(f"/v1/units/{unit.id}/tracker", {}, status=403, headers=unit.headers)


async def test_without_a_secret_no_tracker_is_taken(town: Town) -> None:
    unit = await town.unit(1)
    assert (await town.post(f"/v1/units/{unit.id}/tracker", {}, status=409))["code"] == "not_set_up"


async def test_the_way_to_a_call_is_kept_thin_for_those_who_review_it_and_goes_with_the_call(live: Town) -> None:
    unit, idle = await live.unit(1), await live.unit(9)
    call_id = await live.call()
    [asked] = await live.asked(call_id)
    path, pool = f"/v1/assignments/{asked['id']}/trail", live.running.runtime.pool
    begun = now_utc() - timedelta(minutes=10)
    await live.step(asked["id"], "accept", unit)
    await live.running.sql(
        "update assignment set status = 'en_route', en_route_at = $1 where id = $2", begun, asked["id"]
    )
    for second in range(0, 300, 2):
        moved = {**fix(unit, 1 - second / 400), "at": (begun + timedelta(seconds=second)).isoformat()}
        parked = {**fix(idle, 9), "at": moved["at"]}
        await live.post("/v1/positions", {"positions": [moved, parked]}, status=202)
    assert await live.running.sql("select from trail") == [], "nothing is written while fixes come"
    assert await TRAILS.write(pool) == 10, "one in half a minute, of the unit that has set out"
    spots = (await live.get(path))["spots"]
    times = [datetime.fromisoformat(spot["at"]) for spot in spots]
    assert times == sorted(times)
    assert len(spots) == 10
    await live.get(path, status=403, headers=unit.headers)
    await live.get(path, status=404, headers=bearer("dispatcher", areas=["elsewhere"]))
    assert await live.running.sql("select from audit where noun = 'trail' and act = 'read'")
    await drop_old(pool, now_utc() + KEPT - timedelta(hours=1))
    assert len((await live.get(path))["spots"]) == 10
    await live.say(call_id, intake.CallErased(at=now_utc()))
    assert (await live.get(path))["spots"] == []
    for age_s in (60, 0):  # one that waited to be written, and one of a unit that is still on its way
        await live.post("/v1/positions", {"positions": [fix(unit, 0.1 + age_s / 60, age_s)]}, status=202)
    assert TRAILS.waiting
    assert await TRAILS.write(pool) == 0
    assert (await live.get(path))["spots"] == []
