"""Risk maps: published by version, seen by whom they concern, and whoever goes into a zone is warned."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from shared.thai.dates import local_day
from shared.work import new_id, now_utc
from tests.dispatch.conftest import HERE, Town
from tests.harness import AREA, bearer


def around(lon: float, lat: float, half: float = 0.01) -> list[list[float]]:
    west, east, south, north = lon - half, lon + half, lat - half, lat + half
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def zone(*rings: list[list[float]], **said: Any) -> dict[str, Any]:
    return {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [*rings]}, "properties": said}


TOO_FAR: list[list[float]] = [[10**400, 16], [104, 16], [104, 17], [10**400, 16]]
"""Beyond what a float can hold."""
HERE_HIGH = zone(
    around(*HERE), level="high", name="ริมน้ำ", advice="ระวังน้ำเชี่ยว ใช้เรือ", advice_en="strong current, take a boat"
)
WIDE_LOW = zone(around(*HERE, 0.05), level="low")
ELSEWHERE = zone(around(HERE[0] + 1, HERE[1]))
WITH_A_HOLE = zone(around(*HERE, 0.05), around(*HERE, 0.02), level="high")


def layer(*zones: dict[str, Any], **changes: Any) -> dict[str, Any]:
    drawn = {"type": "FeatureCollection", "features": list(zones)}
    return {"area": AREA, "kind": "flood", "name": "น้ำท่วม 2569", "source": "งานป้องกันฯ", "geojson": drawn, **changes}


async def put(town: Town, body: dict[str, Any], layer_id: Any = None, status: int = 201) -> Any:
    path = f"/v1/layers/{layer_id or new_id()}"
    headers = {**town.desk, "content-type": "application/json"}
    answer = await town.running.client.put(path, content=json.dumps(body), headers=headers)
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_whoever_goes_into_a_zone_is_warned_the_gravest_first(town: Town) -> None:
    await town.unit()
    await put(town, layer(WIDE_LOW, HERE_HIGH, ELSEWHERE))
    await put(town, layer(WITH_A_HOLE, kind="fire", name="ไฟป่า"))
    risks = (await town.trip(await town.call()))["risks"]
    assert [(risk["kind"], risk["level"], risk["end"]) for risk in risks] == [
        ("flood", "high", "pickup"), ("flood", "low", "pickup"),
    ]  # fmt: skip
    assert (risks[0]["zone"], risks[0]["advice"]) == ("ริมน้ำ", "ระวังน้ำเชี่ยว ใช้เรือ")
    assert risks[0]["advice_en"] == "strong current, take a boat"


async def test_the_order_itself_says_what_its_crew_is_warned_of(town: Town) -> None:
    await town.unit(volunteer=True)
    await put(town, layer(WIDE_LOW, HERE_HIGH, ELSEWHERE))
    await put(town, layer(zone(around(*HERE), level="medium"), kind="crime", name="จุดเสี่ยง"))
    await town.call(severity="green")
    await town.unit(2)
    await town.call()
    for name in ("offered", "ordered"):
        [said] = await town.running.said(f"dispatch.assignment.{name}")
        assert said["data"]["private"]["risks"] == [
            {"kind": "flood", "level": "high"}, {"kind": "crime", "level": "medium"},
        ], "each kind once, the gravest first"  # fmt: skip


async def test_a_crew_reads_it_with_its_own_trip(town: Town) -> None:
    unit = await town.unit()
    await put(town, layer(HERE_HIGH))
    await town.call()
    [trip] = (await town.get("/v1/trips", headers=unit.headers))["items"]
    assert [risk["zone"] for risk in trip["risks"]] == ["ริมน้ำ"]


async def test_a_layer_warns_on_its_days_and_until_it_is_taken_away(town: Town) -> None:
    await town.unit()
    today, day = local_day(now_utc()), timedelta(days=1)
    over = {"valid_until_on": (today - day).isoformat()}
    later = {"valid_from_on": (today + 2 * day).isoformat()}
    now = {"valid_from_on": (today - day).isoformat(), "valid_until_on": (today + 2 * day).isoformat()}
    for days in (over, later):
        await put(town, layer(HERE_HIGH, **days))
    call = await town.call()
    assert (await town.trip(call))["risks"] == []
    standing = new_id()
    await put(town, layer(HERE_HIGH, **now), standing)
    assert len((await town.trip(call))["risks"]) == 1
    gone = await town.running.client.delete(f"/v1/layers/{standing}", headers=town.desk)
    assert gone.status_code == 204
    assert (await town.trip(call))["risks"] == []
    again = await town.running.client.delete(f"/v1/layers/{standing}", headers=town.desk)
    assert again.status_code == 404


async def test_a_new_version_is_said_once_and_the_same_again_changes_nothing(town: Town) -> None:
    layer_id = new_id()
    assert await put(town, layer(HERE_HIGH), layer_id) == {"id": str(layer_id), "made": True, "changed": True}
    assert (await put(town, layer(HERE_HIGH), layer_id, 200))["changed"] is False
    assert (await put(town, layer(HERE_HIGH, ELSEWHERE), layer_id, 200))["changed"] is True
    assert (await put(town, layer(HERE_HIGH, ELSEWHERE, public=True), layer_id, 200))["changed"] is True
    said = await town.running.said("dispatch.layer")
    assert [(row["open_data"]["version"], row["open_data"]["feature_count"]) for row in said] == [
        (1, 1),
        (2, 2),
        (3, 2),
    ]
    assert "ริมน้ำ" not in str([row["data"] for row in said])


async def test_layers_are_listed_and_drawn_by_whom_they_concern(town: Town) -> None:
    shown, kept = new_id(), new_id()
    await put(town, layer(HERE_HIGH, WITH_A_HOLE, public=True), shown)
    await put(town, layer(ELSEWHERE, kind="crime"), kept)
    listed = (await town.get("/v1/layers"))["items"]
    assert {(each["id"], each["zones"]) for each in listed} == {(str(shown), 2), (str(kept), 1)}
    assert [each["id"] for each in (await town.get("/v1/layers", public="true"))["items"]] == [str(shown)]
    drawn = await town.get(f"/v1/layers/{shown}")
    geometry = [feature["geometry"]["coordinates"][0] for feature in drawn["geojson"]["features"]]
    assert geometry[1] == [around(*HERE, 0.05), around(*HERE, 0.02)]
    assert drawn["geojson"]["features"][0]["properties"]["level"] == "high"
    await town.get(f"/v1/layers/{shown}", status=404, headers=bearer("dispatcher", areas=["elsewhere"]))
    outside = bearer("partner")
    assert [each["id"] for each in (await town.get("/v1/layers", headers=outside, public="false"))["items"]] == [
        str(shown)
    ]
    await town.get(f"/v1/layers/{kept}", status=404, headers=outside)
    await town.get(f"/v1/layers/{shown}", headers=outside)
    other = await town.running.client.put(
        f"/v1/layers/{shown}", json=layer(HERE_HIGH, area="elsewhere"), headers=bearer("dispatcher", areas=["*"])
    )
    assert other.status_code == 404, "a layer stays with its municipality"


OPEN_RING = zone([[103, 16], [104, 16], [104, 17], [103, 17]])
POINT = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [103, 16]}, "properties": {}}
COLLECTION: dict[str, Any] = {"type": "FeatureCollection"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"geojson": {}}, "geojson"),
        ({"geojson": {**COLLECTION, "features": []}}, "geojson"),
        ({"geojson": {**COLLECTION, "features": [HERE_HIGH] * 2001}}, "geojson.features"),
        ({"geojson": {**COLLECTION, "features": [HERE_HIGH, POINT]}}, "geojson.features.1.geometry"),
        ({"geojson": {**COLLECTION, "features": [OPEN_RING]}}, "geojson.features.0.geometry"),
        ({"geojson": {**COLLECTION, "features": [zone(around(200, 16))]}}, "geojson.features.0.geometry"),
        ({"geojson": {**COLLECTION, "features": [zone()]}}, "geojson.features.0.geometry"),
        ({"geojson": {**COLLECTION, "features": [7]}}, "geojson.features.0"),
        ({"geojson": {**COLLECTION, "features": [zone(around(*HERE), level="deep")]}}, "geojson.features.0.properties.level"),
        ({"geojson": {**COLLECTION, "features": [zone(around(*HERE), advice="x" * 501)]}}, "geojson.features.0.properties.advice"),
        ({"geojson": {**COLLECTION, "features": [zone(around(*HERE), name=["a"])]}}, "geojson.features.0.properties.name"),
        ({"geojson": {**COLLECTION, "features": [zone(TOO_FAR)]}}, "geojson.features.0.geometry"),
        ({"geojson": {**COLLECTION, "features": [zone(around(*HERE), advice="\ud800")]}}, "geojson.features.0.properties.advice"),
        ({"kind": "dragons"}, "kind"),
        ({"valid_from_on": "2026-12-02", "valid_until_on": "2026-12-01"}, "body"),
        ({"source": ""}, "source"),
    ],
)  # fmt: skip
async def test_a_map_that_cannot_be_used_is_refused_at_its_field(
    town: Town, changes: dict[str, Any], field: str
) -> None:
    refused = await put(town, layer(HERE_HIGH, **changes), status=422)
    assert [error["field"] for error in refused["errors"]] == [field]
    assert all(error["th"] and error["en"] for error in refused["errors"])
    assert (await town.get("/v1/layers"))["items"] == []
