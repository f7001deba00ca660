"""What dispatch hears: calls, barriers, people and their groups, replies of crews, messages that reached nobody.

Several messages are heard in one transaction, in any mixture. Whoever locks a trip therefore takes the area first, as
a decision does: with a trip held and the area still to come, hearing and deciding would wait for each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import structlog
from prometheus_client import Counter

from services.dispatch import trail
from services.dispatch.shelf import SHELVES
from services.dispatch.store import assignments, persons, runs, trips
from services.dispatch.verbs import steps
from services.dispatch.verbs import trips as trip_verbs
from services.dispatch.verbs.groups import ask_anew, ask_for
from services.dispatch.verbs.lives import at_once
from services.dispatch.verbs.needs import add_barrier
from shared.erasure import forget_heard
from shared.errors import Refused
from shared.events.intake import (
    BarrierMet,
    BarrierOpened,
    BarrierUnmet,
    CallClosed,
    CallErased,
    CallHandedOver,
    CallLinked,
    CallReceived,
    CallTriaged,
    CallUnlinked,
    CallUpdated,
    CallWithdrawn,
)
from shared.events.notify import MessageExpired, MessageFailed, ReplyReceived
from shared.events.registry import (
    GroupJoined,
    GroupLeft,
    PersonErased,
    PersonLinked,
    PersonMatched,
    PersonUnlinked,
    PersonUnmatched,
)
from shared.events.words import Answer, By, CallLink, RecipientKind, Step
from shared.heard import Hears, Message, Unknown
from shared.work import Work

log = structlog.get_logger()

CALL_HEARD = "select exists (select from cursor where noun = 'call' and aggregate_id = $1 and seq > 0)"
LATE_ANSWERS = Counter("karuna_dispatch_late_answers_total", "Replies that came too late or out of order", ["code"])
TOLD_ON = frozenset({"died", "exercise_ended"})
"""Why a call was withdrawn, where its trips are to say the same: another reason is the caller's own affair."""
STEPS = {step.value for step in Step}


async def call_received(work: Work, message: Message) -> None:
    await trip_verbs.follow_call(work, message.id, message.event, message.origin, first=True)


async def call_changed(work: Work, message: Message) -> None:
    await trip_verbs.follow_call(work, message.id, message.event, message.origin)


async def call_withdrawn(work: Work, message: Message) -> None:
    event: CallWithdrawn = message.event
    series = event.along_with_id is not None
    reason = event.private.reason if event.private.reason in TOLD_ON else "caller_withdrew"
    if message.origin.exercise and reason == "exercise_ended":
        await steps.bring_to_an_end(work, message.id, message.envelope.area)
    await trip_verbs.cancel_call(work, message.id, message.envelope.area, reason, whole_series=series)


async def call_closed(work: Work, message: Message) -> None:
    """Somebody ended the call, and its trips with it.

    A call closes by itself when all trips that intake knows have ended: one still open here is news on its way there.
    """
    if message.event.by is By.SYSTEM:
        return
    await trip_verbs.cancel_call(work, message.id, message.envelope.area, "other")


async def call_handed_over(work: Work, message: Message) -> None:
    if message.event.ends_call:
        await trip_verbs.cancel_call(work, message.id, message.envelope.area, "handed_over")


async def call_linked(work: Work, message: Message) -> None:
    """Of two calls about the same thing only the leading one's trips serve."""
    event: CallLinked = message.event
    if event.link is not CallLink.DUPLICATE:
        return
    if event.leading_call_id == event.other_call_id:
        await trip_verbs.cancel_call(work, message.id, message.envelope.area, "duplicate")
    elif event.leading_call_id == message.id:  # it leads now, perhaps in place of one that was withdrawn
        await trip_verbs.reopen_call(work, message.id, message.envelope.area)


async def call_unlinked(work: Work, message: Message) -> None:
    """They are two after all: this one needs its own trips again."""
    event: CallUnlinked = message.event
    if event.link is CallLink.DUPLICATE:
        await trip_verbs.reopen_call(work, message.id, message.envelope.area)


async def call_erased(work: Work, message: Message) -> None:
    """Nothing personal of the call stays; what was driven stays on record."""
    await runs.serialise(work.db, message.envelope.area)
    await trail.wipe_call(work.db, message.id)
    await trips.wipe_call(work.db, message.id)
    await forget_heard(work, "call", message.id)
    work.then(partial(SHELVES.forget, message.envelope.area))


async def barrier_opened(work: Work, message: Message) -> None:
    await _barrier(work, message, add=True)


async def barrier_met(work: Work, message: Message) -> None:
    """Somebody else saw to it: the crew need not."""
    await _barrier(work, message, add=False)


async def barrier_unmet(work: Work, message: Message) -> None:
    await _barrier(work, message, add=True)


async def _barrier(work: Work, message: Message, *, add: bool) -> None:
    event = message.event
    call_id, patient_id = event.call_id, event.patient_id
    await runs.serialise(work.db, message.envelope.area)
    of_call = await trips.lock_of_call(work.db, call_id)
    if not of_call and not await work.db.fetchval(CALL_HEARD, call_id):
        raise Unknown("call", call_id)
    for trip in of_call:
        concerned = trip.ended_at is None and not trip.erased and patient_id in {None, trip.patient_id}
        if concerned and add_barrier(trip, event.private.barrier.value, add=add):
            await trips.set_need(work.db, trip)


