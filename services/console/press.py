"""The press: PDF in Sarabun, shaped by HarfBuzz, so that Thai vowels and tone marks stand where they belong.

A program of its own (``python -m services.console.press``; what to print as JSON in, the PDF out), see ``paper.py``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import orjson
from fpdf import FPDF
from fpdf.enums import TableCellFillMode
from fpdf.fonts import FontFace

from services.console.paper import Table

FONTS = Path(__file__).parent / "fonts"
FACE = "Sarabun"


class _Sheet(FPDF):
    foot = ""

    def footer(self) -> None:
        self.set_y(-12)
        self.set_font(FACE, size=8)
        self.cell(0, 6, f"{self.foot} · {self.page_no()}/{{nb}}", align="C")


def pdf(title: str, lines: Sequence[str], tables: Sequence[Table], foot: str, lang: str) -> bytes:
    """One A4 document, landscape where a table is wide."""
    wide = any(len(table.head) > 6 for table in tables)  # noqa: PLR2004 more do not fit upright
    sheet = _Sheet(orientation="landscape" if wide else "portrait", format="A4")
    sheet.foot = foot
    sheet.set_title(title)
    sheet.set_lang("th" if lang == "th" else "en")
    sheet.add_font(FACE, fname=str(FONTS / "sarabun-400.ttf"))
    sheet.add_font(FACE, style="B", fname=str(FONTS / "sarabun-600.ttf"))
    sheet.set_text_shaping(use_shaping_engine=True, script="thai", language="tha")
    sheet.set_margins(14, 14)
    sheet.set_auto_page_break(auto=True, margin=16)
    sheet.add_page()
    sheet.set_font(FACE, style="B", size=18)
    sheet.multi_cell(0, 10, title, new_x="LMARGIN", new_y="NEXT")
    sheet.set_font(FACE, size=11)
    for line in lines:
        sheet.multi_cell(0, 6, line, align="L", new_x="LMARGIN", new_y="NEXT")
    for table in tables:
        sheet.ln(4)
        _draw(sheet, table)
    return bytes(sheet.output())


def _draw(sheet: FPDF, table: Table) -> None:
    if table.title:
        sheet.set_font(FACE, style="B", size=12)
        sheet.multi_cell(0, 8, table.title, new_x="LMARGIN", new_y="NEXT")
    sheet.set_font(FACE, size=10)
    align = tuple("RIGHT" if place in table.numbers else "LEFT" for place in range(len(table.head)))
    with sheet.table(
        headings_style=FontFace(emphasis="BOLD", fill_color=(230, 236, 241)), text_align=align, line_height=6,
        cell_fill_mode=TableCellFillMode.ROWS, cell_fill_color=(247, 249, 251), borders_layout="HORIZONTAL_LINES",
    ) as grid:  # fmt: skip
        for cells in (table.head, *table.rows):
            row = grid.row()
            for cell in cells:
                row.cell(cell)


def main() -> None:
    asked = orjson.loads(sys.stdin.buffer.read())
    tables = [Table(**{**table, "numbers": frozenset(table["numbers"])}) for table in asked.pop("tables")]
    sys.stdout.buffer.write(pdf(tables=tables, **asked))


if __name__ == "__main__":
    main()
