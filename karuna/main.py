"""The command ``karuna``: everything an operator does by hand. Its words are in ``karuna/cli``, a noun a file; each is

a thin door to one module.
"""

from __future__ import annotations

import signal
import sys
from http import HTTPStatus

import asyncpg
import httpx
import typer
from nats.errors import Error as NatsError
from rich.console import Console
from rich.markup import escape

from karuna.cli import (
    account,
    audit,
    containers,
    dead_letters,
    keeping,
    keys,
    maps,
    plan,
    playing,
    registry,
    streams,
    subscriber,
    system,
)

app = typer.Typer(
    help="ชุมชนกรุณา: คำสั่งของผู้ดูแลระบบ (the operator's commands)", no_args_is_help=True, pretty_exceptions_enable=False
)
for plain in (system, keeping, playing):
    app.add_typer(plain.app)
for name, noun in {
    "account": account, "audit": audit, "containers": containers, "dead-letters": dead_letters, "keys": keys,
    "map": maps, "plan": plan, "registry": registry, "streams": streams, "subscriber": subscriber,
}.items():  # fmt: skip
    app.add_typer(noun.app, name=name)


def _in_words(problem: Exception) -> str:
    if isinstance(problem, httpx.ConnectError):
        return "ระบบไม่ได้เปิดอยู่ เปิดด้วย make run หรือ karuna up (nothing answers: start it with make run or karuna up)"
    if isinstance(problem, httpx.HTTPStatusError) and problem.response.status_code == HTTPStatus.UNAUTHORIZED:
        return (
            "บริการที่ตอบไม่รู้จักโทเคนของที่นี่ อาจเป็นระบบของโฟลเดอร์อื่น ดู karuna url "
            "(what answers does not know this installation's token: another copy's? see karuna url)"
        )
    if isinstance(problem, FileExistsError):
        return f"มีอยู่แล้ว ไม่เขียนทับ (it exists and is not overwritten): {problem.filename}"
    if isinstance(problem, FileNotFoundError):
        return f"ไม่พบไฟล์หรือโฟลเดอร์ (no such file or folder): {problem.filename or problem}"
    if isinstance(problem, RuntimeError | LookupError) and problem.args:
        return str(problem.args[0])
    return f"{type(problem).__name__}: {problem}"


def main() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        app(prog_name="karuna")
    except (RuntimeError, LookupError, OSError, asyncpg.PostgresError, httpx.HTTPError, NatsError) as problem:
        Console(stderr=True, soft_wrap=True).print(
            f"[bold red]ไม่สำเร็จ (failed)[/]: {escape(_in_words(problem))}", highlight=False
        )
        sys.exit(1)
