"""The simulated LINE over HTTP: its API, an inbox for people to look at, and controls for tests.

``GET /`` shows the inbox, ``GET /inbox.json?after=&wait_s=`` gives it to programs. Controls take JSON:
``POST /_control/faults`` ``{"fault", "times"?, "share"?, "to"?, "delay_s"?}``, ``POST /_control/clear``,
``POST /_control/channel`` ``{"token"?, "quota"?, "used"?, "webhook_url"?, "redelivery"?}``,
``POST /_control/users/{user_id}`` ``{"blocked"?, "unknown"?}`` and
``POST /_control/users/{user_id}/{act}`` with what the act needs (:data:`karuna.simulate.line_people.ACTS`).
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from karuna.simulate.faults import fault_from
from karuna.simulate.inbox import Inbox
from karuna.simulate.inbox_page import inbox_json, page
from karuna.simulate.line_people import ACTS, People
from karuna.simulate.line_world import Answer, Channel, LineWorld
from karuna.simulate.serving import cut, listening, serving

SETTABLE = {"quota", "used", "webhook_url", "redelivery"}


@dataclass(frozen=True, slots=True)
class RunningLine:
    url: str
    world: LineWorld
    people: People


@asynccontextmanager
async def line_server(
    world: LineWorld, sock: socket.socket | None = None, shown: Sequence[Inbox] = ()
) -> AsyncIterator[RunningLine]:
    """Serve ``world`` on ``sock`` (else a free port). ``shown``: further inboxes on the same page."""
    # Webhooks go to loopback in plain HTTP; loading a store of certificates for them costs 30 ms.
    async with httpx.AsyncClient(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), trust_env=False) as client:
        people = People(world, client)
        app = line_app(world, people, [world.inbox, *shown])
        async with serving(app, sock or listening()) as url:
            yield RunningLine(url, world, people)


def line_app(world: LineWorld, people: People, shown: Sequence[Inbox]) -> Starlette:
    api, controls = _Api(world), _Controls(world, people)

    async def front(_: Request) -> Response:
        return page(shown)

    async def inbox(request: Request) -> Response:
        return await inbox_json(world.inbox, request, shown)

    return Starlette(
        routes=[
            Route("/v2/bot/message/push", api.push, methods=["POST"]),
            Route("/v2/bot/message/reply", api.reply, methods=["POST"]),
            Route("/v2/bot/message/quota", api.quota),
            Route("/v2/bot/message/quota/consumption", api.consumption),
            Route("/v2/bot/info", api.info),
            Route("/", front),
            Route("/inbox.json", inbox),
            Route("/_control/faults", controls.faults, methods=["POST"]),
            Route("/_control/clear", controls.clear, methods=["POST"]),
            Route("/_control/channel", controls.channel, methods=["POST"]),
            Route("/_control/users/{user_id}", controls.user, methods=["POST"]),
            Route("/_control/users/{user_id}/{act}", controls.act, methods=["POST"]),
        ]
    )


class _Api:
    def __init__(self, world: LineWorld) -> None:
        self._world = world

    async def push(self, request: Request) -> Response:
        return await self._write(request, self._world.push)

    async def reply(self, request: Request) -> Response:
        return await self._write(request, self._world.reply)

    async def quota(self, request: Request) -> Response:
        return await self._read(request, self._world.quota)

    async def consumption(self, request: Request) -> Response:
        return await self._read(request, self._world.consumption)

    async def info(self, request: Request) -> Response:
        return await self._read(
            request, lambda channel: Answer(200, {"userId": channel.bot_id, "basicId": "@karuna", "chatMode": "bot"})
        )

    async def _write(self, request: Request, what: Any) -> Response:
        raw = await request.body()
        channel = self._world.authorise(request.headers.get("authorization", ""))
        if isinstance(channel, Answer):
            return await _say(request, channel)
        return await _say(request, what(channel, request.headers.get("x-line-retry-key"), raw, time.time()))

    async def _read(self, request: Request, what: Any) -> Response:
        channel = self._world.authorise(request.headers.get("authorization", ""))
        return await _say(request, channel if isinstance(channel, Answer) else what(channel))


async def _say(request: Request, answer: Answer) -> Response:
    if answer.delay_s:
        await asyncio.sleep(answer.delay_s)
    if answer.cut:
        return await cut(request)
    if answer.html is not None:
        return HTMLResponse(answer.html)
    headers = {"x-line-request-id": str(uuid.uuid4()), **answer.headers}
    return JSONResponse(answer.body, answer.status, headers)


class _Controls:
    def __init__(self, world: LineWorld, people: People) -> None:
        self._world, self._people = world, people

    async def faults(self, request: Request) -> Response:
        try:
            self._world.faults.add(fault_from(await _body(request)))
        except ValueError as problem:
            return _refuse(problem)
        return JSONResponse({"waiting": len(self._world.faults)})

    async def clear(self, _: Request) -> Response:
        """Forget faults and inbox; accepted retry keys and quota stay, as they would at LINE."""
        self._world.faults.clear()
        self._world.inbox.clear()
        return JSONResponse({})

    async def channel(self, request: Request) -> Response:
        body = await _body(request)
        channels = self._world.channels
        channel: Channel | None = channels.get(body.pop("token", next(iter(channels))))
        if channel is None or set(body) - SETTABLE:
            return _refuse(ValueError(f"known fields: {', '.join(sorted(SETTABLE))}; the token must exist"))
        for name, value in body.items():
            setattr(channel, name, value)
        return JSONResponse({"quota": channel.quota, "used": channel.used})

    async def user(self, request: Request) -> Response:
        body = await _body(request)
        if set(body) - {"blocked", "unknown"}:
            return _refuse(ValueError("known fields: blocked, unknown"))
        user = self._world.user(request.path_params["user_id"])
        user.blocked = bool(body.get("blocked", user.blocked))
        user.unknown = bool(body.get("unknown", user.unknown))
        return JSONResponse({"blocked": user.blocked, "unknown": user.unknown})

    async def act(self, request: Request) -> Response:
        act, user_id = request.path_params["act"], request.path_params["user_id"]
        if act not in ACTS:
            return _refuse(ValueError(f"a person can: {', '.join(ACTS)}"))
        by_page = not request.headers.get("content-type", "").startswith("application/json")
        body = dict(parse_qsl((await request.body()).decode())) if by_page else await _body(request)
        try:
            done = await self._people.act(user_id, act, body, time.time())
        except ValueError as problem:
            return _refuse(problem)
        return RedirectResponse("/", 303) if by_page else JSONResponse(done)


async def _body(request: Request) -> dict[str, Any]:
    raw = await request.body()
    body = await request.json() if raw else {}
    return body if isinstance(body, dict) else {}


def _refuse(problem: ValueError) -> Response:
    return JSONResponse({"message": str(problem)}, 400)
