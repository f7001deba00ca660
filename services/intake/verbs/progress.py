"""How far a call is, after what dispatch says of its trips and assignments; ratings and persons of its patients."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from services.intake.desk import watchdog_s
from services.intake.rules import life
from services.intake.store import calls as store
from services.intake.store import progress as progress_store
from services.intake.verbs.common import Row, next_status, say_updated
from services.intake.verbs.ends import end_closed, withdraw_one
from services.intake.verbs.links import leader_of
from services.intake.verbs.watch import unanswered_again, unwatch, watch, watched
from shared.events.words import TripRisk
from shared.work import Work

NOT_DEPARTED = "not_departed"
AT_RISK = {TripRisk.LATE: "van_late", TripRisk.LEFT_BEHIND: "left_behind"}
"""What endangers a promise → the alarm of it."""
OVER_BY = {"accepted": "left_behind", "at_scene": "van_late", "released": "van_late", "declined": "van_late"}
"""Event of an assignment → the alarm that is over by it."""
CANCELLED_BY_CALLER = "caller_withdrew"
COMPLAINT_UP_TO = 2
"""A score of one or two stars of five is a complaint: somebody looks at it."""

# event of a trip → what we keep of it
TRIP_STATE = {
    "requested": "waiting",
    "changed": None,
    "queued": "queued",
    "planned": "planned",
    "replanned": "planned",
    "unassigned": "queued",
    "completed": "completed",
    "cancelled": "cancelled",
}
NOT_A_STATE = {"corrected", "backup_requested", "at_base"}


async def trip_moved(
    work: Work, trip_id: UUID, call_id: UUID, event: str, leg: str | None, outcome: str | None, at: datetime
) -> None:
    """A trip of ours has come further; when all have ended the call is closed."""
    call: Row | None = await store.lock_call(work.db, call_id)
    state = TRIP_STATE[event]
    if call is None or state is None:
        return
    await progress_store.see_trip(work.db, trip_id, call_id, state, leg, outcome, at)
    if state == "completed" and outcome == life.NO_SHOW:
        await progress_store.raise_alarm(work.db, life.NO_SHOW, call_id, call["area"], work.now)
    if event == "requested" and call["status"] == "closed" and call["erased_at"] is None:
        call = await _reopen(work, call)
    elif state == "queued" and await _is_lost(work, call):
        call = await unanswered_again(work, call, watchdog_s(call["area"]))
    await _settle(work, call)


async def assignment_moved(
    work: Work, assignment_id: UUID, trip_id: UUID, call_id: UUID, event: str, rc: str | None, at: datetime
) -> None:
    """A unit answers, goes, arrives. Whoever goes calls the watchdog off; what the crew finds stands beside the IDC."""
    call = await store.lock_call(work.db, call_id)
    if call is None:
        return
    if event in NOT_A_STATE:
        await progress_store.correct_assignment(work.db, assignment_id, rc)
    else:
        await progress_store.see_assignment(work.db, assignment_id, call_id, trip_id, event, rc, at)
    if event in life.GOING and call["answered_at"] is None and not await _lacks_somebody(work, call):
        await unwatch(work, call_id)
        await progress_store.answer_alarms(work.db, call_id, work.now)
        call = await store.change_call(work.db, call_id, {"answered_at": at}, work.now)
    if rc is not None and rc != call["rc"]:
        call = await store.change_call(work.db, call_id, {"rc": rc}, work.now)
    if event != "cleared":  # the trip's own end follows and says how far the call is; until then it stays there
        await _settle(work, call)


async def support_moved(
    work: Work, assignment_id: UUID, call_id: UUID, event: str, rc: str | None, at: datetime
) -> None:
    """A unit beside the trip's own: it answers no call, and says nothing of how far the call is.

    One that handed its patient to a unit of higher level is in support from then on; its end is its end.
    """
    if event in life.OVER:
        await progress_store.end_assignment(work.db, assignment_id, event, at)
    if rc is not None:
        await found(work, call_id, rc)


async def not_departed(work: Work, call_id: UUID) -> None:
    """A crew accepted and has not set out in time: the desk must see it. Dispatch alerts the next one by itself."""
    call = await store.lock_call(work.db, call_id)
    if call is not None and call["status"] == "open":
        await progress_store.raise_alarm(work.db, NOT_DEPARTED, call_id, call["area"], work.now)


async def departed(work: Work, call_id: UUID) -> None:
    """The crew that had accepted set out, or another one goes in its place."""
    await progress_store.answer_alarm(work.db, call_id, NOT_DEPARTED, work.now)


async def at_risk(work: Work, call_id: UUID, risk: TripRisk) -> None:
    """A rider's promise is in danger: the desk must see it, and ring."""
    call = await store.lock_call(work.db, call_id)
    if call is not None and call["status"] == "open":
        await progress_store.raise_alarm(work.db, AT_RISK[risk], call_id, call["area"], work.now)


