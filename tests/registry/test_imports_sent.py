"""Files of people sent by the command."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx
import pytest

from karuna.people_files import Wanted, opened, send, taken_before
from karuna.words import refusal
from shared.sheets import read_sheet
from tests.harness import AREA, Running
from tests.platform_fixtures import DatabaseServer
from tests.registry.conftest import add, cid, read
from tests.registry.files import PERSON, ask, count, line, officer, part, verdicts


async def test_a_need_that_is_not_known_is_told_beside_what_differs(registry: Running) -> None:
    await add(registry, name="นางสมศรี ใจดี", national_id=cid(303))
    rows = [["นางสมศรี ใจงาม", "ช้าง", "5", cid(303)], ["นายใหม่ ทองดี", "ช้าง", "5", ""]]
    told = await ask(registry, part(rows, format="imed", columns=["name", "need", "urgency", "cid"]))
    differs, new = told["items"]
    assert (differs["code"], differs["field"], new["code"], new["field"]) == ("differs", "name", "unknown_need", "need")
    assert ("need: " in differs["en"], new["en"] in differs["en"], new["th"] in differs["th"]) == (True, True, True)


async def test_two_who_wait_for_each_other_end_with_a_part_that_is_sent_again_whole(
    registry: Running, postgres: DatabaseServer
) -> None:
    """A part holds people wave by wave, so that it may meet somebody who holds them in another order."""
    first = await add(registry, name="นางหนึ่ง ใจดี", national_id=cid(541))
    second = await add(registry, name="นางสอง ใจดี", national_id=cid(542))
    told = {"sex": "หญิง"}
    body = part([line(541, "นางหนึ่ง ใจดี", **told), line(None, "นางสอง ใจดี"), line(542, "นางสอง ใจดี", **told)])
    [name] = await registry.sql("select current_database() as it")
    other = await asyncpg.connect(postgres.admin_dsn(name["it"]))
    await other.execute("set deadlock_timeout = '1min'")  # the part finds out first
    async with other.transaction():
        await other.execute("select from person where id = $1 for update", second)
        sending = asyncio.create_task(ask(registry, body, 503))
        while not await registry.sql("select from pg_locks where not granted"):
            await asyncio.sleep(0)
        await other.execute("select from person where id = $1 for update", first)
    await other.close()
    assert (await sending)["code"] == "collision"
    assert await count(registry, "import_row") == 0, "nothing of it is there"
    assert verdicts(await ask(registry, body)) == ["matched", "possible_duplicate", "matched"]


async def test_the_command_sends_43_files_and_imed_with_needs_and_points(
    registry: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = tmp_path / "PERSON.txt"
    cells = dict.fromkeys(PERSON.split("|"), "") | {"HOSPCODE": "04930", "CID": cid(601), "PRENAME": "005", "NAME": "บุญมา",
                                                     "LNAME": "ศรีสุข", "SEX": "2", "BIRTH": "19490405"}  # fmt: skip
    person.write_bytes(f"{PERSON}\r\n{'|'.join(cells.values())}\r\n".encode("cp874"))
    imed = tmp_path / "imed.csv"
    imed.write_text(
        f"cid,name,lname,adl,need,urgency,lat,lng\n{cid(601)},บุญมา,ศรีสุข,2,ผู้ดูแล,9,16.43,103.5\n?,ทองคำ,,,ช้าง,5,,\n"
    )
    registry.client.headers.update(officer())
    lines = io.StringIO()
    sent = await send(registry.client, opened(person), Wanted("f43-person", AREA), lines)
    assert (sent.counts, sent.rows, taken_before(sent)) == ({"created": 1}, 1, "")
    again = await send(registry.client, opened(person), Wanted("f43-person", AREA), io.StringIO())
    assert (again.counts, again.before) == ({"created": 1}, 1)
    assert ("ไม่ได้บันทึกซ้ำ 1 แถว" in taken_before(again), " by " in taken_before(again)) == (True, True)
    done: list[int] = []
    monkeypatch.setattr("karuna.people_files.PART", 1)  # two parts under way at once, whichever is quicker
    sent = await send(registry.client, opened(imed), Wanted("imed", AREA), lines, done.append)
    assert (sent.counts, done) == ({"matched": 1, "created": 1}, [1, 2])
    assert lines.getvalue().count("\r\n") == 5
    assert ("unknown_need" in lines.getvalue(), "ช้าง" in lines.getvalue()) == (True, False), "taken, all but the need"
    person_id = lines.getvalue().split("\r\n")[3].rpartition(",")[2]
    needs = await read(registry, f"/v1/persons/{person_id}/needs")
    assert [(one["need"]["code"], one["urgency"]["code"]) for one in needs["items"]] == [("carer", "9")]
    points = await read(registry, f"/v1/persons/{person_id}/locations")
    assert [(one["lat"], one["method"]["code"]) for one in points["items"]] == [(16.43, "gps")]
    with pytest.raises(LookupError, match="unknown columns"):
        await send(registry.client, opened(imed), Wanted("karuna", AREA), lines)
    broken = tmp_path / "picture.csv"
    broken.write_bytes(b"\x89PNG\x00")
    with pytest.raises(LookupError, match="no text"):
        opened(broken)


async def test_the_command_sends_a_part_again_when_the_registry_was_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("karuna.people_files.PAUSE_S", 0)
    asked: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.content)
        if len(asked) == 1:
            raise httpx.ConnectError("away")
        if len(asked) == 2:
            return httpx.Response(503, json={"th": "x", "en": "y"})
        return httpx.Response(200, json={"items": [], "before": 0, "run": None})

    sheet = read_sheet(f"name\n{uuid4()}\n".encode())
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://registry") as client:
        await send(client, sheet, Wanted("karuna", AREA), io.StringIO())
    assert len(asked) == 3
    assert len(set(asked)) == 1


def test_what_a_whole_file_is_refused_for_is_said_once() -> None:
    head = {"field": "columns", "th": "ไม่รู้จักหัวตาราง", "en": "unknown columns"}
    said = refusal(httpx.Response(422, json={"th": head["th"], "en": head["en"], "errors": [head]}))
    assert said == "ไม่รู้จักหัวตาราง (unknown columns)"
    other = {"field": "area", "th": "ต้องระบุ", "en": "is needed"}
    assert (
        refusal(httpx.Response(422, json={"th": "ก", "en": "a", "errors": [other]}))
        == "ก (a)\narea: ต้องระบุ (is needed)"
    )
