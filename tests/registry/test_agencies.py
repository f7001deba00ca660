"""Agencies see what an agreement opens, and are told what is missing; the municipality works as ever."""

from __future__ import annotations

import itertools
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from karuna.seed_agencies import PARTNERS, seed_agencies
from services.registry.rules.access import CARE, DESK
from services.registry.rules.fields import FIELDS, HEALTH, KINDS, PUBLIC, RESTRICTED, SHARED, Kind
from shared.thai.dates import local_day
from shared.work import new_id, now_utc
from tests.harness import AREA, Running, bearer, problem_of
from tests.registry.agencies import Agency, ours
from tests.registry.conftest import Call, add, cid, person_of, read, search, somsri


def today() -> date:
    return local_day(now_utc())


async def somebody(registry: Running, **changes: Any) -> tuple[str, str]:
    """A person with something in every class, and an open case."""
    call = await Call(registry, patients=[somsri(groups=["bedridden"], mobility="stretcher", **changes)]).received()
    await call.barrier("money")
    await call.trip_completed(await call.trip())
    person_id = await person_of(registry, call)
    case_id = (await read(registry, f"/v1/persons/{person_id}"))["open_case_ids"][0]
    return str(person_id), case_id


def missing(answer: Any) -> list[str]:
    problem = problem_of(answer)
    assert (problem["status"], problem["code"]) == (403, "no_ground")
    assert all(one["help_th"] and one["help_en"] for one in problem["missing"])
    return [one["code"] for one in problem["missing"]]


# --- directory -----------------------------------------------------------------------------------------------------


async def test_the_directory_tells_whom_to_ring(registry: Running) -> None:
    hospital = await Agency(registry).known()
    at = f"/v1/agencies/{hospital.id}/coordinators"
    now, left = {"name": "มานะ ใจงาม", "phone": "081 999 0001", "from_on": "2026-01-01"}, new_id()
    assert (await ours(registry, "PUT", f"{at}/{new_id()}", now)).status_code == 204
    gone = {**now, "name": "ชูใจ", "until_on": str(today() - timedelta(days=1))}
    assert (await ours(registry, "PUT", f"{at}/{left}", gone)).status_code == 204
    page = await read(registry, "/v1/agencies", "dispatcher")
    assert [(one["name"], one["phone"]) for one in page["items"][0]["coordinators"]] == [("มานะ ใจงาม", "+66819990001")]
    assert page["items"][0]["kind"] == {"code": "hospital", "th": "โรงพยาบาล", "en": "hospital"}
    assert (await hospital.get("/v1/agencies")).json() == page, "an agency reads it too"
    assert (await read(registry, "/v1/agencies", areas=["trat"]))["items"] == []
    elsewhere = await registry.client.put(f"{at}/{left}", json=now, headers=bearer("supervisor", areas=["trat"]))
    assert elsewhere.status_code == 404
    other = await Agency(registry).known()
    moved = await ours(registry, "PUT", f"/v1/agencies/{other.id}/coordinators/{left}", now)
    assert problem_of(moved)["code"] == "other_agency"


async def test_a_municipality_is_one_agency(registry: Running) -> None:
    town = {"kind": "municipality", "municipality": AREA}
    await Agency(registry).known(**town)
    body = {**town, "name_th": "เทศบาล", "areas": [AREA], "from_on": "2026-01-01"}
    again = await ours(registry, "PUT", f"/v1/agencies/{new_id()}", body)
    assert problem_of(again)["code"] == "municipality_taken"
    for wrong in ({**body, "kind": "hospital"}, {**body, "municipality": None}, {**body, "areas": ["trat"]}):
        answer = await ours(registry, "PUT", f"/v1/agencies/{new_id()}", wrong)
        assert answer.status_code in {404, 422}


