"""HTTP calls to providers, with the three failures that matter told apart.

``aiohttp`` and not the house's ``httpx``: a burst of call-outs goes through here, and one call costs 0.4 ms of CPU
instead of 4 (measured on loopback, 10 to 50 at once).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import aiohttp
import orjson

from services.notify.channels.base import LinkLostError, NoAnswerError, NotSentError

LONGEST_ANSWER = 256 * 1024
NEVER_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What came back. Header names are compared without regard to case."""

    status: int
    headers: Mapping[str, str]
    text: str

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            ValueError: it is none.

        """
        return json.loads(self.text)

    @property
    def retry_after_s(self) -> float | None:
        value = self.headers.get("retry-after", "")
        return float(value) if value.isascii() and value.isdigit() else None

    @property
    def code(self) -> str:
        return f"http {self.status}"


class Caller:
    """Keeps connections to one provider. Made outside or inside a loop, used inside one; safe for many tasks."""

    def __init__(
        self,
        timeout_s: float,
        connect_timeout_s: float,
        *,
        headers: Mapping[str, str] | None = None,
        proxy: str | None = None,
    ) -> None:
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, connect=connect_timeout_s)
        self._headers, self._proxy = headers, proxy
        self._session: aiohttp.ClientSession | None = None

    async def get(self, url: str) -> HttpAnswer:
        """Raises as :meth:`call` does."""
        return await self.call("GET", url, None, {})

    async def post_json(self, url: str, body: object, headers: Mapping[str, str] | None = None) -> HttpAnswer:
        """Raises as :meth:`call` does."""
        return await self.call("POST", url, orjson.dumps(body), {"content-type": "application/json", **(headers or {})})

    async def call(self, method: str, url: str, content: bytes | None, headers: Mapping[str, str]) -> HttpAnswer:
        """One request, no redirects, no second try.

        Raises:
            NotSentError: no connection: nothing was sent.
            NoAnswerError: sent perhaps, and no answer in time.
            LinkLostError: sent perhaps, and the connection broke.

        """
        if self._session is None:
            self._session = aiohttp.ClientSession(
                headers=self._headers, timeout=self._timeout, proxy=self._proxy, cookie_jar=aiohttp.DummyCookieJar()
            )
        try:
            async with self._session.request(
                method, url, data=content, headers=headers, allow_redirects=False
            ) as answer:
                body = await answer.content.read(LONGEST_ANSWER)
                return HttpAnswer(answer.status, answer.headers, body.decode("utf-8", "replace"))
        except NEVER_SENT:
            raise NotSentError from None
        except TimeoutError:
            raise NoAnswerError from None
        except (aiohttp.ClientError, OSError):
            raise LinkLostError from None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


def basic_auth(user: str, password: str) -> str:
    """The ``Authorization`` header of RFC 7617, in UTF-8."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class Calling:
    """A channel that calls one provider; its connections are closed with it."""

    _caller: Caller

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._caller.close()
