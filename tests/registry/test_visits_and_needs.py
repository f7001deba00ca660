"""Visits from phones without signal, questionnaires with their groups, needs until they are met, community cards."""

from __future__ import annotations

import random
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.registry.keys import ring, use
from services.registry.rotation import seal_again
from services.registry.rules.questionnaires import proposals, questionnaires, score
from services.registry.rules.visits import Standing, bring_together, checked
from shared.crypto import Keyring
from shared.refusal import Refusal
from tests.harness import Running, bearer, problem_of
from tests.registry.conftest import add, goes_to, history, read

CARE = "case_manager"
BARTHEL, POVERTY = questionnaires()["barthel_adl"], questionnaires()["poverty"]


def answers_with(total: int) -> dict[str, int]:
    """Answers to the Barthel index with this total, given out from the first question on."""
    given: dict[str, int] = {}
    for item in BARTHEL.item:
        given[item.id] = min(total, max(item.points))
        total -= given[item.id]
    return given


@pytest.mark.parametrize(
    ("total", "band"),
    [(0, "bed_bound"), (4, "bed_bound"), (5, "home_bound"), (11, "home_bound"), (12, "social"), (20, "social")],
)
def test_the_bands_of_the_barthel_index(total: int, band: str) -> None:
    assert sum(max(item.points) for item in BARTHEL.item) == 20
    scored = score(BARTHEL, answers_with(total))
    assert (scored.score, scored.band.code) == (total, band)


def test_hardship_counts_dimensions_not_answers() -> None:
    none = {item.id: 0 for item in POVERTY.item}
    assert score(POVERTY, {**none, "untreated": 1, "no_carer": 1}).dimensions == ("health",)
    many = score(POVERTY, {**none, "untreated": 1, "food": 1, "no_card": 1})
    assert (many.score, many.band.code, many.dimensions) == (3, "many", ("health", "means", "services"))


def test_every_form_says_whose_it_is_and_a_gap_is_no_answer() -> None:
    for form in questionnaires().values():
        assert form.mark or form.approved_by, form.id
        full = {item.id: max(item.points) for item in form.item}
        assert score(form, full).band == form.band[-1]
        for item in form.item:
            with pytest.raises(Refusal, match="answered"):
                score(form, {key: value for key, value in full.items() if key != item.id})
            with pytest.raises(Refusal, match="points"):
                score(form, {**full, item.id: 99})
        with pytest.raises(Refusal, match="question"):
            score(form, {**full, "nothing": 1})


@pytest.mark.parametrize(
    ("before", "now", "member_of", "expected"),
    [
        (None, "bed_bound", set(), [("bedridden", True)]),
        ("home_bound", "bed_bound", {"homebound"}, [("bedridden", True), ("homebound", False)]),
        ("bed_bound", "bed_bound", set(), []),
        ("bed_bound", "social", {"bedridden", "elderly"}, [("bedridden", False)]),
        (None, "social", {"elderly"}, []),
        ("social", "bed_bound", {"bedridden"}, []),
    ],
)
def test_a_changed_band_proposes_its_group(
    before: str | None, now: str, member_of: set[str], expected: list[tuple[str, bool]]
) -> None:
    band = BARTHEL.band_named(now)
    assert band is not None
    assert proposals(BARTHEL, before, band, member_of) == expected


def test_what_two_phones_wrote_is_brought_together_in_any_order() -> None:
    assert bring_together(Standing(), 0, "a") == "stands"
    assert bring_together(Standing(1, "a"), 1, "b") == "stands"
    assert bring_together(Standing(2, "b"), 1, "c") == "disputed"
    assert bring_together(Standing(2, "b"), 0, "b") == "same"
    assert bring_together(Standing(), 0, "") == "same", "what was never said is not taken out"
    assert bring_together(Standing(1, "a"), 1, "") == "stands"
    assert bring_together(Standing(2, "b"), 1, "") == "disputed"
    for field, value in (("check.lives_here", "maybe"), ("result", "x"), ("nothing", "x"), ("result", "")):
        with pytest.raises(Refusal):
            checked(field, value)
    assert checked("note", "") == ""


async def visit(
    registry: Running, visit_id: UUID, person_id: UUID, who: str, role: str = "volunteer", **body: Any
) -> Any:
    fields = {name: {"value": value, "base": base} for name, (value, base) in body.pop("fields", {}).items()}
    return await registry.client.put(
        f"/v1/visits/{visit_id}",
        json={"person_id": str(person_id), "fields": fields, **body},
        headers=bearer(role, subject=who, **({} if role == CARE else await goes_to(registry, person_id))),
    )


