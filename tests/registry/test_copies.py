"""A person's copy holds everything of theirs and nothing of others; lists hold nobody who is secret."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from karuna.people_files import download, runs_on
from services.registry.store.copies import COPY, LEFT_OUT
from tests.harness import AREA, Running, bearer
from tests.registry.conftest import OFFICER, Call, add, cid, person_of, read, somsri

ABOUT_PEOPLE = """
select distinct c.relname from pg_constraint k join pg_class c on c.oid = k.conrelid
where k.contype = 'f' and k.confrelid = 'person'::regclass order by 1
"""
REGISTERS = {"purpose": "registration"}


async def test_no_table_about_people_is_missing_in_the_copy(registry: Running) -> None:
    tables = {row["relname"] for row in await registry.sql(ABOUT_PEOPLE)}
    told = {table for table in tables if f"'{table}'" in COPY}
    assert tables - told == LEFT_OUT.keys()


async def test_a_copy_is_one_file_with_all_that_is_kept_opened_and_is_itself_written_down(
    registry: Running, tmp_path: Path
) -> None:
    call = await Call(registry, patients=[somsri(groups=["bedridden"])]).received()
    person = await person_of(registry, call)
    other = await add(registry, name="นางคนอื่น สกุลอื่น", phone="0899999999")
    at = f"/v1/persons/{person}"
    desk = bearer("supervisor")
    acts: list[tuple[str, str, dict[str, Any]]] = [
        ("PATCH", at, {"name": "นางสมศรี ใจงาม", "addresses": {"current": {"area_code": "460101", "detail": "9 หมู่ 3"}}}),
        ("POST", f"{at}/locations", {"lon": 103.5012345, "lat": 16.4312345}),
        ("POST", f"{at}/needs", {"need": "carer", "urgency": 9, "note": "ลูกไปทำงานต่างจังหวัด"}),
        ("POST", "/v1/households", {"members": [{"person_id": str(person)}, {"person_id": str(other)}]}),
        ("POST", f"{at}/consents", {"purpose": "care", "given_by": "self", "paper": "folder-12"}),
    ]
    for method, path, body in acts:
        answer = await registry.client.request(method, path, json=body, headers=desk)
        assert answer.is_success, (path, answer.text)
    registry.client.headers.update(bearer(OFFICER, **REGISTERS))
    file = tmp_path / "copy.json"
    assert await download(registry.client, f"{at}/copy", file) == file.stat().st_size
    assert file.stat().st_mode & 0o077 == 0
    text = file.read_text(encoding="utf-8")
    for kept in ("ใจงาม", "สมศรี ใจดี", cid(1), "+66812345678", "103.5012345 16.4312345", "ลูกไปทำงานต่างจังหวัด", "9 หมู่ 3",
                 "folder-12", "bedridden", "registry.person.registered.v1"):  # fmt: skip
        assert kept in text, kept
    assert "คนอื่น" not in text
    assert "+66899999999" not in text
    assert "\\\\x" not in text
    assert '"blind"' not in text
    whole = json.loads(text)
    assert [one["name"] for one in whole["tables"]["person"]] == ["นางสมศรี ใจงาม"]
    assert whole["looks"][-1]["act"] == "copy"
    with pytest.raises(LookupError, match="not found"):
        await download(registry.client, f"/v1/persons/{call.id}/copy", tmp_path / "none.json")
    assert not (tmp_path / "none.json").exists()


async def test_a_file_that_is_cut_off_is_none_and_the_one_before_stays(tmp_path: Path) -> None:
    async def half() -> AsyncIterator[bytes]:
        yield b"half"
        raise httpx.ReadError("cut")

    file = tmp_path / "people.csv"
    file.write_text("whole")
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=half()))
    async with httpx.AsyncClient(transport=transport, base_url="http://registry") as client:
        with pytest.raises(httpx.ReadError):
            await download(client, "/v1/exports/persons", file)
    assert file.read_text() == "whole"
    assert not file.with_name("people.csv.part").exists()


async def test_a_list_goes_straight_to_what_reads_it_and_leaves_nothing_beside(tmp_path: Path) -> None:
    pipe, lines = tmp_path / "pipe", "id,name\n"
    os.mkfifo(pipe)
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=lines))
    with ThreadPoolExecutor() as threads:
        reading = threads.submit(pipe.read_text)
        async with httpx.AsyncClient(transport=transport, base_url="http://registry") as client:
            assert await download(client, "/v1/exports/persons", pipe) == len(lines)
        assert reading.result() == lines
    assert not pipe.with_name("pipe.part").exists()
    assert [runs_on(Path(one)) for one in ("/dev/stdout", "/dev/fd/1", tmp_path / "people.csv")] == [True, True, False]


async def test_lists_hold_nobody_secret_no_number_and_no_formula_and_each_person_is_audited(registry: Running) -> None:
    here = {"addresses": {"current": {"area_code": "460101", "detail": "9 หมู่ 3"}}}
    first = await add(
        registry, name="=HYPERLINK(1)", phone="0812345670", groups=["bedridden"], national_id=cid(7), **here
    )
    await add(registry, name="นางลับ ใจดี", groups=["bedridden", "violence"], **here)
    sick = await add(registry, name="นายจิต ใจดี", groups=["psychiatric"], **here)
    there = await add(registry, name="นายไกล ใจดี", groups=["bedridden"], addresses={"current": {"area_code": "460201"}})
    lines = await _csv(registry, "")
    assert {line["id"] for line in lines} == {str(first), str(sick), str(there)}
    told = next(line for line in lines if line["id"] == str(first))
    assert (told["name"], told["phone"], told["current_address"]) == ("'=HYPERLINK(1)", "0812345670", "9 หมู่ 3")
    assert cid(7) not in str(lines)
    assert next(line for line in lines if line["id"] == str(sick))["groups"] == ""
    assert not await _csv(registry, "&group=psychiatric")
    unknown = await registry.client.get(
        f"/v1/exports/persons?area={AREA}&group=zzz", headers=bearer(OFFICER, **REGISTERS)
    )
    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_code"), "no file with nobody in it"
    assert [line["id"] for line in await _csv(registry, "&group=bedridden&area_code=4601")] == [str(first)]
    seen = await read(registry, f"/v1/audit?subject_id={first}", "auditor", purpose="audit")
    assert [one["act"] for one in seen["items"]][-2:] == ["export", "export"]
    at = {"lon": 103.5012345, "lat": 16.4312345}
    await registry.client.post(f"/v1/persons/{first}/locations", json=at, headers=bearer(OFFICER))
    answer = await registry.client.get(
        f"/v1/exports/persons?area={AREA}&format=geojson", headers=bearer(OFFICER, **REGISTERS)
    )
    features = answer.json()["features"]
    assert [one["properties"]["id"] for one in features] == [str(first)]
    assert features[0]["geometry"]["coordinates"] == [103.5012345, 16.4312345]
    assert "HYPERLINK" not in answer.text


async def test_who_lives_in_a_place_is_listed_by_all_that_is_known(registry: Running) -> None:
    def at(kind: str, code: str) -> dict[str, Any]:
        return {kind: {"area_code": code}}

    registered = await add(registry, name="นางหนึ่ง ใจดี", addresses=at("registered", "460101"))
    await add(registry, name="นางสอง ใจดี", addresses=at("registered", "460101") | at("current", "460201"))
    linked, survivor = await add(registry, addresses=at("current", "460101")), await add(registry, name="นางสาม ใจดี")
    await registry.sql(
        "insert into person_link (id, person_id, survivor_id, linked_at) values (gen_random_uuid(), $1, $2, now())",
        linked, survivor,
    )  # fmt: skip
    member = await add(registry, name="นางสี่ ใจดี")
    home = {"members": [{"person_id": str(member)}], "address": {"area_code": "460101"}}
    answer = await registry.client.post("/v1/households", json=home, headers=bearer(OFFICER))
    assert answer.status_code == 201, answer.text
    lines = await _csv(registry, "&area_code=460101")
    assert {line["id"] for line in lines} == {str(registered), str(survivor), str(member)}


async def _csv(registry: Running, query: str) -> list[dict[str, str]]:
    answer = await registry.client.get(f"/v1/exports/persons?area={AREA}{query}", headers=bearer(OFFICER, **REGISTERS))
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
