"""What is written of a person is changed, proposed, decided: through the console's forms and the real registry."""

from __future__ import annotations

import re
from datetime import date
from html import unescape
from typing import Any

import pytest

from services.console.rules import particulars
from shared.auth import Role
from shared.refusal import Refusal
from tests.console.faces import Faces, words_of
from tests.console.with_registry import Behind, behind
from tests.registry.conftest import Call, cid, somsri

__all__ = ["behind"]
TODAY = date(2026, 11, 23)
KNOWN = {
    "name": "มะลิ ใจงาม", "alias": None, "usual_place": None, "sex": "female", "language": "th", "mobility": None,
    "birth_on": "1954-03-12", "birth_year": None, "birth_estimated": False, "needs": ["stairs"], "may_be_texted": True,
    "addresses": [{"kind": "current", "area_code": "460101", "detail": "12 หมู่ 3"}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ({}, {}),
        ({"alias": "ยายแดง", "mobility": "walking"}, {"alias": "ยายแดง", "mobility": "walking"}),
        ({"name": "", "needs": []}, {"name": None, "needs": []}),
        ({"born": "2499"}, {"birth_year": 2499, "birth_estimated": False}),
        ({"born": "๗๒"}, {"age": 72, "birth_estimated": False}),
        ({"born": ""}, {"birth_year": None, "birth_estimated": False}),
        ({"born": "1/2/2498"}, {"birth_date": "1955-02-01", "birth_estimated": False}),
        ({"current_detail": ""}, {"addresses": {"current": {"area_code": "460101", "detail": None}}}),
        ({"current_detail": "", "current_area": ""}, {"addresses": {"current": None}}),
        ({"registered_detail": "9"}, {"addresses": {"registered": {"area_code": None, "detail": "9"}}}),
    ],
)
def test_only_what_differs_is_sent(typed: dict[str, object], sent: dict[str, object]) -> None:
    before = particulars.shown(KNOWN, "th")
    assert before["born"] == "12/3/2497"
    assert particulars.change(before, before | typed, TODAY) == sent


def test_what_cannot_be_read_is_refused_and_a_name_of_several_areas_is_asked_for() -> None:
    with pytest.raises(Refusal):
        particulars.birth("เมื่อวานนี้", TODAY)
    with pytest.raises(Refusal):
        particulars.area_named("ไม่มีที่นี่แน่นอน", "current_other", "th")
    assert particulars.area_named("๔๖๐๑๐๑", "current_other", "th") == ("460101", [])
    code, several = particulars.area_named("นาเชือก", "current_other", "th")
    assert (code, ("460710", "ต.นาเชือก อ.ยางตลาด จ.กาฬสินธุ์") in several) == ("", True)


def form_of(page: str) -> dict[str, Any]:
    """The first form's fields as a browser would send them, untouched."""
    form = page[page.index('name="was"') - 600 : page.index("</form>", page.index('name="was"'))]
    fields: dict[str, Any] = {}
    for tag in re.findall(r"<input [^>]*>", form):
        kind, name, value = (re.search(rf'{each}="([^"]*)"', tag) for each in ("type", "name", "value"))
        if kind is None or name is None or name.group(1) == "csrf":
            continue
        if kind.group(1) != "checkbox":
            fields[name.group(1)] = unescape(value.group(1)) if value else ""
        elif " checked" in tag:
            fields.setdefault(name.group(1), []).append(value.group(1) if value else "on")
    for name, inner in re.findall(r'<select id="\w+" name="(\w+)"[^>]*>(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', inner)
        fields[name] = chosen.group(1) if chosen else ""
    return fields


