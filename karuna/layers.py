"""Publishing a risk map from a file, as the operator."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import httpx
import orjson

from karuna.local import Local
from karuna.show import headers
from karuna.words import refusal


async def publish(local: Local, body: dict[str, Any], geojson: bytes) -> dict[str, Any]:
    """Put the layer; the same area and name are the same layer, of which this is the next version.

    Raises:
        LookupError: dispatch refused it, in its words; or the file is no JSON.

    """
    try:
        drawn = orjson.loads(geojson)
    except orjson.JSONDecodeError as problem:
        raise LookupError(f"ไฟล์นี้ไม่ใช่ JSON (this file is no JSON): {problem}") from None
    layer_id = uuid5(NAMESPACE_URL, f"karuna:layer:{body['area']}:{body['name']}")
    given = {name: value for name, value in body.items() if value is not None}
    async with httpx.AsyncClient(base_url=local.url("dispatch"), headers=headers(local), timeout=30) as client:
        answer = await client.put(f"/v1/layers/{layer_id}", json={**given, "geojson": drawn})
    if HTTPStatus.BAD_REQUEST <= answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
        raise LookupError(refusal(answer))
    answer.raise_for_status()
    made: dict[str, Any] = answer.json()
    return made
