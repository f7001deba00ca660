"""Certificates that end: whoever holds one is told in time to renew it."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from services.dispatch.rules import roster
from services.dispatch.store import served
from shared.due import Due
from shared.events.base import Origin
from shared.events.dispatch import CrewCertificateEnding
from shared.thai.dates import local_day
from shared.work import Work

ENDS = "certificate_ends"


async def watch(work: Work, crew_id: UUID, origin: Origin) -> None:
    """A member is what was just written: what was due for certificates that they had before is not any more."""
    await work.cancel(ENDS, crew_id)
    await _next(work, crew_id, origin, local_day(work.now - roster.TOLD_AFTER_MIDNIGHT))


async def ends(work: Work, due: Due) -> None:
    """The day on which somebody is told. What was renewed meanwhile is not spoken of.

    Nothing is locked: a change of the member waits for this row of ``due``, and makes its own.
    """
    on = date.fromisoformat(due.data["on"])
    for skill, last_on in roster.tellings(await _held(work, due.subject_id), on):
        private = CrewCertificateEnding.Private(skill=skill, last_on=last_on)
        work.say(due.subject_id, CrewCertificateEnding(at=work.now, private=private), due.origin)
    await _next(work, due.subject_id, due.origin, on)


async def _next(work: Work, crew_id: UUID, origin: Origin, after: date) -> None:
    on = roster.next_telling(await _held(work, crew_id), after)
    if on is not None:
        await work.later(ENDS, crew_id, roster.telling_at(on), origin, data={"on": on.isoformat()})


async def _held(work: Work, crew_id: UUID) -> dict[str, date | None]:
    """What the member may do, with last days; whoever serves no more holds nothing."""
    found = await served.skills_of(work.db, [crew_id])
    return next((dict(member["skills"]) for member in found if member["active"]), {})
