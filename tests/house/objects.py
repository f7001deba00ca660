"""Of each furnished service: what it knows of, and how every route is asked for one of these things."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from services.registry.keys import ring
from shared.thai.dates import local_day
from shared.work import new_id, now_utc
from tests.harness import AREA, Running, bearer
from tests.registry.photos import photo

NOT_FOUND = frozenset({404})
NOTHING = frozenset({200})
"""A list, a search, figures: nothing of it is there."""
PLACE = f"{AREA}:rimpao"
"""A community, by its code."""


@dataclass(frozen=True)
class Asked:
    """``path`` and ``body`` of a right request. ``refusals``: what a stranger is answered; ``finds``: what is in the

    answer of those whose it is; ``by``: one of them, where the supervisor may not, and as which ``crew_id``;
    ``of_the_area``: it belongs to everybody of the municipality. ``of_nobody``: it tells of no person, so an account that
    is held to places (``test_held.py``) is answered, too.
    """

    path: str
    body: Any = None
    refusals: frozenset[int] = NOT_FOUND
    finds: str = ""
    by: str | None = None
    crew_id: UUID | None = None
    of_the_area: bool = False
    of_nobody: bool = False


@dataclass
class Things:
    """``ids`` of everything of the municipality; ``without_objects``: routes that name nothing and list nothing."""

    asked: dict[str, Asked]
    without_objects: set[str]
    ids: set[str] = field(default_factory=set)


TABLES = """
select table_name from information_schema.columns where table_schema = 'public' and column_name = 'id'
and data_type = 'uuid' order by 1
"""
SENT = "update event_log set stream_sequence = 2 * position"
"""As if the relay had sent everything: the open feed shows what was sent."""


LETTERS = (UUID(int=0xD1), UUID(int=0xD2))
UNREADABLE = UUID(int=0xD3)
SET_ASIDE = """
insert into dead_letter (id, subject, aggregate_id, body, reason, died_at)
select $1, $3, $1, convert_to(json_build_object('id', $1::uuid, 'kind', 'nothing', 'subject_id', $1::uuid,
       'fence', 0, 'origin', json_build_object('area', $2::text), 'data', json_build_object('name', 'x'))::text, 'UTF8'),
       'nobody knows what this is', clock_timestamp()