async def person_matched(work: Work, message: Message) -> None:
    """The registry knows who the patient is: their groups may ask for more of a crew."""
    event: PersonMatched = message.event
    if not await trips.call_is_known(work.db, event.call_id):
        if await work.db.fetchval(CALL_HEARD, event.call_id):
            return
        raise Unknown("call", event.call_id)
    work.gather(_link_persons, (message.envelope.area, (event.call_id, event.patient_id, message.id, event.turn)))
    if event.turn or await persons.groups_of(work.db, message.id):
        work.gather(ask_anew, message.id)


async def person_unmatched(work: Work, message: Message) -> None:
    """The patient is somebody else: what was asked for this person is asked no more, whoever it is."""
    event: PersonUnmatched = message.event
    if event.call_id is not None and event.patient_id is not None:
        link = (event.call_id, event.patient_id, message.id, event.turn)
        work.gather(_unlink_persons, (message.envelope.area, link))


async def _unlink_persons(work: Work, rows: Sequence[tuple[str, trips.Link]]) -> None:
    for area in sorted({area for area, _ in rows}):
        await runs.serialise(work.db, area)
    for _, link in rows:
        await ask_for(work, await trips.unlink_person(work.db, *link))


async def _link_persons(work: Work, rows: Sequence[tuple[str, trips.Link]]) -> None:
    """The areas at the very end and not for long: meanwhile nobody there could be sent to an emergency."""
    for area in sorted({area for area, _ in rows}):
        await runs.serialise(work.db, area)
    await trips.link_persons(work.db, [link for _, link in rows])


async def person_erased(work: Work, message: Message) -> None:
    await runs.serialise(work.db, message.envelope.area)
    await trail.wipe_person(work.db, message.id)
    await trips.wipe_person(work.db, message.id)
    await persons.wipe(work.db, message.id)
    await forget_heard(work, "person", message.id)
    work.then(SHELVES.forget)


async def person_linked(work: Work, message: Message) -> None:
    """What is asked of a crew for one record is asked for the person, by whichever record they are called for."""
    event: PersonLinked = message.event
    await persons.link_record(work.db, message.id, event.survivor_id)
    work.gather(ask_anew, message.id)


async def person_unlinked(work: Work, message: Message) -> None:
    event: PersonUnlinked = message.event
    await persons.unlink_record(work.db, message.id)
    for record in (message.id, event.survivor_id):
        work.gather(ask_anew, record)


async def group_joined(work: Work, message: Message) -> None:
    event: GroupJoined = message.event
    await persons.join_group(work.db, message.id, event.person_id, event.private.group)
    work.gather(ask_anew, event.person_id)


async def group_left(work: Work, message: Message) -> None:
    event: GroupLeft = message.event
    await persons.leave_group(work.db, message.id)
    work.gather(ask_anew, event.person_id)


async def reply_received(work: Work, message: Message) -> None:
    """A crew's postback is the same step as over HTTP; one that comes too late changes nothing."""
    event: ReplyReceived = message.event
    try:
        await runs.serialise(work.db, message.envelope.area)
        async with work.attempt():
            if event.answer.value in STEPS and event.assignment_id is not None and event.crew_id is not None:
                report = steps.Report(event.answer.value, event.at, by_crew=event.crew_id)
                await steps.step(work, event.assignment_id, report)
            elif event.answer is Answer.READY and event.call_id is not None:
                await trip_verbs.patient_ready(work, event.call_id, event.trip_id, event.patient_id, event.at)
    except Refused as problem:
        LATE_ANSWERS.labels(problem.code).inc()
        log.info("reply.refused", code=problem.code, assignment_id=str(event.assignment_id))


async def message_lost(work: Work, message: Message) -> None:
    """No message reached a crew member. When nobody of the crew was reached, waiting for an answer is pointless."""
    event: MessageFailed | MessageExpired = message.event
    final = isinstance(event, MessageExpired) or event.final
    if not final or event.recipient_kind is not RecipientKind.CREW:
        return
    if event.assignment_id is None or event.recipient_id is None:
        return
    found = await assignments.read(work.db, event.assignment_id)
    if found is None or found.start_at is not None:
        return
    await runs.serialise(work.db, found.area)
    trip = await trips.lock(work.db, found.trip_id)
    if trip is not None and await assignments.note_unreached(work.db, found.id, event.recipient_id):
        await work.cancel("order_timeout", found.id)
        await at_once(work, "order_timeout", found.id, trip.origin)


HEARS: Sequence[Hears] = [
    Hears(CallReceived, call_received),
    Hears(CallTriaged, call_changed),
    Hears(CallUpdated, call_changed),
    Hears(CallLinked, call_linked),
    Hears(CallUnlinked, call_unlinked),
    Hears(CallWithdrawn, call_withdrawn),
    Hears(CallHandedOver, call_handed_over),
    Hears(CallClosed, call_closed, later=True),
    Hears(CallErased, call_erased),
    Hears(BarrierOpened, barrier_opened),
    Hears(BarrierMet, barrier_met),
    Hears(BarrierUnmet, barrier_unmet),
    Hears(PersonMatched, person_matched),
    Hears(PersonUnmatched, person_unmatched),
    Hears(PersonErased, person_erased),
    Hears(PersonLinked, person_linked, later=True),
    Hears(PersonUnlinked, person_unlinked, later=True),
    Hears(GroupJoined, group_joined, later=True),
    Hears(GroupLeft, group_left, later=True),
    Hears(ReplyReceived, reply_received),
    Hears(MessageFailed, message_lost),
    Hears(MessageExpired, message_lost),
]
