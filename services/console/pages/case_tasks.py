"""Tasks over all cases (one's own, late ones), and care groups."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import Response

from services.console.area_tree import Place, chooser, listed, there
from services.console.backend import BackendRefused
from services.console.colleagues import by_name, colleagues
from services.console.labels import options
from services.console.navigation import CARERS
from services.console.pages.cases import OUTCOMES, PURPOSE, Carer, Long, Short, reading_for
from services.console.people import Person
from services.console.texts import texts
from services.console.towns import area_options
from services.console.web import backend, page, saved, signed_in
from shared.work import new_id

router = APIRouter(prefix="/cases", include_in_schema=False)

Doer = Annotated[Person, Depends(signed_in(*CARERS, agencies=True))]
Which = Literal["mine", "late", "all"]
NO_PLACES: dict[str, Any] = {"places": [], "narrowed": ""}
"""An agency narrows nothing by where people live: it would tell where they do."""


def _purpose(person: Person) -> str:
    """For what tasks are read: an agency's agreements are about care."""
    return PURPOSE if person.agency_id is None else "care"


@router.get("/tasks")
async def tasks(
    request: Request, person: Doer, which: Which = "mine", place: Place = "", agency: Place = "",
    cursor: Annotated[UUID | None, Query()] = None,
) -> Response:  # fmt: skip
    """Open tasks: those one gave or has, those whose day is over, or all of one's municipalities, of one place,

    or of one agency or department. An agency's people have those that were given to their agency.
    """
    return await _tasks(request, person, which, place, cursor, agency=agency)


async def _tasks(
    request: Request, person: Person, which: str, place: str, cursor: UUID | None = None, problem: str = "",
    agency: str = "",
) -> Response:  # fmt: skip
    others = await colleagues(request, person)
    agency = agency if agency in others.agencies and person.agency_id is None else ""
    params: dict[str, str | int] = {"limit": 100, **({"cursor": str(cursor)} if cursor else {})}
    params |= {"mine": {"mine": "true"}, "late": {"overdue": "true"}}.get(which, {})
    params |= {"agency_id": agency} if agency else {}
    found, unknown = await listed(request, person, "/v1/tasks", params, place, _purpose(person))
    found["items"].sort(key=lambda each: each["due_on"])
    return page(
        request, "cases/tasks.html", status=409 if problem else 200, problem=problem or unknown, found=found,
        which=which, others=others, agency=agency, agencies=by_name(others.agencies),
        outcomes=options("task_outcome", person.lang, OUTCOMES),
        older=cursor is not None, purpose=_purpose(person),
        **(await chooser(request, person, place) if person.agency_id is None else NO_PLACES),
    )  # fmt: skip


@router.post("/tasks/{task_id}/done")
async def done(
    request: Request, person: Doer, task_id: UUID, outcome: Short = "done", note: Long = "", which: Short = "mine",
    place: Place = "",
) -> Response:  # fmt: skip
    """Done, could not be done, no longer needed or declined, with what is to be said of it."""
    back = which if which in {"mine", "late", "all"} else "mine"
    body = {"outcome": outcome, **({"note": note.strip()} if note.strip() else {})}
    try:
        await backend(request).post(person, "registry", f"/v1/tasks/{task_id}/done", body, purpose=_purpose(person))
    except BackendRefused as refused:
        return await _tasks(request, person, back, place, problem=refused.sentence(person.lang))
    return saved(there("/cases/tasks", place, which=back))


# --- care groups -------------------------------------------------------------------------------------------------


@router.get("/groups")
async def groups(request: Request, person: Carer, place: Place = "") -> Response:
    """The care groups of one's municipalities, or of one place: who is in them, and for whom they care."""
    return await _groups(request, person, place=place)


async def _all_groups(request: Request, person: Person, place: str = "") -> tuple[list[dict[str, Any]], str]:
    items: list[dict[str, Any]] = []
    after: dict[str, str | int] = {}
    while True:
        params: dict[str, str | int] = {"limit": 100, **after}
        found, unknown = await listed(request, person, "/v1/care-groups", params, place, PURPOSE)
        items += found["items"]
        if found["next"] is None:
            return items, unknown
        after = {"cursor": found["next"]}


async def _groups(
    request: Request, person: Person, problem: str = "", typed: dict[str, Any] | None = None, place: str = ""
) -> Response:
    others = await colleagues(request, person)
    found, unknown = await _all_groups(request, person, place)
    return page(
        request, "cases/groups.html", status=409 if problem else 200, problem=problem or unknown,
        groups=found, others=others, crew=by_name(others.crew), **await chooser(request, person, place),
        areas=area_options(request, person), typed=typed or {}, new_group=str(new_id()), purpose=PURPOSE,
        purpose_label=reading_for(person),
    )  # fmt: skip


@router.post("/groups/{group_id}")
async def put(
    request: Request, person: Carer, group_id: UUID, name: Short = "", area: Short = "",
    crew_ids: Annotated[list[UUID] | None, Form()] = None, person_ids: Annotated[list[UUID] | None, Form()] = None,
    shown: Annotated[list[UUID] | None, Form()] = None, shown_crew: Annotated[list[UUID] | None, Form()] = None,
) -> Response:  # fmt: skip
    """A care group: its name, who is in it, and for whom they care. Whoever was no choice in the form stays:

    members without an account of their own here, and members and patients who joined after it was ``shown``.
    """
    typed = {"name": name, "crew_ids": [str(one) for one in crew_ids or ()]}
    if not name.strip():
        return await _groups(request, person, texts()["cases.group_name_needed"].of(person.lang), typed)
    every, _ = await _all_groups(request, person)
    known = {each["id"]: each for each in every}.get(str(group_id))
    roles = {each["crew_id"]: each["role"]["code"] for each in known["members"]} if known else {}
    choices = (await colleagues(request, person)).crew
    seen = {str(one) for one in shown_crew or ()}
    stay = [one for one in roles if one not in choices or one not in seen]
    members = dict.fromkeys([*(str(one) for one in crew_ids or ()), *stay])
    joined = {*known["person_ids"]} - {str(one) for one in shown or ()} if known else set()
    body = {
        "name": name.strip(), "area": area or None,
        "members": [{"crew_id": one, "role": roles.get(one, "carer")} for one in members],
        "person_ids": sorted({*joined, *(str(one) for one in person_ids or ())}),
    }  # fmt: skip
    try:
        await backend(request).put(person, "registry", f"/v1/care-groups/{group_id}", body, purpose=PURPOSE)
    except BackendRefused as refused:
        return await _groups(request, person, refused.sentence(person.lang), typed)
    return saved("/cases/groups")


@router.post("/{case_id}/group")
async def add(
    request: Request,
    person: Carer,
    case_id: UUID,
    group_id: Annotated[UUID, Form()],
    person_id: Annotated[UUID, Form()],
) -> Response:
    """The group cares for this person, too."""
    path = f"/v1/care-groups/{group_id}/people"
    try:
        await backend(request).post(person, "registry", path, {"person_id": str(person_id)}, purpose=PURPOSE)
    except BackendRefused as refused:
        return await _groups(request, person, refused.sentence(person.lang))
    return saved(f"/cases/{case_id}")
