"""What the registry hears: calls become people, cases and histories; everything else becomes a line of history."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from services.registry import store
from services.registry.rules.lines import codes_of, happened_at, patient_of
from services.registry.verbs import erasing, matching
from shared.consumer import Message, Unknown
from shared.events.base import Event
from shared.events.intake import BarrierMet, BarrierOpened, BarrierUnmet, CallHandedOver
from shared.events.words import CallStatus
from shared.work import Work


async def take_call(work: Work, message: Message) -> None:
    """A call's full state: keep its open facts, match its patients, write the line."""
    event, origin = message.event, message.origin
    seq = message.envelope.aggregateseq
    values = (origin.area, event.status, event.kind, event.lane, event.severity, event.severity_scheme, event.channel,
              event.received_at, origin.protected, origin.exercise, seq)  # fmt: skip
    before = await store.calls.put_call(work.db, message.id, values)
    if before is not None and before["erased_at"] is not None:
        return
    if before is None or before["facts_seq"] < seq:
        # Not in a replay: whoever was matched, changed or erased since stays as they are.
        await matching.match_patients(work, message.id, event, origin, first=before is None)
    await note(work, message)


async def end_call(work: Work, message: Message) -> None:
    """Withdrawn or closed."""
    if await note(work, message):
        await store.calls.set_call_status(work.db, message.id, message.event.NAME)


async def hand_over_call(work: Work, message: Message) -> None:
    event: CallHandedOver = message.event
    if await note(work, message) and event.ends_call:
        await store.calls.set_call_status(work.db, message.id, CallStatus.HANDED_OVER)


async def forget_call(work: Work, message: Message) -> None:
    await erasing.forget_call(work, message.id, message.origin)


async def open_barrier(work: Work, message: Message) -> None:
    event: BarrierOpened = message.event
    if await note(work, message):
        private = event.private
        values = (event.call_id, event.patient_id, private.barrier, private.action, private.owner, event.at)
        await store.history.put_barrier(work.db, message.id, values)


async def end_barrier(work: Work, message: Message) -> None:
    """Met or unmet: the person's barrier has its end and its outcome."""
    event: BarrierMet | BarrierUnmet = message.event
    if await note(work, message):
        private = event.private
        outcome = private.outcome if isinstance(private, BarrierMet.Private) else private.reason
        await store.history.end_barrier(work.db, message.id, event.NAME, outcome, event.at)


async def take_trip(work: Work, message: Message) -> None:
    event = message.event
    if await note(work, message):
        await store.history.put_trip(work.db, message.id, event.call_id, event.patient_id, event.leg, event.lane)


async def end_trip(work: Work, message: Message) -> None:
    """Completed or cancelled."""
    event = message.event
    if await note(work, message):
        outcome = getattr(event.private, "outcome", None) or getattr(event.private, "reason", None)
        await store.history.end_trip(work.db, message.id, event.NAME, outcome, event.at)


async def note(work: Work, message: Message) -> bool:
    """Write a line of history; False when the event belongs to no call, or to an erased one.

    Raises:
        Unknown: its call has not been heard of yet; the message waits for it.

    """
    event: Event = message.event
    call_id = _call_of(message)
    if call_id is None:
        return False
    trip_id: UUID | None = message.id if event.NOUN == "trip" else getattr(event, "trip_id", None)
    values: tuple[Any, ...] = (patient_of(event, message.id), trip_id, event.short_type(), message.id,
                               happened_at(event, message.time), message.origin.protected, codes_of(event))  # fmt: skip
    erased = await store.history.note(work.db, message.envelope.id, call_id, values)
    if erased is None and not await store.history.heard_so_far(work.db, "call", call_id):
        raise Unknown("call", call_id)
    # A call heard of but not kept was erased before its first event reached us.
    return erased is False


async def write_line(work: Work, message: Message) -> None:
    """An event that is a line of history and nothing more."""
    await note(work, message)


def _call_of(message: Message) -> UUID | None:
    """The call it belongs to: itself, or the one it names. A message to a crew about its duty names none."""
    if message.event.NOUN == "call":
        return message.id
    call_id: UUID | None = getattr(message.event, "call_id", None)
    return call_id
