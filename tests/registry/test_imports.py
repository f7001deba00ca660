"""Files of people: a verdict for each row, all of a part or nothing, twice is once, and nobody overwritten."""

from __future__ import annotations

from typing import Any

import pytest

from services.registry.store.people import ONLY_FROM_CALL
from services.registry.verbs import importing
from tests.harness import Running, bearer, problem_of
from tests.registry.agencies import Agency
from tests.registry.conftest import OFFICER, Call, add, cid, person_of, read, somsri
from tests.registry.files import TOWN, ask, count, line, officer, part, verdicts


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
    gap = problem_of(await registry.client.post("/v1/imports", json=second, headers=officer()))
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
