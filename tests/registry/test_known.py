"""What was known on day X about day Y: kept by the tables themselves, sealed, and gone with an erasure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.registry.keys import ring, use
from services.registry.rotation import seal_again
from shared.crypto import Keyring
from shared.thai.dates import local_day
from shared.work import now_utc
from tests.harness import Running, bearer, problem_of
from tests.registry.conftest import Call, add, cid, person_of, somsri

OFFICER = "registry_officer"


async def act(registry: Running, method: str, path: str, **body: Any) -> Any:
    answer = await registry.client.request(method, path, json=body, headers=bearer(OFFICER))
    assert answer.status_code in {200, 201}, answer.text
    return answer.json()


async def as_known(registry: Running, person_id: UUID, at: datetime, **params: str) -> Any:
    params["at"] = at.isoformat()
    return await registry.client.get(f"/v1/persons/{person_id}/as-known", params=params, headers=bearer(OFFICER))


async def moment(registry: Running) -> datetime:
    """Now, by the clock that dates the versions."""
    found: datetime = await registry.runtime.pool.fetchval("select clock_timestamp()")
    return found


async def test_every_fact_is_shown_as_it_was_known_and_as_it_held(registry: Running) -> None:
    before = await moment(registry)
    person_id = await add(
        registry, name="สมศรี ใจดี", national_id=cid(1), phone="0812345678", groups=["bedridden"],
        addresses={"current": {"area_code": "460101", "detail": "12 หมู่ 3"}},
    )  # fmt: skip
    first = await moment(registry)
    at = f"/v1/persons/{person_id}"
    await act(registry, "PATCH", at, name="สมศรี มีสุข", mobility="wheelchair",
              addresses={"current": {"area_code": "460102", "detail": "9"}})  # fmt: skip
    [group] = (await registry.sql("select id from membership"))[0]
    left_on = local_day(first) + timedelta(days=3)
    await act(registry, "POST", f"{at}/groups/{group}/leave", until_on=local_day(first).isoformat())
    second = await moment(registry)
    house = await act(registry, "POST", "/v1/households", members=[{"person_id": str(person_id), "head": True}])

    none = await as_known(registry, person_id, before)
    assert problem_of(none)["code"] == "not_known_then"
    then = (await as_known(registry, person_id, first)).json()
    assert (then["name"], then["mobility"], then["households"]) == ("สมศรี ใจดี", None, [])
    assert [(one["area_code"], one["detail"]) for one in then["addresses"]] == [("460101", "12 หมู่ 3")]
    assert [one["group"]["code"] for one in then["groups"]] == ["bedridden"]
    assert (len(then["identifiers"]), len(then["contacts"])) == (1, 1)
    # Known then, of a day to come: nobody knew that the group would end.
    ahead = (await as_known(registry, person_id, first, about=left_on.isoformat())).json()
    assert [one["group"]["code"] for one in ahead["groups"]] == ["bedridden"]
    later = (await as_known(registry, person_id, second, about=left_on.isoformat())).json()
    assert (later["name"], later["mobility"], later["groups"]) == ("สมศรี มีสุข", "wheelchair", [])
    assert [one["area_code"] for one in later["addresses"]] == ["460102"]
    now = (await as_known(registry, person_id, await moment(registry))).json()
    assert [one["id"] for one in now["households"]] == [house["id"]]
    ahead_of_time = await as_known(registry, person_id, now_utc() + timedelta(days=1))
    assert problem_of(ahead_of_time)["code"] == "in_the_future"
    past = (await as_known(registry, person_id, second, about="2020-01-01")).json()
    assert (past["addresses"], past["identifiers"], past["contacts"]) == ([], [], [])


async def test_records_that_were_one_person_then_are_read_as_one(registry: Running) -> None:
    one, other = (
        await add(registry, name="มานี มีนา", sex="female"),
        await add(registry, name="มานี มีนา", phone="0812345678"),
    )
    apart = await moment(registry)
    await act(registry, "POST", f"/v1/persons/{other}/link", survivor_id=str(one))
    together = await moment(registry)
    await act(registry, "POST", f"/v1/persons/{other}/unlink")
    assert (await as_known(registry, one, apart)).json()["contacts"] == []
    joined = (await as_known(registry, one, together)).json()
    assert (set(joined["records"]), joined["id"]) == ({str(one), str(other)}, str(one))
    assert [contact["phone"] for contact in joined["contacts"]] == ["+66812345678"]
    assert (await as_known(registry, one, await moment(registry))).json()["contacts"] == []
    # Somebody who is hidden since is no part of what was known, whoever asks by another's name.
    await registry.sql("update person set disclosure = 'secret' where id = $1", other)
    assert (await as_known(registry, one, together)).json()["contacts"] == []


async def test_the_same_under_another_key_is_nothing_new_and_is_read_with_the_old_key_gone(registry: Running) -> None:
    person_id = await add(registry, name="มานี มีนา", phone="0812345678", national_id=cid(1), birth_year=1950,
                          addresses={"current": {"detail": "12"}})  # fmt: skip
    first = await moment(registry)
    await act(registry, "PATCH", f"/v1/persons/{person_id}", name="มานี ใจกล้า")
    versions = (await registry.sql("select count(*) from known"))[0]["count"]
    old = ring()
    new = Keyring.of("2:" + "QUFB" * 10 + "QUE=")
    try:
        use(Keyring((*new.keys, *old.keys)))
        # Changed before the walk reaches them: a version under two keys.
        await act(registry, "PATCH", f"/v1/persons/{person_id}", name="มานี เก่งกล้า")
        between = await moment(registry)
        versions += 1
        await seal_again(registry.runtime.pool, ring(), pause_s=0)
        use(new)
        assert (await registry.sql("select count(*) from known"))[0]["count"] == versions
        then = (await as_known(registry, person_id, first)).json()
        assert (then["name"], then["contacts"][0]["phone"], then["addresses"][0]["detail"]) == (
            "มานี มีนา", "+66812345678", "12",
        )  # fmt: skip
        mixed = (await as_known(registry, person_id, between)).json()
        assert (mixed["name"], mixed["birth_year"]) == ("มานี เก่งกล้า", 1950)
    finally:
        use(old)


async def test_what_is_erased_was_never_known(registry: Running) -> None:
    call = await Call(registry, patients=[somsri()], caller={"phone": "+66899999999", "name": "มานี"}).received()
    person_id = await person_of(registry, call)
    other = await add(registry, name="คนอื่น")
    await act(registry, "POST", f"/v1/persons/{person_id}/groups", group="elderly")
    callers = "select count(*) from known where kind = 'contact' and doc ->> 'relation' <> 'self'"
    assert (await registry.sql(callers))[0]["count"] == 1
    await call.erased()
    assert (await registry.sql(callers))[0]["count"] == 0, "whoever called is forgotten with the call"
    await act(registry, "POST", f"/v1/persons/{person_id}/erase")
    assert not await registry.sql("select 1 from known where person_id = $1", person_id)
    assert await registry.sql("select 1 from known where person_id = $1", other)
    assert (await as_known(registry, person_id, now_utc())).status_code == 404


async def test_a_message_heard_again_is_no_new_version(registry: Running) -> None:
    call = await Call(registry, patients=[somsri()]).received()
    person_id = await person_of(registry, call)
    versions = await registry.sql("select kind, row_id, known_from from known where person_id = $1", person_id)
    await call.updated()
    again = await registry.sql("select kind, row_id, known_from from known where person_id = $1", person_id)
    assert sorted(versions) == sorted(again)