async def test_an_agency_is_changed_by_whoever_acts_for_all_its_municipalities(registry: Running) -> None:
    """And the row of a municipality by itself alone, with those whom a broken glass is told to."""
    shared = await Agency(registry, areas=(AREA, "trat")).known()
    town = await Agency(registry, areas=("trat", AREA)).known(kind="municipality", municipality="trat")
    mine = {"kind": "fund", "name_th": "x", "areas": [AREA], "from_on": "2026-01-01"}
    whom = {
        "name": "x",
        "phone": "0819990001",
        "duty": "privacy_officer",
        "crew_id": str(new_id()),
        "from_on": "2026-01-01",
    }
    before = await registry.sql("select * from agency order by id")
    for agency in (shared, town):
        for path, body in (("", mine), (f"/coordinators/{new_id()}", whom)):
            answer = await ours(registry, "PUT", f"/v1/agencies/{agency.id}{path}", body)
            assert answer.status_code == 404, path
    assert await registry.sql("select * from agency order by id") == before
    itself = bearer("supervisor", areas=["trat"])
    at = f"/v1/agencies/{town.id}/coordinators/{new_id()}"
    assert (await registry.client.put(at, json=whom, headers=itself)).status_code == 204
    await shared.known(name_en="Changed by somebody of both")


async def test_an_agencys_token_opens_nothing_that_does_not_decide_for_itself(registry: Running) -> None:
    hospital = await Agency(registry).known()
    person_id, case_id = await somebody(registry)
    for method, path in (
        ("POST", "/v1/persons"), ("POST", f"/v1/persons/{person_id}/erase"), ("POST", f"/v1/cases/{case_id}/close"),
        ("GET", f"/v1/persons/{person_id}/consents"), ("GET", "/v1/break-glass"), ("GET", "/v1/duplicates"),
        ("PUT", f"/v1/agencies/{hospital.id}"), ("POST", "/v1/agreements"), ("GET", "/v1/reports/served"),
    ):  # fmt: skip
        headers = hospital.headers("supervisor")
        answer = await registry.client.request(
            method, path, headers=headers, **({} if method == "GET" else {"json": {}})
        )
        assert problem_of(answer)["code"] == "not_for_agencies", path
    audits = await registry.client.get("/v1/audit", headers=hospital.headers("auditor"))
    assert problem_of(audits)["code"] == "not_for_agencies"


# --- what an agreement opens ---------------------------------------------------------------------------------------

ROUTES = {
    "search": ("POST", "/v1/persons/search"),
    "person": ("GET", "/v1/persons/{person}"),
    "history": ("GET", "/v1/persons/{person}/history"),
    "cases": ("GET", "/v1/cases?person_id={person}"),
    "case": ("GET", "/v1/cases/{case}"),
    "tasks": ("GET", "/v1/cases/{case}/tasks"),
    "team": ("GET", "/v1/cases/{case}/team"),
    "locations": ("GET", "/v1/persons/{person}/locations"),
    "visits": ("GET", "/v1/persons/{person}/visits"),
    "needs": ("GET", "/v1/persons/{person}/needs"),
    "assessments": ("GET", "/v1/persons/{person}/assessments"),
}
OF_CARE = {"visits", "needs", "assessments", "tasks", "team"}
"""For case managers, officers and supervisors, of whatever agency."""
LEVELS: dict[str, tuple[dict[str, Any], frozenset[Kind]]] = {
    "nothing": ({"sign": False}, frozenset()),
    "public": ({"field_class": "public"}, frozenset({PUBLIC})),
    "shared": ({"field_class": "shared"}, frozenset({PUBLIC, SHARED})),
    "restricted, not health": ({"bases": ["s24_4"]}, frozenset({PUBLIC, SHARED, RESTRICTED})),
    "restricted": ({}, frozenset({PUBLIC, SHARED, RESTRICTED, HEALTH})),
    "secret": ({"field_class": "secret"}, frozenset(KINDS)),
}
EMPTY: tuple[Any, ...] = (None, [])