"""


async def objects_of(name: str, running: Running) -> Things:
    await running.sql(SENT)
    for letter in LETTERS:
        await running.sql(SET_ASIDE, letter, AREA, "due.nothing")
    await running.sql(SET_ASIDE, UNREADABLE, AREA, f"internal.{AREA}.nobody.knows")
    things: Things = await {"intake": intake, "dispatch": dispatch, "registry": registry, "notify": notify}[name](
        running
    )
    things.without_objects.add("GET /v1/audit/verify")
    for table in await running.sql(TABLES):
        things.ids |= {str(row["id"]) for row in await running.sql(f'select id from "{table["table_name"]}"')}
    return things


async def one(running: Running, statement: str) -> UUID:
    found: UUID = (await running.sql(statement))[0]["id"]
    return found


def everywhere(finds: Any, about: Any) -> dict[str, Asked]:
    """What every service has: the open feed, and who looked at what."""
    return {
        "GET /v1/events": Asked("/v1/events?limit=1000", refusals=NOTHING, finds=str(finds), of_the_area=True),
        "GET /v1/audit": Asked("/v1/audit?limit=500", refusals=NOTHING, finds=f'"{about}"', by="auditor"),
        "GET /v1/audit/export": Asked("/v1/audit/export", refusals=NOTHING, finds=str(about), by="auditor"),
        "GET /v1/dead-letters": Asked("/v1/dead-letters", refusals=NOTHING, finds=str(LETTERS[0]), by="admin"),
        "GET /v1/dead-letters/{letter_id}": Asked(f"/v1/dead-letters/{LETTERS[0]}", by="admin"),
        "POST /v1/dead-letters/{letter_id}/requeue": Asked(f"/v1/dead-letters/{LETTERS[0]}/requeue", by="admin"),
        "POST /v1/dead-letters/{letter_id}/close": Asked(f"/v1/dead-letters/{UNREADABLE}/close", by="admin"),
        "POST /v1/dead-letters/requeue": Asked("/v1/dead-letters/requeue", refusals=NOTHING, finds="1", by="admin"),
    }


async def intake(running: Running) -> Things:
    call, other = [row["id"] for row in await running.sql("select id from call order by number limit 2")]
    await running.client.post("/v1/ringing", json={"from": "0812345678"}, headers=bearer("call_taker"))
    await running.client.get(f"/v1/calls/{call}", headers=bearer("call_taker"))
    await running.do_due("watchdog")
    alarm = await one(running, "select id from alarm")
    barriers = [row["id"] for row in await running.sql("select id from barrier order by id")]
    again = {"caller": {"phone": "0812345678"}, "location": {"landmark": "หน้าวัดกลาง", "tambon_code": "460101"}}
    act = f"/v1/calls/{call}"
    pair = {"other_call_id": str(other), "link": "related"}
    asked = {
        **everywhere(call, call),
        "POST /v1/calls": Asked("/v1/calls", again, frozenset({201}), finds="possible_duplicates"),
        "GET /v1/calls": Asked("/v1/calls", refusals=NOTHING, finds=str(call)),
        "POST /v1/calls/search": Asked("/v1/calls/search", {"phone": "0812345678"}, NOTHING, str(call)),
        "GET /v1/calls/{call_id}": Asked(act),
        "PATCH /v1/calls/{call_id}": Asked(act, {"notes": "x", "version": 1}),
        "GET /v1/calls/{call_id}/barriers": Asked(f"{act}/barriers"),
        "GET /v1/alarms": Asked("/v1/alarms", refusals=NOTHING, finds=str(alarm)),
        "POST /v1/alarms/{alarm_id}/acknowledge": Asked(f"/v1/alarms/{alarm}/acknowledge"),
        "POST /v1/barriers/{barrier_id}/met": Asked(f"/v1/barriers/{barriers[0]}/met", {"outcome": "unit_matched"}),
        "POST /v1/barriers/{barrier_id}/unmet": Asked(f"/v1/barriers/{barriers[1]}/unmet", {"reason": "declined"}),
        "POST /v1/ringing": Asked(
            "/v1/ringing", {"from": "0812345678", "area": AREA}, frozenset({404, 201}), str(call)
        ),
        "GET /v1/ringing": Asked("/v1/ringing", refusals=NOTHING, finds="+66812345678"),
        "GET /v1/reports/{kpi}": Asked(f"/v1/reports/calls?area={AREA}"),
        "POST /v1/calls/{call_id}/link": Asked(f"{act}/link", pair),
        "POST /v1/calls/{call_id}/unlink": Asked(f"{act}/unlink", pair),
        "POST /v1/calls/{call_id}/hand-over": Asked(
            f"{act}/hand-over", {"receiver": "centre_1669", "reason": "red_flag"}
        ),
        "POST /v1/calls/{call_id}/withdraw": Asked(f"{act}/withdraw", {}),
        "POST /v1/calls/{call_id}/close": Asked(f"{act}/close", {"outcome": "done"}),
        "POST /v1/calls/{call_id}/erase": Asked(f"{act}/erase", {}),
    }
    return Things(asked, {"GET /v1/codes", "GET /v1/triage/{criteria_group}", "POST /v1/triage"})


async def dispatch(running: Running) -> Things:
    assignment = (await running.sql("select id, trip_id, unit_id, crew_ids[1] as crew_id from assignment limit 1"))[0]
    trip, unit, crew = assignment["trip_id"], assignment["unit_id"], assignment["crew_id"]
    idle = await one(running, f"select id from unit where id <> '{unit}'")
    waiting = await one(running, "select id from trip where lane = 'booked'")
    on = (await running.sql("select on_day from trip where id = $1", waiting))[0]["on_day"].isoformat()
    station, vehicle = await one(running, "select id from station"), await one(running, "select id from vehicle")
    place = {"area": AREA, "name": "x", "lon": 103.5, "lat": 16.4}
    facility, clinic = new_id(), {**place, "kind": "hospital"}
    await running.client.put(f"/v1/facilities/{facility}", json=clinic, headers=bearer("admin"))
    await running.client.get(f"/v1/trips/{trip}", headers=bearer("dispatcher"))
    now = now_utc().isoformat()
    fix = {"unit_id": str(unit), "lon": 103.5, "lat": 16.4, "at": now}
    at = f"/v1/assignments/{assignment['id']}"
    matrix = {"duration_s": [[0, 60], [60, 0]]}
    await running.client.put("/v1/travel-matrices/the-town", json=matrix, headers=bearer("dispatcher"))
    day = {"on": on, "area": AREA, "search_s": 0}
    proposal = (await running.client.post("/v1/plans/day", json=day, headers=bearer("dispatcher"))).json()["id"]
    emergency = {
        "now_s": 0, "matrix_id": "the-town", "units": [{"id": "a", "place": {"index": 0}, "status": "idle"}],
        "call": {"place": {"index": 1}, "severity": "red"},
    }  # fmt: skip
    plan = {
        "metric": "matrix", "matrix_id": "the-town", "time_limit_s": 0.1, "trips": [],
        "vehicles": [{"id": "a", "start": {"index": 0}, "end": {"index": 0}, "capacity": {"seat": 1}, "shift": [0, 9]}],
    }  # fmt: skip
    roster = await _roster(running, unit, crew)
    asked = {
        **everywhere(trip, trip),
        # Before anything is done to the ride that waits.
        "POST /v1/plans/{plan_id}/try": Asked(
            f"/v1/plans/{proposal}/try", {"trip_id": str(waiting), "unit_id": str(idle)}
        ),
        **roster,
        **await _stock(running, trip),
        **await _layers(running),
        **await _waste(running, unit, crew),
        **await _places(running, facility, assignment["id"]),
        "PUT /v1/stations/{station_id}": Asked(f"/v1/stations/{station}", place),
        "PUT /v1/facilities/{facility_id}": Asked(f"/v1/facilities/{facility}", clinic),
        "PUT /v1/vehicles/{vehicle_id}": Asked(
            f"/v1/vehicles/{vehicle}", {"area": AREA, "kind": "ambulance", "name": "x"}
        ),
        "PUT /v1/crew/{crew_id}": Asked(f"/v1/crew/{crew}", {"area": AREA, "kind": "staff", "name": "x"}),
        "PUT /v1/units/{unit_id}": Asked(f"/v1/units/{idle}", {"area": AREA, "call_sign": "x"}),
        "GET /v1/stations": Asked("/v1/stations", refusals=NOTHING, finds=str(station)),
        "GET /v1/facilities": Asked("/v1/facilities", refusals=NOTHING, finds=str(facility), of_the_area=True),
        "GET /v1/vehicles": Asked("/v1/vehicles", refusals=NOTHING, finds=str(vehicle)),
        "GET /v1/crew": Asked("/v1/crew", refusals=NOTHING, finds=str(crew)),
        "GET /v1/units/names": Asked(f"/v1/units/names?unit_id={unit}", refusals=NOTHING, finds=str(unit)),
        "GET /v1/units": Asked("/v1/units", refusals=NOTHING, finds=str(unit)),
        "POST /v1/units/{unit_id}/duty": Asked(f"/v1/units/{unit}/duty", {"on": True}),
        "POST /v1/units/{unit_id}/tracker": Asked(f"/v1/units/{unit}/tracker"),
        "GET /v1/assignments/{assignment_id}/trail": Asked(f"{at}/trail"),
        "GET /v1/relocations": Asked(f"/v1/relocations?area={AREA}", refusals=NOTHING, finds="items"),
        "GET /v1/shares": Asked("/v1/shares", refusals=NOTHING, finds="items"),
        "POST /v1/units/{unit_id}/share": Asked(
            f"/v1/units/{idle}/share", {"with_area": "sample", "until_at": (now_utc() + timedelta(hours=2)).isoformat()}
        ),
        "POST /v1/units/{unit_id}/return": Asked(f"/v1/units/{idle}/return"),
        "POST /v1/units/{unit_id}/disinfected": Asked(f"/v1/units/{unit}/disinfected", {}),
        "POST /v1/positions": Asked("/v1/positions", {"positions": [fix]}, frozenset({422})),
        "GET /v1/reports/{kpi}": Asked(f"/v1/reports/units?area={AREA}", refusals=NOTHING, finds=str(unit)),
        "GET /v1/exports/missions": Asked("/v1/exports/missions", refusals=NOTHING, finds=str(trip)),
        "GET /v1/trips": Asked("/v1/trips", refusals=NOTHING, finds=str(trip)),
        "POST /v1/trips/search": Asked("/v1/trips/search", {"ids": [str(trip)]}, NOTHING, str(trip)),
        "GET /v1/trips/{trip_id}": Asked(f"/v1/trips/{trip}"),
        "GET /v1/trips/{trip_id}/recommendations": Asked(f"/v1/trips/{waiting}/recommendations"),
        "GET /v1/queue": Asked("/v1/queue", refusals=NOTHING, finds="items"),
        "POST /v1/trips/{trip_id}/stand-down": Asked(f"/v1/trips/{waiting}/stand-down"),
        "GET /v1/plans/day": Asked(f"/v1/plans/day?on={on}&area={AREA}", refusals=frozenset({404}), finds=AREA),
        "GET /v1/plans/{plan_id}": Asked(f"/v1/plans/{proposal}"),
        "POST /v1/plans/{plan_id}/publish": Asked(f"/v1/plans/{proposal}/publish"),
        "POST /v1/trips/{trip_id}/ready": Asked(f"/v1/trips/{waiting}/ready", {}),
        "POST /v1/assignments/{assignment_id}/steps": Asked(f"{at}/steps", {"step": "accept", "at": now}),
        "POST /v1/assignments/{assignment_id}/backup": Asked(f"{at}/backup", {}),
        "POST /v1/assignments/{assignment_id}/handover": Asked(f"{at}/handover", {"receiver": "hospital", "at": now}),
        "POST /v1/assignments/{assignment_id}/release": Asked(f"{at}/release", {"reason": "closer_unit"}),
        "POST /v1/trips/{trip_id}/assign": Asked(f"/v1/trips/{waiting}/assign", {"unit_id": str(unit)}),
        "POST /v1/trips/{trip_id}/cancel": Asked(f"/v1/trips/{waiting}/cancel", {"reason": "went_alone"}),
        "GET /v1/trips/{trip_id}/offers": Asked(f"/v1/trips/{waiting}/offers"),
        "POST /v1/plans/day": Asked("/v1/plans/day", {"on": on, "area": AREA}, frozenset({404}), AREA),
        "POST /v1/crew/{crew_id}/erase": Asked(f"/v1/crew/{crew}/erase"),
        "PUT /v1/travel-matrices/{matrix_id}": Asked(
            "/v1/travel-matrices/another", matrix, frozenset({200, 201}), of_the_area=True
        ),
        "GET /v1/travel-matrices": Asked("/v1/travel-matrices", refusals=NOTHING, finds="the-town", of_the_area=True),
        "POST /v1/plans/preview": Asked("/v1/plans/preview", plan, frozenset({422}), finds="routes", of_the_area=True),
        "POST /v1/emergencies/preview": Asked(
            "/v1/emergencies/preview", emergency, frozenset({422}), finds="choices", of_the_area=True
        ),
        "DELETE /v1/travel-matrices/{matrix_id}": Asked("/v1/travel-matrices/the-town", of_the_area=True),
    }
    return Things(asked, {"GET /v1/codes"})


async def _roster(running: Running, unit: UUID, crew: UUID) -> dict[str, Asked]:
    """A shift that gives way to another, a swap of it, and somebody at a station."""
    begins = now_utc() + timedelta(days=2)
    shift, gone = new_id(), new_id()
    station = await one(running, "select id from station")
    taker = await one(
        running, f"select id from crew where id not in (select unnest(crew_ids) from unit where id = '{unit}')"
    )
    desk = bearer("supervisor")

    def body(hours: int, crew_ids: list[str]) -> dict[str, Any]:
        times = {"from_at": begins + timedelta(hours=hours), "until_at": begins + timedelta(hours=hours + 4)}
        at = {name: moment.isoformat() for name, moment in times.items()}
        return {"unit_id": str(unit), "crew_ids": crew_ids, **at}

    await running.client.put(f"/v1/shifts/{shift}", json=body(0, [str(crew)]), headers=desk)
    await running.client.put(f"/v1/shifts/{gone}", json=body(6, []), headers=desk)
    swap_of = f"/v1/shifts/{shift}/swaps"
    give = {"from_crew_id": str(crew), "to_crew_id": str(taker)}
    swap = (await running.client.post(swap_of, json=give, headers=desk)).json()["id"]
    code = (await running.client.post(f"/v1/stations/{station}/code", headers=desk)).json()["code"]
    here = {"code": code, "name": "มาช่วย", "phone": "0865550000"}
    await running.client.post("/v1/check-ins", json=here)
    served = await one(running, "select id from served where station_id is not null")
    return {
        "PUT /v1/shifts/{shift_id}": Asked(f"/v1/shifts/{shift}", body(0, [str(crew)])),
        "DELETE /v1/shifts/{shift_id}": Asked(f"/v1/shifts/{gone}"),
        "GET /v1/shifts": Asked(f"/v1/shifts?area={AREA}", refusals=frozenset({200, 404}), finds=str(shift)),
        "GET /v1/roster/now": Asked(f"/v1/roster/now?area={AREA}"),
        "POST /v1/shifts/{shift_id}/swaps": Asked(swap_of, give),
        "GET /v1/swaps": Asked("/v1/swaps", refusals=NOTHING, finds=swap),
        "POST /v1/swaps/{swap_id}/answer": Asked(f"/v1/swaps/{swap}/answer", {"act": "agree"}),
        "POST /v1/stations/{station_id}/code": Asked(f"/v1/stations/{station}/code"),
        "GET /v1/attendance": Asked("/v1/attendance", refusals=NOTHING, finds=str(served)),
        "POST /v1/attendance/{served_id}/end": Asked(f"/v1/attendance/{served}/end", {}),
        "GET /v1/hours": Asked(f"/v1/hours?area={AREA}"),
        "PUT /v1/crew/{crew_id}/leaving": Asked(f"/v1/crew/{crew}/leaving", {"leaves_after_min": 5}),
        "GET /v1/own/duty": Asked("/v1/own/duty", refusals=NOTHING, finds=str(shift), by="crew", crew_id=crew),
        "GET /v1/certificates": Asked("/v1/certificates", refusals=NOTHING, finds="items"),
    }


async def _layers(running: Running) -> dict[str, Asked]:
    """A risk map of one zone."""
    ring = [[103.4, 16.3], [103.6, 16.3], [103.6, 16.5], [103.4, 16.3]]
    zone = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": {}}
    drawn = {"type": "FeatureCollection", "features": [zone]}
    body = {"area": AREA, "kind": "flood", "name": "x", "source": "x", "geojson": drawn}
    layer = new_id()
    at = f"/v1/layers/{layer}"
    await running.client.put(at, json=body, headers=bearer("supervisor"))
    return {
        "PUT /v1/layers/{layer_id}": Asked(at, body),
        "GET /v1/layers": Asked("/v1/layers", refusals=NOTHING, finds=str(layer), of_the_area=True),
        "GET /v1/layers/{layer_id}": Asked(at, of_the_area=True),
        "DELETE /v1/layers/{layer_id}": Asked(at),
    }


async def _stock(running: Running, trip: UUID) -> dict[str, Asked]:
    """A hydrant, and what a neighbourhood keeps, some of it on loan."""
    desk, hydrant, account = bearer("supervisor"), new_id(), new_id()
    where = {"area": AREA, "name": "x", "lon": 103.5, "lat": 16.4}
    kept = {"area": AREA, "kind": "aed", "community": "x", "count": 5}
    await running.client.put(f"/v1/hydrants/{hydrant}", json=where, headers=desk)
    await running.client.put(f"/v1/equipment/{account}", json=kept, headers=desk)
    lend, to = f"/v1/equipment/{account}/loans", {"trip_id": str(trip)}
    loan = (await running.client.post(lend, json=to, headers=desk)).json()["id"]
    return {
        "PUT /v1/hydrants/{hydrant_id}": Asked(f"/v1/hydrants/{hydrant}", where),
        "GET /v1/hydrants": Asked("/v1/hydrants", refusals=NOTHING, finds=str(hydrant), of_the_area=True),
        "POST /v1/hydrants/{hydrant_id}/checks": Asked(f"/v1/hydrants/{hydrant}/checks", {"status": "working"}),
        "GET /v1/hydrant-gaps": Asked(f"/v1/hydrant-gaps?area={AREA}"),
        "PUT /v1/equipment/{account_id}": Asked(f"/v1/equipment/{account}", kept),
        "GET /v1/equipment": Asked("/v1/equipment", refusals=NOTHING, finds=str(account)),
        "POST /v1/equipment/{account_id}/loans": Asked(lend, to),
        "GET /v1/equipment-loans": Asked("/v1/equipment-loans", refusals=NOTHING, finds=loan),
        "POST /v1/equipment-loans/{loan_id}/return": Asked(f"/v1/equipment-loans/{loan}/return"),
    }


async def _waste(running: Running, unit: UUID, crew: UUID) -> dict[str, Asked]:
    """What a unit packed."""
    body = {"unit_id": str(unit), "bags": 1}
    log = (await running.client.post("/v1/waste", json=body, headers=bearer("supervisor"))).json()["id"]
    return {
        "POST /v1/waste": Asked("/v1/waste", body),
        "GET /v1/waste": Asked(f"/v1/waste?area={AREA}"),
        "GET /v1/waste/own": Asked("/v1/waste/own", refusals=NOTHING, finds=log, by="crew", crew_id=crew),
        "POST /v1/waste/{waste_id}/sealed": Asked(f"/v1/waste/{log}/sealed"),
        "POST /v1/waste/{waste_id}/hand-overs": Asked(f"/v1/waste/{log}/hand-overs", {"receiver": "hospital"}),
    }


async def _places(running: Running, facility: UUID, assignment: UUID) -> dict[str, Asked]:
    """A facility that was told, and two beds of it, one of them held."""
    desk, bed, other = bearer("supervisor"), new_id(), new_id()
    body = {"area": AREA, "facility_id": str(facility), "name": "x"}
    for each in (bed, other):
        await running.client.put(f"/v1/beds/{each}", json=body, headers=desk)
    hold = (await running.client.post(f"/v1/beds/{other}/hold", json={}, headers=desk)).json()["id"]
    told, tell = {"facility_id": str(facility)}, f"/v1/assignments/{assignment}/alert"
    alert = (await running.client.post(tell, json=told, headers=desk)).json()["id"]
    return {
        "POST /v1/assignments/{assignment_id}/alert": Asked(tell, told),
        "GET /v1/alerts": Asked("/v1/alerts", refusals=NOTHING, finds=alert),
        "POST /v1/alerts/{alert_id}/answer": Asked(f"/v1/alerts/{alert}/answer", {"accepts": True}),
        "PUT /v1/beds/{bed_id}": Asked(f"/v1/beds/{bed}", body),
        "GET /v1/beds": Asked("/v1/beds", refusals=NOTHING, finds=str(bed)),
        "POST /v1/beds/{bed_id}/hold": Asked(f"/v1/beds/{bed}/hold", {}),
        "POST /v1/bed-holds/{hold_id}/use": Asked(f"/v1/bed-holds/{hold}/use"),
        "POST /v1/bed-holds/{hold_id}/release": Asked(f"/v1/bed-holds/{hold}/release"),
    }


async def _one_person(running: Running) -> dict[str, Asked]:
    """Records that may be one person's, and links between records."""
    officer, told = bearer("registry_officer"), {"name": "ระเบียนซ้ำ ทดสอบ", "birth_year": 2500, "area": AREA}
    made = [(await running.client.post("/v1/persons", json=told, headers=officer)).json()["id"] for _ in range(4)]
    pair = await one(running, "select id from duplicate order by one_id limit 1")
    link = {"survivor_id": made[2]}
    answer = await running.client.post(f"/v1/persons/{made[3]}/link", json=link, headers=officer)
    assert answer.status_code == 200, answer.text
    return {
        "GET /v1/duplicates": Asked("/v1/duplicates", refusals=NOTHING, finds=made[1]),
        "GET /v1/links": Asked("/v1/links", refusals=NOTHING, finds=made[3]),
        "POST /v1/duplicates/{pair_id}/review": Asked(f"/v1/duplicates/{pair}/review", {"decision": "distinct"}),
        "POST /v1/persons/{person_id}/unlink": Asked(f"/v1/persons/{made[3]}/unlink"),
        "POST /v1/persons/{person_id}/link": Asked(f"/v1/persons/{made[1]}/link", link),
    }


