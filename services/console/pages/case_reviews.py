"""Reviews: five whys and five looks beside what happened, what is done about it, and the lessons for everybody."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import Response

from services.console.area_tree import Place, chooser, listed
from services.console.backend import BackendRefused
from services.console.labels import options
from services.console.navigation import CARERS, LEARNERS
from services.console.pages.cases import PURPOSE, Carer, Long, Short, last_day, reading_for
from services.console.pages.people import ICONS, folded, happened, told
from services.console.people import Person
from services.console.texts import texts
from services.console.towns import area_options
from services.console.web import FormKey, backend, page, saved, signed_in
from shared.auth import Role
from shared.codes.codes import code_list
from shared.thai.dates import local_day
from shared.work import now_utc

router = APIRouter(prefix="/cases", include_in_schema=False)

Approver = Annotated[Person, Depends(signed_in(Role.SUPERVISOR))]
Learner = Annotated[Person, Depends(signed_in(*LEARNERS))]
Status = Literal["open", "approved", "closed"]
WHYS = 5
GENS = code_list("review_gen").codes
COUNTED_DAYS = 365
"""Causes are counted over the last year."""
COUNTERS = CARERS | {Role.AUDITOR, Role.ADMIN}
"""Who sees how often causes come."""


@router.get("/reviews")
async def reviews(
    request: Request, person: Carer, status: Status | None = None, place: Place = "",
    cursor: Annotated[UUID | None, Query()] = None,
) -> Response:  # fmt: skip
    """Reviews of one's municipalities, or about who lives in one place, newest first."""
    params: dict[str, str | int] = {"limit": 50}
    params |= {"status": status} if status else {}
    params |= {"cursor": str(cursor)} if cursor else {}
    found, unknown = await listed(request, person, "/v1/reviews", params, place, PURPOSE)
    return page(
        request, "cases/reviews.html", found=found, status_chosen=status or "", older=cursor is not None,
        problem=unknown, **await chooser(request, person, place),
    )  # fmt: skip


@router.post("/reviews")
async def open_review(
    request: Request, person: Carer, case_id: Short = "", call_id: Short = "", reason: Short = "case", title: Short = ""
) -> Response:
    """Open a review of a case, or of the call that somebody complains about."""
    body = {"case_id": case_id or None, "call_id": call_id or None, "reason": reason, "title": title.strip() or None}
    made = await backend(request).post(person, "registry", "/v1/reviews", body, purpose=PURPOSE)
    return saved(f"/cases/reviews/{made['id']}")


@router.get("/reviews/{review_id}")
async def review(request: Request, person: Carer, review_id: UUID) -> Response:
    """Whys and looks to write, what is done about it, and what happened, in order."""
    return await _review(request, person, review_id)


async def _review(
    request: Request, person: Person, review_id: UUID, problem: str = "", typed: dict[str, Any] | None = None
) -> Response:
    """``typed``: what was written and not taken; it stays in the fields, what is kept is told below them."""
    known = await backend(request).get(person, "registry", f"/v1/reviews/{review_id}", purpose=PURPOSE)
    whys = (*known["whys"], *([""] * WHYS))[:WHYS]
    kept = {f"why_{n}": why for n, why in enumerate(whys, 1)} | {
        f"gen_{code}": known["gens"].get(code, "") for code in GENS
    }
    kept["root_cause"] = known["root_cause"]["code"] if known["root_cause"] else ""
    return page(
        request, "cases/review.html", status=409 if problem else 200, problem=problem, known=known, kept=kept,
        typed={**kept, **(typed or {})}, gens=options("review_gen", person.lang),
        causes=options("root_cause", person.lang), kinds=options("kind", person.lang),
        approves=person.role == Role.SUPERVISOR, purpose_label=reading_for(person), purpose=PURPOSE,
        told=lambda line: told(line, person.lang), happened=lambda line: happened(line, person.lang),
        folded=folded(known["timeline"]), icon_of=lambda noun: ICONS.get(noun, "dots"),
    )  # fmt: skip


async def _do(
    request: Request, person: Person, review_id: UUID, path: str, body: Any = None, typed: dict[str, Any] | None = None,
    key: str = "",
) -> Response:  # fmt: skip
    """Ask the registry, then back to the review; a refusal stands above it, with what was typed."""
    try:
        await backend(request).post(person, "registry", path, body, key=key or None, purpose=PURPOSE)
    except BackendRefused as refused:
        return await _review(request, person, review_id, refused.sentence(person.lang), typed)
    return saved(f"/cases/reviews/{review_id}")


