"""Those who care, on the real system: records linked and taken apart, a case to its end and looked back on, sharing.

No address of any page on the way tells of anybody.
"""

from __future__ import annotations

from urllib.parse import unquote
from uuid import UUID

import pytest
from playwright.async_api import FilePayload, Page, expect

from karuna.seed import invent_agencies
from services.registry.pictures import LARGEST
from shared.thai.dates import be_year, local_day
from shared.work import now_utc
from tests.browser.conftest import PHONE as SMALL
from tests.browser.conftest import SignIn
from tests.browser.test_every_screen import cut_off, faults
from tests.browser.test_records import WIDE, whole
from tests.journeys.test_first_call import CALL
from tests.journeys.town import AREA, Town, eventually
from tests.registry.photos import photo

pytestmark = pytest.mark.asyncio(loop_scope="session")
NAME, MISSPELT, PHONE = "นางจันทร์เพ็ญ แก้วกาหลง", "จันเพ็ญ แก้วกาหลง", "0819990001"


def watched(page: Page) -> list[str]:
    """Every address that this page goes to from now on, readable."""
    seen: list[str] = []
    page.on("request", lambda asked: seen.append(unquote(asked.url)))
    return seen


async def test_records_are_linked_and_taken_apart_on_the_screen(town: Town, open_as: SignIn) -> None:
    ids = []
    for told in ({"name": NAME, "birth_date": "3/2/2493"}, {"name": MISSPELT, "birth_year": 2493}):
        body = {"area": AREA, "sex": "female", "phone": PHONE, **told}
        ids.append((await town.ask("registry", "POST", "/v1/persons", role="registry_officer", body=body))["id"])
    page = await open_as("malee", "/people/duplicates")
    seen = watched(page)
    page.on("dialog", lambda asked: asked.accept())
    pair = page.get_by_role("article").filter(has=page.get_by_role("row", name="ชื่อ")).filter(has_text=MISSPELT)
    await expect(pair.get_by_text("โทรศัพท์ตรงกัน")).to_be_visible()
    await whole(page, "duplicates")
    await pair.get_by_label("ใช้ระเบียนใดเป็นหลัก").select_option(ids[1])
    await pair.get_by_role("button", name="เชื่อมเป็นคนเดียวกัน").click()
    await page.wait_for_url("**/people/duplicates/linked")
    await whole(page, "linked")
    line = page.get_by_role("listitem").filter(has_text=MISSPELT)
    await line.get_by_role("link", name=MISSPELT).click()
    await expect(page.get_by_text("รวมจาก 2 ระเบียน")).to_be_visible()
    await page.get_by_role("link", name="ดูหรือแยกออก").click()
    await line.get_by_label("ทราบได้อย่างไร").select_option("papers")
    await line.get_by_role("button", name="แยกออกจากกัน").click()
    await expect(line).to_have_count(0)
    for one, name in zip(ids, (NAME, MISSPELT), strict=True):
        person = await town.ask("registry", "GET", f"/v1/persons/{one}", role="registry_officer")
        assert (person["records"], person["name"]) == ([one], name), "each has again what was theirs"
    await page.goto("/people/duplicates")
    await expect(page.get_by_text(MISSPELT)).to_have_count(0)
    assert not [url for url in seen if "แก้วกาหลง" in url or PHONE[1:] in url]


async def test_a_cameras_picture_is_made_small_and_kept_with_the_place(town: Town, open_as: SignIn) -> None:
    body: dict[str, object] = {"area": AREA, "name": "นางภาพ ริมทาง"}
    who = (await town.ask("registry", "POST", "/v1/persons", role="registry_officer", body=body))["id"]
    path = f"/v1/persons/{who}/locations"
    await town.ask("registry", "POST", path, role="registry_officer", body={"lon": 103.5, "lat": 16.43})
    page = await open_as("malee", f"/people/{who}/home?purpose=case_work")
    await page.get_by_text("เพิ่มภาพ").click()
    large = photo(1800, 1200, noise=1)
    assert len(large) > LARGEST, "the centre would not take it as it is"
    file: FilePayload = {"name": "camera.jpg", "mimeType": "image/jpeg", "buffer": large}
    await page.get_by_label("ภาพ JPEG, PNG หรือ WebP").set_input_files(file)
    await page.get_by_role("button", name="บันทึกภาพ").click()
    await expect(page.locator(".pictures img")).to_have_count(1)
    await page.goto(page.url.partition("#")[0])
    await whole(page, "person-picture")


