"""A name is found as people spell, hear and mistype it, and nobody is found by a piece of one."""

from __future__ import annotations

import pytest

from services.registry.rules.finding import NEAR_ENOUGH, Typed
from shared.thai.names import name_key
from tests.harness import Running, bearer
from tests.registry.conftest import OFFICER, Call, add, person_of, search

# What is written down, what is typed, and whether they meet.
PAIRS: list[tuple[str, str, bool]] = [
    ("นายสมศักดิ์ รักไทย", "สมศักดิ รักไทย", True),
    ("สมศักดิ รักไทย", "นายสมศักดิ์", True),
    ("ณัฐพล ใจดี", "นัฐพล ใจดี", True),
    ("นางวรรณา ศรีสุข", "วันนา", True),
    ("สุภาภรณ์ ทองดี", "ศุภาพร ทองดี", True),
    ("ยายมา ใจดี", "มา ใจดี", True),
    ("มาลี ใจดี", "ยายมาลี ใจดี", True),
    ("ตาสี คำแก้ว", "สี คำแก้ว", True),
    ("สมชาย พงษ์ไพศาล", "สมชาย พงศ์ไพศาล", True),
    ("สมศรี ใจดี", "สมศรีใจดี", True),
    ("สมศรี ใจดี", "สม ศรี ใจดี", True),
    ("เพ็ญศรี แก้วมณี", "เพญศรี แก้วมนี", True),
    ("บัวลา ศรีสุข (สมมติ 171)", "บัวลา ศรีสุข", True),
    ("บัวลา ศรีสุข (สมมติ 171)", "บัวลา ศรีสุข (สมมติ 171)", True),
    ("อุไร นาดี (สมมติ 78)", "อุไล นาดี", True),
    ("อุไร นาดี (สมมติ 78)", "อุไร นาดิ", True),
    ("อุไร นาดี (สมมติ 78)", "อุรัย นาดี", True),
    ("อุไร นาดี (สมมติ 78)", "อุไรนาดี", True),
    ("อุไร นาดี (สมมติ 78)", "ป้าอุไร นาดี", True),
    ("อุไร นาดี (สมมติ 78)", "อุไล นาดี (สมมติ 78)", True),
    ("อุไร นาดี (สมมติ 78)", "สมมติ", False),
    ("John Smith", "Jon Smith", True),
    ("สมศรี ใจดี", "สมศรี มีสุข", False),
    ("สมศรี ใจดี", "สม", False),
    ("สมศรี ใจดี", "ศรี", False),
    ("สมศรี ใจดี", "สมหมาย ใจดี", False),
]


@pytest.mark.parametrize(("written", "typed", "meet"), PAIRS)
async def test_which_writings_meet(registry: Running, written: str, typed: str, *, meet: bool) -> None:
    person_id = await add(registry, name=written)
    assert [item["id"] for item in await search(registry, name=typed)] == ([str(person_id)] if meet else [])


def test_likeness_is_of_the_worst_word() -> None:
    typed = Typed.of("สมศรี ใจดี")
    assert typed.likeness(name_key("นางสมศรี ใจดี")) == 1.0
    assert NEAR_ENOUGH <= typed.likeness(name_key("สมศี ใจดี")) < 1.0
    assert typed.likeness(name_key("สมศรี ทองคำ")) < NEAR_ENOUGH
    assert typed.likeness(name_key("")) == 0.0


async def test_the_likeliest_comes_first_and_each_person_once(registry: Running) -> None:
    exact = await add(registry, name="สมศรี ใจดี")
    near = await add(registry, name="สมศี ใจดี")
    other = await add(registry, name="สมศรีย์ ใจดี")
    await add(registry, name="สมศรี ใจดี", disclosure="secret")
    found = [item["id"] for item in await search(registry, name="สมศรี ใจดี")]
    assert (found[0], set(found)) == (str(exact), {str(exact), str(near), str(other)})
    link = {"survivor_id": str(exact)}
    answer = await registry.client.post(f"/v1/persons/{near}/link", json=link, headers=bearer(OFFICER))
    assert answer.status_code == 200
    for typed in ("สมศรี ใจดี", "สมศี ใจดี"):
        found = [item["id"] for item in await search(registry, name=typed)]
        assert found[0] == str(exact), typed
        assert str(near) not in found, typed
    answer = await registry.client.post(
        "/v1/persons/search", json={"name": "สมศี ใจดี"}, headers=bearer(OFFICER, areas=["songkhla"])
    )
    assert answer.json()["items"] == []
    rows = await registry.sql("select count(*) from audit where act = 'search' and subject_id = $1", exact)
    assert rows[0]["count"] == 3, "who is found is written down, each time"


async def test_a_misspelt_name_is_narrowed_by_the_year_and_keeps_exercises_apart(registry: Running) -> None:
    right = await add(registry, name="ณัฐพล ใจดี", birth_year=2500)
    await add(registry, name="ณัฐพล ใจดี", birth_year=2530)
    call = Call(registry, patients=[{"name": "นัฐพล ใจดี", "age": 40}], exercise=True)
    practised = await person_of(registry, await call.received())
    assert [item["id"] for item in await search(registry, name="นัฐพล ใจดี", birth_year=1957)] == [str(right)]
    assert [item["id"] for item in await search(registry, name="นัดพล ใจดี", exercise=True)] == [str(practised)]
