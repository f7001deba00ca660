"""What a written line means; and the life of a message, the same here and in the database."""

from __future__ import annotations

import pytest

from services.notify.rules.chat import understand
from services.notify.rules.life import STEPS
from tests.platform_fixtures import MakeDatabase


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("STOP", "stop"),
        ("หยุด", "stop"),
        ("หยุดส่งค่ะ", "stop"),
        ("start", "start"),
        ("พร้อมกลับ", "ready"),
        (" พร้อมกลับแล้วครับ ", "ready"),
        ("ready", "ready"),
        ("๕", "rating"),
        ("4 ดาว", "rating"),
        ("6", "unknown"),
        ("abcd-efgh", "link"),
        ("ABCD EFGH", "link"),
        ("ยังไม่พร้อมกลับ", "unknown"),
        ("อย่าหยุด", "unknown"),
        ("ช่วยด้วย", "unknown"),
        ("", "unknown"),
        ("x" * 5000, "unknown"),
    ],
)
def test_known_words_are_known_whole_and_nothing_is_guessed(text: str, meaning: str) -> None:
    assert understand(text).meaning == meaning


async def test_the_life_table_stands_in_the_database_as_well(database: MakeDatabase) -> None:
    import asyncpg

    made = await database("notify")
    connection = await asyncpg.connect(made.dsn)
    try:
        rows = await connection.fetch("select status, next from message_step")
    finally:
        await connection.close()
    kept: dict[str, set[str]] = {status: set() for status in STEPS}
    for row in rows:
        kept[row["status"]].add(row["next"])
    assert kept == {status: set(later) for status, later in STEPS.items()}
