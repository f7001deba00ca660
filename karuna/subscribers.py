"""Those outside who listen and ask: add, remove, replay, all of them. The server is never restarted for them.

Beside the credentials ``<home>/subscribers/<name>.creds`` lies ``<name>.json``, which tells a plain NATS client
where to connect and what is its own. Both together are all an outsider gets.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from nats.aio.client import Client
from nats.errors import Error as NatsError

from karuna.platform import jwt
from karuna.platform.accounts import Accounts
from karuna.platform.broker import connect_once
from karuna.platform.files import read_or_none, write_private
from karuna.platform.grants import Grant
from karuna.platform.home import Home
from karuna.platform.jwt import Key
from karuna.platform.permissions import inbox
from karuna.platform.provision import ServerRefused, call
from shared.streams import Durable, put_consumer

CONNECTIONS = 10
"""How many clients one outsider may have at the same time."""

_CONSUMER_NOT_FOUND = 10014
_TIMEOUT_S = 10
_NO_MESSAGE = "404"


class UnknownSubscriber(KeyError):
    """There is nobody of that name; the message says so and where the names are."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"ไม่มีผู้รับชื่อ {name} ดูรายชื่อด้วย karuna subscriber list "
            f"(there is no subscriber {name}: karuna subscriber list names them all)"
        )


class SubscriberExists(Exception):
    """The name is taken: remove it first, which also ends its credentials."""


@dataclass(frozen=True, slots=True)
class Subscriber:
    """An outsider as its file says. ``streams``: each ``{stream, durable, filters}``; ``calls``: subjects it may
    publish or request; ``live``: subjects it may also hear as they happen.
    """

    name: str
    server: str
    inbox_prefix: str
    streams: list[dict[str, Any]]
    live: list[str]
    calls: list[str]
    added_at: str

    def durables(self) -> tuple[Durable, ...]:
        return tuple(Durable(s["stream"], s["durable"], tuple(s["filters"])) for s in self.streams)


