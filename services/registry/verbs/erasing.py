"""Erasure: of a person on request, and of all that came from a call which its owner has erased."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from services.registry import store
from services.registry.verbs import linking
from services.registry.verbs.cases import close
from shared.erasure import erase, forget_heard
from shared.events.base import Origin
from shared.events.registry import PersonErased
from shared.events.words import By
from shared.work import Work

ERASED = "erased"


async def erase_persons(work: Work, people: Sequence[tuple[UUID, Origin]], by: By = By.PERSON) -> None:
    """Wipe these records: their rows, what was said of them and of their groups; close what is open for them.

    ``by`` system: their time of keeping was over.
    Records of the same person that are not among them stay, and stay one person.
    """
    ids = [person_id for person_id, _ in people]
    await store.links.hold(work.db, ids)
    for case in await store.calls.open_cases(work.db, ids):
        await close(work, case["id"], ERASED, None, By.SYSTEM)
    await store.teams.wipe(work.db, ids)
    await store.pictures.wipe(work.db, ids)
    assessments, needs = await store.care.wipe(work.db, ids)
    visits = await store.visits.wipe(work.db, ids)
    visits = list({*visits, *await store.plans.wipe(work.db, ids)})
    await store.told.drop(work.db, await store.reviews.of_person(work.db, ids))
    await store.told.wipe(work.db, ids)
    await store.imports.forget(work.db, ids)
    await store.matches.forget_people(work.db, ids)
    await store.calls.forgetting(work.db)
    locations = await store.locations.wipe(work.db, ids)
    await store.calls.forgetting(work.db, "off")
    houses = await store.households.houses_of(work.db, ids)
    groups = await store.people.wipe_persons(work.db, ids, work.now)
    await store.households.forget_empty(work.db, houses)
    await linking.mend(work, ids)
    await store.people.forget_answers(work.db, ids)
    await erase(work, "person", ids, by)
    await erase(work, "group", groups, by)
    for noun, gone in {"location": locations, "visit": visits, "assessment": assessments, "need": needs}.items():
        await erase(work, noun, gone, by)
    await erase(work, "consent", await store.consents.forget(work.db, ids), by)
    for person_id, origin in people:
        work.say(person_id, PersonErased(at=work.now), origin)


async def forget_call(work: Work, call_id: UUID, origin: Origin, *, kept_long: bool = False) -> None:
    """Wipe what is kept of a call. Who is known from that call alone is erased with it, and their case is closed.

    ``kept_long``: the call goes because its time of keeping is over. People have a time of their own: they stay, and so
    do their cases.
    """
    await store.people.hold_people_of_call(work.db, call_id)
    if kept_long:
        await store.calls.stand_alone(work.db, call_id)
    only_here = [] if kept_long else await store.people.only_from_call(work.db, call_id)
    for case in await store.calls.forget_call(work.db, call_id, work.now):
        await close(work, case["id"], ERASED, None, By.SYSTEM)
    await store.told.drop(work.db, await store.reviews.of_call(work.db, call_id))
    await store.told.drop(work.db, await store.matches.forget_call(work.db, call_id))
    await forget_heard(work, "call", call_id)
    if only_here:
        await erase_persons(work, [(row["id"], origin) for row in only_here])
