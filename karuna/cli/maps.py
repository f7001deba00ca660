"""The municipality's own map."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from karuna.cli.common import AreaOption, HomeOption, out
from karuna.platform.home import Home

app = typer.Typer(help="แผนที่ของเทศบาล (the municipality's own map): import", no_args_is_help=True)


@app.command("import")
def import_map(
    file: Annotated[Path, typer.Argument(help=".geojson | .pmtiles")],
    attribution: Annotated[str, typer.Option(help="ที่มาและผู้ถือสิทธิ์ (whose map it is; always shown)")],
    area: AreaOption = "kalasin",
    home: HomeOption = None,
) -> None:
    """นำเข้า GeoJSON หรือ PMTiles (check a map and keep it for the console)."""
    from services.console.maps import put
    from shared.refusal import Refusal
    from shared.work import now_utc

    try:
        kind = put(Home(home).path / "map", area, file.read_bytes(), attribution, now_utc())
    except Refusal as refused:
        out.print(f"{refused.th} ({refused.en})")
        raise typer.Exit(1) from None
    out.print(f"นำเข้าแล้ว (kept): {area}.{kind}")
