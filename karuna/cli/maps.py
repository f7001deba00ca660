"""The municipality's own map."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from karuna.cli.common import AreaOption, HomeOption, here, out, wait
from karuna.platform.home import Home

app = typer.Typer(help="แผนที่ของเทศบาล (the municipality's own map): import, roads, layer", no_args_is_help=True)


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


@app.command("roads")
def import_roads(
    file: Annotated[Path, typer.Argument(help=".osm.pbf | .geojson | .csv")],
    area: AreaOption = "kalasin",
    around_km: Annotated[float, typer.Option(min=0, max=200, help="ไกลจากเขตได้กี่ กม. (kept around)")] = 15.0,
    replace: Annotated[bool, typer.Option("--replace", help="แทนถนนที่มีอยู่ (instead of the roads there)")] = False,
    home: HomeOption = None,
) -> None:
    """นำเข้าถนนของเทศบาลลงชุดตั้งค่า (roads into the settings pack; dispatch drives on them from its next start)."""
    from karuna.roads import import_roads as put
    from shared.packs import PackError

    try:
        made = put(file, here(home).areas / area, around_km, replace=replace)
    except (PackError, ValueError) as problem:
        out.print(f"ใช้เป็นถนนไม่ได้ (cannot be used): {problem}", markup=False)
        raise typer.Exit(1) from None
    out.print(f"เขียนแล้ว (written): {made.file}: {made.segments} ช่วง (segments), {made.crossings} จุด (points)")


@app.command("layer")
def publish_layer(
    file: Annotated[typer.FileBinaryRead, typer.Argument(help="GeoJSON: Polygon, level, name, advice, advice_en")],
    kind: Annotated[str, typer.Option(help="flood | fire | crime | accident | landslide | other")],
    name: Annotated[str, typer.Option(help="ชื่อชั้นข้อมูล ชื่อเดิมคือรุ่นใหม่ (the same name again is a new version)")],
    source: Annotated[str, typer.Option(help="ที่มา (whose map it is)")],
    public: Annotated[bool, typer.Option("--public", help="ให้ประชาชนเห็น (on the public risk map)")] = False,
    until: Annotated[str | None, typer.Option(help="วันสุดท้าย YYYY-MM-DD (last day)")] = None,
    area: AreaOption = "kalasin",
    home: HomeOption = None,
) -> None:
    """เผยแพร่แผนที่เสี่ยง (publish a risk map: crews that go there are warned)."""
    from karuna.layers import publish

    body = {"area": area, "kind": kind, "name": name, "source": source, "public": public, "valid_until_on": until}
    said = wait(publish(here(home), body, file.read()))
    out.print(f"เผยแพร่แล้ว (published): {area} {name}" if said["changed"] else "เหมือนเดิม (nothing new)")
