"""Accounts of the console."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from karuna.cli.common import HomeOption, here, out, wait
from shared.auth import Role

app = typer.Typer(help="บัญชีผู้ใช้หน้าจอ (accounts of the console)", no_args_is_help=True)


@app.command("add")
def account_add(
    login: Annotated[str, typer.Argument(help="ชื่อผู้ใช้ (what they sign in with)")],
    name: Annotated[str, typer.Option(help="ชื่อที่แสดง (the name that is shown)")],
    role: Annotated[list[Role], typer.Option(help="บทบาท ใส่ได้หลายครั้ง (may be given several times)")],
    area: Annotated[list[str], typer.Option(help="เทศบาล (municipality)")] = ["kalasin"],  # noqa: B006 typer copies it
    crew: Annotated[UUID | None, typer.Option(help="รหัสลูกทีม (the crew member, for role crew)")] = None,
    agency: Annotated[
        UUID | None, typer.Option(help="รหัสหน่วยงานอื่นที่สังกัด (the other agency whose people they are)")
    ] = None,
    place: Annotated[
        list[str] | None, typer.Option(help="เห็นเฉพาะพื้นที่รหัสนี้ (held to this code of the area tree, and all in it)")
    ] = None,
    home: HomeOption = None,
) -> None:
    """สร้างหรือเปลี่ยนบัญชี พิมพ์รหัสผ่านครั้งแรกครั้งเดียว (make or change an account; prints its first password once)."""
    from karuna.accounts import add, agency_is_known, roles_of
    from services.console.rules.accounts import HELD

    if place and not set(role) <= HELD:
        raise typer.BadParameter(f"--place: {', '.join(sorted(HELD))}")
    if crew is None and (of_crew := sorted({Role.CREW, Role.VOLUNTEER} & set(role))):
        raise typer.BadParameter(f"{', '.join(of_crew)}: ต้องระบุ --crew (needs the crew member: --crew)")
    if agency is not None and not wait(agency_is_known(here(home), agency)):
        raise typer.BadParameter(f"--agency: ไม่มีหน่วยงานรหัสนี้ในทะเบียน (the register knows no such agency): {agency}")
    before = wait(roles_of(here(home), login))
    password = wait(add(here(home), login, name, [each.value for each in role], area, crew, agency, place or ()))
    if before is not None:
        out.print(f"มีบัญชีนี้อยู่แล้ว เปลี่ยนบทบาทและรหัสผ่านแล้ว เดิมเป็น (there was one: changed, it was) {' '.join(before)}")
    out.print(f"{login}  {password}\nต้องเปลี่ยนเมื่อเข้าใช้ครั้งแรก (to be changed at the first sign-in)")


@app.command("list")
def account_list(home: HomeOption = None) -> None:
    """บัญชีทั้งหมด (all accounts)."""
    from karuna.accounts import lines

    for line in wait(lines(here(home))):
        out.print(line)


@app.command("close")
def account_close(
    login: Annotated[str, typer.Argument(help="ชื่อผู้ใช้ (what they sign in with)")], home: HomeOption = None
) -> None:
    """ปิดบัญชี และให้ทุกอุปกรณ์ออกจากระบบ (close an account and sign its devices out)."""
    from karuna.accounts import close

    _there(login, found=wait(close(here(home), login)))
    out.print(f"ปิดแล้ว (closed): {login}")


@app.command("second-factor-off")
def account_second_factor_off(
    login: Annotated[str, typer.Argument(help="ชื่อผู้ใช้ (what they sign in with)")], home: HomeOption = None
) -> None:
    """ปิดรหัสขั้นที่สองของผู้ที่โทรศัพท์หาย (take off the second factor of somebody whose telephone is lost)."""
    from karuna.accounts import second_factor_off

    _there(login, found=wait(second_factor_off(here(home), login)))
    out.print(f"ปิดรหัสขั้นที่สองแล้ว ตั้งใหม่ได้ที่ /account (second factor off; a new one is set up at /account): {login}")


def _there(login: str, *, found: bool) -> None:
    if not found:
        out.print(f"ไม่มีบัญชี (no account): {login}")
        raise typer.Exit(1)
