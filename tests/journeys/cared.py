"""Somebody for whom everything is done that the register can: a home, visits, needs, a case, a review, a household.

Each text that is written down of them is a word of its own, so that whatever is found says where it came from.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from karuna.seed_agencies import agency_id
from shared.thai.dates import local_day
from shared.work import now_utc
from tests.journeys.canary import Canary, unheard_of
from tests.journeys.town import AREA, Town
from tests.registry.photos import photo

TAMBON = "460101"
COMMUNITY = f"{AREA}:donkaruna"
GENS = ("place", "thing", "situation", "principle", "rule")
HOSPITAL = agency_id(AREA, "hospital")
Ids = dict[str, str]


async def done(town: Town, method: str, path: str, body: Any = None, role: str = "case_manager", **claims: Any) -> Any:
    """The registry's answer."""
    return await town.ask("registry", method, path, role=role, body=body, claims=claims)


async def cared_for(town: Town, bird: Canary, volunteer: UUID) -> Ids:
    """Everything at once; ids by the names of the console's addresses. ``volunteer``: who visits them."""
    person = await registered(town, bird)
    ids = {"person_id": person}
    for part in (_at_home, _visited, _in_a_case, _shared):
        ids |= await part(town, bird, f"/v1/persons/{person}", volunteer)
    return ids


async def registered(town: Town, bird: Canary) -> str:
    body = {
        "area": AREA, "name": bird.name, "alias": bird.told("เอียง"), "usual_place": bird.told("ใต้ต้นฉำฉา"), "phone": bird.phone,
        "national_id": bird.national_id, "birth_date": bird.born, "sex": "female", "mobility": "stretcher",
        "needs": ["oxygen"], "groups": ["bedridden"], "line_user_id": bird.line_id,
        "addresses": {"current": {"area_code": TAMBON, "detail": bird.address},
                      "registered": {"area_code": TAMBON, "detail": bird.told("บ้านเดิม")}},
    }  # fmt: skip
    person: str = (await done(town, "POST", "/v1/persons", body, "registry_officer"))["id"]
    return person


async def _at_home(town: Town, bird: Canary, at: str, _: UUID) -> Ids:
    """Where they live and with whom; how else they are reached; whose boat is theirs."""
    whom = {"phone": bird.phone[:-1] + str((int(bird.phone[-1]) + 1) % 10), "relation": "child", "name": bird.caller}
    await done(town, "POST", f"{at}/contacts", whom)
    await done(town, "POST", f"{at}/locations", {"lat": bird.lat, "lon": bird.lon, "method": "visit"})
    mate = (await done(town, "POST", "/v1/persons", {"area": AREA, "name": unheard_of("อยู่ด้วย")}, "registry_officer"))[
        "id"
    ]
    household = {
        "area": AREA, "address": {"area_code": TAMBON, "detail": bird.told("บ้านเลขที่")},
        "members": [{"person_id": at.rpartition("/")[2], "role": "head", "head": True}, {"person_id": mate}],
    }  # fmt: skip
    home = (await done(town, "POST", "/v1/households", household))["id"]
    entry = str(uuid4())
    boat = {"area": AREA, "community": COMMUNITY, "kind": "boat", "what": bird.told("เรือ"),
            "person_id": at.rpartition("/")[2], "point": {"lat": bird.lat, "lon": bird.lon}}  # fmt: skip
    await done(town, "PUT", f"/v1/community/{entry}", boat)
    return {"household_id": home, "entry_id": entry, "mate_id": mate}


