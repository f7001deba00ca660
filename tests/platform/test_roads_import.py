"""Roads of an OpenStreetMap extract into a settings pack, and what dispatch then drives on."""

from __future__ import annotations

import shutil
from pathlib import Path

import osmium
import pytest
from typer.testing import CliRunner

from karuna.main import app
from karuna.roads import import_roads
from services.dispatch.rules.ranking import GreatCircle
from services.dispatch.travel.roads import load
from shared.geo import Point, distance_m
from shared.packs import PackError

AREAS = Path(__file__).parents[2] / "deploy" / "areas"
HERE = (103.5070, 16.4330)
NODES = {number: (HERE[0] + 0.01 * number, HERE[1]) for number in range(1, 6)} | {9: (100.5, 13.7), 10: (100.6, 13.7)}
WAYS: list[tuple[list[int], dict[str, str]]] = [
    ([1, 2], {"highway": "primary"}),
    ([2, 3], {"highway": "primary", "maxspeed": "40"}),
    ([3, 4], {"highway": "residential", "oneway": "yes"}),
    ([4, 5], {"highway": "footway"}),
    ([4, 5], {"highway": "service", "access": "private"}),
    ([1, 5], {"building": "yes"}),
    ([9, 10], {"highway": "trunk"}),
]
BEYOND = GreatCircle()


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return shutil.copytree(AREAS / "kalasin", tmp_path / "areas" / "kalasin")


@pytest.fixture
def extract(tmp_path: Path) -> Path:
    made = tmp_path / "town.osm.pbf"
    with osmium.SimpleWriter(str(made)) as writer:
        for number, place in NODES.items():
            writer.add_node(osmium.osm.mutable.Node(id=number, location=place))
        for number, (nodes, tags) in enumerate(WAYS, start=1):
            writer.add_way(osmium.osm.mutable.Way(id=number, nodes=nodes, tags=tags))
    return made


def test_an_extract_becomes_the_roads_that_dispatch_drives_on(pack: Path, extract: Path) -> None:
    made = import_roads(extract, pack, 15, replace=False)
    assert (made.segments, made.crossings) == (3, 4), "footways, private ways, buildings and Bangkok are left out"
    roads = load(pack, BEYOND)
    assert roads is not None
    one, two, three, four = (Point(*NODES[number]) for number in (1, 2, 3, 4))
    [fast] = roads.to([one], two, urgent=False)
    assert fast.duration_s == pytest.approx(distance_m(one, two) / (65 / 3.6), rel=1e-4)
    [limited] = roads.to([two], three, urgent=False)
    assert limited.duration_s == pytest.approx(distance_m(two, three) / (40 / 3.6), rel=1e-4)
    assert roads.to([three], four, urgent=False)[0].source == "roads"
    assert roads.to([four], three, urgent=False)[0].source == "great_circle", "it leads there only"


def test_roads_that_are_there_go_only_when_told(pack: Path, extract: Path) -> None:
    (pack / "roads.geojson").write_text("{}")
    with pytest.raises(FileExistsError):
        import_roads(extract, pack, 15, replace=False)
    assert (pack / "roads.geojson").exists()
    import_roads(extract, pack, 15, replace=True)
    assert not (pack / "roads.geojson").exists(), "it would have been read first"
    assert load(pack, BEYOND) is not None


def test_a_file_that_cannot_be_used_leaves_the_pack_as_it_was(pack: Path, extract: Path, tmp_path: Path) -> None:
    import_roads(extract, pack, 15, replace=False)
    before = (pack / "roads.csv").read_bytes()
    broken = tmp_path / "broken.osm.pbf"
    broken.write_bytes(b"not a map")
    far = tmp_path / "far.csv"
    far.write_text("from_lon,from_lat,to_lon,to_lat\n100.5,13.7,100.6,13.7\n")
    for file, wrong in ((broken, ValueError), (far, ValueError)):
        with pytest.raises(wrong):
            import_roads(file, pack, 15, replace=True)
    line = tmp_path / "line.csv"
    line.write_text("from_lon,from_lat,to_lon,to_lat\n103.5,north,103.6,16.4\n")
    with pytest.raises(PackError, match="line 2"):
        import_roads(line, pack, 15, replace=True)
    assert (pack / "roads.csv").read_bytes() == before
    assert sorted(each.name for each in pack.glob("roads*")) == ["roads.csv"]


def test_the_command_says_what_it_wrote(
    pack: Path, extract: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KARUNA_AREAS_DIR", str(pack.parent))
    done = CliRunner().invoke(app, ["map", "roads", str(extract), "--home", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "3 ช่วง" in done.output
    assert (pack / "roads.csv").exists()
    assert (pack / "roads.csv").read_text().count("\n") == 4
