"""People of other agencies at the console: nothing but what is opened to them, and the glass they may break."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest
from typer.testing import CliRunner

from karuna.accounts import add, agency_is_known, close, lines, second_factor_off
from karuna.local import Local
from karuna.main import app
from services.console.navigation import CARERS, READERS, SHARERS
from services.console.store import accounts as store
from shared.auth import Role
from shared.thai.dates import local_day
from shared.work import new_id, now_utc
from tests.console.faces import Faces, key_of, words_of
from tests.console.test_roles import OPEN, address, routes
from tests.console.with_registry import Behind, behind
from tests.harness import AREA
from tests.registry.agencies import Agency
from tests.registry.conftest import cid

__all__ = ["behind"]
OPENED = {
    "GET /people", "POST /people", "GET /people/{person_id}", "GET /people/break-glass", "POST /people/break-glass",
    "GET /people/{person_id}/home", "GET /people/{person_id}/care", "GET /people/withdrawals", "GET /people/pictures/{picture_id}",
    "POST /people/withdrawals",
}  # fmt: skip
"""All that is theirs; what signs them in and out is everybody's."""
SHARING = {
    "GET /sharing": SHARERS, "GET /sharing/agreements/{agreement_id}": SHARERS,
    "POST /sharing/agreements/{agreement_id}/sign": {Role.SUPERVISOR},
    "POST /sharing/agreements/{agreement_id}/end": {Role.SUPERVISOR},
}  # fmt: skip
"""Agreements to which they are a party."""
CASES = {
    "GET /cases/tasks", "POST /cases/tasks/{task_id}/done", "GET /people/{person_id}/change", "POST /people/{person_id}/change/fields",
    "POST /people/{person_id}/care/need", "POST /people/{person_id}/care/need/edit", "POST /people/{person_id}/care/met",
    "POST /people/{person_id}/care/visit", "POST /people/{person_id}/home/observe",
}  # fmt: skip
"""What their agency was given, and what they propose, for those who care."""
SIGNING = ("/account", "/sign-out", "/role")
DESCRIBES = {
    "GET /", "GET /tokens.json", "GET /favicon.ico", "GET /gallery", "GET /gallery/crew", "GET /sw.js", "GET /desk/worker.js",
}  # fmt: skip
"""Where everybody is sent on, what colours there are, and scripts: nothing of anybody."""


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.ADMIN, Role.CREW])
async def test_what_is_not_opened_to_agencies_is_shut_whatever_their_role(faces: Faces, role: Role) -> None:
    nurse = await faces.sign_in(role, agency_id=new_id())
    wrong = []
    for method, path in routes():
        line = f"{method} {path}"
        if path.startswith((*OPEN, *SIGNING)) or line in DESCRIBES:
            continue
        answer = await nurse.client.request(method, address(path), headers={"x-csrf-token": nurse.csrf})
        allowed = (
            (line in OPENED and role in READERS) or role in SHARING.get(line, ()) or (line in CASES and role in CARERS)
        )
        if (answer.status_code == 403) == allowed:
            wrong.append(f"{line}: {answer.status_code}")
    assert wrong == []
    assert all("agency_id" in each.claims for each in faces.services.asked), "and the services know it"


async def test_the_command_makes_no_account_of_an_agency_that_is_not_there_nor_of_a_crew_without_its_member(
    behind: Behind,
) -> None:
    settings = behind.running.runtime.settings
    pool = SimpleNamespace(dsn=lambda _: settings.database_url.get_secret_value())
    local = cast("Local", SimpleNamespace(postgres=pool))
    hospital = (await Agency(behind.running).known()).id
    assert [await agency_is_known(local, one) for one in (hospital, new_id())] == [True, False]
    for role in ("crew", "volunteer"):
        said = CliRunner().invoke(app, ["account", "add", "nobody", "--name", "ใคร", "--role", role])
        assert (said.exit_code, "--crew" in said.output) == (2, True)


