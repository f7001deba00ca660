"""Where a backup may lie, and that it is looked at as a whole before anything is restored."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from typer.testing import CliRunner

from karuna import manifest
from karuna.backup import InsideHome, backup
from karuna.main import app


@pytest.mark.parametrize("inside", [".", "backup", "data/backups/today", "../var/backup", "link/backup"])
async def test_a_backup_does_not_lie_in_what_it_saves(tmp_path: Path, inside: str) -> None:
    home = tmp_path / "var"
    (home / "data").mkdir(parents=True)
    (home / "link").symlink_to(home / "data")
    local = cast("Any", SimpleNamespace(home=SimpleNamespace(path=home)))
    with pytest.raises(InsideHome, match=r"สำรอง.*backup"):
        await backup(local, home / inside)
    assert sorted(path.name for path in home.iterdir()) == ["data", "link"]
    assert list((home / "data").iterdir()) == []


def saved(folder: Path, figures: dict[str, str]) -> Path:
    for name in manifest.NEEDED:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"what is in {name}") if "." in name else (folder / name).mkdir()
    (folder / "keys" / "audit-intake.key").write_text("signs")
    (folder / manifest.FIGURES).write_text(json.dumps(figures))
    return folder


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)


DAMAGES: tuple[tuple[str, Callable[[Path], Any], str], ...] = (
    ("keys/field.key", Path.unlink, "ไม่มี (missing)"),
    ("keys/audit-intake.key", Path.unlink, "ไม่มี (missing)"),
    ("figures.json", Path.unlink, "ไม่มี (missing)"),
    ("registry.dump", Path.unlink, "ไม่มี (missing)"),
    ("manifest.json", Path.unlink, "ไม่มี (missing)"),
    ("manifest.json", lambda path: path.write_text("{"), "อ่านไม่ได้ (cannot be read)"),
    ("intake.dump", flip, "เนื้อหาไม่ตรง (other contents)"),
    ("keys/field.key", flip, "เนื้อหาไม่ตรง (other contents)"),
    ("intake.dump", lambda path: path.write_text(""), "ขนาดไม่ตรง (another size)"),
)


@pytest.mark.parametrize(("name", "damage", "what"), DAMAGES)
def test_a_damaged_backup_is_refused_by_name_before_the_first_act(
    tmp_path: Path, name: str, damage: Callable[[Path], Any], what: str
) -> None:
    folder = saved(tmp_path / "backup", {"manifest": manifest.MANIFEST})
    manifest.write(folder)
    assert manifest.check(folder) is True
    damage(folder / name)
    done = CliRunner().invoke(app, ["restore", str(folder), "--home", str(tmp_path / "home")])
    assert done.exit_code == 1
    assert f"{name}: {what}" in str(done.exception)
    assert not (tmp_path / "home").exists()


def test_a_backup_of_before_has_no_digests_and_yet_no_key_may_be_missing(tmp_path: Path) -> None:
    folder = saved(tmp_path / "backup", {})
    assert manifest.check(folder) is False
    (folder / "keys" / "field.key").unlink()
    with pytest.raises(manifest.Damaged, match=r"keys/field\.key"):
        manifest.check(folder)
