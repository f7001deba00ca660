"""Changing the key while work goes on: nobody is lost, nobody doubled, and in the end the old key opens nothing."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest

from services.registry import keys
from services.registry.rotation import seal_again
from shared.crypto import Keyring
from tests.harness import Running
from tests.registry.conftest import Call, add, cid, person_of, read, search, somsri

OLD = "a2FydW5hLXRlc3Qta2V5LTMyLWJ5dGVzLWxvbmchISE="
AS_BEFORE = """
insert into person_mark (person_id, marks, key_id) values ($1, '{}', 1)
on conflict (person_id) do update set marks = excluded.marks, key_id = excluded.key_id
"""
"""How marks were written before there was a way of marking."""
NEW = base64.b64encode(bytes(range(32))).decode()


@pytest.fixture(autouse=True)
def _the_old_key_afterwards() -> Iterator[None]:
    yield
    keys.use(Keyring.of(OLD))


async def found(registry: Running) -> list[str]:
    """Who is found by each way of looking."""
    ways = ({"national_id": cid(1)}, {"phone": "0812345678"}, {"name": "สมศรี ใจดี"}, {"name": "สมศี ใจดี"})
    return [item["id"] for way in ways for item in await search(registry, **way)]


async def test_a_key_is_changed_in_three_steps(registry: Running) -> None:
    person_id = await add(registry, name="นางสมศรี ใจดี", national_id=cid(1), phone="0812345678", birth_year=1950,
                          line_user_id="U1", identifiers=[{"kind": "none"}], alias="ป้าแดง", usual_place="ตลาด",
                          addresses={"current": {"detail": "12 หมู่ 3"}})  # fmt: skip
    for number in range(3):
        await Call(registry, patients=[somsri(name=f"คน ที่{number}", national_id=cid(10 + number))],
                   caller={"phone": f"+6681000000{number}", "name": "มานี"}).received()  # fmt: skip
    person = await read(registry, f"/v1/persons/{person_id}")
    both = Keyring.of(f"2:{NEW},1:{OLD}")
    keys.use(both)
    assert await found(registry) == [str(person_id)] * 4, "before a row is changed"

    pool = registry.runtime.pool
    assert await seal_again(pool, both, pause_s=0) > 10
    assert await seal_again(pool, both, pause_s=0) == 0
    assert await found(registry) == [str(person_id)] * 4, "after"

    keys.use(Keyring.of(f"2:{NEW}"))
    assert await found(registry) == [str(person_id)] * 4, "and without the old key"
    assert await read(registry, f"/v1/persons/{person_id}") == person
    again = await Call(registry, patients=[somsri()]).received()
    assert await person_of(registry, again) == person_id
    old = Keyring.of(OLD).current_head
    for column in ("name", "birth", "line_user_id"):
        assert not await registry.sql(f"select from person where substring({column} from 1 for 3) = $1", old)
    for table in ("identifier", "contact", "person_key", "person_mark", "address"):
        assert not await registry.sql(f"select from {table} where key_id = 1"), table


async def test_whoever_is_marked_by_an_older_way_is_marked_anew_once(registry: Running) -> None:
    person_id = await add(registry, name="ผ่องศรี (แดง) ใจดี")
    whole = [item["id"] for item in await search(registry, name="ผ่องศรี ใจดี")]
    assert whole == [str(person_id)]
    before = await registry.sql("select * from person_key order by kind, blind")
    await registry.sql("delete from person_key where blind <> $1", before[0]["blind"])
    await registry.sql("update person_mark set way = null, marks = '{}'")
    ring = Keyring.of(OLD)
    keys.use(ring)
    assert await seal_again(registry.runtime.pool, ring, pause_s=0) == 1
    assert await registry.sql("select * from person_key order by kind, blind") == before
    assert [item["id"] for item in await search(registry, name="ผ่องศรี ใจดี")] == whole
    assert await seal_again(registry.runtime.pool, ring, pause_s=0) == 0


async def test_whoever_is_marked_by_the_release_before_is_marked_anew(registry: Running) -> None:
    person_id, ring = await add(registry, name="ผ่องศรี (แดง) ใจดี"), Keyring.of(OLD)
    await add(registry, name="มานี")
    keys.use(ring)
    assert await seal_again(registry.runtime.pool, ring, pause_s=0) == 0
    await registry.sql(AS_BEFORE, person_id)
    assert await seal_again(registry.runtime.pool, ring, pause_s=0) == 1
    assert [item["id"] for item in await search(registry, name="ผ่องศรี ใจดี")] == [str(person_id)]
    assert await seal_again(registry.runtime.pool, ring, pause_s=0) == 0


async def test_a_call_in_the_middle_finds_who_is_under_the_old_key(registry: Running) -> None:
    person_id = await add(registry, name="นางสมศรี ใจดี", national_id=cid(1))
    keys.use(Keyring.of(f"2:{NEW},1:{OLD}"))
    call = await Call(registry, patients=[somsri()]).received()
    assert await person_of(registry, call) == person_id
