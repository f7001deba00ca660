"""The steps around containers, see deploy/compose.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from karuna.cli.common import HomeOption, here, out, wait

app = typer.Typer(help="คอนเทนเนอร์ (the steps around containers, see deploy/compose.yaml)", no_args_is_help=True)


@app.command("keys")
def container_keys(
    folder: Annotated[Path, typer.Argument(help="ที่วางกุญแจ (where they go)")], home: HomeOption = None
) -> None:
    """สร้างกุญแจ แล้วแจกให้แต่ละส่วนเฉพาะของตน (make the keys; give each part its own, in FOLDER/<part>)."""
    from karuna.containers import hand_out

    hand_out(here(home), folder)
    out.print("แจกกุญแจแล้ว (keys handed out)")


@app.command("furnish")
def container_furnish(home: HomeOption = None) -> None:
    """ฐานข้อมูล บัญชี และสตรีมตามที่ประกาศไว้ (databases, accounts and streams, once the servers answer)."""
    from karuna.containers import furnish

    wait(furnish(here(home)))
    out.print("เตรียมฐานข้อมูลและสตรีมแล้ว (databases and streams are as declared)")


@app.command("keep")
def container_keep(home: HomeOption = None) -> None:
    """เฝ้าสตรีม: สร้างใหม่เมื่อเซิร์ฟเวอร์กลับมา (stay; make again what a restarted broker has lost)."""
    from karuna.containers import keep

    wait(keep(here(home), typer.echo))


@app.command("wait")
def container_wait(home: HomeOption = None) -> None:
    """รอจนทุกบริการพร้อม (wait until every service is ready)."""
    from karuna.containers import ready

    wait(ready(here(home)))
