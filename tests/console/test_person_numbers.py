"""Numbers of who is there, and somebody who is not: through the console's forms and the real registry."""

from __future__ import annotations

import re

from services.console.rules import particulars
from shared.auth import Role
from tests.console.faces import Faces, words_of
from tests.console.with_registry import Behind, behind
from tests.registry.conftest import cid

__all__ = ["behind"]


def test_nobody_is_the_form_of_somebody_of_whom_nothing_is_known() -> None:
    unknown = dict.fromkeys(("name", "alias", "usual_place", "sex", "mobility", "birth_on", "birth_year"))
    empty = {**unknown, "language": "th", "birth_estimated": False, "needs": [], "may_be_texted": True, "addresses": []}
    assert particulars.nobody() == particulars.shown(empty, "th")


async def test_identifiers_are_added_ended_and_corrected_and_a_refused_form_keeps_what_was_typed(
    faces: Faces, behind: Behind
) -> None:
    who = await behind.person("มะลิ ใจงาม", national_id=cid(1))
    other = await behind.person("เจ้าของเลข", national_id=cid(2))
    orathai, officer = await faces.sign_in(Role.CASE_MANAGER), await faces.sign_in(Role.REGISTRY_OFFICER)
    page, form = f"/people/{who}/change", {"purpose": "case_work"}
    masked = words_of(await orathai.get(f"{page}?purpose=case_work"))
    assert (cid(1) in masked, cid(1)[-3:-1] in masked) == (False, True), "masked as everywhere"
    assert cid(1) in words_of(await officer.get(f"{page}?purpose=registration"))

    typed = {**form, "kind": "passport", "value": "AB", "issuer": "THA", "verified": "yes", "since_on": "1/2/2567"}
    refused = await orathai.post(f"{page}/identifier", typed)
    assert (refused.status_code, 'value="AB"' in refused.text) == (422, True)
    again = await orathai.post(f"{page}/identifier", {**typed, "since_on": "เมื่อวาน"})
    assert again.status_code == 422
    added = {**typed, "value": "AB123456", "key": "k-1"}
    assert (await orathai.post(f"{page}/identifier", added)).status_code == 303
    assert (await orathai.post(f"{page}/identifier", added)).status_code == 303, "pressed twice it is one"
    taken = await orathai.post(f"{page}/identifier", {**form, "kind": "g-code", "value": cid(2)})
    assert taken.status_code == 422
    shown = {one["kind"]: one for one in (await behind.shown(who))["identifiers"]}
    assert (shown["passport"]["since_on"], shown["passport"]["verified"]) == ("2024-02-01", True)

    end = f"{page}/identifier/{shown['passport']['id']}/end"
    ahead = await orathai.post(end, {**form, "reason": "lost", "until_on": "1/1/2590"})
    assert (ahead.status_code, "ต้องไม่อยู่ในอนาคต" in words_of(ahead)) == (422, True)
    assert (await orathai.post(end, {**form, "reason": "lost"})).status_code == 303
    assert "สูญหาย" in words_of(await orathai.get(f"{page}?purpose=case_work"))
    correct = f"{page}/identifier/{shown['cid']['id']}/correct"
    theirs = await orathai.post(correct, {**form, "kind": "cid", "value": cid(2)})
    assert (theirs.status_code, "มีบุคคลที่ใช้เลขประจำตัวนี้อยู่แล้ว" in words_of(theirs)) == (409, True)
    assert (await orathai.post(correct, {**form, "kind": "cid", "value": cid(3)})).status_code == 303
    told = words_of(await officer.get(f"{page}?purpose=registration"))
    assert (cid(3) in told, cid(1) in told, "ยกเลิกเพราะบันทึกผิด" in told) == (True, False, True)
    first = words_of(await officer.get(f"/people/{who}?purpose=registration"))
    assert "ยกเลิกเลขประจำตัวที่บันทึกผิด" in first
    assert (await behind.shown(other))["identifiers"][0]["value"] == cid(2)


async def test_a_telephone_is_ended_and_another_corrected(faces: Faces, behind: Behind) -> None:
    who = await behind.person("มะลิ ใจงาม", phone="0815550001")
    orathai = await faces.sign_in(Role.CASE_MANAGER)
    page, form = f"/people/{who}/change", {"purpose": "case_work"}
    [own] = (await behind.shown(who))["contacts"]
    wrong = await orathai.post(f"{page}/contact/{own['id']}/correct", {**form, "phone": "12"})
    assert (wrong.status_code, 'value="12"' in wrong.text) == (422, True)
    right = {**form, "phone": "081-555-0002", "relation": "self"}
    assert (await orathai.post(f"{page}/contact/{own['id']}/correct", right)).status_code == 303
    [own] = (await behind.shown(who))["contacts"]
    assert own["phone"] == "+66815550002"
    assert (await orathai.post(f"{page}/contact/{own['id']}/end", {**form, "reason": "not_reached"})).status_code == 303
    told = words_of(await orathai.get(f"{page}?purpose=case_work"))
    assert "ยังไม่ทราบเบอร์โทร" in told
    assert "ติดต่อไม่ได้แล้ว" in told
    assert "081 555 0002" not in words_of(await orathai.get(f"/people/{who}?purpose=case_work"))


