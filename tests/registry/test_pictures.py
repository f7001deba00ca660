"""Pictures of visits and places: drawn anew, sealed, seen by whoever may read what they belong to, gone with the person."""

from __future__ import annotations

import base64
import io
import json
import struct
import zlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from PIL import Image

from services.registry import store
from services.registry.keys import ring, use
from services.registry.pictures import LARGEST, LONGEST, drawn_anew
from services.registry.rotation import seal_again
from services.registry.verbs.pictures import MOST
from services.registry.verbs.retiring import retire
from shared.crypto import CannotOpen, Keyring
from shared.database import Connection
from shared.refusal import Refusal
from shared.retention import retire_all
from shared.work import now_utc
from tests.harness import Running, bearer, problem_of
from tests.registry.agencies import Agency
from tests.registry.conftest import GOES, add, goes_to, read
from tests.registry.photos import HIDDEN, opened, photo

CARE = "case_manager"


# --- drawing it anew ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_what_a_telephone_hides_in_a_picture_is_not_kept(kind: str) -> None:
    sent = photo(kind=kind)
    assert HIDDEN.encode() in sent
    drawn = drawn_anew(sent)
    image = opened(drawn.content)
    assert (image.format, image.size, dict(image.getexif())) == ("JPEG", (64, 48), {})
    assert HIDDEN.encode() not in drawn.content
    assert b"Exif" not in drawn.content
    assert image.info.keys() <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_a_picture_lies_as_it_was_taken_and_is_small() -> None:
    lying = drawn_anew(photo(orientation=6))
    image = opened(lying.content)
    assert (lying.width, lying.height) == image.size == (48, 64)
    top, bottom = image.getpixel((24, 4)), image.getpixel((24, 60))
    assert isinstance(top, tuple)
    assert isinstance(bottom, tuple)
    assert (top[0] > 150, bottom[0] < 50) == (True, True), "turned: what was left is above"
    large = drawn_anew(photo(4000, 3000))
    assert (large.width, large.height) == (LONGEST, 960)
    assert len(large.content) < LARGEST / 4


def test_the_worst_picture_fits_into_its_row() -> None:
    drawn = drawn_anew(photo(2000, 2000, noise=7))
    assert LARGEST / 8 < len(drawn.content) <= LARGEST


def test_what_is_seen_through_is_white() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(out, "PNG")
    pixel = opened(drawn_anew(out.getvalue()).content).getpixel((4, 4))
    assert isinstance(pixel, tuple)
    assert min(pixel) > 250


