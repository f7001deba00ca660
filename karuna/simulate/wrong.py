"""What is wrong with a file somebody gave us: in Thai and English, with file and line."""

from __future__ import annotations

from pathlib import Path


class FileProblem(ValueError):
    """What cannot be used, where it stands, and why, in both languages. ``line`` counts from 1; 0 is the file."""

    def __init__(self, file: Path | str, line: int, th: str, en: str) -> None:
        self.file, self.line, self.th, self.en = str(file), line, th, en
        where = f"{file}:{line}" if line else str(file)
        super().__init__(f"{where}: {th} ({en})")


class Wrong(ValueError):
    """A value that cannot be right, in both languages."""

    def __init__(self, th: str, en: str) -> None:
        self.th, self.en = th, en
        super().__init__(f"{th} ({en})")
