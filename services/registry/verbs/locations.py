"""Writing down where somebody lives, and asking who lives near."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.registry import store
from services.registry.keys import ring
from services.registry.nearness import Drawn, drawn
from services.registry.records import Person, kind_of, opened_value
from services.registry.rules import locations as rules
from services.registry.rules.addresses import House, house_of
from services.registry.rules.locations import Judged, Seen, Standing, judge
from services.registry.store.people import Doc, Row, hexed
from services.registry.verbs import placing
from services.registry.verbs.people import origin_of
from shared.crypto import Keyring
from shared.errors import Refused
from shared.events.registry import LocationObserved, LocationVerified
from shared.geo import Point
from shared.thai.dates import local_day
from shared.thai.names import NameKey, name_key
from shared.work import Work, new_id

MOST_CANDIDATES = 20_000
"""How many points one question may open: what is larger is a question for figures, not for a list of people."""

REFUSALS = {
    "other_location": (409, "รหัสนี้ใช้กับพิกัดอื่นแล้ว", "this id is another observation's"),
    "in_the_future": (422, "เวลาต้องไม่อยู่ในอนาคต", "the time must not lie in the future"),
    "too_many_near": (
        422, "มีผู้อยู่ใกล้มากเกินไป ให้ระบุกลุ่มหรือพื้นที่ที่เล็กลง", "too many people live there: name a group, or a smaller area",
    ),
}  # fmt: skip


def _refuse(code: str, field: str) -> Refused:
    status, th, en = REFUSALS[code]
    return Refused(status, code, th, en, field=field)


@dataclass(frozen=True, slots=True)
class Observation:
    """What somebody saw, as they tell it; ``id`` is the client's, so that telling it twice tells it once."""

    use: str
    point: Point
    accuracy_m: int | None
    method: str
    source: str
    by: str
    observed_at: datetime
    photo: str | None = None
    id: UUID | None = None
    agency_id: UUID | None = None
    """Whose observation it is; none is the municipality."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How near two sources must be, and how far apart in time they may be."""

    within_m: float
    within: timedelta


@dataclass(frozen=True, slots=True)
class Observed:
    id: UUID
    verdict: str
    """A code of the list ``location_verdict``."""


async def observe(work: Work, person: Person, told: Observation, agreement: Agreement) -> Observed:
    """Keep an observation, and see what it verifies. The person is held by this transaction.

    Raises:
        Refused: 409 the id is another observation's; 422 it lies in the future.

    """
    if told.observed_at > work.now + timedelta(minutes=5):
        raise _refuse("in_the_future", "observed_at")
    new = _seen_now(work, told)
    row_id, once = new.id, _once(person, told, new)
    if not await store.locations.write_locations(work.db, [_row(work, person, told, new)]):
        return await _known(work, row_id, person, once)
    if not await store.aggregates.is_free(work.db, row_id):
        raise _refuse("other_location", "id")
    rows = await store.locations.read_locations(work.db, person.id)
    seen = {one["id"]: seen_of(one) for one in rows if one["use"] == told.use}
    current = await _current(work, person.id, told.use, seen)
    new = seen.get(row_id, new)
    earlier = [one for one in seen.values() if one.id != row_id]
    judged = judge(new, current, earlier, within_m=agreement.within_m, within=agreement.within)
    _say(work, person, new, judged)
    if judged.stands:
        lies_in = await placing.area_of(work.db, person.area, new.point, new.spread_m)
        stands = _stands(work, person, told.use, new, judged, lies_in)
        await store.locations.set_whereabouts(work.db, [stands])
    return Observed(row_id, judged.verdict)


async def observe_first(work: Work, told: Sequence[tuple[Person, Observation]], agreement: Agreement) -> None:
    """Where people live who were just written down, one observation each: the first counts, whoever saw it."""
    rows: list[Doc] = []
    stand: list[store.locations.Stands] = []
    for person, one in told:
        new = _seen_now(work, one)
        judged = judge(new, None, [], within_m=agreement.within_m, within=agreement.within)
        rows.append(_row(work, person, one, new))
        lies_in = await placing.area_of(work.db, person.area, new.point, new.spread_m)
        stand.append(_stands(work, person, one.use, new, judged, lies_in))
        _say(work, person, new, judged)
    if rows:
        await store.locations.write_locations(work.db, rows)
        await store.locations.set_whereabouts(work.db, stand)