async def test_two_phones_write_one_visit_nothing_is_lost_and_an_officer_decides(registry: Running) -> None:
    person_id, visit_id = await add(registry, name="มานี"), uuid4()
    home = {"lon": 103.5, "lat": 16.43}
    await registry.client.post(
        f"/v1/persons/{person_id}/locations", json={**home, "method": "visit"}, headers=bearer("registry_officer")
    )
    one = {"result": ("as_told", 0), "check.lives_here": ("yes", 0), "note": ("อยู่กับลูกสาว", 0)}
    other = {"check.carer_present": ("no", 0), "note": ("อยู่คนเดียว", 0)}
    sent = [("v1", one, {"point": {"lon": 103.5, "lat": 16.431}, "accuracy_m": 8}), ("v2", other, {})] * 2
    random.Random(7).shuffle(sent)
    for who, fields, more in sent:
        assert (await visit(registry, visit_id, person_id, who, fields=fields, **more)).status_code == 200
    shown = await read(registry, f"/v1/visits/{visit_id}", CARE)
    assert 105 <= shown["distance_m"] <= 116
    by_field = {field["field"]: field for field in shown["fields"]}
    assert set(by_field) == {"result", "check.lives_here", "check.carer_present", "note"}
    assert [name for name, field in by_field.items() if field["others"]] == ["note"]
    note = by_field["note"]
    assert {note["stands"]["value"], note["others"][0]["value"]} == {"อยู่กับลูกสาว", "อยู่คนเดียว"}
    assert [item["id"] for item in (await read(registry, "/v1/visits", CARE))["items"]] == [str(visit_id)]
    chosen = note["others"][0]
    decided = await registry.client.post(
        f"/v1/visits/{visit_id}/decide", json={"field": "note", "value_id": chosen["id"]}, headers=bearer(CARE)
    )
    field = next(one for one in decided.json()["fields"] if one["field"] == "note")
    assert (field["stands"]["value"], field["others"], field["version"]) == (chosen["value"], [], 2)
    for who, fields, _ in sent:  # late repeats of what was decided open nothing again
        await visit(registry, visit_id, person_id, who, fields=fields)
    assert (await read(registry, "/v1/visits", CARE))["items"] == []
    assert len(await registry.said("registry.visit.recorded")) == 1
    again = await registry.client.post(
        f"/v1/visits/{visit_id}/decide", json={"field": "note", "value_id": chosen["id"]}, headers=bearer(CARE)
    )
    assert problem_of(again)["code"] == "not_disputed"
    foreign = await visit(registry, visit_id, await add(registry, name="ปิติ"), "v1")
    assert problem_of(foreign)["code"] == "other_visit"
    taken = await visit(registry, person_id, person_id, "v1")
    assert problem_of(taken)["code"] == "other_visit", "an id of something else is no visit's"
    for path, body in (("needs", {"need": "food"}), ("locations", home)):
        answer = await registry.client.post(
            f"/v1/persons/{person_id}/{path}",
            json={**body, "id": str(person_id)},
            headers=bearer("volunteer", **await goes_to(registry, person_id)),
        )
        assert answer.status_code == 409, path
    wrong = await visit(registry, uuid4(), person_id, "v1", fields={"check.lives_here": ("maybe", 0)})
    assert problem_of(wrong)["errors"][0]["field"] == "fields.check.lives_here"
    stored = str([dict(row) for row in await registry.sql("select * from told")])
    assert "ลูกสาว" not in stored + str([dict(row) for row in await registry.said("registry.visit")])


async def assess(registry: Running, person_id: UUID, total: int, **body: Any) -> Any:
    return await registry.client.post(
        f"/v1/persons/{person_id}/assessments",
        json={"instrument": "barthel_adl", "answers": answers_with(total), **body},
        headers=bearer("volunteer", **await goes_to(registry, person_id)),
    )


