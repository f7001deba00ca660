"""May this unit go? Either nothing is missing, or the list of what is, with codes and in Thai and English."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache

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
    "als": frozenset({"paramedic", "nurse"}),
    "ils": frozenset({"aemt", "paramedic", "nurse"}),
    "bls": frozenset({"emt_b"}),
    "fr": frozenset({"first_aid"}),
    "transport": frozenset(),
}
"""A vehicle is of a level only while somebody on board may work at that level: one of these skills."""


@lru_cache(maxsize=1024)
def _with_implied(held: frozenset[str]) -> frozenset[str]:
    return held.union(*(IMPLIED_SKILLS.get(skill, frozenset()) for skill in held))


@lru_cache(maxsize=4096)
def _one_of(_abilities: Hashable) -> Hashable:
    """The same small thing for equal abilities: cheaper to look up a thousand times than what it stands for."""
    return object()


@dataclass(frozen=True, slots=True)
class CrewFacts:
    """A member on board. ``skills`` maps each to the last day its certificate is valid; None: does not expire."""

    id: str
    skills: Mapping[str, date | None] = field(default_factory=dict)
    _valid: dict[date, frozenset[str]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def valid_skills(self, on: date) -> frozenset[str]:
        """What they may do on a day; worked out once, for every decision looks at everybody."""
        found = self._valid.get(on)
        if found is None:
            found = _with_implied(
                frozenset(skill for skill, last_day in self.skills.items() if last_day is None or on <= last_day)
            )
            self._valid.clear()
            self._valid[on] = found
        return found


@dataclass(frozen=True, slots=True)
class UnitFacts:
    """A vehicle with the crew on it, as dispatch knows it now. ``busy``: it has an open run.

    ``burden_s``: by so much others go first, for these volunteers gave more of late. ``leaves_after_s``: so long after
    they are asked they are on the road, as they said.
    """

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
    burden_s: float = 0.0
    leaves_after_s: float = 0.0
    _abilities: dict[Hashable, Hashable] = field(default_factory=dict, repr=False, compare=False)
    """Worked out once a day; ``dataclasses.replace`` takes it along, for a unit moves more often than it changes."""

    def skills(self, at: datetime) -> frozenset[str]:
        """What the crew can do together."""
        on = local_day(at)
        return frozenset().union(*(member.valid_skills(on) for member in self.crew))

    def abilities(self, on: date) -> Hashable:
        """Everything :func:`shortfalls` looks at: units that agree in it lack the same."""
        found = self._abilities.get((on, self.busy))
        if found is None:
            skills = frozenset[str]().union(*[member.valid_skills(on) for member in self.crew])
            state = (self.vehicle_kind, self.level, self.duty, self.clean, self.busy, self.exercise, len(self.crew))
            found = self._abilities[on, self.busy] = _one_of((state, skills, self.equipment, (*self.places.items(),)))
        return found

    def working_level(self, at: datetime) -> str | None:
        """The highest level, up to the vehicle's own, at which the crew on board may work; None below FR."""
        return _working_level(self.level, self.skills(at))


@dataclass(frozen=True, slots=True)
class Shortfall:
    """One thing missing. ``hard``: the unit cannot go; else it may, and this is shown. ``what`` is its code."""

    code: str
    what: str
    hard: bool
    text: Text
    short_by: int = 1


@dataclass(frozen=True, slots=True)
class _Able:
    """A unit with what its crew can do on the day, worked out once for all checks."""

    unit: UnitFacts
    skills: frozenset[str]
    level: str | None


def shortfalls(unit: UnitFacts, wanted: Requirements, at: datetime) -> tuple[Shortfall, ...]:
    """Everything that is missing at that moment; empty where the unit fits in full."""
    skills = unit.skills(at)
    able = _Able(unit, skills, _working_level(unit.level, skills))
    hard = (*_state(unit, wanted), *_missing(able, wanted.must, hard=True))
    known = {(short.code, short.what) for short in hard}
    soft = (short for short in _missing(able, wanted.should, hard=False) if (short.code, short.what) not in known)
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


def _missing(able: _Able, demand: Demand, *, hard: bool) -> Iterator[Shortfall]:
    for check in CHECKS:
        for code, what, short_by, text in check(able, demand):
            yield Shortfall(code, what, hard, text, short_by)


@lru_cache(maxsize=1024)
def _working_level(own: str | None, skills: frozenset[str]) -> str | None:
    if own is None:
        return None
    levels = code_list("unit_level")
    highest = levels.rank(own)
    able = [level for level in levels.codes if levels.rank(level) <= highest and LEVEL_SKILLS[level] & skills]
    return max(able, key=levels.rank, default=None)


Found = Iterator[tuple[str, str, int, Text]]


def _level(able: _Able, demand: Demand) -> Found:
    if demand.level is None:
        return
    levels = code_list("unit_level")
    short_by = levels.rank(demand.level) - (levels.rank(able.level) if able.level else 0)
    if short_by > 0:
        yield "level", demand.level, short_by, _level_text(demand.level, able.level)


def _crew(able: _Able, demand: Demand) -> Found:
    has = len(able.unit.crew)
    if demand.crew > has:
        yield "crew", str(demand.crew), demand.crew - has, _crew_text(demand.crew, has)


def _kind(able: _Able, demand: Demand) -> Found:
    if demand.kinds and able.unit.vehicle_kind not in demand.kinds:
        for kind in sorted(demand.kinds)[:1]:
            yield (
                "kind",
                kind,
                1,
                _lacks("vehicle_kind", kind, "ไม่ใช่รถชนิดที่ขอ: ", "another kind of vehicle is asked for: "),
            )


def _skills(able: _Able, demand: Demand) -> Found:
    """Every skill the task asks for, from somebody on board with a valid certificate."""
    for skill in sorted(demand.skills - able.skills):
        yield "skill", skill, 1, _lacks("skill", skill, "ไม่มีผู้มีทักษะ: ", "nobody on board for: ")


def _places(able: _Able, demand: Demand) -> Found:
    for kind, count in demand.places.items():
        short_by = count - able.unit.places.get(kind, 0)
        if short_by > 0:
            yield (
                "place",
                kind,
                short_by,
                _lacks("place_kind", kind, f"ที่ไม่พอ ขาด {short_by}: ", f"short of {short_by}: "),
            )


def _equipment(able: _Able, demand: Demand) -> Found:
    for piece in sorted(demand.equipment - able.unit.equipment):
        yield "equipment", piece, 1, _lacks("equipment", piece, "ไม่มีอุปกรณ์: ", "equipment missing: ")


CHECKS: tuple[Callable[[_Able, Demand], Found], ...] = (_level, _crew, _kind, _skills, _places, _equipment)


# The same few sentences are said of hundreds of units in one decision.
@lru_cache(maxsize=64)
def _level_text(wanted: str, has: str | None) -> Text:
    level = code_list("unit_level").label
    return Text(
        th=f"ต้องการ{level(wanted)} แต่ชุดนี้เป็น{level(has) if has else 'หน่วยต่ำกว่า FR'}",
        en=f"{level(wanted, 'en')} is wanted, this unit is {level(has, 'en') if has else 'less than FR'}",
    )


@lru_cache(maxsize=64)
def _crew_text(wanted: int, has: int) -> Text:
    return Text(th=f"ต้องมีเจ้าหน้าที่ {wanted} คน มี {has} คน", en=f"needs a crew of {wanted}, has {has}")


@lru_cache(maxsize=512)
def _lacks(list_id: str, code: str, th: str, en: str) -> Text:
    labels = code_list(list_id)
    return Text(th=th + labels.label(code), en=en + labels.label(code, "en"))
