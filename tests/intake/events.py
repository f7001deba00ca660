"""What the other services say, as intake hears it: small makers for tests."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from shared.events import dispatch, notify, registry
from shared.events.base import Event
from shared.events.words import Answer, By, CallKind, Lane, Leg, MessageChannel, RecipientKind, Role, Severity
from shared.work import new_id, now_utc
from tests.harness import Running, call_origin

URGENCY: dict[str, Any] = {"lane": Lane.EMERGENCY, "severity": Severity.RED, "severity_scheme": "cbd"}


class Crew:
    """A trip of a call and the unit that goes, telling intake what happens."""

    def __init__(self, intake: Running, call_id: str, **origin: Any) -> None:
        self.intake, self.call_id = intake, UUID(call_id)
        self.trip_id, self.assignment_id, self.unit_id = new_id(), new_id(), new_id()
        self.origin = call_origin(self.call_id, **origin)

    async def _say(self, aggregate_id: UUID, event: Event, **options: Any) -> Any:
        return await self.intake.emit(aggregate_id, event, self.origin, **options)

    async def requested(self, leg: Leg = Leg.OUTBOUND) -> None:
        event = dispatch.TripRequested(call_id=self.call_id, kind=CallKind.MEDICAL, leg=leg, at=now_utc(), **URGENCY)
        await self._say(self.trip_id, event)

    async def queued(self) -> None:
        await self._say(self.trip_id, dispatch.TripQueued(call_id=self.call_id, at=now_utc(), **URGENCY))

    async def unassigned(self) -> None:
        """The unit that had accepted is lost: the next one is another crew's matter."""
        private = dispatch.TripUnassigned.Private(reason="broken_down")
        event = dispatch.TripUnassigned(
            call_id=self.call_id, unit_id=self.unit_id, assignment_id=self.assignment_id, at=now_utc(), by=By.PERSON,
            private=private, **URGENCY,
        )  # fmt: skip
        await self.tells(dispatch.AssignmentReleased, reason="broken_down")
        await self._say(self.trip_id, event)
        self.assignment_id, self.unit_id = new_id(), new_id()

    async def at_risk(self, risk: str, leg: Leg = Leg.OUTBOUND) -> None:
        event = dispatch.TripAtRisk(call_id=self.call_id, risk=risk, leg=leg, unit_id=self.unit_id, at=now_utc())
        await self._say(self.trip_id, event)

    async def completed(self, leg: Leg = Leg.OUTBOUND, outcome: str = "delivered") -> None:
        private = dispatch.TripCompleted.Private(outcome=outcome)
        event = dispatch.TripCompleted(call_id=self.call_id, leg=leg, at=now_utc(), private=private)
        await self._say(self.trip_id, event)

    async def cancelled(self, reason: str = "no_unit") -> None:
        private = dispatch.TripCancelled.Private(reason=reason)
        event = dispatch.TripCancelled(
            call_id=self.call_id, leg=Leg.OUTBOUND, at=now_utc(), by=By.SYSTEM, private=private
        )
        await self._say(self.trip_id, event)

    async def tells(self, kind: type[Event], **private: Any) -> Any:
        """An event of the assignment, e.g. ``AssignmentAccepted``; ``take=False`` in ``private`` only makes it.

        What is named like a field of the event is that field, the rest is private.
        """
        options = {"take": private.pop("take")} if "take" in private else {}
        open_part = {name: private.pop(name) for name in kind.model_fields if name in private}
        values = {
            "call_id": self.call_id, "trip_id": self.trip_id, "unit_id": self.unit_id, "role": Role.PRIMARY,
            "at": now_utc(), "by": By.PERSON, **URGENCY, **open_part,
        }  # fmt: skip
        if issubclass(kind, dispatch.Asked):
            values["leg"] = Leg.OUTBOUND
        if private:
            values["private"] = kind.Private(**private)  # type: ignore[attr-defined]
        return await self._say(self.assignment_id, kind(**values), **options)


async def matched(
    intake: Running, person_id: UUID, call_id: str, patient_id: str, turn: int = 0, *, presumed: bool = False
) -> None:
    private = registry.PersonMatched.Private(method="same_identifier", presumed=presumed)
    event = registry.PersonMatched(
        call_id=UUID(call_id), patient_id=UUID(patient_id), at=now_utc(), by=By.SYSTEM, turn=turn, private=private
    )
    await intake.emit(person_id, event, call_origin(person_id))


async def unmatched(intake: Running, person_id: UUID, call_id: str, patient_id: str, turn: int) -> None:
    event = registry.PersonUnmatched(
        call_id=UUID(call_id), patient_id=UUID(patient_id), at=now_utc(), by=By.PERSON, turn=turn
    )
    await intake.emit(person_id, event, call_origin(person_id))


async def person(intake: Running, person_id: UUID, disclosure: str = "restricted") -> None:
    private = registry.PersonRegistered.Private(disclosure=disclosure)
    await intake.emit(person_id, registry.PersonRegistered(at=now_utc(), private=private), call_origin(person_id))


async def person_erased(intake: Running, person_id: UUID) -> None:
    await intake.emit(person_id, registry.PersonErased(at=now_utc()), call_origin(person_id))


async def rated(intake: Running, call_id: str, score: int) -> None:
    private = notify.RatingGiven.Private(score=score)
    event = notify.RatingGiven(call_id=UUID(call_id), at=now_utc(), private=private)
    await intake.emit(new_id(), event, call_origin(UUID(call_id)))


async def replied(intake: Running, call_id: str, answer: Answer, who: RecipientKind = RecipientKind.CALLER) -> None:
    event = notify.ReplyReceived(
        call_id=UUID(call_id), recipient_kind=who, channel=MessageChannel.LINE, answer=answer, at=now_utc()
    )
    await intake.emit(new_id(), event, call_origin(UUID(call_id)))
