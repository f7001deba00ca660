"""Back-ups, and what was erased."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from karuna.cli.common import HomeOption, here, out, wait
from karuna.local import Local
from karuna.platform.home import Home

app = typer.Typer()


@app.command()
def backup(folder: Annotated[Path, typer.Argument(help="โฟลเดอร์ใหม่ (a new folder)")], home: HomeOption = None) -> None:
    """สำรองข้อมูลและกุญแจทั้งหมด (dumps, keys and figures into a new folder)."""
    from karuna.backup import backup as save

    figures = wait(save(here(home), folder))
    out.print(_rows(figures))


@app.command()
def restore(
    folder: Annotated[Path, typer.Argument(help="ที่สำรองไว้ (what backup made)")], home: HomeOption = None
) -> None:
    """คืนข้อมูลลงที่ว่าง แล้วเทียบตัวเลข (restore into an empty place, figures compared)."""
    from karuna.backup import restore as bring_back
    from karuna.backup import take_keys

    place = Home(home)
    take_keys(folder, place.path)
    local = Local(place)

    async def whole() -> dict[str, Any]:
        try:
            return await bring_back(local, folder)
        finally:
            await local.stop()

    out.print(_rows(wait(whole())))
    out.print("ตัวเลขตรงกันทุกตาราง (every table has as many rows as were saved)")


def _rows(figures: dict[str, Any]) -> str:
    return "\n".join(f"{s}: {sum(t.values()):,} rows in {len(t)} tables" for s, t in figures["tables"].items())


@app.command()
def erasures(
    apply: Annotated[Path | None, typer.Option(help="ลบซ้ำตามบัญชีนี้ (erase again what this ledger names)")] = None,
    home: HomeOption = None,
) -> None:
    """บัญชีการลบข้อมูล (the ledger of erasures as JSON lines; keep it beside the backups)."""
    from karuna import erasures as module

    if apply is not None:
        counts = wait(module.apply(here(home), apply.read_text("utf-8").splitlines()))
        out.print(counts)
        if counts["refused"]:
            out.print("บางรายการยังลบไม่ได้ ให้ทำซ้ำเมื่องานที่ค้างสิ้นสุด (not all: apply again when what is open is over)")
        raise typer.Exit(1 if counts["refused"] else 0)
    for line in wait(module.ledger(here(home))):
        typer.echo(json.dumps(line))
