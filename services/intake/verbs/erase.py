"""Erasure: a call, or what a call holds of one person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.intake import state
from services.intake.rules.life import advance
from services.intake.store import barriers as barrier_store
from services.intake.store import calls as store
from services.intake.store import progress as progress_store
from services.intake.store import wiping
from services.intake.verbs.common import CONFLICT, Row, refusing, say_updated
from services.intake.verbs.watch import unwatch
from shared.erasure import erase, forget_heard
from shared.events.intake import CallErased
from shared.events.words import By
from shared.retention import AT_ONCE, Retired
from shared.thai.names import same_name
from shared.work import Work

SELF = {"self", "ตนเอง", "ผู้ป่วยเอง"}


async def erase_call(work: Work, call: Row, *, even_open: bool = False, by: By = By.PERSON) -> None:
    """Nothing personal is left, here or in our stream; every other service wipes its copies.

    ``even_open``: in whatever state it is, which a restore brings back; an open call is over with it.

    Raises:
        Refused: 409, the call is still open: somebody may be on the way.

    """
    if call["erased_at"] is None and not even_open:
        with refusing(CONFLICT):
            advance("call", call["status"], "erase")
    await _wipe(work, call, None, by)


async def retire(work: Work, before: datetime, _place: None) -> Retired:
    """Erase calls that were over before ``before``: the municipality keeps them no longer."""
    calls = await wiping.past_keeping(work.db, before, AT_ONCE)
    for call in calls:
        await erase_call(work, call, by=By.SYSTEM)
    return Retired(len(calls), next=len(calls) == AT_ONCE or None)


async def erase_person(work: Work, person_id: UUID) -> None:
    """The registry has erased a person: erase the calls matched to them, and say again what remains of others."""
    for call_id in await store.calls_of_person(work.db, person_id):
        call = await store.lock_call(work.db, call_id)
        if call is None or call["erased_at"] is not None:
            continue
        patients = await store.read_patients(work.db, [call_id])
        theirs = [patient for patient in patients if patient["person_id"] == person_id]
        others = [patient for patient in patients if patient["person_id"] != person_id]
        if any(_known(patient) for patient in others):
            await _wipe_one_of_many(work, call, theirs)
        else:
            await _wipe(work, call, None)
    await progress_store.forget_person(work.db, person_id)
    await forget_heard(work, "person", person_id)


async def _wipe(work: Work, call: Row, patient_ids: list[UUID] | None, by: By = By.PERSON) -> None:
    await unwatch(work, call["id"])
    await work.cancel("series", call["id"])
    await wipe_rows(work, call["id"], patient_ids, by)
    work.say(call["id"], CallErased(at=work.now, by=by), state.origin_of(call))


async def wipe_rows(work: Work, call_id: UUID, patient_ids: list[UUID] | None = None, by: By = By.PERSON) -> None:
    """Wipe the rows, blank what was said of the call and of its barriers, and note it in the ledger."""
    barriers = await barrier_store.read_barriers(work.db, [call_id])
    await wiping.wipe_call(work.db, call_id, patient_ids, work.now)
    await erase(work, "call", call_id, by)
    if barriers:
        await erase(work, "barrier", [barrier["id"] for barrier in barriers], by)


async def _wipe_one_of_many(work: Work, call: Row, theirs: Sequence[Row]) -> None:
    """One of several patients is erased: everything said so far goes, then the rest is said again.

    Free texts may tell of anybody, so they go as well; the caller goes where they are the erased person.
    """
    kept = {name: call[name] for name in KEPT}
    if _is_caller(call, theirs):
        kept |= dict.fromkeys(name for name in KEPT if name.startswith("caller_"))
    await wipe_rows(work, call["id"], [patient["id"] for patient in theirs])
    work.say(call["id"], CallErased(at=work.now), state.origin_of(call))
    await wiping.drop_patients(work.db, [patient["id"] for patient in theirs])
    after = await wiping.keep_of_call(work.db, call["id"], kept)
    await say_updated(work, after, ("patients",))


KEPT = (
    "status", "stage", "ended_at", "caller_name", "caller_name_key", "caller_phone", "caller_phone_typed",
    "caller_relation", "caller_line_user_id", "caller_language", "lat", "lon", "point_typed", "address", "landmark",
    "tambon_code", "community", "area_codes", "destination", "appointment", "appointment_at", "companions",
    "external_refs", "tracking_code", "series_of", "occurrence", "requirements", "hazard",
)  # fmt: skip


def _known(patient: Row) -> bool:
    """Somebody is known behind this entry, not only that there was one more."""
    return any(patient[name] is not None for name in ("person_id", "name", "national_id"))


def _is_caller(call: Row, theirs: Sequence[Row]) -> bool:
    if (call["caller_relation"] or "").strip().casefold() in SELF:
        return True
    name = call["caller_name"]
    return bool(name) and any(patient["name"] and same_name(name, patient["name"]) for patient in theirs)