async def test_an_account_that_becomes_an_agencys_is_out_at_once(faces: Faces, tmp_path: Path) -> None:
    somsri = await faces.sign_in(Role.CASE_MANAGER, login="somsri-moves")
    assert (await somsri.get("/people/proposals")).status_code != 303
    runtime = faces.running.runtime
    pool = cast("Any", SimpleNamespace(dsn=lambda _: runtime.settings.database_url.get_secret_value()))
    local = cast("Local", SimpleNamespace(postgres=pool, issuer=SimpleNamespace(public_file=tmp_path / "issuer.json")))
    hospital = new_id()
    await add(local, "somsri-moves", "สมศรี", ["case_manager"], [AREA], None, hospital)
    assert (await somsri.get("/people")).headers["location"].startswith("/sign-in")
    told = [line for line in await lines(local) if line.startswith("somsri-moves")]
    assert str(hospital) in told[0]
    await add(local, "somsri-moves", "สมศรี", ["case_manager"], [AREA], None)
    assert [line for line in await lines(local) if str(hospital) in line], "made again, it is the agency's still"
    await add(local, "new-admin", "คนใหม่", ["admin"], [AREA], None)
    pool_of_console = faces.running.runtime.pool
    admin = await store.by_login(pool_of_console, "new-admin")
    assert admin is not None
    await store.set_totp(pool_of_console, admin.id, "A" * 32, now_utc())
    assert await second_factor_off(local, "New-admin"), "an only administrator's telephone is lost"
    assert not await second_factor_off(local, "nobody")
    assert await faces.running.sql("select 1 from account where totp_secret is not null") == []
    assert await close(local, "new-admin")
    rows = await faces.running.sql("select act, caller, areas, detail from audit where noun = 'account' order by id")
    assert [(row["act"], row["detail"]["roles"]) for row in rows] == [
        ("change", ["case_manager"]), ("change", ["case_manager"]), ("make", ["admin"]),
        ("second_factor_off", ["admin"]), ("close", ["admin"])
    ]  # fmt: skip
    assert {(row["caller"], row["detail"]["by"], *row["areas"]) for row in rows} == {
        ("person:local-admin", "command", AREA)
    }, "rights given at the machine stand in the audit too"
    assert not any(word in str(dict(row)) for row in rows for word in ("somsri", "สมศรี", "new-admin", "คนใหม่"))


async def test_an_agency_is_told_what_is_missing_breaks_the_glass_and_it_closes_by_itself(
    faces: Faces, behind: Behind
) -> None:
    who = await behind.person("มานี มีนา", national_id=cid(7), phone="0815550077")
    hospital = await Agency(behind.running).known()
    nurse = await faces.sign_in(Role.CASE_MANAGER, agency_id=hospital.id)
    assert (await nurse.get("/")).headers["location"] == "/people"
    home = await nurse.get("/people")
    assert "/people/proposals" not in home.text
    assert 'href="/cases"' not in home.text
    assert 'href="/cases/tasks"' in home.text
    refused = await nurse.post("/people", {"text": "0815550077", "purpose": "care"})
    assert (refused.status_code, "ไม่มีข้อตกลงระหว่างหน่วยงาน" in words_of(refused)) == (403, True)
    assert "มานี" not in refused.text
    known = await nurse.get(f"/people/{who}?purpose=care")
    assert (known.status_code, f'value="{who}"' in known.text) == (403, True), "and may break the glass for that one"

    short = await nurse.post("/people/break-glass", {"national_id": cid(7), "reason": "x"})
    assert short.status_code == 422
    form = {"national_id": cid(7), "reason": "หมดสติ ไม่มีญาติ", "key": key_of(await nurse.get("/people/break-glass"))}
    opened = await nurse.post("/people/break-glass", form)
    assert (await nurse.post("/people/break-glass", form)).status_code == 200, "asked for anew"
    assert len(await behind.running.sql("select from break_glass where person_id = $1", UUID(who))) == 1
    assert (
        len(await behind.running.sql("select from audit where act = 'break_glass' and subject_id = $1", UUID(who))) == 1
    )
    assert opened.status_code == 200, words_of(opened)
    assert re.search(r"ปิดเองเวลา \d+ .*? \d\d:\d\d", words_of(opened))
    assert cid(7) not in str(opened.url)
    seen = words_of(await nurse.get(f"/people/{who}?purpose=emergency"))
    assert "มานี มีนา" in seen
    page = await nurse.get(f"/people/{who}?purpose=emergency")
    assert f"/people/{who}/change" not in page.text, "nor what changes it"

    await behind.running.sql("update break_glass set from_at = from_at - interval '4 hours', until_at = now()")
    assert (await nurse.get(f"/people/{who}?purpose=emergency")).status_code == 403
    ours = await faces.sign_in(Role.CASE_MANAGER)
    assert "<form" not in (await ours.get("/people/break-glass")).text.split("<main")[1], (
        "who sees their own needs none"
    )


