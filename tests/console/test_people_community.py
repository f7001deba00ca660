"""Community cards on the screen, with the real registry behind: kept by carers, read and searched by the desk."""

from __future__ import annotations

import re
from typing import Any

from services.console.pages.people_community import measured
from shared.auth import Role
from shared.geo import Point
from shared.work import new_id
from tests.console.faces import Faces, SignedIn, words_of
from tests.console.with_registry import Behind, behind

__all__ = ["behind"]

HOME = "/people/community"
CARD = f"{HOME}/card?town=kalasin&name=kalasin%3Adonkaruna"
HERE = {"town": "kalasin", "name": "kalasin:donkaruna"}


async def keep(browser: SignedIn, **more: Any) -> Any:
    """An entry as the form of the open card sends it, its id with it."""
    page = await browser.get(CARD)
    fresh = re.findall(r'name="entry_id" value="([0-9a-f]{32})"', page.text)
    told = {**HERE, "entry_id": fresh[-1], "kind": "boat", "count": "1", **more}
    return await browser.post(f"{HOME}/card", told)


async def test_a_carer_keeps_a_card_and_the_desk_finds_the_boat_and_its_owner(faces: Faces, behind: Behind) -> None:
    orathai = await faces.sign_in(Role.CASE_MANAGER)
    first = await orathai.get(HOME)
    assert "ชุมชนดอนกรุณา" in words_of(first), "of the settings pack, where the area tree has none yet"
    assert "ยังไม่มีชุมชนใดมีบัตร" in words_of(first)
    kept = await keep(
        orathai, what="เรือท้องแบน", count="2", who="ลุงชม <b>", phone="081 234 5678", point="16.4372, 103.5008"
    )
    assert kept.headers["location"] == CARD
    await keep(orathai, kind="skill", what="อดีตพยาบาล")
    page = await orathai.get(CARD)
    words = words_of(page)
    for said in ("ชุมชนดอนกรุณา", "เรือ × 2", "เรือท้องแบน", "081 234 5678", "16.43720, 103.50080", "ตรวจเมื่อ"):
        assert said in words, said
    assert "ลุงชม &lt;b&gt;" in page.text
    assert 'href="tel:+66812345678"' in page.text
    [card] = (await behind.ask("GET", "/v1/community/cards"))["items"]
    assert card["community"] == "kalasin:donkaruna"

    wichai = await faces.sign_in(Role.DISPATCHER)
    listed = words_of(await wichai.get(HOME))
    assert "เรือ 2 · ทักษะ 1" in listed or "ทักษะ 1" in listed
    read = await wichai.get(CARD)
    assert ("ลุงชม" in read.text, f'action="{HOME}/card"' in read.text) == (True, False), "read, not kept, by the desk"
    assert (await wichai.post(f"{HOME}/card", HERE)).status_code == 403
    found = await wichai.post(f"{HOME}/find", {"town": "kalasin", "kind": "boat", "point": "16.4372, 103.5018"})
    words = words_of(found)
    assert ("พบ 1 รายการ" in words, "ลุงชม" in words, "107 เมตร" in words) == (True, True, True)
    assert "16.4372" not in str(found.url)
    skill = words_of(
        await wichai.post(f"{HOME}/find", {"town": "kalasin", "words": "พยาบาล", "near": "kalasin:donkaruna"})
    )
    assert ("อดีตพยาบาล" in skill, "ราว 0 เมตร (วัดจากกลางชุมชน)" in skill) == (True, True)
    for form, sentence in (({}, "เลือกชนิด"), ({"point": "ไม่รู้"}, "อ่านจุดนี้ไม่ได้")):
        refused = await wichai.post(f"{HOME}/find", {"town": "kalasin", **form})
        assert (refused.status_code, sentence in words_of(refused)) == (422, True)
    acts = await behind.running.sql("select act, purpose from audit where role = 'dispatcher' order by id")
    assert {(row["act"], row["purpose"]) for row in acts} == {("read_community", "care"), ("search_community", "care")}