ENDED = {"reason": "other"}


NOTED = """
insert into person_match (id, person_id, area, call_id, patient_id, method, to_check, matched_at)
select gen_random_uuid(), m.person_id, p.area, m.call_id, m.patient_id, 'name_phone', true, now()
from call_person m join person p on p.id = m.person_id returning id
"""


ERASE = "POST /v1/persons/{person_id}/erase"
TAKEN_OUT = "POST /v1/matches/{match_id}/unmatch"


async def _matches(running: Running, person: UUID) -> dict[str, Asked]:
    """A call that was taken for somebody."""
    match = await one(running, NOTED)
    return {
        "GET /v1/matches": Asked("/v1/matches", refusals=NOTHING, finds=str(match)),
        "GET /v1/persons/{person_id}/matches": Asked(f"/v1/persons/{person}/matches"),
        "GET /v1/matches/{match_id}": Asked(f"/v1/matches/{match}"),
        "POST /v1/matches/{match_id}/confirm": Asked(f"/v1/matches/{match}/confirm"),
        TAKEN_OUT: Asked(f"/v1/matches/{match}/unmatch"),
    }


async def _household(running: Running) -> dict[str, Asked]:
    """Somebody in a household, in a group, and about to be secret."""
    officer = bearer("registry_officer")

    async def make(path: str, told: dict[str, Any]) -> str:
        answer = await running.client.post(path, json=told, headers=officer)
        assert answer.status_code == 201, answer.text
        found: str = answer.json()["id"]
        return found

    people = [
        await make("/v1/persons", {"name": f"ครัวเรือน คนที่{n}", "area": AREA, "phone": f"081000000{n}"}) for n in range(2)
    ]
    at, other = (f"/v1/persons/{one}" for one in people)
    house = await make("/v1/households", {"area": AREA, "members": [{"person_id": people[0], "head": True}]})
    home = f"/v1/households/{house}"
    group, of_house = (
        await make(f"{at}/groups", {"group": "elderly"}),
        await make(f"{home}/groups", {"group": "hardship"}),
    )
    passport = {"kind": "passport", "issuer": "THA"}
    number = await make(f"{at}/identifiers", {**passport, "value": "AB123456"})
    typed = await make(f"{other}/identifiers", {**passport, "value": "AB123457"})
    phone, wrong = [await one(running, f"select id from contact where person_id = '{who}'") for who in people]
    asked = await make(f"{other}/disclosure", {"wanted": "secret", "reason": "threat"})
    return {
        "PATCH /v1/persons/{person_id}": Asked(at, {"alias": "x"}),
        "POST /v1/persons/{person_id}/contacts": Asked(f"{at}/contacts", {"phone": "0811111111"}),
        "POST /v1/persons/{person_id}/contacts/{contact_id}/end": Asked(f"{at}/contacts/{phone}/end", ENDED),
        "POST /v1/persons/{person_id}/contacts/{contact_id}/correct": Asked(f"{other}/contacts/{wrong}/correct"),
        "POST /v1/persons/{person_id}/identifiers": Asked(f"{other}/identifiers", {"kind": "none"}),
        "POST /v1/persons/{person_id}/identifiers/{identifier_id}/end": Asked(f"{at}/identifiers/{number}/end", ENDED),
        "POST /v1/persons/{person_id}/identifiers/{identifier_id}/correct": Asked(
            f"{other}/identifiers/{typed}/correct"
        ),
        "POST /v1/persons/{person_id}/groups": Asked(f"{at}/groups", {"group": "disabled"}),
        "POST /v1/persons/{person_id}/groups/{membership_id}/leave": Asked(f"{at}/groups/{group}/leave"),
        "POST /v1/persons/{person_id}/disclosure": Asked(
            f"{at}/disclosure", {"wanted": "secret", "reason": "threat"}, by="registry_officer"
        ),
        "GET /v1/disclosures": Asked("/v1/disclosures", refusals=NOTHING, finds=asked),
        "POST /v1/disclosures/{request_id}/decide": Asked(f"/v1/disclosures/{asked}/decide", {"approve": False}),
        "POST /v1/households": Asked("/v1/households", {"area": AREA}),
        "GET /v1/households/{household_id}": Asked(home),
        "POST /v1/households/{household_id}/members": Asked(f"{home}/members", {"person_id": people[1]}),
        "POST /v1/households/{household_id}/members/{person_id}/leave": Asked(f"{home}/members/{people[0]}/leave"),
        "POST /v1/households/{household_id}/groups": Asked(f"{home}/groups", {"group": "destitute"}),
        "POST /v1/households/{household_id}/groups/{group_id}/leave": Asked(f"{home}/groups/{of_house}/leave"),
    }


