"""Files of people: a verdict for each row, all of a part or nothing, twice is once, and nobody overwritten."""

from __future__ import annotations

import asyncio
import hashlib
import io
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from karuna.people_files import Wanted, opened, send, taken_before
from karuna.words import refusal
from services.registry.rules.importing import every_column, fields_of, formats, read_row
from services.registry.store.imports import FIND_MANY
from services.registry.store.people import ONLY_FROM_CALL
from services.registry.verbs import importing
from shared.refusal import Refusal
from shared.sheets import read_sheet
from tests.harness import AREA, ROOT, Running, bearer, problem_of
from tests.platform_fixtures import DatabaseServer
from tests.registry.agencies import Agency
from tests.registry.conftest import OFFICER, Call, add, cid, person_of, read, somsri

HEAD = ["national_id", "name", "birth_date", "sex", "phone", "groups", "adl", "current_area", "current_address"]
PERSON = ("HOSPCODE|CID|PID|HID|PRENAME|NAME|LNAME|HN|SEX|BIRTH|MSTATUS|OCCUPATION_OLD|OCCUPATION_NEW|RACE|NATION|RELIGION|"
          "EDUCATION|FSTATUS|FATHER|MOTHER|COUPLE|VSTATUS|MOVEIN|DISCHARGE|DDISCHARGE|ABOGROUP|RHGROUP|LABOR|PASSPORT|"
          "TYPEAREA|D_UPDATE|TELEPHONE|MOBILE")  # fmt: skip


def line(number: int | None, name: str, **more: str) -> list[str]:
    told = {"national_id": cid(number) if number else "", "name": name, **more}
    return [told.get(column, "") for column in HEAD]


TOWN = [
    line(101, "นางบัวผัน ศรีสุข", birth_date="3/2/2493", sex="หญิง", adl="3", current_area="460101"),
    line(102, "นายสมหมาย ทองดี", sex="1", phone="081-234-5679", groups="ติดบ้าน;disabled"),
    line(None, "ยายคำ", groups="elderly"),
    ["1234567890123", "นายเลขผิด ใจดี", "", "", "", "", "", "", ""],
    line(103, "นายพื้นที่ผิด ใจดี", current_area="46999901"),
    line(101, "นางบัวผัน ศรีสุข"),
    line(104, "นางลับ ใจดี", groups="violence"),
]


def part(file_of: list[list[str]], **more: Any) -> dict[str, Any]:
    file = hashlib.sha256(repr(file_of).encode()).hexdigest()
    body = {"format": "karuna", "file": file, "file_rows": len(file_of), "first_row": 2, "columns": HEAD}
    return {**body, "rows": file_of, **more}


async def ask(registry: Running, body: dict[str, Any], status: int = 200, role: str = OFFICER, **claims: Any) -> Any:
    claims.setdefault("purpose", "registration")
    answer = await registry.client.post("/v1/imports", json=body, headers=bearer(role, **claims))
    assert answer.status_code == status, answer.text
    return answer.json()


def verdicts(answer: dict[str, Any]) -> list[str]:
    return [one["verdict"] for one in answer["items"]]


async def count(registry: Running, table: str) -> int:
    found: int = (await registry.sql(f"select count(*) from {table}"))[0]["count"]
    return found


# --- reading: no database ---------------------------------------------------------------------------------------------

SHEETS = {
    "utf-8": "national_id,name\n1,ก\n".encode(),
    "utf-8 with a mark": "national_id,name\n1,ก\n".encode("utf-8-sig"),
    "tis-620": "national_id,name\r\n1,ก\r\n\r\n".encode("cp874"),
    "excel's unicode text": "national_id\tname\n1\tก\n".encode("utf-16"),
    "pipes": "national_id|name\n1|ก".encode(),
}


@pytest.mark.parametrize("name", SHEETS)
def test_a_table_is_read_in_every_encoding_that_thai_offices_write(name: str) -> None:
    sheet = read_sheet(SHEETS[name])
    assert (sheet.columns, sheet.rows) == (("national_id", "name"), 1)
    assert next(sheet.parts(10)) == (2, [["1", "ก"]])


@pytest.mark.parametrize(
    "data", [b"", b"name\n", b"\x89PNG\x00\x1a", b"name\n\x00\x01\n", "ก\nข".encode("utf-16")[:-1]]
)
def test_what_is_no_table_is_refused_in_both_languages(data: bytes) -> None:
    with pytest.raises(Refusal) as refused:
        read_sheet(data)
    assert refused.value.field == "file"
    assert refused.value.th != refused.value.en


