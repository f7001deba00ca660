"""An operator's connection to the broker: one try. Where nothing runs the command says so at once."""

from __future__ import annotations

from typing import Any

import nats
from nats.aio.client import Client

from karuna.platform.accounts import Accounts
from karuna.platform.permissions import inbox

CONNECT_TIMEOUT_S = 3


async def connect_once(url: str, accounts: Accounts, user: str) -> Client:
    """Raises OSError, TimeoutError or nats.errors.Error where the broker does not answer or does not let us in.

    ``allow_reconnect=False`` alone does not do: nats-py then knocks sixty times, two seconds apart.
    """

    async def quiet(_: Exception) -> None:
        """What goes wrong is raised, and is no line of the client's log."""

    options: dict[str, Any] = {"allow_reconnect": False, "max_reconnect_attempts": 1, "reconnect_time_wait": 0.1}
    return await nats.connect(
        url,
        user_credentials=str(accounts.creds(user)),
        inbox_prefix=inbox(user).encode(),
        connect_timeout=CONNECT_TIMEOUT_S,
        error_cb=quiet,
        **options,
    )
