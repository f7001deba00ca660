"""Cases: what is open in a place, those with late tasks first; one case with its tasks, its team and its end."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import Response

from services.console.area_tree import area_choices
from services.console.backend import BackendRefused
from services.console.colleagues import by_name, colleagues
from services.console.labels import label, options
from services.console.navigation import CARERS
from services.console.people import Person
from services.console.texts import texts
from services.console.towns import EVERYWHERE, area_options
from services.console.web import FormKey, backend, page, saved, signed_in
from shared.codes.codes import code_list
from shared.refusal import Refusal
from shared.thai.dates import Years, local_day, read_day
from shared.work import now_utc

router = APIRouter(prefix="/cases", include_in_schema=False)

Carer = Annotated[Person, Depends(signed_in(*CARERS))]
Short = Annotated[str, Form(max_length=200)]
Long = Annotated[str, Form(max_length=2000)]
PURPOSE = "case_work"
"""What cases are read for, always."""
CLOSED_AS = tuple(code for code in code_list("case_outcome").codes if code != "erased")
OUTCOMES = tuple(code for code in code_list("task_outcome").codes if code != "case_closed")
MOST_LATE = 100
AT_ONCE = 50
"""As many as one page shows."""


def reading_for(person: Person) -> str:
    return label("purpose", PURPOSE, person.lang)


def last_day(typed: str, lang: str) -> tuple[str, str]:
    """``(ISO day, "")`` of a day typed in either era, today or later, or ``("", what is wrong with it)``."""
    today = local_day(now_utc())
    try:
        day = read_day(typed, Years.of_appointment(today), "due_on")
    except Refusal as refusal:
        return "", refusal.en if lang == "en" else refusal.th
    return ("", texts()["cases.day_gone"].of(lang)) if day < today else (day.isoformat(), "")


# --- the list ----------------------------------------------------------------------------------------------------


async def places(request: Request, person: Person) -> list[tuple[str, str]]:
    """``(code, name)`` to filter by: the person's municipalities, then what lies in them."""
    own = area_options(request, person)
    return [*own, *((code, f"– {name}") for code, name in await area_choices(request, person) if code not in dict(own))]


@router.get("")
async def open_cases(
    request: Request, person: Carer, place: Annotated[str | None, Query(max_length=80)] = None,
    cursor: Annotated[UUID | None, Query()] = None,
) -> Response:  # fmt: skip
    """What is open there: first every case with a late task, then the others, the newest first; what nobody has to do

    anything in stands apart, to be closed together.
    """
    return await _list(request, person, place, cursor)


async def _list(
    request: Request, person: Person, place: str | None, cursor: UUID | None, problem: str = "", status: int = 200
) -> Response:
    known = await places(request, person)
    chosen = place if place in dict(known) else next((code for code, _ in known), EVERYWHERE)
    where = {"area": chosen} if chosen in dict(area_options(request, person)) else {"area_code": chosen}
    late: list[dict[str, Any]] = []
    found: dict[str, Any] = {"items": [], "next": None}
    ask = backend(request).get
    try:
        if cursor is None:
            params: dict[str, str | int] = {**where, "overdue": "true", "limit": MOST_LATE}
            late = (await ask(person, "registry", "/v1/cases", params=params, purpose=PURPOSE))["items"]
        params = {**where, "overdue": "false", "limit": 50, **({"cursor": str(cursor)} if cursor else {})}
        found = await ask(person, "registry", "/v1/cases", params=params, purpose=PURPOSE)
    except BackendRefused as refused:
        if refused.status != 422:  # noqa: PLR2004 the registry does not know the community yet
            raise
        problem = refused.sentence(person.lang)
    idle = [each for each in found["items"] if not each["tasks"]["open"]]
    return page(
        request, "cases/list.html", status=status, places=known, chosen=chosen, late=late, found=found, idle=idle,
        older=cursor is not None, closed_options=options("case_outcome", person.lang, CLOSED_AS),
        purpose=PURPOSE, purpose_label=reading_for(person), problem=problem,
    )  # fmt: skip


@router.post("/close")
async def close_several(
    request: Request, person: Carer, case_ids: Annotated[list[UUID] | None, Form()] = None, outcome: Short = "",
    place: Short = "",
) -> Response:  # fmt: skip
    """Several end alike; what cannot be closed is said and stays, what somebody else has closed already is closed."""
    chosen = case_ids or []
    if not 0 < len(chosen) <= AT_ONCE or outcome not in CLOSED_AS:
        return await _list(request, person, place, None, texts()["cases.close_which"].of(person.lang), 422)
    refused: list[str] = []
    for case_id in chosen:
        try:
            path = f"/v1/cases/{case_id}/close"
            await backend(request).post(person, "registry", path, {"outcome": outcome}, purpose=PURPOSE)
        except BackendRefused as problem:
            if problem.code != "case_closed":
                refused.append(problem.sentence(person.lang))
    if refused:
        told = (
            texts()["cases.not_closed"].of(person.lang).format(n=len(refused), why=" · ".join(dict.fromkeys(refused)))
        )
        return await _list(request, person, place, None, told, 409)
    return saved(f"/cases?place={quote(place)}" if place else "/cases")


# --- one case ----------------------------------------------------------------------------------------------------


@router.get("/{case_id}")
async def case(request: Request, person: Carer, case_id: UUID) -> Response:
    """One case: whose, what is to be done by whom until when, who works together, and how it ends."""
    return await _case(request, person, case_id)


