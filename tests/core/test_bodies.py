"""A body that is wrong in many places is refused with few words, and holds up nobody while it is."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI, Request
from pydantic import ValidationError

from shared import errors
from shared.errors import MOST_PROBLEMS
from shared.http import MOST_PARTS, Body, Edge, Room

MIB_OF_FIELDS = 90_000


class Line(Body):
    name: str


class Note(Body):
    text: str = ""
    lines: tuple[Line, ...] = ()


@pytest_asyncio.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    errors.install(app)

    @app.post("/notes")
    async def note(body: Note) -> dict[str, int]:
        return {"lines": len(body.lines)}

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as made:
        yield made


def many(count: int) -> dict[str, int]:
    return {f"unknown_{number}": number for number in range(count)}


@pytest.mark.parametrize("body", [many(MIB_OF_FIELDS), {"lines": [{}] * MIB_OF_FIELDS}, {"lines": [many(60)]}])
async def test_a_body_wrong_in_very_many_places_gets_one_sentence(client: httpx.AsyncClient, body: object) -> None:
    answer = await client.post("/notes", json=body)
    assert answer.status_code == 422
    [problem] = answer.json()["errors"]
    assert problem["code"] == "too_many"
    assert str(MOST_PROBLEMS) in problem["th"]
    assert str(MOST_PROBLEMS) in problem["en"]


async def test_up_to_fifty_are_named_each(client: httpx.AsyncClient) -> None:
    answer = await client.post("/notes", json=many(MOST_PROBLEMS))
    named = {problem["field"] for problem in answer.json()["errors"]}
    assert named == set(many(MOST_PROBLEMS))
    answer = await client.post("/notes", json={"lines": [{"name": "ก"}, {"name": 1}]})
    assert [problem["field"] for problem in answer.json()["errors"]] == ["lines.1.name"]
    assert (await client.post("/notes", json={"lines": [{"name": "ก"}]})).json() == {"lines": 1}


def test_what_is_wrong_is_not_written_out_for_each_place() -> None:
    """The megabyte's hundred thousand problems, as FastAPI asks for them all: that was what held the loop."""
    with pytest.raises(ValidationError) as refused:
        Note.model_validate(many(MIB_OF_FIELDS))
    assert refused.value.error_count() == 1


@pytest_asyncio.fixture
async def edged() -> AsyncIterator[httpx.AsyncClient]:
    """Behind the edge: what arrives at the app would have been read by it."""
    app = FastAPI()
    errors.install(app)
    app.add_middleware(
        Edge, room=Room(body_bytes=2**20, timeout_s=5), rooms={"/large": Room(body_bytes=2**22, timeout_s=5)}
    )

    @app.post("/notes")
    @app.post("/large")
    async def note(body: Note) -> dict[str, int]:
        return {"lines": len(body.lines)}

    @app.post("/form")
    async def form(request: Request) -> dict[str, int]:
        return {"lines": len(await request.form())}

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as made:
        yield made


PARTS = {
    "keys": ("application/json", b"{" + b",".join(b'"%d":1' % number for number in range(MIB_OF_FIELDS)) + b"}"),
    "numbers": ("application/json", b"[" + b"1," * MOST_PARTS + b"1]"),
    "empty": ("application/vnd.note+json; charset=utf-8", b"[" + b"{}," * MOST_PARTS + b"{}]"),
    "untold": ("", b"[" + b"[],[]," * MOST_PARTS + b"1]"),
    "deep": ("application/json", b"[" * (MOST_PARTS + 1)),
    "form": ("application/x-www-form-urlencoded", b"a=1&" * (MOST_PARTS + 1)),
}


@pytest.mark.parametrize("shape", PARTS)
async def test_a_body_of_very_many_parts_is_refused_before_it_is_read(edged: httpx.AsyncClient, shape: str) -> None:
    kind, body = PARTS[shape]
    answer = await edged.post("/form" if shape == "form" else "/notes", content=body, headers={"content-type": kind})
    assert answer.status_code == 413, answer.text
    problem = answer.json()
    assert (problem["code"], problem["limit_parts"]) == ("too_many_parts", MOST_PARTS)
    assert "มากเกิน" in problem["th"]
    assert "too many" in problem["en"]


async def test_a_path_of_large_bodies_reads_many_parts_of_callers_with_a_token_alone(edged: httpx.AsyncClient) -> None:
    _, body = PARTS["keys"]
    answer = await edged.post("/large", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 401
    assert (await edged.post("/large", json={"lines": [{"name": "ก"}]})).json() == {"lines": 1}


async def test_what_is_nested_deeply_and_a_long_text_are_read_as_ever(edged: httpx.AsyncClient) -> None:
    deep = await edged.post("/notes", content=b"[" * 5000, headers={"content-type": "application/json"})
    assert deep.status_code in {400, 422}
    assert (await edged.post("/notes", json={"text": "ก" * 100_000})).json() == {"lines": 0}