async def test_a_worse_score_proposes_the_bedridden_with_itself_as_evidence(registry: Running) -> None:
    person_id, mine = await add(registry, name="มานี", groups=["homebound"]), str(uuid4())
    first = (await assess(registry, person_id, 8)).json()
    assert (first["score"], first["band"]["code"], first["proposed"]) == (8, "home_bound", [])
    assert first["mark"]["th"]
    made = (await assess(registry, person_id, 3, id=mine)).json()
    assert [(one["group"]["code"], one["joins"]) for one in made["proposed"]] == [
        ("bedridden", True),
        ("homebound", False),
    ]
    assert (await assess(registry, person_id, 3, id=mine)).json()["id"] == mine
    late = (await assess(registry, person_id, 20, assessed_at="2026-01-01T00:00:00Z")).json()
    assert late["proposed"] == [], "a sheet from before, sent late, changes nothing now"
    items = (await read(registry, f"/v1/persons/{person_id}/assessments", CARE))["items"]
    assert [(one["score"], one["score_before"]) for one in items] == [(3, 8), (8, 20), (20, None)]
    assert items[0]["answers"] == answers_with(3)
    queue = (await read(registry, "/v1/group-proposals", CARE))["items"]
    assert {one["assessment_id"] for one in queue} == {mine}
    for proposal in queue:
        path = f"/v1/group-proposals/{proposal['id']}/decide"
        answer = await registry.client.post(path, json={"decision": "accepted"}, headers=bearer(CARE))
        assert answer.json()["decision"]["code"] == "accepted"
        twice = await registry.client.post(path, json={"decision": "refused"}, headers=bearer(CARE))
        assert problem_of(twice)["code"] == "decided"
    rows = await registry.sql("select group_code, evidence, until_on from membership where person_id = $1", person_id)
    stands = {row["group_code"]: row["evidence"] for row in rows if row["until_on"] is None}
    assert stands == {"bedridden": f"assessment:{mine}"}
    said = [row["type"] for row in await registry.said("registry.group")]
    assert said[-2:].count("registry.group.joined.v1") == said[-2:].count("registry.group.left.v1") == 1
    gap = await registry.client.post(
        f"/v1/persons/{person_id}/assessments",
        json={"instrument": "depression_2q", "answers": {"low": 1}},
        headers=bearer("volunteer", **await goes_to(registry, person_id)),
    )
    assert problem_of(gap)["errors"][0]["field"] == "answers.joyless"
    names = {line["type"] for line in await history(registry, person_id, CARE)}
    assert "registry.assessment.recorded.v1" in names


async def test_a_need_stays_open_until_it_is_met_and_erasure_takes_everything_along(registry: Running) -> None:
    person_id, stays = await add(registry, name="มานี"), await add(registry, name="ปิติ")
    opened = []
    for who, urgency, note in (
        (person_id, 5, "ต้องการคนช่วยอาบน้ำ"),
        (person_id, 9, "แผลกดทับ"),
        (person_id, 1, None),
        (stays, 1, "คุยเป็นเพื่อน"),
    ):
        answer = await registry.client.post(
            f"/v1/persons/{who}/needs",
            json={"need": "carer", "urgency": urgency, "note": note},
            headers=bearer("volunteer", **await goes_to(registry, who)),
        )
        opened.append(answer.json()["id"])
    assert opened[0] == opened[1] == opened[2], "and who cannot see how urgent it is makes it no less urgent"
    need = (await read(registry, f"/v1/persons/{person_id}/needs", CARE))["items"][0]
    assert (need["urgency"]["code"], need["note"], need["met_at"]) == ("9", "ต้องการคนช่วยอาบน้ำ\nแผลกดทับ", None)
    met = await registry.client.post(f"/v1/needs/{opened[0]}/met", json={"outcome": "given"}, headers=bearer(CARE))
    assert met.json()["outcome"]["code"] == "given"
    twice = await registry.client.post(f"/v1/needs/{opened[0]}/met", json={}, headers=bearer(CARE))
    assert problem_of(twice)["code"] == "met_already"
    assert [row["type"] for row in await registry.said("registry.need")][-1] == "registry.need.met.v1"
    await visit(registry, uuid4(), person_id, "v1", fields={"note": ("ลับ", 0)})
    await assess(registry, person_id, 2)
    old = ring()
    new = Keyring.of("2:" + "QUFB" * 10 + "QUE=")
    use(Keyring((*new.keys, *old.keys)))
    await seal_again(registry.runtime.pool, ring(), pause_s=0)
    use(new)
    again = (await read(registry, f"/v1/persons/{person_id}/needs", CARE))["items"][0]
    assert again["note"] == "ต้องการคนช่วยอาบน้ำ\nแผลกดทับ"
    erased = await registry.client.post(f"/v1/persons/{person_id}/erase", headers=bearer("supervisor"), json={})
    assert erased.status_code == 200
    for table in ("visit", "assessment", "life_need", "told", "group_proposal"):
        left = {row["person_id"] for row in await registry.sql(f"select person_id from {table}")}
        assert left <= {stays}, table
    assert (await read(registry, f"/v1/persons/{stays}/needs", CARE))["items"][0]["note"] == "คุยเป็นเพื่อน"