@pytest.mark.parametrize("level", LEVELS)
async def test_every_role_on_every_route_sees_what_the_agreement_opens_and_no_more(
    registry: Running, level: str
) -> None:
    """The matrix: role × route × field class, closed by default."""
    hospital = await Agency(registry).known()
    terms, opened = LEVELS[level]
    await hospital.agreement(**terms)
    person_id, case_id = await somebody(registry)
    whole = await read(registry, f"/v1/persons/{person_id}", "supervisor")
    for role, (name, (method, path)) in itertools.product(sorted(DESK), ROUTES.items()):
        body = {"json": {"name": "สมศรี ใจดี"}} if method == "POST" else {}
        at = path.format(person=person_id, case=case_id)
        answer = await registry.client.request(method, at, headers=hospital.headers(role), **body)
        place = f"{role} {name}"
        if name in OF_CARE and role not in CARE:
            assert problem_of(answer)["code"] == "forbidden", place
            continue
        needs = {"search": PUBLIC, "person": PUBLIC, "locations": RESTRICTED}.get(name, HEALTH)
        if needs not in opened:
            assert missing(answer) == (["not_signed"] if level == "nothing" else [
                "field_class" if level in {"public", "shared"} else "basis"]), place  # fmt: skip
            assert whole["name"] not in answer.text
            continue
        assert answer.status_code == 200, (place, answer.text)
        if needs is PUBLIC:
            shown = answer.json()["items"][0] if name == "search" else answer.json()
            _is_cut(shown, whole, opened, place)


def _is_cut(shown: dict[str, Any], whole: dict[str, Any], opened: frozenset[Kind], place: str) -> None:
    told = {name for one in shown["withheld"] for name in one["fields"]}
    for field, value in shown.items():
        kind = FIELDS["person"][field]
        if kind in opened:
            # A number is shown whole to the municipality's officers alone.
            same = field in {"withheld", "identifiers"} or value == whole.get(field, value)
            assert same, (place, field)
            assert field not in told, (place, field)
        else:
            assert value in EMPTY, (place, field)
            assert field in told, (place, field)
    assert all(one["missing"] for one in shown["withheld"])


async def test_protected_matters_stay_closed_to_agencies_unless_agreed_and_to_roles_that_never_see_them(
    registry: Running,
) -> None:
    hospital = await Agency(registry).known()
    plain = await Call(registry, patients=[somsri()]).received()
    hidden = await Call(registry, patients=[somsri(groups=["psychiatric"])], protected=True).received()
    person_id = await person_of(registry, plain)
    await hospital.agreement()
    for role in DESK:
        person = (await hospital.get(f"/v1/persons/{person_id}", role)).json()
        lines = (await hospital.get(f"/v1/persons/{person_id}/history", role)).text
        cases = (await hospital.get(f"/v1/cases?person_id={person_id}", role)).json()["items"]
        assert (person["groups"], str(hidden.id) in lines, len(cases)) == ([], False, 1), role
    case_id = (await registry.sql("select id from case_file where protected"))[0]["id"]
    assert (await hospital.get(f"/v1/cases/{case_id}")).status_code == 404
    await hospital.agreement(field_class="secret")
    for role in DESK:
        lines = (await hospital.get(f"/v1/persons/{person_id}/history", role)).text
        assert (str(hidden.id) in lines) == (role in CARE), role


async def test_a_history_names_changed_fields_to_an_agency_as_far_as_it_may_see_them(registry: Running) -> None:
    hospital = await Agency(registry).known()
    await hospital.agreement()
    person_id = await person_of(registry, await Call(registry, patients=[somsri()]).received())
    at = f"/v1/persons/{person_id}"
    change = {"mobility": "stretcher", "alias": "ป้าศรี", "quiet_from": "22:00", "quiet_until": "06:00"}
    await ours(registry, "PATCH", at, change)

    def written(lines: list[dict[str, Any]]) -> set[str]:
        line = next(line for line in lines if line["type"] == "registry.person.changed.v1")
        return {code["code"] for code in line["codes"] if code["field"] == "written"}

    assert written((await read(registry, f"{at}/history"))["items"]) == {"mobility", "alias", "quiet_from"}
    told = await hospital.get(f"{at}/history")
    assert written(told.json()["items"]) == {"mobility", "alias"}, "of what no class opens nothing is said"
    assert "ป้าศรี" not in told.text


