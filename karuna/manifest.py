"""What a backup consists of: size and sha256 of every file, written last and looked at before anything is restored.

``manifest.json``: ``{file: {"size": bytes, "sha256": hex}}``. A backup of before has none; its figures do not name it.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from karuna.platform.files import write_private
from shared.streams import LISTENERS

MANIFEST = "manifest.json"
FIGURES = "figures.json"
NEEDED = (
    FIGURES,
    *(f"{service}.dump" for service in LISTENERS),
    *(f"keys/{name}" for name in ("field.key", "issuer.pem", "operator.seed", "KARUNA.seed", "KARUNA-signing.seed")),
    "subscribers",
)
"""Without these a restore fails halfway, or makes a new key under the number of the one that sealed every name."""
_HOW_WRONG = {
    "missing": "ไม่มี (missing)",
    "unreadable": "อ่านไม่ได้ (cannot be read)",
    "size": "ขนาดไม่ตรง (another size)",
    "sha256": "เนื้อหาไม่ตรง (other contents)",
}


class Damaged(RuntimeError):
    """The backup is not as it was made; the message names each file and what is the matter with it."""

    def __init__(self, wrong: dict[str, str]) -> None:
        files = "; ".join(f"{name}: {_HOW_WRONG[what]}" for name, what in sorted(wrong.items()))
        super().__init__(
            "ข้อมูลสำรองไม่ครบหรือเสียหาย ยังไม่ได้คืนอะไรเลย ให้ใช้ชุดอื่น "
            f"(the backup is incomplete or damaged, nothing was restored: use another one): {files}"
        )


def write(folder: Path) -> None:
    """Write down every file that lies in ``folder``."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    told = {path.relative_to(folder).as_posix(): _told(path) for path in files}
    write_private(folder / MANIFEST, json.dumps(told, indent=1))


def check(folder: Path) -> bool:
    """Look at the whole backup. False: one of before, of which only can be said that nothing needed is missing.

    Raises:
        Damaged: a file is missing, or is not the one that was saved.

    """
    wrong = {name: "missing" for name in NEEDED if not (folder / name).exists()}
    if wrong:
        raise Damaged(wrong)
    listed = (folder / MANIFEST).exists()
    if not listed and _read(folder, FIGURES).get("manifest"):
        raise Damaged({MANIFEST: "missing"})
    told = _read(folder, MANIFEST) if listed else {}
    found = {name: _wrong(folder / name, one) for name, one in told.items()}
    if wrong := {name: what for name, what in found.items() if what}:
        raise Damaged(wrong)
    return listed


def _read(folder: Path, name: str) -> dict[str, Any]:
    try:
        read = json.loads((folder / name).read_text("utf-8"))
    except ValueError:
        raise Damaged({name: "unreadable"}) from None
    if not isinstance(read, dict):
        raise Damaged({name: "unreadable"})
    return read


def _told(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return {"size": path.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def _wrong(path: Path, told: dict[str, Any]) -> str | None:
    """Which of ``_HOW_WRONG``; None where the file is the one that was saved."""
    if not path.is_file():
        return "missing"
    now = _told(path)
    return next((what for what in ("size", "sha256") if now[what] != told.get(what)), None)
