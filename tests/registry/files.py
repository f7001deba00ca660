"""Files of people as tests write and send them."""

from __future__ import annotations

import hashlib
from typing import Any

from services.registry.rules.importing import fields_of, formats, read_row
from tests.harness import Running, bearer
from tests.registry.conftest import OFFICER, cid

HEAD = ["national_id", "name", "birth_date", "sex", "phone", "groups", "adl", "current_area", "current_address"]
PERSON = ("HOSPCODE|CID|PID|HID|PRENAME|NAME|LNAME|HN|SEX|BIRTH|MSTATUS|OCCUPATION_OLD|OCCUPATION_NEW|RACE|NATION|RELIGION|"
          "EDUCATION|FSTATUS|FATHER|MOTHER|COUPLE|VSTATUS|MOVEIN|DISCHARGE|DDISCHARGE|ABOGROUP|RHGROUP|LABOR|PASSPORT|"
          "TYPEAREA|D_UPDATE|TELEPHONE|MOBILE")  # fmt: skip


def line(number: int | None, name: str, **more: str) -> list[str]:
    told = {"national_id": cid(number) if number else "", "name": name, **more}
    return [told.get(column, "") for column in HEAD]


TOWN = [
    line(101, "นางบัวผัน ศรีสุข", birth_date="3/2/2493", sex="หญิง", adl="3", current_area="460101"),
    line(102, "นายสมหมาย ทองดี", sex="1", phone="081-234-5679", groups="ติดบ้าน;disabled"),
    line(None, "ยายคำ", groups="elderly"),
    ["1234567890123", "นายเลขผิด ใจดี", "", "", "", "", "", "", ""],
    line(103, "นายพื้นที่ผิด ใจดี", current_area="46999901"),
    line(101, "นางบัวผัน ศรีสุข"),
    line(104, "นางลับ ใจดี", groups="violence"),
]


def part(file_of: list[list[str]], **more: Any) -> dict[str, Any]:
    file = hashlib.sha256(repr(file_of).encode()).hexdigest()
    body = {"format": "karuna", "file": file, "file_rows": len(file_of), "first_row": 2, "columns": HEAD}
    return {**body, "rows": file_of, **more}


async def ask(registry: Running, body: dict[str, Any], status: int = 200, role: str = OFFICER, **claims: Any) -> Any:
    claims.setdefault("purpose", "registration")
    answer = await registry.client.post("/v1/imports", json=body, headers=bearer(role, **claims))
    assert answer.status_code == status, answer.text
    return answer.json()


def verdicts(answer: dict[str, Any]) -> list[str]:
    return [one["verdict"] for one in answer["items"]]


async def count(registry: Running, table: str) -> int:
    found: int = (await registry.sql(f"select count(*) from {table}"))[0]["count"]
    return found


def of(format_id: str, told: dict[str, str]) -> Any:
    format_ = formats()[format_id]
    return read_row(format_, list(told), fields_of(format_, list(told)), list(told.values()))


def officer() -> dict[str, str]:
    """Who brings files."""
    return bearer(OFFICER, purpose="registration")