async def test_needs_and_visits_of_a_protected_case_stay_closed_to_agencies(registry: Running) -> None:
    hospital = await Agency(registry).known()
    person_id = await person_of(registry, await Call(registry, patients=[somsri()]).received())
    await Call(registry, patients=[somsri(groups=["psychiatric"])], protected=True).received()
    case_id = (await registry.sql("select id from case_file where protected"))[0]["id"]
    at = f"/v1/persons/{person_id}"
    for need, of_case in (("food", None), ("carer", str(case_id))):
        body = {"need": need, "case_id": of_case}
        assert (await ours(registry, "POST", f"{at}/needs", body)).status_code == 201
    answers = {"instrument": "depression_2q", "answers": {"low": 1, "joyless": 1}}
    for of_case in (None, str(case_id)):
        visit_id, body = new_id(), {"person_id": str(person_id), "kind": "home_visit", "case_id": of_case}
        told = await ours(registry, "PUT", f"/v1/visits/{visit_id}", body)
        assert told.status_code == 200, told.text
        assessed = await ours(registry, "POST", f"{at}/assessments", {**answers, "visit_id": str(visit_id)})
        assert assessed.status_code == 201, assessed.text
    hidden = {
        row["aggregate_id"]
        for row in await registry.sql(
            "select aggregate_id from event_log where protected and type ~ '^registry.(visit|need|assessment)'"
        )
    }
    assert len(hidden) == 3, "what is said of them in the open is an id and a time"
    await hospital.agreement()
    for role in ("call_taker", "dispatcher"):
        lines = (await read(registry, f"{at}/history", role))["items"]
        assert not hidden & {UUID(line["subject_id"]) for line in lines}, role
    assert not hidden & {UUID(line["subject_id"]) for line in (await hospital.get(f"{at}/history")).json()["items"]}
    shown = {what: (await hospital.get(f"{at}/{what}")).json()["items"] for what in ("needs", "visits", "assessments")}
    assert len(shown["assessments"]) == 1
    assert [need["need"]["code"] for need in shown["needs"]] == ["food"]
    assert [visit["case_id"] for visit in shown["visits"]] == [None]
    assert len((await read(registry, f"{at}/needs", "supervisor"))["items"]) == 2
    await hospital.agreement(field_class="secret")
    assert len((await hospital.get(f"{at}/needs")).json()["items"]) == 2


async def test_a_secret_person_is_like_nobody(registry: Running) -> None:
    """By reading, searching, asking why and breaking glass; with an agreement, and without any."""
    hospital = await Agency(registry).known()
    secret = await person_of(registry, await Call(registry, patients=[somsri(groups=["violence"])]).received())

    async def answers(person: Any) -> list[Any]:
        asked = [
            await hospital.get(f"/v1/persons/{person}"),
            await hospital.get(f"/v1/persons/{person}/history"),
            await hospital.get(f"/v1/cases?person_id={person}"),
            await hospital.post("/v1/persons/search", {"ids": [str(person)]}),
            await hospital.post("/v1/access/why", {"person_id": str(person)}),
            await hospital.post("/v1/break-glass", {"person_id": str(person), "reason": "หมดสติ"}, purpose="emergency"),
        ]
        return [(one.status_code, one.text.replace(str(person), "")) for one in asked]

    assert await answers(secret) == await answers(new_id())
    await hospital.agreement()
    with_agreement = await answers(secret)
    assert with_agreement == await answers(new_id())
    assert [status for status, _ in with_agreement] == [404, 404, 404, 200, 404, 404]
    by_number = {"national_id": cid(1), "reason": "หมดสติ"}
    assert (await hospital.post("/v1/break-glass", by_number, purpose="emergency")).status_code == 404
    # The municipality's own, who see her, may ask what an agency would.
    asked = {"person_id": str(secret), "agency_id": str(hospital.id)}
    assert (await ours(registry, "POST", "/v1/access/why", asked, "call_taker")).status_code == 404
    verdicts = (await ours(registry, "POST", "/v1/access/why", asked)).json()["verdicts"]
    assert {one["allowed"] for one in verdicts} == {False}


