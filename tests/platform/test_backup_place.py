"""Where a backup may lie."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from karuna.backup import InsideHome, backup


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
