"""``make run``: everything on this machine, and then what happens, line by line."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx
import nats
import orjson
from nats.aio.msg import Msg
from rich.console import Console
from rich.markup import escape

from karuna.accounts import Invented, demonstration, logins
from karuna.local import ROOT, Local
from karuna.platform.home import HOST, Home, HomeInUse
from karuna.platform.process import Process, ProcessFailed
from karuna.seed import invent_agencies, invent_areas, invent_people, seed
from karuna.seed_fleet import furnish
from karuna.simulate.channels import SMPP_ACCOUNT, Secrets
from shared.auth import Role
from shared.streams import LISTENERS, SERVICES
from shared.thai.dates import local as local_time

AREA = "kalasin"
TOKENS_SHOWN = (Role.CALL_TAKER, Role.DISPATCHER, Role.CASE_MANAGER, Role.SUPERVISOR, Role.ADMIN)
SHOWN = ("severity", "lane", "status", "channel", "template", "reason", "outcome")
out = Console(highlight=False, soft_wrap=True)


async def up(home: Home, *, demo: bool) -> int:
    """Start, seed, print where to look, then show events until Ctrl-C. Gives the exit code."""
    started = time.monotonic()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        with home.lock():
            async with installation(home) as local:
                now = datetime.now(UTC)
                done = await seed(local, AREA, people=False, at=now)
                people = await demonstration(local, AREA, at=now)
                _welcome(local, people, done.line(), time.monotonic() - started)
                ground = asyncio.create_task(local.keep_ground(_told))
                await _live(local, stop, demo=demo)
                ground.cancel()
                out.print("\nกำลังปิด (stopping)…")
            out.print("ปิดแล้ว (stopped)")
    except HomeInUse as problem:
        out.print(f"เปิดอยู่แล้ว (already running): {problem}", markup=False)
        return 1
    except (ProcessFailed, OSError) as problem:
        out.print(f"[bold red]เปิดไม่สำเร็จ (could not start)[/]: {escape(str(problem))}")
        return 1
    return 0


async def _people(local: Local) -> None:
    """The invented people come while one can already work."""
    try:
        await furnish(local, AREA)
        await invent_areas(local, AREA)
        number = await invent_people(local, AREA)
        await invent_agencies(local, AREA)
    except (RuntimeError, httpx.HTTPError) as problem:
        out.print(
            f"[yellow]ประชาชนสมมติยังไม่ครบ จะเติมเมื่อเปิดครั้งหน้า (not all invented people yet)[/]: {escape(str(problem))}"
        )
    else:
        out.print(f"{number} ประชาชนสมมติพร้อมแล้ว (invented people are there)")


@asynccontextmanager
async def installation(home: Home) -> AsyncIterator[Local]:
    """Ground, simulators and services, all ready; stopped in the reverse order whatever happens."""
    local = Local(home)
    supervisors: list[asyncio.Task[None]] = []
    simulators = simulated_channels(local)
    try:
        await local.start_ground()
        for service in LISTENERS:
            local.start_service(service)
        simulators.start()
        await asyncio.gather(*(local.ready(service) for service in LISTENERS))
        processes = [simulators, *(process for group in local.processes.values() for process in group)]
        supervisors = [asyncio.create_task(_kept(process)) for process in processes]
        yield local
    finally:
        for task in supervisors:
            task.cancel()
        await local.stop()
        await simulators.stop()


async def _kept(process: Process) -> None:
    """Start a service again when it dies."""
    await process.supervise(told=_told)


def _told(text: str) -> None:
    out.print(f"[yellow]{escape(text)}[/]")


def simulated_channels(local: Local) -> Process:
    """LINE, the SMS centre and the gateway of the demonstration, and the file that names them to notify."""
    ports, secrets = local.ports, Secrets()
    local.write_channels(
        {
            "areas": {
                area.name: {
                    "line": {
                        "base_url": f"http://{HOST}:{ports.line}",
                        "access_token": secrets.line_token,
                        "channel_secrets": [secrets.line_secret],
                    },
                    "sms": {
                        "kind": "smpp",
                        "provider": "smsc",
                        "host": HOST,
                        "port": ports.smsc,
                        "system_id": SMPP_ACCOUNT,
                        "password": secrets.smpp_password,
                        "sender": "Karuna1132",
                    },
                }
                for area in sorted(local.areas.iterdir())
                if (area / "area.toml").exists()
            },
            "receipt_secrets": {},
        }
    )
    return Process(
        "simulators",
        [
            *(sys.executable, "-m", "karuna.simulate.channels"),
            *("--line-port", str(ports.line), "--smsc-port", str(ports.smsc), "--sms-http-port", str(ports.sms)),
            *("--webhook-url", f"{local.url('notify')}/v1/line/{AREA}/webhook"),
        ],
        log=local.home.logs / "simulators.log",
        env={"PATH": os.environ.get("PATH", ""), "PYTHONUNBUFFERED": "1"},
        cwd=ROOT,
    )


def _welcome(local: Local, people: Sequence[Invented], seeded: str, took_s: float) -> None:
    out.print(f"\n[bold]ชุมชนกรุณา Karuna[/] พร้อมใน {took_s:.1f} วินาที (ready)  {seeded}\n")
    out.print(
        f"  [bold]console   {local.url('console')}/sign-in[/]   "
        "(หน้าจอ กดชื่อบัญชีสาธิตเพื่อเข้าใช้ ไม่มีรหัสผ่าน: the screens, press an account, no password)"
    )
    for line in logins(people):
        out.print(f"            {line}")
    out.print(f"  public    {local.url('console')}/   (หน้าประชาชน: the citizens' page)")
    for service in SERVICES:
        out.print(f"  {service:9} {local.url(service)}/docs")
    out.print(f"  LINE+SMS  http://{HOST}:{local.ports.line}/  (จำลอง: ข้อความที่ทุกคนได้รับ, what everybody receives)")
    out.print(f"  NATS      {local.nats.url}   PostgreSQL {HOST}:{local.ports.postgres}")
    out.print(
        f"  ข้อมูล (data)  {local.home.path}\n\nโทเคน 15 นาที (tokens for 15 minutes; more: karuna token --role ROLE):"
    )
    for role in TOKENS_SHOWN:
        out.print(f"  {role.value:13} {local.issuer.token(role, areas=[AREA])}")
    out.print(
        "\nลองต่อ (try next):\n"
        f"  curl -s {local.url('intake')}/v1/calls \\\n"
        '    -H "Authorization: Bearer $(.venv/bin/karuna token --role call_taker)" \\\n'
        '    -H \'Content-Type: application/json\' -d \'{"caller":{"phone":"0812345678"},'
        '"location":{"landmark":"ตลาดเก่า","lat":16.4349,"lon":103.5062},'
        '"complaint":"หายใจลำบาก","triage":{"criteria_group":5}}\'\n'
        "  .venv/bin/karuna trace <number>    .venv/bin/karuna doctor    .venv/bin/karuna --help\n"
        "\nCtrl-C = ปิดทุกอย่าง (stop everything)\n"
    )


async def _live(local: Local, stop: asyncio.Event, *, demo: bool) -> None:
    """Print open events as they happen; with ``demo``, crews answer and a call comes now and then."""
    client = await nats.connect(
        local.nats.url,
        user_credentials=str(local.accounts.creds("console")),
        inbox_prefix=b"_INBOX.console",
        max_reconnect_attempts=-1,
    )

    rosters_written = asyncio.Event()

    async def show(message: Msg) -> None:
        event = orjson.loads(message.data)
        facts = " ".join(f"{name}={event['data'][name]}" for name in SHOWN if event["data"].get(name))
        at = local_time(datetime.fromisoformat(event["time"]))
        kind = event["type"].removeprefix("th.karuna.").removesuffix(".v1")
        if kind == "dispatch.shift.planned" and not rosters_written.is_set():
            return  # a hundred lines would push the addresses off the screen
        out.print(f"{at:%H:%M:%S}  {kind:34} {event['subject'].rsplit('/', 1)[-1][-8:]}  {facts}")

    async def show_people() -> None:
        await _people(local)
        rosters_written.set()
        await client.subscribe("karuna.*.registry.>", cb=show)  # not before: hundreds of lines that nobody reads

    for service in SERVICES:
        if service != "registry":
            await client.subscribe(f"karuna.*.{service}.>", cb=show)
    invented = asyncio.create_task(show_people())
    people: asyncio.Task[None] | None = None
    if demo:
        from karuna.simulate.town import demonstrate

        people = asyncio.create_task(demonstrate(local, AREA))
    await stop.wait()
    invented.cancel()
    if people is not None:
        people.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await people
    await client.close()
