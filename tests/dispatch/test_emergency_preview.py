"""What-if for emergencies over HTTP: matrices put once, choices with reasons, and clear refusals."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from services.dispatch.api.travel import MOST_MATRICES
from services.dispatch.policy import load_policies
from services.dispatch.travel import matrix
from shared.refusal import Refusal
from tests.dispatch.conftest import Town
from tests.harness import AREA, bearer

AREAS = Path(__file__).parents[2] / "deploy" / "areas"

MATRIX = {"duration_s": [[0, 100, 900], [100, 0, 400], [900, 400, 0]]}


async def preview(town: Town, status: int = 200, **changes: Any) -> Any:
    body: dict[str, Any] = {
        "now_s": 1000,
        "matrix_id": "town",
        "units": [
            {"id": "near", "level": "bls", "place": {"index": 1}, "status": "driving", "to": {"index": 2},
             "severity": "green", "call": "c-7"},
            {"id": "far", "level": "als", "place": {"index": 2}, "status": "idle", "home": {"index": 2}},
            {"id": "busy", "level": "als", "place": {"index": 0}, "status": "busy", "free_at_s": 1090},
        ],
        "call": {"place": {"index": 0}, "severity": "red"},
    } | changes  # fmt: skip
    answer = await town.running.client.post("/v1/emergencies/preview", json=body, headers=bearer("partner"))
    assert answer.status_code == status, answer.text
    return answer.json()


@pytest.fixture
async def with_matrix(town: Town) -> Town:
    answer = await town.running.client.put("/v1/travel-matrices/town", json=MATRIX, headers=town.desk)
    assert (answer.status_code, answer.json()["places"]) == (201, 3), answer.text
    return town


async def test_the_choice_says_who_from_whom_and_why(with_matrix: Town) -> None:
    said = await preview(with_matrix)
    first, second = said["choices"]
    assert (first["unit"], first["eta_s"], first["reassigned_from"]) == ("near", 100.0, "c-7")
    assert (second["unit"], second["eta_s"]) == ("far", 900.0)
    assert "reassigned_from" not in second
    assert first["score"] < second["score"]
    assert {reason["code"] for reason in first["reasons"]} == {"eta", "taken"}
    assert all(reason["th"] and reason["en"] for choice in said["choices"] for reason in choice["reasons"])
    assert (said["shortfalls"], said["travel_times"]) == ([], "matrix")
    closest = await preview(with_matrix, policy="closest")
    assert [choice["unit"] for choice in closest["choices"]] == ["far"]


async def test_numbers_are_ids_too(with_matrix: Town) -> None:
    green = {"id": 3, "place": {"index": 1}, "status": "driving", "to": {"index": 2}, "severity": "green", "call": 7}
    [choice] = (await preview(with_matrix, units=[green]))["choices"]
    assert (choice["unit"], choice["reassigned_from"]) == (3, 7)


async def test_what_is_missing_is_said(with_matrix: Town) -> None:
    busy = [{"id": "k3", "place": {"index": 0}, "status": "busy", "free_at_s": 1090}]
    said = await preview(with_matrix, units=busy)
    assert [short["code"] for short in said["shortfalls"]] == ["nobody_free", "free_next"]
    assert "90" in said["shortfalls"][1]["en"]
    assert "k3" in said["shortfalls"][1]["th"]
    fr = [{"id": "a", "level": "fr", "place": {"index": 1}, "status": "idle"}]
    said = await preview(with_matrix, units=fr, call={"place": {"index": 0}, "severity": "red", "level": "als"})
    assert [short["code"] for short in said["shortfalls"]] == ["level"]
    assert said["choices"][0]["unit"] == "a", "somebody is sent all the same"
    assert [short["code"] for short in (await preview(with_matrix, units=[]))["shortfalls"]] == ["no_units"]


async def test_on_a_plane_and_on_the_earth(town: Town) -> None:
    plane = {"units": [{"id": "a", "place": {"x": 0, "y": 0}, "status": "idle"}], "matrix_id": None,
             "call": {"place": {"x": 3, "y": 4}, "severity": "green"},
             "demand": [{"place": {"x": 1, "y": 0}, "weight": 2}]}  # fmt: skip
    said = await preview(town, **plane, metric="euclidean")
    assert (said["choices"][0]["eta_s"], said["travel_times"]) == (5.0, "plane")
    earth = {"units": [{"id": "a", "place": {"lon": 103.5, "lat": 16.4}, "status": "idle"}], "matrix_id": None,
             "call": {"place": {"lon": 103.5, "lat": 16.5}, "severity": "red"}}  # fmt: skip
    said = await preview(town, **earth)
    assert said["travel_times"] == "great_circle"
    assert "straight_line" in {reason["code"] for reason in said["choices"][0]["reasons"]}
    assert said["choices"][0]["eta_s"] == pytest.approx(11_119.5 * 1.4 / (50 / 3.6), rel=0.01)


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("matrix_id", {"matrix_id": "unknown"}),
        ("matrix_id", {"matrix_id": None, "metric": "matrix"}),
        ("call.place.index", {"call": {"place": {"index": 3}, "severity": "red"}}),
        ("call.place", {"call": {"place": {"x": 1, "y": 1}, "severity": "red"}}),
        ("call.place", {"call": {"place": {"x": 1, "index": 1}, "severity": "red"}}),
        ("call.place.index", {"call": {"place": {"index": -1}, "severity": "red"}}),
        ("units.0.place", {"units": [{"id": "a", "place": {"lon": 1, "lat": 1}, "status": "idle"}]}),
        ("units", {"units": [{"id": "a", "place": {"index": 0}, "status": "idle"}] * 2}),
        ("units", {"units": [{"id": str(n), "place": {"index": 0}, "status": "idle"} for n in range(1001)]}),
        ("units.0.status", {"units": [{"id": "a", "place": {"index": 0}, "status": "asleep"}]}),
        ("demand.0.weight", {"demand": [{"place": {"index": 0}, "weight": -1}]}),
        ("policy", {"policy": "guess"}),
        ("now_s", {"now_s": "later"}),
    ],
)
async def test_bad_questions_name_the_field(with_matrix: Town, field: str, changes: dict[str, Any]) -> None:
    said = await preview(with_matrix, 422, **changes)
    assert [error["field"] for error in said["errors"]] == [field]
    assert all(error["th"] and error["en"] for error in said["errors"])


@pytest.mark.parametrize(
    ("field", "body"),
    [
        ("duration_s", {}),
        ("duration_s", {"duration_s": []}),
        ("duration_s", {"duration_s": [[0, 1]]}),
        ("duration_s", {"duration_s": [[0, 1], [1]]}),
        ("duration_s", {"duration_s": [[0, -1], [1, 0]]}),
        ("duration_s", {"duration_s": [[0, "1"], [1, 0]]}),
        ("duration_s", {"duration_s": [[0, True], [1, 0]]}),
        ("duration_s", {"duration_s": [[0] * 2401]}),
        ("duration_s", {"duration_s": [[]] * 2401}),
        ("duration_s", {"duration_s": [[0, 0], [0, 0], [0, 0]]}),
        ("distance_m", {"duration_s": [[0]], "distance_m": [[0, 1], [1, 0]]}),
        ("speed", {"duration_s": [[0]], "speed": 3}),
        ("body", []),
    ],
)
async def test_bad_matrices_name_the_field(town: Town, field: str, body: Any) -> None:
    answer = await town.running.client.put("/v1/travel-matrices/bad", json=body, headers=town.desk)
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    listed = await town.running.client.get("/v1/travel-matrices", headers=town.desk)
    assert listed.json()["items"] == []


async def test_numbers_that_are_none_and_what_is_no_json(town: Town) -> None:
    for raw in (b'{"duration_s": [[NaN]]}', b'{"duration_s": [[0]', b"\xff"):
        answer = await town.running.client.put("/v1/travel-matrices/bad", content=raw, headers=town.desk)
        assert (answer.status_code, answer.json()["code"]) == (400, "not_json")


async def test_another_matrix_takes_the_place_of_the_first_at_once(with_matrix: Town) -> None:
    client, desk = with_matrix.running.client, with_matrix.desk
    assert (await preview(with_matrix))["choices"][0]["eta_s"] == 100.0
    other = {"duration_s": [[0, 5, 900], [50, 0, 400], [900, None, 0]], "distance_m": [[0, 1, 2], [1, 0, 2], [1, 2, 0]]}
    put = await client.put("/v1/travel-matrices/town", json=other, headers=desk)
    assert (put.status_code, put.json()["with_distance"]) == (200, True)
    assert (await preview(with_matrix))["choices"][0]["eta_s"] == 50.0
    nowhere = {"place": {"index": 1}, "severity": "red"}
    said = await preview(with_matrix, call=nowhere, policy="closest")
    assert [short["code"] for short in said["shortfalls"]] == ["no_way", "free_next"]
    assert (await client.delete("/v1/travel-matrices/town", headers=desk)).status_code == 204
    await preview(with_matrix, 422)
    assert (await client.delete("/v1/travel-matrices/town", headers=desk)).status_code == 404


async def test_the_municipalitys_own_roads_answer_where_it_has_them(town: Town, tmp_path: Path) -> None:
    shutil.copytree(AREAS / "sample", tmp_path / AREA)
    area = tmp_path / AREA / "area.toml"
    text = area.read_text(encoding="utf-8").replace('slug = "sample"', f'slug = "{AREA}"')
    area.write_text(text, encoding="utf-8")
    table = "from_lon,from_lat,to_lon,to_lat,urgent_km_h\n103.5,16.4,103.5,16.5,36\n"
    (tmp_path / AREA / "roads.csv").write_text(table)
    load_policies(tmp_path)
    body = {"units": [{"id": "a", "place": {"lon": 103.5, "lat": 16.4}, "status": "idle"}], "matrix_id": None,
            "call": {"place": {"lon": 103.5, "lat": 16.5}, "severity": "red"}}  # fmt: skip
    said = await preview(town, **body)
    assert said["travel_times"] == "roads"
    assert said["choices"][0]["eta_s"] == pytest.approx(1111.95, rel=1e-3)
    assert {reason["code"] for reason in said["choices"][0]["reasons"]} == {"eta", "idle"}
    far = [*body["units"], {"id": "b", "place": {"lon": 104.5, "lat": 16.4}, "status": "idle"}]  # type: ignore[misc]
    said = await preview(town, **{**body, "units": far})
    assert said["travel_times"] == "great_circle"
    assert "straight_line" in {reason["code"] for reason in said["choices"][1]["reasons"]}


async def put(town: Town, body: Any, headers: dict[str, str]) -> httpx.Response:
    headers = {**headers, "content-type": "application/json"}
    return await town.running.client.put("/v1/travel-matrices/large", content=body, headers=headers)


@pytest.fixture
def row_by_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix, "MOST_COMMAS", -1)


@pytest.mark.usefixtures("row_by_row")
def test_a_large_matrix_is_read_row_by_row_as_a_small_one_is_as_a_whole() -> None:
    said = {
        "duration_s": [[0, 1.5, None], [2, 0, 3], [1e-3, 4e2, 0]],
        "distance_m": [[0, 1, None], [2, 0, 3], [4, 5, 0]],
    }
    whole, turned = matrix.read_matrix(said), dict(reversed(said.items()))
    for indent in (None, 2):
        found = matrix.read_text(json.dumps(turned, indent=indent).encode())
        assert np.array_equal(found.duration_s, whole.duration_s)
        assert np.array_equal(found.distance_m, whole.distance_m)  # type: ignore[arg-type]
    assert matrix.read_text(b'{"distance_m": null, "duration_s": [[0]]}').distance_m is None


@pytest.mark.usefixtures("row_by_row")
@pytest.mark.parametrize(
    "text",
    [
        "[]", "{}", '{"duration_s": 1}', '{"duration_s": []}', '{"duration_s": [[0]]', '{"duration_s": [[0]]}}',
        '{"duration_s": [[0],]}', '{"duration_s": [[0] [0]]}', '{"duration_s": [[0,1],[0,1,2]]}', '{"duration_s": [[[0]]]}',
        '{"duration_s": [[0, 1]]}', '{"duration_s": [[0], [0]]}', '{"duration_s": [["0"]]}', '{"duration_s": [[true]]}',
        '{"duration_s": [[-1]]}', '{"duration_s": [[1e308]]}', '{"duration_s": [[0]], "speed": [[0]]}',
        '{"distance_m": [[0]]}', '{"duration_s": [[0]], "distance_m": [[null]]}', '{"duration_s": [{"a": 0}]}',
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_large_matrix_is_one_clear_answer(text: str) -> None:
    with pytest.raises(Refusal):
        matrix.read_text(text.encode())


@pytest.mark.usefixtures("row_by_row")
@pytest.mark.parametrize("row", ["[0,]", "[NaN]", "[x]"])
def test_a_row_that_is_no_json_is_none_in_a_large_matrix_too(row: str) -> None:
    with pytest.raises(json.JSONDecodeError):
        matrix.read_text(b'{"duration_s": [%b]}' % row.encode())


LARGE = b'{"duration_s":[' + b",".join([b"[" + b"0," * 5000 + b"0]"] * 1000) + b"]}"


async def test_a_body_beyond_all_matrices_is_refused_before_it_is_unpacked(town: Town) -> None:
    inline = b'{"vehicles":[],"trips":[],"metric":"matrix","matrix":' + LARGE + b"}"
    names = b"{" + b",".join(b'"%d":0' % number for number in range(300_000)) + b"}"
    headers = {**bearer("partner"), "content-type": "application/json"}
    tracemalloc.start()
    try:
        put_one = await put(town, LARGE, bearer("partner"))
        asked = [
            await town.running.client.post("/v1/plans/preview", content=body, headers=headers)
            for body in (inline, names)
        ]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    said = [(answer.status_code, answer.json()["errors"][0]["code"]) for answer in (put_one, *asked)]
    assert said == [(422, "matrix_size"), (422, "matrix_size"), (413, "too_large")]
    assert peak < 4 * len(LARGE), "unpacked it would be seven times that"


async def test_large_bodies_come_one_after_the_other_and_from_those_who_are_known(town: Town) -> None:
    begun, goes_on = asyncio.Event(), asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield b'{"duration_s":[[0' + b" " * 2_000_000
        begun.set()
        await goes_on.wait()
        yield b"]]}"

    async def nobodys() -> AsyncIterator[bytes]:
        yield b" " * 2_000_000
        raise AssertionError("read on")

    first = asyncio.ensure_future(put(town, slowly(), bearer("partner")))
    await begun.wait()
    second = await put(town, b'{"duration_s":[[0]]}' + b" " * 2_000_000, town.desk)
    assert (second.status_code, second.json()["code"], second.headers["retry-after"]) == (503, "crowded", "5")
    assert (await put(town, b'{"duration_s":[[0]]}', town.desk)).status_code == 201, "a small one need not wait"
    assert (await put(town, nobodys(), {})).status_code == 401
    goes_on.set()
    assert (await first).status_code in {200, 201}
    assert (await put(town, b'{"duration_s":[[0]]}' + b" " * 2_000_000, town.desk)).status_code == 200


async def test_a_question_larger_than_a_municipality_keeps_no_call_waiting(town: Town) -> None:
    units = [{"id": f"u{at}", "place": {"x": at * 9, "y": at % 37}, "status": "idle"} for at in range(1000)]
    demand = [{"place": {"x": at * 5, "y": at % 53}, "weight": 1} for at in range(2000)]
    call = {"place": {"x": 1, "y": 1}, "severity": "green"}
    await preview(town, units=units[:1], call=call, matrix_id=None)  # what is read and built when it is first used

    async def stood_still() -> float:
        """The part of the question's time in which nothing else went on, at the longest."""
        longest_s, ends = 0.0, False

        async def beats() -> None:
            nonlocal longest_s
            while not ends:
                before = time.monotonic()
                await asyncio.sleep(0.001)
                longest_s = max(longest_s, time.monotonic() - before)

        heart = asyncio.ensure_future(beats())
        await asyncio.sleep(0)
        began = time.monotonic()
        said = await preview(town, units=units, demand=demand, call=call, matrix_id=None)
        took_s, ends = time.monotonic() - began, True
        await heart
        assert len(said["choices"]) == 1000
        return longest_s / took_s

    # Asked three times: who computes in the loop stands still each time, a machine that is taken away does so once.
    assert min([await stood_still() for _ in range(3)]) < 1 / 2


