"""Certificates that end: their holder is told by LINE, else by SMS, in the words of the code list."""

from __future__ import annotations

from datetime import date

import pytest

from shared.events.dispatch import CrewCertificateEnding
from shared.work import now_utc
from tests.notify.conftest import Town, call_origin


@pytest.mark.parametrize("line", [True, False])
async def test_the_holder_alone_is_told(town: Town, line: bool) -> None:
    member, _ = await town.crew(1, line=line), await town.crew(2)
    private = CrewCertificateEnding.Private(skill="paramedic", last_on=date(2027, 1, 31))
    await town.service.emit(member, CrewCertificateEnding(at=now_utc(), private=private), call_origin(member))
    [message] = await town.messages()
    assert (message["rule"], message["recipient_id"]) == ("crew_certificate_ending", member)
    assert message["class"] == "routine", "it waits for the morning"
    attempts = await town.attempts(message["id"])
    assert [each["channel"] for each in attempts] == (["line", "sms"] if line else ["sms"])
    assert all("31 ม.ค. 2570" in each["text"] and "Paramedic" in each["text"] for each in attempts)
