"""May this unit go? Either nothing is missing, or the list of what is, with codes and in Thai and English."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from services.dispatch.rules.requirements import Demand, Requirements
from shared.codes.codes import code_list
from shared.geo import Point
from shared.thai.dates import local_day
from shared.thai.text import Text

IMPLIED_SKILLS: Mapping[str, frozenset[str]] = {
    "paramedic": frozenset({"aemt", "emt_b", "first_aid", "oxygen", "suction"}),
    "nurse": frozenset({"emt_b", "first_aid", "oxygen", "suction", "infection_control"}),
    "aemt": frozenset({"emt_b", "first_aid", "oxygen", "suction"}),
    "emt_b": frozenset({"first_aid", "oxygen"}),
    "emergency_driving": frozenset({"driving"}),
}
LEVEL_SKILLS: Mapping[str, frozenset[str]] = {
    "ALS": frozenset({"paramedic", "nurse"}),
    "ILS": frozenset({"aemt", "paramedic", "nurse"}),
    "BLS": frozenset({"emt_b"}),
    "FR": frozenset({"first_aid"}),
}
"""A vehicle is of a level only while somebody on board may work at that level: one of these skills."""


@dataclass(frozen=True, slots=True)
class CrewFacts:
    """A member on board. ``skills`` maps each to the last day its certificate is valid; None: does not expire."""

    id: str
    skills: Mapping[str, date | None] = field(default_factory=dict)

    def valid_skills(self, on: date) -> frozenset[str]:
        held = {skill for skill, last_day in self.skills.items() if last_day is None or on <= last_day}
        return frozenset(held.union(*(IMPLIED_SKILLS.get(skill, frozenset()) for skill in held)))


@dataclass(frozen=True, slots=True)
class UnitFacts:
    """A vehicle with the crew on it, as dispatch knows it now. ``busy``: it has an open run."""

    id: str
    vehicle_kind: str
    level: str | None
    duty: str
    crew: tuple[CrewFacts, ...] = ()
    places: Mapping[str, int] = field(default_factory=dict)
    equipment: frozenset[str] = frozenset()
    clean: bool = True
    busy: bool = False
    exercise: bool = False
    position: Point | None = None
    position_at: datetime | None = None
    station: Point | None = None

    def skills(self, at: datetime) -> frozenset[str]:
        """What the crew can do together."""
        on = local_day(at)
        return frozenset().union(*(member.valid_skills(on) for member in self.crew))

    def working_level(self, at: datetime) -> str | None:
        """The highest level, up to the vehicle's own, at which the crew on board may work; None below FR."""
        if self.level is None:
            return None
        skills, levels = self.skills(at), code_list("unit_level")
        able = [
            level
            for level in levels.codes
            if LEVEL_SKILLS[level] & skills and levels.rank(level) <= levels.rank(self.level)
        ]
        return max(able, key=levels.rank, default=None)


@dataclass(frozen=True, slots=True)
class Shortfall:
    """One thing missing. ``hard``: the unit cannot go; else it may, and this is shown. ``what`` is its code."""

    code: str
    what: str
    hard: bool
    text: Text
    short_by: int = 1


def shortfalls(unit: UnitFacts, wanted: Requirements, at: datetime) -> tuple[Shortfall, ...]:
    """Everything that is missing at that moment; empty where the unit fits in full."""
    hard = (*_state(unit, wanted), *_missing(unit, wanted.must, at, hard=True))
    known = {(short.code, short.what) for short in hard}
    soft = (short for short in _missing(unit, wanted.should, at, hard=False) if (short.code, short.what) not in known)
    return (*hard, *soft)


def eligible(unit: UnitFacts, wanted: Requirements, at: datetime) -> bool:
    """Whether the unit may go: no hard shortfall."""
    return not any(short.hard for short in shortfalls(unit, wanted, at))


