"""รับเหตุการณ์ของกรุณา: ย้อนตั้งแต่ต้น แล้วฟังต่อสด ๆ แม้เซิร์ฟเวอร์จะดับแล้วเปิดใหม่

Hears Karuna's events: from the beginning, then as they happen, also across a restart of the server. Plain nats-py:

    karuna subscriber add demo --allow 'karuna.kalasin.dispatch.>'
    python examples/subscriber.py var/subscribers/demo.json            # goes on where it stopped
    python examples/subscriber.py var/subscribers/demo.json --again    # from the beginning

An event may come twice (the connection may break before the acknowledgement arrives): its ``id`` tells, and
``aggregateseq`` counts the events of each call, trip, … from 1 without holes.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import nats
from nats.aio.client import Client, RawCredentials
from nats.aio.msg import Msg
from nats.errors import Error
from nats.js import JetStreamContext

PAUSE_S = 1.0
KNOCKS = 3
"""So often refused at the door, and we are done. nats-py gives up by itself only while it is inside."""


async def main(mine: dict[str, Any], creds: str, again: bool) -> None:
    """``creds`` is the text of the file, read once: while nats-py cannot read a file it knocks for ever."""
    refused, leaving = 0, set[asyncio.Task[None]]()

    async def on_error(error: Exception) -> None:
        nonlocal refused
        print(f"! {error}", file=sys.stderr)  # a refusal ("permissions violation") is only told here
        refused += "authorization violation" in str(error).lower()
        if refused == KNOCKS:
            leaving.add(asyncio.create_task(client.close()))

    async def on_reconnected() -> None:
        nonlocal refused
        refused = 0

    client = await asyncio.wait_for(
        nats.connect(
            mine["server"],
            user_credentials=RawCredentials(creds),
            inbox_prefix=mine["inbox_prefix"].encode(),
            max_reconnect_attempts=-1,
            error_cb=on_error,
            reconnected_cb=on_reconnected,
        ),
        timeout=30,
    )
    for own in mine["streams"] if again else []:
        await client.request(f"$JS.API.CONSUMER.RESET.{own['stream']}.{own['durable']}", b'{"seq":1}')
    await asyncio.gather(*(hear(client, own["stream"], own["durable"]) for own in mine["streams"]))
    sys.exit("ปิดการเชื่อมต่อแล้ว / closed by the server")


async def hear(client: Client, stream: str, durable: str) -> None:
    """Take events in order from one durable, print them, and acknowledge what was printed.

    A server that is away comes back, and we ask again; when it closed the door (the credentials were revoked), we
    are done.
    """
    while not client.is_closed:
        try:
            subscription = await client.jetstream().pull_subscribe_bind(durable, stream=stream)
            while True:
                for message in await next_ones(subscription):
                    event = json.loads(message.data)
                    print(event["time"], event["type"], event["subject"], json.dumps(event["data"]), flush=True)
                    await message.ack()
        except (Error, OSError):
            await asyncio.sleep(PAUSE_S)


async def next_ones(subscription: JetStreamContext.PullSubscription) -> list[Msg]:
    try:
        return await subscription.fetch(100, timeout=5)
    except TimeoutError:
        return []  # nothing new


if __name__ == "__main__":
    if len(sys.argv) == 1 or "--help" in sys.argv:
        sys.exit(__doc__)
    file = Path(sys.argv[1])
    creds = file.with_suffix(".creds").read_text("utf-8")
    asyncio.run(main(json.loads(file.read_text("utf-8")), creds, "--again" in sys.argv))