def _say(work: Work, person: Person, new: Seen, judged: Judged) -> None:
    origin = origin_of(person)
    private = LocationObserved.Private(source=new.source, accuracy_m=new.accuracy_m, agency_id=new.agency)
    work.say(new.id, LocationObserved(person_id=person.id, at=new.observed_at, private=private), origin)
    if judged.method is not None:
        how = LocationVerified.Private(method=judged.method)
        work.say(new.id, LocationVerified(person_id=person.id, at=work.now, private=how), origin)


async def _known(work: Work, row_id: UUID, person: Person, once: str) -> Observed:
    """The observation that stood before.

    Raises:
        Refused: 409 the id belongs to another one.

    """
    same = await store.locations.read_same(work.db, ring().marks("location", once))
    if same is not None:
        return Observed(same["id"], "same_already")
    row = await store.locations.read_location(work.db, row_id)
    if row is not None and row["person_id"] == person.id:
        return Observed(row_id, "same_already")
    raise _refuse("other_location", "id")


async def _current(work: Work, person_id: UUID, use: str, seen: dict[UUID, Seen]) -> Standing | None:
    rows = await store.locations.read_whereabouts(work.db, person_id)
    row = next((one for one in rows if one["use"] == use), None)
    if row is None:
        return None
    known = seen.get(row["location_id"])
    if known is None:  # older than the last 200
        old = await store.locations.read_location(work.db, row["location_id"])
        assert old is not None  # noqa: S101 a foreign key
        known = seen_of(old)
    return Standing(known, row["method"])


def _stands(
    work: Work, person: Person, use: str, new: Seen, judged: Judged, lies_in: str | None
) -> store.locations.Stands:
    verified = (None, None, None) if judged.method is None else (judged.method, judged.other, work.now)
    cell = cell_mark(ring(), new.point, exercise=person.exercise)
    return person.id, use, new.id, cell, ring().current, *verified, lies_in


def cell_mark(keys: Keyring, point: Point, *, exercise: bool) -> bytes:
    return keys.mark(kind_of("cell", exercise=exercise), rules.cell_of(point))


def _once(person: Person, told: Observation, new: Seen) -> str:
    """What two tellings of one observation have in common."""
    day = local_day(new.observed_at).isoformat()
    return f"{person.id}|{told.use}|{told.source}|{told.by}|{rules.packed(told.point)}|{day}"


def _row(work: Work, person: Person, told: Observation, new: Seen) -> Doc:
    keys, row_id = ring(), new.id
    return {
        "id": str(row_id),
        "person_id": str(person.id),
        "use": told.use,
        "point": hexed(keys.seal(rules.packed(told.point), "location", row_id, "point")),
        "accuracy_m": told.accuracy_m,
        "method": told.method,
        "source": told.source,
        "seen_by": told.by,
        "agency_id": str(told.agency_id) if told.agency_id else None,
        "photo": hexed(keys.seal(told.photo, "location", row_id, "photo")) if told.photo else None,
        "once": hexed(keys.mark("location", _once(person, told, new))),
        "key_id": keys.current,
        "observed_at": new.observed_at,
        "recorded_at": work.now,
    }


def _seen_now(work: Work, told: Observation) -> Seen:
    at = min(told.observed_at, work.now)
    row_id = told.id or new_id()
    return Seen(row_id, told.point, told.accuracy_m, told.method, told.source, told.by, at, told.agency_id)


def seen_of(row: Row) -> Seen:
    return Seen(
        row["id"], point_of(row), row["accuracy_m"], row["method"], row["source"], row["seen_by"], row["observed_at"],
        row["agency_id"],
    )  # fmt: skip


def point_of(row: Row | Mapping[str, Any]) -> Point:
    """The opened point of a row of ``location``."""
    return rules.unpacked(opened_value(row, ring(), "location", "point") or "")


# --- whose house is this --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Lives:
    """Who lives in a house: the record that stands for the person, and the key of their name."""

    person_id: UUID
    name: NameKey


Homes = dict[tuple[str, str], list[tuple[House, Lives]]]
"""By tambon and number: a file asks of each of its rows."""


async def homes_in(work: Work, tambons: Iterable[str], areas: Sequence[str] | None) -> Homes:
    """The houses of these tambons in which somebody of the register lives. Sealed addresses are opened one by one: a

    tambon has some thousands.

    Raises:
        Refused: 422 more than we open for one question.

    """
    found: Homes = {}
    for tambon in sorted(set(tambons)):
        rows = await store.locations.homes(work.db, tambon, areas, MOST_CANDIDATES + 1)
        if len(rows) > MOST_CANDIDATES:
            raise _refuse("too_many_near", "rows")
        found |= await asyncio.to_thread(_houses, rows)
    return found