async def registry(running: Running) -> Things:
    person = await one(running, "select id from person where source = 'call'")
    case = await one(running, "select id from case_file")
    await running.client.get(f"/v1/persons/{person}", headers=bearer("supervisor"))
    at, days = f"/v1/persons/{person}", "from=2026-01-01&to=2027-01-01"
    asked = {
        **everywhere(person, person),
        "POST /v1/persons": Asked("/v1/persons", {"name": "x", "area": AREA}),
        "POST /v1/persons/alike": Asked(
            "/v1/persons/alike", {"name": "ระเบียนซ้ำ ทดสอบ", "birth_year": 2500, "area": AREA}
        ),
        "POST /v1/persons/search": Asked("/v1/persons/search", {"ids": [str(person)]}, NOTHING, str(person)),
        "GET /v1/persons/{person_id}": Asked(at),
        "GET /v1/persons/{person_id}/history": Asked(f"{at}/history"),
        "GET /v1/persons/{person_id}/looks": Asked(f"{at}/looks"),
        "GET /v1/persons/{person_id}/as-known": Asked(
            f"{at}/as-known?at={now_utc() + timedelta(seconds=2):%Y-%m-%dT%H:%M:%SZ}"
        ),
        **await _one_person(running),
        **await _matches(running, person),
        **await _household(running),
        "POST /v1/areas/import": Asked(
            "/v1/areas/import", {"area": AREA, "rows": [{"code": "46010101", "kind": "village", "th": "บ้านทดลอง"}]}
        ),
        "GET /v1/cases": Asked(f"/v1/cases?person_id={person}"),
        "GET /v1/cases/{case_id}": Asked(f"/v1/cases/{case}"),
        "GET /v1/reports/{kpi}": Asked(f"/v1/reports/served?area={AREA}&{days}"),
        **await _locations(running, person),
        **await _imports(running),
        "GET /v1/persons/{person_id}/copy": Asked(f"{at}/copy"),
        "GET /v1/exports/persons": Asked(f"/v1/exports/persons?area={AREA}", finds=str(person)),
        **await _care(running, person),
        **await _reviews(running, case),
        **await _teams(running, person, case),
        "POST /v1/cases": Asked("/v1/cases", {"person_id": str(person)}),
        "POST /v1/cases/{case_id}/close": Asked(f"/v1/cases/{case}/close", {"outcome": "normal"}),
        **await _agencies(running, person),
        ERASE: Asked(f"{at}/erase", {}),
    }
    for last in (TAKEN_OUT, ERASE):  # a case goes along with whom it takes out, and all with whom is erased
        asked[last] = asked.pop(last)
    return Things(
        asked,
        {
            "GET /v1/areas",
            "GET /v1/areas/{code}",
            "GET /v1/codes",
            "GET /v1/questionnaires",
            "POST /v1/withdrawals/acknowledge",
        },
    )


