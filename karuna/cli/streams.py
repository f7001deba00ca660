"""Streams and their consumers."""

from __future__ import annotations

from typing import Annotated

import typer

from karuna.cli.common import HomeOption, here, out, wait
from shared.streams import SERVICES, stream_name

app = typer.Typer(help="สตรีม (streams): provision, rebuild", no_args_is_help=True)


@app.command("provision")
def provision_streams(home: HomeOption = None) -> None:
    """สร้างสตรีมและ durable ตามที่ประกาศไว้ (create or update what is declared)."""
    from karuna.show import provision_and_print

    wait(provision_and_print(out, here(home)))


@app.command("rebuild")
def rebuild_streams(
    names: Annotated[list[str] | None, typer.Argument(help="INTAKE DISPATCH REGISTRY NOTIFY")] = None,
    home: HomeOption = None,
) -> None:
    """เติมสตรีมที่ว่างหรือสั้นลง และเหตุการณ์ที่ขาด จากคลังเหตุการณ์ (refill streams, close holes, from the archive)."""
    from karuna.show import rebuild_and_print

    wanted = [name.upper() for name in names or []] or [stream_name(service) for service in SERVICES]
    wait(rebuild_and_print(out, here(home), wanted))
