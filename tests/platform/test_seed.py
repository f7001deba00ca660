"""The first start puts everybody on duty, however many units a municipality has."""

from __future__ import annotations

from typing import Any

import httpx

from karuna.seed import crew_at, seed_id, sign_on
from shared.packs import load
from tests.harness import AREA, ROOT


async def test_units_of_every_page_come_on_duty() -> None:
    pack = load(ROOT / "deploy" / "areas" / AREA)
    units = [{"id": str(seed_id(AREA, "unit", each.code)), "duty": "off_duty", "crew_ids": []} for each in pack.vehicle]
    told: set[str] = set()

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            told.add(request.url.path.split("/")[-2])
            return httpx.Response(200)
        first = "after" not in request.url.params
        page: dict[str, Any] = {"items": units[:1] if first else units[1:], "next": units[0]["id"] if first else None}
        return httpx.Response(200, json=page)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        await sign_on(client, "http://dispatch", AREA, pack, None)
    crewed = {str(seed_id(AREA, "unit", each.code)) for each in pack.vehicle if crew_at(pack, each, None)}
    assert len(crewed) > 1
    assert told == crewed
