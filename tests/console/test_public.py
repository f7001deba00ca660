"""Public pages: a request is passed on once, nothing is guessed or forged, figures hide small cells."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from services.console.pages import risks
from services.console.public_forms import FormKey
from services.console.rules.asking import Wrong, call_of
from services.console.rules.openly import LEAST_TOLD, mean_score, standards
from services.console.store import promises
from shared.auth import Role
from shared.work import new_id, now_utc
from tests.console.faces import BASE, Faces, words_of
from tests.harness import AREA

NOW = datetime(2026, 11, 22, 3, tzinfo=UTC)
HELP = {"kind": "medical", "complaint": "ปวดท้องมาก", "landmark": "หน้าวัดกลาง", "phone": "081-999-1234"}
TAKEN = {"id": str(new_id()), "number": "KLS-6911-0007", "tracking_code": "7K3M-Q9RT-X", "severity": "yellow"}
CALLS = "POST intake /v1/calls"


async def key(browser: httpx.AsyncClient, path: str = "/public/kalasin/ask") -> str:
    page = await browser.get(path)
    assert page.status_code == 200, page.text[-500:]
    found = re.search(r'name="key" value="([^"]+)"', page.text)
    assert found
    return found[1]


async def test_a_request_is_passed_on_once_however_often_it_is_sent(faces: Faces) -> None:
    faces.services.answers[CALLS] = 201, TAKEN
    browser = faces.browser()
    form = {**HELP, "key": await key(browser)}
    first = await browser.post("/public/kalasin/ask", data=form)
    assert "KLS-6911-0007" in words_of(first)
    assert "7K3M-Q9RT-X" in words_of(first)
    assert "7K3M" not in str(first.url)
    await browser.post("/public/kalasin/ask", data=form, headers={"origin": BASE})
    one, two = faces.services.of(CALLS)
    assert one.key == two.key, "intake does it once"
    assert (one.claims["role"], one.claims["areas"], one.claims["sub"]) == ("partner", ["kalasin"], "@public")
    assert (one.body["channel"], one.body["kind"], one.body["caller"]["phone"]) == ("web", "medical", "081-999-1234")
    fresh = {**HELP, "key": await key(browser)}
    await browser.post("/public/kalasin/ask", data=fresh)
    assert faces.services.of(CALLS)[-1].key != one.key


async def test_what_is_missing_or_hostile_is_said_and_nothing_is_sent(faces: Faces) -> None:
    browser = faces.browser()
    good = await key(browser)
    evil = '"><script>alert(1)</script>'
    wrong = await browser.post("/public/kalasin/ask", data={"key": good, "name": evil, "phone": "12", "community": ""})
    assert wrong.status_code == 422
    assert evil not in wrong.text
    for sentence in ("เบอร์โทรศัพท์ที่ติดต่อกลับได้", "จุดสังเกต", "เกิดอะไรขึ้น"):
        assert sentence in words_of(wrong)
    assert 'href="#phone"' in wrong.text
    old = FormKey(b"x").make(NOW)
    for refused in ({"key": "made-up"}, {"key": old}, {}, {"key": good, "website": "http://buy"}):
        answer = await browser.post("/public/kalasin/ask", data={**HELP, **refused})
        assert (answer.status_code, "เก่าเกินไป" in words_of(answer)) == (422, True), refused
    other = {**HELP, "key": await key(browser)}
    foreign = await browser.post("/public/kalasin/ask", data=other, headers={"origin": "https://evil.example"})
    assert foreign.status_code == 422
    assert faces.services.asked == []


async def test_robots_are_slowed_and_the_number_to_ring_is_said(faces: Faces) -> None:
    faces.services.answers[CALLS] = 201, TAKEN
    browser = faces.browser()
    answers = [await browser.post("/public/kalasin/ask", data={**HELP, "key": await key(browser)}) for _ in range(13)]
    assert [each.status_code for each in answers] == [200] * 12 + [429]
    words = words_of(answers[-1])
    assert ("ยังไม่ได้ส่ง" in words, "กรุณาแก้ไข" in words) == (True, False), "nothing there is the citizen's to correct"
    faces.services.answers["POST intake /v1/track"] = 429, {"code": "too_many", "th": "x", "en": "x"}
    tracked = await browser.post("/public/kalasin/track", data={"code": "7K3M-Q9RT-X", "phone_last4": "1234"})
    assert (tracked.status_code, "ลองหลายครั้งเกินไป" in words_of(tracked)) == (429, True)


async def test_the_stage_and_nothing_else(faces: Faces) -> None:
    stage = {"stage": "done", "th": "ช่วยเหลือแล้ว", "en": "helped", "since": "2026-11-22T03:00:00Z"}
    faces.services.answers |= {"POST intake /v1/track": stage, "POST notify /v1/ratings": (201, {"rated": True})}
    browser = faces.browser()
    shown = await browser.post("/public/kalasin/track", data={"code": "7K3M-Q9RT-X", "phone_last4": "1234"})
    assert "ช่วยเหลือเสร็จสิ้น" in words_of(shown), "the word of the code list"
    assert "/rate" in shown.text, "help that is over may be rated"
    proof = {"code": "7K3M-Q9RT-X", "phone_last4": "1234"}
    unsaid = await browser.post("/public/kalasin/rate", data=proof)
    assert (unsaid.status_code, "กรุณาเลือกคะแนน" in words_of(unsaid)) == (422, True)
    rated = await browser.post("/public/kalasin/rate", data={**proof, "score": "1", "comment": "รอนาน"})
    assert "จะโทรหาท่าน" in words_of(rated)
    (said,) = faces.services.of("POST notify /v1/ratings")
    assert said.body == {**proof, "score": 1, "comment": "รอนาน"}
    assert said.claims == {}, "no token: code and digits are the proof"
    faces.services.answers["POST intake /v1/track"] = 404, {"code": "not_found", "th": "x", "en": "x"}
    unknown = await browser.post("/public/kalasin/track", data=proof)
    assert (unknown.status_code, "ไม่พบเรื่องที่ตรงกับรหัสและเลขท้ายนี้" in words_of(unknown)) == (404, True)


async def test_figures_are_asked_once_and_a_service_that_is_away_is_said(faces: Faces) -> None:
    browser = faces.browser(lang="en")
    away = await browser.get("/public/sample/figures")
    assert "Not known now" in words_of(away)
    rows = {
        "calls": [{"by": "all", "value": "all", "calls": 40}, {"by": "lane", "value": "emergency", "calls": None}],
        "barriers": [{"barrier": "money", "asked": 12, "met": 8, "unmet": None, "open": None}],
        "ratings": [{"score": 5, "ratings": 9}, {"score": 4, "ratings": 6}],
    }
    faces.services.answers |= {f"GET intake /v1/reports/{kpi}": {"rows": found} for kpi, found in rows.items()}
    response = {"severity": "red", "trips": 20, "within_8_min": 9, "within_10_min": 17, "to_scene_missing": 0}
    faces.services.answers |= {
        "GET dispatch /v1/reports/response_times": {"rows": [response]},
        "GET dispatch /v1/reports/trips": {"rows": [{"status": "completed", "trips": 3}]},
    }
    for path in ("figures", "outcomes", "story"):
        page = words_of(await browser.get(f"/public/sample/{path}"))
        assert "45 %" in page, path
        assert "withheld" in page
    assert len(faces.services.of("GET intake /v1/reports/calls")) == 2, "kept for some minutes"
    asked = faces.services.of("GET intake /v1/reports/calls")[-1]
    assert (asked.claims["role"], asked.query["area"]) == ("auditor", "sample")


async def test_promises_are_kept_by_those_who_answer_for_them(faces: Faces) -> None:
    fields = {"title_th": "ถึงใน 8 นาที <b>", "title_en": "There in 8 minutes", "target": "80", "progress": "52"}
    for role in (Role.DISPATCHER, Role.CREW, Role.AUDITOR):
        assert (await (await faces.sign_in(role)).post("/public/promises/edit", fields)).status_code == 403
    malee = await faces.sign_in(Role.SUPERVISOR)
    assert (await malee.post("/public/promises/edit", {**fields, "title_en": ""})).status_code == 422
    assert (await malee.post("/public/promises/edit", {**fields, "progress": "-1"})).status_code == 422
    assert (await malee.post("/public/promises/edit", fields)).status_code == 303
    shown = await faces.browser().get("/public/promises")
    assert "52 / 80" in words_of(shown)
    assert "&lt;b&gt;" in shown.text
    (row,) = await promises.listed(faces.running.runtime.pool, AREA)
    other = await faces.sign_in(Role.SUPERVISOR, areas=("sample",))
    await other.post("/public/promises/edit", {**fields, "id": str(row["id"]), "title_th": "ของคนอื่น"})
    await other.post("/public/promises/edit/drop", {"id": str(row["id"])})
    (same,) = await promises.listed(faces.running.runtime.pool, AREA)
    assert same["title_th"] == fields["title_th"], "another municipality's promise stays as it is"
    await malee.post("/public/promises/edit/drop", {"id": str(row["id"])})
    assert await promises.listed(faces.running.runtime.pool, AREA) == []


@pytest.mark.parametrize(("path", "centre"), [("/public", "ศูนย์กู้ชีพกู้ภัย 1132"), ("/public?lang=en", "1132 Emergency")])
async def test_a_centre_that_is_called_by_its_number_is_not_called_twice(faces: Faces, path: str, centre: str) -> None:
    foot = (await faces.browser().get(path)).text.partition("<footer")[2]
    assert centre in foot
    assert re.sub(r"<[^>]+>", "", foot).count("1132") == 1


@pytest.mark.parametrize("path", ["/public/nowhere", "/public/nowhere/ask", "/public/nowhere/story"])
async def test_a_place_that_is_not_served_is_said(faces: Faces, path: str) -> None:
    answer = await faces.browser().get(path)
    assert (answer.status_code, "1669" in words_of(answer)) == (404, True)


# --- rules -----------------------------------------------------------------------


def test_a_ride_takes_day_and_time_in_either_era() -> None:
    typed = {"phone": "0819991234", "community": "ชุมชน", "destination": "รพ.", "time": "09.30", "back": "1"}
    for on in ("5/12/2569", "2026-12-05", "๕/๑๒/๒๕๖๙"):
        body = call_of("ride", {**typed, "on": on}, NOW)
        assert body["appointment"] == {"at": "2026-12-05T02:30:00+00:00", "return_trip": True}
        assert (body["lane"], body["kind"]) == ("booked", "transfer")


@pytest.mark.parametrize(
    ("change", "field"),
    [({"on": "31/2/2569"}, "on"), ({"on": "21/11/2569"}, "on"), ({"time": "25:00"}, "time"), ({"destination": " "}, "destination"),
     ({"age": "เก้า"}, "age"), ({"phone": ""}, "phone"), ({"community": ""}, "landmark")],
)  # fmt: skip
def test_each_fault_is_said_at_its_field(change: dict[str, str], field: str) -> None:
    typed = {"phone": "0819991234", "community": "ชุมชน", "destination": "รพ.", "time": "09:30", "on": "5/12/2569"}
    with pytest.raises(Wrong) as wrong:
        call_of("ride", {**typed, **change}, NOW)
    assert [name for name, _ in wrong.value.fields] == [field]


def test_a_form_is_good_for_some_hours_and_only_with_its_seal() -> None:
    forms = FormKey(b"secret")
    made = forms.make(NOW)
    assert forms.read(made, NOW) == made.split(".")[0]
    assert forms.read(made, NOW + timedelta(hours=13)) is None
    assert forms.read(made.replace(".", "0.", 1), NOW) is None
    assert FormKey(b"other").read(made, now_utc()) is None


def test_a_standard_is_told_only_where_nobody_can_be_recognised() -> None:
    def row(trips: int, met: int) -> dict[str, Any]:
        return {"severity": "red", "trips": trips, "within_8_min": met, "within_10_min": met, "to_scene_missing": 0}

    assert standards([row(20, 9)])[0].percent == 45
    assert standards([row(20, 0)])[0].percent == 0
    nearly, hardly = standards([row(18, 16)])[0], standards([row(18, 2)])[0]
    assert (nearly.percent, nearly.at_least, nearly.at_most) == (None, 77, None), "what 14 of 18 would be"
    assert (hardly.percent, hardly.at_least, hardly.at_most) == (None, None, 23), "what 4 of 18 would be"
    for small in (row(4, 0), row(20, 2), row(20, 18)):
        assert standards([small])[0].percent is None, small
    assert mean_score([{"score": 5, "ratings": LEAST_TOLD}]) == (5.0, LEAST_TOLD)
    assert mean_score([{"score": 5, "ratings": 9}, {"score": 1, "ratings": None}]) is None


ZONE = {
    "type": "Feature", "properties": {"level": "high", "name": "ริมน้ำปาว", "advice": "ยกของขึ้นที่สูง", "advice_en": "lift things up"},
    "geometry": {"type": "MultiPolygon", "coordinates": [[[[103.5, 16.42], [103.52, 16.42], [103.52, 16.44], [103.5, 16.42]]]]},
}  # fmt: skip
LAYER = {
    "id": str(new_id()), "area": AREA, "kind": "flood", "name": "น้ำท่วม", "name_en": "Floods", "source": "งานป้องกันฯ",
    "public": True, "valid_from_on": "2020-01-01", "valid_until_on": "2099-12-31", "version": 1, "changed_at": NOW.isoformat(), "zones": 1,
}  # fmt: skip
LAYERS, ONE = "GET dispatch /v1/layers", f"GET dispatch /v1/layers/{LAYER['id']}"


@pytest.fixture
def no_layers_known() -> None:
    risks._kept.clear()


@pytest.mark.usefixtures("no_layers_known")
async def test_the_risk_map_is_drawn_and_said_in_words(faces: Faces) -> None:
    over = {**LAYER, "id": str(new_id()), "name": "ปีก่อน", "valid_until_on": "2020-01-01"}
    faces.services.answers |= {
        LAYERS: (200, {"items": [LAYER, over], "next": None}),
        ONE: (200, {**LAYER, "geojson": {"type": "FeatureCollection", "features": [ZONE]}}),
    }
    shown = await faces.browser().get("/public/kalasin/risks")
    words = words_of(shown)
    assert ("ริมน้ำปาว" in words, "ยกของขึ้นที่สูง" in words, "เสี่ยงสูง" in words) == (True, True, True)
    assert "ปีก่อน" not in words
    assert "2642" in words, "its last day, in the years of the Buddhist era"
    assert shown.text.count('class="zone high" d="M') == 1
    assert shown.text.count('class="part community" d="M') == 12
    [asked] = faces.services.of(LAYERS)
    assert (asked.claims["role"], asked.claims["areas"]) == ("partner", [AREA]), "it sees what everybody may see"
    await faces.browser().get("/public/kalasin/risks")
    assert len(faces.services.of(LAYERS)) == 1, "a village at once is one question"


@pytest.mark.usefixtures("no_layers_known")
async def test_a_risk_map_that_nobody_knows_is_not_said_to_be_empty(faces: Faces) -> None:
    faces.services.answers[LAYERS] = 503, {}
    assert "ไม่มีประกาศบริเวณเสี่ยง" not in words_of(await faces.browser().get("/public/kalasin/risks"))
    faces.services.answers[LAYERS] = 200, {"items": [], "next": None}
    assert "ไม่มีประกาศบริเวณเสี่ยง" in words_of(await faces.browser().get("/public/kalasin/risks"))
    assert (await faces.browser().get("/public/nowhere/risks")).status_code == 404
