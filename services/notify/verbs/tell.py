"""Tell everybody whom the rules name of what has happened: one message per rule and recipient, planned once.

All of it is part of the transaction in which notify heard of it; the senders are woken when that has committed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from uuid import UUID

from services.notify import house
from services.notify.rules.plan import Occasion, Plan, Recipient, plan
from services.notify.rules.table import Rule, To, all_rules, rules_on
from services.notify.sending import hands
from services.notify.store import messages, recipients
from services.notify.store.messages import AttemptRow, MessageRow
from services.notify.verbs.say import facts_of, origin_of, say_cancelled, say_failed
from shared.events.base import Origin
from shared.events.notify import MessagePlanned
from shared.events.words import MessageChannel
from shared.thai.names import first_name
from shared.work import Work, new_id

Key = tuple[str, UUID]
ORDER_RULES = ("crew_ordered", "crew_ordered_ride", "crew_asked", "crew_offered")
"""Rules by which a crew is asked to go."""
STEP_RULES = tuple(rule.id for rule in all_rules() if rule.to == "responder")
"""Messages that carry the button of a next step."""


@dataclass(frozen=True, slots=True)
class Telling:
    """Something that people may have to be told. ``facts`` are what rules ask for in ``when``."""

    event_type: str
    event_id: UUID
    origin: Origin
    occasion: Occasion
    facts: dict[str, Any]
    call_id: UUID | None = None
    trip_id: UUID | None = None
    assignment_id: UUID | None = None
    visit_id: UUID | None = None
    """A planned visit's."""
    patient_id: UUID | None = None
    crew_ids: tuple[UUID, ...] = ()
    coordinators: tuple[UUID, ...] = ()
    """Whom to tell at an agency, by the ids under which they are written to as crew members are."""
    actor_id: UUID | None = None
    """The crew member who did it."""
    responders: tuple[UUID, ...] = ()
    """Crew members who get the button of the next step."""
    asker: Key | None = None
    """Who asked for it, where it is an answer."""
    told: frozenset[UUID] = field(default_factory=frozenset)
    """Crew members whom the order had reached."""


async def tell(work: Work, telling: Telling) -> None:
    """Plan what the rules ask for."""
    await _plan(work, telling, rules_on(telling.event_type))


async def tell_how_it_stands(work: Work, telling: Telling, of: str) -> None:
    """Plan for people who come to an assignment later what its crew has in hand: the order, or the next button.

    ``of`` is the type of the event by which the assignment came to where it stands.
    """
    await _plan(work, telling, [rule for rule in rules_on(of) if rule.id in (*ORDER_RULES, *STEP_RULES)])


async def _plan(work: Work, telling: Telling, possible: Iterable[Rule]) -> None:
    rules = [rule for rule in possible if rule.fits(telling.facts)]
    if not rules:
        return
    known = await recipients.read(work.db, sorted(_concerned(rules, telling), key=str))
    telling = _with_name(telling, known)
    planned: list[tuple[MessageRow, Plan]] = []
    for rule in rules:
        for to in _resolve(rule.to, telling, known):
            message_id = new_id()
            policy = house.policy(telling.origin.area)
            made = plan(rule, to, telling.occasion, policy, message_id, work.now)
            planned.append((_message_row(work, message_id, rule, to, telling, made), made))
    await _write(work, planned)


async def _write(work: Work, planned: list[tuple[MessageRow, Plan]]) -> None:
    if not planned:
        return
    attempts = {message.id: _attempt_rows(work, message, made) for message, made in planned}
    rows = [row for of_message in attempts.values() for row in of_message]
    new = await messages.plan(work.db, [message for message, _ in planned], rows)
    for message, made in planned:
        if message.id in new:
            _say(work, message, made)
            work.then(partial(hands.give, [_in_hand(message, row) for row in attempts[message.id]]))


def _concerned(rules: Iterable[Rule], telling: Telling) -> set[Key]:
    """Everybody whose contact or name is needed."""
    keys: set[Key] = set()
    to = {rule.to for rule in rules}
    if to & {"crew", "told_crew", "mates", "told_mates", "responder"}:
        keys |= {("crew", crew_id) for crew_id in telling.crew_ids}
        keys |= {("crew", crew_id) for crew_id in telling.responders}
    if "coordinators" in to:
        keys |= {("crew", one) for one in telling.coordinators}
    if "caller" in to or "passenger" in to:
        keys |= {("caller", telling.call_id)} if telling.call_id else set()
    if telling.patient_id is not None:
        keys.add(("patient", telling.patient_id))
    if telling.asker is not None:
        keys.add(telling.asker)
    return keys


def _with_name(telling: Telling, known: dict[Key, Any]) -> Telling:
    """The patient's first name, as far as a message may call them by it."""
    patient = known.get(("patient", telling.patient_id)) if telling.patient_id else None
    if patient is None or not patient["name"]:
        return telling
    facts = replace(telling.occasion.facts, first_name=first_name(patient["name"])[:40])
    return replace(telling, occasion=replace(telling.occasion, facts=facts))


