"""What a template may say, and what each answer is called on a button.

Names, numbers and times only. Whoever wants another word in a message adds it here, and the linter's list of what
never stands in a message decides whether it may be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from shared.codes.codes import code_list
from shared.events.words import Answer
from shared.refusal import Refusal
from shared.thai.areas import area
from shared.thai.dates import show_day, show_moment
from shared.thai.text import Lang, Text

EXERCISE = Text(th="[ฝึกซ้อม] ", en="[EXERCISE] ")

SEVERITIES = {
    "red": Text(th="ระดับแดง", en="red"),
    "pink": Text(th="ระดับชมพู", en="pink"),
    "yellow": Text(th="ระดับเหลือง", en="yellow"),
    "green": Text(th="ระดับเขียว", en="green"),
    "white": Text(th="ระดับขาว", en="white"),
    "black": Text(th="ระดับดำ", en="black"),
}

BUTTONS = {
    Answer.ACCEPT: Text(th="รับงาน", en="Accept"),
    Answer.DECLINE: Text(th="ไม่รับงาน", en="Decline"),
    Answer.EN_ROUTE: Text(th="ออกจากฐาน", en="En route"),
    Answer.AT_SCENE: Text(th="ถึงที่เกิดเหตุ", en="At scene"),
    Answer.LEFT_SCENE: Text(th="ออกจากที่เกิดเหตุ", en="Left scene"),
    Answer.AT_DESTINATION: Text(th="ถึงปลายทาง", en="At destination"),
    Answer.CLEAR: Text(th="ว่าง", en="Clear"),
    Answer.AT_BASE: Text(th="ถึงฐาน", en="At base"),
    Answer.READY: Text(th="พร้อมกลับ", en="Ready to go back"),
    Answer.SEEN: Text(th="ทราบแล้ว", en="Seen"),
}
"""At most 20 characters, as LINE asks."""


TAMBON = Text(th="ต.{name}", en="Tambon {name}")
HOMEWARD = Text(th="ขากลับ", en="the way home")
ON_THE_WAY = Text(th="รับเพิ่มระหว่างทาง", en="one more on your way")


@dataclass(frozen=True, slots=True)
class Facts:
    """What a message may be about. Instants are aware; absent things are None."""

    number: str | None = None
    tracking_code: str | None = None
    first_name: str | None = None
    severity: str | None = None
    pickup_at: datetime | None = None
    appointment_at: datetime | None = None
    shift_at: datetime | None = None
    certificate: str | None = None
    """A code of the list ``skill``."""
    last_on: date | None = None
    risks: tuple[tuple[str, str], ...] = ()
    """Codes of the lists ``risk_kind`` and ``risk_level``."""
    task: str | None = None
    """A code of the list ``task_kind``."""
    tambon: str | None = None
    """The code of where a call is: crews are told its name, and never more of where somebody lives."""
    homeward: bool = False
    """The ride ends there, and does not begin."""
    on_the_way: bool = False
    """One more rider for a tour that has begun."""


def words(facts: Facts, lang: Lang, *, brand: Text, short_number: str, exercise: bool) -> dict[str, str]:
    """The words of a template in one language; what is absent is empty."""
    severity = SEVERITIES.get(facts.severity or "")
    return {
        "brand": brand.say(lang),
        "short_number": short_number,
        "exercise": EXERCISE.say(lang) if exercise else "",
        "number": facts.number or "",
        "tracking_code": facts.tracking_code or "",
        "first_name": facts.first_name or "",
        "severity": severity.say(lang) if severity else "",
        "pickup_at": show_moment(facts.pickup_at, lang) if facts.pickup_at else "",
        "appointment_at": show_moment(facts.appointment_at, lang) if facts.appointment_at else "",
        "shift_at": show_moment(facts.shift_at, lang) if facts.shift_at else "",
        "certificate": code_list("skill").label(facts.certificate, lang) if facts.certificate else "",
        "on_the_way": ON_THE_WAY.say(lang) if facts.on_the_way else "",
        "place": _place(facts.tambon, lang),
        "homeward": HOMEWARD.say(lang) if facts.homeward else "",
        "risk": _risk(facts.risks, lang),
        "danger": code_list("risk_kind").label(facts.risks[0][0], lang) if facts.risks else "",
        "task": code_list("task_kind").label(facts.task, lang) if facts.task else "",
        "last_day": show_day(facts.last_on, lang, "short") if facts.last_on else "",
    }


def _place(tambon: str | None, lang: Lang) -> str:
    """The name of a tambon; nothing where nobody knows it: an order is not held up for want of a name."""
    try:
        return TAMBON.say(lang).format(name=area(tambon).name(lang)) if tambon else ""
    except Refusal:
        return ""


def _risk(risks: Sequence[tuple[str, str]], lang: Lang) -> str:
    kinds, levels = code_list("risk_kind"), code_list("risk_level")
    return ", ".join(f"{kinds.label(kind, lang)} ({levels.label(level, lang)})" for kind, level in risks)


WORDS = frozenset(words(Facts(), "th", brand=EXERCISE, short_number="", exercise=False))
"""The names a template may use."""
