"""What intake hears, and what is due. Each line of ``HEARS`` is one event and the verb it calls."""

from __future__ import annotations

from services.intake.verbs import erase, progress, series, watch
from shared.due import Due
from shared.events import dispatch, notify, registry
from shared.events.base import Event
from shared.events.words import Answer, AssignmentStatus, Disclosure, RecipientKind, Role
from shared.heard import Hears, Message
from shared.work import Work

TRIPS: tuple[type[Event], ...] = (
    dispatch.TripRequested,
    dispatch.TripQueued,
    dispatch.TripPlanned,
    dispatch.TripReplanned,
    dispatch.TripUnassigned,
    dispatch.TripCompleted,
    dispatch.TripCancelled,
)
ASSIGNMENTS: tuple[type[Event], ...] = (
    dispatch.AssignmentProposed,
    dispatch.AssignmentOrdered,
    dispatch.AssignmentOffered,
    dispatch.AssignmentAccepted,
    dispatch.AssignmentDeclined,
    dispatch.AssignmentExpired,
    dispatch.AssignmentEnRoute,
    dispatch.AssignmentAtScene,
    dispatch.AssignmentLeftScene,
    dispatch.AssignmentAtDestination,
    dispatch.AssignmentCleared,
    dispatch.AssignmentCorrected,
    dispatch.AssignmentReleased,
)
AFTER_ACCEPTED = {"en_route", "declined", "released"}
"""By which an accepted assignment is no longer one that waits for its crew to set out."""
CALLING = {RecipientKind.CALLER, RecipientKind.PATIENT}


async def trip_moved(work: Work, message: Message) -> None:
    event = message.event
    private = getattr(event, "private", None)
    outcome = getattr(private, "outcome", None) or getattr(private, "reason", None)
    leg = getattr(event, "leg", None)
    await progress.trip_moved(work, message.id, event.call_id, event.NAME, leg, outcome, message.time)
    if rc := getattr(private, "rc", None):
        await progress.found(work, event.call_id, rc)


async def assignment_moved(work: Work, message: Message) -> None:
    event = message.event
    rc = getattr(getattr(event, "private", None), "rc", None)
    if event.role is Role.SUPPORT:
        await progress.support_moved(work, message.id, event.call_id, event.NAME, rc, event.at)
    else:
        await progress.assignment_moved(work, message.id, event.trip_id, event.call_id, event.NAME, rc, event.at)
    if event.NAME in progress.OVER_BY:
        await progress.kept(work, event.call_id, event.NAME)
    if event.NAME in AFTER_ACCEPTED and event.previous_status is AssignmentStatus.ACCEPTED:
        await progress.departed(work, event.call_id)


async def assignment_delayed(work: Work, message: Message) -> None:
    event: dispatch.AssignmentDelayed = message.event
    await progress.not_departed(work, event.call_id)


async def trip_at_risk(work: Work, message: Message) -> None:
    event: dispatch.TripAtRisk = message.event
    await progress.at_risk(work, event.call_id, event.risk)


async def person_matched(work: Work, message: Message) -> None:
    event: registry.PersonMatched = message.event
    presumed = event.private.presumed
    await progress.matched(work, event.call_id, event.patient_id, message.id, event.turn, presumed=presumed)


async def person_unmatched(work: Work, message: Message) -> None:
    event: registry.PersonUnmatched = message.event
    if event.call_id is not None and event.patient_id is not None:
        await progress.unmatched(work, event.call_id, event.patient_id, message.id, event.turn)


async def person_known(work: Work, message: Message) -> None:
    event: registry.PersonRegistered | registry.PersonChanged = message.event
    secret = event.private.disclosure is Disclosure.SECRET
    await progress.person_known(work, message.id, secret=secret)


async def person_erased(work: Work, message: Message) -> None:
    await erase.erase_person(work, message.id)


async def reply_received(work: Work, message: Message) -> None:
    event: notify.ReplyReceived = message.event
    if event.answer is Answer.CANCEL and event.call_id is not None and event.recipient_kind in CALLING:
        await progress.replied(work, event.call_id)


async def rating_given(work: Work, message: Message) -> None:
    event: notify.RatingGiven = message.event
    await progress.rated(work, message.id, event.call_id, event.private.score, event.at)


HEARS = [
    *(Hears(event, trip_moved, later=True) for event in TRIPS),
    *(Hears(event, assignment_moved, later=True) for event in ASSIGNMENTS),
    Hears(dispatch.AssignmentDelayed, assignment_delayed),
    Hears(dispatch.TripAtRisk, trip_at_risk),
    Hears(registry.PersonRegistered, person_known),
    Hears(registry.PersonChanged, person_known),
    Hears(registry.PersonMatched, person_matched),
    Hears(registry.PersonUnmatched, person_unmatched),
    Hears(registry.PersonErased, person_erased),
    Hears(notify.ReplyReceived, reply_received),
    Hears(notify.RatingGiven, rating_given, later=True),
]


async def watchdog_due(work: Work, due: Due) -> None:
    await watch.bark(work, due.subject_id)


async def series_due(work: Work, due: Due) -> None:
    await series.go_on(work, due.subject_id, series.Ahead(**due.data))


DUE = {watch.WATCHDOG: watchdog_due, series.SERIES: series_due}
