"""Travel-time matrices: put once, named by previews."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel

from services.dispatch.api.common import AreaQuery, MayPreview, areas_of, runtime_of
from services.dispatch.store import matrices
from services.dispatch.travel.matrix import MOST_PLACES, Matrix, read_text
from shared.auth import OUTSIDERS, Caller
from shared.errors import FieldProblem, Refused, refuse
from shared.openapi import problems
from shared.refusal import Refusal
from shared.work import now_utc

router = APIRouter(tags=["travel times"])

MatrixId = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
EVERYWHERE = "everywhere"
"""Where callers of all areas put theirs."""
MOST_MATRICES = 50
FULL = (409, "too_many_matrices", f"เก็บได้ {MOST_MATRICES} เมทริกซ์ต่อพื้นที่ ลบที่ไม่ใช้ก่อน",
        f"an area keeps {MOST_MATRICES} matrices; delete what is not used")  # fmt: skip
BODY: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": {
        "type": "object", "required": ["duration_s"], "additionalProperties": False,
        "properties": {
            name: {
                "type": "array", "minItems": 1, "maxItems": MOST_PLACES, "description": about,
                "items": {"type": "array", "items": {"type": "number", "minimum": 0, "nullable": True}},
            }
            for name, about in (
                ("duration_s", "seconds from the row's place to the column's by the shortest way; null: no way"),
                ("distance_m", "metres, of the same size; null only where there is no way"),
            )
        },
    }}}},
}  # fmt: skip


class MatrixOut(BaseModel):
    """``area``: whose it is."""

    area: str
    id: str
    places: int
    with_distance: bool
    put_at: datetime


class Matrices(BaseModel):
    items: list[MatrixOut]


def keeper_of(caller: Caller) -> str | None:
    """Whose matrices an outsider puts, in letters that tell nobody who it is; None: the municipality's own."""
    if caller.role not in OUTSIDERS:
        return None
    whose = str(caller.agency_id or caller.subject)
    return hashlib.sha256(whose.encode()).hexdigest()[:32]


def names_of(caller: Caller, matrix_id: str) -> list[str]:
    """Under which a matrix is kept: an outsider's own first, then the municipality's, which they may read."""
    keeper = keeper_of(caller)
    return [matrix_id] if keeper is None else [f"{keeper}/{matrix_id}", matrix_id]


def homes_of(caller: Caller, area: str | None = None) -> list[str]:
    """Whose matrices a caller uses; the first is where a new one goes."""
    return areas_of(caller, area) or ([EVERYWHERE] if area is None else [])


@router.put(
    "/v1/travel-matrices/{matrix_id}", response_model=MatrixOut, openapi_extra=BODY,
    responses={201: {"model": MatrixOut}, **problems(400, 401, 403, 409, 413)},
)  # fmt: skip
async def put_matrix(request: Request, caller: MayPreview, matrix_id: MatrixId, area: AreaQuery = None) -> JSONResponse:
    """เวลาเดินทางระหว่างจุด | Put a matrix, or another in its place. 201 when it is new.

    A partner's is that partner's alone: it takes nobody else's place, and nobody else sees it.
    """
    homes = homes_of(caller, area)
    if not homes:
        raise refuse("forbidden")
    # Large bodies are read aside, so that an emergency is not kept waiting by one.
    matrix = await asyncio.to_thread(_read, await request.body())
    now = now_utc()
    async with runtime_of(request).pool.acquire() as db, db.transaction():
        name = names_of(caller, matrix_id)[0]
        if await matrices.count_others(db, homes[0], name) >= MOST_MATRICES:
            raise Refused(*FULL)
        made = await matrices.put(db, homes[0], name, matrix, now)
    answer = MatrixOut(
        area=homes[0], id=matrix_id, places=matrix.places, with_distance=matrix.distance_m is not None, put_at=now
    )
    return JSONResponse(answer.model_dump(mode="json"), 201 if made else 200)


def _read(body: bytes) -> Matrix:
    try:
        return read_text(body)
    except orjson.JSONDecodeError:
        raise refuse("not_json", field="body") from None
    except Refusal as problem:
        raise invalid(problem) from None


def invalid(problem: Refusal) -> Refused:
    """A rule's refusal as the answer that names the field."""
    return refuse("invalid", errors=(FieldProblem(problem.field, problem.code, problem.th, problem.en),))


@router.get("/v1/travel-matrices", response_model=Matrices, responses=problems(401, 403))
async def list_matrices(request: Request, caller: MayPreview) -> Matrices:
    """What has been put, without the numbers: the municipality's, and a partner's own."""
    rows = await matrices.of_areas(runtime_of(request).pool, homes_of(caller), keeper_of(caller))
    return Matrices(items=[MatrixOut(**{**row, "id": row["id"].rpartition("/")[2]}) for row in rows])


@router.delete(
    "/v1/travel-matrices/{matrix_id}", status_code=204, response_class=Response, responses=problems(401, 403, 404)
)
async def delete_matrix(request: Request, caller: MayPreview, matrix_id: MatrixId, area: AreaQuery = None) -> Response:
    """Let a matrix go; previews that name it are refused from now on."""
    homes = homes_of(caller, area)
    if not homes or not await matrices.delete(runtime_of(request).pool, homes[0], names_of(caller, matrix_id)[0]):
        raise refuse("not_found")
    return Response(status_code=204)
