"""Files of other people: exactly those listed, exactly as listed, each with a licence that may be given on."""

from __future__ import annotations

from pathlib import Path

import pytest

from karuna.vendor import FOLDERS, packages, wrong

MAY_BE_GIVEN_ON = {"0BSD", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MPL-2.0", "OFL-1.1"}
SERVED = FOLDERS[0]
ADDRESS = b"://unpkg", b"://cdn.", b"://fonts.g"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parent.name)
def test_every_file_is_listed_and_unchanged(folder: Path) -> None:
    assert wrong(folder) == []


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parent.name)
def test_every_package_has_its_licence_beside_it(folder: Path) -> None:
    for package in packages(folder):
        assert package.licence in MAY_BE_GIVEN_ON, package.name
        texts = [folder / file.to for file in package.files if file.to.startswith("licences/")]
        assert texts, package.name
        assert all(len(text.read_bytes()) > 400 for text in texts), package.name


def test_a_changed_a_missing_and_an_unlisted_file_are_seen(tmp_path: Path) -> None:
    listed = SERVED / "licences"
    (tmp_path / "vendor.toml").write_text(
        '[[package]]\nname = "x"\nversion = "1.0.0"\nlicence = "MIT"\nfiles = [\n'
        f'  {{ from = "a", to = "a", sha256 = "{"0" * 64}" }},\n  {{ from = "b", to = "b", sha256 = "" }},\n]\n'
    )
    (tmp_path / "a").write_bytes(next(listed.iterdir()).read_bytes())
    (tmp_path / "c").write_text("")
    assert [sentence.split(":")[0] for sentence in wrong(tmp_path)] == ["c", "b", "a"]


def test_what_is_served_stays_small_and_asks_no_other_house() -> None:
    assert sum(path.stat().st_size for path in SERVED.rglob("*") if path.is_file()) < 500_000
    for path in [*SERVED.rglob("*.js"), *SERVED.rglob("*.css")]:
        assert not any(address in path.read_bytes() for address in ADDRESS), path.name
