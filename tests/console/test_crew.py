"""The crew's page on the server's side: its own trip and no more, the phone's key passed on, refusals as sentences."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from services.console.rules.journey import AFTER, NEXT, jobs_of, stops_of
from shared.auth import Role
from shared.work import new_id, now_utc
from tests.console.faces import Faces, SignedIn, words_of
from tests.console.story import Story
from tests.harness import AREA

UNIT, ASSIGNMENT, TRIP = new_id(), new_id(), new_id()
AT = "2026-11-22T03:00:00Z"
JSON = {"accept": "application/json"}


def assignment(**changes: Any) -> dict[str, Any]:
    return {
        "id": str(ASSIGNMENT), "trip_id": str(TRIP), "unit_id": str(UNIT), "role": "primary", "way": "order",
        "status": "ordered", "asked_at": AT, "start_at": None, "ended_at": None, "stamps": {"order": AT}, **changes,
    }  # fmt: skip


def trip(*assignments: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "id": str(TRIP), "call_id": str(new_id()), "patient_id": str(new_id()), "leg": "outbound", "area": AREA,
        "kind": "medical", "lane": "emergency", "severity": "red", "severity_scheme": "cbd", "exercise": False,
        "pickup_at": None, "pickup_lat": 16.43, "pickup_lon": 103.5, "drop_lat": None, "drop_lon": None,
        "facility_id": None, "need": {"mobility": "stretcher", "needs": ["oxygen"]},
        "details": {"complaint": "<script>alert(1)</script>", "location": {"landmark": '"><b>วัด</b>'},
                    "patient": {"name": "มะลิ", "age": 72}, "caller": {"name": "ลูก", "phone": "+66812345678"}},
        "assignments": list(assignments) or [assignment()], **changes,
    }  # fmt: skip


def known(faces: Faces, *trips: dict[str, Any], **more: Any) -> None:
    unit = {"id": str(UNIT), "call_sign": "K1", "duty": "on_duty", "cleanliness": "clean", "area": AREA, "crew_ids": [],
            "usual_crew_ids": [], "last_closed_at": None, "homeward_id": None, **more}  # fmt: skip
    faces.services.answers |= {
        "GET dispatch /v1/units": {"items": [unit], "next": None},
        "GET dispatch /v1/trips": {"items": list(trips), "next": None},
        "GET dispatch /v1/facilities": {"items": [], "next": None},
        "GET dispatch /v1/waste/own": {"items": []},
    }


WARNING = {
    "th": ("บริเวณเสี่ยง ระวัง", "น้ำท่วม · เสี่ยงสูง", "ริมน้ำ", "ใช้เรือ", "ที่ปลายทาง"),
    "en": ("Risk area: take care", "flood · high risk", "ริมน้ำ", "take a boat", "at the destination"),
}


@pytest.mark.parametrize("lang", WARNING)
async def test_a_crew_that_goes_into_a_zone_of_a_risk_map_reads_what_to_do_there(faces: Faces, lang: str) -> None:
    risk = {"end": "drop", "kind": "flood", "level": "high", "layer": "น้ำท่วม", "layer_en": None, "zone": "ริมน้ำ",
            "advice": "ใช้เรือ", "advice_en": "take a boat"}  # fmt: skip
    known(faces, trip(risks=[risk]))
    crew = await faces.sign_in(Role.CREW, lang=lang)
    (job,) = (await crew.get("/crew/state", headers=JSON)).json()["jobs"]
    for said in WARNING[lang]:
        assert said in job["html"]
    assert ("ใช้เรือ" in job["html"]) == (lang == "th"), "the advice in one language: nobody reads twice at the wheel"
    known(faces, trip(risks=[{**risk, "end": "pickup", "advice_en": None}]))
    (job,) = (await crew.get("/crew/state?full=true", headers=JSON)).json()["jobs"]
    assert "ใช้เรือ" in job["html"], "without English better Thai than nothing"
    assert WARNING[lang][-1] not in job["html"], "where the way begins needs no word"


async def act(crew: SignedIn, body: dict[str, Any], **headers: str) -> Any:
    sent = {**JSON, "x-csrf-token": crew.csrf, "idempotency-key": str(new_id()), **headers}
    return await crew.client.post("/crew/act", json=body, headers=sent)


async def test_a_crew_reads_its_own_trip_and_only_when_something_changed(faces: Faces) -> None:
    known(faces, trip())
    crew = await faces.sign_in(Role.CREW)
    state = (await crew.get("/crew/state", headers=JSON)).json()
    (job,) = state["jobs"]
    assert (job["id"], job["status"], job["transports"]) == (str(ASSIGNMENT), "ordered", True)
    assert "<script>" not in job["html"]
    assert "&lt;script&gt;" in job["html"]
    assert "<b>" not in job["html"]
    assert "tel:+66812345678" in job["html"]
    (read,) = faces.services.of("GET dispatch /v1/trips")
    assert (read.purpose, read.claims["role"]) == ("emergency", "crew")

    assert "บริเวณเสี่ยง" not in job["html"]

    again = await crew.get(f"/crew/state?seen={state['mark']}", headers=JSON)
    assert (again.status_code, again.content) == (204, b"")
    assert len(faces.services.of("GET dispatch /v1/trips")) == 1, "nothing personal is read to say that nothing changed"
    assert (await crew.get(f"/crew/state?seen={state['mark']}&full=true", headers=JSON)).status_code == 200


async def test_every_phone_of_a_crew_may_say_that_it_is_back_also_after_a_protected_call(faces: Faces) -> None:
    for hours, home in ((1, True), (13, False)):
        cleared_at = (now_utc() - timedelta(hours=hours)).isoformat()
        known(faces, last_closed_at=cleared_at, homeward_id=str(ASSIGNMENT))
        crew = await faces.sign_in(Role.CREW)
        state = (await crew.get("/crew/state", headers=JSON)).json()
        assert state["home"] == ([{"id": str(ASSIGNMENT), "at": cleared_at, "unit_id": str(UNIT)}] if home else []), (
            hours
        )


async def test_a_phone_is_told_which_of_its_units_is_meant(faces: Faces) -> None:
    known(faces, trip())
    crew = await faces.sign_in(Role.CREW)
    [me] = await faces.running.sql(
        "update account set crew_id = $1 where id = $2 returning crew_id", new_id(), crew.account_id
    )
    mine, other = [str(me["crew_id"])], [str(new_id())]
    [unit] = faces.services.answers["GET dispatch /v1/units"]["items"]
    cases = (
        ({"crew_ids": mine, "usual_crew_ids": other}, True),
        ({"crew_ids": [], "usual_crew_ids": mine}, True),
        ({"crew_ids": other, "usual_crew_ids": mine}, False),
        ({"crew_ids": mine, "usual_crew_ids": mine, "duty": "off_duty"}, False),
    )
    units = [{**unit, "id": str(new_id()), **more} for more, _ in cases]
    faces.services.answers["GET dispatch /v1/units"] = {"items": units, "next": None}
    state = (await crew.get("/crew/state", headers=JSON)).json()
    assert [each["here"] for each in state["units"]] == [here for _, here in cases]
    assert [job["unit_id"] for job in state["jobs"]] == [str(UNIT)]


async def test_a_phone_learns_how_what_it_knew_has_ended_and_by_which_number_it_goes(faces: Faces) -> None:
    crew, strange, ids = await faces.sign_in(Role.CREW), new_id(), {}
    for name, unit, protected in (
        ("cleared", UNIT, False), ("declined", UNIT, False), ("expired", UNIT, False), ("released", UNIT, False),
        ("released", UNIT, True), ("cleared", strange, False), (None, UNIT, False),
    ):  # fmt: skip
        story = Story(protected=protected)
        story.call("received")
        ids[name, unit, protected] = one = new_id()
        story.assignment("ordered", one, unit)
        if name:
            story.assignment(name, one, unit)
        for raw in story.said:
            await faces.running.runtime.inbox.take([raw])
    known(faces, trip(call_id=str(story.call_id)))
    query = "&".join(f"had={each}" for each in ids.values())
    state = (await crew.get(f"/crew/state?{query}", headers=JSON)).json()
    own = {key: str(each) for key, each in ids.items() if key[0] and key[1] == UNIT}
    assert state["ended"] == {each: name for (name, _, _), each in own.items()}
    [job] = state["jobs"]
    number = f"KLS-6911-{story.call_id.hex[-4:]}"
    assert (job["number"], number in job["html"]) == (number, True), "by LINE and radio it is spoken of by this alone"
    known(faces, trip())
    state = (await crew.get("/crew/state?full=true", headers=JSON)).json()
    assert (state["ended"], state["jobs"][0]["number"]) == ({}, None), "what is not told openly has no number here"


async def test_whom_a_crew_brought_it_may_say_to_be_ready(faces: Faces) -> None:
    known(faces)
    crew = await faces.sign_in(Role.CREW)
    story = Story(severity="white")
    patient, back = str(new_id()), new_id()
    facts = {"patient_id": patient, "kind": "transfer", "lane": "booked", "severity": "white", "severity_scheme": "cbd"}
    story.call("received")
    story.trip("requested", **facts, leg="outbound")
    home = {**facts, "call_id": str(story.call_id), "leg": "return", "waits_for_ready": True}
    story.say("dispatch.trip.requested.v1", back, **home)
    for name in ("accepted", "en_route", "at_scene", "left_scene", "at_destination", "cleared"):
        more = {"call_id": str(story.call_id), "trip_id": str(story.trip_id), "unit_id": str(UNIT)}
        story.say(f"dispatch.assignment.{name}.v1", ASSIGNMENT, **more)
    for raw in story.said[:-1]:
        await faces.running.runtime.inbox.take([raw])
    await faces.running.sql("update thing set changed_at = now()")
    assert (await crew.get("/crew/state", headers=JSON)).json()["returns"] == [], "not brought yet"
    await faces.running.runtime.inbox.take([story.said[-1]])
    await faces.running.sql("update thing set changed_at = now()")
    [waiting] = (await crew.get("/crew/state", headers=JSON)).json()["returns"]
    assert waiting["id"] == str(back)
    assert waiting["number"].startswith("KLS-")

    faces.services.answers[f"POST dispatch /v1/trips/{back}/ready"] = {"id": str(back)}
    assert (await act(crew, {"kind": "ready", "id": str(back)})).json() == {"done": True}
    said = story.say("dispatch.trip.changed.v1", back, **home, ready_at="2026-11-22T05:00:00Z")
    await faces.running.runtime.inbox.take([said])
    assert (await crew.get("/crew/state", headers=JSON)).json()["returns"] == []
    stranger = [{"id": str(new_id()), "call_sign": "K2", "duty": "on_duty", "cleanliness": "clean", "area": AREA, "crew_ids": [],
                 "usual_crew_ids": [], "last_closed_at": None, "homeward_id": None}]  # fmt: skip
    faces.services.answers["GET dispatch /v1/units"] = {"items": stranger, "next": None}
    other = await faces.sign_in(Role.CREW)
    assert (await other.get("/crew/state", headers=JSON)).json()["returns"] == []


async def test_a_phone_tells_where_its_unit_is_and_nothing_is_kept(faces: Faces) -> None:
    known(faces, trip())
    crew = await faces.sign_in(Role.CREW)
    faces.services.answers["POST dispatch /v1/positions"] = (202, {"taken": 1})
    fix = {"unit_id": str(UNIT), "lat": 16.43, "lon": 103.5, "at": AT, "accuracy_m": 12.0}
    headers = {**JSON, "x-csrf-token": crew.csrf}
    assert (await crew.client.post("/crew/position", json=fix, headers=headers)).status_code == 204
    [asked] = faces.services.of("POST dispatch /v1/positions")
    assert (asked.body, asked.claims["role"]) == ({"positions": [fix]}, "crew")
    assert (await crew.client.post("/crew/position", json={**fix, "lat": 99}, headers=headers)).status_code == 422
    assert (await crew.client.post("/crew/position", json=fix, headers=JSON)).status_code == 403


async def test_what_is_pressed_goes_on_under_the_phone_s_own_key(faces: Faces) -> None:
    known(faces, trip())
    crew = await faces.sign_in(Role.CREW)
    step = new_id()
    steps = f"/v1/assignments/{ASSIGNMENT}/steps"
    faces.services.answers[f"POST dispatch {steps}"] = {"id": str(ASSIGNMENT), "step": {"id": str(step), "at": AT}}
    key = str(new_id())
    done = await act(
        crew, {"kind": "step", "id": str(ASSIGNMENT), "step": "at_scene", "at": AT}, **{"idempotency-key": key}
    )
    assert done.json() == {"done": True, "step_id": str(step), "at": AT}
    (asked,) = faces.services.of(f"POST dispatch {steps}")
    assert (asked.key, asked.body["step"], asked.body["at"]) == (key, "at_scene", AT)
    assert "kind" not in asked.body

    th, en = "งานถูกปลด", "the trip was released"
    faces.services.answers[f"POST dispatch {steps}"] = 409, {"code": "out_of_order", "th": th, "en": en}
    refused = await act(crew, {"kind": "step", "id": str(ASSIGNMENT), "step": "clear", "at": AT})
    assert (refused.status_code, refused.json()["code"], refused.json()["sentence"]) == (409, "out_of_order", th)

    for wrong in ({"kind": "step", "id": str(ASSIGNMENT), "step": "fly", "at": AT}, {"kind": "erase", "id": str(TRIP)},
                  {"kind": "duty", "id": str(UNIT), "on": True, "area": "sample"}):  # fmt: skip
        assert (await act(crew, wrong)).status_code == 422
    foreign = await act(crew, {"kind": "duty", "id": str(UNIT), "on": True}, **{"x-csrf-token": "not-ours"})
    assert (foreign.status_code, foreign.json()["code"]) == (403, "csrf")


async def test_a_crew_writes_down_its_infectious_waste_under_the_phone_s_own_name_for_it(faces: Faces) -> None:
    known(faces)
    log, hand = str(new_id()), {"number": 1, "receiver": "station_store", "bags": 2, "weight_g": None, "at": AT}
    shown = {"id": log, "area": AREA, "unit_id": str(UNIT), "trip_id": None, "bags": 2, "weight_g": 900, "sealed": True,
             "packed_at": AT, "disposed_at": None, "chain": [hand], "missing_bags": 0}  # fmt: skip
    faces.services.answers["GET dispatch /v1/waste/own"] = {"items": [shown]}
    crew = await faces.sign_in(Role.CREW)
    assert (await crew.get("/crew/state", headers=JSON)).json()["waste"] == [
        {"id": log, "bags": 2, "weight_g": 900, "sealed": True, "at": AT,
         "hands": [{"receiver": "station_store", "bags": 2, "weight_g": None}]},
    ]  # fmt: skip
    packed = {"id": str(new_id()), "unit_id": str(UNIT), "bags": 3, "weight_g": 1200, "sealed": False, "at": AT}
    handed = {"receiver": "hospital", "bags": 3, "at": AT}
    for kind, path, body, told in (
        ("waste", "/v1/waste", packed, packed),
        ("waste_sealed", f"/v1/waste/{packed['id']}/sealed", {"id": packed["id"]}, {}),
        ("waste_handed", f"/v1/waste/{packed['id']}/hand-overs", {"id": packed["id"], **handed}, handed),
    ):
        faces.services.answers[f"POST dispatch {path}"] = shown
        key = str(new_id())
        assert (await act(crew, {"kind": kind, **body}, **{"idempotency-key": key})).json() == {"done": True}
        (asked,) = faces.services.of(f"POST dispatch {path}")
        assert (asked.key, asked.body) == (key, told)
    assert (await act(crew, {"kind": "waste", **packed, "bags": 0})).status_code == 422
    del faces.services.answers["GET dispatch /v1/waste/own"]
    assert (await crew.get("/crew/state?full=true", headers=JSON)).json()["waste"] is None, (
        "the trip is shown all the same, and the phone keeps the bags it knows: not known is not none"
    )


@pytest.mark.parametrize("role", [Role.DISPATCHER, Role.CASE_MANAGER, Role.ADMIN, Role.PARTNER])
async def test_the_page_is_the_crews_alone(faces: Faces, role: Role) -> None:
    other = await faces.sign_in(role)
    assert (await other.get("/crew")).status_code == 403
    assert (await other.get("/crew/state", headers=JSON)).status_code == 403
    assert (await faces.browser().get("/crew/state", headers=JSON)).status_code == 401


async def test_every_file_the_phone_keeps_is_there_and_the_shell_holds_no_trip(faces: Faces) -> None:
    known(faces, trip())
    crew = await faces.sign_in(Role.VOLUNTEER)
    script = await crew.get("/sw.js")
    assert script.headers["cache-control"] == "no-cache"
    paths = re.findall(r'"(/static/[^"]+)"', script.text)
    assert len(paths) > 8
    for path in paths:
        assert (await crew.get(path)).status_code == 200, path
    page = await crew.get("/crew")
    assert "มะลิ" not in page.text
    assert "กรุณาเลือก" not in words_of(page)
    assert (await crew.get("/static/crew.webmanifest")).json()["start_url"] == "/crew"


def test_the_most_pressing_job_comes_first() -> None:
    ids = [str(new_id()) for _ in range(5)]
    later = assignment(id=ids[0], status="accepted", start_at="2026-11-23T03:00:00Z")
    asked = assignment(id=ids[1], status="offered")
    ordered = assignment(id=ids[2])
    driving = assignment(id=ids[3], status="en_route")
    ended = assignment(id=ids[4], status="released", ended_at=AT)
    booked = trip(later, lane="booked"), trip(asked, lane="booked")
    found = jobs_of([*booked, trip(ordered), trip(driving), trip(ended)])
    assert [job.id for job in found] == [ids[3], ids[2], ids[1], ids[0]]


def test_of_a_tour_the_rider_whose_stop_is_next_comes_first() -> None:
    """Two on board in turn: fetch one, fetch two, bring one, bring two; and all its stops are named in that order."""
    run, ids = str(new_id()), [str(new_id()) for _ in range(2)]

    def rider(number: int, status: str) -> Any:
        times = {"pickup_at": f"2026-11-23T02:0{number}:00Z", "dropoff_at": f"2026-11-23T02:3{number}:00Z"}
        return trip(assignment(id=ids[number], status=status, run_id=run, **times), lane="booked")

    stages = {
        ("accepted", "accepted"): 0, ("en_route", "accepted"): 0, ("left_scene", "accepted"): 1,
        ("left_scene", "en_route"): 1, ("left_scene", "left_scene"): 0, ("at_destination", "left_scene"): 0,
    }  # fmt: skip
    for (one, two), first in stages.items():
        jobs = jobs_of([rider(1, two), rider(0, one)])
        assert jobs[0].id == ids[first], (one, two)
    stops = stops_of(jobs, run)
    assert [(stop.job.id, stop.pickup) for stop in stops] == [
        (ids[0], True), (ids[1], True), (ids[0], False), (ids[1], False),
    ]  # fmt: skip
    assert [stop.done for stop in stops] == [True, True, True, False]
    assert stops_of(jobs[:1], run) == []


def test_every_step_leads_to_a_status_that_has_a_next_one() -> None:
    status, walked = "ordered", []
    while step := NEXT.get(status):
        walked.append(step)
        status = AFTER[step]
    assert walked == ["accept", "en_route", "at_scene", "left_scene", "at_destination", "clear", "at_base"]
