"""What the documents say of the code is so."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.harness import ROOT

STATION = re.compile(r"`([a-z_/]+\.py)` · `(\w+)`")
MENTIONED = re.compile(r"`((?:services|shared|karuna|tests|examples|deploy|docs)/[\w/.-]+\.\w+)`")
LINKED = re.compile(r"\]\((?!https?://)([^)#]+)")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("docs/decisions/*.md")])


def test_the_way_of_a_call_leads_through_eight_files_that_do_what_is_said() -> None:
    text = (ROOT / "docs" / "way-of-a-call.md").read_text("utf-8")
    stations = STATION.findall(text)
    assert len(stations) == 8
    for file, name in stations:
        code = (ROOT / file).read_text("utf-8")
        assert re.search(rf"^(async def|def|class) {name}\b", code, re.MULTILINE), (file, name)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_files_that_documents_name_exist(document: Path) -> None:
    text = document.read_text("utf-8")
    named = {ROOT / name for name in MENTIONED.findall(text) if "<" not in name and "*" not in name}
    linked = {(document.parent / name).resolve() for name in LINKED.findall(text)}
    missing = [str(path.relative_to(ROOT)) for path in named | linked if not path.exists()]
    assert missing == []


@pytest.mark.parametrize("page", sorted(ROOT.glob("docs/decisions/*.md")), ids=lambda path: path.name)
def test_decisions_give_context_and_decision(page: Path) -> None:
    text = page.read_text("utf-8")
    assert "**Context.**" in text
    assert "**Decision.**" in text


def test_nothing_tracked_names_this_machine_or_a_package_registry() -> None:
    forbidden = f"{ROOT.parent}/|/home/[a-z]+/|--(extra-)?index-url|--find-link|/simple/"
    allowed = (":!tests/house/test_documents.py",)
    found = subprocess.run(
        ["git", "grep", "-nIE", "-e", forbidden, "--", ".", *allowed],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.stdout == ""