async def _locations(running: Running, person: UUID) -> dict[str, Asked]:
    at, here = f"/v1/persons/{person}/locations", {"lon": 103.5, "lat": 16.4}
    await running.client.post(at, json=here, headers=bearer("supervisor"))
    return {
        "POST /v1/persons/{person_id}/locations": Asked(at, here),
        "GET /v1/persons/{person_id}/locations": Asked(at),
        "POST /v1/persons/near": Asked("/v1/persons/near", {"point": here}, NOTHING, str(person)),
        "POST /v1/locations/import": Asked(
            "/v1/locations/import", {"rows": [{"row": 1, "person_id": str(person), **here}]}, NOTHING, str(person)
        ),
    }


async def _imports(running: Running) -> dict[str, Asked]:
    """A file of one person."""
    body = {
        "format": "karuna", "area": AREA, "file": "0" * 64, "file_rows": 1, "first_row": 2, "columns": ["name"],
        "rows": [["ทองคำ"]],
    }  # fmt: skip
    run = (await running.client.post("/v1/imports", json=body, headers=bearer("supervisor"))).json()["run"]["id"]
    return {
        "POST /v1/imports": Asked("/v1/imports", body, finds=run),
        "GET /v1/imports": Asked("/v1/imports", refusals=NOTHING, finds=run),
        "GET /v1/imports/{run_id}": Asked(f"/v1/imports/{run}"),
        "POST /v1/imports/{run_id}/undo": Asked(f"/v1/imports/{run}/undo", {"reason": "wrong_file"}),
    }


