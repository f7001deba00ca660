"""Back-ups, and what was erased."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from karuna.cli.common import HomeOption, here, out, wait
from karuna.local import Local
from karuna.platform.home import Home

app = typer.Typer()
NO_DIGESTS = (
    "ข้อมูลสำรองชุดนี้ทำก่อนมีรายการตรวจ (manifest.json) จึงตรวจไม่ได้ว่าไฟล์ยังตรงกับวันที่สำรอง "
    "(this backup was made before there was a manifest: whether its files are still what was saved cannot be told)"
)


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
    from karuna.manifest import check

    place = Home(home)
    if not check(folder):
        out.print(NO_DIGESTS)

    async def whole() -> dict[str, Any]:
        local = Local(place)
        try:
            return await bring_back(local, folder)
        finally:
            await local.stop()

    with _whole_or_nothing(folder, place.path):
        figures = wait(whole())
    out.print(_rows(figures))
    out.print("ตัวเลขตรงกันทุกตาราง (every table has as many rows as were saved)")


@contextmanager
def _whole_or_nothing(folder: Path, home: Path) -> Iterator[None]:
    """The keys first; if it fails, nothing half restored is left that would be taken for an installation."""
    from karuna.backup import refuse_filled, take_back, take_keys

    refuse_filled(home)
    try:
        take_keys(folder, home)
        yield
    except BaseException:
        left = take_back(home)
        if left:
            which = ", ".join(map(str, left))
            out.print(f"คืนไม่สำเร็จ ให้ลบก่อนคืนใหม่ (it failed: remove before restoring again): {which}", markup=False)
        else:
            out.print(f"คืนไม่สำเร็จ ลบสิ่งที่คืนไว้แล้ว (it failed, and what was restored is removed): {home}", markup=False)
        raise


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