QUOTES = {
    "never closed": ('name,sex,address\nก,1,"12 หมู่ 4\nข,2,5\nค,1,6\n', 2),
    "closed by the next one that is not": ('name,sex,address\nก,1,7\nข,2,"12 หมู่ 4\nค,1,"6 หมู่ 5\n', 3),
    "closed by somebody's inches": ('name,sex,address\nก,1,"12 หมู่ 4\nข,2,ท่อ 8"\nค,1,6\n', 2),
    "closed in a cell further on": ('name,sex,address\nก,"1,12\nข,2,ท่อ 8"\nค,1,6\n', 2),
    "closed in a cell further back": ('name,sex,address\nก,1,"12\nข,2",5\nค,1,6\n', 2),
}


@pytest.mark.parametrize("name", QUOTES)
def test_a_quote_that_takes_the_people_below_into_one_cell_stops_the_file(name: str) -> None:
    text, row = QUOTES[name]
    with pytest.raises(Refusal) as refused:
        read_sheet(text.encode())
    assert refused.value.code == "sheet_quote"
    assert (f"แถว {row}:" in refused.value.th, f"row {row}:" in refused.value.en) == (True, True)


def test_an_address_of_two_lines_and_inches_within_a_cell_are_read_as_they_stand() -> None:
    sheet = read_sheet('name,sex,address\nก,1,"12 หมู่ 4\nต.เหนือ, กส."\nข,2,ท่อ 8"\n"""แดง"" ค",1,\n'.encode())
    [(_, rows)] = sheet.parts(10)
    assert rows == [["ก", "1", "12 หมู่ 4\nต.เหนือ, กส."], ["ข", "2", 'ท่อ 8"'], ['"แดง" ค', "1", ""]]


def of(format_id: str, told: dict[str, str]) -> Any:
    format_ = formats()[format_id]
    return read_row(format_, list(told), fields_of(format_, list(told)), list(told.values()))


ROWS: list[tuple[str, dict[str, str], dict[str, Any]]] = [
    ("imed", {"cid": "?", "prename": "นาง", "name": "คำ", "lname": "ใจดี", "birth": "1/2/2490", "sex": "ญ", "adl": "4"},
     {"national_id": "?", "name": "นางคำ ใจดี", "birth_date": "1/2/2490", "sex": "female", "groups": ["bedridden"]}),
    ("imed", {"name": "คำ", "adl": "5", "group": "elderly"}, {"name": "คำ", "groups": ["elderly", "homebound"]}),
    ("imed", {"name": "คำ", "adl": "12"}, {"name": "คำ"}),
    ("imed", {"name": "คำ", "rhouse": "9", "rvillage": "3", "rtambon": "กาฬสินธุ์", "rampur": "เมืองกาฬสินธุ์",
              "rchangwat": "จ.กาฬสินธุ์", "house": "12", "tambon": "460102"},
     {"name": "คำ", "addresses": {"registered": {"area_code": "460101", "detail": "9 หมู่ 3"},
                                  "current": {"area_code": "460102", "detail": "12"}}}),
    ("f43-person", {"HOSPCODE": "04930", "PRENAME": "003", "NAME": "สมชาย", "LNAME": "ใจดี", "SEX": "1", "BIRTH": "19500203",
                    "HN": "12345", "DISCHARGE": "9", "MOBILE": "0812345678", "TELEPHONE": "043811111", "TYPEAREA": "1"},
     {"name": "นายสมชาย ใจดี", "sex": "male", "birth_date": "1950-02-03", "phone": "0812345678",
      "identifiers": [{"kind": "hospital-no", "value": "12345", "issuer": "04930"}]}),
    ("f43-person", {"PRENAME": "999", "NAME": "สมชาย", "BIRTH": "19500101"}, {"name": "สมชาย", "birth_year": 1950}),
    ("karuna", {"Name": "สมศรี", "groups": "ผู้ป่วยติดเตียง", "sex": "หญิง"},
     {"name": "สมศรี", "groups": ["bedridden"], "sex": "female"}),
    ("karuna", {"คำนำหน้า": "นาง", "ชื่อ": "สมศรี", "นามสกุล": "ใจดี", "วันเกิด": "1/2/2490", "โทรศัพท์": "0812345678",
                "เพศ": "หญิง", "ที่อยู่": "9 หมู่ 2"},
     {"name": "นางสมศรี ใจดี", "birth_date": "1/2/2490", "phone": "0812345678", "sex": "female",
      "addresses": {"current": {"detail": "9 หมู่ 2"}}}),
]  # fmt: skip


