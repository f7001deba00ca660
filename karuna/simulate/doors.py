"""The public doors of an installation, as simulated people use them: HTTP with a token of their own role.

A service that is away is asked again for a while, as a person would try again. Nothing here reads a database.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import httpx

from karuna.local import Local
from karuna.platform.home import HOST
from shared.auth import LONGEST_S, Role
from shared.streams import SERVICES

RENEW_S = LONGEST_S * 0.6
TOKENS_KEPT = 2_000
TRIES = 40
AWAY = frozenset({httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.BAD_GATEWAY, httpx.codes.TOO_MANY_REQUESTS})
PAGE = 500

Json = dict[str, Any]


class DoorClosed(Exception):
    """A service did not answer, or refused; the text says which and how, and holds nothing personal."""


class Doors:
    """Services and simulated channels of ``local`` for the people of one area. An async context manager."""

    def __init__(self, local: Local, area: str, *, most_at_once: int = 40) -> None:
        self.area = area
        self._local = local
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(20, pool=120), limits=httpx.Limits(max_connections=most_at_once), trust_env=False
        )
        self._tokens: OrderedDict[tuple[Role, UUID | None], tuple[str, float]] = OrderedDict()
        self.line = f"http://{HOST}:{local.ports.line}"
        self.sms = f"http://{HOST}:{local.ports.sms}"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    def headers(self, role: Role, crew_id: UUID | None = None, key: str | None = None) -> dict[str, str]:
        """What a request carries; the token is renewed long before it ends."""
        who = (role, crew_id)
        token, made_s = self._tokens.get(who, ("", -RENEW_S))
        if time.monotonic() - made_s >= RENEW_S:
            crew = str(crew_id) if crew_id is not None else None
            token = self._local.issuer.token(role, areas=[self.area], crew_id=crew, subject=crew)
            self._tokens[who] = (token, time.monotonic())
            while len(self._tokens) > TOKENS_KEPT:
                self._tokens.popitem(last=False)
        headers = {"authorization": f"Bearer {token}", "karuna-purpose": "care"}
        return headers if key is None else {**headers, "idempotency-key": key}

    async def ask(
        self,
        method: str,
        service: str,
        path: str,
        role: Role,
        *,
        crew_id: UUID | None = None,
        json: Any = None,
        params: dict[str, Any] | None = None,
        key: str | None = None,
        tries: int = TRIES,
    ) -> httpx.Response:
        """Ask, and ask again while the service is away.

        Raises:
            DoorClosed: away for too long.

        """
        wait_s, said = 0.2, ""
        for _ in range(tries):
            try:
                answer = await self._client.request(
                    method, f"{self._local.url(service)}{path}", json=json, params=params,
                    headers=self.headers(role, crew_id, key),
                )  # fmt: skip
            except httpx.TransportError as problem:
                said = type(problem).__name__
            else:
                if answer.status_code not in AWAY:
                    return answer
                said = str(answer.status_code)
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 1.5, 3.0)
        raise DoorClosed(f"{service} {method} {path.split('?', maxsplit=1)[0]}: {said}")

    async def knock(self) -> None:
        """See at once whether anybody is there.

        Raises:
            DoorClosed: nobody; start it first.

        """
        for service in SERVICES:
            try:
                await self.ask("GET", service, "/healthz", Role.DISPATCHER, tries=3)
            except DoorClosed as problem:
                raise DoorClosed(f"ระบบยังไม่เปิด: make run (nothing runs here, start it first): {problem}") from None

    async def read(self, service: str, path: str, role: Role, **options: Any) -> Any:
        """What a GET (or a POST with ``json``, for searches) answers.

        Raises:
            DoorClosed: away, or refused.

        """
        method = "POST" if options.get("json") is not None else "GET"
        answer = await self.ask(method, service, path, role, **options)
        if not answer.is_success:
            raise DoorClosed(f"{service} {method} {path}: {answer.status_code} {code_of(answer)}")
        return answer.json()

    async def all(self, service: str, path: str, role: Role, **params: Any) -> list[Json]:
        """Every item of a paged list."""
        items: list[Json] = []
        after: str | None = None
        while True:
            asked = {"limit": PAGE, **params, **({"after": after} if after else {})}
            page = await self.read(service, path, role, params=asked)
            items += page["items"]
            after = page.get("next")
            if not after or not page["items"]:
                return items

    # --- the simulated channels -------------------------------------------------------------------------------

    async def inbox(self, base: str, after: int, wait_s: float) -> tuple[list[Json], int]:
        """Messages that people received after number ``after``, and how many there were in all."""
        answer = await self._client.get(
            f"{base}/inbox.json", params={"after": after, "wait_s": wait_s}, timeout=wait_s + 10
        )
        answer.raise_for_status()
        found = answer.json()
        return found["items"], int(found["total"])

    async def press(self, line_user: str, data: str) -> bool:
        """Press a button in LINE; whether the webhook took it."""
        try:
            answer = await self._client.post(f"{self.line}/_control/users/{line_user}/postback", json={"data": data})
        except httpx.TransportError:
            return False
        return answer.is_success and any(200 <= status < 300 for status in answer.json()["statuses"])


def code_of(answer: httpx.Response) -> str:
    """The code of a problem document: codes and fields only, never what was sent."""
    try:
        body = answer.json()
    except ValueError:
        return ""
    fields = ",".join(f"{each.get('field')}:{each.get('code')}" for each in body.get("errors", [])[:5])
    return " ".join(str(part) for part in (body.get("code"), body.get("field"), fields) if part)
