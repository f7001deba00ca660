"""Files of people: tried first, then taken; what became of each row; and what goes out: lists, and a person's copy.

The file itself is nowhere kept: it is read, cut into parts and handed to the registry within one request.
"""

from __future__ import annotations

import asyncio
import csv
import io
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, File, Form, Request, UploadFile
from fastapi.responses import Response, StreamingResponse

from services.console.backend import BackendAway, BackendRefused
from services.console.colleagues import every_agency, names_of_agencies
from services.console.labels import label, options
from services.console.navigation import REGISTER
from services.console.people import Person
from services.console.texts import teller
from services.console.towns import area_options
from services.console.web import backend, page, signed_in
from shared.refusal import Refusal
from shared.sheets import Sheet, read_sheet

router = APIRouter(prefix="/people", include_in_schema=False)

Keeper = Annotated[Person, Depends(signed_in(*REGISTER))]
Short = Annotated[str, Form(max_length=40)]
PURPOSE = "registration"
VERDICTS = ("created", "matched", "possible_duplicate", "unchanged", "refused")
PART = 500
MOST_BYTES, MOST_ROWS = 8 * 1024 * 1024, 20_000
"""What one request of a browser may bring; larger files are the command's."""
MOST_SHOWN = 200
WITHIN_S = 60.0
ERASED_SINCE = "erased_since"
"""What the registry says of a row whose person is in it no more."""
NO_STORE = {"cache-control": "no-store"}


@dataclass(slots=True)
class Tried:
    """What the registry said of a file: counts by verdict, and the rows that somebody should look at.

    ``before``: of rows that were taken before and are not written again; ``erased``: of these, whose people are gone.
    """

    dry_run: bool
    rows: int
    counts: Counter[str] = field(default_factory=Counter)
    before: Counter[str] = field(default_factory=Counter)
    erased: int = 0
    told: list[dict[str, Any]] = field(default_factory=list)
    run: dict[str, Any] | None = None

    @property
    def again(self) -> int:
        """Rows that had been taken before."""
        return self.before.total() + self.erased

    @property
    def done(self) -> int:
        return self.counts.total() + self.again

    def add(self, answer: dict[str, Any]) -> None:
        self.run = answer["run"] or self.run
        for place, one in enumerate(answer["items"]):
            if one["code"] == ERASED_SINCE:
                self.erased += 1
            else:
                (self.before if place < answer["before"] else self.counts)[one["verdict"]] += 1
            if one["code"] and len(self.told) < MOST_SHOWN:
                self.told.append(one)


@router.get("/imports")
async def listed(request: Request, person: Keeper) -> Response:
    """The form, and which files came."""
    return await _page(request, person)


async def _page(
    request: Request, person: Person, *, typed: dict[str, str] | None = None, tried: Tried | None = None,
    problem: str = "", status: int = 200,
) -> Response:  # fmt: skip
    runs = await backend(request).get(person, "registry", "/v1/imports", params={"limit": 20})
    return page(
        request, "people/imports.html", status=status, runs=runs["items"], tried=tried, problem=problem,
        typed=typed or {"format": "karuna", "area": person.area or "", "alike": "queue", "agency_id": ""},
        formats=options("import_format", person.lang), areas=area_options(request, person),
        verdicts=VERDICTS, groups=options("group", person.lang), agencies=await _agencies(request, person),
        format_label=lambda code: label("import_format", code, person.lang),
        verdict_label=lambda code: label("import_verdict", code, person.lang),
    )  # fmt: skip


async def _agencies(request: Request, person: Person) -> list[tuple[str, str]]:
    """Whose list it may be, by name."""
    found = names_of_agencies(await every_agency(request, person, PURPOSE), person.lang)
    return sorted(found.items(), key=lambda one: one[1])


