"""Why this unit, and what is missing: codes as sentences in Thai and English. ``{}`` is the figure beside the code."""

from __future__ import annotations

from collections.abc import Mapping

REASONS: Mapping[str, tuple[str, str]] = {
    "eta": ("ถึงใน {0:.0f} วินาที", "there in {0:.0f} s"),
    "idle": ("ว่าง", "idle"),
    "on_the_way_home": ("ว่าง กำลังกลับฐาน", "free, on its way home"),
    "coverage": (
        "ถ้าไป พื้นที่ที่เหลือเสียการคุ้มครองร้อยละ {0:.1f} ของทั้งหมด",
        "the rest of the town loses {0:.1f} % of its coverage",
    ),
    "coverage_kept": ("ไกลกว่า แต่พื้นที่ที่เหลือเสียน้อยกว่า", "further away, but the rest of the town loses less"),
    "taken": (
        "กำลังไปเหตุที่เร่งด่วนน้อยกว่า ย้ายมาเมื่อเร็วขึ้นอย่างน้อย {0:.0f} วินาที",
        "on its way to something less urgent; taken where that saves {0:.0f} s at least",
    ),
    "below_level": ("ระดับต่ำกว่าที่ต้องการ {0:.0f} ขั้น", "{0:.0f} level(s) below the one wanted"),
    "straight_line": (
        "เวลาเดินทางประมาณจากเส้นตรง ไม่ใช่เส้นทางถนนจริง", "travel time is a straight-line estimate, not a road time",
    ),
}  # fmt: skip
SHORTFALLS: Mapping[str, tuple[str, str]] = {
    "no_units": ("ไม่ได้ระบุหน่วยใดเลย", "no units were named"),
    "nobody_free": ("ไม่มีหน่วยว่าง", "no unit is free"),
    "free_next": ("หน่วย {1} จะว่างก่อนใครในอีก {0:.0f} วินาที", "unit {1} is the first to be free, in {0:.0f} s"),
    "no_way": ("ไม่มีเส้นทางถึงจุดเกิดเหตุจากหน่วยใด", "no unit has a way to the place"),
    "level": ("ไม่มีหน่วยว่างในระดับ {1}", "no unit of level {1} is free"),
}


def say(table: Mapping[str, tuple[str, str]], code: str, figure: float = 0.0, word: str = "") -> dict[str, str]:
    """``{code, th, en}``."""
    th, en = table[code]
    return {"code": code, "th": th.format(figure, word), "en": en.format(figure, word)}
