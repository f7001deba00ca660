"""Which screens there are and what each is for (``screens.toml``), and the page that shows them (``docs/screens.md``)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

from karuna.local import ROOT

TABLE = Path(__file__).with_name("screens.toml")
FOLDER = ROOT / "docs" / "pictures"
PAGE = ROOT / "docs" / "screens.md"
HEAD = """# หน้าจอทั้งหมด · Every screen

ภาพจากเมืองสมมติ คนในภาพไม่มีจริง ถ่ายใหม่ด้วย `make pictures`; กดที่ภาพเพื่อดูขนาดเต็ม หน้าที่ใช้บนมือถือกว้าง 360 px

An invented town, with nobody real in it; taken anew by `make pictures`. Press a picture to see it large. What is used on
a phone is 360 px wide.
"""


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture: who looks at what, and what it is for. ``path`` may hold ``{call}``: an id of the town."""

    path: str
    login: str | None
    role: str
    phone: bool
    lang: str
    th: str
    en: str

    @property
    def screen(self) -> str:
        """The address without what is asked of it."""
        return self.path.partition("?")[0]

    @property
    def file(self) -> str:
        """``/board/wall`` is ``board-wall.webp``, and in English ``board-wall-en.webp``."""
        name = re.sub(r"[^a-z]+", "-", self.screen).strip("-")
        return f"{name}{'' if self.lang == 'th' else '-en'}.webp"


def sections() -> Iterator[tuple[str, list[Shot]]]:
    """Each heading with its pictures, in the table's order."""
    for section in tomllib.loads(TABLE.read_text("utf-8"))["section"]:
        yield (
            f"{section['th']} · {section['en']}",
            [
                Shot(
                    path, each.get("who"), each.get("role", ""), each.get("phone", False), lang, each["th"], each["en"]
                )
                for path, each in section["screens"].items()
                for lang in (("th", "en") if each.get("english") else ("th",))
            ],
        )


def shots() -> list[Shot]:
    return [shot for _, group in sections() for shot in group]


def page() -> str:
    """``docs/screens.md``: a picture, its address and its line, in the order of the table."""
    return "\n".join([HEAD, *(_part(heading, group) for heading, group in sections())])


def _part(heading: str, group: list[Shot]) -> str:
    rows = "\n".join(_row(shot) for shot in group)
    return f"## {heading}\n\n| ภาพ · picture | หน้าจอ · screen |\n|---|---|\n{rows}\n"


def _row(shot: Shot) -> str:
    wide = 180 if shot.phone else 420
    picture = f'<img src="pictures/{shot.file}" width="{wide}" alt="{escape(shot.th)}">'
    return f"| [{picture}](pictures/{shot.file}) | `{shot.screen}`<br>{shot.th}<br>{shot.en} |"