async def _teams(running: Running, person: UUID, case: UUID) -> dict[str, Asked]:
    """A task and a team of one crew member, a care group, and a correction another municipality proposes."""
    desk, crew, at, group = bearer("supervisor"), new_id(), f"/v1/cases/{case}", f"/v1/care-groups/{new_id()}"
    task = {"kind": "visit", "assignee_id": str(crew), "due_on": "2027-01-01"}
    task_id = (await running.client.post(f"{at}/tasks", json=task, headers=desk)).json()["id"]
    guest = {"crew_id": str(crew)}
    member = (await running.client.post(f"{at}/team", json=guest, headers=desk)).json()["id"]
    care = {"area": AREA, "name": "x", "person_ids": [str(person)]}
    await running.client.put(group, json=care, headers=desk)
    proposed = new_id()
    await running.sql(
        "insert into correction (id, person_id, area, fields, proposed_by, proposed_in, proposed_at) "
        "values ($1, $2, $3, '{name}', 'person:x', '{trat}', now())", proposed, person, AREA,
    )  # fmt: skip
    await running.sql(
        "insert into told (owner_id, field, person_id, value, key_id) values ($1, 'change', $2, $3, 1)",
        proposed, person, ring().seal('{"alias":"x"}', "told", proposed, "change"),
    )  # fmt: skip
    return {
        "POST /v1/cases/{case_id}/tasks": Asked(f"{at}/tasks", task),
        "GET /v1/cases/{case_id}/tasks": Asked(f"{at}/tasks"),
        "GET /v1/tasks": Asked("/v1/tasks", refusals=NOTHING, finds=task_id),
        "GET /v1/tasks/mine": Asked("/v1/tasks/mine", refusals=NOTHING, finds=task_id, by="volunteer", crew_id=crew),
        "POST /v1/tasks/{task_id}/done": Asked(f"/v1/tasks/{task_id}/done", {}),
        "POST /v1/cases/{case_id}/team": Asked(f"{at}/team", guest),
        "GET /v1/cases/{case_id}/team": Asked(f"{at}/team"),
        "GET /v1/team/mine": Asked("/v1/team/mine", refusals=NOTHING, finds=member, by="volunteer", crew_id=crew),
        "POST /v1/team/{member_id}/answer": Asked(f"/v1/team/{member}/answer", {"answer": "accepted"}),
        "PUT /v1/care-groups/{group_id}": Asked(group, care),
        "POST /v1/care-groups/{group_id}/people": Asked(f"{group}/people", {"person_id": str(person)}),
        "GET /v1/care-groups": Asked("/v1/care-groups", refusals=NOTHING, finds=str(person)),
        "POST /v1/persons/{person_id}/corrections": Asked(
            f"/v1/persons/{person}/corrections", {"change": {"name": "x"}}
        ),
        "GET /v1/corrections": Asked("/v1/corrections", refusals=NOTHING, finds=str(proposed)),
        "POST /v1/corrections/{correction_id}/decide": Asked(
            f"/v1/corrections/{proposed}/decide", {"decision": "accepted"}
        ),
    }


