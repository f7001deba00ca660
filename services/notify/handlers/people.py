"""Crews, units and people: whom we can reach, and how they want it."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from datetime import time
from typing import Any
from uuid import UUID

from services.notify.handlers.calls import mobile
from services.notify.rules.plan import Occasion
from services.notify.rules.words import Facts
from services.notify.store import messages, recipients, replies, views
from services.notify.store.recipients import Contact
from services.notify.verbs.ends import cancel
from services.notify.verbs.tell import Telling, tell
from shared.erasure import forget_heard
from shared.events.words import Disclosure
from shared.heard import Message, Unknown
from shared.work import Work


async def crew_changed(work: Work, message: Message) -> None:
    """Full state of a crew member."""
    event, private = message.event, message.event.private
    contact = Contact(
        "crew", message.id, private.name, mobile(private.phone), private.line_user_id, private.language.value, None,
        _clock(private.quiet_from), _clock(private.quiet_until),
    )  # fmt: skip
    origin = message.origin
    await recipients.put_crew(
        work.db, contact, origin.area, active=event.active, exercise=origin.exercise, at=message.time
    )


async def coordinator_changed(work: Work, message: Message) -> None:
    """Whom an agency has named is written to as a crew member is, by their own number."""
    contact, origin = Contact("crew", message.id, phone=mobile(message.event.private.phone)), message.origin
    await recipients.put_crew(work.db, contact, origin.area, active=True, exercise=origin.exercise, at=message.time)


async def crew_erased(work: Work, message: Message) -> None:
    """Of a crew member or a coordinator."""
    await _forget(work, [("crew", message.id)], recipients.wipe_crew(work.db, message.id))
    await forget_heard(work, message.event.NOUN, message.id)


async def on_duty(work: Work, message: Message) -> None:
    """These crew members may be told at any hour."""
    await recipients.set_duty(work.db, message.id, message.event.crew_ids)


async def off_duty(work: Work, message: Message) -> None:
    await recipients.set_duty(work.db, message.id, ())


async def person_changed(work: Work, message: Message) -> None:
    """How a person may be reached; full state."""
    private = message.event.private
    values = (
        mobile(private.phone), private.line_user_id, private.language.value, _clock(private.quiet_from),
        _clock(private.quiet_until), private.may_be_texted, private.disclosure is Disclosure.SECRET,
    )  # fmt: skip
    work.gather(_put_persons, (message.id, values))


async def person_matched(work: Work, message: Message) -> None:
    """A patient of a call is this person: what they want counts from now on."""
    event = message.event
    call = await views.read_call(work.db, event.call_id)
    if call is None:
        raise Unknown("call", event.call_id)
    if call["erased_at"] is None:
        work.gather(_set_persons, ((event.call_id, event.patient_id), message.id, event.turn))


async def person_unmatched(work: Work, message: Message) -> None:
    """The patient is somebody else: neither the telephone nor the wishes of this person are theirs."""
    event = message.event
    if event.call_id is not None:
        await work.write_gathered()  # who was matched just now
        await recipients.unset_person(work.db, event.call_id, event.patient_id, message.id, event.turn)


async def person_unlocked(work: Work, message: Message) -> None:
    """An agency without an agreement opened a record: the municipality's privacy officers are told, not whose."""
    telling = Telling(
        event_type=message.envelope.short_type,
        event_id=message.envelope.id,
        origin=message.origin,
        occasion=Occasion(Facts(), exercise=message.origin.exercise),
        facts={},
        crew_ids=message.event.private.officer_ids,
    )
    await tell(work, telling)


async def _put_persons(work: Work, rows: list[Any]) -> None:
    """Of two about one person the later counts. What waits for a telephone that is theirs no more does not go there."""
    for moved in await recipients.put_persons(work.db, dict(rows)):
        keys = await recipients.of_person(work.db, moved["id"])
        waiting = [row["id"] for row in await messages.waiting_for(work.db, keys, moved["left_phone"])]
        if waiting:
            await messages.readdress(work.db, waiting, moved["left_phone"], moved["phone"])
            await cancel(work, await messages.no_way_left(work.db, waiting), "no_address")


async def _set_persons(work: Work, rows: list[Any]) -> None:
    await recipients.set_persons(work.db, rows)


async def person_erased(work: Work, message: Message) -> None:
    keys = await recipients.of_person(work.db, message.id)
    await _forget(work, keys, recipients.wipe_person(work.db, message.id))
    await forget_heard(work, "person", message.id)


async def _forget(work: Work, keys: Sequence[tuple[str, UUID]], wiped: Awaitable[None]) -> None:
    """Nothing that was planned for them, sent to them or said by them stays."""
    await cancel(work, await messages.open_of_recipients(work.db, keys), "erased")
    await wiped  # waits for whoever is just telling them: what that wrote goes, too
    await cancel(work, await messages.open_of_recipients(work.db, keys), "erased")
    await messages.blank_of_recipients(work.db, keys)
    await replies.wipe_of_recipients(work.db, keys)


def _clock(text: str | None) -> time | None:
    return time.fromisoformat(text) if text else None
