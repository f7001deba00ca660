"""What a service could not take."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from karuna.cli.common import HomeOption, ServiceArgument, here, known, out, wait

app = typer.Typer(help="จดหมายตกค้าง (dead letters): list, show, requeue, close", no_args_is_help=True)

LetterArgument = Annotated[UUID, typer.Argument(help="รหัสจากรายการ (its id in the list)")]


@app.command("list")
def list_letters(
    service: ServiceArgument,
    everything: Annotated[
        bool, typer.Option("--all", help="รวมที่ส่งซ้ำหรือปิดแล้ว (also those sent again or closed)")
    ] = False,
    home: HomeOption = None,
) -> None:
    """รายการที่รอคนดู (those that wait for a person)."""
    from karuna.dead_letters import letters

    found = wait(letters(here(home).postgres.dsn(known(service)), everything=everything))
    for row in found:  # lines, not a table: an id that is cut to the width of the terminal cannot be sent again
        seq = f" #{row['aggregateseq']}" if row["aggregateseq"] else ""
        ended = "×" if row["closed"] else "→"
        again = f" {ended} {row['requeued_at'].isoformat(timespec='seconds')}" if row["requeued_at"] else ""
        out.print(f"{row['id']}  {row['died_at'].isoformat(timespec='seconds')}{again}  {row['reason']}", markup=False)
        times = f"  × {row['times']}" if row["times"] > 1 else ""
        out.print(f"    {row['subject']}{seq}{times}", markup=False)
    if not found:
        out.print("ไม่มี (none)")


@app.command("show")
def show_letter(service: ServiceArgument, letter: LetterArgument, home: HomeOption = None) -> None:
    """ดูหนึ่งฉบับ โดยไม่แสดงข้อมูลส่วนบุคคล (one letter, without its private data)."""
    from karuna.dead_letters import show

    found = wait(show(here(home).postgres.dsn(known(service)), letter))
    if found is None:
        out.print("ไม่พบ (not found)")
        raise typer.Exit(1)
    out.print(found)


@app.command("requeue")
def requeue_letter(service: ServiceArgument, letter: LetterArgument, home: HomeOption = None) -> None:
    """ส่งอีกครั้ง (give it back to the service)."""
    from karuna.dead_letters import requeue

    done = wait(requeue(here(home).postgres.dsn(known(service)), letter))
    out.print("ส่งแล้ว (sent again)" if done else "ไม่มีอะไรให้ส่ง (nothing to send again)")
    raise typer.Exit(0 if done else 1)


@app.command("close")
def close_letter(service: ServiceArgument, letter: LetterArgument, home: HomeOption = None) -> None:
    """ปิดฉบับที่อ่านไม่ออก (close one that nobody can read)."""
    from karuna.dead_letters import close

    done = wait(close(here(home).postgres.dsn(known(service)), letter))
    out.print(
        "ปิดแล้ว (closed)" if done else "ปิดไม่ได้: ไม่พบ หรืออ่านได้และควรส่งอีกครั้ง (not closed: not found, or it can be read)"
    )
    raise typer.Exit(0 if done else 1)
