"""A person's home and care, through the console's forms and the real registry: who lives where, what is wanting."""

from __future__ import annotations

import re

from shared.auth import Role
from tests.console.faces import Faces, words_of
from tests.console.with_registry import Behind, behind

__all__ = ["behind"]
POINT = "16.43210, 103.50650"


async def test_a_household_is_founded_joined_and_left_and_nothing_typed_stands_in_an_address(
    faces: Faces, behind: Behind
) -> None:
    address = {"current": {"area_code": "460101", "detail": "12 หมู่ 3"}}
    mae = await behind.person("มะลิ ใจงาม", phone="0815550001", addresses=address)
    luk = await behind.person("บุญ ใจงาม", phone="0815550001")
    orathai = await faces.sign_in(Role.CASE_MANAGER)
    page = f"/people/{mae}/home"

    assert "ดูข้อมูลบุคคลเพื่ออะไร" in words_of(await orathai.get(page)), "the purpose first, then this very tab"
    assert f'action="{page}"' in (await orathai.get(page)).text
    alone = words_of(await orathai.get(f"{page}?purpose=case_work"))
    assert "ยังไม่ได้บันทึกครัวเรือน" in alone
    assert "12 หมู่ 3 · " in alone

    form = {"purpose": "case_work"}
    founded = await orathai.post(f"{page}/found", form)
    assert (founded.status_code, founded.headers["location"]) == (303, f"{page}?purpose=case_work#household")
    looked = await orathai.post(f"{page}/find", {**form, "text": "081 555 0001"})
    assert luk in looked.text
    assert f'name="other_id" value="{mae}"' not in looked.text, "nobody lives with themselves"
    moved = await orathai.post(f"{page}/together", {**form, "other_id": luk, "role": "child"})
    assert moved.status_code == 303, words_of(moved)
    lives = words_of(await orathai.get(f"/people/{luk}/home?purpose=case_work"))
    assert "มะลิ ใจงาม" in lives
    assert "บุตร" in lives

    again = await orathai.post(f"{page}/together", {**form, "other_id": luk})
    assert (again.status_code, "อยู่ในครัวเรือนนี้แล้ว" in words_of(again)) == (409, True)
    household = (await behind.shown(luk))["household"]["id"]
    joined = await orathai.post(f"{page}/group", {**form, "household_id": household, "group": "poor_family"})
    assert joined.status_code == 303
    assert "ครอบครัวยากจน" in words_of(await orathai.get(f"{page}?purpose=case_work"))
    left = await orathai.post(f"{page}/leave", {**form, "household_id": household, "member_id": luk})
    assert left.status_code == 303
    assert (await behind.shown(luk))["household"] is None


async def test_two_without_a_household_found_one_together(faces: Faces, behind: Behind) -> None:
    ta, lan = await behind.person("ตาบุญ ทองดี"), await behind.person("ก้อง ทองดี")
    orathai = await faces.sign_in(Role.CASE_MANAGER)
    form = {"purpose": "care", "other_id": ta, "role": "grandchild"}
    assert (await orathai.post(f"/people/{lan}/home/together", form)).status_code == 303
    ours, theirs = (await behind.shown(lan))["household"], (await behind.shown(ta))["household"]
    assert (ours["id"], ours["role"]["code"], theirs["head"]) == (theirs["id"], "grandchild", True)