async def test_fields_are_changed_and_what_somebody_else_changed_meanwhile_is_shown_first(
    faces: Faces, behind: Behind
) -> None:
    who = await behind.person("มะลิ ใจงาม", sex="female", birth_year=2497, needs=["stairs"], phone="0815550001")
    orathai = await faces.sign_in(Role.CASE_MANAGER)
    page = f"/people/{who}/change"
    untouched = form_of((await orathai.get(f"{page}?purpose=case_work")).text)
    assert (untouched["name"], untouched["born"], untouched["needs"]) == ("มะลิ ใจงาม", "2497", ["stairs"])
    nothing = await orathai.post(f"{page}/fields", untouched)
    assert (nothing.status_code, nothing.headers["location"]) == (303, f"/people/{who}?purpose=case_work")

    blank = await orathai.post(f"{page}/fields", {**untouched, "name": " "})
    assert (blank.status_code, "ลบชื่อออก (มะลิ ใจงาม)" in words_of(blank)) == (422, True)
    assert (await behind.shown(who))["name"] == "มะลิ ใจงาม", "a name is not lost by an empty field alone"

    typed = {**untouched, "alias": "ยายแดง", "needs": ["oxygen", "stairs"], "current_detail": "9 หมู่ 1"}
    several = await orathai.post(f"{page}/fields", {**typed, "current_other": "นาเชือก"})
    assert (several.status_code, "ต.นาเชือก อ.ยางตลาด จ.กาฬสินธุ์" in several.text) == (422, True)
    assert "9 หมู่ 1" in several.text, "what was typed is not lost"
    assert (await orathai.post(f"{page}/fields", {**typed, "current_area": "460710"})).status_code == 303
    shown = await behind.shown(who)
    assert (shown["alias"], shown["needs"]) == ("ยายแดง", ["oxygen", "stairs"])
    assert shown["addresses"][0]["area_code"] == "460710"

    late = await orathai.post(f"{page}/fields", {**untouched, "alias": "ยายดำ"})
    assert (late.status_code, "ระหว่างที่ท่านเปิดอยู่" in words_of(late)) == (409, True)
    assert "ชื่อเรียก ในระบบขณะนี้: ยายแดง" in words_of(late)
    assert (await behind.shown(who))["alias"] == "ยายแดง", "nothing was overwritten"
    kept = await orathai.post(f"{page}/fields", form_of(late.text))
    assert kept.status_code == 303, "seen, and kept all the same"
    elsewhere = await orathai.post(f"{page}/fields", {**untouched, "usual_place": "ศาลาริมน้ำ"})
    assert elsewhere.status_code == 303, "another field merges"
    shown = await behind.shown(who)
    assert (shown["alias"], shown["usual_place"], shown["needs"]) == ("ยายดำ", "ศาลาริมน้ำ", ["oxygen", "stairs"])
    assert shown["addresses"][0]["detail"] == "9 หมู่ 1", "what the stale form still had is not written back"
    nameless = {**form_of((await orathai.get(f"{page}?purpose=case_work")).text), "name": "", "no_name": "yes"}
    assert (await orathai.post(f"{page}/fields", nameless)).status_code == 303
    assert (await behind.shown(who))["name"] is None, "ticked, it goes"
    wrong = await orathai.post(f"{page}/fields", {**form_of(late.text), "born": "เมื่อก่อน"})
    assert (wrong.status_code, "พิมพ์วันเกิด" in words_of(wrong)) == (422, True)


async def test_telephones_are_added_groups_joined_and_left(faces: Faces, behind: Behind) -> None:
    who = await behind.person("ก้อง แก้วใส")
    await behind.person("สมใจ แก้วใส", phone="0815550009")
    orathai = await faces.sign_in(Role.CASE_MANAGER)
    page, form = f"/people/{who}/change", {"purpose": "case_work"}
    refused = await orathai.post(f"{page}/contact", {**form, "phone": "12"})
    assert refused.status_code == 422
    told = {**form, "phone": "081-555-0009", "relation": "parent", "name": "สมใจ"}
    assert (await orathai.post(f"{page}/contact", told)).status_code == 303
    joined = await orathai.post(
        f"{page}/group", {**form, "group": "disabled", "from_on": "5/1/2569", "evidence": "พม 0301/ว.12"}
    )
    assert joined.status_code == 303, words_of(joined)
    first = words_of(await orathai.get(f"/people/{who}?purpose=case_work"))
    assert "เบอร์นี้ใช้ร่วมกับคนอื่น" in first
    assert "พม 0301/ว.12" in first
    assert "คนพิการ ตั้งแต่ 5 ม.ค. 2569" in first
    again = await orathai.post(f"{page}/group", {**form, "group": "disabled"})
    assert (again.status_code, "อยู่ในกลุ่มนี้อยู่แล้ว" in words_of(again)) == (409, True)
    (group,) = (await behind.shown(who))["groups"]
    left = {**form, "membership_id": group["id"], "until_on": "1.2.2569"}
    assert (await orathai.post(f"{page}/ungroup", left)).status_code == 303
    assert "5 ม.ค. 2569 ถึง 1 ก.พ. 2569" in words_of(await orathai.get(f"/people/{who}?purpose=case_work"))


