"""How the command line shows what the modules find."""

from __future__ import annotations

import httpx
import orjson
from nats.aio.client import Client
from rich.console import Console
from rich.table import Table

from karuna.advice import advice
from karuna.doctor import examine
from karuna.holes import close_holes
from karuna.local import Local
from karuna.plan import compare, table
from karuna.platform.broker import connect_once
from karuna.platform.provision import Finding, provision, remake
from karuna.rebuild import rebuild
from karuna.subscribers import Subscribers
from karuna.trace import find_call, story
from shared.auth import Role
from shared.bus import Bus, BusSettings
from shared.streams import SERVICES, STREAMS
from shared.thai.dates import local as local_time


def headers(local: Local, role: Role = Role.SUPERVISOR) -> dict[str, str]:
    """Headers of the local operator, who may see every area."""
    return {"authorization": f"Bearer {local.issuer.token(role, areas=['*'])}", "karuna-purpose": "audit"}


async def print_story(out: Console, local: Local, call: str) -> None:
    """One line an event: Thai time of day, seconds since the call, seconds since the line before, what, facts."""
    async with httpx.AsyncClient(base_url=local.url("intake"), headers=headers(local), timeout=30) as client:
        call_id = await find_call(client, call)
    lines = await story({service: local.url(service) for service in SERVICES}, headers(local), call_id)
    for line in lines:
        facts = " ".join(f"{name}={value}" for name, value in line.facts.items())
        out.print(
            f"{local_time(line.at):%H:%M:%S.%f}"[:-3],
            f"+{line.after_s:9.3f}s (+{line.since_s:7.3f}) {line.type:36}",
            f"{str(line.subject_id)[-8:]}#{line.seq} {facts}",
        )
    out.print(f"{len(lines)} เหตุการณ์ (events)")


async def print_opinions(out: Console, local: Local, body: bytes) -> None:
    """The service's plan of a day beside OR-Tools' in one table."""
    async with httpx.AsyncClient(base_url=local.url("dispatch"), headers=headers(local)) as client:
        head, *rows = table(await compare(client, orjson.loads(body)))
    shown = Table(*head)
    for row in rows:
        shown.add_row(*row)
    out.print(shown)


async def print_findings(out: Console, local: Local) -> int:
    """Every look on its line; gives the number of those that are not well."""
    bad = 0
    async for finding in examine(local):
        bad += not finding.ok
        mark = "[green]✓[/]" if finding.ok else "[bold red]✗[/]"
        out.print(f"{mark} {finding.what}: {finding.found}")
        if finding.advice is not None:
            out.print(f"    → {finding.advice.th}\n      {finding.advice.en}")
    out.print("ปกติทุกอย่าง (all well)" if bad == 0 else f"ผิดปกติ {bad} อย่าง ({bad} things to look at)")
    return bad


async def provision_and_print(out: Console, local: Local) -> None:
    client = await connect_once(local.nats.url, local.accounts, "provisioner")
    try:
        await _provision_and_print(out, client)
    finally:
        await client.close()


async def _provision_and_print(out: Console, client: Client) -> list[Finding]:
    findings = await provision(client)
    for finding in findings:
        out.print(f"{finding.what}: {finding.state}")
        if finding.state == "refuses":
            said = advice("refuses", what=finding.line(), stream=finding.what.partition("/")[0])
            out.print(f"    → {said.th}\n      {said.en}")
    return findings


async def _made_as_declared(out: Console, local: Local, streams: list[str]) -> None:
    """As provisioning does; of ``streams`` also those that the server does not let be changed, by making them anew."""
    client = await connect_once(local.nats.url, local.accounts, "provisioner")
    try:
        stuck = {finding.what.partition("/")[0] for finding in await provision(client) if finding.state == "refuses"}
        for stream in STREAMS:
            if stream.name in stuck & set(streams):
                await remake(client, stream)
                out.print(f"{stream.name}: สร้างใหม่ เพราะแก้ไขไม่ได้ (made anew, it could not be changed)")
        await _provision_and_print(out, client)
    finally:
        await client.close()
    await Subscribers(local.home, local.accounts, local.nats.url).renew()  # their durables go with a stream


async def rebuild_and_print(out: Console, local: Local, streams: list[str]) -> None:
    await _made_as_declared(out, local, streams)
    bus = Bus(BusSettings(local.nats.url, "provisioner", local.accounts.creds("provisioner")))
    await bus.open()
    try:
        for stream in streams:
            done = await rebuild(local.postgres.dsn(stream.lower()), bus, stream)
            out.print(f"{done.stream}: {done.kept} อยู่แล้ว (kept), {done.resent} ส่งใหม่ (sent again)")
        for listener in SERVICES:
            given = await close_holes(bus.client, local, listener, [stream.lower() for stream in streams])
            if given:
                out.print(f"{listener}: {given} เหตุการณ์ที่ขาด ให้จากคลัง (missing events given from the archive)")
    finally:
        await bus.close()
