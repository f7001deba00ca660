"""Where people live: seen by several, believed when two agree or an officer was there, never overwritten."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from karuna.points import near as ask_near
from karuna.points import read_rows, send
from services.registry.keys import ring
from services.registry.rotation import seal_again
from services.registry.rules.addresses import House, house_of
from services.registry.rules.locations import Judged, Seen, Standing, judge
from shared.crypto import Keyring
from shared.geo import METRES_PER_DEGREE, Point
from shared.thai.dates import BANGKOK
from tests.harness import AREA, Running, bearer, problem_of
from tests.registry.conftest import add, goes_to, history, read, search

HOME = Point(103.5012345, 16.4312345)
FLOOD = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"level": "high"},
            "geometry": {
                "type": "Polygon",
                "coordinates": [[[103.51, 16.42], [103.53, 16.42], [103.53, 16.44], [103.51, 16.44], [103.51, 16.42]]],
            },
        }
    ],
}


def north(metres: float, of: Point = HOME) -> Point:
    return Point(of.lon, of.lat + metres / METRES_PER_DEGREE)


NOON = datetime(2026, 3, 1, 5, tzinfo=UTC)


def seen(by: str, metres: float, **facts: Any) -> Seen:
    return Seen(
        facts.get("id", uuid4()), north(metres), facts.get("accuracy_m", 10), facts.get("method", "gps"),
        facts.get("source", "health_volunteer"), by, NOON + timedelta(days=facts.get("day", 0)), facts.get("agency"),
    )  # fmt: skip


FIRST, OFFICERS = seen("a", 0), seen("o", 0, method="visit")
HOSPITAL = UUID(int=7)
NURSE = seen("n", 0, agency=HOSPITAL)
CASES: dict[str, tuple[Seen, Standing | None, list[Seen], tuple[str, bool]]] = {
    "the first is kept": (seen("b", 0), None, [], ("kept", True)),
    "two who agree": (seen("b", 20), Standing(FIRST), [FIRST], ("verified", True)),
    "the same person twice": (seen("a", 5), Standing(FIRST), [FIRST], ("kept", True)),
    "too far": (seen("b", 60), Standing(FIRST), [FIRST], ("kept", True)),
    "near, but hardly exact": (seen("b", 20, accuracy_m=45), Standing(FIRST), [FIRST], ("kept", True)),
    "an address alone is no confirmation": (
        seen("b", 0, method="address", accuracy_m=None), Standing(FIRST), [FIRST], ("kept", True)),
    "years apart": (seen("b", 5, day=900), Standing(FIRST), [FIRST], ("kept", True)),
    "the post and a neighbour": (seen("p", 5, source="post"), Standing(FIRST), [FIRST], ("verified", True)),
    "two files of the post are one source": (
        seen("p2", 5, source="post"), Standing(seen("p", 0, source="post")), [seen("p", 0, source="post")],
        ("kept", True)),
    "the post against somebody who was there": (seen("p", 500, source="post"), Standing(FIRST), [FIRST], ("kept", False)),
    "an agency alone displaces nobody else's": (seen("n", 500, agency=HOSPITAL), Standing(FIRST), [FIRST], ("kept", False)),
    "an agency sees it first": (NURSE, None, [], ("kept", True)),
    "and better": (seen("m", 500, agency=HOSPITAL), Standing(NURSE), [NURSE], ("kept", True)),
    "two of one agency are one source": (seen("m", 5, agency=HOSPITAL), Standing(NURSE), [NURSE], ("kept", True)),
    "an agency and a neighbour": (seen("n", 5, agency=HOSPITAL), Standing(FIRST), [FIRST], ("verified", True)),
    "an agency's visit is no officer's": (
        seen("n", 900, method="visit", agency=HOSPITAL), Standing(OFFICERS, "officer_visit"), [], ("differs", False)),
    "an officer was there": (seen("o", 900, method="visit"), Standing(FIRST, "two_sources"), [FIRST], ("verified", True)),
    "agrees with what is verified": (seen("b", 9), Standing(OFFICERS, "officer_visit"), [OFFICERS], ("confirms", False)),
    "differs from what is verified": (seen("b", 900), Standing(OFFICERS, "officer_visit"), [], ("differs", False)),
    "the post never displaces": (
        seen("p", 900, source="post", day=2), Standing(OFFICERS, "officer_visit"), [seen("b", 900, day=1)],
        ("differs", False)),
    "nor as the other of two": (
        seen("b", 900, day=2), Standing(OFFICERS, "officer_visit"), [seen("p", 900, source="post", day=1)],
        ("differs", False)),
    "two say that they moved": (
        seen("c", 900, day=2), Standing(OFFICERS, "officer_visit"), [seen("b", 900, day=1)], ("verified", True)),
    "an old address does not come back": (
        seen("c", 900, day=2), Standing(OFFICERS, "officer_visit"), [seen("b", 900, day=-9)], ("differs", False)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_one_more_observation_changes(name: str) -> None:
    new, standing, earlier, expected = CASES[name]
    judged: Judged = judge(new, standing, earlier, within_m=50, within=timedelta(days=365))
    assert (judged.verdict, judged.stands) == expected
    assert (judged.method is not None) == (judged.verdict == "verified")


async def observe(
    registry: Running, person_id: UUID, point: Point = HOME, role: str = "volunteer", who: str = "v1", **body: Any
) -> Any:
    return await registry.client.post(
        f"/v1/persons/{person_id}/locations",
        json={"lon": point.lon, "lat": point.lat, "accuracy_m": 10, **body},
        headers=bearer(role, subject=who, areas=body.pop("areas", [AREA]), **await goes_to(registry, person_id)),
    )


async def test_two_volunteers_who_agree_verify_a_home_and_no_point_leaves_the_registry(registry: Running) -> None:
    person_id = await add(registry, name="มานี")
    mine, photo = str(uuid4()), "visits/0001.jpg"
    first = await observe(registry, person_id, id=mine, source="gis_volunteer", photo=photo)
    again = await observe(registry, person_id, id=mine, source="gis_volunteer", photo=photo)
    assert [one.json()["verdict"]["code"] for one in (first, again)] == ["kept", "same_already"]
    second = await observe(registry, person_id, north(15), who="v2", source="health_volunteer")
    assert second.json()["verdict"]["code"] == "verified"
    items = (await read(registry, f"/v1/persons/{person_id}/locations"))["items"]
    assert [(one["stands"], one["source"]["code"], one["photo"]) for one in items] == [
        (True, "health_volunteer", None), (False, "gis_volunteer", photo)]  # fmt: skip
    assert (items[0]["verified"]["code"], items[0]["with_id"]) == ("two_sources", mine)
    assert (round(items[1]["lon"], 6), round(items[1]["lat"], 6)) == (round(HOME.lon, 6), round(HOME.lat, 6))
    said = await registry.said("registry.location")
    assert [row["type"].split(".")[2] for row in said] == ["observed", "observed", "verified"]
    rows = await registry.sql("select * from location")
    for text in (str([dict(row) for row in said]), str([dict(row) for row in rows])):
        assert "103.50" not in text, "no point in an event, none readable in a row"
        assert "16.43" not in text
    lines = await history(registry, person_id)
    assert {"registry.location.observed.v1", "registry.location.verified.v1"} <= {line["type"] for line in lines}
    with pytest.raises(asyncpg.RaiseError, match="append-only"):
        await registry.sql("update location set accuracy_m = 1")
    with pytest.raises(asyncpg.RaiseError, match="append-only"):
        await registry.sql("delete from location")


async def test_an_officers_visit_decides_and_nobody_else_may_say_so(registry: Running) -> None:
    person_id = await add(registry, name="มานี")
    for body, field in (
        ({"method": "visit"}, "method"),
        ({"source": "officer"}, "source"),
        ({"source": "post"}, "source"),
    ):
        refused = problem_of(await observe(registry, person_id, **body))
        assert (refused["status"], refused["errors"][0]["field"]) == (403, field)
    await observe(registry, person_id)
    visit = await observe(registry, person_id, north(400), "registry_officer", "o1", method="visit")
    assert visit.json()["verdict"]["code"] == "verified"
    rows = [{"row": 7, "person_id": str(person_id), "lon": HOME.lon, "lat": HOME.lat, "accuracy_m": 5},
            {"row": 8, "person_id": str(uuid4()), "lon": HOME.lon, "lat": HOME.lat},
            {"row": 9, "person_id": str(person_id), "lon": 2.3, "lat": 48.9}]  # fmt: skip
    for dry_run, codes in ((True, ["differs", "not_found", "bad_point"]), (False, ["differs", "not_found", "bad_point"]),
                           (False, ["same_already", "not_found", "bad_point"])):  # fmt: skip
        answer = await registry.client.post(
            "/v1/locations/import",
            json={"rows": rows, "dry_run": dry_run},
            headers=bearer("registry_officer", purpose="registration"),
        )
        assert [(row["row"], row["verdict"]["code"]) for row in answer.json()["items"]] == list(
            zip((7, 8, 9), codes, strict=True)
        )
    items = (await read(registry, f"/v1/persons/{person_id}/locations"))["items"]
    assert len(items) == 3
    assert [one["method"]["code"] for one in items if one["stands"]] == ["visit"]
    late = problem_of(await observe(registry, person_id, observed_at="2031-01-01T00:00:00Z"))
    assert late["errors"][0]["field"] == "observed_at"


async def near(registry: Running, role: str = "dispatcher", **body: Any) -> dict[str, Any]:
    answer = await registry.client.post("/v1/persons/near", json=body, headers=bearer(role, purpose="emergency"))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_the_bedridden_within_300_m_of_the_flood_are_found_and_nobody_else(registry: Running) -> None:
    edge = Point(103.51, 16.43)
    metre = 1 / (METRES_PER_DEGREE * 0.959)
    people = {
        name: await add(registry, name=name, groups=groups, **more)
        for name, groups, more in (
            ("ในน้ำ", ["bedridden"], {}), ("ใกล้", ["bedridden"], {}), ("ไกล", ["bedridden"], {}),
            ("เดินได้", [], {}), ("ปกปิด", ["bedridden"], {"disclosure": "secret"}), ("ซ้อม", ["bedridden"], {"exercise": True}),
            ("จิตเวช", ["psychiatric"], {}),
        )
    }  # fmt: skip
    west = {"ในน้ำ": -500, "ใกล้": 290, "ไกล": 310}
    for name, person_id in people.items():
        at = Point(edge.lon - west.get(name, 100) * metre, edge.lat)
        made = await observe(registry, person_id, at, "registry_officer", method="visit")
        assert made.status_code == 201
    layer: dict[str, Any] = {"geojson": FLOOD, "within_m": 300}
    found = await near(registry, **layer, groups=["bedridden"])
    assert [(one["name"], one["distance_m"], one["verified"]) for one in found["items"]] == [
        ("ในน้ำ", 0, True), ("ใกล้", 290, True)]  # fmt: skip
    assert [one["code"] for one in found["items"][0]["groups"]] == ["bedridden"]
    assert (found["total"], found["more"]) == (2, False)
    everybody = await near(registry, **layer, limit=1)
    assert (everybody["total"], everybody["more"], len(everybody["items"])) == (4, True, 1)
    assert (await near(registry, **layer, groups=["psychiatric"]))["total"] == 0, "a protected group tells nothing"
    assert (await near(registry, "case_manager", **layer, groups=["psychiatric"]))["total"] == 1
    assert [one["name"] for one in (await near(registry, **layer, exercise=True))["items"]] == ["ซ้อม"]
    point: dict[str, Any] = {"point": {"lon": edge.lon - 290 * metre, "lat": edge.lat}, "within_m": 30}
    assert [one["name"] for one in (await near(registry, **point))["items"]] == ["ไกล", "ใกล้"][::-1]
    rows = await registry.sql("select subject_id, detail from audit where act = 'near' order by id limit 2")
    assert {row["subject_id"] for row in rows} == {people["ในน้ำ"], people["ใกล้"]}
    stands_on = {"basis": "s24_2,s26_1", "way": "own"}
    assert rows[0]["detail"] == {"by": "layer", "within_m": 300.0, "groups": ["bedridden"], "found": 2, **stands_on}
    for wrong in ({"type": "Nothing"}, {"type": "Point", "coordinates": [2.3, 48.9]}, {"type": "Point", "coordinates": "x"},
                  {"type": "Polygon", "coordinates": [[[99, 14], [104, 14], [104, 18], [99, 14]]]}):  # fmt: skip
        refused = await registry.client.post(
            "/v1/persons/near", json={"geojson": wrong}, headers=bearer("dispatcher", purpose="emergency")
        )
        assert problem_of(refused)["errors"][0]["field"] == "geojson"


async def test_erasure_takes_the_points_along_and_a_new_key_finds_them(registry: Running) -> None:
    gone, stays = await add(registry, name="มานี"), await add(registry, name="ปิติ")
    for person_id in (gone, stays):
        await observe(registry, person_id, photo="x.jpg")
        await observe(registry, person_id, who="v2")
    old = ring()
    key = Keyring.of("2:" + "QUFB" * 10 + "QUE=")
    both = Keyring((*key.keys, *old.keys))
    from services.registry.keys import use

    use(both)
    await seal_again(registry.runtime.pool, both, pause_s=0)
    use(key)
    where: dict[str, Any] = {"point": {"lon": HOME.lon, "lat": HOME.lat}}
    # The names of these two were sealed again as well, so that the answer can be read.
    assert (await near(registry, **where))["total"] == 2
    assert (await observe(registry, stays)).json()["verdict"]["code"] == "same_already"
    erased = await registry.client.post(f"/v1/persons/{gone}/erase", headers=bearer("supervisor"), json={})
    assert erased.status_code == 200
    assert (await near(registry, **where))["total"] == 1
    assert {row["person_id"] for row in await registry.sql("select person_id from location")} == {stays}
    left = await registry.sql(
        "select type, data from event_log where type like 'registry.location%' and data ->> 'person_id' = $1", str(gone)
    )
    assert left == []
    assert await search(registry, name="ปิติ")


async def test_the_command_sends_a_file_of_the_post_and_asks_who_is_near(registry: Running, tmp_path: Path) -> None:
    person_id = await add(registry, name="มานี", groups=["bedridden"])
    registry.client.headers.update(bearer("supervisor"))
    file = tmp_path / "post.csv"
    file.write_text(f"\ufeffperson_id,lon,lat,accuracy_m,observed_at\n{person_id},103.52,16.43,8.4,\n,103.5,16.4,,\n")
    sent = await send(registry.client, file, "post", dry_run=False)
    assert sent.counts == {"kept": 1, "not_found": 1}
    assert [line.split(",")[:2] for line in sent.verdicts.read_text().splitlines()[1:]] == [
        ["2", "kept"],
        ["3", "not_found"],
    ]
    found = await ask_near(registry.client, json.dumps(FLOOD).encode(), 300, ["bedridden"], AREA)
    assert [one["id"] for one in found["items"]] == [str(person_id)]
    file.write_text("person_id,lat\n,16.4\n")
    with pytest.raises(LookupError, match="no column"):
        await send(registry.client, file, "post", dry_run=True)
    with pytest.raises(LookupError, match="GeoJSON"):
        await ask_near(registry.client, b"{}", 300, [], AREA)


async def test_two_linked_records_are_one_neighbour(registry: Running) -> None:
    one, other = await add(registry, name="มานี", groups=["bedridden"]), await add(registry, name="มานี ใจดี")
    for person_id, metres in ((one, 0), (other, 40)):
        assert (await observe(registry, person_id, north(metres), who=f"v{metres}")).status_code == 201
    await registry.sql(
        "insert into person_link (id, person_id, survivor_id, linked_at) values ($1, $2, $3, now())",
        uuid4(),
        one,
        other,
    )
    where: dict[str, Any] = {"point": {"lon": HOME.lon, "lat": HOME.lat}, "within_m": 100}
    for body in (where, {**where, "groups": ["bedridden"]}):
        found = await near(registry, **body)
        assert [(item["id"], item["distance_m"]) for item in found["items"]] == [(str(other), 0)]
    assert len((await read(registry, f"/v1/persons/{one}/locations"))["items"]) == 2


async def test_a_day_is_that_day_in_thailand_and_a_row_that_cannot_be_read_stops_no_other(
    registry: Running, tmp_path: Path
) -> None:
    person = await add(registry, name="นางเดี่ยว ใจดี")
    lines = [
        "person_id,lon,lat,accuracy_m,observed_at",
        f"{person},103.51,16.43,8.4,01/11/2568",
        f"{person},103.52,16.43,,2025-11-02",
        f"{person},ตะวันออก,16.43,,",
        f"{person},nan,16.43,,",
        "ยายคำ,103.51,16.43,,",
        f"{person},103.53,16.43,,เมื่อวาน",
        f"{person},103.54,16.43,,2025-11-03T09:00:00+07:00",
    ]
    file = tmp_path / "post.csv"
    file.write_text("\n".join(lines), encoding="utf-8")
    registry.client.headers.update(bearer("supervisor"))
    for dry_run in (True, False):
        sent = await send(registry.client, file, "post", dry_run=dry_run)
        assert sent.counts == {"kept": 3, "bad_row": 4}
    wrong = [(one["row"], one["field"]) for one in sent.problems]
    assert wrong == [(4, "lon"), (5, "lon"), (6, "person_id"), (7, "observed_at")], "rows as in the sheet"
    assert all(one["th"] and one["en"] for one in sent.problems)
    seen = await read(registry, f"/v1/persons/{person}/locations")
    assert sorted(datetime.fromisoformat(one["observed_at"]) for one in seen["items"]) == [
        datetime(2025, 11, 1, tzinfo=BANGKOK), datetime(2025, 11, 2, tzinfo=BANGKOK),
        datetime(2025, 11, 3, 9, tzinfo=BANGKOK),
    ]  # fmt: skip
    assert sent.verdicts.read_text(encoding="utf-8").splitlines()[6].startswith("7,bad_row,")
    for row in ({"lon": 103.5, "lat": 16.4}, {"row": "x", "lon": 103.5, "lat": 16.4}):
        answer = await registry.client.post("/v1/locations/import", json={"rows": [row]})
        assert problem_of(answer)["errors"][0]["field"] == "rows.0.row", "nobody could be told which row it is"


HOUSES = [
    ("460101", "99/1 หมู่ 3 ถ.ริมคลอง", ("460101", "99/1", 3)),
    ("46010103", "บ้านเลขที่ ๙๙ / ๑", ("460101", "99/1", 3)),
    ("460101", "เลขที่ 7", ("460101", "7", None)),
    ("460101", "ใกล้วัด", None),
    ("4601", "9", None),
    ("kalasin:rimpao", "9", None),
]


@pytest.mark.parametrize(("code", "detail", "told"), HOUSES)
def test_two_writings_of_an_address_mean_one_house(code: str, detail: str, told: tuple[str, str, int] | None) -> None:
    house = house_of(code, detail)
    assert house == (None if told is None else House(*told))


async def test_a_point_of_the_post_finds_its_home_by_the_address_and_never_displaces(
    registry: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lives(detail: str) -> dict[str, Any]:
        return {"addresses": {"current": {"area_code": "460101", "detail": detail}}}

    alone = await add(registry, name="นางเดี่ยว ใจดี", **lives("99/1 หมู่ 3"))
    first = await add(registry, name="นายหนึ่ง ทองดี", **lives("5 ม.2"))
    second = await add(registry, name="นางสอง ทองดี", **lives("5 หมู่ที่ 2"))
    await add(registry, name="นางลับ ใจดี", groups=["violence"], **lives("8 หมู่ 1"))
    moved = lives("12 หมู่ 1")
    moved["addresses"]["registered"] = {"area_code": "460101", "detail": "44 หมู่ 1"}
    await add(registry, name="นายย้าย ใจดี", **moved)
    visit = {"lon": HOME.lon, "lat": HOME.lat, "method": "visit"}
    await registry.client.post(f"/v1/persons/{alone}/locations", json=visit, headers=bearer("registry_officer"))
    lines = [
        "area_code,address,name,lon,lat",
        "46010103,99/1,,103.6,16.5",
        "460101,5 หมู่ 2,,103.51,16.43",
        "460101,5 หมู่ 2,นาย หนึ่ง ทองดี,103.51,16.43",
        "460101,8 หมู่ 1,,103.51,16.43",
        "460101,44 หมู่ 1,,103.51,16.43",
        "460101,99/1 หมู่ 4,,103.51,16.43",
    ]
    file = tmp_path / "post.csv"
    file.write_text("\n".join(lines), encoding="utf-8")
    registry.client.headers.update(bearer("supervisor"))
    twice = {"row": 2, "person_id": str(uuid4()), "lon": 103.5, "lat": 16.4}
    both = await registry.client.post("/v1/locations/import", json={"rows": [twice, *read_rows(file)]})
    assert problem_of(both)["errors"][0]["code"] == "row_twice", "each would get what the other found"
    body = {"dry_run": True, "rows": read_rows(file)}
    curious = await registry.client.post("/v1/locations/import", json=body, headers=bearer("supervisor", purpose=""))
    assert problem_of(curious)["code"] == "purpose_missing"
    last = (await registry.sql("select max(id) as id from audit"))[0]["id"]
    compared: list[House] = []
    with monkeypatch.context() as counting:
        may_be = House.may_be
        counting.setattr(House, "may_be", lambda one, other: compared.append(other) or may_be(one, other))
        tried = (await registry.client.post("/v1/locations/import", json=body)).json()
    assert len(compared) == 6  # each row with the homes of its number alone: a tambon has thousands
    assert tried["counts"] == {"differs": 1, "several": 1, "kept": 1, "not_found": 3}
    assert {(one["person_id"], one["location_id"]) for one in tried["items"]} == {(None, None)}
    asked = await registry.sql("select subject_id from audit where act = 'import' and id > $1", last)
    assert {row["subject_id"] for row in asked} == {alone, first, second}
    sent = await send(registry.client, file, "post", dry_run=False)
    assert sent.counts == {"differs": 1, "several": 1, "kept": 1, "not_found": 3}
    stands = await read(registry, f"/v1/persons/{alone}/locations")
    assert [one["lon"] for one in stands["items"] if one["stands"]] == [HOME.lon]
    assert [one["lon"] for one in (await read(registry, f"/v1/persons/{first}/locations"))["items"]] == [103.51]
