"""Settings packs: the two that are shipped load, and whatever is wrong is said with file and field."""

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest

from shared.geo import Point
from shared.packs import PackError, load, load_all

AREAS = Path(__file__).parents[2] / "deploy" / "areas"


@pytest.fixture
def sample(tmp_path):
    return Path(shutil.copytree(AREAS / "sample", tmp_path / "mine"))


def change(folder, file, old, new):
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")


def test_every_shipped_pack_loads():
    assert set(load_all(AREAS)) == {"kalasin", "sample"}


def test_kalasin_is_the_invented_municipality_of_the_readme():
    pack = load(AREAS / "kalasin")
    assert (len(pack.vehicle), len(pack.crew)) == (13, 62), "one vehicle and its two only practise"
    practising = {vehicle.code for vehicle in pack.vehicle if vehicle.exercise}
    assert practising == {"X1"}
    assert len([member for member in pack.crew if member.vehicle in practising]) == 2
    assert len({vehicle.kind for vehicle in pack.vehicle}) >= 5
    assert Counter(facility.kind for facility in pack.facility) == {"hospital": 2, "health_centre": 1}
    assert {member.kind for member in pack.crew} == {"staff", "volunteer", "partner"}
    assert pack.area.short_number == "1132"
    assert "Invented" in pack.boundary_attribution
    assert all(service.legal_basis for service in pack.service)
    assert pack.policies.dispatch.mode["red"] == "auto"


def test_numbers_of_a_pack_are_short_codes_or_plainly_invented():
    pack = load(AREAS / "kalasin")
    for phone in [member.phone for member in pack.crew] + [partner.phone for partner in pack.partner]:
        assert len(phone) <= 4 or phone.startswith("+66900000")
    assert len({member.phone for member in pack.crew}) == 62


def test_partners_of_the_tambon_come_before_those_who_serve_everywhere():
    pack = load(AREAS / "kalasin")
    assert [partner.code for partner in pack.partners_for("outside_area", "460102")] == ["nuea_sample", "centre_1669"]
    assert [partner.code for partner in pack.partners_for("outside_area", "101010")] == ["centre_1669"]


def test_a_community_is_found_by_code_and_by_name():
    pack = load(AREAS / "kalasin")
    assert pack.community("ชุมชนดอนกรุณา") is pack.community("donkaruna")
    assert pack.community("nowhere") is None


@pytest.mark.parametrize(
    ("file", "old", "new", "field"),
    [
        ("area.toml", 'slug = "sample"', 'slug = "Sample Town"', "slug"),
        ("area.toml", "460301", "469999", "whole_tambons.0"),
        ("area.toml", 'tambon_code = "460301"', 'tambon_code = "460302"', "0.tambon_code"),
        ("area.toml", "lon = 103.578, lat = 16.338 },\n]", "lon = 103.7, lat = 16.338 },\n]", "community.0"),
        ("area.toml", "centre = { lon = 103.578, lat = 16.338 }", "centre = { lon = 16.338, lat = 103.578 }", "centre"),
        ("area.toml", 'case_prefix = "SMP"', 'case_prefix = "SMP"\ncolour = "red"', "colour"),
        ("services.toml", '"other"', '"holiday"', "0.kinds.5"),
        ("services.toml", "legal_basis", "basis", "0.legal_basis"),
        ("partners.toml", 'phone = "1669"', 'phone = "12"', "0.phone"),
        ("partners.toml", '"outside_area"', '"fire"', "takes"),
        ("vehicles.toml", '"base"', '"moon"', "0.station"),
        ("vehicles.toml", "oxygen_set", "laser", "0.equipment.0"),
        ("crew.toml", 'vehicle = "S1"', 'vehicle = "S9"', "0.vehicle"),
        ("crew.toml", '"S02"', '"S01"', "code"),
        ("area.toml", 'en = "Sample Community"', 'en = ""', "community.0.name.en"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_field(sample, file, old, new, field):
    change(sample, file, old, new)
    with pytest.raises(PackError) as refused:
        load(sample)
    assert (refused.value.file, refused.value.field) == (file, field)
    assert refused.value.th
    assert refused.value.en


@pytest.mark.parametrize("file", ["area.toml", "services.toml", "partners.toml", "boundary.geojson"])
def test_a_missing_file_is_named(sample, file):
    (sample / file).unlink()
    with pytest.raises(PackError) as refused:
        load(sample)
    assert refused.value.file == file


@pytest.mark.parametrize(
    ("old", "new"),
    [('"attribution"', '"credit"'), ("[103.56, 16.32]]]", "[103.57, 16.32]]]"), ('"Polygon"', '"Point"'), ("{", "")],
)
def test_a_broken_boundary_is_refused(sample, old, new):
    change(sample, "boundary.geojson", old, new)
    with pytest.raises(PackError) as refused:
        load(sample)
    assert refused.value.file == "boundary.geojson"


def write_areas(folder, **told):
    square = [[103.57, 16.33], [103.58, 16.33], [103.58, 16.34], [103.57, 16.33]]
    properties = {"code": "sample:q-1", "kind": "quarter", "th": "ย่านทดลอง", **told}
    geometry = {"type": "Polygon", "coordinates": [square]}
    features = [
        {"properties": properties, "geometry": geometry},
        {"properties": {"kind": "municipality"}, "geometry": None},
    ]
    (folder / "areas.geojson").write_text(json.dumps({"features": features}), "utf-8")


def test_boundaries_inside_the_municipality_may_be_told(sample):
    assert load(sample).bounded == ()
    write_areas(sample)
    [quarter] = load(sample).bounded
    assert (quarter.code, quarter.name.en, quarter.shape.kind) == ("sample:q-1", "ย่านทดลอง", "quarter")
    assert load(sample).lying_in(Point(103.577, 16.332)) == {"quarter": "sample:q-1"}
    assert len(load(AREAS / "kalasin").bounded) == 14


@pytest.mark.parametrize(
    "wrong",
    [
        {"code": "sample:nowhere", "kind": "community"}, {"code": "46999901", "kind": "village"},
        {"code": "kalasin:q-1"}, {"code": "46030101"}, {"code": "x y"}, {"th": ""}, {"kind": []},
    ],
)  # fmt: skip
def test_a_boundary_of_what_is_not_ours_is_refused(sample, wrong):
    write_areas(sample, **wrong)
    with pytest.raises(PackError) as refused:
        load(sample)
    assert refused.value.file == "areas.geojson"


def test_a_file_that_is_no_toml_is_named(sample):
    (sample / "crew.toml").write_text("crew = [", encoding="utf-8")
    with pytest.raises(PackError) as refused:
        load(sample)
    assert refused.value.file == "crew.toml"


def test_two_areas_may_not_share_a_slug(sample):
    shutil.copytree(sample, sample.parent / "other")
    with pytest.raises(PackError, match="another area"):
        load_all(sample.parent)


def test_there_must_be_a_folder(tmp_path):
    with pytest.raises(PackError, match="no such folder"):
        load(tmp_path / "none")
