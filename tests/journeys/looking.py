"""Looking through everything an installation keeps: logs, figures, feeds, streams, tables."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import asyncpg
import nats
import nats.js.errors
import orjson
from nats.js import JetStreamContext

from karuna.local import Local
from shared.streams import LISTENERS, SERVICES, STREAMS, stream_name
from tests.journeys.canary import Canary
from tests.journeys.town import AREA, Town

AT_ONCE = 200
TABLES = "select tablename from pg_tables where schemaname = 'public' order by 1"


def traces_of(needles: Iterable[str], text: str) -> list[str]:
    """Which needles stand in the text, as they are or as PostgreSQL prints bytes."""
    return [needle for needle in needles if _stands(needle, text) or needle.encode().hex() in text]


def _stands(needle: str, text: str) -> bool:
    """A number with a hyphen is one that begins there: the groups of any UUID may meet in the same digits."""
    return needle in text and ("-" not in needle or bool(re.search(rf"(?<![0-9a-f]){re.escape(needle)}", text)))


async def make_unknown(local: Local, bird: Canary) -> None:
    """Somebody of whom nothing stands in any table yet: others' coordinates may begin with the same digits."""
    text = "\n".join([text async for _, text in tables(local)])
    while traces_of(bird.needles, text):
        bird.hatch()


def logs(local: Local) -> dict[str, str]:
    """Every file under ``<home>/logs``."""
    return {str(path.name): _read(path) for path in sorted(local.home.logs.rglob("*")) if path.is_file()}


def _read(path: Path) -> str:
    return path.read_text("utf-8", errors="replace")


async def tables(local: Local) -> AsyncIterator[tuple[str, str]]:
    """Every row of every table of every service, as text."""
    for service in LISTENERS:
        connection = await asyncpg.connect(local.postgres.owner_dsn(service))
        try:
            for row in await connection.fetch(TABLES):
                table = row["tablename"]
                lines = await connection.fetch(f'select t::text as line from "{table}" t')
                yield f"{service}.{table}", "\n".join(line["line"] for line in lines)
                for column in await connection.fetch(BYTES, table):
                    name = column["column_name"]
                    texts = await connection.fetch(f'select encode("{name}", \'hex\') as line from "{table}"')
                    yield f"{service}.{table}.{name}", "\n".join(str(line["line"]) for line in texts)
        finally:
            await connection.close()


BYTES = "select column_name from information_schema.columns where table_name = $1 and data_type = 'bytea'"


async def messages(local: Local, *, tree: str = "", of: str = "") -> AsyncIterator[tuple[str, str]]:
    """Subject, and headers with body, of every message of every durable stream.

    ``tree`` narrows by the subject's beginning, ``of`` to one service's stream.
    """
    client = await nats.connect(
        local.nats.url, user_credentials=str(local.accounts.creds("provisioner")), inbox_prefix=b"_INBOX.provisioner"
    )
    try:
        js = client.jetstream()
        for stream in STREAMS:
            if of and stream.name != stream_name(of):
                continue
            info = orjson.loads((await client.request(f"$JS.API.STREAM.INFO.{stream.name}", b"")).data)
            if "state" not in info:
                assert stream.storage == "memory", f"{stream.name} is missing"  # gone with the broker's memory
                continue
            last = info["state"]["last_seq"]
            for start in range(max(1, info["state"]["first_seq"]), last + 1, AT_ONCE):
                numbers = range(start, min(start + AT_ONCE, last + 1))
                found = await asyncio.gather(*(_message(js, stream.name, number) for number in numbers))
                for subject, text in found:
                    if text and subject.startswith(tree):
                        yield subject, text
    finally:
        await client.close()


async def _message(js: JetStreamContext, stream: str, sequence: int) -> tuple[str, str]:
    """Two empty texts where it was deleted."""
    try:
        message = await js.get_msg(stream, sequence)
    except nats.js.errors.NotFoundError:
        return "", ""
    return message.subject or "", f"{message.headers} {(message.data or b'').decode()}"


async def faces(town: Town) -> AsyncIterator[tuple[str, str]]:
    """What every service shows to machines: figures, and the open feed from its beginning."""
    for service in LISTENERS:
        answer = await town.client.get(town.local.url(service) + "/metrics")
        yield f"{service}/metrics", answer.text
    for service in SERVICES:
        after, more = 0, True
        while more:
            page = await town.ask(
                service,
                "GET",
                f"/v1/events?after={after}&limit=1000",
                role="auditor",
                claims={"areas": (AREA, "sample")},
            )
            yield f"{service}/v1/events?after={after}", orjson.dumps(page).decode()
            more, after = bool(page["items"]), page["next"]


async def left_of(town: Town, needles: Iterable[str]) -> dict[str, list[str]]:
    """Where any of these still stand: tables, streams, logs."""
    found: dict[str, list[str]] = {}
    async for name, text in tables(town.local):
        found[name] = traces_of(needles, text)
    async for subject, text in messages(town.local):
        found[subject] = traces_of(needles, text)
    for name, text in logs(town.local).items():
        found[f"log {name}"] = traces_of(needles, text)
    return {place: what for place, what in found.items() if what}


async def open_to_others(town: Town, needles: Iterable[str]) -> dict[str, list[str]]:
    """Where any of these stand in what is nobody's to be told in: logs, figures, open feeds, open subjects, URLs."""
    found = {f"log {name}": traces_of(needles, text) for name, text in logs(town.local).items()}
    async for name, text in faces(town):
        found[name] = traces_of(needles, text)
    async for subject, text in messages(town.local):
        inside = subject.startswith("internal.")
        found[subject] = traces_of(needles, subject if inside else text + subject)
    return {place: what for place, what in found.items() if what}