async def _case(
    request: Request, person: Person, case_id: UUID, problem: str = "", typed: dict[str, Any] | None = None
) -> Response:
    ask = backend(request)

    async def of(path: str, **params: str | int) -> Any:
        return await ask.get(person, "registry", path, params=params, purpose=PURPOSE)

    known = await of(f"/v1/cases/{case_id}")
    who = await of(f"/v1/persons/{known['person_id']}")
    tasks = (await of(f"/v1/cases/{case_id}/tasks"))["items"]
    team = (await of(f"/v1/cases/{case_id}/team"))["items"]
    groups = (await of("/v1/care-groups", person_id=known["person_id"]))["items"]
    every = (await of("/v1/care-groups", limit=100))["items"]
    joined = {each["id"] for each in groups}
    others = await colleagues(request, person)
    return page(
        request, "cases/case.html", status=409 if problem else 200, problem=problem, typed=typed or {}, known=known,
        who=who, tasks=tasks, acts=together(tasks), team=team, groups=groups, others=others,
        joinable=[(each["id"], each["name"]) for each in every if each["id"] not in joined], crew=by_name(others.crew),
        agencies=by_name(others.agencies), kinds=options("task_kind", person.lang),
        roles=options("team_role", person.lang), outcomes=options("task_outcome", person.lang, OUTCOMES),
        closed_options=options("case_outcome", person.lang, CLOSED_AS), purpose=PURPOSE,
        purpose_label=reading_for(person), reasons=options("review_reason", person.lang),
    )  # fmt: skip


async def _do(
    request: Request, person: Person, case_id: UUID, path: str, body: Any, typed: dict[str, Any] | None = None,
    key: str = "",
) -> Response:  # fmt: skip
    """Ask the registry, then back to the case; a refusal stands above it, with what was typed."""
    try:
        await backend(request).post(person, "registry", path, body, key=key or None, purpose=PURPOSE)
    except BackendRefused as refused:
        return await _case(request, person, case_id, refused.sentence(person.lang), typed)
    return saved(f"/cases/{case_id}")


def _receivers(assignee_id: str, agency_ids: list[str]) -> dict[str, Any]:
    """One agency's, somebody's, or somebody's of an agency is one task; of several agencies each gets its own."""
    if len(agency_ids) > 1:
        people = [{"assignee_id": assignee_id}] if assignee_id else []
        return {"to": [*({"agency_id": one} for one in agency_ids), *people]}
    return {"assignee_id": assignee_id or None, "agency_id": agency_ids[0] if agency_ids else None}


def together(tasks: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """What one act gave to several stands together, where its first task stands."""
    acts: dict[str, list[dict[str, Any]]] = {}
    for each in tasks:
        acts.setdefault(each["together_id"] or each["id"], []).append(each)
    return list(acts.values())


@router.post("/{case_id}/tasks")
async def assign(
    request: Request, person: Carer, case_id: UUID, kind: Short = "other", due_on: Short = "", what: Long = "",
    assignee_id: Short = "", agency_ids: Annotated[list[UUID] | None, Form()] = None, key: FormKey = "",
) -> Response:  # fmt: skip
    """Somebody, or each of several agencies, is to do something until a day."""
    chosen = [str(one) for one in agency_ids or ()]
    typed = {"kind": kind, "due_on": due_on, "what": what, "assignee_id": assignee_id, "agency_ids": chosen}
    day, problem = last_day(due_on, person.lang)
    if not problem and not (assignee_id or chosen):
        problem = texts()["cases.nobody"].of(person.lang)
    if problem:
        return await _case(request, person, case_id, problem, typed)
    body = {"kind": kind, "due_on": day, "what": what.strip() or None, **_receivers(assignee_id, chosen)}
    return await _do(request, person, case_id, f"/v1/cases/{case_id}/tasks", body, typed, key)


@router.post("/{case_id}/tasks/{task_id}/done")
async def done(request: Request, person: Carer, case_id: UUID, task_id: UUID, outcome: Short = "done") -> Response:
    """Done, could not be done, or no longer needed."""
    return await _do(request, person, case_id, f"/v1/tasks/{task_id}/done", {"outcome": outcome})


@router.post("/{case_id}/team")
async def invite(
    request: Request, person: Carer, case_id: UUID, crew_id: Short = "", role: Short = "member", agency_id: Short = ""
) -> Response:
    """Ask somebody into the team; they are told."""
    if not crew_id:
        return await _case(request, person, case_id, texts()["cases.whom"].of(person.lang))
    body = {"crew_id": crew_id, "role": role, "agency_id": agency_id or None}
    return await _do(request, person, case_id, f"/v1/cases/{case_id}/team", body)


@router.post("/{case_id}/team/{member_id}/answer")
async def answer(request: Request, person: Carer, case_id: UUID, member_id: UUID, said: Short) -> Response:
    """What somebody who was invited said, written down for them."""
    return await _do(request, person, case_id, f"/v1/team/{member_id}/answer", {"answer": said})


@router.post("/{case_id}/close")
async def close(request: Request, person: Carer, case_id: UUID, outcome: Short) -> Response:
    """Back to normal, or another end that has a code."""
    return await _do(request, person, case_id, f"/v1/cases/{case_id}/close", {"outcome": outcome})
