"""Asking the four services over their public HTTP, as the person who is signed in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
from structlog.contextvars import get_contextvars

from services.console.issuer import Signer
from services.console.people import Person
from services.console.settings import ConsoleSettings
from services.console.texts import texts
from shared.sentences import SENTENCES

OK_BELOW = 400
PIECE = 64 * 1024
Param = str | int | Sequence[str]
"""Of a question; several are asked for by one name."""


class BackendRefused(Exception):
    """A service said no: ``status`` and its problem document, with a sentence in each language."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(str(problem.get("code", status)))
        self.status, self.problem = status, problem

    @property
    def code(self) -> str:
        return str(self.problem.get("code", ""))

    def sentence(self, lang: str) -> str:
        """What to show the person: the fields that are wrong first, else the whole."""
        if self.code == "key_reused":
            return texts()["base.saved_already"].of(lang)
        errors = self.problem.get("errors") or []
        told = [_of_field(error, lang) for error in errors]
        return " · ".join(dict.fromkeys(told)) or str(
            self.problem.get(lang) or self.problem.get("title") or self.status
        )


class BackendAway(Exception):
    """A service does not answer: what depends on it is shown as not known, the rest goes on."""

    def __init__(self, service: str) -> None:
        super().__init__(service)
        self.service = service


@dataclass(slots=True)
class Backend:
    """One HTTP client for the process."""

    settings: ConsoleSettings
    signer: Signer
    client: aiohttp.ClientSession

    async def get(
        self, person: Person, service: str, path: str, *, params: Mapping[str, Param] | None = None,
        purpose: str | None = None, within_s: float | None = None,
    ) -> Any:  # fmt: skip
        """``within_s``: as :meth:`post`."""
        return await self._ask("GET", person, service, path, params=params, purpose=purpose, within_s=within_s)

    async def file(
        self, person: Person, service: str, path: str, *, params: Mapping[str, str | int], purpose: str,
        within_s: float | None = None,
    ) -> bytes:  # fmt: skip
        """What is no JSON to us: the bytes as they came."""
        content: bytes = await self._ask(
            "GET", person, service, path, params=params, purpose=purpose, within_s=within_s, raw=True
        )
        return content

    async def pieces(
        self, person: Person, service: str, path: str, *, purpose: str, within_s: float,
        params: Mapping[str, str] | None = None,
    ) -> AsyncIterator[bytes]:  # fmt: skip
        """A file that may be larger than what a process may hold, piece by piece as it comes.

        ``within_s``: how long nothing may come. Raises as ``_ask`` before the first piece.
        """
        headers, timeout = self._headers(person, purpose=purpose), aiohttp.ClientTimeout(sock_read=within_s)
        try:
            answer = await self.client.get(self._url(service, path), params=params, headers=headers, timeout=timeout)
            if answer.status < OK_BELOW:
                return _pieces(answer)
            said = _read(await answer.read())
        except (aiohttp.ClientError, TimeoutError, OSError):
            raise BackendAway(service) from None
        raise _no(service, answer.status, said)

    async def post(
        self, person: Person, service: str, path: str, body: Any = None, *, key: str | None = None,
        purpose: str | None = None, within_s: float | None = None,
    ) -> Any:  # fmt: skip
        """``within_s``: for an answer that takes longer than answers may."""
        return await self._ask(
            "POST", person, service, path, body=body or {}, key=key, purpose=purpose, within_s=within_s
        )

    async def put(self, person: Person, service: str, path: str, body: Any, *, purpose: str | None = None) -> Any:
        return await self._ask("PUT", person, service, path, body=body, purpose=purpose)

    async def send(
        self, person: Person, service: str, path: str, content: bytes, *, params: Mapping[str, str | int],
        purpose: str, within_s: float,
    ) -> Any:  # fmt: skip
        """Put what is no JSON."""
        return await self._ask(
            "PUT", person, service, path, content=content, params=params, purpose=purpose, within_s=within_s
        )

    async def delete(self, person: Person, service: str, path: str, *, purpose: str | None = None) -> Any:
        return await self._ask("DELETE", person, service, path, purpose=purpose)

    async def patch(self, person: Person, service: str, path: str, body: Any, *, purpose: str | None = None) -> Any:
        return await self._ask("PATCH", person, service, path, body=body, purpose=purpose)

    async def public(self, service: str, path: str, body: Any, *, address: str | None = None) -> Any:
        """A route that asks for no token. ``address``: whose tries the service is to count."""
        return await self._ask("POST", None, service, path, body=body, address=address)

    async def _ask(
        self, method: str, person: Person | None, service: str, path: str, *, body: Any = None,
        params: Mapping[str, Param] | None = None, key: str | None = None, purpose: str | None = None,
        address: str | None = None, within_s: float | None = None, raw: bool = False, content: bytes | None = None,
    ) -> Any:  # fmt: skip
        """The answer's JSON (``raw``: its bytes); None where it has no body. ``content``: sent instead of JSON.

        Raises:
            BackendRefused: the service answered with a problem.
            BackendAway: no answer, or it says that what it needs is away.

        """
        kind = "application/json" if content is None else "application/octet-stream"
        headers = self._headers(person, kind=kind, key=key, address=address, purpose=purpose)
        url = self._url(service, path)
        data = orjson.dumps(body) if body is not None else content
        timeout = aiohttp.ClientTimeout(total=within_s or self.settings.backend_timeout_s)
        try:
            async with self.client.request(
                method, url, params=params, data=data, headers=headers, timeout=timeout
            ) as answer:
                found = await answer.read()
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            raise BackendAway(service) from None
        if raw and status < OK_BELOW:
            return found
        said = _read(found)
        if status < OK_BELOW:
            return said
        raise _no(service, status, said)

    def _url(self, service: str, path: str) -> str:
        return str(getattr(self.settings, f"{service}_url")) + path

    def _headers(
        self, person: Person | None, *, kind: str = "application/json", key: str | None = None,
        address: str | None = None, purpose: str | None = None,
    ) -> dict[str, str]:  # fmt: skip
        signed = person and {"authorization": f"Bearer {self._token(person)}", "accept-language": person.lang}
        told = {"idempotency-key": key, "x-forwarded-for": address, "karuna-purpose": purpose,
                "traceparent": get_contextvars().get("traceparent")}  # fmt: skip
        return {"content-type": kind, **(signed or {}), **{name: value for name, value in told.items() if value}}

    def _token(self, person: Person) -> str:
        return self.signer.token(
            session_id=str(person.session_id), login=person.login, role=person.role, areas=person.areas,
            crew_id=str(person.crew_id) if person.crew_id else None, agency_id=person.agency_id,
            places=person.places,
        )  # fmt: skip


def _no(service: str, status: int, said: Any) -> BackendAway | BackendRefused:
    """What to raise for an answer that is no yes."""
    if status == 503:  # noqa: PLR2004 the service is there, its database is not
        return BackendAway(service)
    return BackendRefused(status, said if isinstance(said, dict) else {})


async def _pieces(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    async with answer:
        async for piece in answer.content.iter_chunked(PIECE):
            yield piece


def _of_field(error: Mapping[str, Any], lang: str) -> str:
    """One error's sentence; where it would fit any field, after the field's name as people call it."""
    said = str(error.get(lang) or error.get("th"))
    steps = [step for step in str(error.get("field", "")).split(".") if not step.isdigit()]
    name = texts().get(f"fields.{steps[-1]}") if steps and error.get("code") in SENTENCES else None
    return f"{name.of(lang)}: {said}" if name else said


def _read(content: bytes) -> Any:
    try:
        return orjson.loads(content) if content else None
    except orjson.JSONDecodeError:
        return None


def open_client(settings: ConsoleSettings) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=settings.backend_timeout_s), connector=aiohttp.TCPConnector(limit=100)
    )
