"""A file is tried, taken, looked at row by row; lists and a person's copy go out; with the real registry behind."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.responses import StreamingResponse

from karuna.simulate.serving import listening, serving
from services.console.app import SERVICE
from services.console.pages.people_imports import WITHIN_S
from services.registry.app import SERVICE as REGISTRY
from shared.auth import Role
from shared.sheets import Sheet, read_sheet
from shared.work import new_id
from tests.console.faces import Faces, SignedIn, words_of
from tests.console.with_registry import Behind, registry_behind
from tests.patience import PATIENCE_S
from tests.platform_fixtures import MakeDatabase

FILE = "name,sex,adl,groups\nนางทดลอง ใจดี,หญิง,3,\n<b>นายผิด</b> ใจดี,,,ไม่รู้จัก\n".encode("cp874")


async def test_a_file_is_tried_then_taken_and_lists_and_copies_go_out(
    faces: Faces, database: MakeDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with registry_behind(faces, (await database("registry")).dsn, tmp_path) as behind:
        officer = await faces.sign_in(Role.REGISTRY_OFFICER)
        assert "ยังไม่เคยนำเข้าไฟล์" in (await officer.get("/people/imports")).text
        tried = await _send(officer, "try")
        assert "ลองแล้ว 2 แถว" in tried
        assert "ยังไม่มีอะไรถูกบันทึก" in tried
        assert "นายผิด" not in tried  # nothing of a cell comes back
        assert (await behind.ask("GET", "/v1/imports"))["items"] == []
        assert "ครบทุกแถวแล้ว" in await _send(officer, "take")
        [run] = (await behind.ask("GET", "/v1/imports"))["items"]
        assert run["counts"] == {"created": 1, "refused": 1}
        assert f"· {run['begun_by'].removeprefix('person:')}" in words_of(await officer.get("/people/imports"))
        for act in ("take", "try"):
            again = " ".join((await _send(officer, act)).split())
            assert "ไฟล์นี้นำเข้าไปแล้ว 2 แถว" in again
            assert f"โดย {run['begun_by'].removeprefix('person:')}: ไม่ได้บันทึกซ้ำ" in again
            assert [said for said in ("นำเข้าแล้ว 2 แถว", "ครบทุกแถวแล้ว", "ยังไม่มีอะไรถูกบันทึก") if said in again] == []
        assert len((await behind.ask("GET", "/v1/imports"))["items"]) == 1
        rows = await officer.get(f"/people/imports/{run['id']}?verdict=refused")
        assert "groups ไม่รู้จักคำหรือรหัสในช่องนี้" in words_of(rows)
        answer = await officer.get(f"/people/imports/{run['id']}/verdicts.csv")
        lines = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert [line["verdict"] for line in lines] == ["created", "refused"]
        await _goes_out(officer, behind, lines[0]["person_id"])
        await behind.ask("POST", f"/v1/persons/{lines[0]['person_id']}/erase", {}, purpose="erasure")
        again = " ".join((await _send(officer, "take")).split())
        assert 'ลบออกจากทะเบียนไปแล้วหลังนำเข้า <strong class="number">1</strong>' in again
        assert "ไฟล์นี้ไม่นำกลับมา" in again
        assert "อ่านเป็นข้อความไม่ได้" in await _send(officer, "take", b"\x89PNG\x00", 422)
        assert "ไม่รู้จักคอลัมน์ที่ 1, 2" in await _send(officer, "take", "นางสมศรี,ใจดี\nก,ข\n".encode(), 422)
        monkeypatch.setattr("services.console.pages.people_imports.MOST_ROWS", 1)
        read_in: list[threading.Thread] = []

        def read(data: bytes, most: int | None = None) -> Sheet:
            read_in.append(threading.current_thread())
            return read_sheet(data, most)

        monkeypatch.setattr("services.console.pages.people_imports.read_sheet", read)
        assert "karuna registry import" in await _send(officer, "take", status=422)
        # Millions of empty lines are not counted to their end, and desks that are live do not wait for it.
        assert "karuna registry import" in await _send(officer, "take", FILE.partition(b"\n")[0] + b"\n" * 9, 422)
        assert threading.current_thread() not in read_in
        assert len(read_in) == 2


async def test_a_file_is_undone_after_a_look_and_can_come_again(
    faces: Faces, database: MakeDatabase, tmp_path: Path
) -> None:
    async with registry_behind(faces, (await database("registry")).dsn, tmp_path) as behind:
        officer = await faces.sign_in(Role.REGISTRY_OFFICER)
        await _send(officer, "take", "name\nนางทดลอง ใจดี\nนายอยู่ต่อ ใจดี\n".encode())
        [run] = (await behind.ask("GET", "/v1/imports"))["items"]
        at = f"/people/imports/{run['id']}"
        rows = (await behind.ask("GET", f"/v1/imports/{run['id']}"))["items"]
        group = {"group": "elderly"}
        await behind.ask("POST", f"/v1/persons/{rows[1]['person_id']}/groups", group)
        tried = words_of(await officer.post(f"{at}/undo", {"act": "try"}))
        assert "ถ้ายกเลิกไฟล์นี้ ลบคนที่แถวนี้ขึ้นทะเบียน 1 · คงไว้ 1" in tried
        assert (await behind.ask("GET", f"/v1/imports/{run['id']}"))["run"]["undo_begun_at"] is None
        done = words_of(await officer.post(f"{at}/undo", {"act": "undo", "reason": "wrong_columns"}))
        assert "มีผู้แก้ไขแล้ว" in done
        assert "คอลัมน์หรือรูปแบบผิด" in done
        assert "นำออกแล้ว เพราะไฟล์นี้ถูกยกเลิก" in done
        assert "ยกเลิกแล้ว" in words_of(await officer.get("/people/imports"))
        assert "ไม่มีแถวใด" not in done
        await _send(officer, "take", "name\nนางทดลอง ใจดี\nนายอยู่ต่อ ใจดี\n".encode())
        assert len((await behind.ask("GET", "/v1/imports"))["items"]) == 2


async def _send(officer: SignedIn, act: str, content: bytes = FILE, status: int = 200) -> str:
    form = {"act": act, "format": "karuna", "area": "kalasin"}
    answer = await officer.post("/people/imports", form, files={"file": ("people.csv", content)})
    assert answer.status_code == status, answer.text
    return answer.text


async def _goes_out(officer: SignedIn, behind: Behind, person: str) -> None:
    made = await officer.post("/people/imports/export", {"format": "csv", "group": "bedridden", "area": "kalasin"})
    listed = list(csv.DictReader(io.StringIO(made.content.decode("utf-8-sig"))))
    assert [line["name"] for line in listed] == ["นางทดลอง ใจดี"]
    page = await officer.get(f"/people/{person}?purpose=registration")
    assert f'action="/people/{person}/copy"' in page.text
    copy = await officer.post(f"/people/{person}/copy")
    assert copy.headers["cache-control"] == "no-store"
    assert json.loads(copy.content)["tables"]["person"][0]["name"] == "นางทดลอง ใจดี"
    looks = await behind.ask("GET", f"/v1/audit?subject_id={person}", role=Role.AUDITOR, purpose="audit")
    assert {"export", "copy"} <= {one["act"] for one in looks["items"]}


@pytest.mark.parametrize(
    ("out", "behind"),
    [("/people/{whom}/copy", "/v1/persons/{whom}/copy"), ("/people/imports/export", "/v1/exports/persons")],
)
async def test_a_file_goes_out_as_it_comes_in_and_is_never_held_whole(faces: Faces, out: str, behind: str) -> None:
    first_is_out = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield b'{"tables":{},'
        await first_is_out.wait()
        yield b'"pictures":[]}'

    whom = new_id()
    line, path = f"GET registry {behind.format(whom=whom)}", out.format(whom=whom)
    faces.services.answers[line] = lambda _: StreamingResponse(pieces(), media_type="application/json")
    officer = await faces.sign_in(Role.REGISTRY_OFFICER)
    console = officer.client._transport
    assert isinstance(console, httpx.ASGITransport)
    async with (
        asyncio.timeout(PATIENCE_S),
        serving(console.app, listening()) as base,  # type: ignore[arg-type]
        httpx.AsyncClient(base_url=base, cookies=dict(officer.client.cookies)) as browser,
        browser.stream("POST", path, data={"csrf": officer.csrf}) as answer,
    ):
        assert answer.status_code == 200
        coming = answer.aiter_bytes()
        got = await anext(coming)
        first_is_out.set()
        got += b"".join([piece async for piece in coming])
    assert json.loads(got) == {"tables": {}, "pictures": []}
    faces.services.answers[line] = (403, {"code": "forbidden", "th": "ไม่ได้"})
    assert (await officer.post(path)).status_code == 403, "refused before the first piece"


async def test_what_is_larger_than_the_door_is_refused_with_a_page(faces: Faces) -> None:
    officer = await faces.sign_in(Role.REGISTRY_OFFICER)
    large = {"file": ("people.csv", b"a" * 10_000_000)}
    page = await officer.post("/people/imports", {"act": "try"}, files=large, headers={"accept": "text/html"})
    assert (page.status_code, page.headers["content-type"].partition(";")[0]) == (413, "text/html")
    assert ("ใหญ่เกินกำหนด" in page.text, 'href="/"' in page.text) == (True, True)


def test_the_console_has_as_long_as_it_lets_the_registry_have() -> None:
    for path in ("/people/imports", "/people/imports/*/undo"):
        assert (SERVICE.rooms[path].timeout_s or 0) > WITHIN_S, "all parts of a file within one request"
    assert REGISTRY.rooms["/v1/imports/*/undo"].timeout_s == WITHIN_S
    assert [SERVICE.rooms[path].timeout_s for path in ("/people/imports/export", "/people/*/copy")] == [None, None]
