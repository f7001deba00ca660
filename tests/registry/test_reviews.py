"""Five whys and five looks, actions closed with evidence alone, lessons for everybody, causes that come again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from services.registry.rules.reviews import GENS, Texts, missing
from shared.events import notify
from shared.thai.dates import local_day
from shared.work import now_utc
from tests.harness import Running, bearer, problem_of
from tests.registry.conftest import Call, person_of, read, somsri

CARE = "case_manager"
WHYS = ["รถไปช้า", "คนขับไม่รู้ทาง", "ไม่มีแผนที่ชุมชน", "ไม่มีใครสำรวจ", "ไม่ได้อยู่ในแผนงาน"]
LOOKS = dict.fromkeys(GENS, "ไปดูแล้วที่บ้านสมศรี")


def test_what_is_missing_is_named_one_by_one() -> None:
    assert missing(Texts(WHYS, LOOKS), "information") == []
    assert missing(Texts(WHYS[:3], {**LOOKS, "rule": ""}), None) == ["whys.4", "whys.5", "gens.rule", "root_cause"]
    packed = Texts(WHYS, LOOKS).packed()
    assert Texts.unpacked(packed) == Texts(WHYS, LOOKS)


async def send(registry: Running, method: str, path: str, role: str = CARE, **body: Any) -> Any:
    return await registry.client.request(method, path, json=body, headers=bearer(role))


async def a_case(registry: Running, **patient: Any) -> tuple[Call, UUID, str]:
    call = await Call(registry, patients=[somsri(**patient)]).received()
    await call.trip_completed(await call.trip())
    person_id = await person_of(registry, call)
    return call, person_id, (await read(registry, f"/v1/persons/{person_id}"))["open_case_ids"][0]


async def written(registry: Running, review_id: str, cause: str = "information") -> None:
    body = {"version": 1, "whys": WHYS, "gens": LOOKS, "root_cause": cause}
    assert (await send(registry, "PUT", f"/v1/reviews/{review_id}", **body)).status_code == 204


async def test_a_review_is_written_approved_acted_on_and_closed_with_evidence_alone(registry: Running) -> None:
    _, person_id, case_id = await a_case(registry)
    review_id = (await send(registry, "POST", "/v1/reviews", case_id=case_id, title="ถึงช้า")).json()["id"]
    at = f"/v1/reviews/{review_id}"
    early = problem_of(await send(registry, "POST", f"{at}/approve", "supervisor", lesson="สำรวจทางก่อน"))
    assert {one["field"] for one in early["errors"]} == {
        *(f"whys.{number}" for number in range(1, 6)), *(f"gens.{code}" for code in GENS), "root_cause"}  # fmt: skip
    await written(registry, review_id)
    stale = await send(registry, "PUT", at, version=1, whys=[])
    assert problem_of(stale)["code"] == "version"
    shown = await read(registry, at, CARE)
    assert (shown["title"], shown["whys"], shown["missing"]) == ("ถึงช้า", WHYS, [])
    types = [line["type"] for line in shown["timeline"]]
    assert types[0] == "intake.call.received.v1"
    assert types[-1] == "dispatch.trip.completed.v1"
    assert problem_of(await send(registry, "POST", f"{at}/close"))["code"] == "not_approved"
    yesterday = (local_day(now_utc()) - timedelta(days=1)).isoformat()
    action = {"what": "สำรวจทางเข้าชุมชน", "owner": "กองช่าง", "due_on": yesterday}
    key = {**bearer(CARE), "idempotency-key": "pressed-twice"}
    twice = [await registry.client.post(f"{at}/actions", json=action, headers=key) for _ in range(2)]
    action_id = twice[1].json()["id"]
    lesson = {"lesson": "สำรวจทางเข้าบ้านก่อนวันนัด", "call_kinds": ["medical"]}
    assert (await send(registry, "POST", f"{at}/approve", "supervisor", **lesson)).status_code == 204
    line = (await read(registry, "/v1/reviews?status=approved", CARE))["items"][0]
    assert (line["id"], line["open_actions"], line["overdue_actions"]) == (review_id, 1, 1)
    assert problem_of(await send(registry, "POST", f"{at}/close"))["code"] == "actions_open"
    done = f"/v1/review-actions/{action_id}/done"
    assert (await send(registry, "POST", done)).status_code == 422, "nothing is done without evidence"
    assert (await send(registry, "POST", done, evidence="ภาพถ่าย 12")).status_code == 204
    assert problem_of(await send(registry, "POST", done, evidence="x"))["code"] == "done_already"
    assert (await send(registry, "POST", f"{at}/close")).status_code == 204
    assert [str(one) for one in await registry.audited("close")] == [review_id]
    shown = await read(registry, at, CARE)
    assert (shown["status"]["code"], shown["actions"][0]["evidence"]) == ("closed", "ภาพถ่าย 12")
    [said] = await registry.said("registry.review")
    assert said["data"]["private"] == {"root_cause": "information"}
    found = (await read(registry, "/v1/lessons?q=ทางเข้าบ้าน&kind=medical", "volunteer"))["items"]
    assert [one["review_id"] for one in found] == [review_id]
    for nothing in ("q=ไม่มีคำนี้", "kind=transfer", "root_cause=law"):
        assert (await read(registry, f"/v1/lessons?{nothing}", "volunteer"))["items"] == []
    # Erased with the person: the texts; what was learnt stays.
    erased = await send(registry, "POST", f"/v1/persons/{person_id}/erase", "supervisor")
    assert erased.status_code == 200
    shown = await read(registry, at, CARE)
    assert (shown["whys"], shown["gens"], shown["title"], shown["actions"][0]["what"]) == ([], {}, None, None)
    assert shown["lesson"] == "สำรวจทางเข้าบ้านก่อนวันนัด"
    assert "สมศรี" not in str([dict(row) for row in await registry.sql("select * from review")])


async def test_a_bad_rating_opens_one_review_of_its_call_and_goes_with_it(registry: Running) -> None:
    call, _, _ = await a_case(registry)
    for score in (5, 3):
        event = notify.RatingGiven(call_id=call.id, at=now_utc(), private=notify.RatingGiven.Private(score=score))
        await call.tell(event, event_id_of(call, score))
    assert (await read(registry, "/v1/reviews", CARE))["items"] == []
    bad = notify.RatingGiven(call_id=call.id, at=now_utc(), private=notify.RatingGiven.Private(score=1))
    raw = await call.tell(bad, event_id_of(call, 1))
    await registry.runtime.inbox.take([raw])
    worse = notify.RatingGiven(call_id=call.id, at=now_utc(), private=notify.RatingGiven.Private(score=2))
    await call.tell(worse, event_id_of(call, 2))
    [line] = (await read(registry, "/v1/reviews?status=open", CARE))["items"]
    assert (line["reason"]["code"], line["call_id"]) == ("complaint", str(call.id))
    await written(registry, line["id"])
    await call.erased()
    shown = await read(registry, f"/v1/reviews/{line['id']}", CARE)
    assert (shown["whys"], shown["timeline"]) == ([], [])


def event_id_of(call: Call, score: int) -> UUID:
    return UUID(int=call.id.int ^ score)


async def test_causes_that_come_again_are_counted(registry: Running) -> None:
    for number, cause in enumerate(("information", "training", "information")):
        call, _, _ = await a_case(registry, national_id=None, name=f"คนที่ {number}")
        review_id = (await send(registry, "POST", "/v1/reviews", call_id=str(call.id))).json()["id"]
        await written(registry, review_id, cause)
        await send(registry, "POST", f"/v1/reviews/{review_id}/approve", "supervisor", lesson="บทเรียน")
    today = local_day(now_utc())
    counted = await read(registry, f"/v1/lessons/causes?from={today}&to={today}", "auditor", purpose="audit")
    assert [(one["root_cause"]["code"], one["reviews"], one["repeated"]) for one in counted["items"]] == [
        ("information", 2, True), ("training", 1, False)]  # fmt: skip
    both = await send(registry, "POST", "/v1/reviews", call_id=str(call.id), case_id=str(call.id))
    assert both.status_code == 422
    elsewhere = await registry.client.post(
        "/v1/reviews", json={"call_id": str(call.id)}, headers=bearer(CARE, areas=["songkhla"])
    )
    assert elsewhere.status_code == 404


async def test_no_lesson_list_or_timeline_tells_of_the_protected_or_of_other_municipalities(registry: Running) -> None:
    _, person_id, case_id = await a_case(registry)
    elsewhere = await Call(registry, area="songkhla", patients=[somsri()]).received()
    assert await person_of(registry, elsewhere) == person_id
    await registry.sql("update call_person set case_id = $2 where call_id = $1", elsewhere.id, UUID(case_id))
    hurt, _, _ = await a_case(registry, national_id=None, name="นางสาวเดือน")
    silent = await Call(registry, protected=True, patients=[somsri(national_id=None, name="ดาว")]).received()
    later = await Call(registry, patients=[somsri(national_id=None, name="ฟ้า")]).received()
    matters = [{"case_id": case_id}, {"call_id": hurt.id}, {"call_id": silent.id}, {"call_id": later.id}]
    made = []
    for matter in matters:
        body = {name: str(value) for name, value in matter.items()}
        made.append((await send(registry, "POST", "/v1/reviews", title="ถึงช้า", **body)).json()["id"])
        await written(registry, made[-1])
        await send(registry, "POST", f"/v1/reviews/{made[-1]}/approve", "supervisor", lesson="บทเรียน")
    own, of_hurt, of_silent, of_later = made
    timeline = (await read(registry, f"/v1/reviews/{own}", CARE))["timeline"]
    assert timeline
    assert str(elsewhere.id) not in str(timeline)
    both = (await read(registry, f"/v1/reviews/{own}", CARE, areas=["*"]))["timeline"]
    assert str(elsewhere.id) in str(both)
    today = local_day(now_utc())
    causes = f"/v1/lessons/causes?from={today}&to={today}"

    async def seen() -> tuple[set[str], set[str], int]:
        lessons = {one["review_id"] for one in (await read(registry, "/v1/lessons", "volunteer"))["items"]}
        listed = {one["id"] for one in (await read(registry, "/v1/reviews", CARE))["items"]}
        counted = (await read(registry, causes, "auditor", purpose="audit"))["items"]
        return lessons, listed, sum(one["reviews"] for one in counted)

    assert await seen() == ({own, of_hurt, of_later}, set(made), 3)
    later.protected = True
    await later.updated()
    assert await seen() == ({own, of_hurt}, set(made), 2)
    for who in (person_id, await person_of(registry, hurt)):
        answer = await send(registry, "POST", f"/v1/persons/{who}/groups", group="violence")
        assert answer.status_code == 201, answer.text
    assert await seen() == (set(), {of_silent, of_later}, 0)
