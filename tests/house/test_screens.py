"""Every screen of the console has its picture and its line in ``docs/screens.md``, small enough to keep with the code."""

from __future__ import annotations

import re

from tests.browser.screens import FOLDER, PAGE, page, shots
from tests.browser.test_every_screen import screens
from tests.console.test_roles import routes

MOST_BYTES = 4_000_000
NO_SCREENS = re.compile(
    r"/(static|live|map/|language|gallery|favicon|sw\.js|tokens\.json)|\.(js|json|csv)$|"
    r"^/(board/units|board/strip|crew/state|visits/state|desk/ringing|desk/writing|desk/live|desk/marks|desk/trees|desk/worker\.js)?$"
)
"""Parts of a screen, files, the designer's own pages; ``/`` leads on to a screen."""


def places() -> set[str]:
    """The addresses of all screens: those the browser walks through, and every other that needs no id."""
    declared = {path for method, path in routes() if method == "GET" and "{" not in path}
    return {path for path in declared if not NO_SCREENS.search(path)} | {path for _, path in screens()}


def test_every_screen_has_its_picture_and_its_line_in_both_languages() -> None:
    assert places() - {shot.screen for shot in shots()} == set(), "write it into tests/browser/screens.toml"
    assert [shot.path for shot in shots() if not (shot.th and shot.en)] == []
    kept = {file.name for file in FOLDER.iterdir()}
    assert kept == {shot.file for shot in shots()}, "`make pictures` takes what is missing and drops what is left over"
    assert PAGE.read_text("utf-8") == page(), "`make pictures` writes it"


def test_two_screens_have_not_one_picture_and_all_are_small() -> None:
    files = [shot.file for shot in shots()]
    assert len(files) == len(set(files))
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) <= MOST_BYTES
