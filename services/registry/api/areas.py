"""The area tree: find an area by a name as people write it, see what it lies in and what lies in it, take over rows."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request

from services.registry import store
from services.registry.answers import AreaFound, AreasFound, AreaShown, AreaVerdict, AreaVerdicts
from services.registry.api.gate import area_for, areas_of, gate, runtime_of
from services.registry.bodies import AreasBody
from services.registry.rules.areas import Node, kind_of, official, search, whole_name
from services.registry.values import AREA_CODE
from services.registry.verbs import areas
from shared.audit import audit
from shared.auth import Caller
from shared.errors import refuse
from shared.openapi import problems
from shared.thai.areas import area

router = APIRouter(prefix="/v1/areas", tags=["areas"])

Finds = Annotated[Caller, Depends(gate("GET /v1/areas"))]
Imports = Annotated[Caller, Depends(gate("POST /v1/areas/import"))]
AreaCode = Annotated[str, Path(pattern=AREA_CODE)]


@router.get("", responses=problems(401, 403, 422))
async def find_areas(
    request: Request,
    caller: Finds,
    name: Annotated[str, Query(min_length=2, max_length=100, pattern=r"^[^\x00]+$")],
    within: Annotated[str | None, Query(pattern=AREA_CODE)] = None,
    limit: Annotated[int, Query(ge=1, le=20)] = 10,
) -> AreasFound:
    """ค้นหาพื้นที่ | Changwat, amphoe, tambon, village, municipality, quarter or community by name, misspelt or not."""
    runtime = runtime_of(request)
    inside = await areas.below(runtime.pool, within, "within") or ()
    own = await store.areas.of_areas(runtime.pool, areas_of(caller) or [])
    found = search(name, own, inside, limit)
    return AreasFound(
        items=[
            AreaFound(code=one.code, kind=one.kind, th=one.th, en=one.en, whole=one.whole, likeness=one.likeness)
            for one in found
        ]
    )


@router.get("/{code}", responses=problems(401, 403, 404), dependencies=[Depends(gate("GET /v1/areas/{code}"))])
async def read_area(request: Request, code: AreaCode) -> AreaShown:
    """ดูพื้นที่ | What it lies in, what lies in it, and its boundary as GeoJSON where there is one."""
    runtime = runtime_of(request)
    row = await store.areas.read(runtime.pool, code)
    below = [AreaFound.of(one) for one in await store.areas.children(runtime.pool, code)]
    if row is None:
        kind = kind_of(code, {})
        if kind is None:
            raise refuse("not_found")
        known = area(code)
        inner = [AreaFound(code=c, kind=k, th=th, en=en) for c, k, th, en in official() if c[:-2] == code]
        parents = [code[:-2]] if len(code) > 2 else []  # noqa: PLR2004 a changwat lies in none
        return AreaShown(
            code=code, kind=kind, th=known.th, en=known.en, whole=whole_name(code, {}), area=None, parents=parents,
            children=inner + below, boundary=None,
        )  # fmt: skip
    return AreaShown(
        whole=whole_name(code, {code: (row["th"], row["en"])}),
        parents=list(row["parents"]),
        children=below,
        **{name: row[name] for name in ("code", "kind", "th", "en", "area", "boundary")},
    )


@router.post("/import", responses=problems(400, 401, 403, 404, 413))
async def import_areas(request: Request, caller: Imports, body: AreasBody) -> AreaVerdicts:
    """นำเข้าหมู่บ้าน ชุมชน ย่าน | Row by row with a verdict; the same rows again change nothing. ``dry_run`` writes none."""
    runtime = runtime_of(request)
    slug = area_for(caller, body.area)
    told = [
        Node(one.code, slug, one.kind, one.th, one.en or one.th, one.parents, _geometry(one.boundary))
        for one in body.rows
    ]
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        verdicts = await areas.take(work, told, slug, dry_run=body.dry_run)
        detail = {"rows": len(told), "dry_run": body.dry_run}
        await audit(work, caller, "import_areas", "area", None, detail, area=slug)
    return AreaVerdicts(
        items=[
            AreaVerdict(row=one.row, code=one.code, verdict=one.verdict, field=one.field, th=one.th, en=one.en)
            for one in verdicts
        ]
    )


def _geometry(told: dict[str, Any] | None) -> dict[str, Any] | None:
    """A geometry, also where a whole feature was given."""
    if told is not None and told.get("type") == "Feature":
        inner = told.get("geometry")
        return inner if isinstance(inner, dict) else {}
    return told