async def test_an_entry_is_put_right_confirmed_and_taken_off(faces: Faces, behind: Behind) -> None:
    orathai = await faces.sign_in(Role.CASE_MANAGER)
    await keep(orathai, what="เรือพาย", who="ลุงชม")
    [entry] = (await behind.ask("GET", "/v1/community"))["items"]
    await behind.running.sql("update community_entry set checked_at = now() - interval '2 years'")
    assert 'class="late"' in (await orathai.get(CARD)).text, "nobody has asked for long whether it is so"
    wrong = {**HERE, "entry_id": entry["id"], "kind": "boat", "what": "เรือยนต์", "count": "1", "phone": "12"}
    refused = await orathai.post(f"{HOME}/card", wrong)
    assert (refused.status_code, 'value="เรือยนต์"' in refused.text) == (422, True), "what was typed stays"
    for form in ({"count": "มาก"}, {"count": "0"}, {"point": "ที่บ้าน"}):
        assert (await orathai.post(f"{HOME}/card", {**wrong, "phone": "", **form})).status_code == 422, form
    await orathai.post(f"{HOME}/card", {**wrong, "phone": "", "who": ""})
    [entry] = (await behind.ask("GET", "/v1/community"))["items"]
    assert (entry["what"], entry["name"]) == ("เรือยนต์", None), "an emptied field is empty"
    assert 'class="late"' not in (await orathai.get(CARD)).text
    await orathai.post(f"{HOME}/card/{entry['id']}/end", HERE)
    assert "บัตรนี้ยังว่าง" in words_of(await orathai.get(CARD))


async def test_somebody_of_the_register_is_written_on_a_card_by_name_until_they_are_secret(
    faces: Faces, behind: Behind
) -> None:
    who = await behind.person("มานี มีนา")
    orathai = await faces.sign_in(Role.CASE_MANAGER)
    assert f"{HOME}?person={who}" in (await orathai.get(f"/people/{who}?purpose=case_work")).text
    chosen = await orathai.get(f"{HOME}?person={who}")
    assert "เลือกบัตรของชุมชนที่จะเพิ่ม มานี มีนา" in words_of(chosen)
    card = await orathai.get(f"{CARD}&person={who}")
    assert f'name="person_id" value="{who}"' in card.text
    await keep(orathai, kind="volunteer", person_id=who)
    shown = await orathai.get(CARD)
    assert ("มานี มีนา" in words_of(shown), f'href="/people/{who}?purpose=case_work"' in shown.text) == (True, True)
    await behind.ask("POST", f"/v1/persons/{who}/groups", {"group": "violence"}, Role.CASE_MANAGER, "case_work")
    assert who not in (await orathai.get(CARD)).text
    assert "ยังไม่มีชุมชนใดมีบัตร" in words_of(await orathai.get(HOME))


async def test_everybody_on_a_long_card_has_their_name(faces: Faces, behind: Behind) -> None:
    orathai = await faces.sign_in(Role.CASE_MANAGER)
    for number in range(25):
        who = await behind.person(f"มานี ที่{number}")
        body = {"community": HERE["name"], "kind": "volunteer", "person_id": who}
        await behind.ask("PUT", f"/v1/community/{new_id()}", body, Role.CASE_MANAGER, "case_work")
    for page in (await orathai.get(CARD), await orathai.post(f"{HOME}/find", {"town": "kalasin", "kind": "volunteer"})):
        words = words_of(page)
        assert [number for number in range(25) if f"มานี ที่{number}" not in words] == []


def test_what_has_no_place_of_its_own_is_measured_from_the_middle_of_its_community() -> None:
    at, middle = Point(103.5, 16.43), {"k:a": Point(103.51, 16.43)}
    items: list[dict[str, Any]] = [
        {"id": 1, "community": "k:a", "distance_m": None}, {"id": 2, "community": "k:b", "distance_m": None},
        {"id": 3, "community": "k:a", "distance_m": 40},
    ]  # fmt: skip
    shown = measured(items, at, middle, 0)
    assert [(each["id"], each["about"]) for each in shown] == [(3, False), (1, True), (2, False)]
    assert [each["id"] for each in measured(items, at, middle, 500)] == [3, 2], "who is nowhere can still be rung up"
    assert [each["distance_m"] for each in measured(items, None, middle, 0)] == [40, None, None]
