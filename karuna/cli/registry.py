"""The register, for what comes in files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from karuna.cli.common import AreaOption, HomeOption, here, out, wait

if TYPE_CHECKING:
    from karuna.people_files import Sent as SentPeople
    from karuna.people_undo import Undone as UndonePeople
    from karuna.points import Sent

app = typer.Typer(
    help="ทะเบียน (the register): import, export, copy, points, near, areas, rebuild", no_args_is_help=True
)


@app.command("points")
def points(
    file: Annotated[
        Path,
        typer.Argument(help="CSV | GeoJSON: person_id | area_code, address, name; lon, lat, accuracy_m, observed_at"),
    ],
    source: Annotated[str, typer.Option(help="post | health_volunteer | gis_volunteer | …")] = "post",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="ลองดูก่อน ไม่บันทึก (only say what would be)")] = False,
    home: HomeOption = None,
) -> None:
    """นำเข้าพิกัดบ้าน เช่น จากไปรษณีย์ (points of homes; a verified point is never displaced)."""
    from karuna.points import registry_of, send

    async def sending() -> Sent:
        async with registry_of(here(home)) as client:
            return await send(client, file, source, dry_run=dry_run)

    sent: Sent = wait(sending())
    for one in sent.problems:
        out.print(f"{one['row']:7,} {one['field']}: {one['th']} ({one['en']})", markup=False)
    for code, count in sorted(sent.counts.items()):
        out.print(f"{count:7,} {code}")
    out.print(f"ผลรายแถว (row by row): {sent.verdicts}")


@app.command("near")
def near(
    layer: Annotated[typer.FileBinaryRead, typer.Argument(help="GeoJSON")],
    within: Annotated[float, typer.Option(min=0, max=5000, help="เมตร (metres)")] = 300,
    group: Annotated[list[str] | None, typer.Option(help="กลุ่ม ซ้ำได้ (group, several)")] = None,
    area: AreaOption = "kalasin",
    home: HomeOption = None,
) -> None:
    """ใครอยู่ใกล้แผนที่เสี่ยง (who lives near a risk map, the nearest first)."""
    from karuna.points import near as ask
    from karuna.points import registry_of

    async def asking() -> dict[str, Any]:
        async with registry_of(here(home)) as client:
            return await ask(client, layer.read(), within, group or [], area)

    answer = wait(asking())
    for one in answer["items"]:
        mark = "✓" if one["verified"] else "?"
        groups = ", ".join(label["th"] for label in one["groups"])
        out.print(f"{one['distance_m']:5} m {mark} {one['name'] or '-'} {groups} {one['id']}")
    out.print(f"{answer['total']} คน (people)")


@app.command("areas")
def areas(
    file: Annotated[Path, typer.Argument(help="CSV (code, kind, th, en, parents) | GeoJSON")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="ลองดูก่อน ไม่บันทึก (only say what would be)")] = False,
    area: AreaOption = "kalasin",
    home: HomeOption = None,
) -> None:
    """นำเข้าหมู่บ้าน ชุมชน ย่าน และเขต (villages, communities, quarters and their boundaries)."""
    from karuna.areas import read_rows, send
    from karuna.points import registry_of

    async def sending() -> list[dict[str, Any]]:
        async with registry_of(here(home)) as client:
            return await send(client, read_rows(file), area, dry_run=dry_run)

    verdicts = wait(sending())
    for one in verdicts:
        if one["th"]:
            out.print(f"{one['row']:5} {one['code']} {one['field']}: {one['th']} ({one['en']})")
    good = sum(1 for one in verdicts if one["th"] is None)
    out.print(f"{good} จาก {len(verdicts)} แถว (of {len(verdicts)} rows)")


@app.command("import")
def import_people(
    file: Annotated[Path, typer.Argument(help="CSV | GeoJSON | 43 แฟ้ม PERSON.txt")],
    format_: Annotated[str, typer.Option("--format", help="karuna | geojson | imed | f43-person")] = "karuna",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="ลองดูก่อน ไม่บันทึก (only say what would be)")] = False,
    verdicts: Annotated[Path | None, typer.Option(help="ผลรายแถว (row by row; default: <file>.verdicts.csv)")] = None,
    leave_alike: Annotated[
        bool, typer.Option("--leave-alike", help="ไม่นำเข้าคนที่อาจซ้ำ (leave out who may be there already)")
    ] = False,
    agency: Annotated[str | None, typer.Option(help="รหัสหน่วยงานเจ้าของไฟล์ (id of the agency whose file it is)")] = None,
    area: AreaOption = "kalasin",
    home: HomeOption = None,
) -> None:
    """นำเข้าบุคคลจากไฟล์ ส่งไฟล์เดิมซ้ำได้ (people from a file; the same file again goes on where it stopped)."""
    from rich.progress import Progress

    from karuna.people_files import Wanted, opened, send, taken_before
    from karuna.points import registry_of

    sheet = opened(file)
    wanted = Wanted(
        "karuna" if format_ == "geojson" else format_, area, dry_run, "leave" if leave_alike else "queue", agency
    )
    out_file = verdicts or file.with_suffix(".verdicts.csv")

    async def sending() -> SentPeople:
        with out_file.open("w", encoding="utf-8-sig", newline="") as lines, Progress(console=out) as bar:
            task = bar.add_task("แถว (rows)", total=sheet.rows)
            async with registry_of(here(home)) as client:
                client.headers["karuna-purpose"] = "registration"
                return await send(client, sheet, wanted, lines, lambda rows: bar.update(task, completed=rows))

    sent: SentPeople = wait(sending())
    for one in sent.problems:
        out.print(f"{one['row']:7,} {one['field'] or ''}: {one['th']} ({one['en']})", markup=False)
    for code, count in sorted(sent.counts.items()):
        out.print(f"{count:7,} {code}")
    if told := taken_before(sent):
        out.print(told, markup=False)
    out.print(f"ผลรายแถว (row by row): {out_file}")


@app.command("undo-import")
def undo_import(
    run_id: Annotated[
        str, typer.Argument(help="รหัสการนำเข้า ท้ายที่อยู่ของหน้าผลการนำเข้า (the run's id, as in its page's address)")
    ],
    reason: Annotated[
        str, typer.Option(help="เหตุผล (reason): wrong_file | wrong_area | wrong_columns | other")
    ] = "wrong_file",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="ดูก่อน ไม่เปลี่ยน (only say what would be)")] = False,
    home: HomeOption = None,
) -> None:
    """ยกเลิกไฟล์ที่นำเข้า (undo a file of people: what nobody has touched goes, the rest stays and says why)."""
    from karuna.people_undo import undo
    from karuna.points import registry_of

    async def undoing() -> UndonePeople:
        async with registry_of(here(home)) as client:
            client.headers["karuna-purpose"] = "registration"
            return await undo(client, run_id, reason, dry_run=dry_run)

    undone: UndonePeople = wait(undoing())
    for one in undone.stay:
        why = " · ".join(f"{each['th']} ({each['en']})" for each in one["why"])
        out.print(f"{one['row']:7,} {why}", markup=False)
    for code, count in sorted(undone.counts.items()):
        out.print(f"{count:7,} {undone.labels[code]}", markup=False)
    if not undone.counts:
        out.print("ไม่มีแถวใดให้นำออก (no row is left to be taken out)")


@app.command("rebuild")
def rebuild(
    check: Annotated[bool, typer.Option("--check", help="เทียบอย่างเดียว ไม่เปลี่ยน (only compare, change nothing)")] = False,
    home: HomeOption = None,
) -> None:
    """สร้างประวัติ เที่ยวรถ และอุปสรรคใหม่จากคลังเหตุการณ์ (histories, trips and barriers anew from the archives).

    People, matches, cases, groups and all else are the registry's own facts, no fold: they stay as they are.
    """
    from karuna.folds import rebuild as build

    before, after = wait(build(here(home), keep=not check))
    for fold, (rows, mark) in after.items():
        same = "เหมือนเดิม (the same)" if (rows, mark) == before[fold] else "ต่างจากเดิม (differs)"
        out.print(f"{fold:8} {before[fold][0]:9,} → {rows:9,} {same}")
    out.print(
        "บุคคล การจับคู่ เคส และกลุ่มเป็นข้อเท็จจริงของทะเบียนเอง ไม่ได้แตะ (people, matches, cases and groups are the registry's "
        "own facts: untouched)"
    )
    raise typer.Exit(1 if check and before != after else 0)


@app.command("copy")
def copy_person(
    person: Annotated[UUID, typer.Argument(help="รหัสบุคคล (the person's id)")],
    file: Annotated[Path, typer.Option("--out", help="ไฟล์ JSON")],
    home: HomeOption = None,
) -> None:
    """สำเนาข้อมูลทั้งหมดของบุคคลหนึ่ง (all that is kept of one person, as one file; PDPA s. 30)."""
    _download(home, f"/v1/persons/{person}/copy", file, {})


@app.command("export")
def export(
    file: Annotated[Path, typer.Option("--out", help="ไฟล์ปลายทาง (the file)")],
    format_: Annotated[str, typer.Option("--format", help="csv | geojson")] = "csv",
    group: Annotated[str | None, typer.Option(help="กลุ่ม (a group)")] = None,
    area_code: Annotated[str | None, typer.Option(help="รหัสพื้นที่ที่อยู่ (who lives in or below it)")] = None,
    limit: Annotated[int, typer.Option(min=1, max=5000, help="อย่างมากกี่คน (how many at most)")] = 1000,
    area: AreaOption = "kalasin",
    home: HomeOption = None,
) -> None:
    """ส่งออกรายชื่อหรือจุดบ้าน (a list of people, or their homes; nobody secret, and each is in the audit)."""
    wanted = {"area": area, "format": format_, "group": group, "area_code": area_code, "limit": limit}
    _download(home, "/v1/exports/persons", file, {name: value for name, value in wanted.items() if value is not None})


def _download(home: Path | None, path: str, file: Path, params: Mapping[str, str | int]) -> None:
    from karuna.people_files import download, runs_on
    from karuna.points import registry_of

    async def fetching() -> int:
        async with registry_of(here(home)) as client:
            client.headers["karuna-purpose"] = "registration"
            return await download(client, path, file, params)

    size = wait(fetching())
    if not runs_on(file):  # whoever reads it wants the file alone
        out.print(f"{size:,} ไบต์ (bytes): {file}")