async def test_points_are_noted_listed_and_drawn_and_a_point_that_is_none_is_told_so(
    faces: Faces, behind: Behind
) -> None:
    who = await behind.person("ลำดวน พิกัดดี")
    orathai = await faces.sign_in(Role.CASE_MANAGER)
    page, form = f"/people/{who}/home", {"purpose": "case_work"}
    wrong = await orathai.post(f"{page}/observe", {**form, "point": "หลังวัด"})
    assert (wrong.status_code, "อ่านพิกัดไม่ได้" in words_of(wrong)) == (422, True)
    assert "<details open><summary>บันทึกพิกัด" in wrong.text
    assert 'value="หลังวัด"' in wrong.text, "what was typed is not typed twice"
    ring = [[103.50, 16.43], [103.51, 16.43], [103.51, 16.44], [103.50, 16.44], [103.50, 16.43]]
    river = {"code": "kalasin:river", "kind": "community", "th": "ชุมชนริมน้ำ", "parents": ["460101"],
             "boundary": {"type": "Polygon", "coordinates": [ring]}}  # fmt: skip
    await behind.ask("POST", "/v1/areas/import", {"rows": [river]})
    for more in ({"method": "map", "source": "gis_volunteer"}, {"method": "visit", "accuracy_m": "8"}):
        assert (await orathai.post(f"{page}/observe", {**form, "point": POINT, **more})).status_code == 303
    shown = await orathai.get(f"{page}?purpose=case_work")
    words = words_of(shown)
    assert "บันทึกแล้ว" in words
    assert "บันทึกแล้ว" not in words_of(await orathai.get(f"{page}?purpose=case_work")), "said once"
    assert "16.43210, 103.50650 ± 8 ม." in words
    assert "อาสาสมัคร GIS" in words
    assert "เจ้าหน้าที่ไปเห็น" in words, "the officer's visit verified it"
    assert words.count("อยู่ในแนวเขต ชุมชนริมน้ำ") == 1, "of the point that counts"
    drawn = re.search(r'id="drawn">(.*?)</script>', shown.text)
    assert drawn is not None
    assert drawn.group(1).count('"lat":16.4321') == 2

    taker = await faces.sign_in(Role.CALL_TAKER)
    seen = await taker.get(f"{page}?purpose=care")
    assert "16.43210" in seen.text
    assert f"{page}/observe" not in seen.text, "who does not care for people over time changes nothing here"


async def test_a_secret_persons_page_is_there_for_those_who_may_alone(faces: Faces, behind: Behind) -> None:
    who = await behind.person("ปกปิด ชื่อจริง", groups=["violence"])
    await behind.ask("POST", f"/v1/persons/{who}/locations", {"lat": 16.4321, "lon": 103.5065})
    taker = await faces.sign_in(Role.CALL_TAKER)
    for tab in ("", "/home"):
        refused = await taker.get(f"/people/{who}{tab}?purpose=emergency")
        assert (refused.status_code, "16.4321" in refused.text) == (404, False)
    orathai = await faces.sign_in(Role.CASE_MANAGER)
    words = words_of(await orathai.get(f"/people/{who}/home?purpose=case_work"))
    assert "ข้อมูลปกปิด ห้ามบอกผู้อื่น" in words


async def test_needs_stand_by_urgency_until_they_are_met_and_assessments_show_before_and_after(
    faces: Faces, behind: Behind
) -> None:
    who = await behind.person("ยายมา ใจดี")
    orathai = await faces.sign_in(Role.CASE_MANAGER)
    page, form = f"/people/{who}/care", {"purpose": "case_work"}
    for need, urgency in (("food", "1"), ("medicine", "9")):
        told = {**form, "need": need, "urgency": urgency, "note": f"โน้ต {need}"}
        assert (await orathai.post(f"{page}/need", told)).status_code == 303
    refused = await orathai.post(f"{page}/need", {**form, "need": "castle"})
    assert (refused.status_code, "ไม่รู้จักรหัสนี้" in words_of(refused)) == (422, True)

    (barthel,) = [
        each for each in (await behind.ask("GET", "/v1/questionnaires"))["items"] if each["id"] == "barthel_adl"
    ]
    for best in (False, True):
        answers = {
            each["id"]: (max if best else min)(choice["points"] for choice in each["choices"])
            for each in barthel["item"]
        }
        await behind.ask("POST", f"/v1/persons/{who}/assessments", {"instrument": "barthel_adl", "answers": answers})
    words = words_of(await orathai.get(f"{page}?purpose=case_work"))
    assert words.index("ยาและการรักษา") < words.index("อาหารและของใช้ประจำวัน"), "the most urgent first"
    assert "โน้ต medicine" in words
    assert re.search(r"ก่อน 0 .*→ ล่าสุด 20 ", words), words

    needs = (await behind.ask("GET", f"/v1/persons/{who}/needs"))["items"]
    met = await orathai.post(f"{page}/met", {**form, "need_id": needs[0]["id"], "outcome": "given"})
    assert met.status_code == 303
    words = words_of(await orathai.get(f"{page}?purpose=case_work"))
    assert "ได้รับแล้ว 1 รายการ" in words
    taker = await faces.sign_in(Role.CALL_TAKER)
    assert (await taker.get(f"{page}?purpose=care")).status_code == 403
