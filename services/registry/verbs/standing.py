"""Which of a person's points counts, found anew: some have gone to another person, or have come from one."""

from __future__ import annotations

from uuid import UUID

from services.registry import records, store
from services.registry.keys import ring
from services.registry.rules.locations import Standing, judge
from services.registry.verbs import placing
from services.registry.verbs.locations import Agreement, cell_mark, seen_of
from shared.work import Work


async def stand_anew(work: Work, person_id: UUID, use: str, agreement: Agreement) -> None:
    """Judge what was seen of this record in the order in which it was written down, as if nothing else had been."""
    row = await store.people.lock_person(work.db, person_id)
    assert row is not None  # noqa: S101 a foreign key
    person = records.opened(row, ring())
    rows = [one for one in await store.locations.read_locations(work.db, person_id) if one["use"] == use]
    rows.sort(key=lambda one: (one["recorded_at"], one["id"]))
    stands: store.locations.Stands | None = None
    current: Standing | None = None
    for number, one in enumerate(rows):
        if one["person_id"] != person_id:
            continue
        new, earlier = seen_of(one), [seen_of(other) for other in rows[:number]]
        judged = judge(new, current, earlier, within_m=agreement.within_m, within=agreement.within)
        if judged.stands:
            current = Standing(new, judged.method)
            verified = (
                (None, None, None) if judged.method is None else (judged.method, judged.other, one["recorded_at"])
            )
            cell = cell_mark(ring(), new.point, exercise=person.exercise)
            lies_in = await placing.area_of(work.db, person.area, new.point, new.spread_m)
            stands = (person_id, use, new.id, cell, ring().current, *verified, lies_in)
    await store.locations.forget_standing(work.db, person_id, use)
    if stands is not None:
        await store.locations.set_whereabouts(work.db, [stands])
