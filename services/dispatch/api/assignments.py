"""Assignments: steps, release, backup, hand-over. Who did it comes from the token."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from services.dispatch import trail
from services.dispatch.api.answers import AssignmentOut, HandoverOut, StepOut
from services.dispatch.api.common import CODE_PATTERN, Decides, Id, Reports, crew_of, runtime_of, seen
from services.dispatch.rules import cards
from services.dispatch.store import assignments, resources
from services.dispatch.verbs import handover, steps
from shared.audit import audit
from shared.auth import Caller
from shared.codes.codes import code_list
from shared.errors import Refused, refuse
from shared.events.words import Severity, UnitLevel
from shared.events.words import Step as StepName
from shared.http import Body, IdempotencyKey, once
from shared.openapi import Moment, problems

router = APIRouter(prefix="/v1/assignments", tags=["assignments"])

Code = Annotated[str, Field(pattern=CODE_PATTERN)]
WRITES = problems(400, 401, 403, 404, 409, 413)


class StepBody(Body):
    """One step. ``at`` is when it happened; late reports keep their time. A correction names ``correction_of`` (the id

    of the step it corrects) or says ``correction: true``, and carries a ``reason`` (list ``reason_correction``).
    """

    step: StepName
    at: Moment
    odometer_km: Annotated[float, Field(ge=0, le=5_000_000)] | None = None
    rc: Severity | None = None
    outcome: Code | None = None
    facility_id: UUID | None = None
    correction_of: UUID | None = None
    correction: bool = False
    reason: Code | None = None


class StepDone(AssignmentOut):
    """The assignment after the step, and the step as it was recorded."""

    step: StepOut


class ReleaseBody(Body):
    """``reason`` from the list ``reason_release``."""

    reason: Code


class BackupBody(Body):
    """``level`` and above, one of ``kinds`` of vehicle; ``requirements``: codes of skills and equipment needed.

    With nothing said, one more unit like the first.
    """

    reason: Code | None = None
    level: UnitLevel | None = None
    kinds: Annotated[list[Code], Field(max_length=10)] = Field(default_factory=list)
    requirements: Annotated[list[Code], Field(max_length=20)] = Field(default_factory=list)

    @property
    def slot(self) -> str:
        skills = [code for code in self.requirements if code in code_list("skill")]
        equipment = [code for code in self.requirements if code in code_list("equipment")]
        level = self.level.value if self.level else None
        return cards.slot(level=level, kinds=self.kinds, skills=skills, equipment=equipment)


class HandoverBody(Body):
    """``receiver`` from the list ``handover_receiver``."""

    receiver: Code
    at: Moment
    facility_id: UUID | None = None
    outcome: Code | None = None


async def area_of(request: Request, caller: Caller, assignment_id: UUID) -> str:
    """The assignment's area, if the caller may know of it.

    Raises:
        Refused: 404.

    """
    found = await assignments.read(runtime_of(request).pool, assignment_id)
    crew_id = crew_of(caller)
    if found is not None and crew_id is not None and crew_id in found.crew_ids:
        return found.area  # its own, also where the unit is lent to another municipality
    area = seen(found.area if found else None, caller)
    if found is not None and crew_id is not None and crew_id not in found.crew_ids:
        raise refuse("not_found")
    return area


async def _known_facility(request: Request, facility_id: UUID | None) -> None:
    if facility_id is None:
        return
    if await resources.area_of(runtime_of(request).pool, "facility", facility_id) is None:
        raise Refused(422, "unknown_reference", "ไม่มีสถานพยาบาลนี้", "there is no such facility", field="facility_id")


@router.post("/{assignment_id}/steps", response_model=StepDone, responses=WRITES)
async def step(
    request: Request, caller: Reports, assignment_id: Id, body: StepBody, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """รายงานขั้นตอน | Accept, decline, the stamps, or a correction. The same report again is answered the same."""
    area = await area_of(request, caller, assignment_id)
    await _known_facility(request, body.facility_id)
    report = steps.Report(
        step=body.step.value, at=body.at, by_crew=crew_of(caller), odometer_km=body.odometer_km,
        rc=body.rc.value if body.rc else None, outcome=body.outcome, facility_id=body.facility_id, reason=body.reason,
        corrects=body.correction or body.correction_of is not None, correction_of=body.correction_of,
    )  # fmt: skip
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:

        async def verb() -> tuple[int, dict[str, Any]]:
            assignment, made = await steps.step(work, assignment_id, report)
            await audit(work, caller, "step", "assignment", assignment_id, {"step": report.step}, area=area)
            facts = AssignmentOut.of(assignment).model_dump(mode="json")
            return 200, {**facts, "step": StepOut.of(made).model_dump(mode="json")}

        return await once(work, request, caller, idempotency_key, body, verb)


@router.post("/{assignment_id}/release", response_model=AssignmentOut, responses=WRITES)
async def release(request: Request, caller: Decides, assignment_id: Id, body: ReleaseBody) -> AssignmentOut:
    """ปลดหน่วย | Take a unit off a trip; if it was the trip's own, another one is looked for."""
    area, runtime = await area_of(request, caller, assignment_id), runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        released = await handover.let_go(work, assignment_id, body.reason)
        await audit(work, caller, "release", "assignment", assignment_id, {"reason": body.reason}, area=area)
        return AssignmentOut.of(released)