async def kept(work: Work, call_id: UUID, event: str) -> None:
    """The van is there after all, or another one is looked for; somebody goes."""
    await progress_store.answer_alarm(work.db, call_id, OVER_BY[event], work.now)


async def found(work: Work, call_id: UUID, rc: str) -> None:
    """What the crew found at the scene (RC), to be held against what was given at triage (IDC)."""
    call = await store.lock_call(work.db, call_id)
    if call is not None and call["rc"] != rc:
        await store.change_call(work.db, call_id, {"rc": rc}, work.now)


async def _is_lost(work: Work, call: Row) -> bool:
    """Somebody went, and one of the trips has nobody now. A duplicate's trips are none: its leading call is served."""
    if call["status"] != "open" or call["answered_at"] is None or not await _lacks_somebody(work, call):
        return False
    return await leader_of(work, call["id"]) is None


async def _lacks_somebody(work: Work, call: Row) -> bool:
    trips = await progress_store.trips_of_call(work.db, call["id"])
    return life.lacks_somebody(trips, await progress_store.assignments_of_call(work.db, call["id"]))


async def _settle(work: Work, call: Row) -> None:
    """Bring stage and status of an open call to what its trips say."""
    if call["status"] != "open":
        return
    trips = await progress_store.trips_of_call(work.db, call["id"])
    ended = life.outcome_of(trips)
    if ended is not None:
        # A duplicate's own trips are cancelled while its leading call is served: it ends with that one.
        if await leader_of(work, call["id"]) is None:
            await end_closed(work, call, *ended)
        return
    stage = life.stage_of(trips, await progress_store.assignments_of_call(work.db, call["id"]))
    if stage != call["stage"]:
        await store.change_call(work.db, call["id"], {"stage": stage}, work.now)


async def _reopen(work: Work, call: Row) -> Row:
    """The last trip known was done, but there is another one, and nobody goes there yet."""
    changes = {
        "status": next_status(call, "reopen"), "stage": "received", "ended_at": None, "outcome": None, "reason": None,
        "reason_text": None, "answered_at": None,
    }  # fmt: skip
    after = await store.change_call(work.db, call["id"], changes, work.now)
    if watched(after):
        await watch(work, after, watchdog_s(after["area"]), since=work.now)
    await say_updated(work, after, ("status",))
    return after


async def matched(work: Work, call_id: UUID, patient_id: UUID, person_id: UUID, turn: int, *, presumed: bool) -> None:
    """The registry knows, or presumes, who a patient is. Of a secret person the call shows no more than id and time."""
    call = await store.lock_call(work.db, call_id)
    if call is None or call["erased_at"] is not None:
        return
    if not await store.match_patient(work.db, call_id, patient_id, person_id, turn, presumed=presumed):
        return
    if await progress_store.is_secret(work.db, person_id):
        await _protect(work, call)


async def unmatched(work: Work, call_id: UUID, patient_id: UUID, person_id: UUID, turn: int) -> None:
    """The patient is not this person. What was protected for their sake stays so."""
    if await store.lock_call(work.db, call_id) is not None:
        await store.unmatch_patient(work.db, call_id, patient_id, person_id, turn)


async def person_known(work: Work, person_id: UUID, *, secret: bool) -> None:
    """What the registry says of a person. Who becomes secret is so in every call they are a patient of."""
    await progress_store.see_person(work.db, person_id, secret=secret)
    for call_id in await store.unprotected_of_person(work.db, person_id) if secret else ():
        call = await store.lock_call(work.db, call_id)
        if call is not None and call["erased_at"] is None:
            await _protect(work, call)


async def _protect(work: Work, call: Row) -> None:
    """Tell it at once: the others protect what grows from a call by what its events say."""
    if not call["protected"]:
        after = await store.change_call(work.db, call["id"], {"protected": True}, work.now)
        await say_updated(work, after, ("protected",))


async def replied(work: Work, call_id: UUID) -> None:
    """Caller or patient cancels a booked ride by answering a message. An emergency is only cancelled by people."""
    call = await store.lock_call(work.db, call_id)
    if call is not None and call["status"] == "open" and call["lane"] == "booked":
        await withdraw_one(work, call, CANCELLED_BY_CALLER, None, watchdog_s(call["area"]))


async def rated(work: Work, rating_id: UUID, call_id: UUID, score: int, at: datetime) -> None:
    """One question after the trip. Who was badly served is an alarm: somebody rings and asks."""
    complaint = score <= COMPLAINT_UP_TO
    await progress_store.see_rating(work.db, rating_id, call_id, score, at, complaint=complaint)
    call = await store.lock_call(work.db, call_id) if complaint else None
    if call is not None and call["erased_at"] is None:
        await progress_store.raise_alarm(work.db, "complaint", call_id, call["area"], work.now)