def _houses(rows: Sequence[Row]) -> Homes:
    found: Homes = defaultdict(list)
    for row in rows:
        house = house_of(row["area_code"], opened_value(row, ring(), "address", "detail"))
        if house is not None:
            name = opened_value({"id": row["person_id"], "name": row["name"]}, ring(), "person", "name")
            found[house.tambon, house.number].append((house, Lives(row["survivor_id"], name_key(name or ""))))
    return found


def who_lives_in(house: House, name: str | None, homes: Homes) -> set[UUID]:
    """Those who may be meant; a name chooses among them."""
    there = [one for other, one in homes.get((house.tambon, house.number), ()) if house.may_be(other)]
    if name:
        key = name_key(name)
        there = [one for one in there if one.name.given == key.given and key.family in {"", one.name.family}]
    return {one.person_id for one in there}


# --- near -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """Near what, how near, of which groups (None: everybody), and who asks."""

    document: Mapping[str, Any]
    within_m: float
    groups: Sequence[str] | None
    areas: Sequence[str] | None
    limit: int
    exercise: bool
    protected: bool


Known = Callable[[Iterable[UUID]], Awaitable[frozenset[UUID]]]
"""Of people those of whom somebody may know."""


@dataclass(frozen=True, slots=True)
class Found:
    person_id: UUID
    use: str
    point: Point
    distance_m: float
    verified: bool


@dataclass(frozen=True, slots=True)
class Near:
    """The nearest first; ``total`` counts everybody, shown or not."""

    found: list[Found]
    total: int
    people: dict[UUID, Row]
    groups: dict[UUID, list[str]]


async def near(work: Work, asked: Asked, known: Known | None = None) -> Near:
    """Who lives there; ``known``: of whom the asker may know, where that is not everybody of their municipalities.

    Points outside the cells that the drawing touches are never opened.

    Raises:
        Refusal: the drawing cannot be used.
        Refused: 422 too many people.

    """
    shape = await asyncio.to_thread(drawn, asked.document, asked.within_m)
    kind = kind_of("cell", exercise=asked.exercise)
    cells = [mark for cell in shape.cells for mark in ring().marks(kind, cell)]
    rows = await store.locations.near(
        work.db,
        cells,
        asked.areas,
        asked.groups,
        exercise=asked.exercise,
        protected=asked.protected,
        limit=MOST_CANDIDATES + 1,
    )
    if len(rows) > MOST_CANDIDATES:
        raise _refuse("too_many_near", "within_m")
    if known is not None:
        kept = await known({row["person_id"] for row in rows})
        rows = [row for row in rows if row["person_id"] in kept]
    survivors = await store.locations.survivors(work.db, [row["person_id"] for row in rows])
    shown, total = await asyncio.to_thread(_measured, shape, rows, survivors, asked.limit)
    people, groups = await store.locations.people(
        work.db, list({one.person_id for one in shown}), protected=asked.protected
    )
    return Near(shown, total, people, groups)


def _measured(shape: Drawn, rows: Sequence[Row], survivors: Mapping[UUID, UUID], limit: int) -> tuple[list[Found], int]:
    """The nearest ``limit``, and how many there are. Thousands are opened here: nothing is made that is not shown."""
    keys, lons, lats = ring(), [], []
    for row in rows:
        lon, _, lat = keys.open(row["point"], "location", row["id"], "point").partition(" ")
        lons.append(float(lon))
        lats.append(float(lat))
    whose = [survivors.get(row["person_id"], row["person_id"]) for row in rows]
    near = [(metres, place) for place, metres in enumerate(shape.distances_m(lons, lats)) if metres is not None]
    near.sort(key=lambda one: (one[0], whose[one[1]]))
    nearest: dict[tuple[UUID, str], tuple[float, int]] = {}
    for metres, n in near:
        nearest.setdefault((whose[n], rows[n]["use"]), (metres, n))
    found = [
        Found(whose[n], rows[n]["use"], Point(lons[n], lats[n]), metres, rows[n]["method"] is not None)
        for metres, n in list(nearest.values())[:limit]
    ]
    return found, len(nearest)
