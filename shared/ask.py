"""Questions over NATS: ``karuna.<area>.ask.<service>.<question>``, answered by the same decision and audit as HTTP.

A question is a route under another address: the message carries the asker's token (header ``Authorization``, and
``Karuna-Purpose`` where the route wants one), its body is the route's body, for a GET its query as an object. It is
put to the service's own HTTP face inside the process, so nothing is decided twice. The answer's header
``Karuna-Status`` holds the HTTP status.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson
import structlog
from nats.micro import add_service
from nats.micro.request import Request
from nats.micro.service import EndpointConfig, ServiceConfig

from shared.errors import Refused, problem_body, refuse
from shared.service import Runtime

log = structlog.get_logger()

REPLIES = ("_INBOX.", "_R_.")
"""Only somebody's inbox is answered: NATS permissions do not look at reply subjects."""
AT_ONCE = 20
PASSED_ON = ("authorization", "karuna-purpose", "karuna-ticket", "accept-language", "traceparent")


@dataclass(frozen=True, slots=True)
class Question:
    """``name`` is the last token of the subject."""

    name: str
    method: Literal["GET", "POST"]
    path: str


def asking(questions: Sequence[Question]) -> Callable[[Runtime], Awaitable[None]]:
    """A job beside the service that answers these questions."""

    async def answer_questions(runtime: Runtime) -> None:
        gate = asyncio.Semaphore(AT_ONCE)
        while not runtime.stopping:
            await _serve(runtime, gate, questions)

    return answer_questions


async def _serve(runtime: Runtime, gate: asyncio.Semaphore, questions: Sequence[Question]) -> None:
    """Answer for as long as this client of NATS lives."""
    client = runtime.bus.client
    if not client.is_connected:
        await asyncio.sleep(0.1)
        return
    name = runtime.service.name
    service = await add_service(client, ServiceConfig(name=name, version="1.0.0"))
    for question in questions:
        subject = f"karuna.*.ask.{name}.{question.name}"

        async def handle(request: Request, question: Question = question) -> None:
            async with gate:
                status, body = await answer(runtime, question, request.subject, request.data, request.headers or {})
            # nats-py keeps the reply subject to itself; the message under the request is the only way to it.
            if request._msg.reply.startswith(REPLIES):  # noqa: SLF001
                await request.respond(body, headers={"Karuna-Status": str(status)})

        await service.add_endpoint(
            EndpointConfig(name=question.name, subject=subject, queue_group=name, handler=handle)
        )
    try:
        while runtime.bus.client is client and not client.is_closed and not runtime.stopping:
            await asyncio.sleep(0.2)
    finally:
        if client.is_connected:
            await service.stop()


async def answer(
    runtime: Runtime, question: Question, subject: str, data: bytes, headers: dict[str, str]
) -> tuple[int, bytes]:
    """Status and body, as HTTP would have given them. Never raises for what somebody sent."""
    lower = {name.lower(): value for name, value in headers.items()}
    try:
        _may_ask_here(runtime, subject.split(".")[1], lower)
        asked = _read(data)
    except Refused as refused:
        return refused.status, orjson.dumps(problem_body(refused))
    passed = {name: lower[name] for name in PASSED_ON if name in lower}
    told: dict[str, Any] = {"json": asked} if question.method == "POST" else {"params": asked}
    import httpx  # noqa: PLC0415 some megabytes, and most processes are never asked

    transport = httpx.ASGITransport(runtime.app, raise_app_exceptions=False)
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://ask") as web:
            reply = await web.request(question.method, question.path, headers=passed, **told)
    except (httpx.HTTPError, ValueError, TypeError) as problem:
        log.warning("ask.failed", question=question.name, reason=type(problem).__name__)
        return 500, orjson.dumps(problem_body(refuse("broken")))
    return reply.status_code, reply.content


def _may_ask_here(runtime: Runtime, area: str, headers: dict[str, str]) -> None:
    """The subject's municipality must be one of the token's; another one does not exist for the asker."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise refuse("unauthenticated")
    if not runtime.issuers.check(token, headers.get("karuna-purpose")).may_see(area):
        raise refuse("not_found")


def _read(data: bytes) -> dict[str, Any]:
    try:
        asked = orjson.loads(data or b"{}")
    except orjson.JSONDecodeError:
        raise refuse("not_json", field="body") from None
    if not isinstance(asked, dict):
        raise refuse("invalid", field="body")
    return asked
