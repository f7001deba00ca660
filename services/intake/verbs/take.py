"""Taking a call: number it, write it with all that belongs to it, say it, and have the watchdog look after it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from services.intake.answers import DuplicateOut, HandOverAdvice, Receiver, TakenOut
from services.intake.bodies import CallBody
from services.intake.desk import Desk, Taker
from services.intake.draft import Draft, draft
from services.intake.rules import numbers
from services.intake.store import calls as store
from services.intake.verbs import shown
from services.intake.verbs.barriers import opening
from services.intake.verbs.saying import say_taken
from services.intake.verbs.series import Ahead, add_visits, give_away, keep_going
from services.intake.verbs.similar import similar_to
from services.intake.verbs.watch import watch, watched
from shared.pack_parts import Pack, Partner
from shared.thai.text import Text
from shared.work import Work, new_id

Doc = dict[str, Any]
AT_THE_DESK = {"phone", "walk_in"}
"""Channels with somebody of ours at the other end, who reads the answer and rings whoever takes over."""


async def take(work: Work, desk: Desk, taker: Taker, body: CallBody) -> TakenOut:
    """Take the call; with a recurrence, every visit as far as is made ahead.

    Raises:
        Refused: 422, every field that is wrong is named.

    """
    made = draft(desk, taker, body, work.now)
    call = _begin(made, work.now)
    taking = store.Taking([call], [_patient(call["id"], patient) for patient in made.patients])
    taking.barriers += [opening(work, call, taking.patients, each) for each in dict.fromkeys(body.barriers)]
    add_visits(work, taking, made.visits)
    if not made.verdict.served:
        _hand_over(work, made, taking)
    similar = await similar_to(work.db, made.pack, call, brought_by=taker.actor if taker.outside else None)
    if watched(call):
        await watch(work, call, desk.watchdog_s(call["area"]))
    if call["appointment"]:
        visits = [call["appointment_at"], *made.visits]
        await keep_going(work, Ahead.of(made.pack), call, visits[-1], len(visits))
    prefix = made.pack.area.case_prefix
    drawn = await desk.numbers(call["area"], prefix, call["received_at"], len(taking.calls))
    await store.take_calls(work.db, taking.numbered(drawn))
    say_taken(work, taking)
    return _answer(made, taking, similar)


def _begin(made: Draft, now: datetime) -> Doc:
    """The columns every new call begins with."""
    call = made.columns
    call |= {
        "id": new_id(), "number": "", "version": 1, "status": "open", "stage": "received", "rc": None,
        "taken_at": now, "updated_at": now, "answered_at": None, "ended_at": None, "outcome": None, "reason": None,
        "reason_text": None, "erased_at": None, "series_of": None, "occurrence": 1 if made.visits else None,
        "tracking_code": numbers.new_tracking_code(),
    }  # fmt: skip
    return call


def _patient(call_id: UUID, patient: Doc) -> Doc:
    return {**patient, "id": new_id(), "call_id": call_id}


def _hand_over(work: Work, made: Draft, taking: store.Taking) -> None:
    """The place is another's: the call is theirs from the start, with time and receiver, and nobody of ours goes."""
    partner = made.verdict.partners[0]
    give_away(work, taking, partner.code, partner.name.th)
    first = taking.calls[0]
    if first["lane"] == "emergency" and first["channel"] not in AT_THE_DESK and not first["back_entry"]:
        taking.alarms.append({
            "id": new_id(), "kind": "hand_over", "call_id": first["id"], "area": first["area"], "raised_at": work.now,
            "answered_at": None, "acknowledged_at": None, "acknowledged_by": None,
        })  # fmt: skip


def _answer(made: Draft, taking: store.Taking, similar: list[DuplicateOut]) -> TakenOut:
    call = taking.calls[0]
    same = (
        "id", "number", "area", "version", "status", "kind", "lane", "severity", "severity_scheme", "served",
        "received_at", "tracking_code",
    )  # fmt: skip
    return TakenOut(
        **{name: call[name] for name in same},
        service_area=shown.area_out(made.verdict),
        service=shown.service_out(made.service),
        possible_duplicates=similar,
        triage=shown.triage_out(made.judged, somebody_goes=made.verdict.served and not call["back_entry"]),
        barriers=[shown.barrier_out(barrier) for barrier in taking.barriers],
        warnings=[shown.warning_out(warning) for warning in made.warnings],
        hand_over=hand_over_advice(made),
        series=[shown.visit_out(each) for each in taking.calls[1:]],
    )


def hand_over_advice(made: Draft) -> HandOverAdvice | None:
    """Who takes over, or must be told: done where the place is another's, offered for red flags and some hazards."""
    others = [receiver(partner, what) for what, partner in made.told_as_well]
    if not made.verdict.served:
        main = receiver(made.verdict.partners[0], "outside_area")
        return HandOverAdvice(**main.model_dump(), done=True, at=made.columns["updated_at"], others=others)
    if made.judged.hand_over_1669:
        main = receiver(_medical(made.pack, made.columns["tambon_code"]), "red_flag")
        return HandOverAdvice(**main.model_dump(), done=False, others=others)
    if others:
        return HandOverAdvice(**others[0].model_dump(), done=False, others=others[1:])
    return None


def _medical(pack: Pack, tambon_code: str | None) -> Partner:
    """Who takes medical emergencies; every pack names somebody who does so everywhere."""
    return pack.partners_for("red_flag", tambon_code)[0]


def receiver(partner: Partner, reason: str) -> Receiver:
    name = Text(th=partner.name.th, en=partner.name.en)
    return Receiver(receiver=partner.code, reason=reason, name=name, phone=partner.phone)
