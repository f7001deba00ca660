"""What a trip asks of a unit: level, crew, skills, places and equipment, from one table of data."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

from shared.codes.codes import code_list

ON_WHEELS, LYING = "wheelchair", "stretcher"
"""In an emergency whoever uses a wheelchair lies on the stretcher: ambulances have no place for the chair, and the vans

that have one give no first aid, so that nobody at all could go.
"""
DATA = Path(__file__).parents[1] / "data" / "requirements.toml"


class Demand(BaseModel):
    """One layer of what is asked. ``level`` is a unit level, ``places`` a count per kind of place."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    level: str | None = None
    crew: int = 0
    kinds: frozenset[str] = frozenset()
    """One of these kinds of vehicle; empty: any."""
    skills: frozenset[str] = frozenset()
    places: Mapping[str, int] = {}
    equipment: frozenset[str] = frozenset()

    @model_validator(mode="after")
    def _known_codes(self) -> Self:
        for list_id, codes in (
            ("unit_level", {self.level} - {None}),
            ("vehicle_kind", self.kinds),
            ("skill", self.skills),
            ("place_kind", self.places),
            ("equipment", self.equipment),
        ):
            for code in codes:
                code_list(list_id).item(str(code))
        return self

    def plus(self, other: Demand) -> Demand:
        """Both: the higher level, the larger crew and number of places, every skill and piece of equipment, and of the

        kinds of vehicle those that both name.
        """
        levels = [level for level in (self.level, other.level) if level is not None]
        return Demand(
            level=max(levels, key=code_list("unit_level").rank, default=None),
            crew=max(self.crew, other.crew),
            kinds=self.kinds & other.kinds if self.kinds and other.kinds else self.kinds | other.kinds,
            skills=self.skills | other.skills,
            places={
                kind: max(self.places.get(kind, 0), other.places.get(kind, 0)) for kind in (*self.places, *other.places)
            },
            equipment=self.equipment | other.equipment,
        )


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    must: Demand = Demand()
    should: Demand = Demand()
    always: bool = False
    contaminates: bool = False


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str
    source: str
    urgent: frozenset[str]
    booked: _Row
    severity: Mapping[str, _Row]
    mobility: Mapping[str, _Row]
    need: Mapping[str, _Row]
    group: Mapping[str, _Row]
    hazard: Mapping[str, _Row]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is known of one trip: one person, or one job at a hazard. Codes of the lists of the same names."""

    severity: str = "white"
    lane: str = "emergency"
    mobility: str | None = None
    needs: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    companions: int = 0
    hazard: str | None = None
    exercise: bool = False
    lies: bool = False
    """On the stretcher, also who uses a wheelchair."""


@dataclass(frozen=True, slots=True)
class Requirements:
    """``must``: a unit without it is not eligible. ``should``: it may go, the shortfall is shown and counts."""

    must: Demand = field(default_factory=Demand)
    should: Demand = field(default_factory=Demand)
    contaminates: bool = False
    """The unit is contaminated afterwards and not offered again until disinfected."""
    urgent: bool = False
    exercise: bool = False


@cache
def table() -> _Table:
    """The data, checked against the code lists.

    Raises:
        ValueError: the file is not as it should be.

    """
    return _Table.model_validate(tomllib.loads(DATA.read_text(encoding="utf-8")))


def requirements(asked: Asked) -> Requirements:
    """What a unit for this trip must and should have. Groups without a row of their own ask for nothing more."""
    rows = table()
    urgent = asked.lane == "emergency" and asked.severity in rows.urgent
    must, should, contaminates = Demand(), Demand(), False
    for row, of_patient in _rows(rows, asked):
        softened = urgent and of_patient and not row.always
        must = must if softened else must.plus(row.must)
        should = should.plus(row.should).plus(row.must if softened else Demand())
        contaminates = contaminates or row.contaminates
    if asked.companions:
        seats = Counter(must.places)["seat"] + asked.companions
        must, should = _with_seats(must, should, seats, softened=urgent)
    return Requirements(must, should, contaminates, urgent, asked.exercise)


def _rows(rows: _Table, asked: Asked) -> Iterable[tuple[_Row, bool]]:
    """The rows that apply, and whether each stands for what the patient needs (softened when urgent)."""
    if asked.hazard is not None:
        yield rows.hazard.get(asked.hazard, rows.hazard["other_hazard"]), False
        return
    yield (rows.booked if asked.lane == "booked" else rows.severity[asked.severity]), False
    if asked.mobility is not None:
        lies = asked.mobility == ON_WHEELS and (asked.lies or asked.lane == "emergency")
        yield rows.mobility[LYING if lies else asked.mobility], True
    elif asked.lane == "booked":
        yield rows.mobility["walking"], True
    for need in asked.needs:
        yield rows.need[need], True
    for group in asked.groups:
        if group in rows.group:
            yield rows.group[group], True


def _with_seats(must: Demand, should: Demand, seats: int, *, softened: bool) -> tuple[Demand, Demand]:
    asked = Demand(places={"seat": seats})
    return (must, should.plus(asked)) if softened else (must.plus(asked), should)