async def test_a_partners_matrix_is_that_partners_alone(with_matrix: Town) -> None:
    one, other = bearer("partner", subject="one"), bearer("partner", subject="other")
    ask = with_matrix.running.client.request
    others = {"duration_s": [[0, 7], [7, 0]]}
    body = {
        "now_s": 0, "matrix_id": "town", "call": {"place": {"index": 0}, "severity": "red"},
        "units": [{"id": "near", "place": {"index": 1}, "status": "idle"}],
    }  # fmt: skip

    async def eta_s(headers: dict[str, str]) -> float:
        answer = await ask("POST", "/v1/emergencies/preview", json=body, headers=headers)
        found: float = answer.json()["choices"][0]["eta_s"]
        return found

    assert await eta_s(one) == 100, "the desk's may be read"
    assert (await ask("PUT", "/v1/travel-matrices/town", json=others, headers=one)).status_code == 201
    assert [await eta_s(each) for each in (one, other, with_matrix.desk)] == [7, 100, 100]
    listed = [(await ask("GET", "/v1/travel-matrices", headers=each)).json()["items"] for each in (one, other)]
    assert [[(each["id"], each["places"]) for each in items] for items in listed] == [
        [("town", 2), ("town", 3)], [("town", 3)],
    ]  # fmt: skip
    assert (await ask("DELETE", "/v1/travel-matrices/town", headers=other)).status_code == 404
    assert (await ask("DELETE", "/v1/travel-matrices/town", headers=one)).status_code == 204
    assert [await eta_s(each) for each in (one, with_matrix.desk)] == [100, 100]


async def test_one_who_has_put_as_many_as_may_be_keeps_nobody_else_from_putting_one(town: Town) -> None:
    full, other = bearer("partner", subject="full"), bearer("partner", subject="other")
    client, body = town.running.client, {"duration_s": [[0]]}
    puts = [client.put(f"/v1/travel-matrices/m{at}", json=body, headers=full) for at in range(MOST_MATRICES + 3)]
    statuses = [answer.status_code for answer in await asyncio.gather(*puts)]
    assert sorted(statuses) == [201] * MOST_MATRICES + [409] * 3, "also where all come at once"
    for headers in (other, town.desk):
        assert (await client.put("/v1/travel-matrices/m", json=body, headers=headers)).status_code == 201
