"""A file of people is undone: what nobody has touched goes, what was used stays and says why, and it can come again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from karuna import people_undo
from services.registry.api import undoing
from services.registry.verbs import erasing
from shared.work import new_id, now_utc
from tests.harness import Running, bearer
from tests.registry.conftest import OFFICER, Call, add, cid, read, search, somsri

COLUMNS = ["national_id", "name", "phone", "groups", "mobility", "need", "lat", "lon", "current_area", "needs"]
NEW = {"national_id": cid(11), "name": "นางบัวผัน ศรีสุข", "phone": "0812340011", "groups": "bedridden", "need": "carer",
       "lat": "16.43", "lon": "103.5", "current_area": "460101", "mobility": "stretcher"}  # fmt: skip
TWIN = {"national_id": cid(12), "name": "นายสมหมาย ทองดี"}


def part(*rows: dict[str, str], **more: Any) -> dict[str, Any]:
    lines = [[row.get(column, "") for column in COLUMNS] for row in rows]
    told = {"format": "karuna", "file": "ab" * 32, "file_rows": len(lines), "first_row": 2, "columns": COLUMNS}
    return {**told, "rows": lines, **more}


async def act(registry: Running, path: str, body: dict[str, Any], status: int = 200, role: str = OFFICER) -> Any:
    verb, _, to = path.rpartition(" ")
    headers = bearer(role, purpose="registration")
    answer = await registry.client.request(verb or "POST", to, json=body, headers=headers)
    assert answer.status_code == status, answer.text
    return answer.json()


async def take(registry: Running, *rows: dict[str, str], **more: Any) -> dict[str, Any]:
    taken: dict[str, Any] = await act(registry, "/v1/imports", part(*rows, **more))
    return taken


async def undo(registry: Running, taken: dict[str, Any], **more: Any) -> dict[str, Any]:
    body = {"reason": "wrong_file", **more}
    said: dict[str, Any] = await act(registry, f"/v1/imports/{taken['run']['id']}/undo", body)
    return said


def fates(said: dict[str, Any]) -> list[tuple[int, str, list[str]]]:
    return [(one["row"], one["fate"]["code"], [why["code"] for why in one["why"]]) for one in said["items"]]


async def people_there(registry: Running) -> int:
    return (await registry.sql("select count(*) from person where erased_at is null"))[0]["count"]  # type: ignore[no-any-return]


async def test_what_a_file_made_goes_as_anybody_who_is_erased_and_the_file_can_come_again(registry: Running) -> None:
    taken = await take(registry, NEW, TWIN, {**NEW, "needs": "oxygen"})
    made = UUID(taken["items"][0]["person_id"])
    assert [one["verdict"] for one in taken["items"]] == ["created", "created", "matched"]
    tried = await undo(registry, taken, dry_run=True)
    assert fates(tried) == [(2, "erased", []), (3, "erased", []), (4, "erased", [])]
    assert (await people_there(registry), tried["run"]["undo_begun_at"]) == (2, None)

    said = await undo(registry, taken)
    assert (said["counts"], said["next"]) == ({"erased": 3}, None)
    assert (said["run"]["undo_by"], said["run"]["undo_reason"]) == (f"person:test-{OFFICER}", "wrong_file")
    assert said["run"]["undone_at"] is not None
    assert await people_there(registry) == 0
    assert await search(registry, national_id=cid(11)) == []
    assert not await registry.sql(
        "select from location union all select from life_need union all select from membership"
    )
    erased = await registry.sql("select subject_id from erasure where noun = 'person'")
    assert made in {row["subject_id"] for row in erased}
    assert [row["type"] for row in await registry.said()].count("registry.person.erased.v1") == 2
    acts = await registry.sql("select act, noun, detail from audit where act in ('erase', 'undo_import') order by id")
    assert [(row["act"], row["noun"], row["detail"]["dry_run"]) for row in acts] == [
        ("undo_import", "import", True), *[("undo_import", "person", True)] * 2,
        ("undo_import", "import", False), *[("erase", "person", False)] * 2,
    ]  # fmt: skip
    shown = (await read(registry, f"/v1/imports/{taken['run']['id']}"))["items"]
    assert {one["code"] for one in shown} == {"undone"}
    assert (await undo(registry, taken))["items"] == [], "a second time does nothing more"

    again = await take(registry, NEW, TWIN)
    assert [one["verdict"] for one in again["items"]] == ["created", "created"]
    assert again["run"]["id"] != taken["run"]["id"]


Touch = Callable[[Running, UUID], Awaitable[Any]]


def by(path: str, body: dict[str, Any], status: int = 201) -> Touch:
    async def touch(registry: Running, person_id: UUID) -> None:
        await act(registry, path.format(person_id), body, status)

    return touch


async def a_call(registry: Running, person_id: UUID) -> None:
    patient = somsri(name=NEW["name"], national_id=cid(11))
    await Call(registry, patients=[patient]).received()
    assert await registry.sql("select from call_person where person_id = $1", person_id)


async def a_visit(registry: Running, person_id: UUID) -> None:
    body = {"person_id": str(person_id), "kind": "home_visit", "visited_at": now_utc().isoformat()}
    answer = await registry.client.put(f"/v1/visits/{new_id()}", json=body, headers=bearer(OFFICER))
    assert answer.status_code < 300, answer.text


async def another_file(registry: Running, _: UUID) -> None:
    await take(registry, NEW, file="cd" * 32)


async def a_link(registry: Running, person_id: UUID) -> None:
    other = await add(registry, name="นางบัวผัน ศรีสุข")
    await act(registry, f"/v1/persons/{person_id}/link", {"survivor_id": str(other)})


TOUCHES: dict[str, tuple[Touch, str]] = {
    "changed": (by("PATCH /v1/persons/{}", {"alias": "แดง"}, 200), "changed"),
    "telephone": (by("/v1/persons/{}/contacts", {"phone": "0812340099"}), "changed"),
    "group": (by("/v1/persons/{}/groups", {"group": "elderly"}), "changed"),
    "link": (a_link, "decided"),
    "call": (a_call, "call"),
    "visit": (a_visit, "visit"),
    "need": (by("/v1/persons/{}/needs", {"need": "food", "urgency": 5}), "need"),
    "point": (by("/v1/persons/{}/locations", {"lon": 103.51, "lat": 16.44}), "location"),
    "consent": (by("/v1/persons/{}/consents", {"purpose": "care"}), "consent"),
    "another file": (another_file, "other_file"),
}


@pytest.mark.parametrize("name", TOUCHES)
async def test_whoever_was_touched_since_stays_whole_and_it_is_said_why(registry: Running, name: str) -> None:
    touch, why = TOUCHES[name]
    taken = await take(registry, NEW, TWIN)
    person_id = UUID(taken["items"][0]["person_id"])
    await touch(registry, person_id)
    before = await read(registry, f"/v1/persons/{person_id}")
    said = await undo(registry, taken)
    (row, fate, whys), other = fates(said)
    assert (row, fate, other) == (2, "stays", (3, "erased", []))
    assert why in whys
    assert await read(registry, f"/v1/persons/{person_id}") == before
    again = await take(registry, NEW)
    assert again["items"][0]["verdict"] in {"unchanged", "matched"}


async def test_what_was_filled_in_of_somebody_who_was_there_goes_back(registry: Running) -> None:
    known = await add(registry, name=NEW["name"], national_id=cid(11))
    before = await read(registry, f"/v1/persons/{known}")
    taken = await take(registry, {**NEW, "needs": "oxygen"})
    assert taken["items"][0]["verdict"] == "matched"
    assert (await read(registry, f"/v1/persons/{known}"))["contacts"]
    said = await undo(registry, taken)
    assert fates(said) == [(2, "taken_back", [])]
    assert await read(registry, f"/v1/persons/{known}") == before
    left = "select from location union all select from life_need union all select from whereabouts"
    assert not await registry.sql(f"{left} union all select from membership union all select from person_match")
    assert [row["type"] for row in await registry.said()].count("registry.group.left.v1") == 1
    assert (await read(registry, f"/v1/persons/{known}/matches"))["files"] == []
    assert (await undo(registry, taken))["items"] == []
    assert (await take(registry, NEW))["items"][0]["verdict"] == "matched", "it can be filled in again"


async def test_what_somebody_wrote_over_it_stays_and_the_rest_goes(registry: Running) -> None:
    known = await add(registry, name=NEW["name"], national_id=cid(11))
    taken = await take(registry, NEW)
    await act(registry, f"PATCH /v1/persons/{known}", {"mobility": "wheelchair"})
    assert fates(await undo(registry, taken)) == [(2, "partly", ["changed"])]
    after = await read(registry, f"/v1/persons/{known}")
    assert (after["mobility"], after["contacts"], after["groups"]) == ("wheelchair", [], [])


async def test_what_an_officer_has_decided_stays(registry: Running) -> None:
    known = await add(registry, name=NEW["name"], national_id=cid(11))
    taken = await take(registry, NEW)
    [match] = (await read(registry, f"/v1/persons/{known}/matches"))["items"]
    await act(registry, f"/v1/matches/{match['id']}/confirm", {"document_seen": True})
    assert fates(await undo(registry, taken)) == [(2, "stays", ["decided"])]
    assert (await read(registry, f"/v1/persons/{known}"))["contacts"]


async def test_an_undo_that_was_cut_off_goes_on_and_the_file_waits_for_it(
    registry: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(undoing, "AT_ONCE", 1)
    taken = await take(registry, NEW, TWIN)
    first = await undo(registry, taken)
    assert (fates(first), first["next"], first["run"]["undone_at"]) == ([(2, "erased", [])], 3, None)
    refused = await act(registry, "/v1/imports", part(NEW, TWIN), 409)
    assert refused["code"] == "undo_under_way"

    async def breaks(*_: Any) -> None:
        raise OSError

    with monkeypatch.context() as broken:
        broken.setattr(erasing, "erase_persons", breaks)
        path = f"/v1/imports/{taken['run']['id']}/undo"
        await act(registry, path, {"reason": "wrong_file", "from_row": 3}, 503)
    assert await people_there(registry) == 1
    last = await undo(registry, taken)  # from the beginning again
    assert fates(last) == [(3, "erased", [])]
    while last["next"] is not None:
        last = await undo(registry, taken, from_row=last["next"])
    assert last["run"]["undone_at"] is not None
    assert await people_there(registry) == 0


async def test_a_later_row_alone_does_not_make_it_done(registry: Running) -> None:
    taken = await take(registry, NEW, TWIN)
    assert (await undo(registry, taken, from_row=3))["run"]["undone_at"] is None
    assert (await undo(registry, taken))["run"]["undone_at"] is not None


async def test_the_command_goes_through_all_of_it_and_says_what_stays(
    registry: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(undoing, "AT_ONCE", 1)
    taken = await take(registry, NEW, TWIN)
    await act(registry, f"PATCH /v1/persons/{taken['items'][0]['person_id']}", {"alias": "แดง"})
    monkeypatch.setitem(registry.client.headers, "authorization", bearer("supervisor")["authorization"])
    tried = await people_undo.undo(registry.client, taken["run"]["id"], "wrong_area", dry_run=True)
    assert (tried.counts, await people_there(registry)) == ({"stays": 1, "erased": 1}, 2)
    done = await people_undo.undo(registry.client, taken["run"]["id"], "wrong_area", dry_run=False)
    assert (done.counts, await people_there(registry)) == ({"stays": 1, "erased": 1}, 1)
    assert [one["row"] for one in done.stay] == [2]
    with pytest.raises(LookupError, match="not found"):
        await people_undo.undo(registry.client, str(new_id()), "wrong_area", dry_run=True)


async def test_another_municipality_undoes_nothing(registry: Running) -> None:
    taken = await take(registry, NEW)
    path = f"/v1/imports/{taken['run']['id']}/undo"
    answer = await registry.client.post(path, json={"reason": "other"}, headers=bearer(OFFICER, areas=["roi-et"]))
    assert answer.status_code == 404
    assert await people_there(registry) == 1


@pytest.mark.parametrize("undone", [False, True])
async def test_whoever_was_erased_comes_back_by_the_same_file_in_no_way(registry: Running, undone: bool) -> None:
    taken = await take(registry, NEW, TWIN)
    await registry.client.post(f"/v1/persons/{taken['items'][0]['person_id']}/erase", headers=bearer(OFFICER))
    if undone:
        await undo(registry, taken)
    other: dict[str, Any] = {} if undone else {"alike": "leave"}
    tried = await take(registry, NEW, TWIN, **other, dry_run=True)
    again = await take(registry, NEW, TWIN, **other)
    for said in (tried, again):
        row = said["items"][0]
        assert (row["verdict"], row["code"], row["person_id"]) == ("refused", "erased_since", None)
    assert again["items"][1]["verdict"] == ("created" if undone else "unchanged")
    assert await people_there(registry) == 1
