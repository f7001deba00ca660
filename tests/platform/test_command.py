"""The command ``karuna``: it calls itself so, and says of every word what it is."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import click
import typer

from karuna.main import app
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
