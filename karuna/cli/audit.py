"""Who looked at whose data: is the record whole, and all of it for others to read."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import typer

from karuna.cli.common import HomeOption, here, known, out, wait
from karuna.local import Local
from shared.streams import LISTENERS
from shared.thai.dates import BANGKOK

app = typer.Typer(help="บันทึกการเข้าถึงข้อมูลบุคคล (the audit of people's data): verify, export", no_args_is_help=True)

SinceOption = Annotated[datetime | None, typer.Option("--from", help="ตั้งแต่ (from this moment, Thai time)")]
UntilOption = Annotated[datetime | None, typer.Option("--to", help="ก่อน (before this moment, Thai time)")]


ServiceOption = Annotated[str | None, typer.Option(help=f"เฉพาะบริการนี้ (of one service alone): {', '.join(LISTENERS)}")]


def _meant(service: str | None) -> tuple[str, ...]:
    return LISTENERS if service is None else (known(service),)


@app.command("verify")
def verify_audit(service: ServiceOption = None, home: HomeOption = None) -> None:
    """ตรวจทุกบริการว่าไม่มีแถวใดถูกแก้ ลบ แทรก หรือสลับ (whether in any service a row was changed, removed, put in, moved)."""
    whole = True
    for each in _meant(service):
        whole &= _verified(here(home), each)
    out.print("ครบถ้วน (whole)" if whole else "ไม่ครบถ้วน (NOT whole)")
    raise typer.Exit(0 if whole else 1)


def _verified(local: Local, service: str) -> bool:
    """Say what was found in one service; one that does not answer is not whole."""
    import httpx

    from karuna.audit import verify

    try:
        found: dict[str, Any] = wait(verify(local, service))
    except httpx.HTTPError as problem:
        out.print(f"{service}: ไม่ตอบ (does not answer): {type(problem).__name__}", markup=False)
        return False
    signed = found["signed_at"] or "ยังไม่มี (not yet)"
    out.print(
        f"{service}: {found['rows']:,} แถว (rows), {found['lanes']} สาย (chains), ลงลายเซ็นล่าสุด (last signed): {signed}"
    )
    if found["before"]:
        out.print(f"แถวก่อนเริ่มระบบนี้ (rows from before the chains): 1-{found['before']:,}")
    for fault in found["faults"]:
        where = f" #{fault['row_id']}" if fault["row_id"] else ""
        out.print(f"{fault['kind']}{where} x{fault['count']}: {fault['th']} ({fault['en']})", markup=False)
    return bool(found["whole"])


@app.command("export")
def export_audit(
    person: Annotated[UUID | None, typer.Option(help="เฉพาะบุคคลนี้ (of one person alone)")] = None,
    service: ServiceOption = None,
    begin: SinceOption = None,
    end: UntilOption = None,
    home: HomeOption = None,
) -> None:
    """ส่งออกเป็น FHIR R4 AuditEvent หนึ่งรายการต่อบรรทัด (as FHIR R4 AuditEvents, one a line)."""
    from karuna.audit import export

    named = {"subject_id": person, "from": begin, "to": end}
    wanted = {
        name: value.replace(tzinfo=BANGKOK).isoformat() if isinstance(value, datetime) else str(value)
        for name, value in named.items()
        if value is not None
    }

    async def whole() -> None:
        for each in _meant(service):
            async for line in export(here(home), each, wanted):
                typer.echo(line)

    wait(whole())
