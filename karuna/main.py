"""The command ``karuna``: everything an operator does by hand. Each command is a thin door to one module."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Coroutine
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import httpx
import typer
from nats.errors import Error as NatsError
from rich.console import Console

from karuna.local import Local
from karuna.platform.home import Home
from shared.auth import Role
from shared.streams import LISTENERS, SERVICES, stream_name

app = typer.Typer(
    help="ชุมชนกรุณา: คำสั่งของผู้ดูแลระบบ (the operator's commands)", no_args_is_help=True, pretty_exceptions_enable=False
)
streams = typer.Typer(help="สตรีม (streams): provision, rebuild", no_args_is_help=True)
dead = typer.Typer(help="จดหมายตกค้าง (dead letters): list, show, requeue", no_args_is_help=True)
subscriber = typer.Typer(
    help="ผู้รับเหตุการณ์ภายนอก (outsiders who listen): add, remove, replay, list", no_args_is_help=True
)
maps = typer.Typer(help="แผนที่ของเทศบาล (the municipality's own map): import", no_args_is_help=True)
plans = typer.Typer(help="แผนรถรับส่ง (plans of booked rides): compare", no_args_is_help=True)
account = typer.Typer(help="บัญชีผู้ใช้หน้าจอ (accounts of the console): add, list, close", no_args_is_help=True)
containers = typer.Typer(help="คอนเทนเนอร์ (the steps around containers, see deploy/compose.yaml)", no_args_is_help=True)
app.add_typer(streams, name="streams")
app.add_typer(containers, name="containers")
app.add_typer(dead, name="dead-letters")
app.add_typer(subscriber, name="subscriber")
app.add_typer(account, name="account")
app.add_typer(maps, name="map")
app.add_typer(plans, name="plan")
out = Console(highlight=False, soft_wrap=True)

HomeOption = Annotated[Path | None, typer.Option("--home", help="โฟลเดอร์ข้อมูล (default: $KARUNA_HOME or ./var)")]
ServiceArgument = Annotated[str, typer.Argument(help=" | ".join(LISTENERS))]


class UnitPolicy(StrEnum):
    """How a unit is chosen; see services/dispatch/emergencies/choice.py."""

    CLOSEST = "closest"
    DMEXCLP = "dmexclp"
    REASSIGN = "reassign"
    FULL = "full"


def _local(home: Path | None) -> Local:
    """The installation in ``home``, with the ports its launcher chose."""
    place = Home(home)
    return Local(place, place.ports())


def _known(service: str) -> str:
    if service not in LISTENERS:
        raise typer.BadParameter(f"{service!r}: {', '.join(LISTENERS)}")
    return service


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


@account.command("add")
def account_add(
    login: str,
    name: Annotated[str, typer.Option(help="ชื่อที่แสดง (the name that is shown)")],
    role: Annotated[list[Role], typer.Option(help="บทบาท ใส่ได้หลายครั้ง (may be given several times)")],
    area: Annotated[list[str], typer.Option(help="เทศบาล (municipality)")] = ["kalasin"],  # noqa: B006 typer copies it
    crew: Annotated[UUID | None, typer.Option(help="รหัสลูกทีม (the crew member, for role crew)")] = None,
    home: HomeOption = None,
) -> None:
    """สร้างหรือเปลี่ยนบัญชี พิมพ์รหัสผ่านครั้งแรกครั้งเดียว (make or change an account; prints its first password once)."""
    from karuna.accounts import add

    password = _run(add(_local(home), login, name, [each.value for each in role], area, crew))
    out.print(f"{login}  {password}\nต้องเปลี่ยนเมื่อเข้าใช้ครั้งแรก (to be changed at the first sign-in)")


@account.command("list")
def account_list(home: HomeOption = None) -> None:
    """บัญชีทั้งหมด (all accounts)."""
    from karuna.accounts import lines

    for line in _run(lines(_local(home))):
        out.print(line)


@account.command("close")
def account_close(login: str, home: HomeOption = None) -> None:
    """ปิดบัญชี และให้ทุกอุปกรณ์ออกจากระบบ (close an account and sign its devices out)."""
    from karuna.accounts import close

    if not _run(close(_local(home), login)):
        out.print(f"ไม่มีบัญชี (no account): {login}")
        raise typer.Exit(1)
    out.print(f"ปิดแล้ว (closed): {login}")


@app.command()
def up(
    home: HomeOption = None,
    demo: Annotated[bool, typer.Option(help="สร้างเหตุการณ์สาธิตตลอดเวลา (let demonstration calls flow)")] = True,
) -> None:
    """เปิดทุกอย่างบนเครื่องนี้ แล้วแสดงสิ่งที่เกิดขึ้น (start everything here and show what happens)."""
    from karuna.up import up as start

    raise typer.Exit(_run(start(Home(home), demo=demo)))


@app.command()
def run(
    service: ServiceArgument, processes: Annotated[int, typer.Option(min=1, max=32)] = 1, home: HomeOption = None
) -> None:
    """เปิดบริการเดียว กี่โปรเซสก็ได้ (run one service as N equal processes beside what runs already)."""
    from karuna.run import run_service

    raise typer.Exit(_run(run_service(_known(service), processes, home)))


@app.command()
def migrate(service: ServiceArgument, home: HomeOption = None) -> None:
    """ปรับฐานข้อมูลให้ทันรุ่น (bring a database up to date; KARUNA_OWNER_DATABASE_URL names another one)."""
    from shared.database import migrate as bring_up_to_date

    dsn = os.environ.get("KARUNA_OWNER_DATABASE_URL") or _local(home).postgres.owner_dsn(_known(service))
    ran = _run(bring_up_to_date(dsn, f"services.{_known(service)}"))
    out.print("\n".join(ran) or "ไม่มีอะไรต้องทำ (nothing to do)")


@app.command()
def token(
    role: Annotated[Role, typer.Option()],
    crew: Annotated[str | None, typer.Option(help="รหัสเจ้าหน้าที่ (crew id)")] = None,
    area: Annotated[list[str] | None, typer.Option(help="slug; * = ทุกพื้นที่")] = None,
    subject: Annotated[str | None, typer.Option()] = None,
    home: HomeOption = None,
) -> None:
    """ออกโทเคน 15 นาที (print a token that is good for 15 minutes)."""
    issuer = _local(home).issuer
    typer.echo(issuer.token(role, areas=area or ["kalasin"], crew_id=crew, subject=subject))


@app.command()
def seed(area: Annotated[str, typer.Argument()] = "kalasin", home: HomeOption = None) -> None:
    """ใส่ข้อมูลสมมติของเทศบาล (fill in the invented municipality; doing it twice changes nothing)."""
    from karuna.seed import seed as fill

    out.print(_run(fill(_local(home), area)).line())


@app.command()
def trace(call: Annotated[str, typer.Argument(help="id หรือเลขที่ (id or number)")], home: HomeOption = None) -> None:
    """เล่าเรื่องทั้งหมดของการแจ้งเหตุหนึ่ง (the whole story of one call, with delays)."""
    from karuna.show import print_story

    _run(print_story(out, _local(home), call))


@plans.command("compare")
def plan_compare(
    file: Annotated[typer.FileBinaryRead, typer.Argument(help="เนื้อของ POST /v1/plans/preview (its body, JSON)")],
    home: HomeOption = None,
) -> None:
    """เทียบแผนของระบบกับ OR-Tools ในโจทย์เดียวกัน (our plan beside OR-Tools' of the same day, both checked)."""
    from karuna.show import print_opinions

    _run(print_opinions(out, _local(home), file.read()))


@app.command()
def doctor(home: HomeOption = None) -> None:
    """ตรวจว่าอะไรผิดปกติ และต้องทำอะไร (what is wrong, and what to do)."""
    from karuna.show import print_findings

    raise typer.Exit(1 if _run(print_findings(out, _local(home))) else 0)


@app.command()
def backup(folder: Path, home: HomeOption = None) -> None:
    """สำรองข้อมูลและกุญแจทั้งหมด (dumps, keys and figures into a new folder)."""
    from karuna.backup import backup as save

    figures = _run(save(_local(home), folder))
    out.print(_rows(figures))


@app.command()
def restore(folder: Path, home: HomeOption = None) -> None:
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

    out.print(_rows(_run(whole())))
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
        counts = _run(module.apply(_local(home), apply.read_text("utf-8").splitlines()))
        out.print(counts)
        if counts["refused"]:
            out.print("บางรายการยังลบไม่ได้ ให้ทำซ้ำเมื่องานที่ค้างสิ้นสุด (not all: apply again when what is open is over)")
        raise typer.Exit(1 if counts["refused"] else 0)
    for line in _run(module.ledger(_local(home))):
        typer.echo(json.dumps(line))


@app.command()
def contracts(check: Annotated[bool, typer.Option(help="ตรวจเท่านั้น (only compare)")] = False) -> None:
    """สร้างเอกสารเหตุการณ์ (AsyncAPI, JSON Schemas and the page from the event classes)."""
    from karuna.contracts import main as write

    raise typer.Exit(write(["--check"] if check else []))


@streams.command("provision")
def provision_streams(home: HomeOption = None) -> None:
    """สร้างสตรีมและ durable ตามที่ประกาศไว้ (create or update what is declared)."""
    from karuna.show import provision_and_print

    _run(provision_and_print(out, _local(home)))


@streams.command("rebuild")
def rebuild_streams(
    names: Annotated[list[str] | None, typer.Argument(help="INTAKE DISPATCH REGISTRY NOTIFY")] = None,
    home: HomeOption = None,
) -> None:
    """เติมสตรีมที่ว่างหรือสั้นลง และเหตุการณ์ที่ขาด จากคลังเหตุการณ์ (refill streams, close holes, from the archive)."""
    from karuna.show import rebuild_and_print

    wanted = [name.upper() for name in names or []] or [stream_name(service) for service in SERVICES]
    _run(rebuild_and_print(out, _local(home), wanted))


@dead.command("list")
def list_letters(
    service: ServiceArgument, everything: Annotated[bool, typer.Option("--all")] = False, home: HomeOption = None
) -> None:
    """รายการที่รอคนดู (those that wait for a person)."""
    from karuna.dead_letters import letters

    found = _run(letters(_local(home).postgres.dsn(_known(service)), everything=everything))
    for row in found:  # lines, not a table: an id that is cut to the width of the terminal cannot be sent again
        seq = f" #{row['aggregateseq']}" if row["aggregateseq"] else ""
        again = f" → {row['requeued_at'].isoformat(timespec='seconds')}" if row["requeued_at"] else ""
        out.print(f"{row['id']}  {row['died_at'].isoformat(timespec='seconds')}{again}  {row['reason']}", markup=False)
        out.print(f"    {row['subject']}{seq}", markup=False)
    if not found:
        out.print("ไม่มี (none)")


@dead.command("show")
def show_letter(service: ServiceArgument, letter: UUID, home: HomeOption = None) -> None:
    """ดูหนึ่งฉบับ โดยไม่แสดงข้อมูลส่วนบุคคล (one letter, without its private data)."""
    from karuna.dead_letters import show

    found = _run(show(_local(home).postgres.dsn(_known(service)), letter))
    if found is None:
        out.print("ไม่พบ (not found)")
        raise typer.Exit(1)
    out.print(found)


@dead.command("requeue")
def requeue_letter(service: ServiceArgument, letter: UUID, home: HomeOption = None) -> None:
    """ส่งอีกครั้ง (give it back to the service)."""
    from karuna.dead_letters import requeue

    done = _run(requeue(_local(home).postgres.dsn(_known(service)), letter))
    out.print("ส่งแล้ว (sent again)" if done else "ไม่มีอะไรให้ส่ง (nothing to send again)")
    raise typer.Exit(0 if done else 1)


@maps.command("import")
def import_map(
    file: Path,
    attribution: Annotated[str, typer.Option(help="ที่มาและผู้ถือสิทธิ์ (whose map it is; always shown)")],
    area: Annotated[str, typer.Option(help="รหัสพื้นที่ (the municipality)")] = "kalasin",
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


@subscriber.command("add")
def add_subscriber(
    name: str,
    allow: Annotated[list[str] | None, typer.Option(help="เช่น 'karuna.kalasin.dispatch.>'")] = None,
    calls: Annotated[
        list[str] | None, typer.Option("--inbox-calls", help="พื้นที่ที่ส่งเรื่องเข้าได้ (areas it may ask calls of)")
    ] = None,
    positions: Annotated[list[str] | None, typer.Option(help="AREA/UNIT")] = None,
    ask: Annotated[list[str] | None, typer.Option(help="AREA/SERVICE/QUESTION")] = None,
    home: HomeOption = None,
) -> None:
    """เพิ่มผู้รับภายนอก ไม่ต้องเปิดเซิร์ฟเวอร์ใหม่ (an account and credentials; no restart)."""
    from karuna.platform.grants import GrantRefused, grant
    from karuna.subscribers import SubscriberExists, Subscribers

    local = _local(home)
    people = Subscribers(local.home, local.accounts, local.nats.url)
    try:
        units = tuple((area, unit) for area, unit in (_parts(text, 2) for text in positions or []))
        asks = tuple((area, service, name) for area, service, name in (_parts(text, 3) for text in ask or []))
        granted = grant(name, tuple(allow or []), inbox_calls=tuple(calls or []), positions=units, asks=asks)
        _run(people.add(granted))
    except GrantRefused as problem:
        out.print(str(problem))
        raise typer.Exit(1) from None
    except SubscriberExists:
        out.print(f"มีผู้รับชื่อนี้แล้ว (there is a subscriber of that name): {name}")
        raise typer.Exit(1) from None
    out.print(f"{people.creds(name)}\n{people.creds(name).with_suffix('.json')}")


def _parts(text: str, count: int) -> list[str]:
    parts = text.split("/")
    if len(parts) != count:
        raise typer.BadParameter(text)
    return parts


@subscriber.command("remove")
def remove_subscriber(name: str, home: HomeOption = None) -> None:
    """ตัดสิทธิ์ทันทีและถาวร (revoke at once and for good)."""
    from karuna.subscribers import Subscribers

    local = _local(home)
    _run(Subscribers(local.home, local.accounts, local.nats.url).remove(name))


@subscriber.command("replay")
def replay_subscriber(
    name: str,
    start: Annotated[datetime | None, typer.Option("--from", help="เวลา UTC; เว้นไว้ = ตั้งแต่ต้น")] = None,
    home: HomeOption = None,
) -> None:
    """ให้อ่านใหม่ตั้งแต่เวลาหนึ่ง (have it read again from a time, or from the beginning)."""
    from karuna.subscribers import Subscribers

    local = _local(home)
    out.print(_run(Subscribers(local.home, local.accounts, local.nats.url).replay(name, start)))


@subscriber.command("list")
def list_subscribers(home: HomeOption = None) -> None:
    """ผู้รับภายนอกทั้งหมด (all of them)."""
    from karuna.subscribers import Subscribers

    local = _local(home)
    people = Subscribers(local.home, local.accounts, local.nats.url)
    for one in people.all():
        filters = [f for s in one.streams for f in s["filters"]]
        out.print(f"{one.name} {people.caller(one.name)}: {', '.join([*filters, *one.calls])}")


@containers.command("keys")
def container_keys(folder: Path, home: HomeOption = None) -> None:
    """สร้างกุญแจ แล้วแจกให้แต่ละส่วนเฉพาะของตน (make the keys; give each part its own, in FOLDER/<part>)."""
    from karuna.containers import hand_out

    hand_out(_local(home), folder)
    out.print("แจกกุญแจแล้ว (keys handed out)")


@containers.command("furnish")
def container_furnish(home: HomeOption = None) -> None:
    """ฐานข้อมูล บัญชี และสตรีมตามที่ประกาศไว้ (databases, accounts and streams, once the servers answer)."""
    from karuna.containers import furnish

    _run(furnish(_local(home)))
    out.print("เตรียมฐานข้อมูลและสตรีมแล้ว (databases and streams are as declared)")


@containers.command("keep")
def container_keep(home: HomeOption = None) -> None:
    """เฝ้าสตรีม: สร้างใหม่เมื่อเซิร์ฟเวอร์กลับมา (stay; make again what a restarted broker has lost)."""
    from karuna.containers import keep

    _run(keep(_local(home), typer.echo))


@containers.command("wait")
def container_wait(home: HomeOption = None) -> None:
    """รอจนทุกบริการพร้อม (wait until every service is ready)."""
    from karuna.containers import ready

    _run(ready(_local(home)))


@app.command()
def url(
    service: Annotated[str | None, typer.Argument(help=" | ".join(LISTENERS))] = None, home: HomeOption = None
) -> None:
    """ที่อยู่ของระบบนี้ (where this installation answers: of one service, or of all)."""
    local = _local(home)
    if service is not None:
        typer.echo(local.url(_known(service)))
        return
    for name in LISTENERS:
        out.print(f"{name:10} {local.url(name)}")


@app.command()
def replay(
    file: Path,
    mapping: Annotated[Path, typer.Option("--map")],
    speed: Annotated[float, typer.Option(min=0.1, max=100_000)] = 60.0,
    limit: Annotated[int | None, typer.Option(min=1)] = None,
    home: HomeOption = None,
) -> None:
    """เล่นซ้ำเหตุจริงจาก CSV (feed real calls through the public API and report)."""
    from karuna.simulate.replay import replay as play

    raise typer.Exit(_run(play(_local(home), file, mapping, speed=speed, limit=limit, out=out)))


@app.command()
def simulate(
    days: Annotated[float, typer.Option(min=0.01, max=366)] = 1.0,
    speed: Annotated[float, typer.Option(min=0.1, max=100_000)] = 600.0,
    calls_a_day: Annotated[float, typer.Option(min=0.1, max=5000, help="เฉลี่ยต่อวัน (on average)")] = 5.3,
    seed_number: Annotated[int, typer.Option("--seed")] = 1,
    policy: Annotated[
        list[UnitPolicy] | None,
        typer.Option(help="เทียบวิธีเลือกหน่วยในวันเดียวกัน โดยไม่เปิดระบบ (compare, without the system)"),
    ] = None,
    units: Annotated[int, typer.Option(min=1, max=200, help="จำนวนหน่วย เมื่อเทียบ (when comparing)")] = 12,
    area: Annotated[str, typer.Option(help="พื้นที่ เมื่อเทียบ (when comparing)")] = "kalasin",
    into: Annotated[Path, typer.Option(help="ที่เก็บตารางและกราฟ เมื่อเทียบ (where table and plot go)")] = Path(
        "var/policies"
    ),
    home: HomeOption = None,
) -> None:
    """จำลองวันของเทศบาล (a municipality's days: calls, appointments, volunteers who decline or sleep)."""
    if policy:
        _compare(_local(home).areas / area, policy, days, calls_a_day, units, seed_number, into)
        return
    from karuna.simulate.town import simulate as live

    done = live(_local(home), days=days, speed=speed, seed=seed_number, out=out, a_day=calls_a_day)
    raise typer.Exit(_run(done))


def _compare(
    pack_folder: Path, policies: list[UnitPolicy], days: float, a_day: float, units: int, seed_number: int, into: Path
) -> None:  # fmt: skip
    from karuna.simulate.policies import calls_of, city_of, compare
    from karuna.simulate.policies_report import show, write
    from shared.packs import PackError, load

    try:
        pack = load(pack_folder)
    except PackError as problem:
        raise typer.BadParameter(str(problem)) from None
    city = city_of(pack)
    done = compare(city, calls_of(city, days, a_day, seed_number), [each.value for each in policies], units)
    about = f"{pack.area.name.th}: {days:g} วัน (days) × {a_day:g} เหตุ (calls), {units} หน่วย (units)"
    show(done, pack.policies.targets, about, out)
    for file in write(done, pack.policies.targets, about, into):
        out.print(f"เขียนแล้ว (written): {file}")


def _in_words(problem: Exception) -> str:
    if isinstance(problem, httpx.ConnectError):
        return "ระบบไม่ได้เปิดอยู่ เปิดด้วย make run หรือ karuna up (nothing answers: start it with make run or karuna up)"
    if isinstance(problem, httpx.HTTPStatusError) and problem.response.status_code == HTTPStatus.UNAUTHORIZED:
        return (
            "บริการที่ตอบไม่รู้จักโทเคนของที่นี่ อาจเป็นระบบของโฟลเดอร์อื่น ดู karuna url "
            "(what answers does not know this installation's token: another copy's? see karuna url)"
        )
    if isinstance(problem, FileExistsError):
        return f"มีอยู่แล้ว ไม่เขียนทับ (it exists and is not overwritten): {problem.filename}"
    if isinstance(problem, FileNotFoundError):
        return f"ไม่พบไฟล์หรือโฟลเดอร์ (no such file or folder): {problem.filename or problem}"
    if isinstance(problem, RuntimeError | LookupError) and problem.args:
        return str(problem.args[0])
    return f"{type(problem).__name__}: {problem}"


def main() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        app()
    except (RuntimeError, LookupError, OSError, asyncpg.PostgresError, httpx.HTTPError, NatsError) as problem:
        Console(stderr=True, soft_wrap=True).print(
            f"[bold red]ไม่สำเร็จ (failed)[/]: {_in_words(problem)}", highlight=False
        )
        sys.exit(1)


if __name__ == "__main__":
    main()