async def test_an_agency_with_an_agreement_sees_what_it_opens_and_why_no_more(faces: Faces, behind: Behind) -> None:
    who = await behind.person("มานี มีนา", phone="0815550077", groups=["bedridden"])
    hospital = await Agency(behind.running).known()
    await hospital.agreement(field_class="shared")
    nurse = await faces.sign_in(Role.CASE_MANAGER, agency_id=hospital.id)
    found = await nurse.post("/people", {"text": "มานี มีนา", "purpose": "care"})
    assert who in found.text
    words = words_of(await nurse.get(f"/people/{who}?purpose=care"))
    assert "มานี มีนา" in words
    assert "0815550077" not in words.replace(" ", "")
    assert "ผู้ป่วยติดเตียง" not in words
    assert "ข้อมูลชั้นนี้ไม่อยู่ในข้อตกลง" in words
    assert "ไม่เห็น ที่อยู่, วันเกิด, โทรศัพท์" in words
    assert f'value="{who}"' in (await nurse.get(f"/people/break-glass?person_id={who}")).text
    assert "ยังไม่อยู่ในกลุ่มใด" not in words, "of what is withheld nothing is said, not even that there is none"
    assert "ยังไม่มีประวัติ" not in words
    for tab in ("home", "care"):
        part = words_of(await nurse.get(f"/people/{who}/{tab}?purpose=care"))
        assert "หน่วยงานของท่านยังดูส่วนนี้ไม่ได้" in part
        assert not re.search("ไม่มีความต้องการ|ยังไม่เคย|ยังไม่มีใครบันทึก|ยังไม่ทราบที่อยู่", part)
    form = (await nurse.get(f"/people/{who}/change?purpose=care")).text
    assert ('name="alias"' in form, 'name="mobility"' in form, 'name="born"' in form) == (True, False, False)


async def test_what_is_opened_of_care_is_read_alone_and_a_withdrawal_is_heard_of(faces: Faces, behind: Behind) -> None:
    who = await behind.person("มานี มีนา")
    hospital = await Agency(behind.running).known()
    await hospital.agreement(bases=["s24_4", "consent"])
    orathai = await faces.sign_in(Role.CASE_MANAGER)
    nurse = await faces.sign_in(Role.CASE_MANAGER, agency_id=hospital.id)
    form = {"purpose": "case_work"}
    await orathai.post(f"/people/{who}/care/need", {**form, "need": "medicine", "urgency": "9"})
    page = f"/people/{who}/care?purpose=care"
    assert "ยาและการรักษา" not in words_of(await nurse.get(page)), "health needs the person's consent here"
    await orathai.post(f"/people/{who}/consent/give", {**form, "aim": "care", "agency_id": str(hospital.id)})
    opened = await nurse.get(page)
    assert "ยาและการรักษา" in words_of(opened)
    assert f"/people/{who}/care/met" not in opened.text, "the municipality's own mark it met"

    # A need's note and urgency are put right, and the note taken out again.
    (need,) = (await behind.ask("GET", f"/v1/persons/{who}/needs"))["items"]
    edit = {**form, "need_id": need["id"], "need": "medicine", "urgency": "5"}
    assert f"/people/{who}/care/need/edit" not in opened.text, "nor put it right"
    for note in ("จดผิดคน", ""):
        assert (await orathai.post(f"/people/{who}/care/need/edit", {**edit, "note": note})).status_code == 303
        shown = await orathai.get(f"/people/{who}/care?purpose=case_work")
        assert ("จดผิดคน" in shown.text, "เร่งด่วนมาก" in words_of(shown).split("ยาและการรักษา")[0]) == (bool(note), False)

    (given,) = (await behind.ask("GET", f"/v1/persons/{who}/consents"))["items"]
    await orathai.post(f"/people/{who}/consent/withdraw", {**form, "consent_id": given["id"]})
    assert "ยาและการรักษา" not in words_of(await nurse.get(page))
    waits = "/people/withdrawals"
    assert "โรงพยาบาลตัวอย่าง" in words_of(await orathai.get(waits))
    theirs = words_of(await nurse.get(waits))
    assert ("หยุดใช้แล้ว" in theirs, "ข้อตกลง “ดูแลผู้ป่วยติดเตียง” ยังเปิดข้อมูลของบุคคลนี้" in theirs) == (True, True)
    kept = words_of(await orathai.get(f"/people/{who}/consent?purpose=case_work"))
    assert "โรงพยาบาลตัวอย่าง: ยังเห็นตามข้อตกลง “ดูแลผู้ป่วยติดเตียง”" in kept
    assert (await nurse.post(waits, {"consent_id": given["id"]})).status_code == 303
    assert "ไม่มีรายการรอรับทราบ" in words_of(await orathai.get(waits))


