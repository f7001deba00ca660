"""Administration: accounts are made and closed by administrators alone, and nobody gives more than they have."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import get_args
from uuid import UUID

import pytest

from services.console import maps
from services.console.accounts import new_secret
from services.console.pages.admin import policies_said
from services.console.pages.admin_fleet import in_order
from services.console.rules.accounts import faults, may_manage, wanted
from services.console.store import accounts
from services.console.texts import texts
from services.intake.bodies import CallBody
from shared.auth import Role
from shared.codes.codes import all_lists
from shared.pack_parts import DispatchPolicies, Policies
from shared.refusal import Refusal
from shared.thai.dates import local_day
from shared.work import new_id, now_utc
from tests.browser.tiles import write_tiles
from tests.console.faces import Faces, words_of

PASSWORD = re.compile(r'class="big-code">([^<]+)<')


def form(**changes: object) -> dict[str, object]:
    return {"login": "Nok.1", "name": "นก  ใจดี", "roles": ["call_taker", "dispatcher"], "areas": "kalasin", **changes}


async def test_an_account_is_made_with_a_password_shown_once_and_written_down(faces: Faces) -> None:
    anan = await faces.sign_in(Role.ADMIN)
    made = await anan.post("/admin/accounts", form())
    password = PASSWORD.findall(made.text)
    assert (made.status_code, len(password)) == (200, 1)
    nok = await accounts.by_login(faces.running.runtime.pool, "nok.1")
    assert nok is not None
    assert (nok.name, nok.roles, nok.must_change) == ("นก ใจดี", ("call_taker", "dispatcher"), True)
    assert PASSWORD.search((await anan.get(f"/admin/accounts/{nok.id}")).text) is None

    browser = faces.browser()
    signed = await browser.post("/sign-in", data={"login": "nok.1", "password": password[0]})
    assert signed.headers["location"] == "/account"
    assert (await browser.get("/desk")).headers["location"] == "/account", "only with a password of one's own"
    assert (await browser.get("/desk", headers={"hx-request": "true"})).headers["hx-redirect"] == "/account"
    assert (await browser.get("/account")).status_code == 200
    csrf = await faces.running.runtime.pool.fetchval("select csrf from session where account_id = $1", nok.id)
    own = {"csrf": csrf, "old": password[0], "new": "a password of my own"}
    changed = await browser.post("/account/password", data=own)
    assert (changed.status_code, "เปลี่ยนรหัสผ่านแล้ว" in changed.text) == (200, True)
    assert "ตั้งรหัสผ่านของท่านเองก่อนใช้งาน" not in changed.text
    assert (await browser.get("/desk")).status_code == 200
    assert "มีชื่อผู้ใช้นี้แล้ว" in words_of(await anan.post("/admin/accounts", form()))

    again = await anan.post(f"/admin/accounts/{nok.id}/reset-password")
    assert PASSWORD.findall(again.text) != password
    assert (await browser.get("/account")).headers["location"].startswith("/sign-in"), "the old one is out"
    rows = await faces.running.sql("select act, caller, detail from audit order by id")
    assert [row["act"] for row in rows] == ["make", "sign_in", "change_password", "reset_password"]
    assert not any(word in str(dict(row)) for row in rows for word in (password[0], "นก"))


async def test_municipalities_are_called_by_their_names(faces: Faces) -> None:
    anan = await faces.sign_in(Role.ADMIN, areas=("kalasin", "*"))
    await anan.post("/admin/accounts", form())
    listed, blank = words_of(await anan.get("/admin/accounts")), await anan.get("/admin/accounts/new")
    assert "เทศบาลเมืองกาฬสินธุ์, ทุกเทศบาล" in listed
    assert "kalasin" not in listed + words_of(blank)
    assert all(f'name="areas" value="{each}"' in blank.text for each in ("kalasin", "*")), "chosen, not typed"


async def test_an_account_of_another_agency_is_of_that_agency_from_the_first_moment_and_stays_so(faces: Faces) -> None:
    ours, over = str(new_id()), str(new_id())
    yesterday = (local_day(now_utc()) - timedelta(days=1)).isoformat()
    same = {"name_en": None, "areas": ["kalasin"], "coordinators": []}
    agencies = [
        {"id": ours, "name_th": "โรงพยาบาลตัวอย่าง", "until_on": None, "kind": {"code": "hospital"}, **same},
        {"id": over, "name_th": "มูลนิธิที่เลิกแล้ว", "until_on": yesterday, "kind": {"code": "foundation"}, **same},
    ]
    faces.services.answers["GET registry /v1/agencies"] = {"items": agencies, "next": None}
    anan = await faces.sign_in(Role.ADMIN, areas=("kalasin", "khonkaen"))
    blank = words_of(await anan.get("/admin/accounts/new"))
    assert ("โรงพยาบาลตัวอย่าง" in blank, "มูลนิธิที่เลิกแล้ว" in blank) == (True, False)
    nurse = form(roles="case_manager")
    for wrong, said in (({"agency": str(new_id())}, "ไม่พบหน่วยงานนี้"), ({"agency": over}, "ไม่พบหน่วยงานนี้"),
                        ({"agency": ours, "areas": "khonkaen"}, "ไม่ได้ทำงานกับพื้นที่")):  # fmt: skip
        refused = await anan.post("/admin/accounts", {**nurse, **wrong})
        assert (refused.status_code, said in words_of(refused)) == (422, True), wrong
    made = await anan.post("/admin/accounts", {**nurse, "agency": ours})
    assert "โรงพยาบาลตัวอย่าง" in words_of(made)
    account = await accounts.by_login(faces.running.runtime.pool, "nok.1")
    assert account is not None
    assert str(account.agency_id) == ours
    assert "โรงพยาบาลตัวอย่าง" in words_of(await anan.get("/admin/accounts"))
    at = f"/admin/accounts/{account.id}/change"
    assert "โรงพยาบาลตัวอย่าง" in words_of(await anan.get(at))
    assert (await anan.post(at, {**nurse, "agency": ""})).status_code == 303
    changed = await accounts.by_id(faces.running.runtime.pool, account.id)
    assert changed is not None
    assert str(changed.agency_id) == ours, "nobody becomes the municipality's own by a form"
    [row] = await faces.running.sql("select detail from audit where act = 'make'")
    assert row["detail"]["agency_id"] == ours
    wider = {**nurse, "areas": ["kalasin", "khonkaen"]}
    refused = await anan.post(at, wider)
    assert (refused.status_code, "ไม่ได้ทำงานกับพื้นที่" in words_of(refused)) == (422, True), "no further than it works"
    faces.services.answers.pop("GET registry /v1/agencies")
    assert "หน่วยงานอื่น" in words_of(await anan.get("/admin/accounts")), "the register may be away"
    assert (await anan.post(at, wider)).status_code == 422, "then no further than it goes"
    assert (await anan.post(at, nurse)).status_code == 303
    agencies[0]["areas"] = wider["areas"]
    faces.services.answers["GET registry /v1/agencies"] = {"items": agencies, "next": None}
    assert (await anan.post(at, wider)).status_code == 303
    faces.services.answers.pop("GET registry /v1/agencies")
    assert (await anan.post("/admin/accounts", form(login="nok.2"))).status_code == 200


async def test_nobody_gives_more_than_they_have_or_changes_themselves(faces: Faces) -> None:
    anan = await faces.sign_in(Role.ADMIN)
    for wrong in ({"areas": "khonkaen"}, {"areas": "*"}, {"areas": ""}, {"roles": []}, {"roles": ["partner"]},
                  {"roles": ["crew"]}, {"login": "A B"}, {"name": " "}, {"crew": "no id"}):  # fmt: skip
        assert (await anan.post("/admin/accounts", form(**wrong))).status_code == 422, wrong
    for act in ("close", "reset-password", "second-factor-off", "change"):
        assert (await anan.post(f"/admin/accounts/{anan.account_id}/{act}", form())).status_code == 404, act
    elsewhere = await faces.sign_in(Role.DISPATCHER, areas=("khonkaen",))
    assert (await anan.get(f"/admin/accounts/{elsewhere.account_id}")).status_code == 404
    assert (await anan.post(f"/admin/accounts/{elsewhere.account_id}/close")).status_code == 404
    malee = await faces.sign_in(Role.SUPERVISOR)
    assert (await malee.get("/admin/accounts")).status_code == 200
    for path in ("/admin/accounts", f"/admin/accounts/{anan.account_id}/close"):
        assert (await malee.post(path, form())).status_code == 403


async def test_an_account_is_changed_closed_and_its_devices_are_out(faces: Faces) -> None:
    anan, pool = await faces.sign_in(Role.ADMIN), faces.running.runtime.pool
    wichai = await faces.sign_in(Role.DISPATCHER, login="wichai")
    await accounts.set_totp(pool, wichai.account_id, new_secret(), now_utc())
    base = f"/admin/accounts/{wichai.account_id}"
    [device] = await accounts.sessions_of(pool, wichai.account_id, now_utc())
    assert (await anan.post(f"{base}/devices/{new_id()}/revoke")).status_code == 404
    assert (await anan.post(f"{base}/devices/{device['id']}/revoke")).status_code == 303
    assert (await wichai.get("/account")).status_code == 303
    assert str(device["id"]) in faces.running.runtime.parts["signer"].public_file.read_text()

    await anan.post(f"{base}/second-factor-off")
    changed = await anan.post(f"{base}/change", form(roles=["crew"], crew=str(UUID(int=7))))
    assert changed.status_code == 303
    account = await accounts.by_id(pool, wichai.account_id)
    assert account is not None
    assert (account.login, account.roles, account.crew_id, account.totp_secret) == (
        "wichai",
        ("crew",),
        UUID(int=7),
        None,
    )

    await anan.post(f"{base}/close")
    refused = await faces.browser().post("/demo-sign-in", data={"login": "wichai"})
    assert refused.status_code == 401
    await anan.post(f"{base}/open")
    assert (await faces.browser().post("/demo-sign-in", data={"login": "wichai"})).status_code == 303


def test_the_rules_of_accounts_need_no_database() -> None:
    assert may_manage(["*"], ["anywhere", "*"])
    assert not may_manage(["kalasin"], ["kalasin", "*"])
    asked = wanted(" Nok ", "นก", ["dispatcher", "partner", "root"], ["kalasin", "", "kalasin", "yang"], "")
    assert (asked.login, asked.roles, asked.areas) == ("nok", ("dispatcher",), ("kalasin", "yang"))
    assert faults(asked, ["kalasin"], {}) == {"areas": "areas_not_yours"}


# --- what is in force, fleet, maps, exercises, dead letters, audit ----------------------------------------------------


async def test_the_overview_says_what_is_ready_and_who_listens(faces: Faces, tmp_path: Path) -> None:
    (tmp_path / "subscribers").mkdir()
    told = {"name": "neighbour", "streams": [{"filters": ["karuna.kalasin.dispatch.trip.>"]}], "live": [], "calls": [],
            "added_at": "2026-11-22T03:00:00+00:00"}  # fmt: skip
    (tmp_path / "subscribers" / "neighbour.json").write_text(json.dumps(told))
    settings = faces.running.runtime.settings
    faces.running.runtime.settings = settings.model_copy(update={"subscribers_dir": tmp_path / "subscribers"})
    faces.services.answers |= {
        "GET intake /readyz": {
            "ready": True,
            "wrong": {},
            "warnings": [
                {"code": "stream_full", "of": "INTAKE", "th": "สตรีม INTAKE เต็ม", "en": "stream INTAKE is full"}
            ],
        },
        "GET dispatch /readyz": (503, {"ready": False, "wrong": {"broker": "away"}}),
        "GET intake /metrics": "# TYPE karuna_dead_letters_waiting gauge\nkaruna_dead_letters_waiting 3.0\n",
    }
    anan = await faces.sign_in(Role.ADMIN)
    words = words_of(await anan.get("/admin"))
    for part in ("ยังไม่พร้อม", "broker", "ไม่ตอบ", "สตรีม INTAKE เต็ม", "neighbour", "karuna.kalasin.dispatch.trip.&gt;"):
        assert part in words, part
    letters = words_of(await anan.get("/admin/letters"))
    assert "karuna dead-letters list intake" in letters
    assert letters.count("ยังไม่ทราบ") == 3, "who does not say is not counted as none"
    assert " 3 " in letters
    pack = words_of(await anan.get("/admin/pack"))
    assert "หน่วยต้องตอบคำสั่งภายใน (วินาที) dispatch.order_timeout_s 30 " in pack
    assert "สั่งการเหตุฉุกเฉิน · ขาว (ทั่วไป) dispatch.mode.white ผู้สั่งการยืนยัน" in pack
    codes = words_of(await anan.get("/admin/codes"))
    assert "ยังไม่มีแพทย์" in codes
    assert "ประเภทหน่วยงาน · Kind of agency agency_kind" in codes


@pytest.mark.parametrize("lang", ["th", "en"])
def test_every_setting_of_a_pack_has_a_name_and_a_value_in_words(lang: str) -> None:
    full = Policies.model_validate({"dispatch": {"mode": {"red": "auto"}, "departs_within_s": {"red": 120}}})
    said = policies_said(full, lang)
    assert {name for _, name, _ in said} >= {"dispatch.mode.red", "notify.brand.th", "reports.co2_g_per_km"}
    for called, name, value in said:
        assert called != name, name
        assert value not in {"None", "auto", "confirm", "propose", "off", "full"}, name
    for field in ("choice", "relocation", "day_plan", "on_the_way", "default_mode"):
        for choice in get_args(DispatchPolicies.model_fields[field].annotation):
            assert f"pack.is_{choice}" in texts(), (field, choice)


def test_every_code_list_has_a_name() -> None:
    named = {key.removeprefix("codes.") for key in texts() if key.startswith("codes.")}
    assert named == set(all_lists())


async def test_a_dead_letter_is_looked_at_and_sent_again_by_an_administrator(faces: Faces) -> None:
    letter = {
        "id": str(UUID(int=9)), "subject": "internal.kalasin.intake.call.x.received.v1", "noun": "call",
        "aggregate_id": str(UUID(int=8)), "aggregateseq": 3, "reason": "KeyError in <handlers>", "requeued_at": None,
        "died_at": "2026-11-22T03:00:00+00:00", "times": 2, "closed": False, "readable": True,
    }  # fmt: skip
    one = f"/v1/dead-letters/{letter['id']}"
    faces.services.answers |= {
        "GET registry /v1/dead-letters": {"items": [letter], "next": None},
        f"GET registry {one}": {**letter, "body": {"type": "th.karuna.intake.call.received.v1", "data": "(2 fields)"}},
        f"POST registry {one}/requeue": {"requeued": 1},
        "POST registry /v1/dead-letters/requeue": {"requeued": 1},
    }
    anan, malee = await faces.sign_in(Role.ADMIN, lang="en"), await faces.sign_in(Role.SUPERVISOR)
    listed = await anan.get("/admin/letters")
    assert "KeyError in &lt;handlers&gt;" in listed.text
    assert "22 Nov 2026 10:00" in words_of(listed)
    assert "× 2" in words_of(listed)
    shown = words_of(await anan.get(f"/admin/letters/registry/{letter['id']}"))
    assert "(2 fields)" in shown
    assert "th.karuna.intake.call.received.v1" in shown
    for path in (f"/admin/letters/registry/{letter['id']}/requeue", "/admin/letters/registry/requeue"):
        assert (await anan.post(path)).headers["location"] == "/admin/letters"
        assert (await malee.post(path)).status_code == 403
    assert [asked.claims["role"] for asked in faces.services.of(f"POST registry {one}/requeue")] == ["admin"]
    assert "KeyError" not in (await malee.get("/admin/letters")).text, "supervisors know how many"

    unread = letter | {"aggregate_id": None, "aggregateseq": None, "noun": None, "readable": False}
    faces.services.answers |= {
        "GET registry /v1/dead-letters": {"items": [unread], "next": None},
        f"GET registry {one}": {**unread, "body": "9 bytes that are no JSON"},
        f"POST registry {one}/close": {"closed": 1},
    }
    path = f"/admin/letters/registry/{letter['id']}"
    assert f"{path}/requeue" not in (await anan.get("/admin/letters")).text
    shown = await anan.get(path)
    assert (f"{path}/requeue" in shown.text, f"{path}/close" in shown.text) == (False, True)
    assert "cannot be sent again" in words_of(shown)
    assert (await anan.post(f"{path}/close")).headers["location"] == "/admin/letters"
    assert (await malee.post(f"{path}/close")).status_code == 403
    assert len(faces.services.of(f"POST registry {one}/close")) == 1


async def test_the_fleet_is_put_whole_and_keeps_what_the_form_does_not_show(faces: Faces) -> None:
    crew_id = str(UUID(int=5))
    crew = {"id": crew_id, "area": "kalasin", "kind": "staff", "name": "วีระ", "phone": "+66900000014", "language": "th",
            "line_user_id": "U1", "quiet_from": "21:00", "quiet_until": None, "organisation": None, "station_id": None,
            "skills": {"first_aid": "2027-01-01", "lifting": None}, "active": True, "exercise": False}  # fmt: skip
    faces.services.answers |= {
        "GET dispatch /v1/crew": {"items": [crew], "next": None},
        "GET dispatch /v1/stations": {"items": [], "next": None},
        f"PUT dispatch /v1/crew/{crew_id}": {"id": crew_id, "made": False, "changed": True},
    }
    anan = await faces.sign_in(Role.ADMIN)
    assert "วีระ" in words_of(await anan.get("/admin/fleet/crew"))
    assert (await anan.get("/admin/fleet/helicopter")).status_code == 404
    sent = {
        "area": "kalasin",
        "name": "วีระ เมตตาจิต",
        "kind": "staff",
        "phone": "",
        "skills": ["first_aid"],
        "active": "1",
    }
    put = await anan.post(f"/admin/fleet/crew/{crew_id}", sent)
    assert put.headers["location"] == "/admin/fleet/crew"
    (asked,) = faces.services.of(f"PUT dispatch /v1/crew/{crew_id}")
    assert asked.body == {
        "area": "kalasin", "name": "วีระ เมตตาจิต", "kind": "staff", "phone": None, "organisation": None, "station_id": None,
        "skills": {"first_aid": "2027-01-01"}, "exercise": False, "active": True, "line_user_id": "U1", "language": "th",
        "quiet_from": "21:00", "quiet_until": None,
    }  # fmt: skip
    faces.services.answers[f"PUT dispatch /v1/crew/{crew_id}"] = 422, {
        "code": "invalid", "errors": [{"field": "body.phone", "th": "เบอร์ไม่ถูกต้อง", "en": "no phone"}]
    }  # fmt: skip
    refused = await anan.post(f"/admin/fleet/crew/{crew_id}", {**sent, "phone": "12"})
    assert (refused.status_code, 'id="phone-error"' in refused.text) == (422, True)


def test_call_signs_stand_in_their_order() -> None:
    assert sorted(["K10", "K2", "A1"], key=in_order) == ["A1", "K2", "K10"]


SQUARE = {"type": "Polygon", "coordinates": [[[103.4, 16.4], [103.5, 16.4], [103.5, 16.5], [103.4, 16.4]]]}


def tiles(tmp_path: Path) -> bytes:
    write_tiles(tmp_path / "made.pmtiles", 16.43, 103.5)
    return (tmp_path / "made.pmtiles").read_bytes()


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"[]", "not_geojson"), (b"{", "not_geojson"), (b'{"type": "Point", "coordinates": [200, 1]}', "not_geojson"),
     (b'{"type": "Point", "coordinates": ["a", 1]}', "not_geojson"), (b'{"type": "Evil"}', "not_geojson"),
     (b'{"type": "Point", "coordinates": [1%s, 1]}' % (b"0" * 400), "not_geojson"),
     (b'{"type": "FeatureCollection", "features": []}', "too_many_points"),
     (b"PMTiles\x03" + bytes(200), "not_pmtiles"), (b"PMTiles\x03", "not_pmtiles"), (b" " * 5_000_001, "too_large"),
     (b"[" * 100_000, "not_geojson")],
)  # fmt: skip
def test_what_is_no_map_is_refused(content: bytes, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        maps.check(content, "© somebody")
    assert refused.value.code == code


@pytest.mark.parametrize(
    "broken",
    [lambda map_: map_[:-1], lambda map_: map_[: len(map_) // 2], lambda map_: map_[:-20] + bytes(20),
     lambda map_: map_[:7] + b"\x02" + map_[8:], lambda map_: map_[:97] + b"\x03" + map_[98:],
     lambda map_: map_[:99] + b"\x02" + map_[100:], lambda map_: map_[:127] + bytes(50) + map_[177:]],
)  # fmt: skip
def test_tiles_that_cannot_be_drawn_never_become_the_map(broken: Callable[[bytes], bytes], tmp_path: Path) -> None:
    whole = tiles(tmp_path)
    assert maps.check(whole, "© somebody") == "pmtiles"
    with pytest.raises(Refusal) as refused:
        maps.check(broken(whole), "© somebody")
    assert refused.value.code == "not_pmtiles"


async def test_a_map_is_kept_with_whose_it_is(faces: Faces, tmp_path: Path) -> None:
    anan = await faces.sign_in(Role.ADMIN)
    file = {"file": ("../../evil.geojson", json.dumps(SQUARE).encode())}
    form = {"area": "kalasin", "attribution": "© เทศบาล"}
    kept = await anan.post("/admin/map", form, files=file)
    assert (kept.status_code, "© เทศบาล" in words_of(kept)) == (200, True)
    folder = faces.running.runtime.settings.map_dir
    assert sorted(each.name for each in folder.iterdir()) == ["kalasin.geojson", "kalasin.geojson.json"]
    assert (await anan.post("/admin/map", {**form, "area": "khonkaen"}, files=file)).status_code == 403
    nobody = await anan.post("/admin/map", {**form, "attribution": " "}, files=file)
    assert (nobody.status_code, "ที่มา" in words_of(nobody)) == (422, True)
    assert maps.put(folder, "kalasin", tiles(tmp_path), "© OSM", now_utc()) == "pmtiles"
    with pytest.raises(Refusal):
        maps.put(folder, "../kalasin", tiles(tmp_path), "© OSM", now_utc())


async def test_that_nobody_can_go_is_said_before_an_exercise(faces: Faces) -> None:
    malee = await faces.sign_in(Role.SUPERVISOR)
    real = {"call_sign": "K1", "exercise": False, "duty": "on_duty"}
    asleep = {"call_sign": "X1", "exercise": True, "duty": "off_duty"}
    for units, warned in (([real, asleep], True), ([real, {**asleep, "duty": "on_duty"}], False)):
        faces.services.answers["GET dispatch /v1/units"] = {"items": units, "next": None}
        assert ("ยังไม่มีหน่วยซ้อม" in words_of(await malee.get("/admin/exercise"))) is warned
    del faces.services.answers["GET dispatch /v1/units"]
    assert "ยังไม่มีหน่วยซ้อม" not in words_of(await malee.get("/admin/exercise")), "not known is not none"


async def test_an_exercise_is_ended_where_it_was_begun(faces: Faces) -> None:
    calls = [
        {"id": str(UUID(int=n)), "number": f"KLS-6911-000{n}", "received_at": now_utc().isoformat()} for n in (1, 2)
    ]
    faces.services.answers |= {
        "GET dispatch /v1/units": {"items": [], "next": None}, "GET intake /v1/calls": {"items": calls, "next": None},
        f"POST intake /v1/calls/{UUID(int=1)}/withdraw": (409, {"code": "wrong_state", "th": "จบแล้ว", "en": "over"}),
        f"POST intake /v1/calls/{UUID(int=2)}/withdraw": {"id": str(UUID(int=2))},
    }  # fmt: skip
    malee = await faces.sign_in(Role.SUPERVISOR)
    assert "จบการฝึก" in words_of(await malee.get("/admin/exercise"))
    assert faces.services.of("GET intake /v1/calls")[0].query["exercise"] == "true"
    ended = await malee.post("/admin/exercise/end", {})
    assert ended.status_code in {200, 303}, "one that is over already is no hindrance"
    (asked,) = faces.services.of(f"POST intake /v1/calls/{UUID(int=2)}/withdraw")
    assert asked.body == {"reason": "exercise_ended"}
    faces.services.answers["GET intake /v1/calls"] = {"items": [], "next": None}
    assert 'action="/admin/exercise/end"' not in (await malee.get("/admin/exercise")).text


async def test_an_exercise_is_always_one(faces: Faces) -> None:
    faces.services.answers["POST intake /v1/calls"] = 201, {"id": str(UUID(int=9)), "number": "KLS-6911-0099"}
    malee = await faces.sign_in(Role.SUPERVISOR)
    made = await malee.post("/admin/exercise", {"kind": "fall", "exercise": "false"})
    assert "KLS-6911-0099" in words_of(made)
    (asked,) = faces.services.of("POST intake /v1/calls")
    assert asked.body["exercise"] is True
    assert asked.key
    CallBody.model_validate(asked.body)
    assert (await malee.post("/admin/exercise", {"kind": "war"})).status_code == 422


async def test_the_audit_is_searched_in_every_service_and_here(faces: Faces) -> None:
    anan = await faces.sign_in(Role.ADMIN)
    await anan.post("/admin/accounts", form())
    row = {"id": 1, "at": now_utc().isoformat(), "caller": "somsri", "role": "call_taker", "purpose": "care",
           "act": "read", "noun": "person", "subject_id": str(UUID(int=3)), "detail": {}}  # fmt: skip
    theirs = {**row, "id": 2, "caller": "lamduan", "act": "read_history",
              "detail": {"agency_id": str(UUID(int=7)), "agreement_id": str(UUID(int=8))}}  # fmt: skip
    glass = {**row, "id": 3, "caller": "stranger", "detail": {"agency_id": str(UUID(int=6))}}
    party = {"agency_id": str(UUID(int=7)), "name_th": "โรงพยาบาลตัวอย่าง", "name_en": None}
    own = {"agency_id": None, "name_th": "กาฬสินธุ์", "name_en": None}
    faces.services.answers[f"GET registry /v1/agreements/{UUID(int=8)}"] = {"parties": [own, party]}
    faces.services.answers["GET registry /v1/audit"] = {"items": [row, theirs, glass], "next": None}
    auditor = await faces.sign_in(Role.AUDITOR)
    found = await auditor.post("/admin/audit", {})
    words = words_of(found)
    assert "somsri" in words
    assert "lamduan ผู้รับแจ้ง · โรงพยาบาลตัวอย่าง ดูประวัติ บุคคล" in words, "of which agency, and in words"
    assert "stranger ผู้รับแจ้ง · หน่วยงานอื่น" in words
    assert "somsri ผู้รับแจ้ง เปิดดู" in words
    assert texts()["people.act_make"].th in words, "what administrators did to accounts"
    assert "รับแจ้ง, สั่งการ, แจ้งเตือน" in words, "who did not answer is named"
    (asked,) = faces.services.of("GET registry /v1/audit")
    assert set(asked.query) == {"limit", "from", "to"}
    assert (await auditor.post("/admin/audit", {"subject": "x"})).status_code == 422
    about = await auditor.post("/admin/audit", {"subject": str(UUID(int=3)), "service": "registry"})
    assert about.status_code == 200
    assert set(faces.services.of("GET registry /v1/audit")[-1].query) == {"limit", "subject_id"}


async def test_what_was_looked_at_before_a_long_export_is_on_an_older_page(faces: Faces) -> None:
    at = now_utc()
    row = {"id": 1, "caller": "somsri", "role": "call_taker", "purpose": "care", "noun": "person",
           "subject_id": None, "detail": {}, "act": "export"}  # fmt: skip
    many = [{**row, "at": at.isoformat()} for _ in range(307)]
    first = {**row, "at": (at - timedelta(minutes=1)).isoformat(), "act": "read_history", "caller": "curious"}
    faces.services.answers["GET registry /v1/audit"] = {"items": [first, *many], "next": None}
    auditor = await faces.sign_in(Role.AUDITOR)
    newest = await auditor.post("/admin/audit", {"service": "registry"})
    assert ("1–200 จาก 308" in words_of(newest), "curious" in words_of(newest)) == (True, False)
    assert 'name="skip" value="200"' in newest.text
    older = await auditor.post("/admin/audit", {"service": "registry", "skip": "200"})
    assert ("curious" in words_of(older), 'name="skip"' in older.text) == (True, False)
    await faces.running.sql(
        "insert into audit (at, caller, role, act, noun, detail, areas) select now(), 'person:x', 'admin', 'make', 'account', '{}',"
        " array['kalasin'] from generate_series(1, 600)"
    )
    here = await auditor.post("/admin/audit", {"service": "console"})
    assert re.search(r"1–200 จาก 60\d", words_of(here)), "of the console's own too"


async def test_the_audit_is_asked_by_what_people_know_where_the_auditor_may_look_somebody_up(faces: Faces) -> None:
    who, call = str(UUID(int=3)), str(UUID(int=4))
    faces.services.answers |= {
        "GET registry /v1/audit": {"items": [], "next": None},
        "POST registry /v1/persons/search": lambda asked: {"items": [{"id": who}] * (2 if "name" in asked.body else 1)},
        "POST intake /v1/calls/search": lambda asked: {
            "items": [{"id": call}] if "0017" in asked.body["number"] else []
        },
    }
    malee = await faces.sign_in(Role.AUDITOR, Role.SUPERVISOR)

    async def asked_for(subject: str) -> str:
        answer = await malee.post("/admin/audit", {"subject": subject, "service": "registry"})
        assert answer.status_code == 200, words_of(answer)
        return str(faces.services.of("GET registry /v1/audit")[-1].query["subject_id"])

    assert await asked_for("081-234-5678") == who
    assert await asked_for("kls-6911-๐๐๑๗") == call, "(Thai digits too)"
    [looked_up] = faces.services.of("POST registry /v1/persons/search")
    assert (looked_up.claims["role"], looked_up.purpose) == ("supervisor", "audit")
    for typed, sentence in (("มา ใจดี", "พบหลายคน"), ("KLS-6911-0099", "ไม่พบบุคคลหรือเหตุนี้")):
        refused = await malee.post("/admin/audit", {"subject": typed})
        assert (refused.status_code, sentence in words_of(refused)) == (422, True)
    before = len(faces.services.asked)
    alone = await faces.sign_in(Role.AUDITOR)
    refused = await alone.post("/admin/audit", {"subject": "มา ใจดี"})
    assert (refused.status_code, "ค้นด้วยรหัสเท่านั้น" in words_of(refused)) == (422, True)
    assert len(faces.services.asked) == before, "nobody is looked up by who may not"


async def test_an_auditor_verifies_the_chains_of_every_service_and_reads_what_is_wrong(faces: Faces) -> None:
    whole = {"whole": True, "rows": 1234, "lanes": 2, "before": 0, "anchors": 1, "unreadable": 0,
             "signed_at": now_utc().isoformat(), "faults": [], "more": False}  # fmt: skip
    for service in ("intake", "dispatch", "registry", "notify"):
        faces.services.answers[f"GET {service} /v1/audit/verify"] = whole
    anan, auditor = await faces.sign_in(Role.ADMIN), await faces.sign_in(Role.AUDITOR)
    assert 'action="/admin/audit/verify"' in (await auditor.get("/admin/audit")).text
    assert (await anan.post("/admin/audit/verify")).status_code == 403
    shown = await auditor.post("/admin/audit/verify")
    words = words_of(shown)
    assert ("บันทึกของทุกบริการครบถ้วน" in words, words.count("1,234 แถว 2 สาย")) == (True, 4), words
    assert faces.services.of("GET registry /v1/audit/verify")[-1].purpose == "audit"
    assert len(await faces.running.sql("select from audit where act = 'verify'")) == 1, "and the console its own"

    fault = {"kind": "changed", "th": "แถวถูกแก้", "en": "a row was changed", "lane": 0, "row_id": 77, "count": 1}
    faces.services.answers["GET registry /v1/audit/verify"] = {**whole, "whole": False, "faults": [fault]}
    words = words_of(await auditor.post("/admin/audit/verify"))
    assert ("บันทึกของทุกบริการครบถ้วน" in words, "แถวถูกแก้ · แถวที่ 77" in words) == (False, True), words
    faces.services.answers["GET registry /v1/audit/verify"] = whole
    del faces.services.answers["GET notify /v1/audit/verify"]
    words = words_of(await auditor.post("/admin/audit/verify"))
    assert ("บันทึกของทุกบริการครบถ้วน" in words, "ไม่ตอบ จึงยังไม่ได้ตรวจ" in words) == (False, True), "unknown is not whole"
