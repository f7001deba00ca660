"""What people agreed to, and withdrew; who must hear of it; and what is opened in an emergency."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from services.registry.app import QUESTIONS
from services.registry.figures import OVERDUE, count
from shared.ask import answer
from shared.thai.dates import local_day
from shared.work import new_id, now_utc
from tests.harness import AREA, Running, bearer, problem_of
from tests.registry.agencies import Agency, ours
from tests.registry.conftest import Call, add, cid, person_of, read, somsri


def today() -> date:
    return local_day(now_utc())


async def give(registry: Running, person_id: Any, **body: Any) -> dict[str, Any]:
    answer = await ours(
        registry, "POST", f"/v1/persons/{person_id}/consents", {"purpose": "care", **body}, "case_manager"
    )
    assert answer.status_code == 201, answer.text
    given: dict[str, Any] = answer.json()
    return given


async def test_what_stands_on_consent_stops_with_it_and_the_agency_says_that_it_heard(registry: Running) -> None:
    hospital, fund = await Agency(registry).known(), await Agency(registry, kind="fund").known()
    agreement_id = await hospital.agreement(bases=["consent"])
    person_id = await add(registry, name="มานี")
    at = f"/v1/persons/{person_id}"
    consent = await give(registry, person_id, paper="scan-17", given_by="guardian")
    assert (await hospital.get(at)).json()["name"] == "มานี"
    withdraw = f"/v1/consents/{consent['id']}/withdraw"
    assert (await ours(registry, "POST", withdraw, {"by": "self"})).json()["status"] == "withdrawn"
    assert [one["code"] for one in (await hospital.get(at)).json()["missing"]] == ["consent_withdrawn"]
    assert problem_of(await ours(registry, "POST", withdraw))["code"] == "consent_withdrawn"

    waiting = (await hospital.get("/v1/withdrawals")).json()["items"]
    assert (waiting[0]["still"], (await read(registry, f"{at}/consents"))["items"][0]["still"]) == ([], [])
    assert [(one["consent_id"], one["person_id"], one["overdue"]) for one in waiting] == [
        (consent["id"], str(person_id), False)
    ]
    due, withdrawn = (datetime.fromisoformat(waiting[0][name]) for name in ("due_at", "withdrawn_at"))
    assert due - withdrawn == timedelta(hours=72)
    assert (await fund.get("/v1/withdrawals")).json()["items"] == [], "it never stood on it"
    heard = {"consent_ids": [consent["id"], str(new_id())]}
    assert (await fund.post("/v1/withdrawals/acknowledge", heard)).json() == {"consent_ids": []}
    assert (await ours(registry, "POST", "/v1/withdrawals/acknowledge", heard)).json() == {"consent_ids": []}
    for _ in range(2):
        answer = await hospital.post("/v1/withdrawals/acknowledge", heard)
        assert answer.json() == {"consent_ids": [consent["id"]]}
    assert (await read(registry, "/v1/withdrawals"))["items"] == []
    done = (await read(registry, "/v1/withdrawals?done=true"))["items"]
    assert done[0]["acknowledged_at"] is not None
    assert await registry.audited("acknowledge")
    said = {row["type"]: row for row in await registry.said("registry.consent")}
    assert said["registry.consent.given.v1"]["data"]["private"] == {
        "purpose": "care",
        "agency_id": None,
        "until_on": None,
    }
    assert set(said["registry.consent.withdrawn.v1"]["open_data"]) == {"person_id", "at"}
    assert agreement_id not in str([dict(row) for row in said.values()])


async def test_a_withdrawal_says_to_whom_agreements_on_another_basis_open_the_person_all_the_same(
    registry: Running,
) -> None:
    hospital, fund = await Agency(registry).known(), await Agency(registry, kind="fund").known()
    agreement_id = await hospital.agreement()
    await hospital.agreement(purposes=["registration"])
    await fund.agreement(from_on=str(today() + timedelta(days=1)), sign=False)
    person_id = await add(registry, name="มานี")
    at = f"/v1/persons/{person_id}/consents"
    still = [{"agency_id": str(hospital.id), "agreement_id": agreement_id}]
    for named in ({"agency_id": str(hospital.id)}, {}):  # also where nobody stood on it
        consent = await give(registry, person_id, **named)
        told = await ours(registry, "POST", f"/v1/consents/{consent['id']}/withdraw", {"by": "self"})
        assert (consent["still"], told.json()["still"]) == ([], still)
    assert [one["still"] for one in (await read(registry, at))["items"]] == [still, still]
    assert [one["still"] for one in (await hospital.get("/v1/withdrawals")).json()["items"]] == [still]
    await ours(registry, "POST", f"/v1/agreements/{agreement_id}/end", {"reason": "x"})
    assert [one["still"] for one in (await read(registry, at))["items"]] == [[], []]


async def test_whoever_could_never_see_the_person_hears_of_no_withdrawal(registry: Running) -> None:
    """Who could, does, also by an agreement that is over; and pages lose none of those who hear of one consent."""
    yesterday, tomorrow = (str(today() + timedelta(days=days)) for days in (-1, 1))
    by_consent: dict[str, Any] = {"bases": ["consent"], "sign": False}
    stood = [{}, {}, {"until_on": yesterday}]
    never = [{"areas": ["trat"]}, {"from_on": tomorrow}, {"until_on": "2026-01-02"}]
    hearers = []
    for terms in stood + never:
        agency = await Agency(registry).known()
        agreement_id = await agency.agreement(**{**by_consent, **terms})
        for party in (f"area:{AREA}", str(agency.id)):
            await registry.sql(
                "insert into signature (agreement_id, party, signed_by, signed_at) values ($1, $2, 'x', now())",
                agreement_id, party,
            )  # fmt: skip
        hearers.append(str(agency.id))
    days_ago = (now_utc() - timedelta(days=3)).isoformat()
    secret = await person_of(registry, await Call(registry, patients=[somsri(groups=["violence"])]).received())
    for person_id in (secret, await add(registry, name="มานี")):
        consent = await give(registry, person_id, given_at=days_ago)
        assert (await ours(registry, "POST", f"/v1/consents/{consent['id']}/withdraw")).status_code == 200
    told, cursor = [], ""
    while cursor is not None:
        page = await read(registry, f"/v1/withdrawals?limit=1{cursor and f'&cursor={cursor}'}")
        told += [(one["consent_id"], one["agency_id"]) for one in page["items"]]
        cursor = page["next"]
    assert told == [(consent["id"], agency_id) for agency_id in sorted(hearers[: len(stood)])]
    bad = await registry.client.get("/v1/withdrawals?cursor=x", headers=bearer("case_manager"))
    assert problem_of(bad)["code"] == "bad_cursor"


async def test_who_does_not_say_in_time_stands_in_the_list_and_in_the_figures(registry: Running) -> None:
    hospital = await Agency(registry).known()
    person_id = await add(registry, name="มานี")
    consent = await give(registry, person_id, agency_id=str(hospital.id))
    await ours(registry, "POST", f"/v1/consents/{consent['id']}/withdraw")
    assert (await read(registry, "/v1/withdrawals?overdue=true"))["items"] == []
    await registry.sql("update withdrawal set due_at = now() - interval '1 minute'")
    late = (await read(registry, "/v1/withdrawals?overdue=true"))["items"]
    assert [(one["agency_id"], one["overdue"]) for one in late] == [(str(hospital.id), True)]
    await count(registry.runtime)
    assert OVERDUE._value.get() == 1
    assert (await read(registry, "/v1/withdrawals?overdue=true", areas=["trat"]))["items"] == []
    path = f"/v1/persons/{person_id}/consents"
    (heard,) = (await read(registry, path))["items"][0]["heard"]
    assert (heard["agency_id"], heard["overdue"], heard["acknowledged_at"]) == (str(hospital.id), True, None)
    await hospital.post("/v1/withdrawals/acknowledge", {"consent_ids": [consent["id"]]})
    (heard,) = (await read(registry, path))["items"][0]["heard"]
    assert (heard["overdue"], heard["acknowledged_at"] is not None) == (False, True)


async def test_a_consent_has_its_time_and_its_scope(registry: Running) -> None:
    hospital = await Agency(registry).known()
    await hospital.agreement(bases=["consent"], purposes=["care", "case_work"])
    person_id = await add(registry, name="มานี")
    other = await Agency(registry).known()
    await give(registry, person_id, agency_id=str(other.id))
    await give(registry, person_id, purpose="case_work", given_at="2026-01-05T09:00:00+07:00", until_on="2026-01-05")
    lacks = {}
    for purpose in ("care", "case_work"):
        answer = await hospital.get(f"/v1/persons/{person_id}", purpose=purpose)
        lacks[purpose] = problem_of(answer)["missing"][0]["code"]
    assert lacks == {"care": "consent", "case_work": "consent_expired"}
    listed = await read(registry, f"/v1/persons/{person_id}/consents")
    assert [one["status"] for one in listed["items"]] == ["given", "expired"]
    wrong = {
        "in_the_future": {"given_at": (now_utc() + timedelta(hours=1)).isoformat()},
        "days_reversed": {"until_on": str(today() - timedelta(days=1))},
        "unknown_agency": {"agency_id": str(new_id())},
    }
    for code, body in wrong.items():
        answer = await ours(registry, "POST", f"/v1/persons/{person_id}/consents", {"purpose": "care", **body})
        assert problem_of(answer)["code"] == code
    foreign = bearer("supervisor", areas=["trat"])
    consent_id = listed["items"][0]["id"]
    assert (await registry.client.post(f"/v1/consents/{consent_id}/withdraw", headers=foreign)).status_code == 404


async def test_erasure_takes_consents_and_reasons_along(registry: Running) -> None:
    hospital = await Agency(registry).known()
    person_id = await add(registry, name="มานี")
    consent = await give(registry, person_id, agency_id=str(hospital.id))
    await ours(registry, "POST", f"/v1/consents/{consent['id']}/withdraw")
    body = {"person_id": str(person_id), "reason": "มานีหมดสติหน้าบ้าน"}
    assert (await hospital.post("/v1/break-glass", body, purpose="emergency")).status_code == 201
    await ours(registry, "POST", f"/v1/persons/{person_id}/erase")
    for table in ("consent", "withdrawal"):
        assert await registry.sql(f"select from {table}") == []
    assert [row["reason"] for row in await registry.sql("select reason from break_glass")] == ["erased"]
    (glass,) = (await read(registry, "/v1/break-glass", "supervisor"))["items"]
    late = {"finding": "justified", "note": "มานีหมดสติจริง"}
    told = await ours(registry, "POST", f"/v1/break-glass/{glass['id']}/review", late)
    assert (told.status_code, told.json()["note"]) == (200, None), "the finding stays, no word of the person"
    assert await registry.sql("select from told") == []
    assert {str(row["data"]) for row in await registry.said("registry.consent")} == {"{}"}
    assert (await read(registry, "/v1/audit/verify", "auditor"))["whole"] is True


# --- broken glass ----------------------------------------------------------------------------------------------------


async def test_an_emergency_opens_one_record_for_one_caller_for_three_hours(registry: Running) -> None:
    town, hospital = (
        await Agency(registry).known(kind="municipality", municipality=AREA),
        await Agency(registry).known(),
    )
    officer = new_id()
    for duty, crew_id in (("privacy_officer", officer), ("coordinator", new_id())):
        body = {"name": "x", "phone": "0819990001", "duty": duty, "crew_id": str(crew_id), "from_on": "2026-01-01"}
        await ours(registry, "PUT", f"/v1/agencies/{town.id}/coordinators/{new_id()}", body)
    call = await Call(registry, patients=[somsri(groups=["bedridden"])]).received()
    person_id, other = await person_of(registry, call), await add(registry, name="ปิติ")
    at = f"/v1/persons/{person_id}"
    assert (await hospital.get(at, purpose="emergency")).status_code == 403
    asked = {"national_id": cid(1), "reason": "หมดสติที่ห้องฉุกเฉิน"}
    opened = await hospital.post("/v1/break-glass", asked, purpose="emergency")
    assert (opened.status_code, opened.json()["person_id"]) == (201, str(person_id))
    assert await registry.audited("break_glass") == [person_id]
    until = datetime.fromisoformat(opened.json()["until_at"])
    assert timedelta(hours=2, minutes=59) < until - now_utc() <= timedelta(hours=3)

    person = (await hospital.get(at, purpose="emergency")).json()
    assert (person["name"], [one["group"]["code"] for one in person["groups"]]) == ("นางสมศรี ใจดี", ["bedridden"])
    assert (await hospital.get(f"{at}/history", purpose="emergency")).status_code == 200
    refused = {
        "another purpose": await hospital.get(at),
        "another person": await hospital.get(f"/v1/persons/{other}", purpose="emergency"),
        "a colleague": await hospital.get(at, purpose="emergency", subject="doctor"),
        "another agency": await (await Agency(registry).known()).get(at, purpose="emergency"),
    }
    assert {name: one.status_code for name, one in refused.items()} == dict.fromkeys(refused, 403)
    row = (await registry.sql("select detail from audit where act = 'read' and detail->>'way' = 'break_glass'"))[0]
    assert row["detail"]["basis"] == "s24_2,s26_1"

    said = (await registry.said("registry.person.unlocked"))[-1]
    assert said["data"]["private"]["officer_ids"] == [str(officer)]
    assert set(said["open_data"]) == {"at"}
    guessed = [
        (await hospital.post("/v1/break-glass", {**asked, "national_id": cid(n)}, purpose="emergency")).status_code
        for n in range(70, 76)
    ]
    assert guessed == [404] * 5 + [429], "nobody asks with a list of numbers who is in the register"
    assert await registry.audited("glass_missed") == [None] * 5
    later = {**asked, "national_id": cid(76)}
    colleague = await hospital.post("/v1/break-glass", later, purpose="emergency", subject="doctor")
    assert colleague.status_code == 404, "whoever else is there goes on"
    ours_too = await ours(registry, "POST", "/v1/break-glass", asked)
    assert problem_of(ours_too)["code"] == "not_needed"

    await registry.sql("update break_glass set from_at = from_at - interval '3 hours', until_at = now()")
    assert (await hospital.get(at, purpose="emergency")).status_code == 403, "it ends by itself"


async def test_it_is_shown_until_somebody_else_has_reviewed_it(registry: Running) -> None:
    hospital = await Agency(registry).known()
    person_id = await add(registry, name="มานี")
    body = {"person_id": str(person_id), "reason": "หมดสติ"}
    opened = await hospital.post("/v1/break-glass", body, "supervisor", purpose="emergency", subject="chief")
    glass_id = opened.json()["id"]
    (shown,) = (await read(registry, "/v1/break-glass", "supervisor"))["items"]
    assert (shown["id"], shown["reason"], shown["caller"]) == (glass_id, "หมดสติ", "person:chief")
    assert (await read(registry, "/v1/break-glass", "supervisor", areas=["trat"]))["items"] == []
    at = f"/v1/break-glass/{glass_id}/review"
    mine = await ours(registry, "POST", at, {"finding": "justified"})
    assert problem_of(mine)["code"] == "own_review"
    foreign = await registry.client.post(
        at, json={"finding": "justified"}, headers=bearer("supervisor", areas=["trat"])
    )
    assert foreign.status_code == 404
    behind = f"/v1/persons/{person_id}"
    assert (await hospital.get(behind, "supervisor", purpose="emergency", subject="chief")).status_code == 200
    reviewed = await registry.client.post(
        at, json={"finding": "unjustified", "note": "มานีไม่ได้หมดสติ"}, headers=bearer("supervisor")
    )
    closed = await hospital.get(behind, "supervisor", purpose="emergency", subject="chief")
    assert closed.status_code == 403, "what was not justified ends with the finding"
    assert (reviewed.json()["finding"], reviewed.json()["reviewed_by"]) == ("unjustified", "person:test-supervisor")
    assert reviewed.json()["note"] == "มานีไม่ได้หมดสติ"
    again = await registry.client.post(at, json={"finding": "justified"}, headers=bearer("supervisor"))
    assert problem_of(again)["code"] == "reviewed"
    assert (await read(registry, "/v1/break-glass", "supervisor"))["items"] == []
    (seen,) = (await read(registry, "/v1/break-glass?reviewed=true", "supervisor"))["items"]
    assert seen["note"] == "มานีไม่ได้หมดสติ"
    assert "หมดสติ" not in str([dict(row) for row in await registry.sql("select * from told")])
    of_one = "/v1/break-glass?reviewed=true&person_id={}"
    for person_id, found in ((seen["person_id"], 1), (new_id(), 0)):
        assert len((await read(registry, of_one.format(person_id), "supervisor"))["items"]) == found
    await ours(registry, "POST", f"/v1/persons/{seen['person_id']}/erase")
    (gone,) = (await read(registry, "/v1/break-glass?reviewed=true", "supervisor"))["items"]
    assert (gone["note"], gone["reason"]) == (None, "erased")
    assert UUID(glass_id)


async def test_an_agency_may_acknowledge_by_topic(registry: Running) -> None:
    """The same route under another address: with the agency's own token, and its purpose."""
    hospital = await Agency(registry).known()
    consent = await give(registry, await add(registry, name="มานี"), agency_id=str(hospital.id))
    await ours(registry, "POST", f"/v1/consents/{consent['id']}/withdraw")
    registry.runtime.app = registry.client._transport.app  # type: ignore[attr-defined]
    asked = {question.name: question for question in QUESTIONS}
    body = orjson.dumps({"consent_ids": [consent["id"]]})
    for name, sent in (("withdrawals", b""), ("withdrawals_acknowledge", body)):
        subject = f"karuna.{AREA}.ask.registry.{name}"
        status, said = await answer(registry.runtime, asked[name], subject, sent, hospital.headers())
        assert status == 200, said
        assert consent["id"] in said.decode()
    assert (await read(registry, "/v1/withdrawals"))["items"] == []
