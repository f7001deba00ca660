"""Community cards: which community has what, and who has a boat, a key or a skill near a place."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from services.registry.api import community
from services.registry.rules.community import Entry, found
from shared.geo import Point
from tests.harness import AREA, ROOT, Running, bearer, problem_of
from tests.registry.conftest import add, read

CARE = "case_manager"
WAT, RIM = f"{AREA}:wat", f"{AREA}:rim"
HERE = {"lon": 103.5, "lat": 16.43}


async def put(registry: Running, community: str, kind: str, **more: Any) -> str:
    entry = str(uuid4())
    body = {"community": community, "kind": kind, **more}
    answer = await registry.client.put(f"/v1/community/{entry}", json=body, headers=bearer(CARE))
    assert answer.status_code == 200, answer.text
    return entry


async def search(registry: Running, role: str = "dispatcher", **body: Any) -> dict[str, Any]:
    answer = await registry.client.post("/v1/community/search", json=body, headers=bearer(role))
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def north(metres: float) -> dict[str, float]:
    """A point so many metres north of ``HERE``."""
    return {"lon": HERE["lon"], "lat": HERE["lat"] + metres / 111_195}


async def test_who_has_a_boat_near_here_is_answered_the_nearest_first(registry: Running) -> None:
    far = await put(registry, RIM, "boat", what="เรือหางยาว", point=north(900))
    near = await put(registry, WAT, "boat", what="เรือท้องแบน", name="ลุงชม", phone="081 234 5678", point=north(100))
    unknown = await put(registry, WAT, "boat", what="เรือพาย")
    await put(registry, WAT, "key", what="กุญแจศาลากลางบ้าน", point=HERE)
    told = await search(registry, kind="boat", point=HERE)
    assert [(one["id"], one["distance_m"]) for one in told["items"]] == [(near, 100), (far, 900), (unknown, None)]
    assert (told["items"][0]["name"], told["items"][0]["phone"]) == ("ลุงชม", "+66812345678")
    told = await search(registry, kind="boat", point=HERE, within_m=500)
    assert [one["id"] for one in told["items"]] == [near, unknown], "where it is not known, somebody can ring up"
    told = await search(registry, kind="boat", point=HERE, limit=1)
    assert ([one["id"] for one in told["items"]], told["more"]) == ([near], True)
    [asked] = await registry.sql("select * from audit where act = 'search_community' order by id desc limit 1")
    assert (asked["purpose"], asked["role"]) == (bearer("dispatcher")["karuna-purpose"], "dispatcher")
    sealed = await registry.sql("select value::text from told")
    assert not any("103.5" in row["value"] or "ลุงชม" in row["value"] for row in sealed)
    # Written again without it, it is not known any more where it is.
    same = {"community": WAT, "kind": "boat", "what": "เรือท้องแบน"}
    await registry.client.put(f"/v1/community/{near}", json=same, headers=bearer(CARE))
    assert [one["distance_m"] for one in (await search(registry, kind="boat", point=HERE))["items"]] == [
        900,
        None,
        None,
    ]


async def test_a_skill_is_found_by_what_is_written_of_it_and_nobody_by_their_name(registry: Running) -> None:
    nurse = await put(registry, WAT, "skill", what="อดีตพยาบาล ทำแผลได้", name="มานี")
    pump = await put(registry, RIM, "equipment", what="เครื่องสูบน้ำ Honda 2 นิ้ว")
    for words, wanted in (("พยาบาล", [nurse]), ("ทำแผล พยาบาล", [nurse]), ("honda", [pump]), ("เครื่องมือ", [pump]),
                          ("มานี", []), ("พยาบาล honda", [])):  # fmt: skip
        assert [one["id"] for one in (await search(registry, words=words))["items"]] == wanted, words
    for body in ({}, {"within_m": 5}, {"kind": "ufo"}, {"kind": "boat", "within_m": 5}):
        answer = await registry.client.post("/v1/community/search", json=body, headers=bearer("dispatcher"))
        assert answer.status_code == 422, body
        assert problem_of(answer)["errors"], body


async def in_the_tree(registry: Running) -> None:
    """Two communities of the municipality, each named like its code and in Thai."""
    rows = [{"code": code, "kind": "community", "th": name, "parents": ["460101"]}
            for code, name in ((WAT, "ชุมชนวัด"), (RIM, "ชุมชนริม"))]  # fmt: skip
    taken = await registry.client.post("/v1/areas/import", json={"rows": rows}, headers=bearer("registry_officer"))
    assert taken.status_code == 200, taken.text


async def test_a_community_has_one_card_by_whichever_code_or_name_it_is_told(registry: Running) -> None:
    await in_the_tree(registry)
    for told in (WAT, "wat", "ชุมชนวัด"):
        await put(registry, told, "boat")
        assert len((await read(registry, f"/v1/community?area={AREA}&name={told}", CARE))["items"]) >= 1, told
        assert len((await read(registry, f"/v1/community?name={told}", CARE))["items"]) >= 1, told
    await put(registry, "บ้านที่ไม่อยู่ในผัง", "boat")
    await put(registry, "460101", "boat")
    cards = (await read(registry, "/v1/community/cards", CARE))["items"]
    found = {card["community"]: card["kinds"][0]["entries"] for card in cards}
    assert found == {WAT: 3, "บ้านที่ไม่อยู่ในผัง": 1, "460101": 1}


async def test_cards_of_before_are_of_the_community_of_the_tree(registry: Running) -> None:
    await in_the_tree(registry)
    before = {WAT: WAT, "wat": WAT, "ชุมชนริม": RIM, "460101": "460101", "ริมน้ำ": "ริมน้ำ"}
    entries = {await put(registry, f"{AREA}:new{n}", "key"): told for n, told in enumerate(before)}
    for entry, told in entries.items():
        await registry.sql("update community_entry set community = $2 where id = $1", UUID(entry), told)
    moved = (ROOT / "services" / "registry" / "migrations" / "0022_community_codes.sql").read_text("utf-8")
    async with registry.runtime.pool.acquire() as db:
        for _ in range(2):
            await db.execute(moved)
    rows = await registry.sql("select id, community from community_entry")
    assert {row["id"]: row["community"] for row in rows} == {UUID(e): before[told] for e, told in entries.items()}


async def test_cards_are_listed_by_what_is_on_them_and_by_area(registry: Running) -> None:
    rows = [{"code": code, "kind": "community", "th": code, "parents": [parent]}
            for code, parent in ((WAT, "460101"), (RIM, "460102"))]  # fmt: skip
    taken = await registry.client.post("/v1/areas/import", json={"rows": rows}, headers=bearer("registry_officer"))
    assert taken.status_code == 200, taken.text
    await put(registry, WAT, "boat", count=2)
    await put(registry, WAT, "boat", count=3)
    old = await put(registry, WAT, "volunteer", name="อสม. นก")
    await put(registry, RIM, "key")
    await registry.sql("update community_entry set checked_at = '2026-01-05T03:00:00Z' where id = $1", UUID(old))
    cards = (await read(registry, "/v1/community/cards", "call_taker"))["items"]
    shown = {card["community"]: [(one["kind"]["code"], one["entries"], one["things"]) for one in card["kinds"]]
             for card in cards}  # fmt: skip
    assert shown == {RIM: [("key", 1, 1)], WAT: [("boat", 2, 5), ("volunteer", 1, 1)]}
    assert next(card for card in cards if card["community"] == WAT)["checked_at"] == "2026-01-05T03:00:00Z"
    for query, wanted in (("?area_code=460101", [WAT]), (f"?area_code={RIM}", [RIM]), ("?area_code=46", [RIM, WAT])):
        found = (await read(registry, f"/v1/community/cards{query}", CARE))["items"]
        assert [card["community"] for card in found] == wanted, query
    inside = await search(registry, area_code="460102", words="ผู้ถือกุญแจ")
    assert [one["community"] for one in inside["items"]] == [RIM]
    assert (await search(registry, area_code="460101", kind="key"))["items"] == []
    assert (await read(registry, "/v1/community/cards", "dispatcher", areas=["songkhla"]))["items"] == []


async def test_where_there_are_more_entries_than_one_search_opens_it_says_so(
    registry: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(community, "MOST_SOUGHT", 2)
    rows = [{"code": code, "kind": "community", "th": code, "parents": ["460101"]} for code in (WAT, RIM)]
    await registry.client.post("/v1/areas/import", json={"rows": rows}, headers=bearer("registry_officer"))
    last = f"{'f' * 8}-{'f' * 4}-4fff-bfff-{'f' * 12}"
    for _ in range(2):
        await put(registry, WAT, "boat")
    assert (await search(registry, kind="boat"))["more"] is False
    body = {"community": RIM, "kind": "boat", "what": "เรือพาย"}
    await registry.client.put(f"/v1/community/{last}", json=body, headers=bearer(CARE))
    assert (await search(registry, words="เรือพาย"))["more"] is True, "not every entry was read"
    told = await search(registry, words="เรือพาย", area_code=RIM)
    assert ([one["id"] for one in told["items"]], told["more"]) == ([last], False), "those of the area alone are"


async def test_of_somebody_secret_no_card_and_no_count_tells(registry: Running) -> None:
    person_id = await add(registry, name="มานี")
    await put(registry, WAT, "boat", person_id=str(person_id), point=HERE)
    assert len((await read(registry, "/v1/community/cards", CARE))["items"]) == 1
    await registry.client.post(f"/v1/persons/{person_id}/groups", json={"group": "violence"}, headers=bearer(CARE))
    assert (await read(registry, "/v1/community/cards", CARE))["items"] == []
    assert (await search(registry, kind="boat", point=HERE))["items"] == []


def test_the_nearest_are_found_without_a_database() -> None:
    ids = sorted(uuid4() for _ in range(3))
    at = Point(103.5, 16.43)
    entries = [Entry(ids[0], ("ช่างไฟ",), Point(103.51, 16.43)), Entry(ids[1], ("ช่างไฟฟ้า",), at), Entry(ids[2], ("ครู",))]
    assert [one.id for one in found(entries, " ช่างไฟ ", at, None)] == [ids[1], ids[0]]
    assert [one.id for one in found(entries, "", at, 100)] == [ids[1], ids[2]]
    assert [one.distance_m for one in found(entries, "", None, None)] == [None] * 3
