"""The area tree: official codes and the municipality's own rows, misspelt names, and lists that know what lies below."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karuna.areas import read_rows, send
from services.registry.rules.areas import KINDS, Node, bare, kind_of, official, read_node, search
from shared.refusal import Refusal
from tests.harness import AREA, Running, bearer, problem_of
from tests.registry.conftest import OFFICER, Call, add, person_of, read
from tests.registry.conftest import search as find

OWN = {"kalasin": "municipality", "kalasin:q-1": "quarter", "kalasin:rimpao": "community", "46010103": "village"}

# What people write, and the area that is meant, first.
NAMES = [("กาฬสินธ์", "46"), ("กาฬสินธุ์", "46"), ("จ.กาฬสินธ", "46"), ("อ.เมืองกาฬสินธิ์", "4601"), ("Kalasin", "46"),
         ("ต.เหนีอ", None), ("สงขลา", "90"), ("สุราษฏร์ธานี", "84")]  # fmt: skip


@pytest.mark.parametrize(("written", "code"), NAMES)
def test_misspelt_names_are_found(written: str, code: str | None) -> None:
    found = search(written, (), ())
    assert code is None or found[0].code == code, found
    assert all(one.whole for one in found)


def test_a_name_is_looked_for_in_one_area_beside_the_municipalitys_own() -> None:
    own = [Node("kalasin:rimpao", "kalasin", "community", "ชุมชนริมน้ำปาว", "Rim Nam Pao")]
    assert search("ริมนำปาว", own, ())[0].code == "kalasin:rimpao"
    assert search("เหนือ", (), ("4601",))[0].code == "460102"
    assert search("เหนือ", own, ("90",)) == [one for one in search("เหนือ", (), ("90",)) if one.code.startswith("90")]


BAD: list[tuple[Node, str]] = [
    (Node("46010103", "kalasin", "hamlet", "x", "x"), "kind"),
    (Node("99999901", "kalasin", "village", "x", "x"), "code"),
    (Node("kalasin:a", "kalasin", "village", "x", "x"), "code"),
    (Node("songkhla:a", "kalasin", "community", "x", "x"), "code"),
    (Node("songkhla", "kalasin", "municipality", "x", "x"), "code"),
    (Node("kalasin:a", "kalasin", "community", "x", "x", ("999999",)), "parents"),
    (Node("kalasin:a", "kalasin", "community", "x", "x", ("kalasin:rimpao",)), "parents"),
    (Node("kalasin:a", "kalasin", "quarter", "x", "x", ("kalasin:rimpao",)), "parents"),
    (Node("kalasin:a", "kalasin", "community", "x", "x", (), {"type": "Point", "coordinates": [1, 1]}), "boundary"),
]


@pytest.mark.parametrize(("node", "field"), BAD)
def test_a_row_that_cannot_stand_in_the_tree_names_its_field(node: Node, field: str) -> None:
    with pytest.raises(Refusal) as refused:
        read_node(node, OWN)
    assert refused.value.field == field
    assert refused.value.th != refused.value.en


CODES = st.sampled_from([code for code, *_ in official()])


@given(CODES)
def test_every_official_area_lies_in_one_that_begins_its_code(code: str) -> None:
    assert kind_of(code, {}) in {"changwat", "amphoe", "tambon"}
    assert len(code) == 2 or kind_of(code[:-2], {}) is not None
    assert bare(bare(code)) == bare(code)


def test_nothing_lies_in_its_own_kind() -> None:
    ranks = {"changwat": 0, "amphoe": 1, "tambon": 2, "municipality": 3, "village": 5, "quarter": 4, "community": 6}
    assert all(ranks[parent] < ranks[kind] for kind, parents in KINDS.items() for parent in parents)


SQUARE = {"type": "Polygon", "coordinates": [[[103.5, 16.4], [103.6, 16.4], [103.6, 16.5], [103.5, 16.4]]]}
ROWS: list[dict[str, Any]] = [
    {"code": "kalasin", "kind": "municipality", "th": "เทศบาลเมืองกาฬสินธุ์", "en": "Kalasin Town", "parents": ["4601"]},
    {"code": "kalasin:rimpao", "kind": "community", "th": "ชุมชนริมน้ำปาว", "en": "Rim Nam Pao",
     "parents": ["kalasin", "460101", "460102"], "boundary": SQUARE},
    {"code": "46010103", "kind": "village", "th": "บ้านหนองบัว", "parents": ["kalasin"]},
    {"code": "46010299", "kind": "village", "th": "บ้านนอกเขต"},
    {"code": "songkhla:x", "kind": "community", "th": "ของคนอื่น"},
]  # fmt: skip


async def taken(registry: Running, **more: Any) -> list[dict[str, Any]]:
    answer = await registry.client.post("/v1/areas/import", json={"rows": ROWS, **more}, headers=bearer(OFFICER))
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def test_rows_are_taken_over_one_by_one_and_twice_changes_nothing(registry: Running) -> None:
    tried = [one["verdict"] for one in await taken(registry, dry_run=True)]
    assert tried == ["would_be_written"] * 4 + ["code_shape"]
    assert not await registry.sql("select from area_node")
    for _ in range(2):
        verdicts = await taken(registry)
        assert [one["verdict"] for one in verdicts] == ["written"] * 4 + ["code_shape"]
    assert (verdicts[4]["field"], verdicts[4]["row"]) == ("code", 5)
    assert len(await registry.sql("select from area_node")) == 4
    assert len(await registry.sql("select from area_parent")) == 7
    shown = await read(registry, "/v1/areas/kalasin:rimpao", "call_taker")
    assert (shown["boundary"], shown["parents"]) == (SQUARE, ["460101", "460102", "kalasin"])
    tambon = await read(registry, "/v1/areas/460101", "volunteer")
    assert {one["code"] for one in tambon["children"]} == {"kalasin:rimpao", "46010103"}
    amphoe = await read(registry, "/v1/areas/4601")
    assert {"460101", "kalasin"} <= {one["code"] for one in amphoe["children"]}
    found = (await read(registry, "/v1/areas?name=ริมนำปาว&within=kalasin"))["items"]
    assert [one["code"] for one in found] == ["kalasin:rimpao"]
    assert (await registry.client.get("/v1/areas/999999", headers=bearer(OFFICER))).status_code == 404


async def test_lists_and_figures_know_what_lies_below(registry: Running) -> None:
    await taken(registry)

    def lives(code: str) -> dict[str, Any]:
        return {"name": "มานี มีนา", "addresses": {"current": {"area_code": code}}}

    community = await add(registry, **lives("kalasin:rimpao"))
    village = await add(registry, **lives("46010103"))
    outside = await add(registry, **lives("46010299"))
    tambon = await add(registry, **lives("460102"))
    nowhere = await add(registry, name="มานี มีนา")
    housed = await add(registry, name="มานี มีนา")
    house = {"address": {"area_code": "46010103"}, "members": [{"person_id": str(housed)}]}
    assert (await registry.client.post("/v1/households", json=house, headers=bearer(OFFICER))).status_code == 201
    below = {
        "kalasin": {community, village, housed},
        "kalasin:rimpao": {community},
        "460101": {community, village, housed},
        "460102": {community, outside, tambon},
        "4601": {community, village, outside, tambon, housed},
        "46": {community, village, outside, tambon, housed},
        "90": set(),
        None: {community, village, outside, tambon, nowhere, housed},
    }
    for code, people in below.items():
        for name in ("มานี มีนา", "มาณี มีนา"):
            got = {item["id"] for item in await find(registry, name=name, area_code=code)}
            assert got == {str(one) for one in people}, (code, name)
    person = await read(registry, f"/v1/persons/{village}")
    assert person["addresses"][0]["area_th"].startswith("บ้านหนองบัว ต.")
    for path, body in (("/v1/persons", lives("kalasin:none")), ("/v1/persons", lives("46019999")),
                       ("/v1/persons/search", {"name": "มานี", "area_code": "999999"})):  # fmt: skip
        answer = await registry.client.post(path, json=body, headers=bearer(OFFICER))
        assert problem_of(answer)["code"] == "area_unknown", answer.text

    days = "from=2020-01-01&to=2190-01-01"
    for number in range(6):
        call = await Call(registry, patients=[{"name": f"คนที่{number} ทดสอบ", "age": 50 + number}]).received()
        who = await person_of(registry, call)
        change = {"addresses": {"current": {"area_code": "46010103"}}}
        await registry.client.patch(f"/v1/persons/{who}", json=change, headers=bearer(OFFICER))
        await call.trip_completed(await call.trip())
    for code, count in (("kalasin", 6), ("4601", 6), ("460102", 0)):
        figures = await read(registry, f"/v1/reports/served?area={AREA}&{days}&area_code={code}", "supervisor")
        assert figures["total"]["persons"] == count, code
    part = f"/v1/reports/served?area={AREA}&{days}&area_code=4601"
    for role in ("auditor", "admin"):
        refused = await registry.client.get(part, headers=bearer(role))
        assert (refused.status_code, problem_of(refused)["code"]) == (403, "all_of_it"), role


async def test_open_cases_of_an_area_are_a_list_for_those_who_care(registry: Running) -> None:
    await taken(registry)
    call = await Call(registry, patients=[{"name": "มานี มีนา", "age": 70}]).received()
    who = await person_of(registry, call)
    change = {"addresses": {"current": {"area_code": "46010103"}}}
    await registry.client.patch(f"/v1/persons/{who}", json=change, headers=bearer(OFFICER))
    await Call(registry, patients=[{"name": "ปิติ ชูใจ", "age": 30}]).received()
    for code, people in (("kalasin", [str(who)]), ("460102", [])):
        page = await read(registry, f"/v1/cases?area_code={code}", "case_manager")
        assert [one["person_id"] for one in page["items"]] == people, code
    whole = (await read(registry, "/v1/cases?area=kalasin", "case_manager"))["items"]
    assert {one["who"]["name"] for one in whole} == {"มานี มีนา", "ปิติ ชูใจ"}, "also of who lives nobody knows where"
    assert (await read(registry, "/v1/cases?area=kalasin&overdue=true", "case_manager"))["items"] == []
    foreign = await registry.client.get("/v1/cases?area=trat", headers=bearer("case_manager"))
    assert foreign.status_code == 404
    refused = await registry.client.get("/v1/cases?area_code=kalasin", headers=bearer("call_taker"))
    assert problem_of(refused)["errors"][0]["field"] == "person_id"
    assert (
        problem_of(await registry.client.get("/v1/cases", headers=bearer(OFFICER)))["errors"][0]["field"] == "person_id"
    )
    looked = await registry.sql("select detail from audit where act = 'list_cases_of_area'")
    assert [row["detail"]["area_code"] for row in looked][:2] == ["kalasin", "460102"]
    assert {row["detail"]["area_code"] for row in looked} == {"kalasin", "460102"}


def test_files_of_both_kinds_become_rows(tmp_path: Path) -> None:
    csv = tmp_path / "villages.csv"
    csv.write_text("code,kind,th,en,parents\n46010103,village,บ้านหนองบัว,Ban Nong Bua,kalasin 460101\n", "utf-8")
    assert read_rows(csv) == [
        {
            "code": "46010103",
            "kind": "village",
            "th": "บ้านหนองบัว",
            "en": "Ban Nong Bua",
            "parents": ["kalasin", "460101"],
        }
    ]
    geo = tmp_path / "communities.geojson"
    facts = {"code": "kalasin:rimpao", "kind": "community", "th": "ชุมชนริมน้ำปาว"}
    feature = {"type": "Feature", "properties": {**facts, "colour": "red"}, "geometry": SQUARE}
    geo.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), "utf-8")
    assert read_rows(geo) == [{**facts, "boundary": SQUARE}]
    with pytest.raises(LookupError):
        read_rows(tmp_path / "villages.txt")


async def test_the_command_sends_a_file_part_by_part(registry: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("karuna.areas.PART", 2)
    registry.client.headers.update(bearer(OFFICER))
    verdicts = await send(registry.client, ROWS, AREA, dry_run=False)
    assert [(one["row"], one["verdict"]) for one in verdicts] == [
        (1, "written"), (2, "written"), (3, "written"), (4, "written"), (5, "code_shape"),
    ]  # fmt: skip
    with pytest.raises(LookupError, match="ไม่พบรายการ"):
        await send(registry.client, ROWS[:1], "songkhla", dry_run=False)


def box(west: float, south: float, side: float = 0.01) -> dict[str, Any]:
    east, north = west + side, south + side
    return {
        "type": "Polygon",
        "coordinates": [[[west, south], [east, south], [east, north], [west, north], [west, south]]],
    }


RIVER, HILL = "kalasin:river", "kalasin:hill"
DRAWN: list[dict[str, Any]] = [
    {"code": "kalasin", "kind": "municipality", "th": "เทศบาลเมืองกาฬสินธุ์", "parents": ["4601"]},
    {"code": RIVER, "kind": "community", "th": "ชุมชนริมน้ำ", "parents": ["kalasin", "460101"], "boundary": box(103.50, 16.40)},
    {"code": HILL, "kind": "community", "th": "ชุมชนบนเนิน", "parents": ["kalasin", "460102"], "boundary": box(103.52, 16.40)},
]  # fmt: skip
AT_THE_RIVER = {"lon": 103.505, "lat": 16.405}


async def take(registry: Running, rows: list[dict[str, Any]]) -> None:
    answer = await registry.client.post("/v1/areas/import", json={"rows": rows}, headers=bearer(OFFICER))
    assert {one["verdict"] for one in answer.json()["items"]} == {"written"}


async def seen_at(registry: Running, person_id: Any, **point: Any) -> None:
    at = f"/v1/persons/{person_id}/locations"
    answer = await registry.client.post(at, json={**AT_THE_RIVER, **point}, headers=bearer(OFFICER))
    assert answer.status_code == 201, answer.text


async def live_in(registry: Running, code: str) -> set[str]:
    """By the search, by the export and by the gaps, which look each in its own way."""
    found = {one["id"] for one in await find(registry, name="มานี มีนา", area_code=code)}
    export = await registry.client.get(f"/v1/exports/persons?area={AREA}&area_code={code}", headers=bearer(OFFICER))
    assert export.text.count("มานี มีนา") == len(found), code
    path = f"/v1/gaps/people?group=bedridden&gap=not_visited&area={AREA}&area_code={code}"
    lacking = await read(registry, path)
    assert {one["person_id"] for one in lacking["items"]} == found, code
    return found


async def bedridden(registry: Running, **facts: Any) -> str:
    person_id = await add(registry, name="มานี มีนา", **facts)
    path = f"/v1/persons/{person_id}/groups"
    assert (await registry.client.post(path, json={"group": "bedridden"}, headers=bearer(OFFICER))).status_code == 201
    return str(person_id)


SAID: list[tuple[str | None, str | None]] = [
    (None, RIVER), ("460101", RIVER), ("4601", RIVER), ("kalasin", RIVER),
    ("460102", "460102"), (HILL, HILL), ("900101", "900101"),
]  # fmt: skip
"""What is said of where somebody lives, and where they live as their point lies by the river."""


async def test_a_point_says_where_somebody_lives_only_where_nobody_said_otherwise(registry: Running) -> None:
    await take(registry, DRAWN)
    for said, lives in SAID:
        told = {"addresses": {"current": {"area_code": said}}} if said else {}
        person_id = await bedridden(registry, **told)
        await seen_at(registry, person_id)
        for code in {RIVER, HILL, "460101", "460102", "900101"}:
            below = {RIVER: "460101", HILL: "460102"}.get(lives or "")
            assert (person_id in await live_in(registry, code)) == (code in {lives, below}), (said, code)
    exact = await bedridden(registry)
    await seen_at(registry, exact, lon=103.5099, accuracy_m=5)
    unclear = await bedridden(registry)
    await seen_at(registry, unclear, lon=103.5099, accuracy_m=30)
    assert {exact, unclear} & await live_in(registry, RIVER) == {exact}, "as near to the edge as the point is unsure"
    shown = (await read(registry, f"/v1/persons/{exact}/locations"))["items"][0]
    assert (shown["area_code"], shown["area_th"]) == (RIVER, "ชุมชนริมน้ำ")
    await seen_at(registry, exact, lon=103.525, accuracy_m=5, method="visit")
    assert exact in await live_in(registry, HILL), "they moved"
    assert exact not in await live_in(registry, RIVER)


async def test_an_account_of_a_community_sees_whose_point_lies_in_it(registry: Running) -> None:
    await take(registry, DRAWN)
    person_id = await bedridden(registry, addresses={"current": {"area_code": "460101"}})
    held = bearer(OFFICER, places=[RIVER], subject="outreach")
    assert (await registry.client.get(f"/v1/persons/{person_id}", headers=held)).status_code == 404
    await seen_at(registry, person_id)
    assert (await registry.client.get(f"/v1/persons/{person_id}", headers=held)).status_code == 200
    other = bearer(OFFICER, places=[HILL], subject="outreach")
    assert (await registry.client.get(f"/v1/persons/{person_id}", headers=other)).status_code == 404


async def test_points_that_were_there_before_are_looked_up_in_new_boundaries(
    registry: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.registry.verbs.placing.BATCH", 2)
    people = {await bedridden(registry) for _ in range(5)}
    for one in people:
        await seen_at(registry, one)
    await take(registry, DRAWN[:1])
    assert not await registry.sql("select from due where kind = 'place_points'"), "no boundary came"
    moved = [{**DRAWN[1], "boundary": box(103.6, 16.4)}, {**DRAWN[2], "boundary": box(103.50, 16.40)}]
    for rows, lives in ((DRAWN, RIVER), (moved, HILL)):
        await take(registry, rows)
        await registry.sql("update due set due_at = now() where kind = 'place_points'")
        while await registry.runtime.due.do_one():
            pass
        assert await live_in(registry, lives) == people
