"""What the registry hears: calls become people, cases and histories; everything else becomes a line of history."""

from __future__ import annotations

from uuid import UUID

from services.registry import store
from services.registry.rules.lines import codes_of, happened_at, patient_of
from services.registry.store.history import Line
from services.registry.verbs import erasing, matching, reviews
from shared.events.base import Event
from shared.events.intake import BarrierMet, BarrierOpened, BarrierUnmet, CallHandedOver
from shared.events.words import By, CallStatus
from shared.heard import Message, Unknown
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
    note(work, message)


async def end_call(work: Work, message: Message) -> None:
    """Withdrawn or closed."""
    note(work, message)
    await store.calls.set_call_status(work.db, message.id, message.event.NAME)


async def hand_over_call(work: Work, message: Message) -> None:
    event: CallHandedOver = message.event
    note(work, message)
    if event.ends_call:
        await store.calls.set_call_status(work.db, message.id, CallStatus.HANDED_OVER)


async def forget_call(work: Work, message: Message) -> None:
    await erasing.forget_call(work, message.id, message.origin, kept_long=message.event.by is By.SYSTEM)


async def open_barrier(work: Work, message: Message) -> None:
    event: BarrierOpened = message.event
    note(work, message)
    private = event.private
    values = (event.call_id, event.patient_id, private.barrier, private.action, private.owner, event.at)
    await store.history.put_barrier(work.db, message.id, values)


async def end_barrier(work: Work, message: Message) -> None:
    """Met or unmet: the person's barrier has its end and its outcome."""
    event: BarrierMet | BarrierUnmet = message.event
    note(work, message)
    private = event.private
    outcome = private.outcome if isinstance(private, BarrierMet.Private) else private.reason
    await store.history.end_barrier(work.db, message.id, event.NAME, outcome, event.at)


async def take_trip(work: Work, message: Message) -> None:
    event = message.event
    note(work, message)
    await store.history.put_trip(work.db, message.id, event.call_id, event.patient_id, event.leg, event.lane)


async def end_trip(work: Work, message: Message) -> None:
    """Completed or cancelled."""
    event = message.event
    note(work, message)
    outcome = getattr(event.private, "outcome", None) or getattr(event.private, "reason", None)
    await store.history.end_trip(work.db, message.id, event.NAME, outcome, event.at)


async def take_rating(work: Work, message: Message) -> None:
    """A bad one is a complaint: it opens a review of the call."""
    note(work, message)
    await reviews.complain(work, message.event, message.envelope.id, message.origin)


async def write_line(work: Work, message: Message) -> None:
    """An event that is a line of history and nothing more."""
    note(work, message)


def note(work: Work, message: Message) -> None:
    """Have a line of history written with the others of this transaction. What belongs to no call has none."""
    event: Event = message.event
    call_id = _call_of(message)
    if call_id is None:
        return
    trip_id: UUID | None = message.id if event.NOUN == "trip" else getattr(event, "trip_id", None)
    work.gather(_write_lines, (
        message.envelope.id, call_id, patient_of(event, message.id), trip_id, event.short_type(), message.id,
        happened_at(event, message.time), message.origin.protected, codes_of(event),
    ))  # fmt: skip


async def _write_lines(work: Work, lines: list[Line]) -> None:
    """All lines of one transaction in one statement.

    Raises:
        Unknown: a call has not been heard of yet; its message waits for it, and the others go on without.

    """
    for call_id in await store.history.write_lines(work.db, lines):
        # A call heard of but not kept was erased before its first event reached us: nothing is kept of it.
        if not await store.history.heard_so_far(work.db, "call", call_id):
            raise Unknown("call", call_id)


def _call_of(message: Message) -> UUID | None:
    """The call it belongs to: itself, or the one it names. A message to a crew about its duty names none."""
    if message.event.NOUN == "call":
        return message.id
    call_id: UUID | None = getattr(message.event, "call_id", None)
    return call_id
