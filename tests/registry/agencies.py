"""A hospital that works with the municipality, and agreements with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx

from shared.work import new_id
from tests.harness import AREA, Running, bearer

OURS = {"subject": "chief"}


@dataclass
class Agency:
    """An agency with a nurse (case manager), a director (supervisor) and a telephonist."""

    registry: Running
    id: UUID = field(default_factory=new_id)
    kind: str = "hospital"
    areas: tuple[str, ...] = (AREA,)

    async def known(self, **changes: Any) -> Agency:
        body = {"kind": self.kind, "name_th": "โรงพยาบาลตัวอย่าง", "name_en": "Sample Hospital",
                "areas": list(self.areas), "from_on": "2026-01-01", **changes}  # fmt: skip
        answer = await self.registry.client.put(
            f"/v1/agencies/{self.id}", json=body, headers=bearer("supervisor", areas=list(self.areas))
        )
        assert answer.status_code == 204, answer.text
        return self

    def headers(self, role: str = "case_manager", **claims: Any) -> dict[str, str]:
        return bearer(role, **{"agency_id": self.id, "subject": f"hospital-{role}", **claims})

    async def get(self, path: str, role: str = "case_manager", **claims: Any) -> httpx.Response:
        return await self.registry.client.get(path, headers=self.headers(role, **claims))

    async def post(self, path: str, body: Any = None, role: str = "case_manager", **claims: Any) -> httpx.Response:
        return await self.registry.client.post(path, json=body, headers=self.headers(role, **claims))

    async def agreement(self, *, sign: bool = True, **changes: Any) -> str:
        """An agreement on care up to restricted, signed by both sides unless said otherwise."""
        body = {
            "area": AREA, "title_th": "ดูแลผู้ป่วยติดเตียง", "agency_ids": [str(self.id)], "areas": [AREA],
            "purposes": ["care"], "field_class": "restricted", "bases": ["s24_4", "s26_5a"], "from_on": "2026-01-01",
            **changes,
        }  # fmt: skip
        made = await ours(self.registry, "POST", "/v1/agreements", body)
        assert made.status_code == 201, made.text
        agreement_id: str = made.json()["id"]
        if sign:
            assert (await ours(self.registry, "POST", f"/v1/agreements/{agreement_id}/sign")).status_code == 200
            signed = await self.post(f"/v1/agreements/{agreement_id}/sign", {}, "supervisor")
            assert signed.json()["works"] is True, signed.text
        return agreement_id


async def ours(
    registry: Running, method: str, path: str, body: Any = None, role: str = "supervisor", **claims: Any
) -> httpx.Response:
    """Asked by somebody of the municipality itself."""
    return await registry.client.request(method, path, json=body, headers=bearer(role, **{**OURS, **claims}))