async def test_a_case_is_worked_on_to_its_end_and_looked_back_on(town: Town, open_as: SignIn) -> None:
    name = "ตาอิ่ม บ้านไกล"
    await town.take({**CALL, "caller": {"name": "ลูก", "phone": "0819990002"}, "patient": {"name": name, "age": 80}})

    async def opened() -> str | None:
        found = await town.ask("registry", "GET", f"/v1/cases?area={AREA}", role="case_manager")
        return next((each["id"] for each in found["items"] if each["who"]["name"] == name), None)

    case_id = await eventually(opened)
    page = await open_as("malee", "/cases")
    seen = watched(page)
    page.on("dialog", lambda asked: asked.accept())
    await page.get_by_role("link", name=name).click()
    await page.wait_for_url(f"**/cases/{case_id}")
    today = local_day(now_utc())
    form = page.locator("form").filter(has=page.get_by_role("button", name="มอบหมาย"))
    await form.get_by_label("ภายในวันที่").fill(f"{today:%d/%m}/{be_year(today)}")
    await form.get_by_label("ผู้รับผิดชอบ").select_option(index=1)
    await form.get_by_label("รายละเอียด").fill("เอาไม้เท้าไปให้ที่บ้านไกล")
    await form.get_by_role("button", name="มอบหมาย").click()
    task = page.get_by_role("listitem").filter(has_text="เอาไม้เท้า")
    await expect(task).to_be_visible()
    await town.sql("registry", "update task set due_on = due_on - 1 where case_id = $1", UUID(case_id))  # a night later
    await page.reload()
    await expect(task.get_by_text("เลยกำหนด")).to_be_visible()
    await whole(page, "case")
    await page.get_by_label("ผลเมื่อปิดเคส").select_option("normal")
    await page.get_by_role("button", name="ปิดเคส").click()
    await expect(page.get_by_role("alert")).to_contain_text("ยังมีงานที่ไม่เสร็จ")
    await page.goto("/cases")
    await expect(page.get_by_role("region", name="มีงานเลยกำหนด").get_by_role("link", name=name)).to_be_visible()
    await whole(page, "cases")
    await page.goto("/cases/tasks?which=mine")
    await task.get_by_role("button", name="บันทึกผล").click()
    await expect(task).to_have_count(0)
    await page.goto(f"/cases/{case_id}")
    await page.get_by_label("ผลเมื่อปิดเคส").select_option("normal")
    await page.get_by_role("button", name="ปิดเคส").click()
    await expect(page.get_by_text("กลับสู่ภาวะปกติ").first).to_be_visible()

    await page.get_by_label("หัวข้อ").fill("ไปถึงช้า")
    await page.get_by_role("button", name="เปิดการทบทวน").click()
    await page.wait_for_url("**/cases/reviews/*")
    for number in range(1, 6):
        await page.get_by_label(f"ทำไม (ครั้งที่ {number})").fill(f"คำตอบที่ {number}")
    for look in ("สถานที่จริง", "ของจริง", "สถานการณ์จริง", "หลักการ", "กฎเกณฑ์และระเบียบ"):
        await page.get_by_label(look, exact=True).fill("ไปดูแล้ว")
    await page.get_by_label("สาเหตุราก").select_option("access")
    await page.get_by_role("button", name="บันทึก", exact=True).click()
    await expect(page.get_by_text("เขียนครบแล้ว รออนุมัติ")).to_be_visible()
    await whole(page, "review")
    await page.get_by_label("บทเรียน").fill("สำรวจทางเข้าชุมชนก่อนถึงวันนัด")
    await page.get_by_role("button", name="อนุมัติ", exact=True).click()
    await page.get_by_role("button", name="ปิดการทบทวน").click()
    await page.goto("/cases/lessons")
    await page.get_by_label("ค้นด้วยคำ").fill("ทางเข้าชุมชน")
    await page.get_by_role("button", name="ค้นหา").click()
    await expect(page.get_by_text("สำรวจทางเข้าชุมชนก่อนถึงวันนัด")).to_be_visible()
    assert not [url for url in seen if "ตาอิ่ม" in url or "ทางเข้า" in url or "บ้านไกล" in url]