@router.post("/imports")
async def take(
    request: Request, person: Keeper, file: Annotated[UploadFile, File()],
    format_: Annotated[Literal["karuna", "imed", "f43-person"], Form(alias="format")],
    act: Annotated[Literal["try", "take"], Form()] = "try", area: Short = "",
    alike: Annotated[Literal["queue", "leave"], Form()] = "queue", agency_id: Short = "",
) -> Response:  # fmt: skip
    """Try a file, or take it. The same file again goes on where it stopped."""
    typed = {"format": format_, "area": area or person.area or "", "alike": alike, "agency_id": agency_id}
    say = teller(person.lang)
    content = await file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        return await _page(request, person, typed=typed, problem=say("imports.too_large"), status=422)
    try:
        # In a thread: what is live on every desk goes through this one.
        sheet = await asyncio.to_thread(read_sheet, content, MOST_ROWS)
    except Refusal as refused:
        sentence = refused.en if person.lang == "en" else refused.th
        return await _page(request, person, typed=typed, problem=sentence, status=422)
    if sheet.rows > MOST_ROWS:
        return await _page(request, person, typed=typed, problem=say("imports.too_large"), status=422)
    tried = Tried(act == "try", sheet.rows)
    try:
        await _send(request, person, sheet, typed, tried)
    except BackendRefused as refused:
        return await _page(
            request, person, typed=typed, tried=tried if tried.done else None,
            problem=refused.sentence(person.lang), status=refused.status,
        )  # fmt: skip
    except BackendAway:
        cut = say("imports.cut", rows=tried.done)
        return await _page(request, person, typed=typed, tried=tried, problem=cut, status=503)
    return await _page(request, person, typed=typed, tried=tried)


async def _send(request: Request, person: Person, sheet: Sheet, typed: dict[str, str], tried: Tried) -> None:
    told = {**typed, "agency_id": typed["agency_id"] or None, "dry_run": tried.dry_run, "file": sheet.digest,
            "file_rows": sheet.rows, "columns": list(sheet.columns)}  # fmt: skip
    for first, rows in sheet.parts(PART):
        body = {**told, "first_row": first, "rows": rows}
        tried.add(
            await backend(request).post(person, "registry", "/v1/imports", body, purpose=PURPOSE, within_s=WITHIN_S)
        )


@router.get("/imports/{run_id}/verdicts.csv")
async def verdicts_csv(request: Request, person: Keeper, run_id: UUID) -> Response:
    """What became of every row, to work through in a spreadsheet."""
    columns = ("row", "verdict", "field", "code", "th", "en", "person_id")
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(columns)
    async for one in _rows(request, person, run_id):
        table.writerow([one[name] for name in columns])
    named = {"content-disposition": f'attachment; filename="verdicts-{run_id}.csv"', **NO_STORE}
    return Response(out.getvalue().encode("utf-8-sig"), media_type="text/csv", headers=named)


async def _rows(request: Request, person: Person, run_id: UUID) -> AsyncIterator[dict[str, Any]]:
    at: int | None = 0
    while at is not None:
        params: dict[str, str | int] = {"from_row": at, "limit": 1000}
        found = await backend(request).get(person, "registry", f"/v1/imports/{run_id}", params=params)
        for one in found["items"]:
            yield one
        at = found["next"]


# --- out --------------------------------------------------------------------------------------------------------------


@router.post("/imports/export")
async def export(
    request: Request, person: Keeper, format_: Annotated[Literal["csv", "geojson"], Form(alias="format")] = "csv",
    group: Short = "", area_code: Short = "", area: Short = "",
) -> Response:  # fmt: skip
    """A list of people, or their homes. By POST: it is written down for each of them."""
    wanted = {"format": format_, "group": group, "area_code": area_code.strip(), "area": area or person.area or ""}
    params = {name: value for name, value in wanted.items() if value}
    pieces = await backend(request).pieces(
        person, "registry", "/v1/exports/persons", params=params, purpose=PURPOSE, within_s=WITHIN_S
    )
    kind = "text/csv" if format_ == "csv" else "application/geo+json"
    named = {"content-disposition": f'attachment; filename="people.{format_}"', **NO_STORE}
    return StreamingResponse(pieces, media_type=kind, headers=named)


@router.post("/{person_id}/copy")
async def copy(request: Request, person: Keeper, person_id: UUID) -> Response:
    """All that is kept of one person, as one file for them. By POST: it is written down."""
    path = f"/v1/persons/{person_id}/copy"
    pieces = await backend(request).pieces(person, "registry", path, purpose=PURPOSE, within_s=WITHIN_S)
    named = {"content-disposition": f'attachment; filename="copy-{person_id}.json"', **NO_STORE}
    return StreamingResponse(pieces, media_type="application/json", headers=named)