@router.post("/reviews/{review_id}")
async def write(request: Request, person: Carer, review_id: UUID) -> Response:
    """The whys and the looks, whole, on the version that was read."""
    form = await request.form()
    typed = {key: str(form.get(key, "")).strip()[:2000] for key in (
        *(f"why_{n}" for n in range(1, WHYS + 1)), *(f"gen_{code}" for code in GENS), "root_cause")}  # fmt: skip
    whys = [typed[f"why_{n}"] for n in range(1, WHYS + 1)]
    while whys and not whys[-1]:
        whys.pop()
    if "" in whys:
        return await _review(request, person, review_id, texts()["reviews.whys_in_order"].of(person.lang), typed)
    body = {
        "version": int(str(form.get("version", ""))) if str(form.get("version", "")).isdecimal() else 1, "whys": whys,
        "gens": {code: typed[f"gen_{code}"] for code in GENS if typed[f"gen_{code}"]},
        "root_cause": typed["root_cause"] or None,
    }  # fmt: skip
    try:
        await backend(request).put(person, "registry", f"/v1/reviews/{review_id}", body, purpose=PURPOSE)
    except BackendRefused as refused:
        return await _review(request, person, review_id, refused.sentence(person.lang), typed)
    return saved(f"/cases/reviews/{review_id}")


@router.post("/reviews/{review_id}/approve")
async def approve(
    request: Request, person: Approver, review_id: UUID, lesson: Long = "", version: Short = "",
    call_kinds: Annotated[list[str] | None, Form()] = None,
) -> Response:  # fmt: skip
    """The review counts: its lesson is there for everybody."""
    if not lesson.strip():
        return await _review(request, person, review_id, texts()["reviews.lesson_needed"].of(person.lang))
    body = {
        "lesson": lesson.strip(), "call_kinds": call_kinds or [],
        "version": int(version) if version.isdecimal() else None,
    }  # fmt: skip
    typed = {"lesson": lesson, "call_kinds": call_kinds or []}
    return await _do(request, person, review_id, f"/v1/reviews/{review_id}/approve", body, typed)


@router.post("/reviews/{review_id}/actions")
async def act(
    request: Request, person: Carer, review_id: UUID, what: Long = "", owner: Short = "", due_on: Short = "",
    key: FormKey = "",
) -> Response:  # fmt: skip
    """What is done about it, by whom, until when."""
    typed = {"what": what, "owner": owner, "due_on": due_on}
    day, problem = last_day(due_on, person.lang)
    if not problem and not (what.strip() and owner.strip()):
        problem = texts()["reviews.what_and_owner"].of(person.lang)
    if problem:
        return await _review(request, person, review_id, problem, typed)
    body = {"what": what.strip(), "owner": owner.strip(), "due_on": day}
    return await _do(request, person, review_id, f"/v1/reviews/{review_id}/actions", body, typed, key)


@router.post("/reviews/{review_id}/actions/{action_id}/done")
async def done(request: Request, person: Carer, review_id: UUID, action_id: UUID, evidence: Long = "") -> Response:
    """It was done, and this shows it."""
    if not evidence.strip():
        return await _review(request, person, review_id, texts()["reviews.evidence_needed"].of(person.lang))
    body = {"evidence": evidence.strip()}
    return await _do(request, person, review_id, f"/v1/review-actions/{action_id}/done", body)


@router.post("/reviews/{review_id}/close")
async def close(request: Request, person: Carer, review_id: UUID) -> Response:
    """Everything that was to be done is done."""
    return await _do(request, person, review_id, f"/v1/reviews/{review_id}/close")


# --- lessons -----------------------------------------------------------------------------------------------------


@router.get("/lessons")
async def lessons(request: Request, person: Learner, cursor: Annotated[UUID | None, Query()] = None) -> Response:
    """What was learnt, the newest first, and which causes come again."""
    return await _lessons(request, person, {}, cursor)


@router.post("/lessons")
async def find(request: Request, person: Learner, q: Short = "", kind: Short = "", root_cause: Short = "") -> Response:
    """By words, kind of call and cause. By POST: what is typed stands in no address of ours."""
    return await _lessons(request, person, {"q": q.strip()[:100], "kind": kind, "root_cause": root_cause})


async def _lessons(request: Request, person: Person, asked: dict[str, str], cursor: UUID | None = None) -> Response:
    params: dict[str, str | int] = {"limit": 50, **{key: text for key, text in asked.items() if text}}
    params |= {"cursor": str(cursor)} if cursor else {}
    found = await backend(request).get(person, "registry", "/v1/lessons", params=params, purpose="care")
    return page(
        request, "cases/lessons.html", found=found, asked={"q": "", "kind": "", "root_cause": "", **asked},
        kinds=options("kind", person.lang), causes=options("root_cause", person.lang), older=cursor is not None,
        counted=await _counted(request, person), searched=any(asked.values()),
    )  # fmt: skip


async def _counted(request: Request, person: Person) -> list[tuple[str, list[dict[str, Any]]]]:
    """``(municipality, its causes)`` over the last year, for those who may know."""
    if person.role not in COUNTERS:
        return []
    today = local_day(now_utc())
    days = {"from": (today - timedelta(days=COUNTED_DAYS)).isoformat(), "to": today.isoformat()}
    found = []
    for area, name in area_options(request, person):
        causes = await backend(request).get(
            person, "registry", "/v1/lessons/causes", params={"area": area, **days}, purpose="care"
        )
        found.append((name, causes["items"]))
    return found
