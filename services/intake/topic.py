"""``karuna.<area>.inbox.calls``: calls from other systems, asked for over NATS as a micro service of one queue group.

The body is that of ``POST /v1/calls``, the header ``Idempotency-Key`` is required, the municipality is the subject's.
Who asks is the account the request came from: the server writes it, and what an asker writes there is overwritten.
The answer is what HTTP would answer: the call with its number, or a problem document; the header ``Karuna-Status``
says which. A reply subject is only used where it is somebody's inbox: NATS permissions do not look at replies, so a
forged one could else make us write into a stream.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from nats.micro import add_service
from nats.micro.request import Request
from nats.micro.service import EndpointConfig, ServiceConfig
from prometheus_client import Counter
from pydantic import ValidationError

from services.intake.bodies import CallBody
from services.intake.desk import Desk, Taker, desk_of
from services.intake.verbs.take import take
from shared.database import AWAY, COLLISION, BadValue
from shared.errors import PROBLEM, Refused, field_problems, problem_body, refuse
from shared.events.words import Channel
from shared.http import KEY_PATTERN, once_by_key
from shared.service import Runtime
from shared.telemetry import begin
from shared.work import Cause

log = structlog.get_logger()

SUBJECT = "karuna.*.inbox.calls"
REPLIES = ("_INBOX.", "_R_.")
ROUTE = "topic inbox.calls"
REQUEST_INFO = "Nats-Request-Info"
"""Written by the server where a request crosses from another account (exports of services), read by nobody else."""
ACCOUNT = re.compile(r"A[A-Z2-7]{55}")
ACCOUNTS = "account:"
OUTSIDERS_CHANNELS = {None, Channel.TOPIC, Channel.PARTNER, Channel.CENTRE_1669, Channel.WEB}
"""An outsider is not the desk: what is said to a caller by telephone is said by whoever sees the answer."""
ASKED = Counter("karuna_topic_calls_total", "Calls asked for on the topic", ["status"])

NO_KEY = (422, "key_missing", "ต้องมี Idempotency-Key ในส่วนหัว", "the header Idempotency-Key is required")
NOT_AN_OUTSIDERS = (
    422, "not_your_channel", "ผู้ขอจากภายนอกใช้ได้เฉพาะช่องทาง topic, partner, web หรือ centre_1669",
    "outsiders use the channels topic, partner, web and centre_1669",
)  # fmt: skip
NO_SUCH_AREA = (404, "no_such_area", "ไม่มีพื้นที่นี้", "there is no such municipality here")


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: dict[str, Any]

    @property
    def headers(self) -> dict[str, str]:
        kind = "application/json" if self.status < 400 else PROBLEM  # noqa: PLR2004 the first status of refusals
        return {"Karuna-Status": str(self.status), "content-type": kind}


async def listen(runtime: Runtime) -> None:
    """A job beside the service: answer for as long as this client of NATS lives, then again with the next one."""
    while True:
        if not runtime.bus.connected:
            await asyncio.sleep(0.1)
            continue
        client = runtime.bus.client
        service = await add_service(client, ServiceConfig(name="intake", version="1.0.0", description="takes calls"))
        endpoint = EndpointConfig(name="calls", subject=SUBJECT, queue_group="intake", handler=_handler(runtime))
        await service.add_endpoint(endpoint)
        try:
            while runtime.bus.client is client and not client.is_closed and not runtime.stopping:
                await asyncio.sleep(0.2)
        finally:
            if client.is_connected:
                await service.stop()
        if runtime.stopping:
            return


def _handler(runtime: Runtime) -> Any:
    async def handle(request: Request) -> None:
        try:
            reply = await answer(runtime, request.subject, request.data, request.headers or {})
        except Exception as problem:  # noqa: BLE001 no message may end the service
            log.error("topic.broken", reason=type(problem).__name__)
            reply = Reply(500, problem_body(refuse("broken")))
        ASKED.labels(reply.status).inc()
        # nats-py keeps the reply subject to itself; the message under the request is the only way to it.
        if request._msg.reply.startswith(REPLIES):  # noqa: SLF001
            await request.respond(orjson.dumps(reply.body), headers=reply.headers)
        else:
            log.warning("topic.no_inbox", status=reply.status)

    return handle


async def answer(runtime: Runtime, subject: str, data: bytes, headers: dict[str, str]) -> Reply:
    """What a message on the topic gets. Never raises for what somebody sent."""
    desk = desk_of(runtime)
    try:
        taker, key, body = read(desk, subject, data, headers)
        return await _take(runtime, desk, taker, key, body, headers)
    except Refused as refused:
        return Reply(refused.status, problem_body(refused))
    except ValidationError as problem:
        return Reply(422, problem_body(refuse("invalid", errors=field_problems(problem.errors()))))
    except BadValue:
        return Reply(422, problem_body(refuse("invalid")))
    except COLLISION:
        return Reply(503, problem_body(refuse("collision")))
    except AWAY:
        return Reply(503, problem_body(refuse("database_away")))


def read(desk: Desk, subject: str, data: bytes, headers: dict[str, str]) -> tuple[Taker, str, CallBody]:
    """Who asks for what, under which key.

    Raises:
        Refused: too large, not JSON, no key, no such municipality, or a channel that is not an outsider's.
        ValidationError: fields that are wrong.

    """
    area = subject.split(".")[1]
    if desk.pack(area) is None:
        raise Refused(*NO_SUCH_AREA)
    if len(data) > desk.settings.topic_max_bytes:
        raise refuse("too_large", field="body", limit_bytes=desk.settings.topic_max_bytes)
    key = headers.get("Idempotency-Key", "")
    if not re.fullmatch(KEY_PATTERN, key):
        raise Refused(*NO_KEY, field="Idempotency-Key")
    try:
        content = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise refuse("not_json", field="body") from None
    body = CallBody.model_validate(content)
    taker = Taker(asker(area, headers), (area,), Channel.TOPIC, outside=True)
    if taker.actor.startswith(ACCOUNTS) and body.channel not in OUTSIDERS_CHANNELS:
        raise Refused(*NOT_AN_OUTSIDERS, field="channel")
    return taker, key, body


def asker(area: str, headers: dict[str, str]) -> str:
    """``account:<its public key>``; ``topic:<area>`` for what comes from our own account, where only notify may ask."""
    try:
        account = orjson.loads(headers[REQUEST_INFO])["acc"]
    except (KeyError, TypeError, orjson.JSONDecodeError):
        return f"topic:{area}"
    return f"{ACCOUNTS}{account}" if ACCOUNT.fullmatch(str(account)) else f"topic:{area}"


async def _take(runtime: Runtime, desk: Desk, taker: Taker, key: str, body: CallBody, headers: dict[str, str]) -> Reply:
    traceparent = begin(headers.get("traceparent"))
    async with runtime.work(Cause(taker.actor, None, traceparent)) as work:

        async def verb() -> tuple[int, dict[str, Any]]:
            taken = await take(work, desk, taker, body)
            return 201, taken.model_dump(mode="json")

        said = orjson.dumps(body.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)
        print_ = hashlib.sha256(said).digest()
        status, answered, _ = await once_by_key(work, (taker.actor, ROUTE, key), print_, verb)
        return Reply(status, answered)
