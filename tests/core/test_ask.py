"""Questions over NATS get what HTTP would give, and nothing more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Annotated

import nats
import orjson
import pytest_asyncio
from fastapi import APIRouter, Depends
from nats.aio.client import Client

from karuna.platform.grants import grant
from karuna.platform.home import Home
from karuna.subscribers import Subscribers
from shared.ask import Question, asking
from shared.auth import Caller, Role, may
from shared.service import create_app, running
from tests.core.conftest import Pair
from tests.core.toy.services import HEARER
from tests.harness import bearer
from tests.patience import PATIENCE_S
from tests.platform_fixtures import PATIENTLY

router = APIRouter()


@router.get("/v1/echo")
async def echo(caller: Annotated[Caller, Depends(may(Role.DISPATCHER))], word: str = "") -> dict[str, str]:
    return {"word": word, "role": caller.role.value}


ASKED = replace(HEARER, routers=[router], beside=[asking([Question("echo", "GET", "/v1/echo")])])


@pytest_asyncio.fixture
async def asker(pair: Pair) -> AsyncIterator[Client]:
    """An outsider who was granted the question, and a service that answers."""
    runtime = await pair.runtime("registry")
    runtime.service = ASKED
    runtime.app = create_app(ASKED, runtime.settings)
    runtime.app.state.runtime = runtime
    home = Home(pair.broker.accounts.folder.parent)
    home.create()
    subscribers = Subscribers(home, pair.broker.accounts, pair.broker.url)
    asks = (("kalasin", "registry", "echo"), ("songkhla", "registry", "echo"))
    subscriber = await subscribers.add(grant("asker", (), asks=asks))
    client = await nats.connect(
        subscriber.server,
        user_credentials=str(subscribers.creds("asker")),
        inbox_prefix=subscriber.inbox_prefix.encode(),
        **PATIENTLY,
    )
    try:
        async with running(runtime):
            async with asyncio.timeout(PATIENCE_S):
                while (await ask(client, bearer("dispatcher"), within_s=3))[0] == "none":
                    await asyncio.sleep(0.05)
            yield client
    finally:
        await client.close()
        await subscribers.remove("asker")


async def ask(
    client: Client, headers: dict[str, str], area: str = "kalasin", body: bytes = b"{}", within_s: float = PATIENCE_S
) -> tuple[str, dict]:
    try:
        reply = await client.request(f"karuna.{area}.ask.registry.echo", body, timeout=within_s, headers=headers)
    except (nats.errors.Error, TimeoutError):
        return "none", {}
    return (reply.headers or {})["Karuna-Status"], orjson.loads(reply.data)


async def test_a_question_is_answered_as_http_would(asker: Client) -> None:
    status, body = await ask(asker, bearer("dispatcher"), body='{"word":"กรุณา"}'.encode())
    assert (status, body) == ("200", {"word": "กรุณา", "role": "dispatcher"})


async def test_without_a_token_the_wrong_role_or_another_area_nothing_is_told(asker: Client) -> None:
    assert (await ask(asker, {}))[0] == "401"
    assert (await ask(asker, bearer("crew")))[0] == "403"
    assert (await ask(asker, bearer("dispatcher"), area="songkhla"))[0] == "404"
    status, problem = await ask(asker, bearer("dispatcher"), body=b"\xff")
    assert status == "400"
    assert problem["th"]