async def test_an_agreement_reaches_its_area_its_purposes_and_its_days(registry: Running) -> None:
    hospital = await Agency(registry, areas=(AREA, "trat")).known()
    person_id, _ = await somebody(registry)
    at = f"/v1/persons/{person_id}"
    assert missing(await hospital.get(at)) == ["no_agreement"]
    assert missing(await hospital.get(f"/v1/persons/{new_id()}")) == ["no_agreement"], "of nobody it is told the same"
    tomorrow, yesterday = str(today() + timedelta(days=1)), str(today() - timedelta(days=1))
    for terms, lacks in (
        ({"sign": False}, "not_signed"), ({"from_on": tomorrow}, "not_yet"),
        ({"until_on": yesterday}, "expired"), ({"areas": ["trat"]}, "other_area"), ({"purposes": ["case_work"]}, "purpose"),
    ):  # fmt: skip
        agreement_id = await _as_signed(hospital, **terms)
        assert lacks in missing(await hospital.get(at)), terms
        await registry.sql("update agreement set parties = '{x,y}' where id = $1", agreement_id)
    working = await hospital.agreement()
    assert (await hospital.get(at)).status_code == 200
    assert (await hospital.get(at, areas=["trat"])).status_code == 403, "its token is for another municipality"
    assert missing(await hospital.get(at, purpose="emergency")) == ["purpose"]
    ended = await hospital.post(f"/v1/agreements/{working}/end", {"reason": "moved"}, "supervisor")
    assert (ended.json()["works"], ended.json()["lacking"]) == (False, ["expired"])
    assert missing(await hospital.get(at)) == ["expired"]
    said = await registry.said("registry.agreement.changed")
    assert [row["data"]["status"] for row in said][-4:] == ["not_signed", "not_signed", "in_force", "expired"]


async def test_an_agreement_on_one_tambon_opens_nobody_of_the_next(registry: Running) -> None:
    """Some places agree by themselves; whose home is not known is not of the tambon."""
    hospital = await Agency(registry).known()
    await hospital.agreement(areas=["460101"])
    people = [
        await add(registry, name=name, **({"addresses": {"current": {"area_code": code}}} if code else {}))
        for name, code in (("นางสมศรี ใจดี", "460101"), ("นางสมหมาย ใจงาม", "460102"), ("นางสมใจ ใจเย็น", None))
    ]
    there, *others = [await hospital.get(f"/v1/persons/{person_id}") for person_id in people]
    assert there.status_code == 200, there.text
    assert [missing(answer) for answer in others] == [["other_area"]] * 2


async def _as_signed(hospital: Agency, *, sign: bool = True, **terms: Any) -> str:
    agreement_id = await hospital.agreement(sign=False, **terms)
    if sign:
        for party in ("area:kalasin", str(hospital.id)):
            await hospital.registry.sql(
                "insert into signature (agreement_id, party, signed_by, signed_at) values ($1, $2, 'x', now())",
                agreement_id, party,
            )  # fmt: skip
    return agreement_id


