"""Consents, who sees what and why not, and broken glass: the console's forms on the real registry and its decision."""

from __future__ import annotations

import re

from shared.auth import Role
from tests.console.faces import Faces, key_of, words_of
from tests.console.with_registry import Behind, behind
from tests.registry.agencies import Agency

__all__ = ["behind"]


async def test_a_consent_is_given_and_withdrawn_and_it_is_seen_who_has_heard_of_it(
    faces: Faces, behind: Behind
) -> None:
    who = await behind.person("มานี มีนา")
    hospital = await Agency(behind.running).known()
    orathai = await faces.sign_in(Role.CASE_MANAGER)
    page, form = f"/people/{who}/consent", {"purpose": "case_work"}
    assert "ยังไม่มีความยินยอม" in words_of(await orathai.get(f"{page}?purpose=case_work"))
    refused = await orathai.post(f"{page}/give", {**form, "aim": "care", "until_on": "1/1/2563"})
    assert (refused.status_code, "วันสิ้นสุดต้องไม่ก่อน" in words_of(refused)) == (422, True)
    assert "บันทึกแล้ว" not in words_of(refused)
    wild = await orathai.post(f"{page}/give", {**form, "aim": "care", "paper": "<กส>"})
    assert (wild.status_code, "เลขที่หนังสือ: รูปแบบไม่ถูกต้อง" in words_of(wild)) == (422, True)
    assert 'value="&lt;กส&gt;"' in wild.text, "what was typed is not typed twice"
    told = {**form, "aim": "care", "agency_id": str(hospital.id), "given_by": "guardian", "paper": "กส 52001/123"}
    key = key_of(await orathai.get(f"{page}?purpose=case_work"), "/consent/give")
    for _ in range(2):  # pressed twice it is given once
        assert (await orathai.post(f"{page}/give", {**told, "key": key})).status_code == 303
    words = words_of(await orathai.get(f"{page}?purpose=case_work"))
    assert "โรงพยาบาลตัวอย่าง ให้เมื่อ" in words
    assert "หนังสือ กส 52001/123" in words
    (given,) = (await behind.ask("GET", f"/v1/persons/{who}/consents"))["items"]
    withdraw = {**form, "consent_id": given["id"], "by": "self"}
    assert (await orathai.post(f"{page}/withdraw", withdraw)).status_code == 303
    assert "โรงพยาบาลตัวอย่าง: ต้องรับทราบภายใน" in words_of(await orathai.get(f"{page}?purpose=case_work"))
    await hospital.post("/v1/withdrawals/acknowledge", {"consent_ids": [given["id"]]})
    assert "โรงพยาบาลตัวอย่าง: รับทราบแล้ว" in words_of(await orathai.get(f"{page}?purpose=case_work"))
    again = await orathai.post(f"{page}/withdraw", withdraw)
    assert (again.status_code, "ถอนความยินยอมนี้ไปแล้ว" in words_of(again)) == (409, True)


async def test_it_is_said_who_would_see_what_by_which_agreement_or_which_rule_is_missing(
    faces: Faces, behind: Behind
) -> None:
    who = await behind.person("มานี มีนา")
    hospital = await Agency(behind.running).known()
    taker, orathai = await faces.sign_in(Role.CALL_TAKER), await faces.sign_in(Role.CASE_MANAGER)
    page = f"/people/{who}/access"
    form = {"purpose": "care", "agency_id": str(hospital.id), "role": "case_manager", "aim": "care"}
    assert "ไม่มีข้อตกลงระหว่างหน่วยงาน" in words_of(await taker.post(page, form))
    asks = words_of(await orathai.get(f"{page}?purpose=care"))
    assert f"ใครเคยเปิดดูคนนี้ และเพื่ออะไร: ผู้ที่ดูแลเห็นในหน้าประวัติ ผู้ตรวจสอบค้นทุกระบบด้วยรหัสนี้: {who}" in asks
    assert "การถามไม่เปิดข้อมูลของบุคคลนี้ให้ใครเห็น" in asks, "said of asking, not of who has looked"
    await hospital.agreement()
    answer = words_of(await orathai.post(page, form))
    assert "โรงพยาบาลตัวอย่าง · ผู้จัดการรายกรณี" in answer
    assert re.search(r"เห็น เฉพาะผู้เกี่ยวข้อง วันเกิด, เลขประจำตัว.*?ตามข้อตกลง “ดูแลผู้ป่วยติดเตียง”", answer)
    assert re.search(r"ไม่เห็น ปกปิด .*? ข้อมูลชั้นนี้ไม่อยู่ในข้อตกลง", answer), "with the rule that is missing"
    other = words_of(await orathai.post(page, {**form, "aim": "registration"}))
    assert "วัตถุประสงค์นี้ไม่อยู่ในข้อตกลง" in other
    ours = words_of(await orathai.post(page, {"purpose": "care", "role": "call_taker", "aim": "care"}))
    assert "ข้อมูลของเทศบาลเอง" in ours
    assert "บทบาทของท่านไม่เห็นข้อมูลชั้นนี้" in ours
    assert "มานี" not in str((await orathai.post(page, form)).url)


async def test_broken_glass_shows_when_it_closes_and_waits_for_a_supervisors_review(
    faces: Faces, behind: Behind
) -> None:
    who = await behind.person("มานี มีนา")
    hospital = await Agency(behind.running).known()
    body = {"person_id": who, "reason": "หมดสติหน้าตลาด"}
    assert (await hospital.post("/v1/break-glass", body, purpose="emergency")).status_code == 201
    malee = await faces.sign_in(Role.SUPERVISOR)
    waits = await malee.get("/people/glass")
    words = words_of(waits)
    assert "เปิดอยู่ โรงพยาบาลตัวอย่าง hospital-case_manager" in words
    assert "ปิดเอง" in words
    assert "หมดสติหน้าตลาด" in words
    assert "หมดสติหน้าตลาด" in words_of(await malee.get(f"/people/{who}/access?purpose=care"))
    orathai = await faces.sign_in(Role.CASE_MANAGER)
    assert "หมดสติหน้าตลาด" not in words_of(await orathai.get(f"/people/{who}/access?purpose=care")), "a supervisor's"
    path = re.search(r'action="(/people/glass/[-\w]+)"', waits.text)
    assert path is not None
    assert (await malee.post(path.group(1), {"note": "x"})).status_code == 422, "a finding is needed"
    done = await malee.post(path.group(1), {"finding": "justified", "note": "โทรยืนยันกับญาติ"})
    assert (done.status_code, done.headers["location"]) == (303, "/people/glass")
    assert "ไม่มีรายการรอทบทวน" in words_of(await malee.get("/people/glass"))
    every = words_of(await malee.get("/people/glass?reviewed=true"))
    assert "สมควร · ทบทวนโดย" in every
    assert "โทรยืนยันกับญาติ" in every
