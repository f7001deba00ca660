"""What is said of calls that were just taken, and of a hand-over."""

from __future__ import annotations

from datetime import datetime

from services.intake import state
from services.intake.store import calls as store
from services.intake.verbs.common import Row, by_of
from shared.events.intake import CallHandedOver, CallReceived
from shared.work import Work


def say_taken(work: Work, taking: store.Taking) -> None:
    """Each call in full, then its barriers, links and hand-overs."""
    calls = {call["id"]: call for call in taking.calls}
    for call in taking.calls:
        patients = [each for each in taking.patients if each["call_id"] == call["id"]]
        opened = [each["barrier"] for each in taking.barriers if each["call_id"] == call["id"]]
        private = CallReceived.Private(**state.private_of(call, patients, opened))
        work.say(call["id"], CallReceived(**state.facts_of(call), private=private), state.origin_of(call))
    for barrier in taking.barriers:
        work.say(barrier["id"], state.opened_of(barrier), state.origin_of(calls[barrier["call_id"]]))
    for link in taking.links:
        work.say(link["call_id"], state.linked_of(work, link), state.origin_of(calls[link["call_id"]]))
    for given in taking.hand_overs:
        call = calls[given["call_id"]]
        say_handed_over(work, call, given["receiver"], given["reason"], given["at"], ends_call=given["ends_call"])


def say_handed_over(work: Work, call: Row, receiver: str, reason: str, at: datetime, *, ends_call: bool) -> None:
    event = CallHandedOver(
        at=at,
        by=by_of(work.cause),
        ends_call=ends_call,
        private=CallHandedOver.Private(receiver=receiver, reason=reason),
    )
    work.say(call["id"], event, state.origin_of(call))
