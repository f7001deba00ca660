"""An SMS provider over HTTP, with receipts called back: what most of them look like, give or take the names.

``POST /sms/messages`` ``{"to", "from", "text", "reference"?, "receipt_url"?}`` with a bearer token -> 202
``{"messages": [{"id", "part"}]}``. A receipt is ``POST receipt_url`` ``{"id", "status", "error"}`` with the receipt
token as bearer.
``GET /`` shows the inbox, ``GET /inbox.json`` gives it to programs; ``POST /_control/faults``, ``/_control/habits``
and ``/_control/clear`` are for tests; those under ``/_control/smsc/`` speak to the SMPP centre beside it.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import re
import socket
import ssl
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from karuna.simulate.faults import Faults, fault_from
from karuna.simulate.handset import Handsets, Sms, is_gsm7
from karuna.simulate.inbox import Inbox
from karuna.simulate.inbox_page import inbox_json, page
from karuna.simulate.serving import cut, listening, serving
from karuna.simulate.smsc import Smsc

LONGEST_TEXT_UNITS = 201
MOBILE = re.compile(r"\+[1-9][0-9]{6,14}")
RECEIPT_WITHIN_S = 5.0
FAULTS = {
    "throttled",  # 429 with Retry-After
    "unavailable",  # 503, not taken
    "server_error",  # 500, not taken
    "credit_spent",  # 402
    "accept_then_500",  # taken, but 500 is answered
    "lose_request",  # the link breaks before anything is taken
    "lose_response",  # taken, then the link breaks
    "slow",  # taken after delay_s
    "strange",  # 200 from something else
}
REFUSALS = {"throttled": 429, "unavailable": 503, "server_error": 500, "credit_spent": 402}


@dataclass(slots=True)
class GatewayHabits:
    """How receipts come: after ``delay_s``, so often, and again until answered with 2xx (``tries`` at most)."""

    receipts: Literal["late", "none"] = "late"
    delay_s: float = 0.02
    times: int = 1
    tries: int = 5
    undeliverable: Sequence[str] = ()
    """Numbers, as given, at which nothing arrives."""


class SmsGateway:
    """The provider's side; :func:`sms_gateway` serves it."""

    def __init__(self, token: str, receipt_token: str, client: httpx.AsyncClient, inbox: Inbox) -> None:
        self.inbox, self.faults, self.habits = inbox, Faults(FAULTS), GatewayHabits()
        self._token, self._receipt_token, self._client = token, receipt_token, client
        self._handsets = Handsets(inbox)
        self._tasks: set[asyncio.Task[None]] = set()
        self._next_id = int(time.time() * 8)  # never an id of before the last start

    async def take(self, request: Request) -> Response:
        raw = await request.body()
        if request.headers.get("authorization") != f"Bearer {self._token}":
            return JSONResponse({"error": "unauthorised"}, 401)
        body = _object(raw)
        if problem := _problem(body):
            return JSONResponse({"error": problem}, 422)
        fault = self.faults.take(body["to"])
        if fault and (refusal := await self._not_taken(request, fault.kind)):
            return refusal
        if fault and fault.kind == "slow":
            await asyncio.sleep(fault.delay_s)
        message_id = self._accept(body)
        if fault and fault.kind == "lose_response":
            return await cut(request)
        if fault and fault.kind == "accept_then_500":
            return JSONResponse({"error": "internal"}, 500)
        return JSONResponse({"messages": [{"id": message_id, "part": 1}]}, 202)

    async def _not_taken(self, request: Request, kind: str) -> Response | None:
        if kind in REFUSALS:
            return JSONResponse({"error": kind}, REFUSALS[kind], {"retry-after": "7"} if kind == "throttled" else None)
        if kind == "strange":
            return HTMLResponse("<html><body>Please sign in to the Wi-Fi</body></html>")
        return await cut(request) if kind == "lose_request" else None

    async def close(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _accept(self, body: dict[str, Any]) -> str:
        self._next_id += 1
        message_id = f"g-{self._next_id}"
        entry = self._handsets.take("http", body["from"], body["to"], Sms(0, 1, 1, body["text"]))
        entry.details |= {"ids": [message_id], "reference": body.get("reference")}
        delivered = body["to"] not in self.habits.undeliverable
        entry.state = "received" if delivered else "undelivered"
        if self.habits.receipts == "late" and body.get("receipt_url"):
            task = asyncio.create_task(self._bring(str(body["receipt_url"]), message_id, delivered))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return message_id

    async def _bring(self, url: str, message_id: str, delivered: bool) -> None:
        await asyncio.sleep(self.habits.delay_s)
        status, error = ("DELIVRD", None) if delivered else ("UNDELIV", "34")
        said = {"id": message_id, "status": status, "error": error}
        headers = {"authorization": f"Bearer {self._receipt_token}"}
        for _ in range(self.habits.times):
            for _ in range(self.habits.tries):
                try:
                    answer = await self._client.post(url, json=said, headers=headers, timeout=RECEIPT_WITHIN_S)
                except httpx.HTTPError:
                    answer = None
                if answer is not None and answer.is_success:
                    break
                await asyncio.sleep(self.habits.delay_s)


@dataclass(frozen=True, slots=True)
class RunningGateway:
    url: str
    gateway: SmsGateway


@asynccontextmanager
async def sms_gateway(
    token: str,
    receipt_token: str,
    sock: socket.socket | None = None,
    *,
    inbox: Inbox | None = None,
    shown: Sequence[Inbox] = (),
    smsc: Smsc | None = None,
    line_url: str = "",
) -> AsyncIterator[RunningGateway]:
    """Serve on ``sock`` (else a free port). ``shown``: further inboxes on the same page, with LINE at ``line_url``."""
    # Receipts go to loopback in plain HTTP; loading a store of certificates for them costs 30 ms.
    async with httpx.AsyncClient(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), trust_env=False) as client:
        gateway = SmsGateway(token, receipt_token, client, inbox or Inbox())
        try:
            async with serving(_app(gateway, smsc, [gateway.inbox, *shown], line_url), sock or listening()) as url:
                yield RunningGateway(url, gateway)
        finally:
            await gateway.close()