def _state(unit: UnitFacts, wanted: Requirements) -> Iterator[Shortfall]:
    if unit.duty != "on_duty":
        duty = code_list("duty")
        text = Text(th=f"สถานะ: {duty.label(unit.duty)}", en=f"the unit is {duty.label(unit.duty, 'en')}")
        yield Shortfall("duty", unit.duty, True, text)
    if not unit.clean:
        yield Shortfall("contaminated", "clean", True,
                        Text(th="ยังไม่ได้ทำความสะอาดหลังรับผู้ป่วยติดเชื้อ", en="not yet disinfected"))  # fmt: skip
    if unit.busy:
        yield Shortfall("busy", "open_run", True, Text(th="ติดภารกิจอื่น", en="busy with another run"))
    if unit.exercise != wanted.exercise:
        text = Text(th="ชุดฝึกซ้อมใช้กับเหตุจริงไม่ได้", en="exercise units never serve real calls") if unit.exercise else \
            Text(th="ชุดจริงใช้กับการฝึกซ้อมไม่ได้", en="real units never serve exercises")  # fmt: skip
        yield Shortfall("exercise", "exercise", True, text)


def _missing(unit: UnitFacts, demand: Demand, at: datetime, *, hard: bool) -> Iterator[Shortfall]:
    for check in CHECKS:
        for code, what, short_by, text in check(unit, demand, at):
            yield Shortfall(code, what, hard, text, short_by)


Found = Iterator[tuple[str, str, int, Text]]


def _level(unit: UnitFacts, demand: Demand, at: datetime) -> Found:
    if demand.level is None:
        return
    levels = code_list("unit_level")
    has = unit.working_level(at)
    short_by = levels.rank(demand.level) - (levels.rank(has) if has else 0)
    if short_by > 0:
        yield "level", demand.level, short_by, Text(
            th=f"ต้องการระดับ {demand.level} แต่ชุดนี้ทำงานได้ระดับ {has or 'ต่ำกว่า FR'}",
            en=f"level {demand.level} is wanted, this unit works at {has or 'less than FR'}",
        )  # fmt: skip


def _crew(unit: UnitFacts, demand: Demand, _: datetime) -> Found:
    short_by = demand.crew - len(unit.crew)
    if short_by > 0:
        yield (
            "crew",
            str(demand.crew),
            short_by,
            Text(
                th=f"ต้องมีเจ้าหน้าที่ {demand.crew} คน มี {len(unit.crew)} คน",
                en=f"needs a crew of {demand.crew}, has {len(unit.crew)}",
            ),
        )


def _skills(unit: UnitFacts, demand: Demand, at: datetime) -> Found:
    """Every skill the task asks for, from somebody on board with a valid certificate."""
    for skill in sorted(demand.skills - unit.skills(at)):
        yield "skill", skill, 1, _lacks("skill", skill, "ไม่มีผู้มีทักษะ: ", "nobody on board for: ")


def _places(unit: UnitFacts, demand: Demand, _: datetime) -> Found:
    for kind, count in demand.places.items():
        short_by = count - unit.places.get(kind, 0)
        if short_by > 0:
            yield (
                "place",
                kind,
                short_by,
                _lacks("place_kind", kind, f"ที่ไม่พอ ขาด {short_by}: ", f"short of {short_by}: "),
            )


def _equipment(unit: UnitFacts, demand: Demand, _: datetime) -> Found:
    for piece in sorted(demand.equipment - unit.equipment):
        yield "equipment", piece, 1, _lacks("equipment", piece, "ไม่มีอุปกรณ์: ", "equipment missing: ")


CHECKS: tuple[Callable[[UnitFacts, Demand, datetime], Found], ...] = (_level, _crew, _skills, _places, _equipment)


def _lacks(list_id: str, code: str, th: str, en: str) -> Text:
    labels = code_list(list_id)
    return Text(th=th + labels.label(code), en=en + labels.label(code, "en"))
