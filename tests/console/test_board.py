"""The board: what a row shows, who may see what, the strip, confirming, the sheet on paper and cards, the day's rides."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from services.console import maps
from services.console.painting import call_html, rows_of
from services.console.rules.board import CallRow, revealed, unit_row
from services.console.rules.paper import Wrong, read_card, read_clock
from services.console.rules.rides import rides
from services.console.store import board as store
from shared.auth import Role
from shared.thai.dates import BANGKOK, local, local_day, show_day
from shared.work import new_id, now_utc
from tests.console.faces import Asked, Faces
from tests.console.story import WAY, Story, whole
from tests.harness import AREA

Doc = dict[str, Any]
UNIT = new_id()


async def tell(faces: Faces, *stories: Story) -> None:
    for raw in [raw for story in stories for raw in story.said]:
        await faces.running.runtime.inbox.take([raw])


async def row_of(faces: Faces, story: Story) -> CallRow:
    [(row, _)] = rows_of(await store.of_calls(faces.running.runtime.pool, [story.call_id]))
    return row


def call_of(story: Story, **changes: Any) -> Doc:
    """What intake answers to a search."""
    return {
        "id": str(story.call_id), "number": "KLS-6911-0007", "severity": "red", "kind": "medical", "lane": "emergency",
        "patient_count": 1, "received_at": story.began.isoformat(), "back_entry": False, "complaint": "ล้มในห้องน้ำ",
        "caller": {"name": "สมศรี", "phone": "+66812345678", "phone_as_typed": None},
        "location": {"lat": 16.43, "lon": 103.5, "landmark": "ตลาดเก่า", "community": "donkaruna", "address": None,
                     "point_as_typed": None},
        "patients": [{"name": "บุญมา <b>ใจงาม</b>", "age": 72}], **changes,
    }  # fmt: skip


def unit_of(unit_id: Any = UNIT, **changes: Any) -> Doc:
    """What dispatch answers of a unit."""
    return {
        "id": str(unit_id), "call_sign": "K3", "area": AREA, "level": "als", "volunteer": False, "exercise": False,
        "duty": "on_duty", "cleanliness": "clean", "work_status": None, "run_opened_at": None, "until_at": None, "last_closed_at": None,
        "position": None, "crew_ids": [], "usual_crew_ids": [], **changes,
    }  # fmt: skip


def answering(faces: Faces, *units: Doc, **more: Any) -> None:
    faces.services.answers.update(
        {
            "GET dispatch /v1/units": {"items": list(units), "next": None},
            "GET intake /v1/alarms": {"items": []},
            "GET dispatch /v1/queue": {"at": "", "alarms": 0, "items": []},
            **more,
        }
    )


# --- what a row shows ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("steps", "stage", "chip"),
    [(0, "received", None), (1, "received", "ordered"), (2, "assigned", "accepted"), (3, "on_the_way", "en_route"),
     (4, "at_scene", "at_scene"), (6, "at_destination", "at_destination"), (7, "done", None)],
)  # fmt: skip
async def test_a_row_follows_the_unit_that_goes(faces: Faces, steps: int, stage: str, chip: str | None) -> None:
    story = whole(UNIT, steps=steps)
    await tell(faces, story)
    row = await row_of(faces, story)
    assert row.stage == stage
    assert [each.status for each in row.chips] == ([chip] if chip else [])
    assert (row.said_no, row.silent) == (0, 1), "who was silent did not refuse"
    assert row.unanswered == row.waits == (stage == "received")
    assert row.late_s == {"received": 60, "assigned": 480, "on_the_way": 480}.get(stage)


async def test_a_call_whose_unit_is_asked_does_not_say_that_none_is_free(faces: Faces) -> None:
    story, one = Story(), new_id()
    story.call("received")
    story.trip("requested", leg="outbound")
    story.trip("queued")
    await tell(faces, story)
    assert "รอหน่วยว่าง" in call_html(await row_of(faces, story), "th")
    story.said.clear()
    story.assignment("ordered", one, UNIT)
    await tell(faces, story)
    row = await row_of(faces, story)
    assert row.waits, "nobody goes yet: it still sounds"
    assert "รอหน่วยว่าง" not in call_html(row, "th")


async def test_who_was_silent_did_not_refuse_and_is_counted_once(faces: Faces) -> None:
    story, asleep, refuses, unasked = Story(), new_id(), new_id(), new_id()
    story.call("received")
    story.trip("requested", leg="outbound")
    for unit, first, then in (
        (asleep, "ordered", "expired"), (asleep, "offered", "expired"), (unasked, "proposed", "expired"),
        (refuses, "ordered", "expired"), (refuses, "ordered", "declined"),
    ):  # fmt: skip
        one = new_id()
        story.assignment(first, one, unit)
        story.assignment(then, one, unit)
    await tell(faces, story)
    row = await row_of(faces, story)
    assert (row.said_no, row.silent) == (1, 1)
    assert "ไม่รับ 1" in call_html(row, "th")
    assert "ไม่ตอบ 1" in call_html(row, "th")


async def test_a_row_says_that_the_van_is_late_until_it_is_there(faces: Faces) -> None:
    story, assignment = Story(severity="green"), new_id()
    story.call("received", lane="booked")
    story.trip("planned", pickup_at=story.at.isoformat())
    story.assignment("accepted", assignment, UNIT)
    story.trip("at_risk", risk="late")
    await tell(faces, story)
    row = await row_of(faces, story)
    assert row.late
    assert "รถไปรับช้า" in call_html(row, "th")
    story.said.clear()
    story.assignment("en_route", assignment, UNIT)
    story.assignment("at_scene", assignment, UNIT)
    await tell(faces, story)
    assert not (await row_of(faces, story)).late


async def test_a_call_with_two_people_is_as_far_as_the_one_who_needs_somebody(faces: Faces) -> None:
    story = whole(UNIT, steps=4)
    other = new_id()
    story.say("dispatch.trip.requested.v1", other, call_id=str(story.call_id), leg="outbound")
    story.say("dispatch.trip.queued.v1", other, call_id=str(story.call_id))
    await tell(faces, story)
    assert (await row_of(faces, story)).stage == "queued"


def test_the_urgent_stand_first_then_the_old_then_rides() -> None:
    now = datetime(2026, 11, 22, 3, tzinfo=UTC)
    row = CallRow(new_id(), AREA, now, severity="red", lane="emergency")
    rows = {
        "old red": row,
        "red": replace(row, received_at=now + timedelta(minutes=1)),
        "protected": replace(row, severity=None, lane=None, protected=True),
        "yellow": replace(row, severity="yellow", received_at=now + timedelta(minutes=1)),
        "green": replace(row, severity="green"),
        "done": replace(row, stage="done"),
        "ride": replace(row, lane="booked", pickup_at=now + timedelta(hours=3)),
        "exercise": replace(row, exercise=True),
    }
    assert sorted(rows, key=lambda name: rows[name].order) == list(rows)
    assert rows["ride"].show_from == now + timedelta(minutes=90)
    assert replace(rows["ride"], stage="queued").show_from is None, "trouble is shown at once"
    assert (rows["red"].waits, rows["ride"].waits, rows["exercise"].waits) == (True, False, False), "it never sounds"


async def test_a_unit_is_what_it_said_last_and_what_it_was_given(faces: Faces) -> None:
    story = whole(UNIT, steps=3)
    for name in ("on_duty", "contaminated"):
        story.unit(name, UNIT)
    await tell(faces, story)
    pool = faces.running.runtime.pool
    [unit] = await store.units(pool, [AREA])
    work = await store.work_of_units(pool, [AREA], [UNIT])
    row = unit_row(UNIT, unit, work)
    assert (row.availability, row.work, row.call_id) == ("busy", "en_route", story.call_id)
    assert unit_row(UNIT, unit, []).availability == "contaminated"
    story.said.clear()
    story.unit("disinfected", UNIT)
    story.unit("out_of_service", UNIT)
    await tell(faces, story)
    [unit] = await store.units(pool, [AREA])
    assert unit_row(UNIT, unit, []).availability == "out_of_service"
    assert unit_row(UNIT, None, []).availability == "off_duty"


async def test_a_unit_is_free_since_its_last_work_was_over(faces: Faces) -> None:
    story = Story()
    story.unit("on_duty", UNIT)
    story.call("received")
    story.trip("requested", leg="outbound")
    drives, booked = new_id(), new_id()
    for step in WAY[:-1]:
        story.assignment(step, drives, UNIT)
    cleared_at = story.at.isoformat()
    story.assignment(WAY[-1], drives, UNIT)
    later = (story.began + timedelta(days=1)).isoformat()
    for step in ("offered", "declined"):
        story.assignment(step, booked, UNIT, start_at=later)
    await tell(faces, story)
    answering(faces, unit_of())
    desk = await faces.sign_in(Role.DISPATCHER)
    assert f'data-since="{cleared_at}"' in (await desk.get("/board/units")).text, "not since it came on duty"
    story.said.clear()
    story.unit("contaminated", UNIT)
    story.unit("disinfected", UNIT)
    await tell(faces, story)
    assert f'data-since="{story.at.isoformat()}"' in (await desk.get("/board/units")).text, "nor while it was cleaned"
    protected_at = (story.at + timedelta(hours=1)).isoformat()
    answering(faces, unit_of(last_closed_at=protected_at))
    assert f'data-since="{protected_at}"' in (await desk.get("/board/units")).text, "what is not told openly counts"


# --- who sees what ---------------------------------------------------------------------------------


async def test_the_board_shows_open_facts_to_all_and_names_only_through_the_audited_read(faces: Faces) -> None:
    story = whole(UNIT, steps=1)
    await tell(faces, story)
    answering(faces, unit_of(), **{"POST intake /v1/calls/search": {"items": [call_of(story)], "next": None}})
    desk = await faces.sign_in(Role.DISPATCHER)
    screen = (await desk.get("/board")).text
    assert str(story.call_id) in screen
    assert "K3" in screen
    assert "บุญมา" not in screen
    assert faces.services.of("POST intake /v1/calls/search") == [], "nothing private before the page asks"
    said = await _private(desk, story)
    assert said["calls"][str(story.call_id)]["place"] == "ตลาดเก่า · ชุมชนดอนกรุณา", "a community by its name"
    [asked] = faces.services.of("POST intake /v1/calls/search")
    assert (asked.body["ids"], asked.purpose, asked.claims["role"]) == ([str(story.call_id)], "emergency", "dispatcher")
    auditor = await faces.sign_in(Role.AUDITOR)
    assert str(story.call_id) in (await auditor.get("/board")).text
    refused = await auditor.client.post("/board/private", json={"ids": [str(story.call_id)]},
                                        headers={"x-csrf-token": auditor.csrf})  # fmt: skip
    assert refused.status_code == 403
    stranger = await faces.sign_in(Role.DISPATCHER, areas=("khonkaen",))
    assert str(story.call_id) not in (await stranger.get("/board")).text


async def _private(who: Any, *stories: Story) -> Doc:
    answer = await who.client.post("/board/private", json={"ids": [str(story.call_id) for story in stories]},
                                   headers={"x-csrf-token": who.csrf})  # fmt: skip
    assert answer.status_code == 200, answer.text
    said: Doc = answer.json()
    return said


async def test_a_protected_call_tells_its_colour_only_to_those_who_may_know(faces: Faces) -> None:
    story = whole(UNIT, steps=2, protected=True)
    await tell(faces, story)
    row = await row_of(faces, story)
    assert (row.severity, row.number, row.kind, row.stage, row.chips[0].unit_id) == (None, None, None, "assigned", None)
    assignment: Doc = {
        "id": str(new_id()), "trip_id": str(story.trip_id), "unit_id": str(UNIT), "status": "accepted", "stamps": {},
        "asked_at": story.began.isoformat(), "respond_by_at": None, "role": "primary",
    }  # fmt: skip
    trip = {"id": str(story.trip_id), "call_id": str(story.call_id), "status": "under_way", "assignments": [assignment]}
    answering(faces, unit_of(work_status="accepted", run_opened_at=story.began.isoformat()), **{
        "POST intake /v1/calls/search": {"items": [call_of(story)], "next": None},
        "POST dispatch /v1/trips/search": {"items": [trip], "next": None},
    })  # fmt: skip
    desk = await faces.sign_in(Role.DISPATCHER)
    screen = (await desk.get("/board")).text
    assert 'data-severity=""' in screen
    assert "KLS-6911-0007" not in screen
    assert 'data-state="busy"' in screen, "dispatch says that the unit is on a run, not whose"
    said = await _private(desk, story)
    html = said["calls"][str(story.call_id)]["html"]
    assert 'data-severity="red"' in html
    assert f'data-unit="{UNIT}"' in html
    assert [(each["id"], each["state"]) for each in said["units"]] == [(str(UNIT), "busy")]
    assert revealed(row, call_of(story), [trip]).order < row.order


async def test_what_is_away_is_shown_as_not_known(faces: Faces) -> None:
    away = (503, {"code": "database_away"})
    answering(faces, **{"GET dispatch /v1/units": away, "GET intake /v1/alarms": away, "GET dispatch /v1/queue": away})
    desk = await faces.sign_in(Role.DISPATCHER, lang="en")
    screen = (await desk.get("/board")).text
    assert 'data-unknown="alarms"' in screen
    assert 'data-unknown="queue"' in screen
    assert (await desk.get("/board/units")).status_code == 503
    sheet = (await desk.get("/board/print")).text
    assert "Units not known" in sheet


async def test_an_alarm_is_acknowledged_at_intake_with_the_persons_own_rights(faces: Faces) -> None:
    alarm = new_id()
    answering(faces, **{f"POST intake /v1/alarms/{alarm}/acknowledge": {"id": str(alarm)}})
    desk = await faces.sign_in(Role.CALL_TAKER)
    answer = await desk.post(f"/board/alarms/{alarm}/acknowledge")
    assert answer.status_code == 200
    [asked] = faces.services.of(f"POST intake /v1/alarms/{alarm}/acknowledge")
    assert asked.claims["role"] == "call_taker"
    assert (await desk.client.post(f"/board/alarms/{alarm}/acknowledge")).status_code == 403, "no CSRF token"


async def test_a_proposal_is_confirmed_as_an_order(faces: Faces) -> None:
    trip, path = new_id(), ""
    path = f"POST dispatch /v1/trips/{trip}/assign"
    faces.services.answers[path] = (409, {"code": "unit_not_fit", "th": "หน่วยไม่ครบ", "en": "not fit", "status": 409})
    desk = await faces.sign_in(Role.DISPATCHER)
    answer = await desk.client.post(
        "/board/confirm", json={"trip_id": str(trip), "unit_id": str(UNIT)},
        headers={"x-csrf-token": desk.csrf, "accept": "application/json", "idempotency-key": "k1"},
    )  # fmt: skip
    assert (answer.status_code, answer.json()["sentence"]) == (409, "หน่วยไม่ครบ")
    [asked] = faces.services.of(path)
    assert (asked.body, asked.key) == ({"unit_id": str(UNIT)}, "k1")


async def test_a_base_map_is_given_in_parts_to_those_of_the_area(faces: Faces) -> None:
    folder = faces.running.runtime.settings.map_dir
    folder.mkdir()
    (folder / "kalasin.pmtiles").write_bytes(bytes(range(256)))
    (folder / "kalasin.json").write_text('{"attribution": "© OpenStreetMap"}')
    (folder / "khonkaen.pmtiles").write_bytes(b"x")
    nothing: Doc = {"items": [], "next": None}
    answering(faces, **{"GET dispatch /v1/stations": nothing, "GET dispatch /v1/facilities": nothing})
    desk = await faces.sign_in(Role.DISPATCHER)
    places = (await desk.get("/map/places.json")).json()
    areas = {"url": "/map/kalasin/areas.json", "kind": "areas", "attribution": ""}
    tiles = {"url": "/map/kalasin.pmtiles", "kind": "pmtiles", "attribution": "© OpenStreetMap"}
    assert places["maps"] == [tiles, areas]
    drawn = (await desk.get("/map/kalasin/areas.json")).json()["features"]
    assert {each["properties"]["kind"] for each in drawn} == {"community", "village"}
    assert drawn[0]["properties"]["name_en"] == "Rim Nam Pao Mai"
    ring = drawn[0]["geometry"]["coordinates"][0][0]
    assert ring[0] == ring[-1]
    assert (await desk.get("/map/sample/areas.json")).status_code == 404, "another municipality's"
    assert (await faces.browser().get("/map/kalasin/areas.json")).status_code == 303
    maps.put(folder, "kalasin", b'{"type": "Point", "coordinates": [103.5, 16.4]}', "© Kalasin", now_utc())
    marks = (await desk.get("/desk/marks")).json()
    assert [(each["url"], each["attribution"]) for each in marks["maps"]] == [
        ("/map/kalasin.geojson", "© Kalasin"), ("/map/kalasin.pmtiles", "© OpenStreetMap"), (areas["url"], ""),
    ]  # fmt: skip
    shapes = await desk.get("/map/kalasin.geojson")
    assert (shapes.headers["content-type"], shapes.json()["type"]) == ("application/geo+json", "Point")
    part = await desk.get("/map/kalasin.pmtiles", headers={"range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, bytes(range(10, 20)))
    for other in (
        "khonkaen.pmtiles",
        "..%2f..%2fissuer.pem",
        "nowhere.pmtiles",
        "kalasin.geojson.json",
        "kalasin.json",
    ):
        assert (await desk.get(f"/map/{other}")).status_code == 404, other
    assert (await faces.browser().get("/map/kalasin.pmtiles")).status_code == 303


# --- paper -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "said"), [("14:30", "14:30"), ("1430", "14:30"), ("๙.๐๕", "09:05"), ("905", "09:05"), ("25:00", None),
                        ("12:60", None), ("soon", None), ("5", None)],
)  # fmt: skip
def test_times_are_read_as_people_write_them(typed: str, said: str | None) -> None:
    found = read_clock(typed)
    assert (f"{found:%H:%M}" if found else None) == said


def test_a_card_runs_over_midnight_and_says_what_cannot_be() -> None:
    now = datetime(2026, 11, 22, 12, tzinfo=BANGKOK)
    stamps, wrong = read_card("21/11/2569", {"received": "23:50", "en_route": "23.58", "at_scene": "0010"}, now)
    assert wrong == []
    assert [f"{at:%d %H:%M}" for at in stamps.values()] == ["21 23:50", "21 23:50", "21 23:50", "21 23:58", "22 00:10"]
    assert list(stamps) == ["received", "ordered", "accept", "en_route", "at_scene"]
    stamps, wrong = read_card(
        "21/11/2569", {"received": "2350", "accept": "2352", "at_destination": "0010", "at_base": "0030"}, now
    )
    assert {name: f"{at:%H:%M}" for name, at in stamps.items()} == {
        "received": "23:50", "ordered": "23:50", "accept": "23:52", "en_route": "23:52", "at_scene": "00:10",
        "left_scene": "00:10", "at_destination": "00:10", "clear": "00:30", "at_base": "00:30",
    }, "what nobody wrote down does not keep the unit on the road for ever"  # fmt: skip
    assert not wrong
    _, wrong = read_card("22/11/2026", {"received": "10:00", "en_route": "09:30", "clear": "13:00"}, now)
    assert wrong == [Wrong("en_route", "order"), Wrong("clear", "future")]
    assert read_card("22/22/2026", {}, now)[1] == [Wrong("day", "day_wrong")]
    assert read_card("22/11/2026", {}, now)[1] == [Wrong("received", "time")]


async def test_a_card_is_entered_with_its_own_times_and_goes_on_where_it_stopped(faces: Faces) -> None:
    desk = await faces.sign_in(Role.DISPATCHER)
    call_id, trip_id, made = str(new_id()), str(new_id()), str(new_id())
    assignment: Doc = {"id": made, "unit_id": str(UNIT), "stamps": {"ordered": "…"}}
    early, ordered = {"at_scene"}, list[Doc]()

    def order(_: Asked) -> Any:
        ordered.append(assignment)
        return 201, assignment

    def step(asked: Asked) -> Any:
        if asked.body["step"] in early:
            return 409, {"code": "too_early", "th": "ก่อนเวลา", "en": "too early", "status": 409}
        assignment["stamps"][asked.body["step"]] = asked.body["at"]
        return {**assignment, "step": {}}

    answering(faces, unit_of(), **{
        "POST intake /v1/calls": (201, {"number": "KLS-6911-0009", "id": call_id}),
        f"GET intake /v1/calls/{call_id}": {"number": "KLS-6911-0009", "id": call_id},
        "GET dispatch /v1/trips": lambda _: {"items": [{"id": trip_id, "assignments": ordered}], "next": None},
        f"POST dispatch /v1/trips/{trip_id}/assign": order,
        f"POST dispatch /v1/assignments/{made}/steps": step,
    })  # fmt: skip
    yesterday = now_utc().astimezone(BANGKOK) - timedelta(days=1)
    form = {
        "day": f"{yesterday:%d/%m}/{yesterday.year + 543}", "kind": "medical", "unit_id": str(UNIT), "key": "card-1",
        "received": "1000", "en_route": "10:05", "at_scene": "10:15", "clear": "10:50", "place": "ตลาดเก่า",
        "age": "72", "patient": "บุญมา", "outcome": "treated_on_scene",
    }  # fmt: skip
    half = await desk.post("/board/paper", form)
    assert half.status_code == 409
    assert "KLS-6911-0009" in half.text
    assert f'value="{call_id}"' in half.text
    early.clear()
    whole_ = await desk.post("/board/paper", {**form, "call_id": call_id})
    assert whole_.status_code == 200
    [taken] = faces.services.of("POST intake /v1/calls")
    assert taken.body["back_entry"] is True
    assert taken.body["received_at"] == f"{yesterday:%Y-%m-%d}T10:00:00+07:00"
    assert len(faces.services.of(f"POST dispatch /v1/trips/{trip_id}/assign")) == 1
    reported = [asked.body["step"] for asked in faces.services.of(f"POST dispatch /v1/assignments/{made}/steps")]
    assert reported == ["accept", "en_route", "at_scene", "at_scene", "clear"]
    wrong = await desk.post("/board/paper", {"day": "x", "received": "99", "key": "k"})
    assert wrong.status_code == 422
    assert 'aria-invalid="true"' in wrong.text


# --- rides ---------------------------------------------------------------------------------------------


def trip_of(at: datetime, *assignments: Doc, **changes: Any) -> Doc:
    return {
        "id": str(new_id()), "call_id": str(new_id()), "lane": "booked", "leg": "outbound", "status": "planned",
        "pickup_at": at.isoformat(), "pickup_earliest_at": None, "pickup_latest_at": None, "arrive_by_at": None,
        "need": {}, "assignments": list(assignments), **changes,
    }  # fmt: skip


def held(status: str = "accepted", unit: str = "K6", **changes: Any) -> Doc:
    return {"unit_id": unit, "status": status, "role": "primary", "start_at": None, "run_id": None, **changes}


def test_conflicts_of_the_day_are_named_on_both_rides() -> None:
    now = datetime(2026, 11, 22, 1, tzinfo=UTC)
    at = now + timedelta(hours=2)
    one, other = trip_of(at, held()), trip_of(at + timedelta(minutes=20), held("offered"))
    late = trip_of(at, held(unit="K7"), pickup_latest_at=(at - timedelta(minutes=15)).isoformat())
    lonely = trip_of(now + timedelta(minutes=30), status="queued")
    calm = trip_of(at + timedelta(hours=5), held())
    numbers = {one["call_id"]: "A", other["call_id"]: "B"}
    found = {ride.trip["id"]: ride for ride in rides([calm, one, other, late, lonely], numbers, now)}
    assert next(iter(found)) == lonely["id"]
    said = [found[each["id"]].problems for each in (one, other, late, lonely, calm)]
    assert said == [
        (("overlap", "B"),), (("not_answered", ""), ("overlap", "A")), (("late", "15"),), (("no_unit", ""),), (),
    ]  # fmt: skip
    assert not any(ride.not_there for ride in found.values())
    together = [trip_of(at + timedelta(minutes=n), held(run_id="one run")) for n in (0, 20)]
    assert [ride.problems for ride in rides(together, {}, now)] == [(), ()], "two people share a tour"


@pytest.mark.parametrize(
    ("outbound", "not_there"),
    [({"status": "queued"}, True), ({"status": "under_way", "assignments": [held("left_scene")]}, True),
     ({"status": "under_way", "assignments": [held("at_destination")]}, False), ({"status": "completed"}, False),
     ({"status": "cancelled"}, False)],
)  # fmt: skip
def test_who_has_not_arrived_does_not_wait_to_go_home(outbound: Doc, not_there: bool) -> None:
    now = datetime(2026, 11, 22, 1, tzinfo=UTC)
    there = trip_of(now, **outbound)
    home = trip_of(now, leg="return", status="awaiting_ready", outbound_id=there["id"])
    found = {ride.trip["id"]: ride for ride in rides([there, home], {}, now)}
    assert found[home["id"]].not_there is not_there


async def test_a_ride_is_booked_and_a_refusal_says_what_stands_against_it(faces: Faces) -> None:
    trip = trip_of(now_utc() + timedelta(hours=3), status="requested")
    waiting = trip_of(now_utc() + timedelta(hours=5), status="awaiting_ready", leg="return",
                      outbound_id=trip["id"])  # fmt: skip
    conflict = {"code": "conflicts", "th": "ชนกับงานอื่น", "en": "conflicts", "status": 409, "overridable": True,
                "conflicts": [{"code": "booked", "starts_at": "2026-11-22T02:00:00+00:00"}]}  # fmt: skip
    answering(faces, unit_of(), **{
        "GET dispatch /v1/trips": {"items": [trip, waiting], "next": None},
        "POST intake /v1/calls/search": {"items": [call_of(Story(), id=trip["call_id"])], "next": None},
        f"GET dispatch /v1/trips/{trip['id']}": trip,
        f"POST dispatch /v1/trips/{trip['id']}/assign": lambda asked: (
            (201, {}) if "override_reason" in asked.body else (409, conflict)
        ),
        f"POST dispatch /v1/trips/{waiting['id']}/ready": {},
    })  # fmt: skip
    desk = await faces.sign_in(Role.DISPATCHER)
    screen = (await desk.get("/rides?on=22/11/2569")).text
    assert "บุญมา &lt;b&gt;ใจงาม&lt;/b&gt;" in screen
    assert faces.services.of("GET dispatch /v1/trips")[-1].query["on"] == "2026-11-22"
    asks = f'action="/rides/{waiting["id"]}/ready" data-confirm="ขาไปของผู้ป่วยรายนี้ยังไม่ถึง'
    assert asks in screen, "nobody is fetched at night from where they have not been brought"
    form = {"on": "2026-11-22", "unit_id": str(UNIT), "start": "0830"}
    elsewhere = await desk.post(f"/rides/{trip['id']}/assign", {**form, "held": str(new_id())})
    assert (elsewhere.status_code, "มีคนเพิ่งเปลี่ยนหน่วย" in elsewhere.text) == (409, True), "another tab was first"
    refused = await desk.post(f"/rides/{trip['id']}/assign", form)
    assert refused.status_code == 409
    assert "หน่วยมีนัดอื่น 09:00" in refused.text
    assert "override_reason" in refused.text
    booked = await desk.post(f"/rides/{trip['id']}/assign", {**form, "override_reason": "local_knowledge"})
    assert (booked.status_code, booked.headers["location"]) == (303, "/rides?on=2026-11-22")
    assert faces.services.of(f"POST dispatch /v1/trips/{trip['id']}/assign")[-1].body["start_at"] == (
        "2026-11-22T08:30:00+07:00"
    )
    assert (await desk.post(f"/rides/{waiting['id']}/ready", {"on": "2026-11-22"})).status_code == 303


async def test_a_day_that_is_none_is_refused_at_its_field(faces: Faces) -> None:
    answering(faces, unit_of(), **{"GET dispatch /v1/trips": {"items": [], "next": None}})
    desk = await faces.sign_in(Role.DISPATCHER)
    for typed, why in (("99/99/2569", "ไม่มีวันที่นี้ในปฏิทิน"), ("tomorrow", "อ่านวันที่ไม่ออก")):
        screen = await desk.get(f"/rides?on={typed}")
        assert screen.status_code == 422
        assert f'value="{typed}"' in screen.text
        assert 'aria-invalid="true"' in screen.text
        assert why in screen.text
    assert (await desk.post("/rides/plan", {"on": "99/99/2569"})).status_code == 422, "nothing is planned for today"
    assert faces.services.of("POST dispatch /v1/plans/day") == []


async def test_a_list_that_is_left_open_over_midnight_stays_the_day_it_says(faces: Faces) -> None:
    answering(faces, unit_of(), **{"GET dispatch /v1/trips": {"items": [], "next": None}})
    desk = await faces.sign_in(Role.DISPATCHER)
    before = local_day(now_utc())
    opened = await desk.get("/rides")
    assert opened.status_code == 303, "without its day in the address, its refresh becomes another day's list"
    named = date.fromisoformat(opened.headers["location"].removeprefix("/rides?on="))
    assert before <= named <= local_day(now_utc())
    screen = await desk.get(opened.headers["location"])
    assert (screen.status_code, 'class="button" href="/rides"' in screen.text) == (200, True), (
        "the next day is one press away"
    )
    assert faces.services.of("GET dispatch /v1/trips")[-1].query["on"] == named.isoformat()


async def test_a_day_shows_the_way_home_who_drove_and_what_lies_on_another_day(faces: Faces) -> None:
    at = datetime(2026, 11, 22, 16, 50, tzinfo=UTC)
    there = trip_of(at, held("cleared", str(UNIT)), status="completed")
    home = trip_of(at, held("released", str(new_id())), held("cleared", str(UNIT)), status="completed", leg="return",
                   call_id=there["call_id"])  # fmt: skip
    nameless = trip_of(at + timedelta(hours=9))
    to = {"destination": {"address": "คลินิกไต", "facility_id": None}}
    calls = [call_of(Story(), id=there["call_id"], **to), call_of(Story(), id=nameless["call_id"], patients=[], **to)]
    answering(faces, unit_of(), **{
        "GET dispatch /v1/trips": {"items": [there, home, nameless], "next": None},
        "POST intake /v1/calls/search": {"items": calls, "next": None},
    })  # fmt: skip
    desk = await faces.sign_in(Role.DISPATCHER)
    screen = (await desk.get("/rides?on=2026-11-23")).text
    row = {each["id"]: screen.split(f'id="trip-{each["id"]}"')[1].split("</tr>")[0] for each in (there, home, nameless)}
    assert row[there["id"]].index("ตลาดเก่า") < row[there["id"]].index("คลินิกไต")
    assert row[home["id"]].index("คลินิกไต") < row[home["id"]].index("ตลาดเก่า"), "a way home begins at the clinic"
    assert "<b>K3</b>" in row[home["id"]], "who drove is still there"
    assert ["22 พ.ย." in row[each["id"]] for each in (there, home, nameless)] == [True, True, False]
    assert f'href="/board?call={nameless["call_id"]}"' in row[nameless["id"]], "what lacks its name can be completed"


def test_the_way_home_stands_below_the_way_there() -> None:
    now = datetime(2026, 11, 22, 1, tzinfo=UTC)
    there = trip_of(now + timedelta(minutes=3), status="completed")
    home = trip_of(now, status="completed", leg="return", outbound_id=there["id"])
    assert [ride.trip for ride in rides([home, there], {}, now)] == [there, home]


async def test_the_sheet_says_all_that_it_takes_to_drive_a_ride(faces: Faces) -> None:
    at = now_utc() + timedelta(minutes=30)
    soon = trip_of(at, status="requested", arrive_by_at=(at + timedelta(hours=1)).isoformat(), back_entry=False,
                   pickup_at=None, pickup_latest_at=at.isoformat())  # fmt: skip
    home = trip_of(at, held("accepted", str(UNIT)), leg="return", back_entry=False)
    later, gone = (trip_of(at + timedelta(hours=n), status=status, back_entry=False)
                   for n, status in ((20, "requested"), (0, "cancelled")))  # fmt: skip
    back = trip_of(at, leg="return", status="awaiting_ready", pickup_at=None, outbound_id=later["id"], back_entry=False)
    to = {"destination": {"address": "คลินิกไต", "facility_id": None}, "lane": "booked"}
    story = Story()
    story.call("received", number=f"N-{story.call_id}", lane="booked", severity="green", kind="transfer")
    story.trip("requested", leg="outbound", lane="booked", pickup_latest_at=at.isoformat())
    soon["call_id"] = str(story.call_id)
    await tell(faces, story)
    first = local_day(at)
    answering(faces, unit_of(), **{
        "GET dispatch /v1/trips": lambda asked: {
            "items": [soon, home, later, gone, back] if asked.query["on"] == first.isoformat() else [], "next": None},
        "POST intake /v1/calls/search": lambda asked: {
            "items": [call_of(Story(), id=each, number=f"N-{each}", **to) for each in asked.body["ids"]], "next": None},
    })  # fmt: skip
    desk = await faces.sign_in(Role.DISPATCHER)
    sheet = (await desk.get("/board/print")).text
    rows = {each["call_id"]: [row for row in sheet.split("<tr>") if f"N-{each['call_id']}" in row]
            for each in (soon, home, later, gone, back)}  # fmt: skip
    assert [len(found) for found in rows.values()] == [1, 1, 0, 0, 0], "each ride once, none that is far or over"
    assert "ยังไม่มีหน่วย" in rows[soon["call_id"]][0]
    assert show_day(at, "th", "short") in rows[soon["call_id"]][0], "a time without its day is another day's by morning"
    assert f"ถึงก่อน {local(at + timedelta(hours=1)):%H:%M}" in rows[soon["call_id"]][0]
    assert rows[soon["call_id"]][0].index("ตลาดเก่า") < rows[soon["call_id"]][0].index("คลินิกไต")
    assert rows[home["call_id"]][0].index("คลินิกไต") < rows[home["call_id"]][0].index("ตลาดเก่า")
    assert "<b>K3</b>" in rows[home["call_id"]][0]
    faces.services.answers["GET dispatch /v1/trips"] = (503, {"code": "database_away"})
    assert "ไม่ทราบรายการรถ" in (await desk.get("/board/print")).text


async def test_a_ride_shows_who_could_go_and_a_day_is_planned_before_it_is_booked(faces: Faces) -> None:
    trip = trip_of(now_utc() + timedelta(hours=3), status="requested")
    offer = {"trip_id": trip["id"], "unit_id": str(UNIT), "call_sign": "K7", "early_s": 900.0, "shared": 0, "on_the_way": False,
             "start_at": "2026-11-22T01:20:00+00:00", "pickup_at": "2026-11-22T01:30:00+00:00",
             "dropoff_at": "2026-11-22T01:50:00+00:00", "free_at": "2026-11-22T02:00:00+00:00"}  # fmt: skip
    left = {"trip_id": str(UNIT), "code": "all_bound", "th": "หน่วยติดงานหมด", "en": "all are bound"}
    day = {"id": str(new_id()), "on": "2026-11-22", "area": AREA, "planned": [offer], "unserved": [left]}
    answering(faces, unit_of(), **{
        "GET dispatch /v1/trips": {"items": [trip], "next": None},
        "POST intake /v1/calls/search": {"items": [call_of(Story(), id=trip["call_id"])], "next": None},
        f"GET dispatch /v1/trips/{trip['id']}/offers": {"items": [offer], "unserved": None},
        f"POST dispatch /v1/trips/{trip['id']}/assign": (201, {}),
        "POST dispatch /v1/plans/day": {**day, "published": 0},
        f"POST dispatch /v1/plans/{day['id']}/publish": {**day, "published": 1},
    })  # fmt: skip
    desk = await faces.sign_in(Role.DISPATCHER)
    screen = (await desk.get(f"/rides?on=2026-11-22&offers={trip['id']}")).text
    assert "K7 08:30" in screen
    assert "เร็วกว่าจำเป็น 15 นาที" in screen
    form = {"on": "2026-11-22", "unit_id": str(UNIT), "pickup_at": offer["pickup_at"]}
    assert (await desk.post(f"/rides/{trip['id']}/assign", form)).status_code == 303
    assert faces.services.of(f"POST dispatch /v1/trips/{trip['id']}/assign")[-1].body["pickup_at"] == offer["pickup_at"]

    shown = (await desk.post("/rides/plan", {"on": "2026-11-22"})).text
    assert "หน่วยติดงานหมด" in shown
    assert f'name="publish" value="{day["id"]}"' in shown
    assert faces.services.of("POST dispatch /v1/plans/day")[-1].body == {"on": "2026-11-22", "area": AREA}
    done = (await desk.post("/rides/plan", {"on": "2026-11-22", "publish": day["id"]})).text
    assert "จองแล้ว 1 เที่ยว" in done
    assert 'name="publish"' not in done
    taker = await faces.sign_in(Role.CALL_TAKER)
    assert (await taker.post("/rides/plan", {"on": "2026-11-22"})).status_code == 403
    assert "/rides/plan" not in (await taker.get("/rides?on=22/11/2569")).text


async def test_a_promise_that_a_van_cannot_keep_is_shown_with_the_way_to_others(faces: Faces) -> None:
    trip = str(new_id())
    day: dict[str, Any] = {
        "id": None, "version": None, "on": "2026-11-22", "area": AREA, "planned": [], "unserved": [], "tours": [],
        "moved": [], "conflicts": [{"trip_id": trip, "code": "will_be_late", "th": "คาดว่าถึง 10:40", "en": "expected"}],
        "rests": [
            {"unit_id": str(UNIT), "stands": "planned", "begins_at": "2026-11-22T05:00:00Z", "due_at": "2026-11-22T06:00:00Z",
             "ends_at": "2026-11-22T06:00:00Z", "th": "พัก 12:00–13:00 น.", "en": "rest 12:00 to 13:00"},
            {"unit_id": str(UNIT), "stands": "lost", "begins_at": None, "ends_at": None, "due_at": "2026-11-22T13:00:00Z",
             "th": "ไม่มีเวลาพัก 60 นาที", "en": "no rest of 60 minutes"},
        ],
        "by_hand": [], "searched": False, "cost_s": 0.0, "published": 0, "travel_times": [], "proposal_id": None,
    }  # fmt: skip
    answering(faces, unit_of(), **{
        "GET dispatch /v1/trips": {"items": [], "next": None}, "GET dispatch /v1/plans/day": day,
    })  # fmt: skip
    desk = await faces.sign_in(Role.DISPATCHER)
    screen = (await desk.get("/rides/planner?on=2026-11-22")).text
    assert "คาดว่าถึง 10:40" in screen
    assert f'href="/rides?on=2026-11-22&amp;offers={trip}#trip-{trip}"' in screen
    assert "พัก 12:00–13:00 น." in screen
    assert "ไม่มีเวลาพัก 60 นาที" in screen
    assert len(re.findall(r'<rect class="rest tone-off"', screen)) == 1, "what has no time is only said"


async def test_whom_to_ring_of_units_off_duty_is_named_with_the_number(faces: Faces) -> None:
    trip = str(new_id())
    left = {"trip_id": trip, "code": "left_behind", "th": "รอกลับบ้าน โทรตาม: K7", "en": "waits",
            "ring": [{"unit_id": str(UNIT), "call_sign": "K7"}]}  # fmt: skip
    day: dict[str, Any] = {
        "id": None, "version": None, "on": "2026-11-22", "area": AREA, "planned": [], "unserved": [], "tours": [],
        "moved": [], "conflicts": [left], "by_hand": [], "searched": False, "cost_s": 0.0, "published": 0,
        "travel_times": [], "proposal_id": None,
    }  # fmt: skip
    members = [{"name": "สมชาย", "phone": "+66900000001"}, {"name": "ไม่มีเบอร์", "phone": None}]
    answering(faces, unit_of(), **{
        "GET dispatch /v1/trips": {"items": [], "next": None}, "GET dispatch /v1/plans/day": day,
        "GET dispatch /v1/crew": {"items": members, "next": None},
    })  # fmt: skip
    desk = await faces.sign_in(Role.DISPATCHER)
    screen = (await desk.get("/rides/planner?on=2026-11-22")).text
    assert 'href="tel:+66900000001"' in screen
    assert "สมชาย 090 000 0001" in screen
    assert "ไม่มีเบอร์" not in screen
    [asked] = faces.services.of("GET dispatch /v1/crew")
    assert (asked.query["unit_id"], asked.claims["role"], asked.purpose) == (str(UNIT), "dispatcher", "care")
    faces.services.answers["GET dispatch /v1/crew"] = (403, {"code": "forbidden", "th": "ไม่มีสิทธิ"})
    assert "โทรตาม: K7" in (await desk.get("/rides/planner?on=2026-11-22")).text, "the call sign still stands there"


async def test_what_the_system_proposes_by_itself_is_offered_on_the_planner(faces: Faces) -> None:
    proposal = str(new_id())
    day: dict[str, Any] = {
        "id": None, "version": None, "on": "2026-11-22", "area": AREA, "planned": [], "unserved": [], "tours": [],
        "moved": [], "conflicts": [], "by_hand": [], "searched": False, "cost_s": 0.0, "published": 0,
        "travel_times": [], "proposal_id": proposal,
    }  # fmt: skip
    answering(faces, unit_of(), **{
        "GET dispatch /v1/trips": {"items": [], "next": None},
        "GET dispatch /v1/plans/day": day,
        f"GET dispatch /v1/plans/{proposal}": {**day, "id": proposal, "proposal_id": None},
    })  # fmt: skip
    desk = await faces.sign_in(Role.DISPATCHER)
    screen = (await desk.get("/rides/planner?on=2026-11-22")).text
    assert "ระบบวางแผนให้ผู้ที่รออยู่ไว้แล้ว" in screen
    [there] = set(re.findall(rf'href="([^"]+plan={proposal})"', screen))
    shown = (await desk.get(there.replace("&amp;", "&"))).text
    assert "แผนที่เสนอ ยังไม่ได้แจ้งใคร" in shown
    assert "ระบบวางแผนให้ผู้ที่รออยู่ไว้แล้ว" not in shown
