"""Signing in: by a press in the demonstration, by password and code, out again; another language; other people's forms."""

from __future__ import annotations

import time
from uuid import uuid4

import pyotp
import pytest
from playwright.async_api import expect

from karuna.accounts import add, close
from tests.browser.conftest import SignIn
from tests.journeys.town import AREA, Town

pytestmark = pytest.mark.asyncio(loop_scope="session")
NEW = "ม้าถูกแบตเตอรี่ลวดเย็บ"


async def test_a_new_person_signs_in_sets_a_password_and_a_second_factor(town: Town, open_as: SignIn) -> None:
    login = f"new-{uuid4().hex[:8]}"
    first = await add(town.local, login, "คนใหม่", ["dispatcher"], [AREA], None)
    page = await open_as(None, "/sign-in")
    await page.get_by_label("ชื่อผู้ใช้").fill(login)
    await page.get_by_label("รหัสผ่าน", exact=True).fill("ไม่ใช่รหัสนี้แน่นอน")
    await page.get_by_role("main").get_by_role("button", name="เข้าสู่ระบบ").click()
    await expect(page.get_by_role("alert")).to_contain_text("ไม่ถูกต้อง")
    await page.get_by_label("รหัสผ่าน", exact=True).fill(first)
    await page.get_by_role("main").get_by_role("button", name="เข้าสู่ระบบ").click()
    await expect(page.get_by_role("alert")).to_contain_text("ตั้งรหัสผ่านของท่านเอง")
    await page.get_by_label("รหัสผ่านเดิม").fill(first)
    await page.get_by_label("รหัสผ่านใหม่").fill(NEW)
    await page.get_by_role("button", name="บันทึก").click()
    await expect(page.get_by_text("เปลี่ยนรหัสผ่านแล้ว")).to_be_visible()

    await page.get_by_role("button", name="ตั้งค่าใหม่").click()
    secret = await page.locator("code").inner_text()
    codes = pyotp.TOTP(secret)
    await page.get_by_label("รหัสยืนยันขั้นที่สอง").fill(codes.now())
    await page.get_by_label("รหัสผ่าน", exact=True).fill(NEW)
    await page.get_by_role("button", name="บันทึก").click()
    await expect(page.get_by_text("เปิดใช้รหัสยืนยันขั้นที่สองแล้ว")).to_be_visible()

    other = await open_as(None, "/sign-in")
    await other.get_by_label("ชื่อผู้ใช้").fill(login)
    await other.get_by_label("รหัสผ่าน", exact=True).fill(NEW)
    await other.get_by_role("main").get_by_role("button", name="เข้าสู่ระบบ").click()
    await expect(other.get_by_role("alert")).to_contain_text("รหัสจากแอป")
    await other.get_by_label("รหัสผ่าน", exact=True).fill(NEW)
    next_code = codes.at(time.time() + codes.interval)  # each is taken once, and that of the next half minute already
    await other.get_by_label("รหัสยืนยันขั้นที่สอง").fill(next_code)
    await other.get_by_role("main").get_by_role("button", name="เข้าสู่ระบบ").click()
    await other.wait_for_url("**/board")

    assert await close(town.local, login)
    await other.wait_for_url("**/sign-in?next=%2Fboard")
    await page.goto("/account")
    await page.wait_for_url("**/sign-in?next=/account")


async def test_thai_and_english_and_forms_of_other_addresses(open_as: SignIn) -> None:
    page = await open_as("somsri", "/account")
    await expect(page.get_by_role("heading", level=1)).to_have_text("บัญชีของฉัน")
    await page.get_by_role("link", name="English").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("My account")
    refused = await page.request.post("/sign-out", form={"csrf": "not-ours"})
    assert refused.status == 403
    token = await page.locator('meta[name="csrf"]').get_attribute("content")
    refused = await page.request.post(
        "/sign-out", form={"csrf": token or ""}, headers={"origin": "https://evil.example"}
    )
    assert refused.status == 403
    outside = await page.request.get("/language/en?back=//evil.example", max_redirects=0)
    assert outside.headers["location"] == "/"
    await page.get_by_role("button", name="Sign out").click()
    await page.wait_for_url("**/sign-in")
    await page.goto("/account")
    await page.wait_for_url("**/sign-in?next=/account")