async def _reviews(running: Running, case: UUID) -> dict[str, Asked]:
    """A review with everything written, and something to be done about it."""
    desk = bearer("supervisor")
    review = (await running.client.post("/v1/reviews", json={"case_id": str(case)}, headers=desk)).json()["id"]
    at, due = f"/v1/reviews/{review}", {"what": "x", "owner": "y", "due_on": "2027-01-01"}
    gens = dict.fromkeys(("place", "thing", "situation", "principle", "rule"), "x")
    text = {"version": 1, "whys": ["a", "b", "c", "d", "e"], "gens": gens, "root_cause": "training"}
    action = (await running.client.post(f"{at}/actions", json=due, headers=desk)).json()["id"]
    days = "from=2026-01-01&to=2027-01-01"
    return {
        "POST /v1/reviews": Asked("/v1/reviews", {"case_id": str(case)}),
        "GET /v1/reviews": Asked("/v1/reviews", refusals=NOTHING, finds=review),
        "GET /v1/reviews/{review_id}": Asked(at),
        "PUT /v1/reviews/{review_id}": Asked(at, text),
        "POST /v1/reviews/{review_id}/actions": Asked(f"{at}/actions", due),
        "POST /v1/review-actions/{action_id}/done": Asked(f"/v1/review-actions/{action}/done", {"evidence": "x"}),
        "POST /v1/reviews/{review_id}/approve": Asked(f"{at}/approve", {"lesson": "x"}),
        "GET /v1/lessons": Asked("/v1/lessons", refusals=NOTHING, finds=review, of_the_area=True, of_nobody=True),
        "GET /v1/lessons/causes": Asked(f"/v1/lessons/causes?area={AREA}&{days}"),
        "POST /v1/reviews/{review_id}/close": Asked(f"{at}/close"),
    }


async def _picture(running: Running, visit: str) -> dict[str, Asked]:
    """A picture of a visit."""
    at = f"/v1/pictures/{new_id()}"
    put, content = f"{at}?visit_id={visit}", photo()
    kept = await running.client.put(put, content=content, headers=bearer("supervisor"))
    assert kept.status_code == 200, kept.text
    return {
        "PUT /v1/pictures/{picture_id}": Asked(put, content),
        "GET /v1/pictures/{picture_id}": Asked(at),
        "DELETE /v1/pictures/{picture_id}": Asked(at),
    }


async def _care(running: Running, person: UUID) -> dict[str, Asked]:
    """A visit two phones disagree about, an assessment with its proposal, a need, a boat."""
    desk, at = bearer("supervisor"), f"/v1/persons/{person}"
    visit, entry = f"/v1/visits/{new_id()}", f"/v1/community/{new_id()}"
    told = {"person_id": str(person), "fields": {"note": {"value": "a"}}}
    await running.client.put(visit, json=told, headers=desk)
    other = await running.client.put(visit, json={**told, "fields": {"note": {"value": "b"}}}, headers=desk)
    decision = {"field": "note", "value_id": other.json()["fields"][0]["others"][0]["id"]}
    lacking = {"untreated": 1, "no_carer": 0, "home_unsafe": 1, "child_out": 0, "food": 1, "no_card": 0}
    answers = {"instrument": "poverty", "answers": lacking}
    await running.client.post(f"{at}/assessments", json=answers, headers=desk)
    need = (await running.client.post(f"{at}/needs", json={"need": "carer"}, headers=desk)).json()["id"]
    boat = {"area": AREA, "community": PLACE, "kind": "boat"}
    await running.client.put(entry, json=boat, headers=desk)
    proposal = await one(running, "select id from group_proposal where decision is null")
    goes = new_id()
    given = {"crew_ids": [str(goes)], "due_on": str(local_day(now_utc()) + timedelta(days=1))}
    plan = (await running.client.post(f"{at}/planned-visits", json=given, headers=desk)).json()["id"]
    return {
        "POST /v1/persons/{person_id}/planned-visits": Asked(f"{at}/planned-visits", given),
        "GET /v1/planned-visits": Asked("/v1/planned-visits", refusals=NOTHING, finds=plan),
        "GET /v1/planned-visits/mine": Asked(
            "/v1/planned-visits/mine", refusals=NOTHING, finds=plan, by="volunteer", crew_id=goes
        ),
        "POST /v1/planned-visits/{plan_id}/cancel": Asked(f"/v1/planned-visits/{plan}/cancel", {}),
        "PUT /v1/visits/{visit_id}": Asked(visit, told),
        "GET /v1/visits/{visit_id}": Asked(visit),
        "GET /v1/visits": Asked("/v1/visits", refusals=NOTHING, finds=visit.rpartition("/")[2]),
        "GET /v1/persons/{person_id}/visits": Asked(f"{at}/visits"),
        "POST /v1/visits/{visit_id}/decide": Asked(f"{visit}/decide", decision),
        **await _picture(running, visit.rpartition("/")[2]),
        "POST /v1/persons/{person_id}/assessments": Asked(f"{at}/assessments", answers),
        "GET /v1/persons/{person_id}/assessments": Asked(f"{at}/assessments"),
        "GET /v1/group-proposals": Asked("/v1/group-proposals", refusals=NOTHING, finds=str(proposal)),
        "POST /v1/group-proposals/{proposal_id}/decide": Asked(
            f"/v1/group-proposals/{proposal}/decide", {"decision": "accepted"}
        ),
        "POST /v1/persons/{person_id}/needs": Asked(f"{at}/needs", {"need": "food"}),
        "GET /v1/persons/{person_id}/needs": Asked(f"{at}/needs"),
        "POST /v1/needs/{need_id}/met": Asked(f"/v1/needs/{need}/met", {}),
        "GET /v1/gaps": Asked(f"/v1/gaps?group=hardship&area={AREA}"),
        "GET /v1/gaps/people": Asked(f"/v1/gaps/people?group=hardship&gap=no_phone&area={AREA}"),
        "GET /v1/community": Asked("/v1/community", refusals=NOTHING, finds=entry.rpartition("/")[2]),
        "GET /v1/community/cards": Asked("/v1/community/cards", refusals=NOTHING, finds=f'"{PLACE}"'),
        "POST /v1/community/search": Asked(
            "/v1/community/search", {"kind": "boat"}, refusals=NOTHING, finds=entry.rpartition("/")[2]
        ),
        "PUT /v1/community/{entry_id}": Asked(entry, boat),
        "DELETE /v1/community/{entry_id}": Asked(entry),
    }


