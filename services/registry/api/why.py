"""Why may somebody see this person, or why not: the decision, class by class, without any value."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Request

from services.registry.agreement_answers import Verdict, WhyNot
from services.registry.agreement_bodies import WhyBody
from services.registry.api.access import classes, open_person, told, weigh
from services.registry.api.gate import gate, person_for, runtime_of
from services.registry.records import Person
from services.registry.rules.fields import KINDS
from services.registry.verbs.agreements import fields_of
from services.registry.views import label
from shared.audit import audit
from shared.auth import Caller, Role
from shared.errors import Refused
from shared.openapi import problems

router = APIRouter(prefix="/v1/access", tags=["agencies"])

Asks = Annotated[Caller, Depends(gate("POST /v1/access/why"))]
NOT_YOURS = (403, "own_agency", "ถามได้เฉพาะหน่วยงานของท่าน", "an agency asks about itself alone")
NOT_YOUR_ROLE = (403, "own_role", "ถามได้เฉพาะบทบาทของท่าน", "somebody of an agency asks about their own role alone")


@router.post("/why", responses=problems(400, 401, 403, 404, 413))
async def why(request: Request, caller: Asks, body: WhyBody) -> WhyNot:
    """ทำไมดูได้หรือไม่ได้ | Of oneself; the municipality's own may ask about any agency and role.

    Whoever may not know of the person is answered as if there were none; an agency that could see nobody is told why
    without anybody being looked for.
    """
    runtime = runtime_of(request)
    if caller.agency_id is not None and body.agency_id not in (None, caller.agency_id):
        raise Refused(*NOT_YOURS, field="agency_id")
    if caller.agency_id is not None and body.role not in (None, caller.role):
        raise Refused(*NOT_YOUR_ROLE, field="role")
    if caller.agency_id is None:  # whatever role is asked about, first it must be somebody the caller may know of
        await person_for(runtime, caller, body.person_id)
    asker = replace(
        caller, agency_id=body.agency_id or caller.agency_id, role=Role(body.role) if body.role else caller.role,
        purpose=body.purpose or caller.purpose,
    )  # fmt: skip
    person: Person | None
    if asker.agency_id is None:
        person, seen = await open_person(runtime, asker, body.person_id)
    elif caller.agency_id is None:
        person, seen = await weigh(runtime, asker, body.person_id, known=True)
    else:
        person, seen = await weigh(runtime, asker, body.person_id)
    found = {"classes": classes(seen.allowed)}
    await audit(runtime.pool, caller, "ask_why", "person", body.person_id, found, area=person.area if person else None)
    verdicts = [
        Verdict(
            field_class=label("field_class", kind.field_class), sensitive=kind.sensitive, fields=fields_of(kind),
            allowed=decision.allowed, way=decision.way,
            basis=label("legal_basis", decision.basis) if decision.basis else None,
            agreement_id=decision.agreement, missing=told(decision.missing),
        )
        for kind in KINDS for decision in (seen.decisions[kind],)
    ]  # fmt: skip
    return WhyNot(
        person_id=body.person_id, agency_id=asker.agency_id, role=asker.role, purpose=asker.purpose or "",
        verdicts=verdicts,
    )  # fmt: skip
