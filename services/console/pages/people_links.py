"""Records that may be one person's: pairs to decide, side by side, and links that can be taken apart again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import Response

from services.console.area_tree import Place, chooser, listed, there
from services.console.backend import BackendRefused
from services.console.labels import label, options
from services.console.navigation import REGISTER
from services.console.people import Person
from services.console.texts import texts
from services.console.web import backend, page, saved, signed_in

router = APIRouter(prefix="/people/duplicates", include_in_schema=False)

Keeper = Annotated[Person, Depends(signed_in(*REGISTER))]
Cursor = Annotated[str | None, Query(max_length=100)]
Short = Annotated[str, Form(max_length=40)]
PURPOSE = "registration"
"""What the queue is read for, always."""
PARTS = {
    "name": ("given", "family", "swapped"), "birth": ("birth", "year"), "sex": ("sex",), "phone": ("phone",),
    "number": ("number",),
}  # fmt: skip
"""What of two records is compared, and how the registry's reasons for it begin."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One part of two records: ``verdicts`` are ``(same | near | differs, the registry's words)``."""

    part: str
    verdicts: tuple[tuple[str, str], ...]


def compared(reasons: list[dict[str, Any]], lang: str) -> list[Compared]:
    """The registry's reasons by what they speak of, in the order in which people compare."""
    told = [(one["code"].split("_")[0], _verdict(one["code"]), str(one[lang])) for one in reasons]
    return [
        Compared(part, tuple((verdict, words) for begin, verdict, words in told if begin in begins))
        for part, begins in PARTS.items()
    ]


def _verdict(code: str) -> str:
    end = code.rsplit("_", 1)[-1]
    return {"equal": "same", "differs": "differs"}.get(end, "near")


@router.get("")
async def queue(request: Request, person: Keeper, place: Place = "", cursor: Cursor = None) -> Response:
    """Pairs that nobody has decided yet, the likeliest first."""
    return await _queue(request, person, place, cursor)


async def _queue(
    request: Request, person: Person, place: str, cursor: str | None = None, problem: str = ""
) -> Response:
    params: dict[str, str | int] = {"limit": 10, **({"cursor": cursor} if cursor else {})}
    found, unknown = await listed(request, person, "/v1/duplicates", params, place, PURPOSE)
    return page(
        request, "people/duplicates.html", status=409 if problem else 200, found=found, problem=problem or unknown,
        older=cursor is not None, compared=lambda pair: compared(pair["reasons"], person.lang), purpose=PURPOSE,
        purpose_label=label("purpose", PURPOSE, person.lang), reasons=_reasons(person),
        **await chooser(request, person, place),
    )  # fmt: skip


def _reasons(person: Person) -> list[tuple[str, str]]:
    return options("distinct_reason", person.lang)


@router.post("/{pair_id}/review")
async def review(
    request: Request, person: Keeper, pair_id: UUID, decision: Short, survivor_id: Short = "", reason: Short = "",
    place: Place = "",
) -> Response:  # fmt: skip
    """One person (and which record stands for them), or two (and how that was found out)."""
    if decision == "distinct" and not reason:
        return await _queue(request, person, place, problem=texts()["links.reason_needed"].of(person.lang))
    body = {"decision": decision, "survivor_id": survivor_id or None, "reason": reason or None}
    try:
        await backend(request).post(person, "registry", f"/v1/duplicates/{pair_id}/review", body, purpose=PURPOSE)
    except BackendRefused as refused:
        return await _queue(request, person, place, problem=refused.sentence(person.lang))
    return saved(there("/people/duplicates" if decision == "distinct" else "/people/duplicates/linked", place))


@router.get("/linked")
async def linked(
    request: Request, person: Keeper, place: Place = "", cursor: Annotated[UUID | None, Query()] = None
) -> Response:
    """Links that stand, the newest first."""
    return await _linked(request, person, place, cursor)


async def _linked(
    request: Request, person: Person, place: str, cursor: UUID | None = None, problem: str = ""
) -> Response:
    params: dict[str, str | int] = {"limit": 20, **({"cursor": str(cursor)} if cursor else {})}
    found, unknown = await listed(request, person, "/v1/links", params, place, PURPOSE)
    return page(
        request, "people/links.html", status=409 if problem else 200, found=found, problem=problem or unknown,
        older=cursor is not None, purpose=PURPOSE, purpose_label=label("purpose", PURPOSE, person.lang),
        reasons=_reasons(person), **await chooser(request, person, place),
    )  # fmt: skip


@router.post("/linked/{person_id}/unlink")
async def unlink(request: Request, person: Keeper, person_id: UUID, reason: Short = "", place: Place = "") -> Response:
    """They are two people after all, each with what is theirs."""
    if not reason:
        return await _linked(request, person, place, problem=texts()["links.reason_needed"].of(person.lang))
    try:
        await backend(request).post(
            person, "registry", f"/v1/persons/{person_id}/unlink", {"reason": reason}, purpose=PURPOSE
        )
    except BackendRefused as refused:
        return await _linked(request, person, place, problem=refused.sentence(person.lang))
    return saved(there("/people/duplicates/linked", place))