def _resolve(to: To, telling: Telling, known: dict[Key, Any]) -> list[Recipient]:
    if to in {"caller", "passenger"}:
        return _public(to, telling, known)
    if to == "asker":
        return [_recipient(telling.asker, known)] if telling.asker else []
    crew = set(telling.crew_ids)
    actor = {telling.actor_id} if telling.actor_id else set()
    chosen: set[UUID] = {
        "crew": crew,
        "told_crew": crew & telling.told,
        "mates": crew - actor,
        "told_mates": (crew & telling.told) - actor,
        "responder": set(telling.responders),
        "coordinators": set(telling.coordinators),
    }[to]
    return [_recipient(("crew", crew_id), known) for crew_id in sorted(chosen)]


def _public(to: To, telling: Telling, known: dict[Key, Any]) -> list[Recipient]:
    """The passenger is told directly where that is possible, else the caller for them."""
    patient_key = ("patient", telling.patient_id)
    if to == "passenger" and telling.patient_id is not None and patient_key in known:
        patient = _recipient(("patient", telling.patient_id), known)
        if patient.line_user_id or patient.phone or not patient.may_be_texted:
            return [patient]
    return [_recipient(("caller", telling.call_id), known)] if telling.call_id else []


def _recipient(key: Key, known: dict[Key, Any]) -> Recipient:
    row = known.get(key)
    if row is None:
        return Recipient(*key)
    return Recipient(
        row["kind"], row["id"], row["language"], row["line_user_id"], row["phone"], row["quiet_from"],
        row["quiet_until"], row["wants_routine"], row["on_duty"], row["active"], row["may_be_texted"],
    )  # fmt: skip


def _intent(rule: Rule, telling: Telling) -> UUID:
    """What this is told once of."""
    of = {"call": telling.call_id, "trip": telling.trip_id, "assignment": telling.assignment_id,
          "visit": telling.visit_id}  # fmt: skip
    return of.get(rule.once_per) or telling.event_id


def _message_row(work: Work, message_id: UUID, rule: Rule, to: Recipient, telling: Telling, made: Plan) -> MessageRow:
    return MessageRow(
        id=message_id,
        area=telling.origin.area,
        rule=rule.id,
        intent_id=_intent(rule, telling),
        recipient_kind=to.kind,
        recipient_id=to.id,
        message_class=rule.message_class.value,
        urgency=made.urgency,
        template=rule.template,
        language=made.language,
        event_id=telling.event_id,
        event_type=telling.event_type,
        call_id=telling.call_id,
        trip_id=telling.trip_id,
        assignment_id=telling.assignment_id,
        correlation_id=telling.origin.correlation_id,
        protected=telling.origin.protected,
        exercise=telling.origin.exercise,
        wants_answer=rule.must_answer,
        status=made.status,
        reason=made.reason,
        planned_at=work.now,
        expires_at=made.expires_at,
        traceparent=work.cause.traceparent,
    )


def _attempt_rows(work: Work, message: MessageRow, made: Plan) -> list[AttemptRow]:
    """An emergency's first step is born in the hands of a sender here, where one is free.

    Not the buttons of next steps: a claim takes the chat's reply token along.
    """
    urgent = message.message_class == "emergency" and message.rule not in STEP_RULES
    rows = []
    for number, step in enumerate(made.steps, 1):
        in_hand = urgent and step.due_at == work.now and hands.free(step.channel)
        state = "waiting" if step.due_at is None else "sending" if in_hand else "ready"
        due_at = None if in_hand else step.due_at
        row = (new_id(), message.id, number, step.channel, step.address, step.text, step.buttons, state, due_at)
        rows.append(AttemptRow(*row))
    return rows


def _in_hand(message: MessageRow, row: AttemptRow) -> dict[str, Any]:
    """What a claim would give the sender."""
    return {
        "id": row.id,
        "message_id": message.id,
        "state": row.state,
        "channel": row.channel,
        "area": message.area,
        "class": message.message_class,
        "exercise": message.exercise,
        "address": row.address,
        "text": row.text,
        "buttons": row.buttons,
        "left_s": (message.expires_at - message.planned_at).total_seconds(),
        "reply_token": None,
        "parts_done": None,
        "waited_s": 0.0,
    }


def _say(work: Work, row: MessageRow, made: Plan) -> None:
    if made.status == "suppressed":
        say_cancelled(work, row, made.reason or "suppressed")
        return
    event = MessagePlanned(
        **facts_of(row, work.now),
        channel=MessageChannel(made.steps[0].channel) if made.steps else MessageChannel.DESK,
        send_at=made.send_at,
        expires_at=made.expires_at,
        acknowledge_by_at=made.answer_by_at,
        private=MessagePlanned.Private(template=row.template),
    )
    work.say(row.id, event, origin_of(row))
    if made.status == "failed":
        say_failed(work, row, MessageChannel.DESK, 1, made.reason or "no_address", final=True)