async def _agencies(running: Running, person: UUID) -> dict[str, Asked]:
    """An agency with an agreement, and what somebody consented to and withdrew; glass that was broken."""
    agency, coordinator, glass = new_id(), new_id(), new_id()
    kept = {"kind": "hospital", "name_th": "x", "areas": [AREA], "from_on": "2026-01-01"}
    whom = {"name": "x", "phone": "0819990001", "from_on": "2026-01-01"}
    terms = {"area": AREA, "title_th": "x", "agency_ids": [str(agency)], "areas": [AREA], "purposes": ["care"],
             "field_class": "shared", "bases": ["s24_4"], "from_on": "2026-01-01"}  # fmt: skip
    desk = bearer("supervisor")
    await running.client.put(f"/v1/agencies/{agency}", json=kept, headers=desk)
    made = (await running.client.post("/v1/agreements", json=terms, headers=desk)).json()["id"]
    given, at = {"purpose": "care", "agency_id": str(agency)}, f"/v1/persons/{person}/consents"
    ids = [(await running.client.post(at, json=given, headers=desk)).json()["id"] for _ in range(2)]
    await running.client.post(f"/v1/consents/{ids[0]}/withdraw", headers=desk)
    await running.sql(
        "insert into break_glass (id, person_id, area, agency_id, caller, role, reason, from_at, until_at) "
        "values ($1, $2, $3, $4, 'person:x', 'case_manager', 'x', now(), now() + interval '3 hours')",
        glass, person, AREA, agency,
    )  # fmt: skip
    return {
        "PUT /v1/agencies/{agency_id}": Asked(f"/v1/agencies/{agency}", kept),
        "GET /v1/agencies": Asked("/v1/agencies", refusals=NOTHING, finds=str(agency), of_nobody=True),
        "PUT /v1/agencies/{agency_id}/coordinators/{coordinator_id}": Asked(
            f"/v1/agencies/{agency}/coordinators/{coordinator}", whom
        ),
        "POST /v1/agreements": Asked("/v1/agreements", terms),
        "GET /v1/agreements": Asked("/v1/agreements", refusals=NOTHING, finds=made, of_nobody=True),
        "GET /v1/agreements/{agreement_id}": Asked(f"/v1/agreements/{made}", of_nobody=True),
        "GET /v1/agreements/{agreement_id}/effect": Asked(f"/v1/agreements/{made}/effect", of_nobody=True),
        "POST /v1/agreements/{agreement_id}/sign": Asked(f"/v1/agreements/{made}/sign"),
        "POST /v1/agreements/{agreement_id}/end": Asked(f"/v1/agreements/{made}/end", {"reason": "over"}),
        "POST /v1/access/why": Asked("/v1/access/why", {"person_id": str(person)}),
        "POST /v1/persons/{person_id}/consents": Asked(at, given),
        "GET /v1/persons/{person_id}/consents": Asked(at),
        "POST /v1/consents/{consent_id}/withdraw": Asked(f"/v1/consents/{ids[1]}/withdraw"),
        "GET /v1/withdrawals": Asked("/v1/withdrawals?done=true", refusals=NOTHING, finds=ids[0]),
        "POST /v1/break-glass": Asked("/v1/break-glass", {"person_id": str(person), "reason": "unconscious"}),
        "GET /v1/break-glass": Asked("/v1/break-glass", refusals=NOTHING, finds=str(glass)),
        "POST /v1/break-glass/{glass_id}/review": Asked(f"/v1/break-glass/{glass}/review", {"finding": "justified"}),
    }


async def notify(running: Running) -> Things:
    message = (await running.sql("select * from message where recipient_kind = 'crew' limit 1"))[0]
    call, crew = message["call_id"], message["recipient_id"]
    reply = new_id()
    await running.sql(
        "insert into reply (id, area, channel, call_id, answer, text, said_at, came_at) "
        "values ($1, $2, 'line', $3, 'text', 'x', now(), now())", reply, AREA, call,
    )  # fmt: skip
    await running.client.get(f"/v1/messages?call_id={call}", headers=bearer("supervisor"))
    at, hours = f"/v1/messages/{message['id']}", "from=2026-01-01T00:00:00Z&to=2027-01-01T00:00:00Z"
    whose = {"recipient_kind": "crew", "recipient_id": str(crew)}
    asked = {
        **everywhere(message["id"], call),
        "GET /v1/messages": Asked(f"/v1/messages?call_id={call}", refusals=NOTHING, finds=str(message["id"])),
        "GET /v1/messages/why": Asked(f"/v1/messages/why?call_id={call}", refusals=NOTHING, finds=str(message["id"])),
        "GET /v1/messages/{message_id}": Asked(at),
        "GET /v1/replies": Asked(f"/v1/replies?call_id={call}", refusals=NOTHING, finds=str(reply)),
        "POST /v1/line/links": Asked("/v1/line/links", whose),
        "PUT /v1/recipients/{kind}/{recipient_id}/preferences": Asked(
            f"/v1/recipients/crew/{crew}/preferences", {"wants_routine": True}
        ),
        "GET /v1/reports/{kpi}": Asked(f"/v1/reports/messages?area={AREA}&{hours}"),
        "POST /v1/messages/{message_id}/resend": Asked(f"{at}/resend"),
        "POST /v1/messages/{message_id}/acknowledge": Asked(f"{at}/acknowledge", {}),
    }
    return Things(asked, {"GET /v1/codes"})
