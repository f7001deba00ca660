"""What the registry knows of a person is asked of a crew: by every trip of theirs, whatever the call says anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from services.dispatch.store import persons, runs, trips
from services.dispatch.store.trips import Trip
from services.dispatch.verbs.needs import set_groups
from shared.work import Work


async def ask_too(work: Work, wanted: Iterable[Trip], known: Sequence[Trip]) -> None:
    """Have trips as a call asks for them ask for what the registry knows of their patients, too.

    ``known``: the call's trips as they stand. The call need not know yet who its patients are, or know it by what the
    registry has taken back since.
    """
    who = {trip.patient_id: (trip.person_id, trip.person_turn) for trip in known}
    wanted = list(wanted)
    for trip in wanted:
        person_id, turn = who.get(trip.patient_id, (None, 0))
        trip.person_id = person_id if turn else trip.person_id or person_id
        trip.person_turn = turn
    groups = await _groups(work, wanted)
    for trip in wanted:
        set_groups(trip, groups.get(trip.person_id, ()))


async def ask_anew(work: Work, person_ids: Sequence[UUID]) -> None:
    """The registry knows something else of these people: their open trips ask for it, by whichever record."""
    await work.write_gathered()  # who was matched just now
    await ask_for(work, await persons.open_trips_of(work.db, person_ids))


async def ask_for(work: Work, trip_ids: list[UUID]) -> None:
    """These trips ask for what is known of whose they are now."""
    if not trip_ids:
        return
    found = await trips.these(work.db, trip_ids)
    groups = await _groups(work, found)
    for area in sorted({trip.area for trip in found}):  # a trip is locked under its area only
        await runs.serialise(work.db, area)
    for trip in await trips.lock_these(work.db, trip_ids):
        if trip.ended_at is None and not trip.erased and set_groups(trip, groups.get(trip.person_id, ())):
            await trips.set_need(work.db, trip)


async def _groups(work: Work, of: Iterable[Trip]) -> Mapping[UUID | None, list[str]]:
    known = {trip.person_id for trip in of if trip.person_id is not None}
    return {person_id: await persons.groups_of(work.db, person_id) for person_id in sorted(known)}
