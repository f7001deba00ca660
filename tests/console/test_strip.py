"""The strip of alarms and queue: one question for all pages of the same rights, everybody's look written down."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from services.console import strip
from services.console.live import hub_of
from shared.auth import Role
from shared.work import new_id, now_utc
from tests.console.faces import Faces, SignedIn
from tests.harness import AREA

ALARMS, QUEUE = "GET intake /v1/alarms", "GET dispatch /v1/queue"


def alarm(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": str(new_id()), "call_id": str(new_id()), "kind": "unanswered", "severity": "red", "answered_at": None, "status": "open",
        "number": f"KLS-6911-{number:04d}", "location": {"landmark": "ตลาดเก่า", "address": None},
        "received_at": now_utc().isoformat(), "caller_phone": "+66812345678", "ring": [], **changes,
    }  # fmt: skip


@pytest.fixture
def standing(faces: Faces) -> list[dict[str, Any]]:
    """A bad night: a dozen alarms."""
    alarms = [alarm(number) for number in range(12)]
    faces.services.answers |= {ALARMS: {"items": alarms}, QUEUE: {"at": "", "alarms": 0, "items": []}}
    return alarms


async def shown(*people: SignedIn) -> list[str]:
    return [answer.text for answer in await asyncio.gather(*(person.get("/board/strip") for person in people))]


async def test_many_boards_ask_once_and_again_after_a_change(
    faces: Faces, standing: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strip, "PAUSE_S", 0.0)
    one, other = await faces.sign_in(Role.DISPATCHER), await faces.sign_in(Role.DISPATCHER, lang="en")
    taker = await faces.sign_in(Role.CALL_TAKER)
    told = await shown(one, other, one, other)
    assert [len(faces.services.of(each)) for each in (ALARMS, QUEUE)] == [1, 1]
    assert all(standing[11]["number"] in each for each in told)
    assert "อีก 9 สัญญาณเตือน" in told[0]
    assert "9 more alarms" in told[1]
    await shown(taker)
    assert [asked.claims["role"] for asked in faces.services.of(ALARMS)] == ["dispatcher", "call_taker"]
    standing.clear()
    hub_of(faces.running.runtime).nudge()
    assert "data-alarm" not in "".join(await shown(one, other))
    assert len(faces.services.of(ALARMS)) == 3, "one question more for both"


async def test_exercises_stand_apart_and_are_silent(faces: Faces, standing: list[dict[str, Any]]) -> None:
    real, practised = standing[0], alarm(77, exercise=True)
    waits = {
        "call_id": practised["call_id"], "exercise": True, "reasons": [{"th": "ไม่มีหน่วย", "en": "no unit"}],
        "waiting_since_at": now_utc().isoformat(), "waits_for_answer": False, "asked": 0,
    }  # fmt: skip
    standing[:] = [real, practised]
    faces.services.answers[QUEUE] = {"at": "", "alarms": 0, "items": [waits]}
    faces.services.answers["GET dispatch /v1/units"] = {"items": [], "next": None}
    (told,) = await shown(desk := await faces.sign_in(Role.DISPATCHER))
    assert told.count("data-alarm=") == 1, "what sounds is real"
    assert told.index(practised["number"]) > told.index('id="exercises"') > told.index(real["number"])
    assert 'id="queue"' not in told
    assert practised["number"] not in (await desk.get("/board/wall")).text


async def test_the_wall_says_every_alarm_without_place_or_telephone(
    faces: Faces, standing: list[dict[str, Any]]
) -> None:
    faces.services.answers["GET dispatch /v1/units"] = {"items": [], "next": None}
    desk = await faces.sign_in(Role.SUPERVISOR)
    for path in ("/board/wall", "/board/strip?wall=1"):
        wall = (await desk.get(path)).text
        assert [each["number"] in wall for each in standing] == [True] * 6 + [False] * 6
        assert "อีก 6 สัญญาณเตือน" in wall
        for private in ("ตลาดเก่า", "812345678", "081 234 5678", "data-acknowledge"):
            assert private not in wall, private
    faces.services.answers[ALARMS] = 503, {"code": "away"}
    hub_of(faces.running.runtime).nudge()
    assert 'data-unknown="alarms"' in (await desk.get("/board/wall")).text


async def test_what_is_over_by_itself_stands_folded_behind_what_waits_and_goes_with_one_press(
    faces: Faces, standing: list[dict[str, Any]]
) -> None:
    for number, each in enumerate(standing):
        each["answered_at"] = each["received_at"] if 5 < number < 11 else None
        each["status"] = "open" if number == 10 else "closed"
        each["kind"] = "complaint" if number == 11 else "unanswered"
    [told] = await shown(await faces.sign_in(Role.DISPATCHER))
    open_part, over = told.split('<details class="over-alarms"')
    assert [each["number"] in open_part for each in standing] == [False] * 11 + [True]
    assert "เคยเตือน" not in open_part
    assert "สัญญาณเตือนที่จบแล้ว 11" in over
    assert over.count("เคยเตือน: ") == 11
    assert (over.count("เรื่องปิดแล้ว"), over.count("มีหน่วยแล้ว")) == (10, 1)
    assert f'data-acknowledge="{" ".join(each["id"] for each in standing[:11])}"' in over
    wall = (await (await faces.sign_in(Role.SUPERVISOR)).get("/board/strip?wall=1")).text
    assert [each["number"] in wall for each in standing] == [False] * 11 + [True]


async def test_calls_that_wait_for_further_units_say_for_which(faces: Faces, standing: list[dict[str, Any]]) -> None:
    units = {
        "missing": 1,
        "th": "ขอ 2 BLS + 1 รถกู้ภัย · ยังขาด 1: 1 รถกู้ภัย",
        "en": "asked for 2 BLS; 1 missing",
        "units": [],
    }
    item = {"trip_id": str(new_id()), "call_id": str(new_id()), "severity": "red", "now_at": now_utc().isoformat(),
            "units": units}  # fmt: skip
    faces.services.answers[QUEUE] = {"at": "", "alarms": 0, "items": [], "more": [item]}
    [told] = await shown(await faces.sign_in(Role.DISPATCHER))
    assert units["th"] in told
    assert f'data-choose="{item["call_id"]}"' in told


async def test_who_is_asked_is_told_apart_from_who_waits_for_a_unit(
    faces: Faces, standing: list[dict[str, Any]]
) -> None:
    def waiting(*, asked: bool) -> dict[str, Any]:
        return {"trip_id": str(new_id()), "call_id": str(new_id()), "severity": "red", "reasons": [], "asked": 1,
                "declined": 0, "silent": 0, "waiting_since_at": now_utc().isoformat(), "waits_for_answer": asked}  # fmt: skip

    items = [waiting(asked=asked) for asked in (True, True, False)]
    faces.services.answers[QUEUE] = {"at": "", "alarms": 1, "items": items}
    [told] = await shown(await faces.sign_in(Role.DISPATCHER))
    head, lines = told.split('id="queue"')[1].split("</summary>")
    assert '<span class="count late">1</span>' in head
    assert "รอคำตอบ 2" in head
    assert lines.count("สั่งหน่วยแล้ว รอคำตอบ") == 2


async def test_in_a_storm_the_services_are_asked_a_few_times_a_second(
    faces: Faces, standing: list[dict[str, Any]]
) -> None:
    desk = await faces.sign_in(Role.DISPATCHER)
    begun = asyncio.get_running_loop().time()
    before = len(faces.services.of(ALARMS))
    while asyncio.get_running_loop().time() - begun < 1.0:
        hub_of(faces.running.runtime).nudge()
        await desk.get("/board/strip")
    assert 1 <= len(faces.services.of(ALARMS)) - before <= 5
    assert standing[0]["number"] in (await shown(desk))[0]


async def test_everybody_who_was_shown_an_alarm_is_written_down_once(
    faces: Faces, standing: list[dict[str, Any]]
) -> None:
    del standing[2:]
    one, other = await faces.sign_in(Role.DISPATCHER, login="one"), await faces.sign_in(Role.DISPATCHER, login="two")
    await shown(one, other, *[one] * 8)
    await shown(one, other)
    rows = await faces.running.sql("select * from audit where act = 'read_alarms' order by id")
    wanted = {("person:" + who, UUID(each["call_id"])) for who in ("one", "two") for each in standing}
    assert {(row["caller"], row["subject_id"]) for row in rows} == wanted
    assert len(rows) == len(wanted)
    assert {(row["role"], row["purpose"]) for row in rows} == {("dispatcher", "emergency")}
    assert all(row["areas"] == [AREA] for row in rows)


async def test_a_refusal_is_not_kept(faces: Faces, standing: list[dict[str, Any]]) -> None:
    desk = await faces.sign_in(Role.DISPATCHER, lang="en")
    good = faces.services.answers[ALARMS]
    faces.services.answers[ALARMS] = (500, {"code": "broken"})
    assert (await desk.get("/board/strip")).status_code == 500
    faces.services.answers[ALARMS] = good
    assert standing[0]["number"] in (await shown(desk))[0]
