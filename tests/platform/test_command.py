"""The command ``karuna``: it calls itself so, and says of every word what it is."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import pytest
import typer
from typer.testing import CliRunner

from karuna import main
from karuna.main import app
from karuna.subscribers import Subscribers, UnknownSubscriber
from tests.patience import PATIENCE_S

OF_TYPER = {"help", "install_completion", "show_completion"}


def commands(of: click.Command, path: str = "karuna") -> Iterator[tuple[str, click.Command]]:
    yield path, of
    for name, each in getattr(of, "commands", {}).items():
        yield from commands(each, f"{path} {name}")


def test_every_command_argument_and_option_says_what_it_is() -> None:
    found = dict(commands(typer.main.get_command(app)))
    silent = [path for path, each in found.items() if not each.help]
    for path, each in found.items():
        silent += [
            f"{path} {one.name}" for one in each.params if one.name not in OF_TYPER and not getattr(one, "help", "")
        ]
    assert silent == []
    assert len(found) > 30, "all of them were looked at"


def test_the_usage_names_the_command_that_was_typed() -> None:
    asked = [sys.executable, "-m", "karuna", "streams", "rebuild", "--help"]
    said = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=2 * PATIENCE_S).stdout
    assert "Usage: karuna streams rebuild" in said


def test_a_message_keeps_its_square_brackets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    message = "ไม่พบเรื่องเลขที่ [red]KLS[/red] ^[a-z][a-z0-9-]{1,30}$ [/]"

    def fails(**_: Any) -> None:
        raise LookupError(message)

    monkeypatch.setattr(main, "app", fails)
    monkeypatch.setattr(main.signal, "signal", lambda *_: None)
    with pytest.raises(SystemExit):
        main.main()
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("act", ["remove", "replay"])
def test_an_unknown_subscriber_is_told_in_words(act: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["subscriber", act, "nosuch", "--home", str(tmp_path)])
    assert isinstance(done.exception, UnknownSubscriber)
    assert "ไม่มีผู้รับชื่อ nosuch" in main._in_words(done.exception)
    assert "there is no subscriber nosuch" in main._in_words(done.exception)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--allow", "karuna.>"), "--allow: 'karuna.>' คือทุกเทศบาล"),
        (("--allow", "karuna.kalasinn.dispatch.>"), "--allow: ไม่มีเทศบาลรหัส 'kalasinn' มี: kalasin, sample"),
        (("--ask", "kalasin/registry/nosuch"), "--ask: registry ไม่ตอบคำถาม 'nosuch' มี: codes, persons_search"),
        (("--ask", "kalasin/registry"), "(is to be written as) AREA/SERVICE/QUESTION"),
    ],
)
def test_what_nobody_can_be_granted_is_refused_before_anything_is_made(
    options: tuple[str, str], said: str, tmp_path: Path
) -> None:
    done = CliRunner().invoke(app, ["subscriber", "add", "demo", *options, "--home", str(tmp_path)])
    assert done.exit_code, done.output
    assert said in " ".join(done.output.replace("│", " ").split())
    assert not list(tmp_path.glob("subscribers/demo*"))


@pytest.mark.parametrize("text", ["2026-11-23T22:00:00", "2026-11-23T22:00:00Z"])
def test_a_time_without_a_zone_is_utc_as_the_help_says(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[datetime | None] = []

    async def replay(_: Subscribers, name: str, start: datetime | None) -> dict[str, int]:
        asked.append(start)
        return {name: 1}

    monkeypatch.setattr(Subscribers, "replay", replay)
    done = CliRunner().invoke(app, ["subscriber", "replay", "demo", "--from", text, "--home", str(tmp_path)])
    assert (done.exit_code, asked) == (0, [datetime(2026, 11, 23, 22, tzinfo=UTC)]), done.output
