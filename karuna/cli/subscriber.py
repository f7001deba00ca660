"""Outsiders who listen, and who ask."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from karuna.cli.common import HomeOption, here, out, wait

app = typer.Typer(help="ผู้รับเหตุการณ์ภายนอก (outsiders who listen): add, remove, replay, list", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(help="ชื่อผู้รับ (its name)")]


@app.command("add")
def add_subscriber(
    name: NameArgument,
    allow: Annotated[
        list[str] | None, typer.Option(help="สิ่งที่ฟังได้ (what it may hear), e.g. 'karuna.kalasin.dispatch.>'")
    ] = None,
    calls: Annotated[
        list[str] | None, typer.Option("--inbox-calls", help="พื้นที่ที่ส่งเรื่องเข้าได้ (areas it may ask calls of)")
    ] = None,
    positions: Annotated[
        list[str] | None, typer.Option(help="หน่วยที่ส่งพิกัดได้ (units whose place it may send): AREA/UNIT")
    ] = None,
    ask: Annotated[
        list[str] | None, typer.Option(help="คำถามที่ถามได้ (questions it may ask): AREA/SERVICE/QUESTION")
    ] = None,
    home: HomeOption = None,
) -> None:
    """เพิ่มผู้รับภายนอก ไม่ต้องเปิดเซิร์ฟเวอร์ใหม่ (an account and credentials; no restart)."""
    from karuna.known import known_here
    from karuna.platform.grants import GrantRefused, grant, refuse_unknown
    from karuna.subscribers import SubscriberExists, Subscribers

    local = here(home)
    people = Subscribers(local.home, local.accounts, local.nats.url)
    try:
        units = tuple((area, unit) for area, unit in (_parts("AREA/UNIT", text) for text in positions or []))
        asks = tuple(
            (area, service, question)
            for area, service, question in (_parts("AREA/SERVICE/QUESTION", text) for text in ask or [])
        )
        granted = grant(name, tuple(allow or []), inbox_calls=tuple(calls or []), positions=units, asks=asks)
        refuse_unknown(granted, known_here(local.areas, {service for _, service, _ in asks}))
        wait(people.add(granted))
    except GrantRefused as problem:
        out.print(str(problem), markup=False)
        raise typer.Exit(1) from None
    except SubscriberExists:
        out.print(f"มีผู้รับชื่อนี้แล้ว (there is a subscriber of that name): {name}", markup=False)
        raise typer.Exit(1) from None
    out.print(f"{people.creds(name)}\n{people.creds(name).with_suffix('.json')}")


def _parts(shape: str, text: str) -> list[str]:
    parts = text.split("/")
    if len(parts) != len(shape.split("/")):
        raise typer.BadParameter(f"{text!r} ต้องเขียนเป็น (is to be written as) {shape}")
    return parts


@app.command("remove")
def remove_subscriber(name: NameArgument, home: HomeOption = None) -> None:
    """ตัดสิทธิ์ทันทีและถาวร (revoke at once and for good)."""
    from karuna.subscribers import Subscribers

    local = here(home)
    wait(Subscribers(local.home, local.accounts, local.nats.url).remove(name))


@app.command("replay")
def replay_subscriber(
    name: NameArgument,
    start: Annotated[
        datetime | None, typer.Option("--from", help="เวลา UTC เว้นไว้ = ตั้งแต่ต้น (UTC; left out: from the beginning)")
    ] = None,
    home: HomeOption = None,
) -> None:
    """ให้อ่านใหม่ตั้งแต่เวลาหนึ่ง (have it read again from a time, or from the beginning)."""
    from karuna.subscribers import Subscribers

    local = here(home)
    if start is not None and start.tzinfo is None:
        start = start.replace(tzinfo=UTC)
    out.print(wait(Subscribers(local.home, local.accounts, local.nats.url).replay(name, start)))


@app.command("list")
def list_subscribers(home: HomeOption = None) -> None:
    """ผู้รับภายนอกทั้งหมด (all of them)."""
    from karuna.subscribers import Subscribers

    local = here(home)
    people = Subscribers(local.home, local.accounts, local.nats.url)
    for one in people.all():
        filters = [f for s in one.streams for f in s["filters"]]
        out.print(f"{one.name} {people.caller(one.name)}: {', '.join([*filters, *one.calls])}")
