"""Swaps of shifts, as dispatch says them: the other member is asked, and both hear what became of it."""

from __future__ import annotations

from services.notify.rules.plan import Occasion
from services.notify.rules.words import Facts
from services.notify.verbs.tell import Telling, tell
from shared.events.dispatch import SwapAnswered
from shared.events.words import SwapStatus
from shared.heard import Message
from shared.work import Work

BY_WHO_ASKED = frozenset({SwapStatus.ASKED, SwapStatus.WITHDRAWN})
"""What the giver of the shift did; the rest is told to them."""


async def changed(work: Work, message: Message) -> None:
    """A swap was asked for or answered: whoever did not do it is told."""
    event, origin = message.event, message.origin
    status = event.status if isinstance(event, SwapAnswered) else SwapStatus.ASKED
    actor = event.from_crew_id if status in BY_WHO_ASKED else event.to_crew_id
    telling = Telling(
        event_type=message.envelope.short_type,
        event_id=message.envelope.id,
        origin=origin,
        occasion=Occasion(Facts(shift_at=event.from_at), exercise=origin.exercise, deadline_at=event.from_at),
        facts={"status": status.value},
        crew_ids=(event.from_crew_id, event.to_crew_id),
        actor_id=actor,
    )
    await tell(work, telling)