async def test_a_note_that_was_sent_is_taken_out_again_of_a_visit_and_of_a_need(registry: Running) -> None:
    person_id, visit_id = await add(registry), uuid4()
    await visit(registry, visit_id, person_id, "v1", fields={"note": ("จดผิดคน", 0)})
    emptied = await visit(registry, visit_id, person_id, "v1", fields={"note": ("", 1)})
    [field] = emptied.json()["fields"]
    assert (field["version"], field["stands"]["value"], field["others"]) == (2, "", [])
    [field] = (await read(registry, f"/v1/visits/{visit_id}", CARE))["fields"]
    assert field["stands"]["value"] == ""
    await visit(registry, visit_id, person_id, "v1", fields={"note": ("ใหม่", 2)})
    blind = await visit(registry, visit_id, person_id, "v2", fields={"note": ("", 2)})
    assert blind.json()["disputed"], "who has not seen what stands takes nothing out"

    async def noted(role: str = CARE, **body: Any) -> str | None:
        told = {"need": "carer", **body}
        await registry.client.post(
            f"/v1/persons/{person_id}/needs", json=told, headers=bearer(role, **await goes_to(registry, person_id))
        )
        found: str | None = (await read(registry, f"/v1/persons/{person_id}/needs", CARE))["items"][0]["note"]
        return found

    assert await noted(note="จดผิดคน") == await noted() == await noted("volunteer", note=None) == "จดผิดคน"
    assert await noted(note=None) is None
    assert await noted(note="ก" * 4000) == "ก" * 4000, "what several noted may be put right as a whole"


async def test_a_communitys_card_says_who_has_a_boat_and_forgets_who_had_one(registry: Running) -> None:
    entry = uuid4()
    body = {
        "community": "ดอนกลาง",
        "kind": "boat",
        "what": "เรือท้องแบน",
        "count": 2,
        "name": "ลุงชม",
        "phone": "081 234 5678",
    }
    put = await registry.client.put(f"/v1/community/{entry}", json=body, headers=bearer(CARE))
    assert put.status_code == 200, put.text
    items = (await read(registry, "/v1/community?kind=boat&name=ดอนกลาง", "dispatcher"))["items"]
    assert [(one["name"], one["phone"], one["count"]) for one in items] == [("ลุงชม", "+66812345678", 2)]
    assert (await read(registry, "/v1/community?kind=key", "dispatcher"))["items"] == []
    elsewhere = await registry.client.put(f"/v1/community/{entry}", json=body, headers=bearer(CARE, areas=["songkhla"]))
    assert elsewhere.status_code == 404
    gone = await registry.client.delete(f"/v1/community/{entry}", headers=bearer(CARE))
    assert gone.status_code == 204
    assert (await read(registry, "/v1/community", "dispatcher"))["items"] == []
    assert await registry.sql("select from told where owner_id = $1", entry) == []


