"""Several desks at once: who has taken which ringing line, and who is writing a call that is not taken yet."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.console.live import hub_of
from services.console.picture import DESKS_KEPT
from services.console.store import desks
from shared.auth import Role
from shared.work import new_id, now_utc
from tests.console.faces import Faces, SignedIn, words_of
from tests.patience import PATIENCE_S

RINGING = "GET intake /v1/ringing"


def rings(faces: Faces, **more: Any) -> dict[str, Any]:
    """A telephone that rings."""
    line = {"id": str(new_id()), "area": "kalasin", "phone": "+66812345678", "rang_at": now_utc().isoformat(),
            "rang_again_at": None, "calls": [], **more}  # fmt: skip
    faces.services.answers[RINGING] = {"items": [line]}
    return line


async def send(person: SignedIn, path: str, body: dict[str, Any]) -> Any:
    answer = await person.client.post(path, json=body, headers={"x-csrf-token": person.csrf})
    assert answer.status_code in {200, 204}, answer.text
    return answer.json() if answer.content else None


async def answer(person: SignedIn, line: dict[str, Any], **more: Any) -> Any:
    at = line["rang_again_at"] or line["rang_at"]
    return await send(person, "/desk/answer", {"ring": line["id"], "rang_at": at, **more})


async def lines(person: SignedIn) -> str:
    return (await person.get("/desk/ringing")).text


async def writing(person: SignedIn) -> str:
    return words_of(await person.get("/desk/writing"))


async def test_the_first_desk_has_the_line_and_every_other_sees_who(faces: Faces) -> None:
    one = await faces.sign_in(Role.CALL_TAKER, name="สมศรี")
    other = await faces.sign_in(Role.DISPATCHER, name="วิชัย")
    line = rings(faces)
    assert "F4" in await lines(one)
    both = await asyncio.gather(answer(one, line), answer(other, line))
    assert [each["mine"] for each in both].count(True) == 1
    first, second, name = (one, other, "สมศรี") if both[0]["mine"] else (other, one, "วิชัย")
    assert both[1 if first is one else 0]["by"] == name
    assert f"{name} รับสายนี้แล้ว" in await lines(second)
    assert "F4" not in await lines(second), "the key takes what nobody has"
    assert "คุณรับสายนี้อยู่" in await lines(first)
    assert (await answer(first, line))["mine"], "pressed twice"

    assert (await answer(second, line, over=True))["mine"]
    assert "รับสายนี้แล้ว" in await lines(first)
    assert "คุณรับสายนี้อยู่" in await lines(second)


async def test_a_number_that_rings_again_waits_again(faces: Faces) -> None:
    one, other = await faces.sign_in(Role.CALL_TAKER), await faces.sign_in(Role.DISPATCHER)
    line = rings(faces)
    await answer(one, line)
    line["rang_again_at"] = (now_utc() + timedelta(seconds=1)).isoformat()
    assert "F4" in await lines(other)
    assert "รับสายนี้แล้ว" not in await lines(other)


async def test_a_half_written_sheet_is_seen_without_a_word_of_it_until_it_is_taken(faces: Faces) -> None:
    one = await faces.sign_in(Role.CALL_TAKER, name="สมศรี")
    other = await faces.sign_in(Role.DISPATCHER, name="วิชัย")
    elsewhere = await faces.sign_in(Role.DISPATCHER, areas=("khonkaen",))
    key = str(uuid4())
    await send(one, "/desk/writing", {"key": key, "begun_s": 130})
    assert "สมศรี ผู้รับแจ้ง กำลังเขียนเรื่องอยู่" in await writing(other)
    assert "สมศรี" not in await writing(one), "one's own sheet is before one's eyes"
    assert "สมศรี" not in await writing(elsewhere)

    await send(one, "/desk/writing", {"key": key, "begun_s": 200, "idle_s": 70})
    assert "พิมพ์ล่าสุดเมื่อ" in await writing(other)
    taken = {"id": str(new_id()), "number": "KLS-6911-0001", "severity": "red", "lane": "emergency",
             "received_at": now_utc().isoformat()}  # fmt: skip
    faces.services.answers["POST intake /v1/calls"] = (201, taken)
    answered = await one.client.post(
        "/desk/calls", json={"sheet": {"kind": "medical", "complaint": "ล้ม"}, "asked": True},
        headers={"x-csrf-token": one.csrf, "idempotency-key": key},
    )  # fmt: skip
    assert faces.services.of("POST intake /v1/calls"), answered.text
    assert "สมศรี" not in await writing(other)

    await send(one, "/desk/writing", {"key": key})
    assert "สมศรี" in await writing(other), "written on after all: the answer was lost on its way"
    await send(one, "/desk/writing/end", {"key": key})
    assert "สมศรี" not in await writing(other)


async def test_a_page_that_is_silent_is_said_to_be_and_forgotten_at_last(faces: Faces) -> None:
    one = await faces.sign_in(Role.CALL_TAKER, name="สมศรี")
    other = await faces.sign_in(Role.DISPATCHER)
    await send(one, "/desk/writing", {"key": str(uuid4())})
    pool = faces.running.runtime.pool
    move = "update desk_sheet set seen_at = seen_at - make_interval(mins => $1)"
    assert "หน้าจอนั้นเงียบไป" not in await writing(other)
    await pool.execute(move, 3)
    assert "หน้าจอนั้นเงียบไป" in await writing(other)
    await pool.execute(move, 30)
    assert "สมศรี" not in await writing(other)
    await desks.drop_before(pool, now_utc() - DESKS_KEPT)
    assert await pool.fetchval("select count(*) from desk_sheet") == 1
    await pool.execute(move, 120)
    await desks.drop_before(pool, now_utc() - DESKS_KEPT)
    assert await pool.fetchval("select count(*) from desk_sheet") == 0


@pytest.mark.parametrize("here", [True, False])
async def test_every_desk_hears_of_it_at_once_also_by_another_process(faces: Faces, *, here: bool) -> None:
    one = await faces.sign_in(Role.CALL_TAKER)
    hub = hub_of(faces.running.runtime)
    news = hub.listen_to_desks()
    heard = asyncio.ensure_future(anext(news))
    await asyncio.sleep(0)
    tail = None if here else asyncio.create_task(hub.tail())
    if here:
        await send(one, "/desk/writing", {"key": str(uuid4())})
    else:
        person = await faces.sign_in(Role.DISPATCHER)
        pool, now = faces.running.runtime.pool, now_utc()
        write = """insert into desk_sheet (key, account_id, session_id, role, areas, begun_at, typed_at, seen_at, changed_at)
                   values ($1, $2, $3, 'dispatcher', '{kalasin}', $4, $4, $4, $4)"""
        await pool.execute(write, new_id(), person.account_id, new_id(), now)
    try:
        assert await asyncio.wait_for(heard, PATIENCE_S) is True
    finally:
        await news.aclose()
        if tail is not None:
            tail.cancel()
            await asyncio.gather(tail, return_exceptions=True)


async def test_it_is_for_the_desk_alone(faces: Faces) -> None:
    crew = await faces.sign_in(Role.CREW)
    for path in ("/desk/ringing", "/desk/writing", "/desk/live"):
        assert (await crew.get(path)).status_code == 403
    for path in ("/desk/answer", "/desk/writing", "/desk/writing/end"):
        body = {"key": str(uuid4())} if "writing" in path else {"ring": str(uuid4()), "rang_at": now_utc().isoformat()}
        answered = await crew.client.post(path, json=body, headers={"x-csrf-token": crew.csrf})
        assert answered.status_code == 403
