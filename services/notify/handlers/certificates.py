"""Certificates of crew members that end soon, as dispatch says them: whoever holds one is told."""

from __future__ import annotations

from services.notify.rules.plan import Occasion
from services.notify.rules.words import Facts
from services.notify.verbs.tell import Telling, tell
from shared.heard import Message
from shared.work import Work


async def ending(work: Work, message: Message) -> None:
    """Told to the member alone."""
    private, origin = message.event.private, message.origin
    telling = Telling(
        event_type=message.envelope.short_type,
        event_id=message.envelope.id,
        origin=origin,
        occasion=Occasion(Facts(certificate=private.skill, last_on=private.last_on), exercise=origin.exercise),
        facts={},
        crew_ids=(message.id,),
    )
    await tell(work, telling)