def bomb(side: int) -> bytes:
    """A few hundred bytes that say to be a picture of ``side`` by ``side``."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


BROKEN = {
    "nothing": b"", "text": b"<svg onload=alert(1)>", "cut off": photo()[:200], "a head alone": b"\xff\xd8\xff\xe0",
    "a page": b"%PDF-1.4", "no points": bomb(0),
    "an animation of another kind": b"GIF89a\x01\x00\x01\x00\x00\x00\x00;", "half a PNG": photo(kind="PNG")[:80],
}  # fmt: skip


@pytest.mark.parametrize("what", sorted(BROKEN))
def test_what_is_no_picture_is_refused(what: str) -> None:
    with pytest.raises(Refusal) as refused:
        drawn_anew(BROKEN[what])
    assert refused.value.code == "not_a_picture"


@pytest.mark.parametrize("side", [2001, 20_000, 100_000])
def test_a_picture_that_would_fill_the_memory_is_not_unpacked(side: int) -> None:
    with pytest.raises(Refusal) as refused:
        drawn_anew(bomb(side))
    assert refused.value.code == "too_many_points"
    with pytest.raises(Refusal) as refused:
        drawn_anew(photo(4001, 4000))
    assert refused.value.code == "too_many_points"


# --- keeping and reading -----------------------------------------------------------------------------------------------


async def visited(registry: Running, person: UUID, role: str = "volunteer", **more: Any) -> str:
    visit = str(uuid4())
    body = {"person_id": str(person), "fields": {"result": {"value": "as_told"}}, **more}
    claims = {} if role == CARE else await goes_to(registry, person)
    answer = await registry.client.put(f"/v1/visits/{visit}", json=body, headers=bearer(role, **claims))
    assert answer.status_code == 200, answer.text
    return visit


async def send(
    registry: Running, owner: str, content: bytes | None = None, role: str = "volunteer", **more: Any
) -> Any:
    """``owner``: ``visit_id=…`` or ``location_id=…``. The answer."""
    at = f"/v1/pictures/{more.pop('id', None) or uuid4()}?{owner}"
    return await registry.client.put(
        at, content=photo() if content is None else content, headers=bearer(role, **{"crew_id": GOES, **more})
    )


async def look(registry: Running, picture: str, role: str = CARE, **claims: Any) -> Any:
    return await registry.client.get(f"/v1/pictures/{picture}", headers=bearer(role, **claims))


async def test_a_visits_picture_is_sealed_shown_with_the_visit_and_every_look_is_written_down(
    registry: Running,
) -> None:
    person = await add(registry, name="มานี")
    visit = await visited(registry, person)
    answer = await send(registry, f"visit_id={visit}")
    assert answer.status_code == 200, answer.text
    picture = answer.json()["id"]
    [row] = await registry.sql("select * from picture")
    assert (row["person_id"], str(row["visit_id"]), row["taken_by"]) == (person, visit, "person:test-volunteer")
    assert b"JFIF" not in row["image"]
    with pytest.raises(CannotOpen):
        ring().open_bytes(row["image"], "picture", uuid4(), "image")
    [shown] = (await read(registry, f"/v1/persons/{person}/visits", CARE))["items"]
    assert [one["id"] for one in shown["pictures"]] == [picture]
    assert (await read(registry, f"/v1/visits/{visit}", CARE))["pictures"] == shown["pictures"]
    seen = await look(registry, picture)
    assert (seen.status_code, seen.headers["content-type"], seen.headers["cache-control"]) == (
        200,
        "image/jpeg",
        "no-store",
    )
    assert opened(seen.content).size == (64, 48)
    acts = await registry.sql(
        "select act, subject_id, detail, purpose from audit where act like '%picture' order by id"
    )
    assert [(act["act"], act["subject_id"]) for act in acts] == [("add_picture", person), ("read_picture", person)]
    assert acts[1]["detail"]["picture_id"] == picture
    said = [row["type"] for row in await registry.said()]
    assert said == ["registry.person.registered.v1", "registry.visit.recorded.v1"], "no event tells of a picture"


async def test_a_picture_sent_again_is_one_and_its_id_is_nobody_elses(registry: Running) -> None:
    person = await add(registry, name="มานี")
    visit, other, mine = await visited(registry, person), await visited(registry, person), str(uuid4())
    first = await send(registry, f"visit_id={visit}", id=mine)
    again = await send(registry, f"visit_id={visit}", photo(noise=1), id=mine)
    assert (first.status_code, again.status_code, again.json()) == (200, 200, first.json())
    stolen = await send(registry, f"visit_id={other}", id=mine)
    assert (stolen.status_code, problem_of(stolen)["code"]) == (409, "other_picture")
    assert len(await registry.sql("select from picture")) == 1
    for _ in range(MOST - 1):
        assert (await send(registry, f"visit_id={visit}")).status_code == 200
    assert problem_of(await send(registry, f"visit_id={visit}"))["code"] == "enough_pictures"
    assert (await send(registry, f"visit_id={visit}", id=mine)).status_code == 200, "what is there may come again"
    assert (await send(registry, f"visit_id={other}")).status_code == 200


async def test_what_is_wrong_with_a_picture_is_said(registry: Running) -> None:
    person = await add(registry, name="มานี")
    visit = await visited(registry, person)
    neither = await send(registry, "")
    both = await send(registry, f"visit_id={visit}&location_id={uuid4()}")
    assert {problem_of(each)["code"] for each in (neither, both)} == {"one_of"}
    assert (await send(registry, f"visit_id={uuid4()}")).status_code == 404
    assert problem_of(await send(registry, f"visit_id={visit}", b"x"))["code"] == "not_a_picture"
    large = await send(registry, f"visit_id={visit}", b"\xff" * (1024 * 1024 + 1))
    assert (large.status_code, problem_of(large)["code"]) == (413, "too_large")
    abroad = await send(registry, f"visit_id={visit}", areas=["songkhla"])
    assert abroad.status_code == 404
    assert not await registry.sql("select from picture")


async def test_a_place_is_seen_by_the_desk_a_visit_by_those_who_care_and_a_volunteer_sees_none(
    registry: Running,
) -> None:
    person = await add(registry, name="มานี")
    here = {"lon": 103.5, "lat": 16.4, "method": "gps"}
    place = await registry.client.post(
        f"/v1/persons/{person}/locations", json=here, headers=bearer("volunteer", **await goes_to(registry, person))
    )
    home = (await send(registry, f"location_id={place.json()['id']}")).json()["id"]
    visit = await visited(registry, person)
    inside = (await send(registry, f"visit_id={visit}")).json()["id"]
    [shown] = (await read(registry, f"/v1/persons/{person}/locations", "dispatcher"))["items"]
    assert [one["id"] for one in shown["pictures"]] == [home]
    answers = {
        role: [(await look(registry, one, role)).status_code for one in (home, inside)]
        for role in ("dispatcher", "call_taker", CARE, "volunteer", "admin")
    }
    assert answers == {
        "dispatcher": [200, 404], "call_taker": [200, 404], CARE: [200, 200], "volunteer": [403, 403], "admin": [403, 403],
    }  # fmt: skip
    assert (await look(registry, inside, CARE, areas=["songkhla"])).status_code == 404
    assert (await look(registry, str(uuid4()))).status_code == 404
    assert problem_of(await look(registry, inside, CARE, purpose=""))["code"] == "purpose_missing"


async def test_an_agency_sees_a_picture_where_an_agreement_opens_what_it_belongs_to(registry: Running) -> None:
    person = await add(registry, name="มานี", addresses={"current": {"area_code": "460101"}})
    visit = await visited(registry, person)
    picture = (await send(registry, f"visit_id={visit}")).json()["id"]
    place = await registry.client.post(
        f"/v1/persons/{person}/locations", json={"lon": 103.5, "lat": 16.4}, headers=bearer(CARE)
    )
    home = (await send(registry, f"location_id={place.json()['id']}")).json()["id"]
    hospital = await Agency(registry).known()
    asked = [f"/v1/pictures/{one}" for one in (home, picture)]
    assert [(await hospital.get(path)).status_code for path in asked] == [403, 403]
    await hospital.agreement(bases=["s24_4"])
    assert [(await hospital.get(path)).status_code for path in asked] == [200, 403], "a visit tells of health"
    await hospital.agreement()
    assert [(await hospital.get(path)).status_code for path in asked] == [200, 200]
    rows = await registry.sql("select detail from audit where act = 'read_picture'")
    assert {row["detail"]["way"] for row in rows} == {"agreement"}


async def test_an_officer_removes_a_picture_that_should_not_be(registry: Running) -> None:
    person = await add(registry, name="มานี")
    picture = (await send(registry, f"visit_id={await visited(registry, person)}")).json()["id"]
    for role, status in (("volunteer", 403), (CARE, 204), (CARE, 404)):
        answer = await registry.client.delete(f"/v1/pictures/{picture}", headers=bearer(role))
        assert answer.status_code == status
    assert not await registry.sql("select from picture")


async def test_a_picture_that_was_removed_stays_away_when_its_phone_sends_it_again(registry: Running) -> None:
    person, mine = await add(registry, name="มานี"), str(uuid4())
    visit = f"visit_id={await visited(registry, person)}"
    await send(registry, visit, id=mine)
    await registry.client.delete(f"/v1/pictures/{mine}", headers=bearer(CARE))
    again = await send(registry, visit, id=mine)
    assert (again.status_code, problem_of(again)["code"]) == (410, "picture_gone")
    assert not await registry.sql("select from picture")
    assert (await send(registry, visit)).status_code == 200, "another one is kept"
    [kept] = await registry.sql("select * from picture_gone")
    assert (set(kept.keys()), str(kept["id"])) == ({"id", "gone_at"}, mine), "its id, and nothing of anybody"


async def test_the_volunteer_is_told_that_theirs_have_arrived_and_never_of_others(registry: Running) -> None:
    person, goes = await add(registry, name="มานี"), str(uuid4())
    plan = {"crew_ids": [goes], "due_on": str((now_utc() + timedelta(days=1)).date())}
    path = f"/v1/persons/{person}/planned-visits"
    visit = (await registry.client.post(path, json=plan, headers=bearer(CARE))).json()["id"]
    body = {"person_id": str(person), "fields": {"note": {"value": "x"}}}
    await registry.client.put(f"/v1/visits/{visit}", json=body, headers=bearer("volunteer", crew_id=goes))
    await send(registry, f"visit_id={visit}", crew_id=goes)
    await send(registry, f"visit_id={visit}", crew_id=goes, subject="other")
    mine = await read(registry, "/v1/planned-visits/mine", "volunteer", crew_id=goes)
    assert mine["items"][0]["pictures"] == 1
    again = await registry.client.put(f"/v1/visits/{visit}", json=body, headers=bearer("volunteer", crew_id=goes))
    assert [one["taken_by"] for one in again.json()["pictures"]] == ["person:test-volunteer"]


# --- a person's own ----------------------------------------------------------------------------------------------------


async def test_pictures_are_in_the_persons_copy_and_go_with_the_person(registry: Running) -> None:
    person, other = await add(registry, name="มานี"), await add(registry, name="คนอื่น")
    visit = await visited(registry, person)
    mine = [(await send(registry, f"visit_id={visit}")).json()["id"] for _ in range(2)]
    kept = (await send(registry, f"visit_id={await visited(registry, other)}")).json()["id"]
    place = await registry.client.post(
        f"/v1/persons/{person}/locations", json={"lon": 103.5, "lat": 16.4}, headers=bearer(CARE)
    )
    mine.append((await send(registry, f"location_id={place.json()['id']}")).json()["id"])
    copy = await registry.client.get(
        f"/v1/persons/{person}/copy", headers=bearer("registry_officer", purpose="registration")
    )
    whole = json.loads(copy.text)
    assert [one["id"] for one in whole["tables"]["picture"]] == [one["id"] for one in whole["pictures"]] == mine
    assert opened(base64.b64decode(whole["pictures"][0]["jpeg"])).size == (64, 48)
    assert "image" not in whole["tables"]["picture"][0]
    erased = await registry.client.post(f"/v1/persons/{person}/erase", headers=bearer("registry_officer"))
    assert erased.status_code == 200, erased.text
    assert [str(row["id"]) for row in await registry.sql("select id from picture")] == [kept]
    assert (await look(registry, mine[0])).status_code == 404


async def test_the_release_before_which_knows_of_no_pictures_erases_whoever_has_one(
    registry: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await add(registry, name="มานี")
    await send(registry, f"visit_id={await visited(registry, person)}")
    here = {"lon": 103.5, "lat": 16.4}
    place = await registry.client.post(f"/v1/persons/{person}/locations", json=here, headers=bearer(CARE))
    await send(registry, f"location_id={place.json()['id']}")

    async def not_yet_known(db: Connection, person_ids: Sequence[UUID]) -> None:
        pass

    monkeypatch.setattr(store.pictures, "wipe", not_yet_known)
    erased = await registry.client.post(f"/v1/persons/{person}/erase", headers=bearer("registry_officer"))
    assert erased.status_code == 200, erased.text
    assert not await registry.sql("select from picture")


async def test_a_young_picture_keeps_the_record_and_an_old_one_goes_with_it(registry: Running) -> None:
    person = await add(registry, name="มานี")
    await send(registry, f"visit_id={await visited(registry, person, CARE)}", role=CARE)
    long_ago = now_utc() - timedelta(days=400)
    for table, column in (("person", "changed_at"), ("known", "known_from"), ("visit", "recorded_at")):
        await registry.sql(f"update {table} set {column} = $1", long_ago)
    assert await retire_all(registry.runtime, 365, retire) == 0
    await registry.sql("update picture set kept_at = $1", long_ago)
    assert await retire_all(registry.runtime, 365, retire) == 1
    assert not await registry.sql("select from picture")


async def test_a_change_of_keys_seals_pictures_anew(registry: Running) -> None:
    person = await add(registry, name="มานี")
    visit = await visited(registry, person)
    pictures = [(await send(registry, f"visit_id={visit}")).json()["id"] for _ in range(3)]
    before = (await look(registry, pictures[0])).content
    old, new = "a2FydW5hLXRlc3Qta2V5LTMyLWJ5dGVzLWxvbmchISE=", base64.b64encode(bytes(range(32))).decode()
    try:
        both = Keyring.of(f"2:{new},1:{old}")
        use(both)
        await seal_again(registry.runtime.pool, both, pause_s=0)
        assert not await registry.sql("select from picture where key_id = 1")
        use(Keyring.of(f"2:{new}"))
        assert (await look(registry, pictures[0])).content == before
        assert (await look(registry, pictures[2])).status_code == 200
    finally:
        use(Keyring.of(old))