def _app(gateway: SmsGateway, smsc: Smsc | None, shown: Sequence[Inbox], line_url: str) -> Starlette:
    async def front(_: Request) -> Response:
        return page(shown, line_url)

    async def inbox(request: Request) -> Response:
        return await inbox_json(gateway.inbox, request)

    def controls(prefix: str, of: SmsGateway | Smsc) -> list[Route]:
        async def faults(request: Request) -> Response:
            try:
                of.faults.add(fault_from(_object(await request.body())))
            except ValueError as problem:
                return JSONResponse({"message": str(problem)}, 400)
            return JSONResponse({"waiting": len(of.faults)})

        async def habits(request: Request) -> Response:
            try:
                of.habits = dataclasses.replace(of.habits, **_object(await request.body()))
            except TypeError as problem:
                return JSONResponse({"message": str(problem)}, 400)
            return JSONResponse(dataclasses.asdict(of.habits))

        async def clear(_: Request) -> Response:
            of.faults.clear()
            of.inbox.clear()
            return JSONResponse({})

        return [
            Route(f"{prefix}/faults", faults, methods=["POST"]),
            Route(f"{prefix}/habits", habits, methods=["POST"]),
            Route(f"{prefix}/clear", clear, methods=["POST"]),
        ]

    routes = [
        Route("/sms/messages", gateway.take, methods=["POST"]),
        Route("/", front),
        Route("/inbox.json", inbox),
        *controls("/_control", gateway),
    ]
    return Starlette(routes=routes + (controls("/_control/smsc", smsc) if smsc else []))


def _object(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _problem(body: dict[str, Any]) -> str | None:
    if not all(isinstance(body.get(name), str) and body[name] for name in ("to", "from", "text")):
        return "to, from and text are required"
    if not MOBILE.fullmatch(body["to"]):
        return "to is not a number in E.164"
    units = len(body["text"].encode("utf-16-le", "surrogatepass")) // 2
    if not is_gsm7(body["text"]) and units > LONGEST_TEXT_UNITS:
        return "text is longer than three parts"
    return None