async def test_who_would_see_what_is_read_then_signed(town: Town, open_as: SignIn) -> None:
    await invent_agencies(town.local, AREA)
    page = await open_as("malee", "/sharing/agreements/new")
    page.on("dialog", lambda asked: asked.accept())
    await page.get_by_label("ชื่อข้อตกลง").fill("ดูแลผู้พิการร่วมกัน")
    for choice in ("โรงพยาบาลตัวอย่าง", "ต.กาฬสินธุ์", "ม.24(4) ภารกิจเพื่อประโยชน์สาธารณะ"):
        await page.get_by_label(choice).check()
    await page.get_by_role("button", name="บันทึกเพื่อดูผลก่อนลงนาม").click()
    await page.wait_for_url("**/sharing/agreements/*")
    table = page.get_by_role("table")
    await expect(table.get_by_role("row", name="ใช้ร่วมกันได้")).to_contain_text("ทุกบทบาทของหน่วยงาน")
    await expect(table.get_by_role("row", name="เฉพาะผู้เกี่ยวข้อง")).to_have_count(0)
    await whole(page, "agreement")
    await page.get_by_role("button", name="ลงนามในนามเทศบาล").click()
    await page.get_by_label("เลขที่เอกสารที่ฝ่ายนั้นลงนาม").fill("mou-2569-012")
    await page.get_by_role("button", name="บันทึกการลงนาม").click()
    await expect(page.get_by_text("ใช้ได้แล้วในพื้นที่: ต.กาฬสินธุ์")).to_be_visible()
    await page.goto("/sharing")
    await whole(page, "sharing")


async def test_a_communitys_card_is_kept_and_asked_who_has_a_boat_near(town: Town, open_as: SignIn) -> None:
    page = await open_as("orathai", "/people")
    seen = watched(page)
    await page.get_by_role("link", name="บัตรชุมชน").click()
    await page.get_by_label("บัตรของชุมชน").select_option(label="ชุมชนดอนกรุณา")
    await page.get_by_role("button", name="เปิดบัตร").click()
    add = page.get_by_role("region", name="เพิ่มรายการ")
    await add.get_by_label("ชนิด").select_option(label="เรือ")
    await add.get_by_label("อะไร").fill("เรือท้องแบน")
    await add.get_by_label("ใคร").fill("ลุงชม เจ้าของเรือ")
    await add.get_by_label("โทรศัพท์").fill("081 999 0077")
    await add.get_by_label("อยู่ที่").fill("16.4372, 103.5008")
    await add.get_by_role("button", name="เพิ่มลงบัตร").click()
    card = page.get_by_role("article")
    await expect(card.get_by_role("link", name="081 999 0077")).to_have_attribute("href", "tel:+66819990077")
    await whole(page, "community-card")
    await card.locator("summary").click()
    await card.get_by_label("จำนวน").fill("2")
    await card.get_by_role("button", name="บันทึก ตรวจแล้ววันนี้").click()
    await expect(card.get_by_text("เรือ × 2")).to_be_visible()

    await page.get_by_role("link", name="ทุกชุมชน").click()
    await page.get_by_label("ชนิด").select_option(label="เรือ")
    await page.get_by_label("หรือจุด").fill("16.4372, 103.5018")
    await page.get_by_role("button", name="ค้นหา").click()
    found = page.get_by_role("region", name="พบ 1 รายการ")
    await expect(found.get_by_text("107 เมตร")).to_be_visible()
    assert await faults(page) == []
    await page.set_viewport_size(SMALL)
    assert await cut_off(page) == []
    await page.set_viewport_size(WIDE)
    await found.get_by_role("link", name="ชุมชนดอนกรุณา").click()
    page.on("dialog", lambda asked: asked.accept())
    await card.locator("summary").click()
    await card.get_by_role("button", name="ไม่มีแล้ว").click()
    await expect(page.get_by_text("บัตรนี้ยังว่าง")).to_be_visible()
    await page.goto("/people/community")
    await whole(page, "community")
    assert not [url for url in seen if "ลุงชม" in url or "9990077" in url or "16.4372" in url]
