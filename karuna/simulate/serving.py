"""Serve an ASGI application inside a running loop, on loopback, with connections that can be cut in mid-request."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LOOPBACK = "127.0.0.1"


class CuttableHttp(HttpToolsProtocol):
    """Hands each request its transport, so that a handler can lose the answer."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["state"]["transport"] = self.transport


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to the program, of which this server is a part."""
        yield


def listening(port: int = 0, host: str = LOOPBACK) -> socket.socket:
    """A listening socket; port 0 takes a free one. Connections wait in it until somebody serves.

    Its protocol is named, because asyncio switches Nagle's algorithm off only where it reads TCP there: else every
    answer waits 40 ms for a delayed acknowledgement.

    Raises:
        OSError: the port is taken.

    """
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(512)
    except OSError:
        sock.close()
        raise
    return sock


@asynccontextmanager
async def serving(app: ASGIApp, sock: socket.socket) -> AsyncIterator[str]:
    """Serve until the block ends; gives the base URL."""
    config = uvicorn.Config(app, http=CuttableHttp, ws="none", lifespan="off", log_config=None, access_log=False)
    server = _Server(config)
    host, port = sock.getsockname()[:2]
    task = asyncio.create_task(server.serve(sockets=[sock]))
    try:
        while not server.started and not task.done():
            await asyncio.sleep(0)
        yield f"http://{host}:{port}"
    finally:
        await _stop(server, task)
        sock.close()


async def _stop(server: uvicorn.Server, task: asyncio.Task[None]) -> None:
    """At once, where uvicorn's own way looks every tenth of a second: a test has many servers."""
    task.cancel()
    for listener in server.servers:
        listener.close()
    for connection in list(server.server_state.connections):
        connection.shutdown()
    asked = list(server.server_state.tasks)
    for one in asked:
        one.cancel()
    await asyncio.gather(task, *asked, return_exceptions=True)


async def cut(request: Request) -> Response:
    """The client sees the connection break instead of an answer."""
    transport: asyncio.Transport = request.state.transport
    transport.abort()
    await asyncio.sleep(0)
    return Response(status_code=500)
