"""Eyes on the console: browsers of every role, and what each answer shows where: addresses, cookies, words."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus
from uuid import UUID, uuid4

import asyncpg
import httpx

from services.console.store import accounts
from shared.auth import Role
from shared.work import new_id, now_utc
from tests.console.test_roles import routes
from tests.journeys.looking import traces_of
from tests.journeys.town import AREA, PATIENCE_S, Town

ATTRIBUTE = re.compile(r'\s[a-z-]+="((?:[/?#]|[a-z]+:)[^"]*)"')
"""Whatever attribute it stands in: an address begins like one."""
TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)
LEADS_OUT = ("tel:", "geo:")
"""A telephone dials it, no server hears it."""
APART = re.compile(r"(?<=\d)[ \u00a0-](?=\d)")
PASSING = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\b[0-9a-f]{24,}\b|\d\d:\d\d")
"""Ids, tokens and times: what differs between two answers that say the same."""

CSRF = "select s.csrf from session s join account a on a.id = s.account_id where a.login = $1"


@dataclass(frozen=True, slots=True)
class Seen:
    """One answer, and who asked for what."""

    who: str
    method: str
    path: str
    status: int
    headers: str
    text: str

    @property
    def line(self) -> str:
        return f"{self.who} {self.method} {self.path}: {self.status}"

    def addresses(self) -> Iterator[str]:
        """All that a history, a log of a proxy or another page's ``Referer`` would keep, and every header with them."""
        yield self.path
        yield from TITLE.findall(self.text)
        yield unquote_plus(self.headers)
        for told in ATTRIBUTE.findall(self.text):
            if not told.startswith(LEADS_OUT):
                yield unquote_plus(html.unescape(told))

    def in_addresses(self, needles: Iterable[str]) -> list[str]:
        return traces_of(needles, "\n".join(self.addresses()))

    def in_words(self, needles: Iterable[str]) -> list[str]:
        """Anywhere in it; numbers count however they are grouped."""
        text = html.unescape(self.text)
        return traces_of(needles, f"{text}\n{APART.sub('', text)}\n{self.headers}")

    def bare(self) -> tuple[int, str]:
        """What it says of nobody in particular."""
        return self.status, PASSING.sub("", self.text)


@dataclass(slots=True)
class Eyes:
    """Somebody's browser."""

    who: str
    role: Role
    client: httpx.AsyncClient
    csrf: str
    ours: bool = True
    """Of the municipality itself, and of the whole of it."""

    async def get(self, path: str) -> Seen:
        return self._seen("GET", path, await self.client.get(path))

    async def post(self, path: str, form: dict[str, Any] | None = None, **options: Any) -> Seen:
        """A form of ours, with a key of its own."""
        data = {"csrf": self.csrf, "key": uuid4().hex, **(form or {})}
        return self._seen("POST", path, await self.client.post(path, data=data, **options))

    async def say(self, path: str, body: Any) -> Seen:
        """What a script of ours sends."""
        headers = {"x-csrf-token": self.csrf, "idempotency-key": uuid4().hex}
        return self._seen("POST", path, await self.client.post(path, json=body, headers=headers))

    def _seen(self, method: str, path: str, answer: httpx.Response) -> Seen:
        headers = "\n".join(f"{name}: {value}" for name, value in answer.headers.multi_items())
        return Seen(self.who, method, path, answer.status_code, headers, answer.text)


async def account_of(
    town: Town, role: Role, *, crew_id: UUID | None = None, agency_id: UUID | None = None, places: tuple[str, ...] = ()
) -> str:
    """The login of a new demonstration account of one role."""
    login, account = f"{role.value.replace('_', '-')}-{uuid4().hex[:8]}", new_id()
    connection = await asyncpg.connect(town.local.postgres.dsn("console"))
    try:
        await accounts.put(
            connection, account, login, "คนทดลอง", None, [role.value], [AREA], crew_id, now_utc(), demo=True
        )
        if agency_id is not None:
            await accounts.set_agency(connection, account, agency_id, now_utc())
        if places:
            await accounts.set_places(connection, account, places, now_utc())
    finally:
        await connection.close()
    return login


async def eyes_of(
    town: Town, role: Role, *, crew_id: UUID | None = None, agency_id: UUID | None = None, places: tuple[str, ...] = ()
) -> Eyes:
    """Somebody of one role, signed in."""
    login = await account_of(town, role, crew_id=crew_id, agency_id=agency_id, places=places)
    base = town.local.url("console")
    client = httpx.AsyncClient(base_url=base, timeout=PATIENCE_S, headers={"origin": base})
    answer = await client.post("/demo-sign-in", data={"login": login})
    assert answer.status_code == 303, answer.text
    [session] = await town.sql("console", CSRF, login)
    who = f"{role.value}{' of an agency' if agency_id else ''}{' held elsewhere' if places else ''}"
    return Eyes(who, role, client, session["csrf"], not (agency_id or places))


# --- every screen -----------------------------------------------------------------------------------------------------

NO_SCREENS = re.compile(
    r"^/(live|desk/live|language/\{lang\}|map/\{area\}\.\{kind\}|favicon\.ico|sw\.js|desk/worker\.js)$"
)
"""A stream, a script, a file of the map."""
ASKED = {
    "/people/visits/new": ("?person={person_id}",),
    "/people/break-glass": ("", "?person_id={person_id}"),
    "/people/community": ("", "?person={person_id}"),
    "/people/community/card": ("?name={community}", "?name={community}&person={person_id}"),
    "/people/gaps": ("", "?group=bedridden", "?group=bedridden&gap=no_verified_home"),
    "/cases/tasks": ("", "?mine=yes"),
    "/messages": ("", "?status=sent"),
    "/board": ("", "?call={call_id}"),
    "/rides": ("", "?on={day}"),
    "/rides/planner": ("", "?on={day}"),
    "/rides/planner/print": ("", "?on={day}"),
}
"""What is asked of a screen beside its address; else nothing, and of a person what for."""
FIXED = {
    "noun": "unit", "service": "intake", "key": "calls", "form": "csv", "area": AREA, "shift_id": "new",
    "community": f"{AREA}:donkaruna", "act": "agree",
}  # fmt: skip


def screens() -> Iterator[str]:
    """Every GET route of the console, with what is asked of it; ids stand as ``{person_id}``."""
    for method, path in routes():
        if method == "GET" and not NO_SCREENS.match(path):
            usual = ("?purpose=care",) if "{person_id}" in path else ("",)
            yield from (path + query for query in ASKED.get(path, usual))


def filled(path: str, ids: Mapping[str, str]) -> str:
    """The address; an id that is not among these is nothing's."""
    known = {**FIXED, **ids}
    return re.sub(r"\{(\w+)\}", lambda found: known.get(found[1], str(UUID(int=7))), path)
