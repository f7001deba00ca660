"""Files of people are read: every encoding and format, and what cannot be read is named."""

from __future__ import annotations

from typing import Any

import pytest

from services.registry.rules.importing import every_column, fields_of, formats
from shared.refusal import Refusal
from shared.sheets import read_sheet
from tests.harness import ROOT, Running
from tests.registry.conftest import read
from tests.registry.files import PERSON, ask, of, part

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