@pytest.mark.parametrize(("format_id", "told", "body"), ROWS)
def test_what_a_row_of_each_format_tells(format_id: str, told: dict[str, str], body: dict[str, Any]) -> None:
    assert of(format_id, told).body == body


def test_needs_and_points_stand_beside_the_person() -> None:
    row = of("imed", {"name": "คำ", "need": "ผู้ดูแล", "urgency": "9", "lat": "16.43", "lng": "103.5"})
    assert row.needs == ("carer", 9)
    diapers, strange = (of("imed", {"name": "คำ", "need": need}) for need in ("ผ้าอ้อมผู้ใหญ่", "ช้าง"))
    assert (diapers.needs, strange.needs, [one.code for one in strange.passed]) == (
        ("supplies", 1),
        None,
        ["unknown_need"],
    )
    assert (row.point.lon, row.point.lat, row.point_method) == (103.5, 16.43, "gps")


WRONG: list[tuple[str, dict[str, str], str, str]] = [
    ("imed", {"name": "คำ", "rtambon": "ไม่มีตำบลนี้"}, "rtambon", "tambon_unclear"),
    ("karuna", {"name": "คำ", "groups": "คนแปลก"}, "groups", "unknown_code"),
    ("imed", {"name": "คำ", "group": "violence"}, "group", "secret_by_hand"),
    ("f43-person", {"NAME": "คำ", "DISCHARGE": "1"}, "DISCHARGE", "discharged"),
    ("f43-person", {"NAME": "คำ", "HN": "1"}, "HN", "hospital_missing"),
    ("karuna", {"name": "a\x00b"}, "name", "characters"),
    ("karuna", {"name": "", "sex": ""}, "", "row_empty"),
]