async def test_an_agency_does_what_it_was_given_and_the_municipality_reads_how_it_ended(
    faces: Faces, behind: Behind
) -> None:
    who = await behind.person("มานี มีนา")
    case_id = (await behind.ask("POST", "/v1/cases", {"person_id": who}))["id"]
    fund = await Agency(behind.running, kind="fund").known()
    due = str(local_day(now_utc()) + timedelta(days=3))
    body = {"kind": "home_repair", "what": "ทางลาดหน้าบ้าน", "agency_id": str(fund.id), "due_on": due}
    task = (await behind.ask("POST", f"/v1/cases/{case_id}/tasks", body))["id"]
    other = {**body, "agency_id": str(new_id()), "what": "ของหน่วยงานอื่น"}
    await behind.ask("POST", f"/v1/cases/{case_id}/tasks", other)
    clerk = await faces.sign_in(Role.CASE_MANAGER, agency_id=fund.id)
    page = await clerk.get("/cases/tasks")
    words = words_of(page)
    assert ("ทางลาดหน้าบ้าน" in words, "ของหน่วยงานอื่น" in words, "มานี" in words) == (True, False, False)
    assert f"/people/{who}" not in page.text, "no agreement: whose it is they ring for"
    await fund.agreement()
    assert f"/people/{who}?purpose=care" in (await clerk.get("/cases/tasks")).text
    assert (await clerk.get("/cases/tasks?which=late")).status_code == 200
    ended = await clerk.post(f"/cases/tasks/{task}/done", {"outcome": "declined", "note": " งบปีนี้หมดแล้ว "})
    assert ended.headers["location"] == "/cases/tasks?which=mine"
    assert "ทางลาด" not in words_of(await clerk.get("/cases/tasks"))
    ours = await faces.sign_in(Role.CASE_MANAGER)
    seen = words_of(await ours.get(f"/cases/{case_id}"))
    assert "ไม่รับงาน" in seen
    assert "งบปีนี้หมดแล้ว" in seen


async def test_an_agency_proposes_what_it_found_and_the_municipality_decides(faces: Faces, behind: Behind) -> None:
    who = await behind.person("มานี มีนา", mobility="walking")
    hospital = await Agency(behind.running).known()
    await hospital.agreement(bases=["s24_4", "s26_5a"], field_class="restricted")
    nurse, ours = (
        await faces.sign_in(Role.CASE_MANAGER, agency_id=hospital.id, login="nurse-of-hospital"),
        await faces.sign_in(Role.CASE_MANAGER, login="manager-of-town"),
    )
    form = await nurse.get(f"/people/{who}/change?purpose=care")
    words = words_of(form)
    assert ("สิ่งที่แก้จะส่งเป็นข้อเสนอ" in words, "ปกปิด" in words, "/change/contact" in form.text) == (True, False, False)
    was = re.search(r'name="was" value="([^"]*)"', form.text)
    assert was is not None
    typed = {"was": unescape(was[1]), "name": "มานี มีนา", "mobility": "wheelchair", "language": "th", "may_be_texted": "yes",
             "reason": "ไปเยี่ยมมา", "purpose": "care"}  # fmt: skip
    sent = await nurse.post(f"/people/{who}/change/fields", typed)
    assert sent.status_code == 303, words_of(sent)
    assert (await behind.shown(who))["mobility"] == "walking"
    inbox = await ours.get("/people/proposals")
    assert ("โรงพยาบาลตัวอย่าง" in words_of(inbox), "ไปเยี่ยมมา" in words_of(inbox)) == (True, True)
    [one] = await behind.running.sql("select id from correction")
    await ours.post(f"/people/proposals/corrections/{one['id']}", {"decision": "accepted"})
    assert (await behind.shown(who))["mobility"] == "wheelchair"

    need = {"need": "carer", "urgency": "9", "note": "อยู่คนเดียว", "purpose": "care"}
    assert (await nurse.post(f"/people/{who}/care/need", need)).status_code == 303
    mine, theirs = (
        await nurse.get(f"/people/{who}/care?purpose=care"),
        await ours.get(f"/people/{who}/care?purpose=care"),
    )
    assert ("/care/need/edit" in mine.text, "/care/need/edit" in theirs.text) == (True, False), (
        "its owner alone changes it"
    )
    assert "โรงพยาบาลตัวอย่าง" in words_of(theirs)
    [found] = await behind.running.sql("select id, agency_id from life_need")
    assert found["agency_id"] == hospital.id
    met = {"need_id": str(found["id"]), "outcome": "not_accepted", "purpose": "care"}
    assert (await ours.post(f"/people/{who}/care/met", met)).status_code == 303
    assert "ตรวจแล้วไม่รับ" in words_of(await nurse.get(f"/people/{who}/care?purpose=care"))


