"""The visits of a recurring appointment: each a call of its own, linked to the first, made ahead for some months."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from services.intake import state
from services.intake.desk import numbers_of
from services.intake.rules import appointments, numbers
from services.intake.store import calls as store
from services.intake.store import progress as progress_store
from services.intake.verbs.saying import say_taken
from shared.pack_parts import Pack
from shared.refusal import Refusal
from shared.work import Work, new_id

SERIES = "series"
OUTSIDE = "outside_area"
Doc = dict[str, Any]
LOOK_AGAIN = timedelta(days=30)
"""More visits are made when the first one not made is this near."""


def add_visits(work: Work, taking: store.Taking, visits: list[datetime], after: int = 1) -> None:
    """Calls for the visits that follow the first call of ``taking``, numbered ``after`` + 1 and so on."""
    first = taking.calls[0]
    patients = [each for each in taking.patients if each["call_id"] == first["id"]]
    for occurrence, at in enumerate(visits, start=after + 1):
        call = visit(first, at, occurrence)
        taking.calls.append(call)
        taking.patients += [{**patient, "id": new_id(), "call_id": call["id"]} for patient in patients]
        taking.links.append({
            "id": new_id(), "call_id": call["id"], "other_call_id": first["id"], "link": "occurrence",
            "linked_at": work.now, "linked_by": work.cause.actor, "unlinked_at": None, "unlinked_by": None,
        })  # fmt: skip


def give_away(work: Work, taking: store.Taking, receiver: str, receiver_name: str) -> None:
    """Everything of ``taking`` lies outside the area: it is the receiver's from the start, and nobody of ours goes."""
    for call in taking.calls:
        call |= {
            "status": "handed_over", "stage": "handed_over", "ended_at": work.now, "outcome": "handed_over",
            "reason": OUTSIDE, "served": False,
        }  # fmt: skip
        taking.hand_overs.append({
            "id": new_id(), "call_id": call["id"], "receiver": receiver, "receiver_name": receiver_name,
            "reason": OUTSIDE, "reason_text": None, "ends_call": True, "at": work.now, "by_actor": work.cause.actor,
        })  # fmt: skip


def visit(first: Doc, at: datetime, occurrence: int) -> Doc:
    """The same call for another day: a booked ride, whatever the first one was."""
    return {
        **first, "id": new_id(), "lane": "booked", "series_of": first["id"], "occurrence": occurrence,
        "tracking_code": numbers.new_tracking_code(), "appointment_at": at,
        "appointment": {**first["appointment"], "at": at.isoformat(), "recurrence": None},
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ahead:
    """How a municipality makes visits ahead; kept with the due row, so that no pack is needed when it is due."""

    prefix: str
    most: int
    days: int

    @classmethod
    def of(cls, pack: Pack) -> Ahead:
        policy = pack.policies.intake
        return cls(pack.area.case_prefix, policy.occurrences, policy.occurrence_days)


async def keep_going(work: Work, ahead: Ahead, first: state.Row, last_at: datetime, occurrence: int) -> None:
    """Look again in time for the visit after ``last_at`` (the ``occurrence``-th), however seldom they come."""
    next_at = _next(first, last_at, occurrence)
    if next_at is None:
        return
    early = min(LOOK_AGAIN, timedelta(days=ahead.days) / 2)
    due_at = max(work.now + timedelta(days=1), next_at - early)
    await work.later(SERIES, first["id"], due_at, state.origin_of(first), data=asdict(ahead))


async def go_on(work: Work, first_id: UUID, ahead: Ahead) -> None:
    """Make the next visits of a series. It ends with its rule, and when its first call is erased."""
    row = await store.lock_call(work.db, first_id)
    if row is None or row["erased_at"] is not None or not row["appointment"]:
        return
    made = await progress_store.last_of_series(work.db, first_id)
    last_at, occurrence = (made["at"], made["occurrence"]) if made and made["at"] else (row["appointment_at"], 1)
    visits = _after(row, ahead, last_at, occurrence, work.now)
    if visits:
        await _make(work, row, ahead, visits, occurrence)
    await keep_going(work, ahead, row, visits[-1] if visits else last_at, occurrence + len(visits))


async def _make(work: Work, row: asyncpg.Record, ahead: Ahead, visits: list[datetime], occurrence: int) -> None:
    """Calls for these visits of the series whose first call is ``row``."""
    first = _begun_again(dict(row.items()), work.now)
    people = [_document(each) for each in await store.read_patients(work.db, [row["id"]])]
    taking = store.Taking([first], people)
    add_visits(work, taking, visits, after=occurrence)
    taking.calls = taking.calls[1:]
    taking.patients = [each for each in taking.patients if each["call_id"] != first["id"]]
    if not row["served"]:
        given = next(each for each in await store.read_hand_overs(work.db, row["id"]) if each["reason"] == OUTSIDE)
        give_away(work, taking, given["receiver"], given["receiver_name"])
    drawn = await numbers_of(first["area"], ahead.prefix, work.now, len(taking.calls))
    await store.take_calls(work.db, taking.numbered(drawn))
    say_taken(work, taking)


def _document(patient: asyncpg.Record) -> Doc:
    born = patient["birth_on"]
    return {**dict(patient.items()), "birth_on": born.isoformat() if born else None}


def _begun_again(first: Doc, now: datetime) -> Doc:
    """The first call as the pattern of later ones: asked for now, nothing has happened to it."""
    return {
        **first, "version": 1, "status": "open", "stage": "received", "rc": None, "received_at": now, "taken_at": now,
        "updated_at": now, "answered_at": None, "ended_at": None, "outcome": None, "reason": None,
        "reason_text": None, "served": True,
    }  # fmt: skip


def _after(first: state.Row, ahead: Ahead, last_at: datetime, occurrence: int, now: datetime) -> list[datetime]:
    try:
        every = appointments.occurrences(
            first["appointment_at"],
            first["appointment"].get("recurrence"),
            now=now,
            most=occurrence + ahead.most,
            horizon=timedelta(days=ahead.days),
        )
    except Refusal:
        return []
    return [at for at in every if at > last_at]


def _next(first: state.Row, last_at: datetime, occurrence: int) -> datetime | None:
    try:
        return appointments.following(
            first["appointment_at"], first["appointment"].get("recurrence"), last_at, occurrence
        )
    except Refusal:
        return None
