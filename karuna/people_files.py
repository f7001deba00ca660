"""Files of people: sent to the registry part by part, going on where they stopped; and what it gives out."""

from __future__ import annotations

import asyncio
import csv
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import httpx

from karuna.words import refusal
from shared.refusal import Refusal
from shared.sheets import Sheet, read_sheet
from shared.thai.dates import show_moment

PART = 500
"""Rows a request: each is one transaction, so that a part is there whole or not at all."""
TRIES, PAUSE_S = 5, 1.0
"""A part that met another transaction, or a registry that starts anew, is sent again: it counts once."""
AT_ONCE = 2
COLUMNS = ("row", "verdict", "field", "code", "th", "en", "person_id")


class RowsMissingError(LookupError):
    """A part came before the one ahead of it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a file is to be taken."""

    format: str
    area: str
    dry_run: bool = False
    alike: str = "queue"
    agency_id: str | None = None
    exercise: bool = False

    def body(self, sheet: Sheet) -> dict[str, Any]:
        told = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {**told, "file": sheet.digest, "file_rows": sheet.rows, "columns": list(sheet.columns)}


@dataclass(slots=True)
class Sent:
    """How many rows had which verdict; ``problems`` the first that somebody should look at.

    ``before``: so many of them were taken before, as ``run`` says, and not written again.
    """

    rows: int
    counts: Counter[str] = field(default_factory=Counter)
    before: int = 0
    run: dict[str, Any] | None = None
    problems: list[dict[str, Any]] = field(default_factory=list)


MOST_PROBLEMS = 20
ERASED_SINCE = "erased_since"
"""What the registry says of a row that was taken before, and whose person is in it no more."""


def opened(file: Path) -> Sheet:
    """The file as a table.

    Raises:
        LookupError: it is none, in both languages.

    """
    try:
        return read_sheet(file.read_bytes())
    except Refusal as refused:
        raise LookupError(f"{refused.th} ({refused.en})") from None


async def send(
    client: httpx.AsyncClient, sheet: Sheet, wanted: Wanted, verdicts: TextIO,
    told: Callable[[int], None] = lambda _: None,
) -> Sent:  # fmt: skip
    """Send the whole file; ``verdicts`` gets a line for each row, ``told`` hears how many rows are done.

    Raises:
        LookupError: the registry refused a part, in its words; what was taken before stays taken.

    """
    table = csv.writer(verdicts)
    table.writerow(COLUMNS)
    sent = Sent(sheet.rows)
    body = wanted.body(sheet)
    parts = ({**body, "first_row": first, "rows": rows} for first, rows in sheet.parts(PART))
    async for answer in _in_order(client, parts):
        sent.before, sent.run = sent.before + answer["before"], answer["run"]
        for one in answer["items"]:
            table.writerow([one[name] for name in COLUMNS])
            sent.counts[ERASED_SINCE if one["code"] == ERASED_SINCE else one["verdict"]] += 1
            if one["code"] and len(sent.problems) < MOST_PROBLEMS:
                sent.problems.append(one)
        told(sum(sent.counts.values()))
    return sent


def taken_before(sent: Sent) -> str:
    """When and by whom the file was begun, where rows of it were taken before; else nothing."""
    if not sent.before or sent.run is None:
        return ""
    at, by = datetime.fromisoformat(sent.run["begun_at"]), sent.run["begun_by"].removeprefix("person:")
    return (
        f"นำเข้าไปแล้วเมื่อ {show_moment(at)} โดย {by}: ไม่ได้บันทึกซ้ำ {sent.before:,} แถว "
        f"(taken already on {show_moment(at, 'en')} by {by}: {sent.before:,} rows are not written again)"
    )


async def _in_order(client: httpx.AsyncClient, parts: Iterable[dict[str, Any]]) -> AsyncIterator[dict[str, Any]]:
    """The answers one after the other; the next part is read over there while this one is written."""
    waiting: deque[tuple[dict[str, Any], asyncio.Task[dict[str, Any]]]] = deque()
    try:
        for part in parts:
            waiting.append((part, asyncio.create_task(_part(client, part))))
            if len(waiting) == AT_ONCE:
                yield await _first(client, waiting)
        while waiting:
            yield await _first(client, waiting)
    finally:
        for _, task in waiting:
            task.cancel()


async def _first(
    client: httpx.AsyncClient, waiting: deque[tuple[dict[str, Any], asyncio.Task[dict[str, Any]]]]
) -> dict[str, Any]:
    part, task = waiting.popleft()
    try:
        return await task
    except RowsMissingError:  # it came before the one ahead of it, which is done by now
        return await _part(client, part)


async def _part(client: httpx.AsyncClient, body: dict[str, Any]) -> dict[str, Any]:
    for left in range(TRIES - 1, -1, -1):
        try:
            answer = await client.post("/v1/imports", json=body)
        except httpx.TransportError:
            if not left:
                raise LookupError(
                    "ทะเบียนไม่ตอบ ส่งไฟล์เดิมอีกครั้งเพื่อทำต่อ (the registry is away: send the file again to go on)"
                ) from None
        else:
            if answer.status_code == HTTPStatus.OK:
                said: dict[str, Any] = answer.json()
                return said
            if answer.status_code == HTTPStatus.CONFLICT and answer.json()["code"] == "rows_missing":
                raise RowsMissingError(refusal(answer))
            if answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR or not left:
                raise LookupError(refusal(answer))
        await asyncio.sleep(PAUSE_S)
    raise AssertionError("unreachable")


def _private(file: Path) -> BinaryIO:
    """Open for writing; nobody else on this machine may read it."""
    file.touch(mode=0o600)
    return file.open("wb")


def runs_on(file: Path) -> bool:
    """Whether the path is no file of its own but what something else reads: ``/dev/stdout``, a pipe."""
    folder = file.parent.resolve()
    return folder == DEVICES or folder.is_relative_to(PROCESSES) or (file.exists() and not file.is_file())


DEVICES, PROCESSES = Path("/dev"), Path("/proc")


async def download(
    client: httpx.AsyncClient, path: str, file: Path, params: Mapping[str, str | int] | None = None
) -> int:
    """A file of the registry, written as it comes, and there only when it is whole; returns how many bytes.

    What :func:`runs_on` is written into as it is.

    Raises:
        LookupError: the registry refused, in its words; nothing was written.

    """
    if runs_on(file):
        return await _written(client, path, params, lambda: file.open("ab"))
    part = file.with_name(f"{file.name}.part")
    try:
        size = await _written(client, path, params, lambda: _private(part))
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
    return size


async def _written(
    client: httpx.AsyncClient, path: str, params: Mapping[str, str | int] | None, opens: Callable[[], BinaryIO]
) -> int:
    size = 0
    async with client.stream("GET", path, params=params) as answer:
        if answer.is_error:
            await answer.aread()
            raise LookupError(refusal(answer))
        with opens() as out:
            async for chunk in answer.aiter_bytes():
                size += out.write(chunk)
    return size
