"""What every service's HTTP face shares: bodies, idempotency, limits, paging, traces and metrics."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, Self

import orjson
import structlog
from fastapi import Header, Request
from fastapi.responses import JSONResponse
from prometheus_client import Histogram
from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, ValidationError, field_validator, model_validator
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.auth import ANYONE, Caller, may
from shared.errors import MOST_PROBLEMS, Refused, TwoTongued, problem_json, refuse
from shared.refusal import UNSTORABLE
from shared.telemetry import begin, trace_id
from shared.work import Work

log = structlog.get_logger()

REQUESTS = Histogram(
    "karuna_http_seconds",
    "Requests by route and status",
    ["method", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.3, 1, 3, 15),
)
NO_ROUTE = "unknown"
"""A path nobody serves, or a file that is served as it lies."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""What figures are told apart by: any word could be sent as a method."""
UNTOLD = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked every few seconds by machines: nobody wants to read that."""
KEY_PATTERN = r"^[\x21-\x7e]{1,128}$"
IdempotencyKey = Annotated[str | None, Header(alias="Idempotency-Key", pattern=KEY_PATTERN)]
"""Honoured on every POST that creates. Any printable ASCII without spaces."""

TOO_MANY_PROBLEMS = (
    f"มีช่องที่ไม่ถูกต้องหรือไม่รู้จักมากกว่า {MOST_PROBLEMS} ช่อง",
    f"more than {MOST_PROBLEMS} fields are wrong or not known", "too_many",
)  # fmt: skip

CLAIM_KEY = """
insert into idempotency (caller, route, key, fingerprint, made_at) values ($1, $2, $3, $4, $5) on conflict do nothing
"""
READ_KEY = "select fingerprint, status, answer from idempotency where caller = $1 and route = $2 and key = $3"
STORE_ANSWER = "update idempotency set status = $4, answer = $5 where caller = $1 and route = $2 and key = $3"


class Body(BaseModel):
    """A request body: unknown fields, NUL and broken characters are refused, naming the field.

    Beyond ``MOST_PROBLEMS`` none is named: to write out a hundred thousand of a megabyte held up everybody else.
    """

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, allow_inf_nan=False)

    @model_validator(mode="wrap")
    @classmethod
    def _few_problems(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(value)
        except ValidationError as problem:
            if problem.error_count() <= MOST_PROBLEMS:
                raise
        raise TwoTongued(*TOO_MANY_PROBLEMS)

    @field_validator("*", mode="before")
    @classmethod
    def _readable(cls, value: Any) -> Any:
        if isinstance(value, str | list) and not all(map(_storable, _texts(value))):
            raise TwoTongued("มีอักขระที่เก็บไม่ได้", "holds characters that cannot be stored", "characters")
        return value


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, str):
                yield item


def _storable(text: str) -> bool:
    return UNSTORABLE.search(text) is None


async def once(
    work: Work,
    request: Request,
    caller: Caller,
    key: str | None,
    body: BaseModel | None,
    verb: Callable[[], Awaitable[tuple[int, dict[str, Any]]]],
) -> JSONResponse:
    """Do ``verb`` once per key: the same key with the same body gets the stored answer, another body is refused.

    The key is claimed in the same transaction as the effect, so two at once wait for each other.
    """
    if key is None:
        status, answer = await verb()
        return JSONResponse(answer, status)
    slot = (caller.subject, f"{request.method} {request.scope['route'].path}", key)
    status, answer, replayed = await once_by_key(work, slot, fingerprint(request, body), verb)
    return JSONResponse(answer, status, headers={"Idempotent-Replay": "true"} if replayed else None)


async def once_by_key(
    work: Work, slot: tuple[str, str, str], print_: bytes, verb: Callable[[], Awaitable[tuple[int, dict[str, Any]]]]
) -> tuple[int, dict[str, Any], bool]:
    """``once`` for any way in. ``slot`` is caller, route and key; returns status, answer, and whether it is a replay.

    Raises:
        Refused: 422, the key was used with another body.

    """
    if await work.db.execute(CLAIM_KEY, *slot, print_, work.now) == "INSERT 0 0":
        row = await work.db.fetchrow(READ_KEY, *slot)
        if row is None or row["fingerprint"] != print_:
            raise refuse("key_reused", field="Idempotency-Key")
        return row["status"], row["answer"], True
    status, answer = await verb()
    await work.db.execute(STORE_ANSWER, *slot, status, answer)
    return status, answer, False


def fingerprint(request: Request, body: BaseModel | None) -> bytes:
    """A hash of path and body: what was asked, without keeping it."""
    said = body.model_dump(mode="json") if body else {}
    return hashlib.sha256(request.url.path.encode() + orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).digest()


@dataclass(frozen=True, slots=True)
class Room:
    """How much one request may bring, and how long its answer may take; ``timeout_s`` None: as long as it likes.

    ``large``: so many bodies beyond what every path takes may be in work at once, of callers with a token alone (rooms

    that are alike count together); None: as many as come.
    """

    body_bytes: int
    timeout_s: float | None
    large: int | None = None


SIGNED_IN = may(*ANYONE, agencies=True)
MOST_PARTS = 20_000
"""Of so many values a body may consist, read in some 5 ms, while which everybody else waits; more have room on paths of
their own alone, of callers with a token. The largest forms of ours have some hundreds."""
BEGINS = {"json": (b",", b"{", b"["), "": (b",", b"{", b"["), "x-www-form-urlencoded": (b"&",)}
"""What begins a value, by the body's type; one that says none is read as JSON."""


