"""The sounds of the board, made by arithmetic: ``.venv/bin/python -m services.console.sounds`` writes the files.

Each severity has a rhythm of its own, so that one knows without looking: red three high pairs, pink two pairs,
yellow two tones, green one, the alarm a two-tone siren.
"""

from __future__ import annotations

import math
import wave
from itertools import chain
from pathlib import Path

FOLDER = Path(__file__).parent / "static" / "sounds"
RATE = 11_025
FADE_S = 0.008
Note = tuple[float, float]
"""Frequency in Hz (0: silence) and length in s."""

PAIR: tuple[Note, ...] = ((1175, 0.09), (0, 0.04), (1480, 0.12), (0, 0.10))
PATTERNS: dict[str, tuple[Note, ...]] = {
    "red": PAIR * 3,
    "pink": ((988, 0.12), (0, 0.05), (1245, 0.14), (0, 0.16)) * 2,
    "yellow": ((784, 0.16), (0, 0.08), (988, 0.22)),
    "green": ((659, 0.22),),
    "alarm": ((880, 0.22), (622, 0.22)) * 3,
}


def samples(pattern: tuple[Note, ...]) -> bytes:
    """8-bit mono; every note fades in and out, so that it does not click."""
    return bytes(chain.from_iterable(_note(*note) for note in pattern))


def _note(frequency: float, length_s: float) -> list[int]:
    count = int(length_s * RATE)
    made = []
    for n in range(count):
        edge = min(n, count - n) / (FADE_S * RATE)
        loud = 0.8 * min(1.0, edge) if frequency else 0.0
        angle = 2 * math.pi * frequency * n / RATE
        made.append(round(128 + 127 * loud * (0.8 * math.sin(angle) + 0.2 * math.sin(2 * angle))))
    return made


def write(folder: Path = FOLDER) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, pattern in PATTERNS.items():
        with wave.open(str(folder / f"{name}.wav"), "wb") as file:
            file.setparams((1, 1, RATE, 0, "NONE", "not compressed"))
            file.writeframes(samples(pattern))


if __name__ == "__main__":
    write()
