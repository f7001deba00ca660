"""What all commands share: where things are printed, which installation is meant, and how its work is run."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from karuna.local import Local
from karuna.platform.home import Home
from shared.streams import LISTENERS

out = Console(highlight=False, soft_wrap=True)

HomeOption = Annotated[Path | None, typer.Option("--home", help="โฟลเดอร์ข้อมูล (default: $KARUNA_HOME or ./var)")]
ServiceArgument = Annotated[str, typer.Argument(help=" | ".join(LISTENERS))]
AreaOption = Annotated[str, typer.Option(help="รหัสพื้นที่ (the municipality)")]


def here(home: Path | None) -> Local:
    """The installation in ``home``, with the ports its launcher chose."""
    place = Home(home)
    return Local(place, place.ports())


def known(service: str) -> str:
    """The service of that name.

    Raises:
        typer.BadParameter: there is none.

    """
    if service not in LISTENERS:
        raise typer.BadParameter(f"{service!r}: {', '.join(LISTENERS)}")
    return service


def wait(work: Coroutine[Any, Any, Any]) -> Any:
    """Run it to its end; Ctrl-C ends it and the command."""
    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