def parts_in(body: bytes, content_type: str) -> int:
    """No fewer than the values of a JSON body or the fields of a form: counted, not read, those within texts too."""
    kind = content_type.partition(";")[0].strip().lower().replace("+", "/").rpartition("/")[2]
    return sum(map(body.count, BEGINS.get(kind, ())))


class Edge:
    """The outermost layer: body limit, time limit, trace id, log line and metrics of each request.

    The line names the route and never the path, and stands under the request's trace id; see :data:`UNTOLD`.

    ``rooms``: paths that need more than ``room``; one that ends in ``/`` stands for all directly below it, and ``*`` as
    its last part but one for any.
    """

    def __init__(self, app: ASGIApp, *, room: Room, rooms: Mapping[str, Room]) -> None:
        self._app = app
        self._room = room
        self._rooms = rooms
        self._large: Counter[Room] = Counter()

    def _room_of(self, path: str) -> Room:
        above, _, last = path.rpartition("/")
        any_one = f"{above.rpartition('/')[0]}/*/{last}"
        return next((self._rooms[each] for each in (path, f"{above}/", any_one) if each in self._rooms), self._room)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        traceparent = begin(request.headers.get("traceparent"))
        scope.setdefault("state", {})["traceparent"] = traceparent
        structlog.contextvars.bind_contextvars(trace_id=trace_id(traceparent))
        started, status = time.perf_counter(), 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), (b"traceparent", traceparent.encode())]
            await send(message)

        try:
            await self._guarded(request, receive, noted)
        finally:
            route = getattr(scope.get("route"), "path", NO_ROUTE)
            method = request.method if request.method in METHODS else "other"
            took_s = time.perf_counter() - started
            REQUESTS.labels(method, route, status).observe(took_s)
            if route not in UNTOLD and (route != NO_ROUTE or status >= HTTPStatus.BAD_REQUEST):
                log.info("http.request", method=method, route=route, status=status, ms=round(took_s * 1000, 1))
            structlog.contextvars.unbind_contextvars("trace_id")

    async def _guarded(self, request: Request, receive: Receive, send: Send) -> None:
        scope = request.scope
        try:
            room = self._room_of(request.url.path)
            async with asyncio.timeout(room.timeout_s), self._place(request, room) as take:
                body = await self._read(request, receive, room.body_bytes, take)
                if parts_in(body, request.headers.get("content-type", "")) > MOST_PARTS:
                    if room is self._room:
                        raise refuse("too_many_parts", field="body", limit_parts=MOST_PARTS)
                    await SIGNED_IN(request)
                await self._app(scope, _replay(body, receive), send)
        except TimeoutError:
            await problem_json(refuse("database_away", headers={"Retry-After": "2"}), request)(scope, receive, send)
        except Refused as problem:
            # As the service says whatever it refuses: the console with a page, the others with a document.
            said = await request.app.exception_handlers[Refused](request, problem)
            await said(scope, receive, send)

    @asynccontextmanager
    async def _place(self, request: Request, room: Room) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        """What takes one of the room's places for large bodies; it is given back when the answer is out.

        Raises:
            Refused: 401; 503 ``crowded``, all places are taken.

        """
        taken = False

        async def take() -> None:
            nonlocal taken
            if taken or room.large is None:
                return
            await SIGNED_IN(request)
            if self._large[room] >= room.large:
                raise refuse("crowded", headers={"Retry-After": "5"})
            self._large[room] += 1
            taken = True

        try:
            yield take
        finally:
            self._large[room] -= taken

    async def _read(
        self, request: Request, receive: Receive, most: int, take: Callable[[], Awaitable[None]]
    ) -> bytes:  # fmt: skip
        """The whole body, refused as soon as it is known to be too large; ``take`` goes before reading much of one."""
        said = int(request.headers.get("content-length") or 0)
        if said > most:
            raise refuse("too_large", field="body", limit_bytes=most)
        if said > self._room.body_bytes:
            await take()
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                break
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            if size > most:
                raise refuse("too_large", field="body", limit_bytes=most)
            if size > self._room.body_bytes:
                await take()
            if not message.get("more_body", False):
                break
        return b"".join(chunks)


def _replay(body: bytes, receive: Receive) -> Receive:
    """A ``receive`` that gives the body already read, then whatever the client does next."""
    given = False

    async def again() -> Message:
        nonlocal given
        if not given:
            given = True
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return again