@pytest.mark.parametrize(("format_id", "told", "column", "code"), WRONG)
def test_what_cannot_be_read_names_its_column(format_id: str, told: dict[str, str], column: str, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        of(format_id, told)
    assert (refused.value.field, refused.value.code) == (column, code)


PASSED: list[tuple[str, dict[str, str], list[tuple[str, str]], dict[str, Any]]] = [
    ("karuna", {"name": "คำ", "mobility": "เดินไม่ได้", "sex": "?", "needs": "oxygen ช้าง"},
     [("sex", "unknown_code"), ("mobility", "unknown_code"), ("needs", "unknown_code")],
     {"name": "คำ", "needs": ["oxygen"]}),
    ("karuna", {"name": "คำ", "mobility": "ติดเตียง", "birth_date": "๒๕๐๐"}, [],
     {"name": "คำ", "mobility": "stretcher", "birth_year": 2500}),
    ("imed", {"name": "คำ", "adl": "21", "urgency": "9"}, [("adl", "adl_range"), ("urgency", "need_missing")],
     {"name": "คำ"}),
    ("imed", {"name": "คำ", "lat": "16.4"}, [("lat", "point_half")], {"name": "คำ"}),
    ("f43-person", {"NAME": "คำ", "BIRTH": "2493"}, [("BIRTH", "birth8")], {"name": "คำ"}),
]  # fmt: skip


@pytest.mark.parametrize(("format_id", "told", "passed", "body"), PASSED)
def test_a_cell_that_cannot_be_read_is_passed_over_and_the_person_is_not_turned_away(
    format_id: str, told: dict[str, str], passed: list[tuple[str, str]], body: dict[str, Any]
) -> None:
    row = of(format_id, told)
    assert ([(one.field, one.code) for one in row.passed], row.body) == (passed, body)
    urgent = of("imed", {"name": "คำ", "need": "carer", "urgency": "2"})
    assert (urgent.needs, [one.field for one in urgent.passed]) == (("carer", 1), ["urgency"])


async def test_every_cell_that_was_passed_over_is_told_at_once_and_the_person_is_there(registry: Running) -> None:
    columns = ["name", "mobility", "birth_date", "phone"]
    rows = [
        ["นางสมศรี ใจดี", "เดินไม่ได้", "1/5/54", "0812345678, 0898765432"],
        ["นายสมหมาย ทองดี", "", "1957", "0812345671"],
        ["", "เดินไม่ได้", "", ""],
    ]
    several, year, nobody = (await ask(registry, part(rows, columns=columns)))["items"]
    assert (several["verdict"], several["field"], several["code"]) == ("created", "mobility", "unknown_code")
    assert all(f" · {name}: this cell was not taken" in several["en"] for name in ("birth_date", "phone"))
    assert "0812345678" not in several["en"] + several["th"]
    assert (year["code"], (await read(registry, f"/v1/persons/{year['person_id']}"))["birth_year"]) == (None, 1957)
    assert (nobody["verdict"], nobody["code"]) == ("refused", "row_empty")


def test_a_head_we_do_not_know_is_named_by_places_for_it_may_be_a_person() -> None:
    with pytest.raises(Refusal) as refused:
        fields_of(formats()["karuna"], ["name", "นางสมศรี ใจดี", "0812345678"])
    assert "2, 3" in refused.value.en
    for said in (refused.value.th, refused.value.en):
        assert [name for name in ("birth_date", "วันเกิด", "usual_place") if name not in said] == []
    assert "สมศรี" not in refused.value.th + refused.value.en
    assert len(fields_of(formats()["f43-person"], PERSON.split("|"))) == 33


def test_every_column_of_every_format_is_in_the_manual() -> None:
    manual = (ROOT / "docs" / "imports.md").read_text(encoding="utf-8").casefold()
    assert not [column for _, column in every_column() if f"`{column}`" not in manual]


# --- taking -----------------------------------------------------------------------------------------------------------


async def test_a_dry_run_tells_all_and_changes_nothing_and_the_file_twice_is_once(registry: Running) -> None:
    tried = await ask(registry, part(TOWN, dry_run=True))
    assert [await count(registry, table) for table in ("person", "import_run", "event_log", "duplicate")] == [0] * 4
    told = await ask(registry, part(TOWN))
    assert verdicts(tried) == verdicts(told) == ["created"] * 3 + ["refused"] * 2 + ["unchanged", "refused"]
    refused = [(one["row"], one["field"]) for one in told["items"] if one["verdict"] == "refused"]
    assert refused == [(5, "national_id"), (6, "current_area"), (8, "groups")]
    assert all(one["th"] and one["en"] for one in told["items"] if one["verdict"] == "refused")
    assert told["run"]["done"]
    assert told["items"][5]["person_id"] == told["items"][0]["person_id"]
    assert (told["before"], told["run"]["begun_by"][:7]) == (0, "person:")
    again = await ask(registry, part(TOWN))
    assert again["items"] == told["items"]
    rehearsed = await ask(registry, part(TOWN, dry_run=True))
    assert rehearsed["items"] == told["items"], "what would become of it is what became of it"
    said = [(one["before"], one["run"]["begun_at"]) for one in (again, rehearsed)]
    assert said == [(7, told["run"]["begun_at"])] * 2
    assert await count(registry, "person") == 3
    person = await read(registry, f"/v1/persons/{told['items'][0]['person_id']}")
    assert [one["group"]["code"] for one in person["groups"]] == ["bedridden"]
    assert [one["area_code"] for one in person["addresses"]] == ["460101"]
    said = [row["type"] for row in await registry.said("registry.person")]
    assert said == ["registry.person.registered.v1"] * 3
    page = await read(registry, f"/v1/imports/{told['run']['id']}?verdict=refused&limit=2")
    assert ([one["row"] for one in page["items"]], page["next"]) == ([5, 6], 7)
    runs = await read(registry, "/v1/imports")
    assert runs["items"][0]["counts"] == {"created": 3, "refused": 3, "unchanged": 1}


async def test_who_came_by_a_file_is_told_so_with_when_and_by_whom_it_was_brought(registry: Running) -> None:
    first = (await ask(registry, part(TOWN)))["items"][0]
    [run] = (await read(registry, "/v1/imports"))["items"]
    path = f"/v1/persons/{first['person_id']}"
    found = await read(registry, f"{path}/matches")
    [came, *_] = [one for one in found["files"] if one["row"] == first["row"]]
    assert (came["run_id"], came["verdict"]["code"], came["format"]["code"]) == (run["id"], "created", "karuna")
    assert (came["begun_at"], came["begun_by"]) == (run["begun_at"], run["begun_by"])
    [kept, *_] = (await read(registry, f"{path}/copy"))["tables"]["import_row"]
    assert (kept["format"], kept["begun_by"]) == ("karuna", run["begun_by"]), "the person's own copy says it"


async def test_who_came_by_a_list_of_an_agency_is_told_whose_it_was(registry: Running) -> None:
    hospital = await Agency(registry).known()
    told = await ask(registry, part(TOWN[:2], agency_id=str(hospital.id)))
    path = f"/v1/persons/{told['items'][0]['person_id']}"
    [came] = (await read(registry, f"{path}/matches"))["files"]
    assert (came["agency_id"], came["agency_th"]) == (str(hospital.id), "โรงพยาบาลตัวอย่าง")
    copy = (await read(registry, f"{path}/copy"))["tables"]
    assert copy["import_row"][0]["agency"] == "โรงพยาบาลตัวอย่าง"
    assert {copy[table][0]["source"] for table in ("person", "identifier", "membership")} == {"file"}
    assert [one["source"] for one in (await read(registry, path))["groups"]] == ["file"]
    known = await add(registry, name="นายเก่า ใจดี", national_id=cid(109))
    await ask(registry, part([line(109, "นายเก่า ใจดี", groups="elderly")]))
    assert [one["source"] for one in (await read(registry, f"/v1/persons/{known}"))["groups"]] == ["file"]


async def test_a_file_goes_on_where_it_stopped_and_half_a_part_is_never_there(
    registry: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [line(200 + n, f"นางคนที่{n} สกุล{n * 7}") for n in range(6)]
    first, second = part(rows, rows=rows[:3]), part(rows, rows=rows[3:], first_row=5)
    gap = problem_of(await registry.client.post("/v1/imports", json=second, headers=_officer()))
    assert (gap["code"], gap["next_row"]) == ("rows_missing", 2)
    await ask(registry, first)

    async def broken(*_: Any, **__: Any) -> None:
        raise ConnectionError("the power went")

    with monkeypatch.context() as cut:
        cut.setattr(importing.store.imports, "add_pairs", broken)  # after the people were written
        await ask(registry, second, 503)
    assert await count(registry, "person") == 3
    tried = await ask(registry, part(rows, dry_run=True))
    assert (tried["before"], await count(registry, "person")) == (3, 3)
    told = await ask(registry, second)
    assert (told["run"]["done"], told["before"], await count(registry, "person")) == (True, 0, 6)
    overlapping = await ask(registry, part(rows))
    assert (verdicts(overlapping), overlapping["before"]) == (["created"] * 6, 6)
    assert await count(registry, "person") == 6
    other_size = part(rows, file_rows=9)
    assert (await ask(registry, other_size, 409))["code"] == "other_size"
    assert (await ask(registry, part(rows, file_rows=2), 422))["code"] == "beyond_the_end"
    assert (await ask(registry, part(rows, columns=["x"] * 9), 422))["code"] == "columns_unknown"


def _officer() -> dict[str, str]:
    return bearer(OFFICER, purpose="registration")


async def test_who_is_there_is_filled_never_overwritten_and_who_may_be_is_queued_or_left_out(registry: Running) -> None:
    known = await add(registry, name="นางสมศรี ใจดี", national_id=cid(301), birth_year=2493, sex="female")
    twin = await add(registry, name="นายวรรณา ทองสุข", birth_date="1950-02-03", phone="0899999999")
    rows = [
        line(301, "นางสมศรี ใจงาม", sex="1", phone="0812345670", groups="elderly", birth_date="3/2/2493"),
        line(None, "นายวันนา ทองสุข", birth_date="3/2/2493"),
        line(301, "นายคนอื่น สกุลอื่น", sex="ชาย"),
    ]
    told = await ask(registry, part(rows, alike="leave"))
    assert verdicts(told) == ["matched", "possible_duplicate", "refused"]
    assert [one["code"] for one in told["items"]] == ["differs", "left_out", "person_exists"]
    person = await read(registry, f"/v1/persons/{known}")
    assert (person["name"], person["sex"], len(person["contacts"])) == ("นางสมศรี ใจดี", "female", 1)
    assert person["birth_on"] == "1950-02-03"  # a day says more than a year
    assert await count(registry, "person") == 2
    queued = await ask(registry, part(rows))
    assert verdicts(queued) == ["unchanged", "possible_duplicate", "refused"]
    assert queued["items"][1]["person_id"]
    pairs = await read(registry, "/v1/duplicates", purpose="registration")
    ids = {one["id"] for item in pairs["items"] for one in (item["one"], item["other"])}
    assert ids == {str(twin), queued["items"][1]["person_id"]}


async def test_other_municipalities_people_are_refused_or_proposed_and_secret_ones_never_shown(
    registry: Running,
) -> None:
    songkhla = {"areas": ["songkhla"]}
    rows = [line(401, "นางสมศรี ใจดี", sex="หญิง")]
    there = await ask(registry, part(rows, area="songkhla"), **songkhla)
    assert verdicts(there) == ["created"]
    assert (await ask(registry, part(rows, area="songkhla"), 404))["code"] == "not_found"
    unseen = await ask(registry, part(rows))
    assert [(one["verdict"], one["code"], one["person_id"]) for one in unseen["items"]] == [
        ("refused", "person_exists", None)
    ]
    call = await Call(registry, patients=[somsri(national_id=cid(401))]).received()
    assert str(await person_of(registry, call)) == there["items"][0]["person_id"]
    seen = await ask(registry, part([line(401, "นางสมศรี ใจดี", sex="ชาย")]))
    assert [(one["verdict"], one["code"]) for one in seen["items"]] == [("matched", "proposed")]
    waiting = await read(registry, "/v1/corrections", **songkhla)
    assert [one["change"] for one in waiting["items"]] == [{"sex": "male"}]
    secret = await add(registry, name="นางลับ ใจดี", national_id=cid(402), groups=["violence"])
    told = await ask(registry, part([line(402, "นางลับ ใจดี", phone="0812345677")]))
    assert (told["items"][0]["code"], told["items"][0]["person_id"]) == ("person_exists", None)
    assert not (await read(registry, f"/v1/persons/{secret}"))["contacts"]


async def test_the_erased_leave_no_trace_in_a_run_and_the_same_file_brings_nobody_back(registry: Running) -> None:
    rows = [line(501, "นางลบแล้ว ใจดี", phone="0812345671"), line(502, "นางอยู่ ใจดี")]
    told = await ask(registry, part(rows))
    gone = told["items"][0]["person_id"]
    erased = await registry.client.post(
        f"/v1/persons/{gone}/erase", json={}, headers=bearer(OFFICER, purpose="erasure")
    )
    assert erased.status_code == 200, erased.text
    again = await ask(registry, part(rows))
    assert [one["person_id"] for one in again["items"]] == [None, told["items"][1]["person_id"]]
    assert [one["code"] for one in again["items"]] == ["erased_since", None]
    rows_now = await read(registry, f"/v1/imports/{told['run']['id']}")
    assert rows_now["items"] == again["items"]
    left = await registry.sql("select count(*) from person where erased_at is null")
    assert left[0]["count"] == 1
    kept = await registry.sql("select r::text as line from import_row r union all select r::text from import_run r")
    assert not [row for row in kept if "ใจดี" in row["line"] or gone in row["line"]]


async def test_who_stood_in_a_file_too_stays_when_the_call_that_brought_them_is_erased(registry: Running) -> None:
    call = await Call(registry, patients=[somsri(national_id=cid(505))]).received()
    person_id = await person_of(registry, call)
    took = (await ask(registry, part([line(505, "นางสมศรี ใจดี", groups="elderly")])))["items"][0]
    assert (took["verdict"], took["person_id"]) == ("matched", str(person_id))
    await registry.sql("delete from address where person_id = $1", person_id)
    left = {row["id"] for row in await registry.sql(ONLY_FROM_CALL, call.id)}
    assert left == set(), "their group came by the file"
    await registry.sql("delete from membership where person_id = $1 and source = 'file'", person_id)
    assert {row["id"] for row in await registry.sql(ONLY_FROM_CALL, call.id)} == {person_id}


async def test_who_is_erased_while_a_part_is_taken_is_found_no_more(
    registry: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = await add(registry, name="นางไป ใจดี", national_id=cid(510))
    find = importing.store.imports.find_many

    async def found(*args: Any, **options: Any) -> Any:
        monkeypatch.setattr(importing.store.imports, "find_many", find)  # once
        rows = await find(*args, **options)
        headers = bearer(OFFICER, purpose="erasure")
        assert (await registry.client.post(f"/v1/persons/{gone}/erase", json={}, headers=headers)).status_code == 200
        return rows

    monkeypatch.setattr(importing.store.imports, "find_many", found)
    told = await ask(registry, part([[*line(510, "นางไป ใจดี", phone="0812345675")]]))
    assert told["items"][0]["verdict"] == "created"
    assert told["items"][0]["person_id"] != str(gone)
    left = await registry.sql("select count(*) from contact where person_id = $1", gone)
    assert left[0]["count"] == 0


async def test_who_is_registered_while_a_part_is_read_is_met_and_not_written_twice(
    registry: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = importing.store.imports.known_marks

    async def looked(*args: Any) -> Any:
        monkeypatch.setattr(importing.store.imports, "known_marks", look)  # once
        met = await look(*args)
        await add(registry, name="นางเร็ว ใจดี", national_id=cid(530))
        return met

    monkeypatch.setattr(importing.store.imports, "known_marks", looked)
    told = await ask(registry, part([line(530, "นางเร็ว ใจดี", phone="0812345677"), line(531, "นางช้า ใจดี")]))
    assert verdicts(told) == ["matched", "created"]
    assert await count(registry, "person") == 2


async def test_who_is_made_secret_while_a_part_is_taken_is_shown_no_more(
    registry: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = await add(registry, name="นางซ่อน ใจดี", national_id=cid(520))
    find = importing.store.imports.find_many

    async def found(*args: Any, **options: Any) -> Any:
        monkeypatch.setattr(importing.store.imports, "find_many", find)  # once
        rows = await find(*args, **options)
        await registry.sql("update person set disclosure = 'secret' where id = $1", hidden)
        return rows

    monkeypatch.setattr(importing.store.imports, "find_many", found)
    told = await ask(registry, part([line(520, "นางซ่อน ใจดี", phone="0812345676")]))
    assert (told["items"][0]["code"], told["items"][0]["person_id"]) == ("person_exists", None)
    assert not (await read(registry, f"/v1/persons/{hidden}"))["contacts"]


async def test_a_name_in_a_file_tells_of_hidden_people_no_more_than_the_form(registry: Running) -> None:
    """Whoever is secret, or another municipality's, is as unknown by name, birth and telephone as a stranger."""
    told = {"birth_date": "1950-02-03", "phone": "0812345678"}
    await add(registry, name="นางลับ ใจดี", groups=["violence"], **told)
    answer = await registry.client.post(
        "/v1/persons", json={"name": "นางพิกุล แก้วมณี", **told}, headers=bearer(OFFICER, areas=["songkhla"])
    )
    assert answer.status_code == 201, answer.text
    told["phone"] = "0812345679"
    near = await add(registry, name="นายวิชัย ทองสุข", **told)
    await add(registry, name="นายวิชัย ทองสุข", groups=["violence"], **told)
    rows = [
        line(None, "นางลับ ใจดี", birth_date="3/2/2493"),
        line(None, "นางพิกุล แก้วมณี", phone="0812345678"),
        line(None, "นายวิชัย ทองสุข", birth_date="3/2/2493"),
        line(None, "นายสมบัติ บุญเรือง", birth_date="3/2/2493"),
    ]
    for dry_run in (True, False):
        items = (await ask(registry, part(rows, dry_run=dry_run)))["items"]
        assert [(one["verdict"], one["code"]) for one in items] == [
            ("created", None), ("created", None), ("unchanged", None), ("created", None)
        ]  # fmt: skip
        assert items[2]["person_id"] == str(near)


async def test_everybody_of_whom_a_file_told_or_was_written_has_an_audit_row(registry: Running) -> None:
    secret = await add(registry, name="นางลับ ใจดี", national_id=cid(530), groups=["violence"])
    other = await add(registry, name="นายคนอื่น ทองสุข", national_id=cid(531), sex="male", birth_year=2500)
    rows = [
        line(530, "นางลับ ใจดี"),
        line(531, "นางสมใจ ศรีสุข", sex="หญิง", birth_date="3/2/2493"),
        line(532, "นางใหม่ ใจดี"),
        line(532, "นางใหม่ ใจดี"),
    ]

    async def acts(run: dict[str, Any]) -> set[tuple[str, str]]:
        answer = await ask(registry, run)
        assert verdicts(answer) == ["refused", "refused", "created", "unchanged"]
        assert [one["person_id"] for one in answer["items"][:2]] == [None, None]
        written = await registry.sql(
            "select act, subject_id::text as id from audit where noun = 'person' and id > $1", last
        )
        return {(row["act"], row["id"].replace(answer["items"][2]["person_id"], "new")) for row in written}

    last = (await registry.sql("select max(id) as id from audit"))[0]["id"]
    refused = {("register_refused", str(secret)), ("register_refused", str(other))}
    assert await acts(part(rows, dry_run=True)) == refused
    last = (await registry.sql("select max(id) as id from audit"))[0]["id"]
    assert await acts(part(rows)) == refused | {("register", "new"), ("import_people", "new")}


async def test_whom_a_row_resembles_has_an_audit_row_whether_it_is_left_out_or_queued(registry: Running) -> None:
    twin = await add(registry, name="นายวรรณา ทองสุข", birth_date="1950-02-03")
    rows = [line(None, "นายวันนา ทองสุข", birth_date="3/2/2493")]
    for seen, more in enumerate(({"alike": "leave", "dry_run": True}, {"alike": "leave"}, {"alike": "queue"}), 1):
        told = await ask(registry, part(rows, **more))
        assert verdicts(told) == ["possible_duplicate"]
        found = await registry.sql("select count(*) from audit where act = 'import_people' and subject_id = $1", twin)
        assert found[0]["count"] == seen, more


IMED = ["name", "need", "urgency", "lat", "lng"]


async def test_needs_and_points_of_new_people_are_written_together(
    registry: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    for module, name in ((importing.store.care, "write_needs"), (importing.store.locations, "write_locations")):
        monkeypatch.setattr(module, name, _counted(asked, name, getattr(module, name)))
    rows = [[f"ทองคำ {sign}", "ผู้ดูแล", "9", f"16.4{n + 1}", "103.5"] for n, sign in enumerate("กขคง")] + [
        ["มานี", "", "", "", ""]
    ]
    told = await ask(registry, part(rows, format="imed", columns=IMED))
    assert verdicts(told) == ["created"] * 5
    assert asked == ["write_needs", "write_locations"], "one statement each, not one a row"
    for one, row in zip(told["items"], rows[:-1], strict=False):
        needs = await read(registry, f"/v1/persons/{one['person_id']}/needs")
        points = await read(registry, f"/v1/persons/{one['person_id']}/locations")
        assert [(each["need"]["code"], each["urgency"]["code"]) for each in needs["items"]] == [("carer", "9")]
        assert [(str(each["lat"]), each["method"]["code"]) for each in points["items"]] == [(row[3], "gps")]
    said = await registry.sql("select type, count(*) from event_log group by type")
    counts = {row["type"]: row["count"] for row in said}
    assert (counts["registry.need.opened.v1"], counts["registry.location.observed.v1"]) == (4, 4)
    assert await count(registry, "whereabouts") == 4


def _counted(asked: list[str], name: str, write: Any) -> Any:
    async def counted(*args: Any) -> Any:
        asked.append(name)
        return await write(*args)

    return counted


YOUNG = """
with town as (
    insert into person (id, area, source, registered_at, changed_at)
    select gen_random_uuid(), $1, 'desk', now(), now() from generate_series(1, 3000) returning id
)
insert into address (id, person_id, kind, area_code, since_on)
select gen_random_uuid(), id, 'current', '460101', current_date from town
"""


async def test_who_is_there_is_found_by_the_person_in_a_young_database_too(registry: Running) -> None:
    """Of a table that holds few rows yet PostgreSQL would walk the index of all that stand, once for each person."""
    await registry.sql(YOUNG, AREA)
    town = [line(n, f"นายคนที่ {n}", groups="elderly", current_area="460101") for n in range(300, 320)]
    await ask(registry, part(town))
    async with registry.runtime.pool.acquire() as db:
        plan = await db.fetch("explain " + FIND_MANY, [1], [b"1"], [1], [b"1"], False)
    text = "\n".join(row[0] for row in plan)
    assert [name for name in ("address_area", "membership_group") if name in text] == []
    assert verdicts(await ask(registry, part([*town, line(None, "ยายคำ")])))[:-1] == ["unchanged"] * len(town)


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


# --- the command ------------------------------------------------------------------------------------------------------


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
    registry.client.headers.update(_officer())
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
