"""Tasks, visits and invitations of the registry: whoever is to do something, or is asked into a team, is told."""

from __future__ import annotations

from uuid import UUID

from services.notify.rules.plan import Occasion
from services.notify.rules.words import Facts
from services.notify.store import messages
from services.notify.verbs.ends import cancel
from services.notify.verbs.tell import Telling, tell
from shared.events.registry import TaskAssigned, TaskOverdue, TeamInvited, VisitCancelled, VisitPlanned
from shared.heard import Message
from shared.work import Work

PLANNED = "crew_visit_planned"


async def told(work: Work, message: Message) -> None:
    """To the member, and to whom the agency has named for what it is given or asked."""
    event: TaskAssigned | TaskOverdue | TeamInvited = message.event
    facts = Facts() if isinstance(event, TeamInvited) else Facts(task=event.private.task, last_on=event.due_on)
    members = () if event.assignee_id is None else (event.assignee_id,)
    # Who does it themselves is told once, as who does it.
    beside = tuple(one for one in event.private.coordinator_ids if one not in members)
    await _tell(work, message, facts, members, coordinators=beside)


async def visit(work: Work, message: Message) -> None:
    """To everybody who is to go there; to whom they read on their page."""
    event: VisitPlanned = message.event
    await _tell(work, message, Facts(last_on=event.due_on), event.crew_ids)


async def cancelled(work: Work, message: Message) -> None:
    """To everybody who need not go any more, but not to whoever cancelled it themselves.

    Who was still to be told of the visit (at night, say) is told nothing of it.
    """
    event: VisitCancelled = message.event
    waiting = await messages.open_of_intent(work.db, PLANNED, message.id)
    await cancel(work, waiting, "visit_cancelled")
    spared = {row["recipient_id"] for row in waiting if not row["sent"]}
    told = tuple(crew_id for crew_id in event.crew_ids if crew_id not in spared)
    await _tell(work, message, Facts(last_on=event.due_on), told, event.by_crew_id)


async def _tell(
    work: Work,
    message: Message,
    facts: Facts,
    crew_ids: tuple[UUID, ...],
    actor_id: UUID | None = None,
    coordinators: tuple[UUID, ...] = (),
) -> None:
    telling = Telling(
        event_type=message.envelope.short_type,
        event_id=message.envelope.id,
        origin=message.origin,
        occasion=Occasion(facts, exercise=message.origin.exercise),
        facts={},
        visit_id=message.id,
        crew_ids=crew_ids,
        actor_id=actor_id,
        coordinators=coordinators,
    )
    await tell(work, telling)