async def test_a_person_becomes_secret_by_two_people(faces: Faces, behind: Behind) -> None:
    who = await behind.person("ลำไย สุขสันต์")
    officer = await faces.sign_in(Role.REGISTRY_OFFICER)
    both = await faces.sign_in(Role.SUPERVISOR)
    form = {"purpose": "registration", "wanted": "secret", "reason": "threat"}
    manager = await faces.sign_in(Role.CASE_MANAGER)
    assert (await manager.post(f"/people/{who}/change/disclosure", form)).status_code == 403
    asked = await officer.post(f"/people/{who}/change/disclosure", form)
    assert (asked.status_code, asked.headers["location"]) == (303, "/people/proposals")
    waits = await officer.get("/people/proposals")
    assert "รอหัวหน้างานอนุมัติ" in words_of(waits)
    assert (await behind.shown(who))["disclosure"] != "secret", "one person alone changes nothing"
    seen = await both.get("/people/proposals")
    assert "ลำไย สุขสันต์" in words_of(seen)
    decided = re.search(r'action="(/people/proposals/disclosures/[-\w]+)"', seen.text)
    assert decided is not None
    assert (await officer.post(decided.group(1), {"decision": "accepted"})).status_code == 403
    assert (await both.post(decided.group(1), {"decision": "accepted"})).status_code == 303
    assert (await behind.shown(who))["disclosure"] == "secret"
    assert "ลำไย สุขสันต์" not in words_of(await both.get("/people/proposals"))


async def test_somebody_is_erased_with_a_reason_by_who_says_that_they_are_sure(faces: Faces, behind: Behind) -> None:
    who = await behind.person("ลำไย สุขสันต์")
    officer, manager = await faces.sign_in(Role.REGISTRY_OFFICER), await faces.sign_in(Role.CASE_MANAGER)
    form = {"purpose": "registration", "reason": "in_error", "sure": "yes"}
    assert f'action="/people/{who}/erase"' in (await officer.get(f"/people/{who}/change?purpose=registration")).text
    assert "/erase" not in (await manager.get(f"/people/{who}/change?purpose=case_work")).text
    assert (await manager.post(f"/people/{who}/erase", form)).status_code == 403
    assert (await officer.post(f"/people/{who}/erase", {**form, "sure": ""})).status_code == 422
    assert (await behind.shown(who))["name"] == "ลำไย สุขสันต์", "not sure, nothing goes"
    erased = await officer.post(f"/people/{who}/erase", form)
    assert (erased.status_code, erased.headers["location"]) == (303, "/people")
    assert (await officer.get(f"/people/{who}?purpose=registration")).status_code == 404


async def test_what_another_municipality_owns_is_proposed_and_decided_there(faces: Faces, behind: Behind) -> None:
    who = await behind.person("นางสมศรี ใจดี", national_id=cid(1))
    await Call(behind.running, area="trat", patients=[somsri()]).received()
    far = await faces.sign_in(Role.CASE_MANAGER, areas=("trat",))
    page = f"/people/{who}/change"
    opened = await far.get(f"{page}?purpose=case_work")
    assert "ส่งเป็นข้อเสนอ" in words_of(opened)
    sent = await far.post(f"{page}/fields", {**form_of(opened.text), "alias": "ยายขาว", "reason": "เจ้าตัวบอก"})
    assert sent.status_code == 303, words_of(sent)
    assert "รอ" in words_of(await far.get("/people/proposals"))
    home = await faces.sign_in(Role.CASE_MANAGER)
    inbox = await home.get("/people/proposals")
    assert "ชื่อเรียก ยายขาว เจ้าตัวบอก" in words_of(inbox)
    path = re.search(r'action="(/people/proposals/corrections/[-\w]+)"', inbox.text)
    assert path is not None
    assert (await home.post(path.group(1), {"decision": "accepted"})).status_code == 303
    assert (await behind.shown(who))["alias"] == "ยายขาว"
    again = await home.post(path.group(1), {"decision": "refused"})
    assert again.status_code == 409
