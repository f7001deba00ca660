"""The invented partners of a municipality: agencies with coordinators, and an agreement with its hospital.

Kinds are those that work together on the ground; names and people are invented, and 090-200-xxxx are numbers given to
nobody we know.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid5

import httpx

NAMESPACE = UUID("6b617275-6e61-7000-8000-000000000000")
FROM_ON = "2026-01-01"
PARTNERS = (
    ("municipality", "เทศบาลตัวอย่าง", "Sample municipality", "สมัย ศรีสุข"),
    ("hospital", "โรงพยาบาลตัวอย่าง", "Sample hospital", "ลำดวน นาดี"),
    ("health_centre", "รพ.สต. ตัวอย่าง", "Sample health centre", "อุไร ภูมิดี"),
    ("fund", "กองทุนฟื้นฟูสมรรถภาพ (สมมติ)", "Rehabilitation fund (invented)", "ประยูร ทองคำ"),
    ("welfare", "พัฒนาสังคมและความมั่นคงของมนุษย์ (สมมติ)", "Social development (invented)", "พิมพ์ ใจงาม"),
    ("province", "สำนักงานจังหวัด (สมมติ)", "Provincial office (invented)", "สำราญ บุญเรือง"),
    ("foundation", "มูลนิธิชุมชน (สมมติ)", "Community foundation (invented)", "คำปัน แสนสุข"),
)
"""Kind, name in Thai and English, and whom to ring there."""


def agency_id(area: str, kind: str) -> UUID:
    return uuid5(NAMESPACE, f"{area}/agency/{kind}")


def agency_body(area: str, kind: str, th: str, en: str) -> dict[str, Any]:
    own = {"municipality": area} if kind == "municipality" else {}
    return {"kind": kind, "name_th": th, "name_en": en, "areas": [area], "from_on": FROM_ON, **own}


def coordinator_body(number: int, name: str, officer: UUID | None) -> dict[str, Any]:
    """``officer``: the crew member who hears of glass that is broken, of the municipality alone."""
    duty = {"duty": "privacy_officer", "crew_id": str(officer)} if officer else {}
    return {"name": f"{name} (สมมติ)", "phone": f"090200{number:04}", "from_on": FROM_ON, **duty}


def agreement_body(area: str) -> dict[str, Any]:
    return {
        "area": area, "title_th": "ดูแลคนในทะเบียนร่วมกัน (สมมติ)", "title_en": "Care of everybody registered (invented)",
        "agency_ids": [str(agency_id(area, "hospital"))], "areas": [area], "purposes": ["care"],
        "field_class": "restricted", "bases": ["s24_4", "s26_5a"], "writes": ["visit", "location"], "from_on": FROM_ON,
    }  # fmt: skip


async def seed_agencies(client: httpx.AsyncClient, area: str, officer: UUID | None) -> None:
    """Put them; ``client`` asks the registry as a supervisor. Doing it twice changes nothing.

    Raises:
        RuntimeError: the registry refused one; the text is its answer.

    """
    for number, (kind, th, en, name) in enumerate(PARTNERS, start=1):
        at = f"/v1/agencies/{agency_id(area, kind)}"
        await _done(client, "PUT", at, agency_body(area, kind, th, en))
        whom = coordinator_body(number, name, officer if kind == "municipality" else None)
        await _done(client, "PUT", f"{at}/coordinators/{uuid5(NAMESPACE, f'{area}/coordinator/{kind}')}", whom)
    if any(one["agency_ids"] for one in (await _done(client, "GET", "/v1/agreements"))["items"]):
        return
    made = (await _done(client, "POST", "/v1/agreements", agreement_body(area)))["id"]
    await _done(client, "POST", f"/v1/agreements/{made}/sign", {})
    paper = {"agency_id": str(agency_id(area, "hospital")), "paper": "sample-1"}
    await _done(client, "POST", f"/v1/agreements/{made}/sign", paper)


async def _done(client: httpx.AsyncClient, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    answer = await client.request(method, path, json=body)
    if not answer.is_success:
        raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
    return answer.json() if answer.content else None
