"""The registry's key: what stands under which one, and changing it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from karuna.cli.common import HomeOption, here, out, wait

if TYPE_CHECKING:
    from karuna.keys import Standing

app = typer.Typer(help="กุญแจทะเบียน (the registry's key): status, rotate, retire", no_args_is_help=True)
RESTART = (
    "เริ่มโปรเซสทะเบียนทุกตัวใหม่: Ctrl-C แล้ว karuna up; ในคอนเทนเนอร์ docker compose run --rm keys แล้ว restart registry\n"
    "(restart every registry process: Ctrl-C and karuna up; in containers run --rm keys, then restart registry)"
)


@app.command("status")
def status(home: HomeOption = None) -> None:
    """กุญแจใดใช้กับกี่แถว เหลือเท่าไร (which keys hold how many rows, and what is left to seal anew)."""
    _show(_standing(home))


@app.command("rotate")
def rotate(home: HomeOption = None) -> None:
    """ก้าวถัดไปของการเปลี่ยนกุญแจ (the next step of changing the key: once behind, restart, once again in front)."""
    from karuna.keys import Step
    from karuna.keys import rotate as step

    done, key = step(here(home).field_key_file, _standing(home))
    if done is Step.BEHIND:
        out.print(
            f"กุญแจใหม่ {key} อยู่หลังกุญแจเดิม อ่านได้แต่ยังไม่ปิดผนึก (new key {key} stands behind: it opens and does not seal)"
        )
        out.print(RESTART)
        out.print("แล้วสั่ง karuna keys rotate อีกครั้ง (then karuna keys rotate again)")
        return
    out.print(f"กุญแจ {key} อยู่หน้าแล้ว (key {key} stands in front)")
    out.print(RESTART)
    out.print("แล้วดู karuna keys status จนกุญแจเก่าไม่มีแถว (then watch karuna keys status until older keys have no rows)")


@app.command("retire")
def retire(
    key: Annotated[int, typer.Argument(help="เลขกุญแจเก่า (the older key's number)")],
    keep: Annotated[
        Path, typer.Option("--keep", help="ไฟล์ใหม่ เก็บไว้กับสำรองเดิม (a new file, kept with the older backups)")
    ],
    home: HomeOption = None,
) -> None:
    """เอากุญแจเก่าออก ไม่ทำถ้ายังมีแถวใต้กุญแจนั้น (take an older key out; refused while rows are under it)."""
    from karuna.keys import retire as take_out

    take_out(here(home).field_key_file, _standing(home), key, keep)
    out.print(f"กุญแจ {key} ออกแล้ว อยู่ที่ (key {key} is out, and lies in): {keep}")
    out.print(RESTART)


def _standing(home: Path | None) -> Standing:
    from karuna.keys import known, standing

    local = here(home)
    found: Standing = wait(standing(local.postgres.dsn("registry"), known(local.field_key_file)))
    return found


def _show(now: Standing) -> None:
    for key in sorted({*now.keys, *now.rows}, reverse=True):
        place = (
            "ปิดผนึก (seals)"
            if key == now.keys[0]
            else "อ่านได้ (opens)"
            if key in now.keys
            else "ไม่มีในไฟล์ (NOT in the file)"
        )
        out.print(f"กุญแจ (key) {key}: {place}, {now.rows_of(key):,} แถว (rows)")
        for table, rows in sorted(now.rows.get(key, {}).items()):
            out.print(f"  {rows:9,} {table}")
    for process in now.processes:
        knows = ", ".join(map(str, sorted(process.knows)))
        out.print(f"โปรเซส (process): อ่าน (reads) {knows}; ปิดผนึก (seals) {process.seals}")
    left = sum(now.rows_of(key) for key in now.rows if key != now.keys[0])
    out.print(f"เหลือ (left): {left:,} แถวใต้กุญแจอื่น (rows under other keys)")