async def _visited(town: Town, bird: Canary, at: str, volunteer: UUID) -> Ids:
    """A visit that was made with a picture, one that two phones tell otherwise, one that is still to come."""
    plan = {"crew_ids": [str(volunteer)], "due_on": str(local_day(now_utc())), "what": bird.told("เปลี่ยนสายยาง")}
    planned = (await done(town, "POST", f"{at}/planned-visits", plan))["id"]
    visit, picture, person = str(uuid4()), str(uuid4()), at.rpartition("/")[2]
    for note in ("แผลดี", "แผลแย่"):
        told = {"person_id": person, "fields": {"note": {"value": bird.told(note)}}}
        await done(town, "PUT", f"/v1/visits/{visit}", told, "volunteer", crew_id=str(volunteer), subject=note)
    kept = await town.client.put(
        town.local.url("registry") + f"/v1/pictures/{picture}?visit_id={visit}", content=photo(),
        headers=town.headers("case_manager"),
    )  # fmt: skip
    assert kept.is_success, kept.text
    lacking = {"untreated": 1, "no_carer": 0, "home_unsafe": 1, "child_out": 0, "food": 1, "no_card": 0}
    await done(town, "POST", f"{at}/assessments", {"instrument": "poverty", "answers": lacking})
    need = (await done(town, "POST", f"{at}/needs", {"need": "carer", "urgency": 9, "note": bird.told("ขาดคนดู")}))["id"]
    return {"visit_id": planned, "made_visit_id": visit, "picture_id": picture, "need_id": need}


async def _in_a_case(town: Town, bird: Canary, at: str, volunteer: UUID) -> Ids:
    """A case with a task and a team, a care group, and a review of what went otherwise."""
    today = str(local_day(now_utc()))
    case = (await done(town, "POST", "/v1/cases", {"person_id": at.rpartition("/")[2]}))["id"]
    task = {"kind": "bring", "what": bird.told("ถุงยังชีพ"), "assignee_id": str(volunteer), "due_on": today}
    task_id = (await done(town, "POST", f"/v1/cases/{case}/tasks", task))["id"]
    member = (await done(town, "POST", f"/v1/cases/{case}/team", {"crew_id": str(volunteer)}))["id"]
    group = str(uuid4())
    care = {"area": AREA, "name": "กลุ่มดูแลทดลอง", "person_ids": [at.rpartition("/")[2]]}
    await done(town, "PUT", f"/v1/care-groups/{group}", care)
    review = (await done(town, "POST", "/v1/reviews", {"case_id": case, "title": bird.told("เรื่องของ")}))["id"]
    text = {
        "version": 1, "whys": [bird.told(f"เหตุผล{n}") for n in range(5)], "root_cause": "training",
        "gens": {gen: bird.told("มองที่") for gen in GENS},
    }  # fmt: skip
    await done(town, "PUT", f"/v1/reviews/{review}", text)
    act = {"what": bird.told("ต้องทำ"), "owner": "กองสาธารณสุข", "due_on": today}
    action = (await done(town, "POST", f"/v1/reviews/{review}/actions", act))["id"]
    return {"case_id": case, "task_id": task_id, "member_id": member, "group_id": group, "review_id": review,
            "action_id": action}  # fmt: skip


async def _shared(town: Town, bird: Canary, at: str, _: UUID) -> Ids:
    """What other agencies may see: a consent, given and withdrawn; glass that one of them broke."""
    given = {"purpose": "care", "agency_id": str(HOSPITAL), "paper": "canary-1"}
    consents = [(await done(town, "POST", f"{at}/consents", given))["id"] for _ in range(2)]
    await done(town, "POST", f"/v1/consents/{consents[0]}/withdraw")
    danger = {"person_id": at.rpartition("/")[2], "reason": bird.told("หมดสติที่")}
    glass = await town.ask(
        "registry", "POST", "/v1/break-glass", role="case_manager", body=danger,
        claims={"purpose": "emergency", "agency_id": agency_id(AREA, "foundation"), "subject": "foundation-nurse"},
    )  # fmt: skip
    return {"consent_id": consents[1], "agency_id": str(HOSPITAL), "glass_id": glass["id"]}


async def hidden(town: Town, person: str) -> None:
    """One officer asks that they be secret, another person agrees."""
    wish = {"wanted": "secret", "reason": "violence"}
    asked = (await done(town, "POST", f"/v1/persons/{person}/disclosure", wish, "registry_officer"))["id"]
    await done(town, "POST", f"/v1/disclosures/{asked}/decide", {"approve": True}, "supervisor")
