"""Tasks and invitations of the registry's cases: whoever is to do something, or is asked into a team, is told."""

from __future__ import annotations

from services.notify.rules.plan import Occasion
from services.notify.rules.words import Facts
from services.notify.verbs.tell import Telling, tell
from shared.consumer import Message
from shared.events.registry import TaskAssigned, TaskOverdue, TeamInvited
from shared.work import Work


async def told(work: Work, message: Message) -> None:
    """To the member alone; what belongs to an organisation only is in its own list."""
    event: TaskAssigned | TaskOverdue | TeamInvited = message.event
    if event.assignee_id is None:
        return
    task = None if isinstance(event, TeamInvited) else event.private.task
    last_on = None if isinstance(event, TeamInvited) else event.due_on
    telling = Telling(
        event_type=message.envelope.short_type,
        event_id=message.envelope.id,
        origin=message.origin,
        occasion=Occasion(Facts(task=task, last_on=last_on), exercise=message.origin.exercise),
        facts={},
        crew_ids=(event.assignee_id,),
    )
    await tell(work, telling)
