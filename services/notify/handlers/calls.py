"""Calls and their barriers, as intake says them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from services.notify import house
from services.notify.rules.plan import Occasion
from services.notify.rules.table import rule
from services.notify.rules.words import Facts
from services.notify.store import messages, recipients, replies, views
from services.notify.store.recipients import Contact
from services.notify.verbs.ends import cancel
from services.notify.verbs.tell import Telling, tell
from shared.erasure import forget_heard
from shared.events.intake import Appointment, CallFacts, CallPrivate
from shared.heard import Message, Unknown
from shared.refusal import Refusal
from shared.thai.phones import read_phone
from shared.work import Work


async def received(work: Work, message: Message) -> None:
    """A call was taken: know whom to tell, and tell them."""
    event = message.event
    await _keep(work, message)
    if event.back_entry:
        return
    appointment = event.private.appointment
    at = appointment.at if appointment else None
    facts = {"lane": event.lane.value, "first": _first(appointment)}
    said = Facts(event.number, event.private.tracking_code, severity=event.severity.value, appointment_at=at)
    await tell(work, _telling(message, message.id, said, facts))


async def updated(work: Work, message: Message) -> None:
    """Full state: replaces what was known."""
    await _keep(work, message)
    patients = message.event.private.patients
    await recipients.drop_gone_patients(work.db, message.id, [patient.patient_id for patient in patients])
    if message.origin.protected:
        await _protect(work, message.id)


async def _protect(work: Work, call_id: UUID) -> None:
    """A call may become protected after somebody was told of it: what still waits for the public is not sent."""
    await messages.protect_of_call(work.db, call_id)
    waiting = await messages.open_of_call(work.db, call_id)
    await cancel(work, [row for row in waiting if rule(row["rule"]).protected == "skip"], "protected")


async def handed_over(work: Work, message: Message) -> None:
    call = await _call(work, message.id)
    if message.event.ends_call:
        await views.set_call_status(work.db, message.id, "handed_over")
    if not call["back_entry"]:
        facts = {"ends_call": message.event.ends_call, "follows": call["follows"]}
        await tell(work, _telling(message, message.id, _facts(call), facts))


async def withdrawn(work: Work, message: Message) -> None:
    """What the public was still to be told is pointless; crews hear of it when their assignments are released."""
    await views.set_call_status(work.db, message.id, "withdrawn")
    await cancel(work, await messages.open_of_call(work.db, message.id), "call_withdrawn")
    if message.event.along_with_id == message.id:
        await _tell_of_series(work, message)


async def _tell_of_series(work: Work, message: Message) -> None:
    """A whole series is withdrawn with this visit: one message for it, to each passenger or whoever called for them."""
    call = await _call(work, message.id)
    if call["back_entry"] or call["erased_at"] is not None:
        return
    telling = _telling(message, message.id, _facts(call), {"whole_series": True})
    people = await recipients.of_call(work.db, message.id)
    for each in [replace(telling, patient_id=id_) for kind, id_ in people if kind == "patient"] or [telling]:
        await tell(work, each)


async def closed(work: Work, message: Message) -> None:
    await views.set_call_status(work.db, message.id, "closed")


async def erased(work: Work, message: Message) -> None:
    """Wipe every text, address, name and answer of this call, in whatever state it is."""
    keys = await recipients.of_call(work.db, message.id)
    await cancel(work, await messages.open_about_call(work.db, message.id), "erased")
    await recipients.wipe_of_call(work.db, message.id)  # waits for whoever is just telling them: that goes, too
    await cancel(work, await messages.open_about_call(work.db, message.id), "erased")
    await messages.blank_of_call(work.db, message.id)
    await replies.wipe_of_recipients(work.db, keys)
    await replies.wipe_of_call(work.db, message.id)
    await views.wipe_call(work.db, message.id, message.origin, work.now)
    await forget_heard(work, "call", message.id)


async def barrier_opened(work: Work, message: Message) -> None:
    """Not knowing what to do is a barrier that a card of guidance helps with."""
    call = await _call(work, message.event.call_id)
    if not call["back_entry"] and call["erased_at"] is None:
        facts = {"barrier": message.event.private.barrier.value}
        await tell(work, _telling(message, call["id"], _facts(call), facts))


def _first(appointment: Appointment | None) -> bool:
    """Whether this is no later visit of a series."""
    return appointment is None or (appointment.series_of is None and appointment.occurrence in {None, 1})


async def _call(work: Work, call_id: UUID) -> Any:
    row = await views.read_call(work.db, call_id)
    if row is None:
        raise Unknown("call", call_id)
    return row


async def _keep(work: Work, message: Message) -> None:
    event: Any = message.event
    facts: CallFacts = event
    private: CallPrivate = event.private
    origin = message.origin
    values = {
        "area": origin.area,
        "number": facts.number,
        "lane": facts.lane.value,
        "severity": facts.severity.value,
        "status": facts.status.value,
        "tracking_code": private.tracking_code,
        "appointment_at": private.appointment.at if private.appointment else None,
        "protected": origin.protected,
        "exercise": origin.exercise,
        "back_entry": facts.back_entry,
        "tambon_code": private.location.tambon_code,
        "follows": not facts.served and not _first(private.appointment),
    }
    await views.put_call(work.db, message.id, values)
    contacts = _contacts(message.id, private, origin.area)
    await recipients.put_of_call(work.db, message.id, origin.area, contacts, exercise=origin.exercise, at=message.time)


def _contacts(call_id: UUID, private: CallPrivate, area: str) -> list[Contact]:
    caller = private.caller
    language = caller.language.value if caller.language else house.policy(area).language
    found = [Contact("caller", call_id, caller.name, mobile(caller.phone), caller.line_user_id, language)]
    return found + [
        Contact("patient", patient.patient_id, patient.name, language=language, person_id=patient.person_id)
        for patient in private.patients
    ]


def mobile(phone: str | None) -> str | None:
    """The number, if it can receive an SMS."""
    if phone is None:
        return None
    try:
        read = read_phone(phone)
    except Refusal:
        return None
    return read.e164 if read.can_receive_sms else None


def _facts(call: Any) -> Facts:
    return Facts(
        number=call["number"], tracking_code=call["tracking_code"], severity=call["severity"],
        appointment_at=call["appointment_at"],
    )  # fmt: skip


def _telling(message: Message, call_id: UUID, said: Facts, facts: dict[str, Any]) -> Telling:
    origin = message.origin
    return Telling(
        event_type=message.envelope.short_type,
        event_id=message.envelope.id,
        origin=origin,
        occasion=Occasion(said, protected=origin.protected, exercise=origin.exercise),
        facts=facts,
        call_id=call_id,
    )
