"""GeoJSON of people and of points is the table it would be: tried, taken, twice is once, and a verdict for each feature."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from karuna import points
from karuna.people_files import Wanted, opened, send
from shared.refusal import Refusal
from shared.sheets import read_sheet
from tests.harness import AREA, Running, bearer
from tests.registry.conftest import OFFICER, add, cid

HERE = [103.5065, 16.4321]


def feature(place: list[float] | None, **told: Any) -> dict[str, Any]:
    geometry = None if place is None else {"type": "Point", "coordinates": place}
    return {"type": "Feature", "geometry": geometry, "properties": told}


def collection(*features: Any, **more: Any) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": features, **more}, ensure_ascii=False).encode()


PEOPLE = (
    feature([*HERE, 140.5], name="นางบัวผัน ศรีสุข", national_id=cid(701), groups=["elderly", "disabled"], accuracy_m=8),
    feature(None, name="นายสมหมาย ทองดี", birth_year=2493),
    feature(HERE, name="นายเลขผิด ใจดี", national_id="1234567890123"),
)


def test_a_feature_is_a_row_and_its_properties_are_columns() -> None:
    sheet = read_sheet(collection(*PEOPLE))
    assert sheet.columns == ("name", "national_id", "groups", "accuracy_m", "lon", "lat", "birth_year")
    [(first, rows)] = sheet.parts(10)
    assert (first, sheet.rows, len(rows)) == (2, 3, 3)
    assert rows[0] == ["นางบัวผัน ศรีสุข", cid(701), "elderly;disabled", "8", "103.5065", "16.4321", ""]
    assert rows[1] == ["นายสมหมาย ทองดี", "", "", "", "", "", "2493"]
    assert sheet.digest != read_sheet(collection(*PEOPLE[:2])).digest


@pytest.mark.parametrize(("data", "code"), [
    (b"{", "geojson_features"),
    (b'{"type": "Topology", "objects": {}}', "geojson_features"),
    (collection(), "sheet_empty"),
    (collection(PEOPLE[1], {**PEOPLE[0], "geometry": {"type": "Polygon", "coordinates": []}}), "geojson_point"),
    (collection(PEOPLE[1], "x"), "geojson_point"),
    (collection(feature(["a", "b"])), "geojson_point"),  # type: ignore[list-item]
    (collection(PEOPLE[0], crs={"type": "name", "properties": {"name": "EPSG:32648"}}), "geojson_crs"),
])  # fmt: skip
def test_what_is_no_collection_of_points_is_refused_in_both_languages(data: bytes, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        read_sheet(data)
    assert refused.value.code == code
    assert (refused.value.th and refused.value.en) != ""
    assert read_sheet(
        collection(PEOPLE[0], crs={"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}})
    )


async def test_people_are_tried_taken_and_twice_is_once(registry: Running, tmp_path: Path) -> None:
    file = tmp_path / "people.geojson"
    file.write_bytes(collection(*PEOPLE))
    registry.client.headers.update(bearer(OFFICER, purpose="registration"))
    expected = {"created": 2, "refused": 1}
    for dry_run in (True, False, False):
        verdicts = io.StringIO()
        sent = await send(registry.client, opened(file), Wanted("karuna", AREA, dry_run=dry_run), verdicts)
        assert sent.counts == expected
        assert verdicts.getvalue().splitlines()[3].startswith("4,refused,national_id,")
        assert len(await registry.sql("select from person")) == (0 if dry_run else 2)
    assert len(await registry.sql("select from location")) == 1
    assert len(await registry.sql("select from membership")) == 2


async def test_points_are_read_from_their_features(registry: Running, tmp_path: Path) -> None:
    person_id = await add(registry, name="มานี")
    file = tmp_path / "points.geojson"
    file.write_bytes(collection(feature(HERE, person_id=str(person_id), accuracy_m=6)))
    registry.client.headers.update(bearer("supervisor", areas=["*"], purpose="care"))
    assert points.read_rows(file) == [
        {"row": 2, "person_id": str(person_id), "lon": HERE[0], "lat": HERE[1], "accuracy_m": 6}
    ]
    for dry_run, seen in ((True, 0), (False, 1), (False, 1)):
        sent = await points.send(registry.client, file, "post", dry_run=dry_run)
        assert sum(sent.counts.values()) == 1
        assert len(await registry.sql("select from location")) == seen
    assert sent.counts == {"same_already": 1}
    file.write_bytes(collection(feature(None, person_id=str(person_id))))
    sent = await points.send(registry.client, file, "post", dry_run=False)
    assert (sent.counts, [(one["row"], one["field"]) for one in sent.problems]) == ({"bad_row": 1}, [(2, "lon")])