class Subscribers:
    """The outsiders of one installation, whose server answers at ``url``."""

    def __init__(self, home: Home, accounts: Accounts, url: str) -> None:
        self._folder = home.subscribers
        self._keys = home.keys / "subscribers"
        self._accounts = accounts
        self._url = url

    def all(self) -> list[Subscriber]:
        return [_read(file) for file in sorted(self._folder.glob("*.json"))]

    def get(self, name: str) -> Subscriber:
        """Raises ``UnknownSubscriber``."""
        file = self._folder / f"{name}.json"
        if not file.exists():
            raise UnknownSubscriber(name)
        return _read(file)

    def creds(self, name: str) -> Path:
        return self._folder / f"{name}.creds"

    def caller(self, name: str) -> str:
        """What stands with the calls it brings: ``account:<public key>``. Raises ``UnknownSubscriber``."""
        return f"account:{self._account_key(self.get(name).name).public}"

    async def add(self, grant: Grant) -> Subscriber:
        """Make its durables, its account and its credentials. Raises ``SubscriberExists``.

        A call that broke off halfway may be made again.
        """
        if (self._folder / f"{grant.name}.json").exists():
            raise SubscriberExists(grant.name)
        async with self._provisioner() as client:
            for durable in grant.durables():
                await call(client, *put_consumer(durable, ""))
        key = self._account_key(grant.name)
        token = self._accounts.sign_account(
            f"subscribers/{grant.name}.jwt",
            lambda issued_at: jwt.account(
                self._accounts.operator,
                key.public,
                grant.user,
                imports=grant.imports(self._accounts.karuna.public),
                connections=CONNECTIONS,
                issued_at=issued_at,
            ),
        )
        await self._accounts.push(self._url, token)
        user = Key.new(jwt.USER)
        text = jwt.creds(jwt.user(key, user.public, grant.user, grant.rights()), user.seed)
        write_private(self.creds(grant.name), text)
        subscriber = _described(grant, self._url)
        self._describe(subscriber)
        return subscriber

    def _describe(self, subscriber: Subscriber) -> None:
        text = json.dumps(asdict(subscriber), indent=1, ensure_ascii=False)
        write_private(self._folder / f"{subscriber.name}.json", text)

    async def renew(self) -> None:
        """Make the durables that the server does not know (any more), and write down where it answers now.

        A durable made anew begins at the beginning.
        """
        everybody = self.all()
        if not everybody:
            return
        async with self._provisioner() as client:
            for durable in (durable for subscriber in everybody for durable in subscriber.durables()):
                await call(client, *put_consumer(durable, ""))
        for subscriber in everybody:
            self._describe(replace(subscriber, server=self._url))

    async def remove(self, name: str) -> None:
        """Close its connections and refuse its credentials, now and after every restart; drop its durables.

        The token that shuts the account is written down before it is sent, and sent again at each start.
        """
        subscriber = self.get(name)
        key = self._account_key(name)
        token = self._accounts.sign_account(
            f"subscribers/removed-{key.public}.jwt",
            lambda issued_at: jwt.account(
                self._accounts.operator,
                key.public,
                f"removed {name}",
                revocations={"*": issued_at},
                connections=0,
                issued_at=max(issued_at, self._last_issue(name) + 1),
            ),
        )
        (self._keys / f"{name}.jwt").unlink(missing_ok=True)
        await self._accounts.push(self._url, token)
        async with self._provisioner() as client:
            for durable in subscriber.durables():
                await _delete(client, durable)
        for file in (self.creds(name), self._keys / f"{name}.seed", self._folder / f"{name}.json"):
            file.unlink(missing_ok=True)

    async def replay(self, name: str, from_time: datetime | None = None) -> dict[str, int]:
        """Send its durables back: to the first event, or to the first one at or after ``from_time`` (aware).

        Gives stream → sequence from which it will hear. It need not reconnect. Raises ``UnknownSubscriber``.
        """
        if from_time is not None and from_time.tzinfo is None:
            raise ValueError("from_time needs a time zone")
        begins: dict[str, int] = {}
        durables = self.get(name).durables()
        async with self._provisioner() as client:
            for durable in durables:
                sequence = await _sequence_at(client, durable.stream, from_time)
                subject = f"$JS.API.CONSUMER.RESET.{durable.stream}.{durable.name}"
                await call(client, subject, json.dumps({"seq": sequence}).encode())
                begins[durable.stream] = sequence
        return begins

    def _account_key(self, name: str) -> Key:
        path = self._keys / f"{name}.seed"
        if seed := read_or_none(path):
            return Key(seed.encode())
        key = Key.new(jwt.ACCOUNT)
        write_private(path, key.seed.decode())
        return key

    def _last_issue(self, name: str) -> int:
        token = read_or_none(self._keys / f"{name}.jwt")
        return jwt.issued_at(token) if token else 0

    @asynccontextmanager
    async def _provisioner(self) -> AsyncIterator[Client]:
        client = await connect_once(self._url, self._accounts, "provisioner")
        try:
            yield client
        finally:
            await client.close()


def _described(grant: Grant, url: str) -> Subscriber:
    return Subscriber(
        name=grant.name,
        server=url,
        inbox_prefix=inbox(grant.user),
        streams=[
            {"stream": durable.stream, "durable": durable.name, "filters": list(durable.filters)}
            for durable in grant.durables()
        ],
        live=list(grant.patterns),
        calls=list(grant.doors()),
        added_at=datetime.fromtimestamp(int(time.time())).astimezone().isoformat(),
    )


def _read(file: Path) -> Subscriber:
    return Subscriber(**json.loads(file.read_text("utf-8")))


async def _delete(client: Client, durable: Durable) -> None:
    try:
        await call(client, f"$JS.API.CONSUMER.DELETE.{durable.stream}.{durable.name}")
    except ServerRefused as refusal:
        if refusal.code != _CONSUMER_NOT_FOUND:
            raise


async def _sequence_at(client: Client, stream: str, from_time: datetime | None) -> int:
    """The sequence of the first message at or after this time; one beyond the last if there is none."""
    state = (await call(client, f"$JS.API.STREAM.INFO.{stream}"))["state"]
    if from_time is None:
        return max(1, int(state["first_seq"]))
    body = json.dumps({"batch": 1, "start_time": from_time.isoformat(), "next_by_subj": ">"}).encode()
    reply = await client.request(f"$JS.API.DIRECT.GET.{stream}", body, timeout=_TIMEOUT_S)
    headers = reply.headers or {}
    if sequence := headers.get("Nats-Sequence"):
        return int(sequence)
    if headers.get("Status") == _NO_MESSAGE:
        return int(state["last_seq"]) + 1
    raise NatsError(f"{stream}: {headers.get('Status')} {headers.get('Description')}")
