"""Shares over minutes as an SVG: the higher a line, the sooner.

Forty lines of text that open in every browser; a plotting library would be the largest part of the installation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

COLOURS = ("#0b5394", "#b45f06", "#38761d", "#741b47")
WIDE, HIGH, LEFT, TOP = 760, 420, 60, 40


@dataclass(frozen=True, slots=True)
class Curve:
    """``seconds``: when each of ``of`` was reached; who never was is missing in them."""

    name: str
    seconds: Sequence[float]
    of: int
    colour: str
    dash: str = ""


def drawn(
    curves: Sequence[Curve], *, about: str, heading: str, latest_s: float, every_min: int, limits_s: Sequence[float],
    margin: int,
) -> str:  # fmt: skip
    """The plot up to ``latest_s``; a mark every ``every_min`` minutes, a red line at each limit.

    ``margin``: pixels for the names at the right.
    """
    bottom, right = TOP + HIGH, LEFT + WIDE
    box = f'viewBox="0 0 {right + margin} {bottom + 50}" font-family="Sarabun, sans-serif" font-size="14"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {box}>',
        f"<title>{escape(about)}</title>",
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<text x="{LEFT}" y="20">{escape(heading)}</text>',
    ]
    for minute in range(0, int(latest_s // 60) + 1, every_min):
        x = LEFT + WIDE * minute * 60 / latest_s
        parts.append(f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{bottom}" stroke="#ddd"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 20}" text-anchor="middle">{minute}</text>')
    for percent in range(0, 101, 20):
        y = bottom - HIGH * percent / 100
        parts.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 5:.1f}" text-anchor="end">{percent}%</text>')
    for limit_s in limits_s:
        x = LEFT + WIDE * limit_s / latest_s
        parts.append(f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{bottom}" stroke="#c00" stroke-dasharray="6 4"/>')
    for number, curve in enumerate(curves):
        parts += _line(curve, number, latest_s)
    return "\n".join([*parts, "</svg>", ""])


def _line(curve: Curve, number: int, latest_s: float) -> list[str]:
    known = sorted(each for each in curve.seconds if each <= latest_s)
    dots = " ".join(
        f"{LEFT + WIDE * each / latest_s:.1f},{TOP + HIGH - HIGH * (rank + 1) / max(1, curve.of):.1f}"
        for rank, each in enumerate(known)
    )
    y, right = TOP + 20 + 24 * number, LEFT + WIDE
    stroke = f'fill="none" stroke="{curve.colour}" stroke-width="2.5" stroke-dasharray="{curve.dash}"'
    return [
        f'<polyline points="{dots}" {stroke}/>',
        f'<line x1="{right + 10}" y1="{y - 5}" x2="{right + 45}" y2="{y - 5}" {stroke}/>',
        f'<text x="{right + 52}" y="{y}">{escape(curve.name)}</text>',
    ]