async def test_a_card_takes_nobodys_texts_and_names_no_secret_person(registry: Running) -> None:
    person_id, body = await add(registry, name="มานี"), {"community": "ดอนกลาง", "kind": "skill", "what": "อดีตพยาบาล"}
    await visit(registry, uuid4(), person_id, "v1", fields={"note": ("อยู่กับลูกสาว", 0)})
    need = await registry.client.post(
        f"/v1/persons/{person_id}/needs",
        json={"need": "carer", "note": "แผลกดทับ"},
        headers=bearer("volunteer", **await goes_to(registry, person_id)),
    )
    before = await registry.sql("select owner_id, field, value from told order by 1, 2")
    value_id = (await registry.sql("select id from visit_value"))[0]["id"]
    for taken in (need.json()["id"], value_id, person_id):
        answer = await registry.client.put(f"/v1/community/{taken}", json=body, headers=bearer(CARE))
        assert answer.status_code == 404, answer.text
    assert await registry.sql("select owner_id, field, value from told order by 1, 2") == before
    assert (await read(registry, f"/v1/persons/{person_id}/needs", CARE))["items"][0]["note"] == "แผลกดทับ"
    mine, other = uuid4(), uuid4()
    for entry, more in ((mine, {"person_id": str(person_id)}), (other, {"name": "ลุงชม"})):
        for _ in range(2):  # confirmed again, it is the same entry
            put = await registry.client.put(f"/v1/community/{entry}", json={**body, **more}, headers=bearer(CARE))
            assert put.status_code == 200, put.text
    listed = {one["id"] for one in (await read(registry, "/v1/community", "dispatcher"))["items"]}
    assert listed == {str(mine), str(other)}
    secret = await registry.client.post(
        f"/v1/persons/{person_id}/groups", json={"group": "violence"}, headers=bearer(CARE)
    )
    assert secret.status_code == 201, secret.text
    for role in ("dispatcher", CARE):
        items = (await read(registry, "/v1/community", role))["items"]
        assert [one["id"] for one in items] == [str(other)], role


async def test_writing_a_visit_reads_nothing_of_it_and_no_note_is_written_over(registry: Running) -> None:
    person_id, visit_id = await add(registry, name="มานี"), uuid4()
    home = {"lon": 103.5, "lat": 16.43, "method": "visit"}
    await registry.client.post(f"/v1/persons/{person_id}/locations", json=home, headers=bearer("registry_officer"))
    first = {"result": ("as_told", 0), "note": ("กินยาจิตเวช", 0)}
    known = await visit(registry, visit_id, person_id, "v1", fields=first, task_id=str(uuid4()))
    assert [one["stands"]["value"] for one in known.json()["fields"]] == ["กินยาจิตเวช", "as_told"], "their own"
    near = {"point": {"lon": 103.5, "lat": 16.431}, "accuracy_m": 8}
    for role in ("volunteer", "crew"):
        nothing = await visit(registry, visit_id, person_id, f"other-{role}", role, **near)
        shown = nothing.json()
        assert (shown["fields"], shown["disputed"], shown["distance_m"], shown["task_id"]) == ([], False, None, None)
        assert "v1" not in nothing.text, nothing.text
    blind = await visit(registry, visit_id, person_id, "v2", fields={"note": ("อยู่คนเดียว", 0)})
    [field] = blind.json()["fields"]
    assert blind.json()["disputed"], "that another phone wrote otherwise is said, not what"
    assert (field["field"], field["version"], field["stands"]) == ("note", 1, None)
    assert [one["value"] for one in field["others"]] == ["อยู่คนเดียว"]
    assert "จิตเวช" not in blind.text
    care = await visit(registry, visit_id, person_id, "officer", CARE)
    assert len(care.json()["fields"]) == 2
    assert care.json()["distance_m"] is not None
    for role in ("volunteer", "crew"):
        of_agency, at = bearer(role, agency_id=uuid4()), f"/v1/persons/{person_id}"
        for method, path, sent in (
            ("PUT", f"/v1/visits/{uuid4()}", {"person_id": str(person_id)}),
            ("POST", f"{at}/needs", {"need": "carer"}),
            ("POST", f"{at}/assessments", {"instrument": "adl", "answers": {}}),
            ("POST", f"{at}/locations", {"lon": 103.5, "lat": 16.4}),
        ):
            answer = await registry.client.request(method, path, json=sent, headers=of_agency)
            assert (answer.status_code, problem_of(answer)["code"]) == (403, "not_for_agencies"), path
        assert (await registry.client.get("/v1/tasks", headers=of_agency)).status_code == 200, "their own tasks"
    notes = []
    for role, note in (("volunteer", "แผลกดทับ"), ("crew", "ไม่มี"), ("crew", "ไม่มี"), ("crew", None), (CARE, "เตียงลม")):
        body = {"need": "carer", "note": note}
        told = await registry.client.post(
            f"/v1/persons/{person_id}/needs", json=body, headers=bearer(role, **await goes_to(registry, person_id))
        )
        assert told.status_code == 201, told.text
        notes.append((await read(registry, f"/v1/persons/{person_id}/needs", CARE))["items"][0]["note"])
    assert notes == ["แผลกดทับ", *["แผลกดทับ\nไม่มี"] * 3, "เตียงลม"]
