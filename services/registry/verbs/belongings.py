"""What came of a call or a row that was told of somebody else: looked at before it goes, and given to whom it is of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from services.registry import store, told
from services.registry.records import Person
from services.registry.rules import belongings as rules
from services.registry.rules.belongings import Belonging, Came, Found
from services.registry.store.belongings import Move
from services.registry.store.people import Row
from services.registry.verbs import care, standing
from services.registry.verbs.locations import Agreement
from services.registry.verbs.people import origin_of
from shared.database import Connection, Pool
from shared.errors import Refused
from shared.events.base import Origin
from shared.events.registry import NeedMet, VisitPlanned
from shared.work import Work

FACTS: Final = frozenset({"identifier", "contact", "address", "group"})
"""Rows that :mod:`verbs.unmatching` moves with those that name the call."""
KINDS: Final = {"membership": "group", "household_member": "household"}
CODES: Final = {"membership": "group_code", "identifier": "kind", "address": "kind", "household_member": "role"}
SAME_OPEN: Final = "same_open"
"""Of the code list ``need_outcome``: whom it went to has the same need open."""
BY: Final = "system:unmatch"
NOT_AMONG = (
    422, "not_among", "รายการที่เลือกไม่อยู่ในรายการที่ย้ายได้ เปิดดูอีกครั้ง",
    "what was chosen is not among what may go: look again",
)  # fmt: skip


async def look(
    db: Connection | Pool, noted: Row, chosen: AbstractSet[UUID] = frozenset(), changed: Iterable[str] = ()
) -> list[Belonging]:
    """What goes along, what may, and what stays. ``changed``: fields it filled in that somebody wrote since."""
    person_id, call = noted["person_id"], _call(noted)
    case_id = await store.belongings.case_of(db, call, person_id) if call else None
    alone = bool(call and case_id and await store.belongings.is_alone(db, case_id, call))
    rows = await store.belongings.written(db, person_id, noted["matched_at"], case_id, noted["facts"])
    found = [Found(**row) for row in rows]
    facts = await store.belongings.facts_since(db, person_id, noted["first_at"])
    known = frozenset(noted["facts"])
    found += [_fact(row) for row in facts if _by_hand(row["doc"]) and row["id"] not in known]
    found += [Found("field", noted["id"], noted["matched_at"], field) for field in changed]
    return rules.judged(rules.without_plan_of(found), Came(case_id, alone, known), chosen)


def _call(noted: Row) -> tuple[UUID, UUID] | None:
    return None if noted["call_id"] is None else (noted["call_id"], noted["patient_id"])


def _by_hand(doc: dict[str, str | None]) -> bool:
    """And it stands: what another call told goes with that one."""
    return doc.get("source_call_id") is None and doc.get("until_on") is None


def _fact(row: Row) -> Found:
    doc, kind = row["doc"], KINDS.get(row["kind"], row["kind"])
    code = doc.get(CODES[row["kind"]]) if row["kind"] in CODES else None
    of, _, evidence = (doc.get("evidence") or "").partition(":")
    return Found(kind, row["id"], row["at"], code, with_id=UUID(evidence) if of == "assessment" else None)


def must_be_among(belongings: Sequence[Belonging], chosen: AbstractSet[UUID]) -> None:
    """Raises: Refused 422 something that was chosen cannot go, or is not there."""
    if rules.unknown(belongings, chosen):
        raise Refused(*NOT_AMONG, field="also")


def facts_of(belongings: Sequence[Belonging]) -> list[UUID]:
    """Numbers, telephones, addresses and groups among what goes."""
    return rules.going(belongings, *FACTS)


def ids_of(belongings: Sequence[Belonging]) -> tuple[UUID, ...]:
    """What goes, to be noted: if it has to be taken out once more, it goes again."""
    return tuple(one.found.id for one in belongings if one.fate == "goes" and one.found.kind not in {"task", "team"})


@dataclass(frozen=True, slots=True)
class Going:
    """From whom to whom, and from which case into which; both people are held."""

    person: Person
    to: Person
    origin: Origin
    from_case: UUID | None
    into_case: UUID | None
    agreement: Agreement


async def go(work: Work, going: Going, belongings: Sequence[Belonging]) -> None:
    """Give what goes to whom it is of."""
    ids = rules.going(belongings)
    moved = rules.going(belongings, "visit", "plan", "assessment", "need")
    points = rules.going(belongings, "location")
    uses = await store.belongings.uses(work.db, points)
    await _same_needs(work, going, rules.going(belongings, "need"))
    await store.belongings.move(work.db, moved, Move(going.to.id, going.from_case, going.into_case))
    await store.belongings.move_locations(work.db, points, going.to.id)
    await store.belongings.move_what_hangs_on(work.db, ids, going.to.id, BY, work.now)
    for use in sorted({row["use"] for row in uses}):
        for whose in sorted({row["person_id"] for row in uses if row["use"] == use} | {going.to.id}):
            await standing.stand_anew(work, whose, use, going.agreement)
    await _tell_who_goes(work, going, rules.going(belongings, "plan"))


async def _same_needs(work: Work, going: Going, need_ids: Sequence[UUID]) -> None:
    """Who has the same open already keeps that one, as urgent and with both notes; this one has ended."""
    for row in await store.belongings.same_open(work.db, need_ids, going.to.id):
        if row["urgency"] > row["other_urgency"]:
            await store.care.set_urgency(work.db, row["other_id"], row["urgency"])
        texts = await told.of(work.db, [row["id"], row["other_id"]])
        notes = [texts.get(one, {}).get("note") for one in (row["other_id"], row["id"])]
        await store.told.put(work.db, told.rows(row["other_id"], going.to.id, {"note": care.beside(*notes)}))
        await store.care.meet_need(work.db, row["id"], work.now, SAME_OPEN)
        private = NeedMet.Private(need=row["need"], outcome=SAME_OPEN)
        met = NeedMet(person_id=going.to.id, at=work.now, case_id=going.into_case, private=private)
        work.say(row["id"], met, origin_of(going.to, going.origin))


async def _tell_who_goes(work: Work, going: Going, plan_ids: Sequence[UUID]) -> None:
    """Whoever is still to go there hears to whom."""
    for row in await store.belongings.plans(work.db, plan_ids):
        if row["done_at"] is None and row["cancelled_at"] is None:
            crew_ids, private = tuple(dict.fromkeys(row["crew_ids"])), VisitPlanned.Private(kind=row["kind"])
            planned = VisitPlanned(
                person_id=going.to.id, at=work.now, crew_ids=crew_ids, due_on=row["due_on"], private=private
            )
            work.say(row["id"], planned, origin_of(going.to))


async def meant(db: Connection | Pool, person_id: UUID, matters: Sequence[UUID | None]) -> UUID:
    """Of whom somebody writes who names a visit, a plan or a case that has gone from this person to another one."""
    named = [one for one in matters if one is not None]
    if not named:
        return person_id
    now = await store.belongings.whose_now(db, named)
    if not now or person_id in now:
        return person_id
    return next((one for one in await store.belongings.given_to(db, person_id) if one in now), person_id)
