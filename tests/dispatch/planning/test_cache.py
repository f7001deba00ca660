"""Compiled kernels are kept by their text: no file that is compiled may change without the folder's name."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from services.dispatch.engine import cache

KERNEL = re.compile(r"^@(compiled|door)$|^def (compiled|door)\(", re.MULTILINE)


def test_every_file_with_a_kernel_counts() -> None:
    compiled = {path.name for path in cache.PLANNING.glob("*.py") if KERNEL.search(path.read_text())}
    assert compiled == set(cache.KERNELS)


@pytest.mark.parametrize("name", cache.KERNELS)
def test_another_text_has_another_folder(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for each in cache.KERNELS:
        shutil.copy(cache.PLANNING / each, tmp_path / each)
    monkeypatch.setattr(cache, "PLANNING", tmp_path)
    before = cache.folder(tmp_path / "kept")
    assert before == cache.folder(tmp_path / "kept")
    with (tmp_path / name).open("a") as file:
        file.write("\n")
    assert cache.folder(tmp_path / "kept") != before