async def test_somebody_without_name_number_or_address_is_registered_from_a_search(
    faces: Faces, behind: Behind
) -> None:
    taker = await faces.sign_in(Role.CALL_TAKER)
    searched = await taker.post("/people", {"text": "แดง ไม่ทราบนามสกุล", "purpose": "care"})
    assert 'action="/people/new/begin"' in searched.text
    begun = await taker.post("/people/new/begin", {"text": "แดง ไม่ทราบ", "purpose": "care"})
    assert (begun.status_code, 'value="แดง ไม่ทราบ"' in begun.text) == (200, True)
    typed = {"alias": "ลุงแดง", "born": "70", "usual_place": "ศาลาหน้าวัด", "may_be_texted": "yes", "purpose": "care"}
    made = await taker.post("/people/new", {**typed, "key": "once"})
    assert made.status_code == 303, words_of(made)
    path = made.headers["location"]
    shown = await behind.shown(re.findall(r"/people/([-\w]+)", path)[0])
    assert (shown["name"], shown["alias"], shown["usual_place"]) == (None, "ลุงแดง", "ศาลาหน้าวัด")
    assert (shown["age"]["estimated"], shown["birth_on"], shown["addresses"]) == (True, None, [])
    assert "ลุงแดง" in words_of(await taker.get(path))
    nothing = await taker.post("/people/new", {"purpose": "care", "may_be_texted": "yes"})
    assert nothing.status_code == 303, "nothing is required"
    dispatcher = await faces.sign_in(Role.DISPATCHER)
    assert "/people/new" not in (await dispatcher.get("/people")).text
    assert (await dispatcher.get("/people/new")).status_code == 403


async def test_who_may_be_there_already_is_shown_before_anything_is_written(faces: Faces, behind: Behind) -> None:
    there = await behind.person("สมศรี ใจดี", birth_year=2493, phone="0812345678")
    hidden = await behind.person("สมศรี ใจดี", birth_year=2493, phone="0812345678", disclosure="secret")
    officer = await faces.sign_in(Role.REGISTRY_OFFICER)
    blank = await officer.get("/people/new")
    assert "ค้นหาก่อน" in words_of(blank)
    typed = {"name": "สมศี ใจดี", "born": "2493", "phone": "0812345678", "may_be_texted": "yes",
             "purpose": "registration", "current_detail": "9 หมู่ 1", "groups": "elderly"}  # fmt: skip
    before = await behind.running.sql("select count(*) from person")
    shown = await officer.post("/people/new", {**typed, "key": "k"})
    assert shown.status_code == 409
    assert f'href="/people/{there}?purpose=registration"' in shown.text
    assert hidden not in shown.text, "no trace of secret people"
    assert await behind.running.sql("select count(*) from person") == before, "nothing is written yet"
    assert 'value="9 หมู่ 1"' in shown.text, "nobody types it twice"
    seen = re.findall(r'name="seen" value="([-\w]+)"', shown.text)
    assert seen == [there]
    made = await officer.post("/people/new", {**typed, "seen": seen, "key": "k"})
    assert made.status_code == 303, words_of(made)
    pairs = await behind.ask("GET", "/v1/duplicates")
    assert len(pairs["items"]) == 1, "after it is written the pair waits for an officer"
    looked = await behind.running.sql("select detail from audit where act = 'search' and subject_id = $1", there)
    assert [row["detail"]["by"] for row in looked] == ["alike", "alike"], "who was shown is written down"


async def test_a_number_that_is_somebodys_leads_to_them_and_what_cannot_be_read_is_said(
    faces: Faces, behind: Behind
) -> None:
    there = await behind.person("สมศรี ใจดี", national_id=cid(1))
    await behind.person("ลับ", national_id=cid(2), disclosure="secret")
    officer = await faces.sign_in(Role.REGISTRY_OFFICER)
    typed = {"name": "คนใหม่ มาก", "national_id": cid(1), "purpose": "registration"}
    known = await officer.post("/people/new", typed)
    assert (known.status_code, f'href="/people/{there}?purpose=registration"' in known.text) == (409, True)
    secret = await officer.post("/people/new", {**typed, "national_id": cid(2)})
    assert (secret.status_code, "เปิดดูคนที่มีเลขนี้" in secret.text) == (409, False)
    for wrong in ({"born": "เมื่อก่อน"}, {"national_id": "123"}, {"current_other": "ไม่มีที่นี่แน่นอน"}, {"purpose": ""}):
        refused = await officer.post("/people/new", {**typed, **wrong})
        assert refused.status_code in (403, 422), wrong
        assert 'value="คนใหม่ มาก"' in refused.text
    several = await officer.post("/people/new", {**typed, "current_other": "นาเชือก"})
    assert (several.status_code, "ต.นาเชือก อ.ยางตลาด จ.กาฬสินธุ์" in several.text) == (422, True)
