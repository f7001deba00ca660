"""Agreements are made, signed and ended, and everybody who cares reads who would see what by them."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from services.console.pages.sharing import by_class, field_words, place_name, state_of
from services.console.texts import texts
from services.registry.rules.fields import FIELDS
from shared.auth import Role
from shared.codes.codes import code_list
from shared.thai.dates import local_day
from shared.work import now_utc
from tests.console.faces import Faces, words_of

DEAL, HOSPITAL, NURSE = (str(UUID(int=n)) for n in (0xA1, 0xA2, 0xA3))
AT = "2026-11-22T03:00:00Z"


def label(list_id: str, code: str) -> dict[str, str]:
    codes = code_list(list_id)
    return {"code": code, "th": codes.label(code), "en": codes.label(code, "en")}


def sight(kind: str, fields: list[str], *, sensitive: bool = False, consent: bool = False) -> dict[str, Any]:
    return {"agency_id": HOSPITAL, "agency_th": "รพ. ดอน", "agency_en": None, "purpose": label("purpose", "care"),
            "roles": ["case_manager"], "field_class": label("field_class", kind), "sensitive": sensitive,
            "fields": fields, "basis": label("legal_basis", "s24_4"), "needs_consent": consent}  # fmt: skip


def deal(**changes: Any) -> dict[str, Any]:
    party = {"agency_id": None, "municipality": "kalasin", "name_th": "เทศบาล kalasin", "name_en": "kalasin",
             "signed_at": None, "paper": None}  # fmt: skip
    other = {**party, "agency_id": HOSPITAL, "municipality": None, "name_th": "รพ. ดอน", "name_en": None}
    return {"id": DEAL, "area": "kalasin", "title_th": "<b>ดูแลร่วม", "title_en": None, "parties": [party, other],
            "areas": ["kalasin", "460101"], "purposes": [label("purpose", "care")], "bases": [label("legal_basis", "s24_4")],
            "field_class": label("field_class", "restricted"), "from_on": "2026-01-01", "until_on": None,
            "ended_on": None, "works": False, "lacking": ["not_signed"], **changes}  # fmt: skip


def known(faces: Faces, **changes: Any) -> None:
    nurse = {"id": NURSE, "name": "พยาบาลดวงใจ", "phone": "+66811111111", "duty": "coordinator", "crew_id": None,
             "from_on": "2026-01-01", "until_on": None}  # fmt: skip
    agency = {"id": HOSPITAL, "kind": label("agency_kind", "hospital"), "name_th": "รพ. ดอน", "name_en": None,
              "areas": ["kalasin"], "municipality": None, "from_on": "2026-01-01", "until_on": None,
              "coordinators": [nurse]}  # fmt: skip
    listed = {name: value for name, value in deal(**changes).items() if name in {
        "id", "area", "title_th", "title_en", "from_on", "until_on", "ended_on", "works"}}  # fmt: skip
    sights = [sight("restricted", ["person.mobility", "case.status"], sensitive=True, consent=True),
              sight("shared", ["person.name", "person.age"])]  # fmt: skip
    at = f"/v1/agreements/{DEAL}"
    faces.services.answers |= {
        "GET registry /v1/agreements": {"items": [{**listed, "agency_ids": [HOSPITAL], "municipalities": ["kalasin"],
                                                   "signed": 0}], "next": None},
        "POST registry /v1/agreements": (201, deal()),
        f"GET registry {at}": deal(**changes),
        f"GET registry {at}/effect": {"agreement_id": DEAL, "areas": ["kalasin"], "works": False,
                                      "lacking": ["not_signed"], "sights": sights},
        f"POST registry {at}/sign": deal(), f"POST registry {at}/end": deal(),
        "GET registry /v1/agencies": {"items": [agency], "next": None},
        f"PUT registry /v1/agencies/{HOSPITAL}": (204, ""),
        f"PUT registry /v1/agencies/{HOSPITAL}/coordinators/{NURSE}": (204, ""),
    }  # fmt: skip


def test_every_field_and_every_lack_has_its_words() -> None:
    lacking = [f"{set_}.{name}" for set_, fields in FIELDS.items() for name in fields
               if field_words(f"{set_}.{name}", "th") == f"{set_}_{name}"]  # fmt: skip
    assert lacking == []
    assert {f"sharing.lack_{code}" for code in ("not_signed", "not_yet", "expired")} <= texts().keys()
    assert (place_name("460101", "th"), place_name("kalasin", "th")) == ("ต.กาฬสินธุ์", "kalasin")


def test_the_effect_goes_from_what_everybody_knows_to_what_is_guarded_most() -> None:
    sights = [sight("restricted", ["person.mobility"], sensitive=True), sight("shared", ["person.name"]),
              sight("restricted", ["person.birth_on", "person.birth_year"]), sight("public", ["person.id"])]  # fmt: skip
    rows = by_class(sights, "en")
    assert [(row.field_class["code"], row.sensitive, row.fields) for row in rows] == [
        ("public", False, ("id in the register",)), ("shared", False, ("name",)),
        ("restricted", False, ("date of birth",)), ("restricted", True, ("mobility",))]  # fmt: skip


def test_how_an_agreement_stands() -> None:
    today = date(2026, 11, 23)
    cases = (({"works": True}, "works"), ({}, "not_signed"), ({"from_on": "2027-01-01"}, "not_yet"),
             ({"until_on": "2026-11-22"}, "expired"), ({"ended_on": "2026-11-23"}, "expired"))  # fmt: skip
    for changes, state in cases:
        assert state_of(deal(**changes), today) == state, changes


async def test_who_would_see_what_is_read_before_a_supervisor_signs(faces: Faces) -> None:
    known(faces)
    orathai, malee = await faces.sign_in(Role.CASE_MANAGER), await faces.sign_in(Role.SUPERVISOR)
    over = await orathai.get("/sharing")
    words = words_of(over)
    for part in ("ลงนาม 0 จาก 2", "ลงนามไม่ครบ", "พยาบาลดวงใจ", "รพ. ดอน"):
        assert part in words, part
    assert ("<b>ดูแลร่วม" in over.text, "ทำข้อตกลงใหม่" in words) == (False, False)
    at = f"/sharing/agreements/{DEAL}"
    words = words_of(await orathai.get(at))
    for part in ("ใครจะเห็นอะไร", "อ่อนไหว (ม.26)", "การเคลื่อนไหว, เคส", "เมื่อเจ้าของข้อมูลยินยอมแล้ว", "ลงนามไม่ครบทั้งสองฝ่าย",
                 "เทศบาลเมืองกาฬสินธุ์, ต.กาฬสินธุ์", "ผู้จัดการรายกรณี"):  # fmt: skip
        assert part in words, part
    whom = "ของทุกคนในทะเบียนที่อยู่ในพื้นที่นี้ ไม่จำกัดเฉพาะกลุ่มใด"
    assert words.index("ใครจะเห็นอะไร") < words.index(whom) < words.index("เนื้อหา (แก้ไข") < words.rindex(whom)
    assert "ข้อตกลงครอบคลุมทุกคนในทะเบียนของพื้นที่" in words_of(await malee.get("/sharing/agreements/new"))
    assert words.index("ใช้ร่วมกันได้") < words.index("การเคลื่อนไหว")
    assert "ลงนามในนามเทศบาล" not in words
    assert "ลงนามในนามเทศบาล" in words_of(await malee.get(at))
    await malee.post(f"{at}/sign", {"municipality": "kalasin"})
    await malee.post(f"{at}/sign", {"agency_id": HOSPITAL, "paper": " mou-1 "})
    bodies = [each.body for each in faces.services.of(f"POST registry /v1/agreements/{DEAL}/sign")]
    assert bodies == [{"municipality": "kalasin", "agency_id": None, "paper": None},
                      {"municipality": None, "agency_id": HOSPITAL, "paper": "mou-1"}]  # fmt: skip
    faces.services.answers[f"POST registry /v1/agreements/{DEAL}/end"] = 409, {"th": "ข้อตกลงนี้สิ้นสุดแล้ว", "en": "x"}
    late = await malee.post(f"{at}/end", {"reason": "law"})
    assert (late.status_code, "ข้อตกลงนี้สิ้นสุดแล้ว" in words_of(late)) == (409, True)
    known(faces, ended_on="2026-11-22", lacking=["expired"])
    words = words_of(await malee.get(at))
    assert ("สิ้นสุดแล้ว" in words, "ลงนามในนามเทศบาล" in words) == (True, False)
    auditor = await faces.sign_in(Role.AUDITOR)
    assert 'href="/sharing"' in (await auditor.get("/admin/accounts")).text, "who has no entry for people comes by this"
    before = len(faces.services.of("GET registry /v1/agencies"))
    assert (await auditor.get("/sharing")).status_code == 200
    assert len(faces.services.of("GET registry /v1/agencies")) == before, "not an auditor's to ask"


async def test_an_agency_reads_the_effect_and_signs_for_itself_alone(faces: Faces) -> None:
    known(faces)
    theirs = await faces.sign_in(Role.SUPERVISOR, agency_id=UUID(HOSPITAL))
    at = f"/sharing/agreements/{DEAL}"
    assert "ทำข้อตกลงใหม่" not in words_of(await theirs.get("/sharing"))
    words = words_of(await theirs.get(at))
    for part, there in (("ใครจะเห็นอะไร", True), ("ลงนามในนามหน่วยงานของเรา", True), ("ลงนามในนามเทศบาล", False),
                        ("เลขที่เอกสารที่ฝ่ายนั้นลงนาม", False)):  # fmt: skip
        assert (part in words) is there, part
    await theirs.post(f"{at}/sign", {"municipality": "kalasin", "agency_id": "x", "paper": "y"})
    (asked,) = faces.services.of(f"POST registry /v1/agreements/{DEAL}/sign")
    assert (asked.body, asked.claims["agency_id"]) == ({}, HOSPITAL)
    for path in ("/sharing/agreements/new", "/sharing/agencies/new", "/cases", "/cases/lessons", "/people/duplicates"):
        assert (await theirs.get(path)).status_code == 403, path


async def test_an_agreement_is_made_with_days_of_either_era_and_what_is_missing_is_named(faces: Faces) -> None:
    known(faces)
    malee = await faces.sign_in(Role.SUPERVISOR)
    assert "รพ. ดอน" in words_of(await malee.get("/sharing/agreements/new"))
    form = {"title_th": "ดูแลร่วม", "area": "kalasin", "agency_ids": [HOSPITAL], "areas": ["460101"], "purposes": ["care"],
            "field_class": "shared", "bases": ["s24_4", "consent"], "from_on": "1/1/2570", "key": "abcdefgh-1"}  # fmt: skip
    for wrong, sentence in (({"agency_ids": []}, "เลือกหน่วยงาน"), ({"from_on": "31/2/2570"}, "ไม่มีวันที่"),
                            ({"purposes": []}, "เลือกวัตถุประสงค์")):  # fmt: skip
        refused = await malee.post("/sharing/agreements", {**form, **wrong})
        assert (refused.status_code, 'value="ดูแลร่วม"' in refused.text) == (422, True), wrong
        assert sentence in words_of(refused) or wrong == {"from_on": "31/2/2570"}, wrong
    made = await malee.post("/sharing/agreements", form)
    assert made.headers["location"] == f"/sharing/agreements/{DEAL}"
    (asked,) = faces.services.of("POST registry /v1/agreements")
    assert (asked.key, asked.body["from_on"], asked.body["until_on"], asked.body["bases"]) == (
        "abcdefgh-1", "2027-01-01", None, ["s24_4", "consent"])  # fmt: skip


async def test_an_agency_and_whom_to_ring_there_are_kept_and_who_left_ends_yesterday(faces: Faces) -> None:
    known(faces)
    anan = await faces.sign_in(Role.ADMIN)
    at = f"/sharing/agencies/{HOSPITAL}"
    shown = await anan.get(at)
    assert ("พยาบาลดวงใจ" in words_of(shown), 'value="1/1/2569"' in shown.text) == (True, True)
    assert (await anan.post(at, {"name_th": "", "areas": ["kalasin"], "from_on": "1/1/2569"})).status_code == 422
    form = {
        "name_th": "รพ. ดอน",
        "kind": "hospital",
        "areas": ["kalasin"],
        "municipality": "kalasin",
        "from_on": "1/1/2569",
    }
    assert (await anan.post(at, form)).headers["location"] == at
    (put,) = faces.services.of(f"PUT registry /v1/agencies/{HOSPITAL}")
    assert put.body == {"name_th": "รพ. ดอน", "name_en": None, "kind": "hospital", "areas": ["kalasin"],
                        "municipality": None, "from_on": "2026-01-01", "until_on": None}  # fmt: skip
    await anan.post(f"{at}/coordinators/{NURSE}/left")
    (left,) = faces.services.of(f"PUT registry /v1/agencies/{HOSPITAL}/coordinators/{NURSE}")
    assert (left.body["name"], date.fromisoformat(left.body["until_on"]) < local_day(now_utc())) == (
        "พยาบาลดวงใจ",
        True,
    )
    wrong = await anan.post(f"{at}/coordinators", {"name": "x", "phone": "12"})
    assert (wrong.status_code, 'value="12"' in wrong.text) == (422, True), "refused by the registry, and typed again"
