"""One process of the toy pair, or a reader without any of our code, led by JSON lines on stdin.

``python -m bench.toy speaker|hearer|reader``: answers one JSON line per command; ends with the end of stdin.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import nats
import orjson
import structlog

from bench import toy
from shared.events.envelope import decode, event_of
from shared.service import Runtime, build, running, uvloop_runner
from shared.settings import Settings
from shared.work import Cause

ME = Cause("system:bench")
FETCH = 100
Command = dict[str, Any]
Verb = Callable[[Command], Awaitable[Command]]


class Speaker:
    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.verbs: dict[str, Verb] = {"steady": self._steady, "saturate": self._saturate}

    async def _one(self, value: int) -> tuple[int, int]:
        begun = time.monotonic_ns()
        async with self._runtime.work(ME) as work:
            await toy.change_and_say(work, value)
        return value, begun

    async def _steady(self, command: Command) -> Command:
        """``count`` events at ``rate`` a second, each at its time, whatever the one before it does."""
        started, tasks = time.monotonic(), []
        for number in range(command["count"]):
            await asyncio.sleep(max(0.0, started + number / command["rate"] - time.monotonic()))
            tasks.append(asyncio.create_task(self._one(command["first"] + number)))
        return {"begun": await asyncio.gather(*tasks)}

    async def _saturate(self, command: Command) -> Command:
        """``writers`` that speak one event after the other for ``seconds``."""
        until, said = time.monotonic() + command["seconds"], []
        numbers = iter(range(command["first"], 1 << 31))

        async def writer() -> None:
            while time.monotonic() < until:
                said.append(await self._one(next(numbers)))

        await asyncio.gather(*(writer() for _ in range(command["writers"])))
        return {"begun": said}


class Hearer:
    def __init__(self) -> None:
        self.verbs: dict[str, Verb] = {"begin": self._begin, "until": self._until}
        self._cpu_s = 0.0

    async def _begin(self, _: Command) -> Command:
        toy.took_effect.clear()
        self._cpu_s = time.process_time()
        return {}

    async def _until(self, command: Command) -> Command:
        """Wait until so many events have taken effect."""
        async with asyncio.timeout(command.get("within_s", 60)):
            while len(toy.took_effect) < command["count"]:
                await asyncio.sleep(0.005)
        return {"effects": toy.took_effect, "cpu_s": time.process_time() - self._cpu_s}


class Reader:
    """nats-py alone: fetch, decode, acknowledge. With ``ours`` the decoding and checking of our envelope as well."""

    def __init__(self) -> None:
        self.verbs: dict[str, Verb] = {"read": self._read}

    async def _read(self, command: Command) -> Command:
        user, stream = os.environ["BENCH_USER"], "INTAKE"
        client = await nats.connect(
            os.environ["KARUNA_NATS_URL"],
            user_credentials=os.environ["KARUNA_NATS_CREDENTIALS"],
            inbox_prefix=f"_INBOX.{user}".encode(),
        )
        subscription = await client.jetstream().pull_subscribe_bind(user, stream=stream)
        cpu_s, left = time.process_time(), command["count"]
        while left > 0:
            messages = await subscription.fetch(min(FETCH, left), timeout=5)
            for message in messages:
                if command["ours"]:
                    event_of(decode(message.data, message.subject))
                else:
                    orjson.loads(message.data)
                await message.ack()
            left -= len(messages)
        await client.flush()
        cpu_s = time.process_time() - cpu_s
        await client.close()
        return {"cpu_s": cpu_s}


async def obey(verbs: dict[str, Verb], out: Any) -> None:
    """Do what stdin says until it ends."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    print("{}", file=out, flush=True)
    while line := await reader.readline():
        command = json.loads(line)
        print(json.dumps(await verbs[command["do"]](command)), file=out, flush=True)


async def main(role: str, out: Any) -> None:
    if role == "reader":
        await obey(Reader().verbs, out)
        return
    runtime = await build({"speaker": toy.SPEAKER, "hearer": toy.HEARER}[role], Settings())
    async with running(runtime):
        while not runtime.bus.connected:
            await asyncio.sleep(0.01)
        await obey(Speaker(runtime).verbs if role == "speaker" else Hearer().verbs, out)


if __name__ == "__main__":
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever else is printed is no answer
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
    with uvloop_runner() as runner:
        runner.run(main(sys.argv[1], answers))
