"""The shortest chain that keeps the same promises: three processes of plain FastAPI, asyncpg and nats-py.

POST → commit (state and event) → relay → the next process commits (inbox, effect, event) → relay → the next commits
(inbox, effect) → HTTP POST to the provider. No rules, no checks, no people: the floor under a call's way to its crew.
``python -m bench.bare_chain intake|dispatch|notify``: prints one line when ready, ends with the end of stdin.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import uuid4

import aiohttp
import asyncpg
import nats
import nats.errors
import orjson
import uvicorn
import uvloop
from fastapi import FastAPI, Request, Response
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig

SCHEMA = """
create table state (id uuid primary key, body jsonb not null);
create table inbox (event_id uuid primary key);
create table outbox (id bigint generated always as identity primary key, subject text not null, body bytea not null);
"""
STATE = "insert into state (id, body) values ($1, $2)"
INBOX = "insert into inbox (event_id) values ($1) on conflict do nothing returning event_id"
OUTBOX = "insert into outbox (subject, body) values ($1, $2)"
NEXT = "select id, subject, body from outbox order by id limit 100"
SENT = "delete from outbox where id = any($1::bigint[])"
Row = Any


class Process:
    """What each of the three has: a pool, a broker, and a relay woken after every commit."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record], js: JetStreamContext) -> None:
        self.pool, self.js = pool, js
        self.woken = asyncio.Event()

    async def write(self, event: dict[str, Any], following: str | None, *, heard: bool) -> bool:
        """State, and the event for the next process, in one commit; False for an event that was known."""
        async with self.pool.acquire() as db, db.transaction():
            if heard and await db.fetchval(INBOX, event["id"]) is None:
                return False
            await db.execute(STATE, uuid4(), orjson.dumps(event).decode())
            if following:
                await db.execute(OUTBOX, f"{following}.{event['call']}", orjson.dumps({**event, "id": str(uuid4())}))
        self.woken.set()
        return True

    async def relay(self) -> None:
        """Publish what is in the outbox, in order, then delete it."""
        async with self.pool.acquire() as db:
            while True:
                self.woken.clear()
                rows, sent = await db.fetch(NEXT), list[int]()
                if rows:
                    with suppress(nats.errors.Error, TimeoutError):  # what was stored twice the inbox knows
                        for row in rows:
                            await self.js.publish(row["subject"], row["body"])
                            sent.append(row["id"])
                    await db.execute(SENT, sent)
                    continue
                with suppress(TimeoutError):
                    async with asyncio.timeout(1):
                        await self.woken.wait()

    async def hear(self, stream: str, act: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        config = ConsumerConfig(ack_wait=30, max_ack_pending=200)
        subscription = await self.js.pull_subscribe("", durable=stream.lower(), stream=stream, config=config)
        while True:
            try:
                messages = await subscription.fetch(50, timeout=5)
            except (nats.errors.Error, TimeoutError):  # nothing came, or the server was busy or is gone
                await asyncio.sleep(0.01)  # a closed client says so without waiting, and we are to hear that we end
                continue
            for message in messages:
                await act(orjson.loads(message.data))
                await message.ack()


async def intake(process: Process) -> None:
    app = FastAPI()

    @app.post("/v1/calls", status_code=201)
    async def take(request: Request) -> Response:
        body = orjson.loads(await request.body())
        call = str(uuid4())
        await process.write({"id": str(uuid4()), "call": call, "said": body}, "bare.intake", heard=False)
        return Response(orjson.dumps({"id": call}), 201, media_type="application/json")

    config = uvicorn.Config(app, port=int(os.environ["BARE_PORT"]), log_config=None, access_log=False)
    await uvicorn.Server(config).serve()


async def dispatch(process: Process) -> None:
    async def act(event: dict[str, Any]) -> None:
        await process.write(event, "bare.dispatch", heard=True)

    await process.hear("BARE_INTAKE", act)


async def notify(process: Process) -> None:
    headers = {"Authorization": f"Bearer {os.environ['BARE_TOKEN']}"}
    address = os.environ["BARE_PROVIDER"] + "/v2/bot/message/push"
    sending: set[asyncio.Task[None]] = set()

    async with aiohttp.ClientSession(headers=headers) as client:

        async def tell(event: dict[str, Any]) -> None:
            body = {"to": "U" + "0" * 32, "messages": [{"type": "text", "text": event["call"]}]}
            async with client.post(address, json=body, headers={"X-Line-Retry-Key": str(uuid4())}) as answer:
                await answer.read()

        async def act(event: dict[str, Any]) -> None:
            if await process.write(event, None, heard=True):
                task = asyncio.create_task(tell(event))
                sending.add(task)
                task.add_done_callback(sending.discard)

        await process.hear("BARE_DISPATCH", act)


@asynccontextmanager
async def connected() -> AsyncIterator[Process]:
    client = await nats.connect(
        os.environ["BARE_NATS"], user_credentials=os.environ["BARE_CREDS"], inbox_prefix=b"_INBOX.bench"
    )
    async with asyncpg.create_pool(os.environ["BARE_DATABASE"], min_size=2, max_size=10) as pool:
        yield Process(pool, client.jetstream())
    await client.close()


async def main(role: str) -> None:
    verbs = {"intake": intake, "dispatch": dispatch, "notify": notify}
    async with connected() as process:
        jobs = [asyncio.create_task(process.relay()), asyncio.create_task(verbs[role](process))]
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        print(json.dumps({"ready": role}), flush=True)
        told_to_end = asyncio.create_task(reader.read())
        await asyncio.wait([told_to_end, *jobs], return_when=asyncio.FIRST_COMPLETED)
        broken = [job.exception() for job in jobs if job.done() and not job.cancelled()]
        for job in (told_to_end, *jobs):
            job.cancel()
        await asyncio.gather(told_to_end, *jobs, return_exceptions=True)
        if broken:  # a chain that stands still would be measured as a slow one
            raise RuntimeError(f"{role} ended") from broken[0]


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(sys.argv[1]))
