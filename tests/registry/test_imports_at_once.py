"""Files of people while others are at work, and who learns what of whom by a file."""

from __future__ import annotations

from typing import Any

import pytest

from services.registry.store.imports import FIND_MANY
from services.registry.verbs import importing
from tests.harness import AREA, Running, bearer
from tests.registry.conftest import OFFICER, add, cid, read
from tests.registry.files import ask, count, line, part, verdicts


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