async def test_it_is_signed_by_each_side_for_itself(registry: Running) -> None:
    hospital, other = await Agency(registry).known(), await Agency(registry).known()
    agreement_id = await hospital.agreement(sign=False)
    at = f"/v1/agreements/{agreement_id}"
    assert (await other.get(at)).status_code == 404
    assert (await other.post(f"{at}/sign", {}, "supervisor")).status_code == 404
    for_us = await hospital.post(f"{at}/sign", {"municipality": AREA}, "supervisor")
    assert problem_of(for_us)["code"] == "not_a_party"
    for_them = await ours(registry, "POST", f"{at}/sign", {"agency_id": str(hospital.id)})
    assert problem_of(for_them)["code"] == "paper_needed"
    paper = {"agency_id": str(hospital.id), "paper": "mou-2569-14"}
    assert (await ours(registry, "POST", f"{at}/sign", paper)).json()["works"] is False, "we have not signed"
    signed = (await ours(registry, "POST", f"{at}/sign")).json()
    assert (signed["works"], [one["paper"] for one in signed["parties"] if one["agency_id"]]) == (True, ["mou-2569-14"])
    listed = (await read(registry, "/v1/agreements", "case_manager"))["items"]
    assert [(one["id"], one["works"], one["signed"]) for one in listed] == [(agreement_id, True, 2)]
    assert (await other.get("/v1/agreements")).json()["items"] == []
    ended = await ours(registry, "POST", f"{at}/end", {"reason": "over"})
    assert ended.json()["works"] is False
    again = await ours(registry, "POST", f"{at}/sign")
    assert problem_of(again)["code"] == "agreement_ended"


async def test_no_paper_signs_for_another_municipality(registry: Running) -> None:
    hospital = await Agency(registry).known()
    agreement_id = await hospital.agreement(sign=False, municipalities=["trat"])
    at, theirs = f"/v1/agreements/{agreement_id}/sign", bearer("supervisor", areas=["trat"])
    for body in ({"municipality": "trat", "paper": "mou-1"}, {"municipality": "trat"}):
        assert problem_of(await ours(registry, "POST", at, body))["code"] == "not_a_party"
    for_us = await registry.client.post(at, json={"paper": "mou-1"}, headers=theirs)
    assert problem_of(for_us)["code"] == "not_a_party"
    assert await registry.sql("select from signature") == []
    itself = await registry.client.post(at, json={"municipality": "trat"}, headers=theirs)
    assert [one["municipality"] for one in itself.json()["parties"] if one["signed_at"]] == ["trat"]


async def test_the_effect_is_told_before_anybody_signs_and_is_what_happens_then(registry: Running) -> None:
    hospital = await Agency(registry).known()
    person_id, _ = await somebody(registry)
    agreement_id = await hospital.agreement(sign=False, bases=["s24_4", "consent"])
    effect = await read(registry, f"/v1/agreements/{agreement_id}/effect", "case_manager")
    assert (effect["works"], effect["lacking"]) == (False, ["not_signed"])
    sights = {(one["field_class"]["code"], one["sensitive"]): one for one in effect["sights"]}
    assert set(sights) == {("public", False), ("shared", False), ("restricted", False), ("restricted", True)}
    assert [one["needs_consent"] for one in sights.values()] == [False, False, False, True]
    assert "person.needs" in sights["restricted", True]["fields"]
    assert sights["shared", False]["basis"]["code"] == "s24_4"
    for party in ({}, {"agency_id": str(hospital.id), "paper": "p-1"}):
        await ours(registry, "POST", f"/v1/agreements/{agreement_id}/sign", party)
    person = (await hospital.get(f"/v1/persons/{person_id}")).json()
    assert person["name"] == "นางสมศรี ใจดี"
    withheld = {name: one["missing"][0]["code"] for one in person["withheld"] for name in one["fields"]}
    assert set(withheld) == {"mobility", "needs", "groups", "barriers", "open_case_ids"}
    assert set(withheld.values()) == {"consent"}


