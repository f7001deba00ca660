"""Who lives near: asked by POST for a purpose, drawn and listed; nothing of it stands in an address."""

from __future__ import annotations

from typing import Any

import pytest

from services.console.rules.risk_map import drawn
from shared.auth import Role
from shared.geo import Point
from shared.work import new_id
from tests.console.faces import Faces, words_of
from tests.harness import AREA

LAYER, PERSON = new_id(), new_id()
RING = [[103.5, 16.42], [103.52, 16.42], [103.52, 16.44], [103.5, 16.42]]
ZONES = {"type": "FeatureCollection", "features": [
    {"type": "Feature", "properties": {"level": "high"}, "geometry": {"type": "MultiPolygon", "coordinates": [[RING]]}},
]}  # fmt: skip
LINE: dict[str, Any] = {
    "id": str(LAYER), "area": AREA, "kind": "flood", "name": "น้ำท่วมริมปาว", "name_en": None, "source": "x", "public": False,
    "valid_from_on": None, "valid_until_on": None, "version": 1, "changed_at": "2026-11-22T03:00:00Z", "zones": 1,
}  # fmt: skip
FOUND = {"total": 1, "more": False, "items": [
    {"id": str(PERSON), "area": AREA, "name": "ทองดี <b>", "age": {"years": 71, "estimated": False}, "mobility": "stretcher",
     "needs": ["oxygen"], "groups": [{"code": "bedridden", "th": "ผู้ป่วยติดเตียง", "en": "bedridden"}],
     "use": {"code": "home", "th": "บ้าน", "en": "home"}, "lon": 103.51, "lat": 16.425, "distance_m": 0, "verified": True},
]}  # fmt: skip
NEAR = "POST registry /v1/persons/near"


def known(faces: Faces, **more: Any) -> None:
    faces.services.answers |= {
        "GET dispatch /v1/layers": {"items": [{**LINE, **more}], "next": None},
        f"GET dispatch /v1/layers/{LAYER}": {**LINE, "geojson": ZONES},
        NEAR: FOUND,
    }


async def test_the_bedridden_near_a_flood_are_drawn_and_listed_for_a_purpose(faces: Faces) -> None:
    known(faces)
    wichai = await faces.sign_in(Role.DISPATCHER)
    assert "น้ำท่วมริมปาว" in words_of(await wichai.get("/people/near"))
    told = {"group": "bedridden", "layer": str(LAYER), "within_m": "300"}
    assert "เลือกว่าดูเพื่ออะไร" in words_of(await wichai.post("/people/near", told))
    assert faces.services.of(NEAR) == []
    shown = await wichai.post("/people/near", {**told, "purpose": "emergency"})
    [asked] = faces.services.of(NEAR)
    assert (asked.purpose, asked.body) == (
        "emergency", {"within_m": 300, "limit": 200, "groups": ["bedridden"], "geojson": ZONES, "area": AREA},
    )  # fmt: skip
    words = words_of(shown)
    for said in ("พบ 1 คน", "อยู่ในบริเวณ", "ผู้ป่วยติดเตียง", "71 ปี", "ยืนยันแล้ว"):
        assert said in words, said
    assert "ทองดี &lt;b&gt;" in shown.text
    assert f"/people/{PERSON}?purpose=emergency" in shown.text
    assert shown.text.count('class="home"') == 1
    assert 'class="zone high"' in shown.text
    assert (shown.text.count('class="part community"'), shown.text.count('class="part village"')) == (12, 2)
    assert "แนวเขตชุมชนและหมู่บ้าน" in words
    assert str(shown.url).endswith("/people/near")
    assert shown.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({}, "อย่างใดอย่างหนึ่ง"),
        ({"layer": str(LAYER), "point": "16.4, 103.5"}, "อย่างใดอย่างหนึ่ง"),
        ({"layer": "nonsense"}, "อย่างใดอย่างหนึ่ง"),
        ({"point": "ที่ไหนสักแห่ง"}, "อ่านจุดนี้ไม่ได้"),
    ],
)
async def test_either_a_layer_or_a_point_that_can_be_read(faces: Faces, form: dict[str, str], sentence: str) -> None:
    known(faces)
    orathai = await faces.sign_in(Role.CASE_MANAGER)
    answer = await orathai.post("/people/near", {**form, "purpose": "case_work"})
    assert (answer.status_code, sentence in words_of(answer)) == (422, True)


async def test_a_point_is_asked_as_it_was_typed_and_a_layer_that_is_over_is_not_offered(faces: Faces) -> None:
    known(faces, valid_until_on="2020-01-01")
    orathai = await faces.sign_in(Role.CASE_MANAGER)
    assert "น้ำท่วมริมปาว" not in words_of(await orathai.get("/people/near"))
    shown = await orathai.post("/people/near", {"point": "๑๖.๔๒๕, 103.51", "within_m": "500", "purpose": "case_work"})
    assert faces.services.of(NEAR)[0].body == {"within_m": 500, "limit": 200, "point": {"lat": 16.425, "lon": 103.51}}
    assert (shown.text.count('class="around"'), shown.text.count('class="home"')) == (1, 1)
    faces.services.answers[NEAR] = 422, {"code": "too_large_area", "th": "พื้นที่ใหญ่เกินไป"}
    refused = await orathai.post("/people/near", {"point": "16.4, 103.5", "purpose": "case_work"})
    assert (refused.status_code, "พื้นที่ใหญ่เกินไป" in words_of(refused)) == (422, True)


def test_a_part_is_drawn_with_dots_where_they_lie() -> None:
    around = [Point(103.5, 16.4), Point(103.51, 16.41)]
    picture = drawn([], [], [], [Point(103.505, 16.405)], around)
    [(x, y)] = picture.dots
    assert (round(x), round(y)) == (500, round(picture.height / 2))
    assert picture.metre == pytest.approx(920 / (0.01 * 111_320 * 0.9592), rel=0.01)