async def test_an_agency_that_is_entrusted_writes_visits_and_points_under_its_name(
    faces: Faces, behind: Behind
) -> None:
    who = await behind.person("มานี มีนา")
    hospital = await Agency(behind.running).known()
    await hospital.agreement()
    nurse, ours = (
        await faces.sign_in(Role.CASE_MANAGER, agency_id=hospital.id, login="nurse-who-visits"),
        await faces.sign_in(Role.SUPERVISOR, login="chief-of-town"),
    )
    care, home = f"/people/{who}/care", f"/people/{who}/home"
    page = await nurse.get(f"{care}?purpose=care")
    visit = {"purpose": "care", "key": key_of(page), "result": "as_told", "check.bedsores": "no", "note": "แผลแห้งดี"}
    refused = await nurse.post(f"{care}/visit", visit)
    assert (refused.status_code, "ข้อตกลงไม่ได้ให้หน่วยงานของท่านบันทึกเรื่องนี้" in words_of(refused)) == (403, True)
    assert "แผลแห้งดี" in refused.text, "what was typed stays"

    terms = {"title_th": "เยี่ยมบ้านร่วมกัน", "area": AREA, "agency_ids": str(hospital.id), "areas": AREA, "purposes": "care",
             "field_class": "restricted", "bases": ["s24_4", "s26_5a"], "writes": ["visit", "location"],
             "from_on": "1/1/2569"}  # fmt: skip
    made = (await ours.post("/sharing/agreements", terms)).headers["location"]
    shown = words_of(await ours.get(made))
    assert "หน่วยงานบันทึกเป็นของตนเองได้: พิกัดที่อยู่, การเยี่ยม" in shown
    await ours.post(f"{made}/sign", {"municipality": AREA})
    await ours.post(f"{made}/sign", {"agency_id": str(hospital.id), "paper": "กส 1/2569"})

    empty = await nurse.post(f"{care}/visit", {"purpose": "care", "key": key_of(page)})
    assert empty.status_code == 422
    yesterday = local_day(now_utc()) - timedelta(days=1)
    visit["visited_on"] = f"{yesterday.day}/{yesterday.month}/{yesterday.year + 543}"
    for _ in range(2):
        assert (await nurse.post(f"{care}/visit", visit)).status_code == 303, "pressed twice it is one"
    [row] = await behind.running.sql("select agency_id, visited_at from visit")
    assert (row["agency_id"], local_day(row["visited_at"])) == (hospital.id, yesterday)
    point = {"purpose": "care", "point": "16.4322, 103.5065", "method": "gps"}
    assert (await nurse.post(f"{home}/observe", point)).status_code == 303
    form = (await nurse.get(f"{home}?purpose=care")).text
    assert ('name="source"' in form, 'value="visit"' in form) == (False, False), "it is no officer's"
    for where in (f"{care}?purpose=care", f"{home}?purpose=care", f"/people/{who}?purpose=care"):
        assert "โรงพยาบาลตัวอย่าง" in words_of(await ours.get(where)), where
    other = {"person_id": who, "fields": {"note": {"value": "แผลยังซึม"}}}
    headers = hospital.headers(subject="another-nurse")
    told = await behind.running.client.put(f"/v1/visits/{UUID(visit['key'])}", json=other, headers=headers)
    assert told.json()["disputed"], "two of one agency wrote the same field"
    disputed = words_of(await ours.get("/people/visits/disputed"))
    assert ("แผลยังซึม" in disputed, "โรงพยาบาลตัวอย่าง" in disputed) == (True, True), "and whose visit it is"
    own = {"purpose": "care", "key": key_of(await ours.get(f"{care}?purpose=care")), "note": "ไปเยี่ยมเอง"}
    assert (await ours.post(f"{care}/visit", own)).status_code == 303
    assert len(await behind.running.sql("select from visit where agency_id is null")) == 1
