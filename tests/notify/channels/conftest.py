"""A simulated LINE on a free port, and a client of ours that speaks to it."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from karuna.simulate.line_server import RunningLine, line_server
from karuna.simulate.line_world import Channel, LineWorld
from services.notify.channels.base import Outgoing
from services.notify.channels.line import LineChannel, LineSettings
from tests.patience import PATIENCE_S

TOKEN, SECRET = "channel-token-of-kalasin", "channel-secret-of-kalasin"
PERSON = "U" + "a1" * 16
TOO_LATE = 2 * PATIENCE_S


@pytest.fixture
async def line() -> AsyncIterator[RunningLine]:
    async with line_server(LineWorld(Channel(TOKEN, SECRET))) as running:
        yield running


@pytest.fixture
async def client(line: RunningLine) -> AsyncIterator[LineChannel]:
    settings = LineSettings(access_token=SecretStr(TOKEN), base_url=line.url, timeout_s=PATIENCE_S)
    async with LineChannel(settings) as channel:
        yield channel


@pytest.fixture
async def impatient(line: RunningLine) -> AsyncIterator[LineChannel]:
    """A client for which what is :data:`TOO_LATE` is too late."""
    settings = LineSettings(access_token=SecretStr(TOKEN), base_url=line.url, timeout_s=1.0)
    async with LineChannel(settings) as channel:
        yield channel


def outgoing(text: str = "มีเหตุ รถกู้ชีพ 1 ออกเหตุ", to: str = PERSON, **more: object) -> Outgoing:
    return Outgoing(key=uuid.uuid4(), to=to, text=text, **more)
