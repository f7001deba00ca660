"""One file of people: what became of its rows, and undoing it, which is looked at first."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import Response

from services.console.backend import BackendAway, BackendRefused
from services.console.labels import label, options
from services.console.pages.people_imports import MOST_SHOWN, PURPOSE, VERDICTS, WITHIN_S, Keeper
from services.console.people import Person
from services.console.texts import teller
from services.console.web import backend, page
from shared.sheets import FIRST_ROW

router = APIRouter(prefix="/people", include_in_schema=False)

Verdict = Annotated[str, Query(max_length=40)]
FromRow = Annotated[int, Query(ge=0, le=10_000_000)]
Reason = Literal["wrong_file", "wrong_area", "wrong_columns", "other"]
STAY = {"stays", "partly"}


@dataclass(slots=True)
class Undone:
    """What became of the file's rows, or would: how many by fate, and those of which something stays."""

    dry_run: bool
    counts: Counter[str] = field(default_factory=Counter)
    stay: list[dict[str, Any]] = field(default_factory=list)
    next: int | None = FIRST_ROW

    def add(self, answer: dict[str, Any]) -> None:
        self.counts.update(answer["counts"])
        stay = [one for one in answer["items"] if one["fate"]["code"] in STAY]
        self.stay += stay[: MOST_SHOWN - len(self.stay)]
        self.next = answer["next"]


@router.get("/imports/{run_id}")
async def run(request: Request, person: Keeper, run_id: UUID, verdict: Verdict = "", from_row: FromRow = 0) -> Response:
    """One file's run and what became of its rows."""
    return await _page(request, person, run_id, verdict=verdict, from_row=from_row)


async def _page(
    request: Request, person: Person, run_id: UUID, *, verdict: str = "", from_row: int = 0,
    undone: Undone | None = None, problem: str = "", status: int = 200,
) -> Response:  # fmt: skip
    params: dict[str, str | int] = {"from_row": from_row, "limit": MOST_SHOWN}
    if verdict in VERDICTS:
        params["verdict"] = verdict
    found = await backend(request).get(person, "registry", f"/v1/imports/{run_id}", params=params)
    return page(
        request, "people/import_run.html", status=status, run=found["run"], rows=found["items"], next=found["next"],
        verdict=verdict, verdicts=VERDICTS, from_row=from_row, purpose=PURPOSE, undone=undone, problem=problem,
        fates=options("undo_fate", person.lang), reasons=options("undo_reason", person.lang),
        reason_label=lambda code: label("undo_reason", code, person.lang),
        format_label=lambda code: label("import_format", code, person.lang),
        verdict_label=lambda code: label("import_verdict", code, person.lang),
    )  # fmt: skip


@router.post("/imports/{run_id}/undo")
async def undo(
    request: Request, person: Keeper, run_id: UUID, act: Annotated[Literal["try", "undo"], Form()] = "try",
    reason: Annotated[Reason, Form()] = "wrong_file",
) -> Response:  # fmt: skip
    """See what undoing it would do, or do it; cut off, the same again goes on."""
    undone = Undone(act == "try")
    path = f"/v1/imports/{run_id}/undo"
    try:
        while undone.next is not None:
            body = {"reason": reason, "from_row": undone.next, "dry_run": undone.dry_run}
            undone.add(await backend(request).post(person, "registry", path, body, purpose=PURPOSE, within_s=WITHIN_S))
    except BackendRefused as refused:
        if not undone.counts:
            raise
        return await _page(request, person, run_id, undone=undone, problem=refused.sentence(person.lang),
                           status=refused.status)  # fmt: skip
    except BackendAway:
        if not undone.counts:
            raise
        cut = teller(person.lang)("imports.undo_cut", row=undone.next)
        return await _page(request, person, run_id, undone=undone, problem=cut, status=503)
    return await _page(request, person, run_id, undone=undone)
