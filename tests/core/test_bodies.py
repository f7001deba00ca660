"""A body that is wrong in many places is refused with few words, and holds up nobody while it is."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from pydantic import ValidationError

from shared import errors
from shared.errors import MOST_PROBLEMS
from shared.http import Body

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
