"""The municipalities this console knows: their packs, read once."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from fastapi import Request

from services.console.web import settings
from shared.pack_parts import Pack
from shared.packs import PackError, load_all


@cache
def packs(folder: Path) -> dict[str, Pack]:
    """Every municipality's pack by its slug; none where they cannot be read."""
    try:
        return load_all(folder)
    except (PackError, OSError):
        return {}


def town_of(request: Request, area: str | None) -> Pack | None:
    """The pack of a municipality; None where there is no such one."""
    return packs(settings(request).areas_dir).get(area or "")
