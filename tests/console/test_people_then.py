"""What was known of somebody on one day about another: asked in either era, and written down as the registry does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from services.console.rules.days import written
from shared.auth import Role
from shared.thai.dates import local_day
from shared.work import now_utc
from tests.console.faces import Faces, words_of
from tests.console.with_registry import Behind, behind

__all__ = ["behind"]

LONG_KNOWN = "update known set known_from = known_from - interval '3 days' where person_id = $1::text::uuid"


async def test_what_was_known_then_is_shown_in_either_era_and_audited(faces: Faces, behind: Behind) -> None:
    who = await behind.person("มานี มีนา", groups=["bedridden"])
    await behind.running.sql(LONG_KNOWN, who)
    await behind.ask("PATCH", f"/v1/persons/{who}", {"name": "มานี มีสุข"})
    orathai = await faces.sign_in(Role.CASE_MANAGER)
    page, today = f"/people/{who}/then?purpose=case_work", local_day(now_utc())
    empty = await orathai.get(page)
    assert "วันนั้นเรารู้อะไรบ้าง" in words_of(empty)
    assert not await _looks(behind), "nothing is asked before a day is"

    for lang in ("th", "en"):
        then = await orathai.get(f"{page}&lang={lang}&at={written(today - timedelta(days=1), lang)}")
        assert then.status_code == 200
        answer = words_of(then).partition({"th": "ที่รู้เมื่อ", "en": "As it was known"}[lang])[2]
        assert ("มานี มีนา" in answer, "มีสุข" in answer) == (True, False)
    now = words_of(await orathai.get(f"{page}&lang=th&at={written(today, 'th')}")).partition("ที่รู้เมื่อ")[2]
    assert ("มานี มีสุข" in now, "มานี มีนา" in now) == (True, False)
    looks = await _looks(behind)
    assert len(looks) == 3
    assert looks[0]["detail"]["about"] == str(today - timedelta(days=1))


async def test_what_cannot_be_asked_is_said_at_its_field(faces: Faces, behind: Behind) -> None:
    who = await behind.person("มานี มีนา")
    orathai = await faces.sign_in(Role.CASE_MANAGER)
    page, today = f"/people/{who}/then?purpose=case_work", local_day(now_utc())
    wrong = await orathai.get(f"{page}&at=31/2/2569")
    assert (wrong.status_code, 'value="31/2/2569"' in wrong.text, 'href="#at"' in wrong.text) == (422, True, True)
    alone = await orathai.get(f"{page}&about=1/2/2569")
    assert (alone.status_code, "กรอกวันที่รู้ก่อน" in words_of(alone)) == (422, True)
    ahead = await orathai.get(f"{page}&at={written(today + timedelta(days=2), 'th')}")
    assert (ahead.status_code, "อนาคต" in words_of(ahead)) == (422, True)
    before = await orathai.get(f"{page}&at=1/2/2560")
    assert (before.status_code, "เวลานั้นยังไม่มีข้อมูล" in words_of(before)) == (404, True)
    assert (await orathai.get(f"/people/{who}/then")).status_code == 200, "asked what for"


async def _looks(behind: Behind) -> list[dict[str, Any]]:
    rows = await behind.running.sql("select caller, detail from audit where act = 'read_as_known' order by id")
    return [dict(row) for row in rows]
