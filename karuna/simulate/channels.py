"""LINE, an SMS centre and an HTTP SMS gateway in one process: ``python -m karuna.simulate.channels --help``.

Everything listens on 127.0.0.1 only, unless told otherwise. When all is ready one line of JSON says where; SIGTERM
or Ctrl-C ends it. The page at either HTTP port shows what people received by LINE and SMS, newest first, and lets
them answer.
"""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

import typer
from pydantic import SecretStr

from karuna.simulate.inbox import Inbox
from karuna.simulate.line_server import RunningLine, line_server
from karuna.simulate.line_world import Channel, LineWorld
from karuna.simulate.serving import LOOPBACK, listening
from karuna.simulate.sms_gateway import RunningGateway, sms_gateway
from karuna.simulate.smsc import Smsc

SMPP_ACCOUNT = "karuna"


@dataclass(frozen=True, slots=True)
class Secrets:
    """What the simulated providers ask of us; nothing real depends on them."""

    line_token: str = "simulated-line-token"  # noqa: S105
    line_secret: str = "simulated-line-secret"  # noqa: S105
    smpp_password: str = "simsms"  # noqa: S105 - SMPP allows eight characters
    sms_token: str = "simulated-sms-token"  # noqa: S105
    receipt_token: str = "simulated-receipt-token"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Running:
    line: RunningLine
    smsc: Smsc
    sms_http: RunningGateway

    def addresses(self) -> dict[str, str | int]:
        return {"line": self.line.url, "smsc_port": self.smsc.port, "sms_http": self.sms_http.url}


@asynccontextmanager
async def channels(
    webhook_url: str | None = None,
    secrets: Secrets | None = None,
    *,
    line_port: int = 0,
    smsc_port: int = 0,
    sms_http_port: int = 0,
    host: str = LOOPBACK,
) -> AsyncIterator[Running]:
    """All three until the block ends; port 0 takes a free one.

    Raises:
        OSError: a port is taken.

    """
    secrets = secrets or Secrets()
    line_inbox, sms_inbox = Inbox(), Inbox()
    world = LineWorld(Channel(secrets.line_token, secrets.line_secret, webhook_url), inbox=line_inbox)
    accounts = {SMPP_ACCOUNT: SecretStr(secrets.smpp_password)}
    line_socket, sms_socket = listening(line_port, host), listening(sms_http_port, host)
    async with AsyncExitStack() as stack:
        stack.callback(line_socket.close)
        stack.callback(sms_socket.close)
        smsc = await stack.enter_async_context(Smsc(accounts, sms_inbox, port=smsc_port, host=host))
        line = await stack.enter_async_context(line_server(world, line_socket, [sms_inbox]))
        sms_http = await stack.enter_async_context(
            sms_gateway(
                secrets.sms_token,
                secrets.receipt_token,
                sms_socket,
                inbox=sms_inbox,
                shown=[line_inbox],
                smsc=smsc,
                line_url=line.url,
            )
        )
        yield Running(line, smsc, sms_http)


def main(
    line_port: Annotated[int, typer.Option(help="HTTP port of the simulated LINE; 0 takes a free one")] = 8110,
    smsc_port: Annotated[int, typer.Option(help="SMPP port of the simulated SMS centre")] = 2775,
    sms_http_port: Annotated[int, typer.Option(help="HTTP port of the simulated SMS gateway")] = 8120,
    webhook_url: Annotated[str | None, typer.Option(help="where LINE shall call us")] = None,
    host: Annotated[str, typer.Option(help="0.0.0.0 in a container, whose network decides who comes in")] = LOOPBACK,
    line_token: Annotated[str, typer.Option(envvar="KARUNA_SIMULATED_LINE_TOKEN")] = Secrets().line_token,
    line_secret: Annotated[str, typer.Option(envvar="KARUNA_SIMULATED_LINE_SECRET")] = Secrets().line_secret,
    smpp_password: Annotated[str, typer.Option(envvar="KARUNA_SIMULATED_SMPP_PASSWORD")] = Secrets().smpp_password,
    sms_token: Annotated[str, typer.Option(envvar="KARUNA_SIMULATED_SMS_TOKEN")] = Secrets().sms_token,
    receipt_token: Annotated[str, typer.Option(envvar="KARUNA_SIMULATED_RECEIPT_TOKEN")] = Secrets().receipt_token,
) -> None:
    """เล่นบท LINE และเครือข่าย SMS ในเครื่องนี้ · Play LINE and the SMS networks on this machine."""
    secrets = Secrets(line_token, line_secret, smpp_password, sms_token, receipt_token)
    asyncio.run(_until_told(webhook_url, secrets, line_port, smsc_port, sms_http_port, host))


async def _until_told(
    webhook_url: str | None, secrets: Secrets, line_port: int, smsc_port: int, sms_http_port: int, host: str
) -> None:
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    async with channels(
        webhook_url, secrets, line_port=line_port, smsc_port=smsc_port, sms_http_port=sms_http_port, host=host
    ) as running:
        print(json.dumps({"ready": running.addresses()}), flush=True)
        await told.wait()


if __name__ == "__main__":
    typer.run(main)