async def test_why_not_is_answered_class_by_class(registry: Running) -> None:
    hospital = await Agency(registry).known()
    person_id, _ = await somebody(registry)
    agreement_id = await hospital.agreement(field_class="shared")
    verdicts = (await hospital.post("/v1/access/why", {"person_id": person_id})).json()["verdicts"]
    assert [(one["field_class"]["code"], one["allowed"], [each["code"] for each in one["missing"]]) for one in verdicts] == [
        ("public", True, []), ("shared", True, []), ("restricted", False, ["field_class"]),
        ("restricted", False, ["field_class"]), ("secret", False, ["field_class"]),
    ]  # fmt: skip
    assert {one["agreement_id"] for one in verdicts} == {agreement_id}
    asked = {"person_id": person_id, "agency_id": str(hospital.id), "role": "dispatcher", "purpose": "case_work"}
    found = (await ours(registry, "POST", "/v1/access/why", asked)).json()
    assert {one["code"] for each in found["verdicts"] for one in each["missing"]} == {"purpose", "field_class", "role"}
    own = (await ours(registry, "POST", "/v1/access/why", {"person_id": person_id}, "dispatcher")).json()["verdicts"]
    assert [(one["allowed"], one["way"]) for one in own] == [(True, "own")] * 4 + [(False, None)]
    stranger = {**asked, "agency_id": str(new_id())}
    assert problem_of(await hospital.post("/v1/access/why", stranger))["code"] == "own_agency"


async def test_asking_as_another_role_tells_nobody_of_somebody_they_may_not_know_of(registry: Running) -> None:
    hospital = await Agency(registry).known()
    await hospital.agreement(field_class="secret")
    secret = await person_of(registry, await Call(registry, patients=[somsri(groups=["violence"])]).received())
    for person_id in (secret, new_id()):
        asked = {"person_id": str(person_id), "role": "supervisor"}
        assert (await ours(registry, "POST", "/v1/access/why", asked, "call_taker")).status_code == 404
        theirs = await hospital.post("/v1/access/why", asked, "call_taker")
        assert (theirs.status_code, problem_of(theirs)["code"]) == (403, "own_role")
    assert (await hospital.post("/v1/access/why", asked | {"person_id": str(secret)}, "supervisor")).status_code == 200


async def test_every_answer_is_logged_with_what_it_stood_on(registry: Running) -> None:
    hospital = await Agency(registry).known()
    person_id, _ = await somebody(registry)
    await hospital.get(f"/v1/persons/{person_id}")
    agreement_id = await hospital.agreement()
    headers = {**hospital.headers(), "karuna-ticket": "HN-2569/0017"}
    assert (await registry.client.get(f"/v1/persons/{person_id}", headers=headers)).status_code == 200
    named = {**hospital.headers(), "karuna-ticket": "คุณสมศรี ใจดี".encode()}
    bad = await registry.client.get(f"/v1/persons/{person_id}", headers=named)  # type: ignore[arg-type]
    assert problem_of(bad)["code"] == "ticket"
    rows = await registry.sql(
        "select act, purpose, detail from audit where caller = 'person:hospital-case_manager' and noun = 'person' order by id"
    )
    assert [(row["act"], row["detail"]) for row in rows] == [
        ("read_refused", {"agency_id": str(hospital.id), "missing": ["no_agreement"]}),
        ("read", {"agency_id": str(hospital.id), "ticket": "HN-2569/0017", "basis": "s24_4,s26_5a", "way": "agreement",
                  "agreement_id": agreement_id, "classes": ["public", "shared", "restricted", "restricted_health"]}),
    ]  # fmt: skip


async def test_search_tells_an_agency_only_of_those_it_may_know(registry: Running) -> None:
    hospital = await Agency(registry).known()
    await hospital.agreement(bases=["consent"], field_class="shared")
    person_id, _ = await somebody(registry)
    other = await add(registry, name="สมศรี ใจดี")
    assert len(await search(registry, name="สมศรี ใจดี")) == 2
    assert (await hospital.post("/v1/persons/search", {"name": "สมศรี ใจดี"})).json()["items"] == []
    given = {"purpose": "care", "agency_id": str(hospital.id), "paper": "c-1"}
    assert (await ours(registry, "POST", f"/v1/persons/{other}/consents", given)).status_code == 201
    found = (await hospital.post("/v1/persons/search", {"name": "สมศรี ใจดี"})).json()["items"]
    assert [one["id"] for one in found] == [str(other)]
    assert person_id not in str(found)


