"""The registry's audit as auditors read it: whole after an erasure, and nobody's health or secrecy in it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson

from tests.harness import Running, bearer
from tests.registry.conftest import add, read


async def test_auditors_verify_and_export_and_erasure_breaks_nothing(registry: Running) -> None:
    person_id = await add(registry, name="มานี")
    await read(registry, f"/v1/persons/{person_id}")
    erased = await registry.client.post(f"/v1/persons/{person_id}/erase", headers=bearer("registry_officer"))
    assert erased.status_code == 200
    found = await read(registry, "/v1/audit/verify", "auditor")
    assert (found["whole"], found["faults"], found["rows"]) == (True, [], 3)
    answer = await registry.client.get(f"/v1/audit/export?subject_id={person_id}", headers=bearer("auditor"))
    assert answer.headers["content-type"] == "application/fhir+ndjson"
    events = [orjson.loads(line) for line in answer.content.splitlines()]
    assert [(event["action"], event["subtype"][0]["code"]) for event in events] == [
        ("C", "register"), ("R", "read"), ("D", "erase"), ("R", "export"),
    ]  # fmt: skip
    for event in events:
        assert event["resourceType"] == "AuditEvent"
        assert {"type", "recorded", "agent", "source", "entity"} <= set(event)
        assert event["agent"][0]["requestor"] is True
        assert datetime.fromisoformat(event["recorded"]).tzinfo == UTC
        assert event["entity"][0]["what"] == {"reference": f"Patient/{person_id}"} or event["entity"][0]["type"]
    assert "มานี" not in answer.text
    elsewhere = await registry.client.get("/v1/audit/export", headers=bearer("auditor", areas=["trat"]))
    assert str(person_id) not in elsewhere.text


async def test_what_can_never_be_erased_holds_nobodys_health_or_secrecy(registry: Running) -> None:
    """The audit names the record in which it stands; erased with the person, nothing of it is left."""
    person_id, care = await add(registry, name="มานี"), bearer("case_manager")

    async def done(path: str, headers: dict[str, str], **body: Any) -> str:
        answer = await registry.client.post(path, json=body, headers=headers)
        assert answer.is_success, answer.text
        found: str = answer.json()["id"]
        return found

    at = f"/v1/persons/{person_id}"
    answers = {"untreated": 1, "no_carer": 0, "home_unsafe": 1, "child_out": 0, "food": 1, "no_card": 0}
    assessed = await done(f"{at}/assessments", care, instrument="poverty", answers=answers)
    proposal = str((await registry.sql("select id from group_proposal"))[0]["id"])
    await done(f"/v1/group-proposals/{proposal}/decide", care, decision="accepted")
    need = await done(f"{at}/needs", care, need="carer")
    await done(f"/v1/needs/{need}/met", care, outcome="given")
    asked = await done(f"{at}/disclosure", bearer("registry_officer"), wanted="secret", reason="threat")
    await done(f"/v1/disclosures/{asked}/decide", bearer("supervisor"), approve=True)
    rows = await registry.sql("select act, detail from audit where subject_id = $1", person_id)
    details = {row["act"]: row["detail"] for row in rows}
    assert details["assess"] == {"assessment_id": assessed}
    assert details["decide_group"] == {"proposal_id": proposal, "decision": "accepted"}
    assert details["open_need"] == details["meet_need"] == {"need_id": need}
    assert details["ask_disclosure"] == {"request_id": asked}
    assert details["decide_disclosure"] == {"request_id": asked, "approved": True}
