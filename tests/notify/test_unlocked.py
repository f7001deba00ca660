"""Privacy officers hear that a record was opened in an emergency, at any hour, and not whose."""

from __future__ import annotations

from datetime import timedelta

from shared.events.registry import PersonUnlocked
from shared.work import new_id, now_utc
from tests.notify.conftest import Town, call_origin


async def test_the_officer_is_told_and_nobody_else(town: Town) -> None:
    officer, _ = await town.crew(1), await town.crew(2)
    person, agency = new_id(), new_id()
    private = PersonUnlocked.Private(
        break_glass_id=new_id(), agency_id=agency, until_at=now_utc() + timedelta(hours=3), officer_ids=(officer,)
    )
    unlocked = PersonUnlocked(at=now_utc(), private=private)
    await town.service.emit(person, unlocked, call_origin(person))
    (message,) = await town.messages()
    assert (message["rule"], message["recipient_id"]) == ("officer_record_opened", officer)
    texts = [one["text"] for one in await town.attempts(message["id"])]
    assert texts
    assert not [text for text in texts if str(person) in text or str(agency) in text]