class Spot(BaseModel):
    at: datetime
    lon: float
    lat: float


class Trail(BaseModel):
    """The way a unit drove for this assignment, thinned; empty after ninety days, and once its call was erased."""

    assignment_id: UUID
    spots: list[Spot]


@router.get("/{assignment_id}/trail", response_model=Trail, responses=problems(401, 403, 404))
async def read_trail(request: Request, caller: Decides, assignment_id: Id) -> Trail:
    """เส้นทางที่รถวิ่ง | Where the unit drove, for a review. Reading is audited."""
    area, pool = await area_of(request, caller, assignment_id), runtime_of(request).pool
    await audit(pool, caller, "read", "trail", assignment_id, area=area)
    return Trail(assignment_id=assignment_id, spots=[Spot(**row) for row in await trail.read(pool, assignment_id)])


@router.post("/{assignment_id}/backup", response_model=AssignmentOut, responses=WRITES)
async def backup(
    request: Request, caller: Reports, assignment_id: Id, body: BackupBody, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """ขอกำลังเสริม | One more unit is asked, beside the first; with ``level``, one of that level or higher."""
    area = await area_of(request, caller, assignment_id)
    known = {*code_list("skill").codes, *code_list("equipment").codes}
    if not known.issuperset(body.requirements):
        raise Refused(422, "unknown_code", "ไม่มีรหัสนี้", "no such skill or equipment", field="requirements")
    if not set(code_list("vehicle_kind").codes).issuperset(body.kinds):
        raise Refused(422, "unknown_code", "ไม่มีรถชนิดนี้", "no such kind of vehicle", field="kinds")
    codes = tuple(body.requirements) or ((f"level_{body.level.value}",) if body.level else ())
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:

        async def verb() -> tuple[int, dict[str, Any]]:
            asked = await handover.ask_backup(work, assignment_id, area, crew_of(caller), body.reason, body.slot, codes)
            await audit(work, caller, "ask_backup", "assignment", assignment_id, area=area)
            return 200, AssignmentOut.of(asked).model_dump(mode="json")

        return await once(work, request, caller, idempotency_key, body, verb)


@router.post("/{assignment_id}/handover", status_code=201, response_model=HandoverOut, responses=WRITES)
async def hand_over(
    request: Request, caller: Reports, assignment_id: Id, body: HandoverBody, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """ส่งมอบผู้ป่วย | Somebody else takes care of the person, with who and when.

    To a ``higher_unit`` that we sent ourselves and that is at the scene, the trip goes over to that unit.
    """
    area = await area_of(request, caller, assignment_id)
    await _known_facility(request, body.facility_id)
    for field, list_ids in (("receiver", ("handover_receiver",)), ("outcome", ("mission_outcome", "trip_outcome"))):
        code = getattr(body, field)
        if code is not None and not any(code in code_list(list_id).codes for list_id in list_ids):
            raise Refused(422, "unknown_code", "ไม่มีรหัสนี้", "no such code", field=field)
    given = handover.HandingOver(body.at, body.receiver, body.facility_id, body.outcome)
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:

        async def verb() -> tuple[int, dict[str, Any]]:
            made = await handover.hand_over(work, assignment_id, crew_of(caller), given)
            await audit(work, caller, "hand_over", "assignment", assignment_id, {"receiver": body.receiver}, area=area)
            return 201, HandoverOut.of(made).model_dump(mode="json")

        return await once(work, request, caller, idempotency_key, body, verb)
