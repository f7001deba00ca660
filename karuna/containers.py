"""What containers need that a launcher on one machine has at hand: keys first, then secrets for each part alone.

Two steps around the start of broker and database, both idempotent: ``hand_out`` before, ``furnish`` after. They
change nothing when there is nothing to change, so they run at every start. ``keep`` stays, because a container that
comes back by itself asks nobody. Where the parts answer is said by
``KARUNA_HOST_<NAME>`` and ``KARUNA_PORT_<NAME>``.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import nats
from nats.aio.client import Client

from karuna.local import Local
from karuna.platform.files import write_private
from karuna.platform.nats_server import healthy
from karuna.platform.permissions import inbox
from karuna.platform.postgres import ADMIN
from karuna.platform.provision import ServerRefused, provision
from shared.streams import LISTENERS

PUBLIC = 0o644
LOOK_EVERY_S = 0.25


class NotThere(TimeoutError):
    """Somebody did not answer in time; the message says who."""


def hand_out(local: Local, folder: Path) -> None:
    """Write ``<folder>/<part>/…``: each part's own secrets and nothing of the others, one folder (a volume) each.

    A service finds ``database_url`` and ``nats.creds``, registry ``field_key`` too, the others ``audit_key``, dispatch
    ``tracker_secret``, the console the issuer's private
    key; the broker its accounts and the key of its storage; the database its administrator's password. The public
    half stands in ``issuer``, which the console writes (revoked devices) and every service reads.
    """
    for service in LISTENERS:
        place = folder / service
        write_private(place / "database_url", local.postgres.dsn(service))
        write_private(place / "nats.creds", local.accounts.creds(service).read_text())
        if service != "registry":
            write_private(place / "audit_key", local.audit_key(service))
    write_private(folder / "console" / "issuer.pem", local.issuer.private_file.read_text())
    _hand_out_issuer(local.issuer.public_file, folder / "issuer" / "issuer.json")
    write_private(folder / "registry" / "field_key", local.field_key())
    write_private(folder / "dispatch" / "tracker_secret", local.tracker_secret())
    write_private(folder / "nats" / "accounts.conf", local.nats.accounts_config())
    write_private(folder / "nats" / "at-rest.conf", local.nats.at_rest_config())
    # The database runs as a user of its image, not as ours: what keeps others out is the volume, mounted nowhere else.
    write_private(folder / "postgres" / "password", local.postgres.password(ADMIN), mode=PUBLIC)


def _hand_out_issuer(ours: Path, there: Path) -> None:
    """The public keys as they are here; whom the console has revoked meanwhile stays revoked."""
    told = json.loads(ours.read_text("utf-8"))
    known = json.loads(there.read_text("utf-8")) if there.exists() else {}
    by_console = known.get("revoked_by_console", [])
    wanted = {**told, "revoked": sorted({*told.get("revoked", []), *by_console})}
    wanted |= {"revoked_by_console": by_console} if by_console else {}
    if wanted != known:
        write_private(there, json.dumps(wanted), mode=PUBLIC)


async def furnish(local: Local, *, within_s: float = 90) -> None:
    """Databases, roles, migrations, accounts, streams and durables, as soon as broker and database answer.

    Raises:
        NotThere: one of them does not answer within ``within_s``.

    """
    async with httpx.AsyncClient() as client:
        await _until("PostgreSQL", local.postgres.answers, within_s)
        await _until("NATS", lambda: healthy(client, local.nats.monitor_url), within_s)
    await local.postgres.make_databases()
    await local.accounts.push(local.nats.url)
    await local.furnish()


async def keep(local: Local, told: Callable[[str], None]) -> None:
    """Stay, and make again what a broker that started anew has lost: a stream in memory ends with its server.

    The services may not make streams, so somebody who may has to be there. ``told`` hears what was made.
    """
    back = asyncio.Event()
    back.set()

    async def on_back() -> None:
        back.set()

    async def on_error(problem: Exception) -> None:
        told(type(problem).__name__)

    client = await nats.connect(
        local.nats.url,
        user_credentials=str(local.accounts.creds("provisioner")),
        inbox_prefix=inbox("provisioner").encode(),
        max_reconnect_attempts=-1,
        reconnect_time_wait=0.5,
        reconnected_cb=on_back,
        error_cb=on_error,
    )
    try:
        while True:
            await back.wait()
            back.clear()
            await _provision_again(client, told)
    finally:
        await client.close()


async def _provision_again(client: Client, told: Callable[[str], None]) -> None:
    """Until it is done: a broker that is just starting refuses for a moment."""
    while True:
        try:
            for finding in await provision(client):
                if finding.state != "same":
                    told(f"{finding.what}: {finding.state}")
        except (nats.errors.Error, ServerRefused) as problem:
            told(f"not yet: {type(problem).__name__}")
            await asyncio.sleep(1)
        else:
            return


async def ready(local: Local, *, within_s: float = 90) -> None:
    """Wait until every service says it is ready. Raises ``NotThere``."""
    async with httpx.AsyncClient(timeout=3) as client:
        for service in LISTENERS:

            async def answers(url: str = local.url(service)) -> bool:
                try:
                    return (await client.get(f"{url}/readyz")).status_code == httpx.codes.OK
                except httpx.HTTPError:
                    return False

            await _until(service, answers, within_s)


async def _until(who: str, probe: Callable[[], Awaitable[bool]], within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while not await probe():
        if time.monotonic() > deadline:
            raise NotThere(f"{who}: no answer within {within_s:g} s")
        await asyncio.sleep(LOOK_EVERY_S)