async def test_search_confirms_no_field_to_an_agency_that_may_not_see_it(registry: Running) -> None:
    """Nor how many were left out."""
    hospital = await Agency(registry).known()
    await hospital.agreement(field_class="shared")
    passport = {"kind": "passport", "value": "AB1234567", "issuer": "MM"}
    for _ in range(2):
        await add(registry, name="มานี มีนา", phone="0812223333", birth_year=1967, identifiers=[passport])
        passport = {**passport, "value": "AB7654321"}
    numbered = await add(registry, name="ปิติ", national_id=cid(5))
    sought: tuple[dict[str, Any], ...] = (
        {"phone": "0812223333", "limit": 1}, {"identifier": {**passport, "value": "AB1234567"}},
        {"national_id": cid(5)}, {"name": "มานี มีนา", "birth_year": 1967, "limit": 1},
    )  # fmt: skip
    for body in sought:
        assert len(await search(registry, **body)) == 1, body
        hidden = (await hospital.post("/v1/persons/search", body)).json()
        assert hidden == {"items": [], "more": False}, body
    found = (await hospital.post("/v1/persons/search", {"name": "มานี มีนา", "limit": 1})).json()
    assert (len(found["items"]), found["more"]) == (1, True), "by what it may see"
    await hospital.agreement()
    found = [(await hospital.post("/v1/persons/search", body)).json() for body in sought]
    assert [(len(one["items"]), one["more"]) for one in found] == [(1, True), (1, False), (1, False), (1, True)]
    assert found[2]["items"][0]["id"] == str(numbered)


async def test_a_day_is_a_day(registry: Running) -> None:
    """What is typed wrongly about an agreement is named."""
    hospital = await Agency(registry).known()
    wrong = {
        "purposes": ["curiosity"], "bases": ["s99"], "areas": ["กาฬสินธุ์"], "until_on": "2025-01-01", "agency_ids": [],
        "field_class": "everything",
    }  # fmt: skip
    for field, value in wrong.items():
        body = {
            "area": AREA, "title_th": "x", "agency_ids": [str(hospital.id)], "areas": [AREA], "purposes": ["care"],
            "field_class": "shared", "bases": ["s24_4"], "from_on": str(date(2026, 1, 1)), field: value,
        }  # fmt: skip
        problem = problem_of(await ours(registry, "POST", "/v1/agreements", body))
        assert problem["status"] == 422, field
        assert problem["errors"][0]["field"].startswith((field, "body")), problem
    unknown = {"agency_ids": [str(new_id())]}
    answer = await ours(registry, "POST", "/v1/agreements", {**body, "field_class": "shared", **unknown})
    assert problem_of(answer)["code"] == "unknown_agency"


async def test_the_demonstration_has_its_partners_and_doing_it_twice_changes_nothing(registry: Running) -> None:
    officer = new_id()
    registry.client.headers.update(bearer("supervisor"))
    for _ in range(2):
        await seed_agencies(registry.client, AREA, officer)
    page = await read(registry, "/v1/agencies", "dispatcher")
    assert len(page["items"]) == len(PARTNERS)
    whom = [(one["duty"], one["phone"]) for agency in page["items"] for one in agency["coordinators"]]
    assert len(whom) == len(PARTNERS)
    assert [duty for duty, _ in whom].count("privacy_officer") == 1
    assert all(phone.startswith("+6690200") for _, phone in whom)
    agreements = (await read(registry, "/v1/agreements", "supervisor"))["items"]
    assert [one["works"] for one in agreements] == [True]
    assert "ติดเตียง" not in agreements[0]["title_th"], "it opens everybody, not a group"
