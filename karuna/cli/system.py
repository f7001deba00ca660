"""The whole installation: started, looked at, asked for tokens and addresses."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import typer

from karuna.cli.common import HomeOption, ServiceArgument, here, known, out, wait
from karuna.platform.home import Home
from shared.auth import Role
from shared.streams import LISTENERS

app = typer.Typer()


@app.command()
def up(
    home: HomeOption = None,
    demo: Annotated[bool, typer.Option(help="สร้างเหตุการณ์สาธิตตลอดเวลา (let demonstration calls flow)")] = True,
) -> None:
    """เปิดทุกอย่างบนเครื่องนี้ แล้วแสดงสิ่งที่เกิดขึ้น (start everything here and show what happens)."""
    from karuna.up import up as start

    raise typer.Exit(wait(start(Home(home), demo=demo)))


@app.command()
def run(
    service: ServiceArgument,
    processes: Annotated[int, typer.Option(min=1, max=32, help="กี่โปรเซส (how many)")] = 1,
    home: HomeOption = None,
) -> None:
    """เปิดบริการเดียว กี่โปรเซสก็ได้ (run one service as N equal processes beside what runs already)."""
    from karuna.run import run_service

    raise typer.Exit(wait(run_service(known(service), processes, home)))


@app.command()
def migrate(service: ServiceArgument, home: HomeOption = None) -> None:
    """ปรับฐานข้อมูลให้ทันรุ่น (bring a database up to date; KARUNA_OWNER_DATABASE_URL names another one)."""
    from shared.database import migrate as bring_up_to_date

    dsn = os.environ.get("KARUNA_OWNER_DATABASE_URL") or here(home).postgres.owner_dsn(known(service))
    ran = wait(bring_up_to_date(dsn, f"services.{known(service)}"))
    out.print("\n".join(ran) or "ไม่มีอะไรต้องทำ (nothing to do)")


@app.command()
def token(
    role: Annotated[Role, typer.Option(help="บทบาท (in which role)")],
    crew: Annotated[str | None, typer.Option(help="รหัสลูกทีม (the crew member, for role crew)")] = None,
    area: Annotated[list[str] | None, typer.Option(help="พื้นที่ * = ทุกพื้นที่ (municipality; * is every one)")] = None,
    subject: Annotated[str | None, typer.Option(help="ชื่อผู้ถือ (whose it is, as audits name it)")] = None,
    agency: Annotated[UUID | None, typer.Option(help="หน่วยงานของผู้ถือ (of which agency; none: the municipality)")] = None,
    place: Annotated[
        list[str] | None, typer.Option(help="เห็นเฉพาะพื้นที่รหัสนี้ (held to this code of the area tree, and all in it)")
    ] = None,
    home: HomeOption = None,
) -> None:
    """ออกโทเคน 15 นาที (print a token that is good for 15 minutes)."""
    issuer = here(home).issuer
    areas, places = area or ["kalasin"], place or []
    typer.echo(issuer.token(role, areas=areas, crew_id=crew, subject=subject, agency_id=agency, places=places))


@app.command()
def seed(
    area: Annotated[str, typer.Argument(help="รหัสพื้นที่ (the municipality)")] = "kalasin", home: HomeOption = None
) -> None:
    """ใส่ข้อมูลสมมติของเทศบาล (fill in the invented municipality; doing it twice changes nothing)."""
    from karuna.seed import seed as fill

    out.print(wait(fill(here(home), area, at=datetime.now(UTC))).line())


@app.command()
def trace(call: Annotated[str, typer.Argument(help="id หรือเลขที่ (id or number)")], home: HomeOption = None) -> None:
    """เล่าเรื่องทั้งหมดของการแจ้งเหตุหนึ่ง (the whole story of one call, with delays)."""
    from karuna.show import print_story

    wait(print_story(out, here(home), call))


@app.command()
def doctor(home: HomeOption = None) -> None:
    """ตรวจว่าอะไรผิดปกติ และต้องทำอะไร (what is wrong, and what to do)."""
    from karuna.show import print_findings

    raise typer.Exit(1 if wait(print_findings(out, here(home))) else 0)


@app.command()
def url(
    service: Annotated[str | None, typer.Argument(help=" | ".join(LISTENERS))] = None, home: HomeOption = None
) -> None:
    """ที่อยู่ของระบบนี้ (where this installation answers: of one service, or of all)."""
    local = here(home)
    if service is not None:
        typer.echo(local.url(known(service)))
        return
    for name in LISTENERS:
        out.print(f"{name:10} {local.url(name)}")


@app.command()
def contracts(check: Annotated[bool, typer.Option(help="ตรวจเท่านั้น (only compare)")] = False) -> None:
    """สร้างเอกสารเหตุการณ์ (AsyncAPI, JSON Schemas and the page from the event classes)."""
    from karuna.contracts import main as write

    raise typer.Exit(write(["--check"] if check else []))
