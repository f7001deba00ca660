"""What is not well at the broker while this process works on: it is said, and the process stays ready.

``/readyz`` answers 503 for what makes *this process* unfit. A full stream or a deleted durable is the same for every
process of the service, so taking them all out of service would help nobody and would stop the calls, which are taken
all the same: what they say waits in the outbox, what others say waits in their streams. So these are warnings beside
``ready``, in Thai and in English, and a figure (``karuna_warning``) for whoever is to be woken.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import nats.errors
import orjson

from shared.streams import Durable, durables_of, stream_name
from shared.thai.text import Text

if TYPE_CHECKING:
    from shared.service import Runtime

EVERY_S: Final = 5.0
WITHIN_S: Final = 2.0
LARGEST_MESSAGE: Final = 1 << 20
FULL: Final = 10077
"""The server's code for ``maximum bytes exceeded``."""
GONE: Final = frozenset({10014, 10059})
"""Its codes for a consumer, and a stream, that is not there."""

WORDS: Final = {
    "stream_full": Text(
        th="สตรีม {of} เต็ม เหตุการณ์รออยู่ในฐานข้อมูล ยังรับเรื่องได้: ตั้ง KARUNA_STREAM_MAX_BYTES ให้มากขึ้น "
        "แล้วสั่ง karuna streams provision",
        en="stream {of} is full, events wait in the database and calls are still taken: raise KARUNA_STREAM_MAX_BYTES, "
        "then karuna streams provision",
    ),
    "stream_refuses": Text(
        th="สตรีม {of} ไม่รับเหตุการณ์ เหตุการณ์รออยู่ในฐานข้อมูล ยังรับเรื่องได้: สั่ง karuna doctor",
        en="stream {of} refuses events, they wait in the database and calls are still taken: karuna doctor",
    ),
    "stream_missing": Text(
        th="ไม่มีสตรีม {of} เหตุการณ์รออยู่ในฐานข้อมูล ยังรับเรื่องได้: สั่ง karuna streams rebuild {of}",
        en="stream {of} is missing, events wait in the database and calls are still taken: karuna streams rebuild {of}",
    ),
    "durable_missing": Text(
        th="ไม่มี durable {of} จึงไม่ได้ยินเหตุการณ์: สั่ง karuna streams provision",
        en="durable {of} is missing, nothing is heard from there: karuna streams provision",
    ),
    "durable_paused": Text(
        th="durable {of} ถูกพักไว้ จึงไม่ได้ยินเหตุการณ์: สั่ง karuna streams provision",
        en="durable {of} is paused, nothing is heard from there: karuna streams provision",
    ),
}


@dataclass(frozen=True, slots=True)
class Warned:
    """One thing that is not well: what, and of which stream or durable."""

    code: str
    of: str

    def body(self) -> dict[str, str]:
        said = WORDS[self.code]
        return {"code": self.code, "of": self.of, "th": said.th.format(of=self.of), "en": said.en.format(of=self.of)}


def warnings(runtime: Runtime) -> list[Warned]:
    """What was last seen of the broker, and what our own relay is told now."""
    seen = set(runtime.seen) if runtime.bus.connected else set()
    if runtime.relay is not None and (code := runtime.relay.refused) is not None:
        seen.add(Warned("stream_full" if code == FULL else "stream_refuses", runtime.relay.stream))
    return sorted(seen, key=lambda each: (each.code, each.of))


async def watch(runtime: Runtime) -> None:
    """A job in every process: any of them may be the one that is asked."""
    while True:
        if runtime.bus.connected:
            with suppress(nats.errors.Error, TimeoutError, ValueError):
                runtime.seen = await look(runtime)
        await asyncio.sleep(EVERY_S)


async def look(runtime: Runtime) -> tuple[Warned, ...]:
    """Our own stream, and each durable by which we hear."""
    found = [await _durable(runtime, durable) for durable in durables_of(runtime.service.name)]
    if runtime.service.speaks:
        found.append(await _stream(runtime, stream_name(runtime.service.name)))
    return tuple(each for each in found if each is not None)


async def _stream(runtime: Runtime, name: str) -> Warned | None:
    info = await _ask(runtime, f"$JS.API.STREAM.INFO.{name}")
    if info is None:
        return Warned("stream_missing", name)
    limit, size = info["config"]["max_bytes"], info["state"]["bytes"]
    full = limit > 0 and limit - size < min(LARGEST_MESSAGE, limit // 100)
    return Warned("stream_full", name) if full else None


async def _durable(runtime: Runtime, durable: Durable) -> Warned | None:
    name = f"{durable.stream}/{durable.name}"
    info = await _ask(runtime, f"$JS.API.CONSUMER.INFO.{durable.stream}.{durable.name}")
    if info is None:
        return Warned("durable_missing", name)
    return Warned("durable_paused", name) if info.get("paused") else None


async def _ask(runtime: Runtime, subject: str) -> dict[str, Any] | None:
    """None: there is no such thing.

    Raises:
        ValueError: the server is not well enough to say.

    """
    reply = await runtime.bus.client.request(subject, b"", timeout=WITHIN_S)
    answer: dict[str, Any] = orjson.loads(reply.data)
    error = answer.get("error")
    if error is None:
        return answer
    if error.get("err_code") in GONE:
        return None
    raise ValueError(f"{error.get('err_code')}")
