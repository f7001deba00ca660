"""``karuna replay``: real calls from any CSV run through the whole system before the user's eyes."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from karuna.local import Local
from karuna.simulate.acting import run
from karuna.simulate.bringing import BroughtUnits, UnitType
from karuna.simulate.calls_file import FileCall, box_of, read_calls
from karuna.simulate.doors import DoorClosed, Json
from karuna.simulate.mapping import Mapping, read_mapping
from karuna.simulate.moving import Moved
from karuna.simulate.pace import Pace
from karuna.simulate.playing import PATIENCE_S, Making
from karuna.simulate.report import Report, show
from karuna.simulate.stage import StageTaken
from karuna.simulate.wrong import FileProblem
from services.intake.rules.triage import answers_giving
from shared.geo import Point
from shared.pack_parts import Pack
from shared.packs import PackError, load

FAILED, LOST = 2, 1


async def replay(
    local: Local, file: Path, mapping: Path, *, speed: float, limit: int | None = None, out: Console
) -> int:
    """Read, play, report. Exit code 0: all is well, 1: something is lost, 2: it could not be played."""
    try:
        report = await played(local, file, mapping, speed=speed, limit=limit, out=out)
    except (FileProblem, StageTaken, DoorClosed) as problem:
        out.print(f"[bold red]เล่นซ้ำไม่ได้ (cannot replay)[/]: {escape(str(problem))}")
        return FAILED
    show(out, report)
    return 0 if report.ok else LOST


async def played(
    local: Local,
    file: Path,
    mapping_file: Path,
    *,
    speed: float,
    limit: int | None = None,
    out: Console,
    pace: Pace | None = None,
    patience_s: float = PATIENCE_S,
) -> Report:
    """Play a file's calls and say what came of them.

    Raises:
        FileProblem: the file or the mapping cannot be used.
        StageTaken: another replay runs here.
        DoorClosed: the installation does not answer.

    """
    mapping = await asyncio.to_thread(read_mapping, mapping_file)
    calls = await asyncio.to_thread(read_calls, file, mapping, limit)
    pack = await asyncio.to_thread(_pack, local, mapping_file, mapping)
    moved = Moved(pack, mapping.move_to.source or box_of(calls))
    making = [
        Making(call.after_s, partial(body_of, call, mapping, moved), f"{file.name}/{call.number}") for call in calls
    ]
    units = _units(mapping_file, mapping, calls, moved) if mapping.units.bring else {}
    out.print(
        f"{file.name}: {len(calls):,} เรื่อง (calls) {calls[0].at:%Y-%m-%d %H:%M} – {calls[-1].at:%Y-%m-%d %H:%M}, "
        f"speed {speed:g} ≈ {sum(call.after_s for call in calls) / speed / 60:,.1f} นาที (min)"
    )
    return await run(
        local, pack.area.slug, making, speed, out, pace=pace, units=units, name=mapping.name, patience_s=patience_s
    )


def _pack(local: Local, file: Path, mapping: Mapping) -> Pack:
    area = mapping.move_to.area
    try:
        return load(local.areas / area)
    except PackError as problem:
        raise FileProblem(
            file, 0, f"move_to.area: ใช้พื้นที่ {area} ไม่ได้: {problem.th}", f"move_to.area: {area} cannot be used: {problem}"
        ) from None


def body_of(call: FileCall, mapping: Mapping, moved: Moved) -> Json:
    """The body of ``POST /v1/calls``. Caller and patient are invented: a number nobody has, a name with the call's."""
    kind = call.kind
    body: Json = {
        "channel": "file",
        "lane": "emergency",
        "kind": kind.kind.value,
        "complaint": kind.complaint,
        "external_refs": [{"system": mapping.name, "number": call.number}],
        "caller": {"phone": _phone(call.number)},
    }
    if call.place is not None:
        point = moved.point(call.place)
        body["location"] = {"lat": point.lat, "lon": point.lon}
    if call.address is not None:
        body["location"] = {**body.get("location", {}), "address": call.address[:500]}
    if kind.kind.value == "medical":
        body["patient"] = {"name": f"ผู้ป่วยสมมติ {call.number}"}
    answers = answers_giving(call.severity, kind.criteria_group, kind.kind.value)
    if answers is not None:
        body["triage"] = {"criteria_group": kind.criteria_group, "answers": answers}
    elif kind.criteria_group is not None:
        body["triage"] = {"criteria_group": kind.criteria_group}
    return body


def _phone(number: str) -> str:
    """Always the same one for a call: 090-200-0000 and the 10,000 that follow are given to nobody we know."""
    digits = "".join(sign for sign in number if sign.isdigit())
    return f"090200{int(digits or 0) % 10_000:04}"


def _units(file: Path, mapping: Mapping, calls: list[FileCall], moved: Moved) -> BroughtUnits:
    """Call sign → type and base: the middle of where the unit was sent to."""
    places: dict[str, list[Point]] = {}
    kinds: dict[str, UnitType] = {}
    for call in calls:
        for sign, kind in call.units:
            if (known := mapping.units.types.get(kind)) is not None:
                kinds.setdefault(sign, known)
                places.setdefault(sign, []).extend([moved.point(call.place)] if call.place else [])
    if not kinds:
        raise FileProblem(file, 0, "units.types: ไม่มีประเภทใดตรงกับไฟล์", "units.types: none of them stands in the file")
    middle = {
        sign: Point(sum(p.lon for p in points) / len(points), sum(p.lat for p in points) / len(points))
        for sign, points in places.items()
        if points
    }
    return {sign: (kind, middle[sign]) for sign, kind in kinds.items() if sign in middle}
