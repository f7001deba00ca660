"""Taking a call."""

from __future__ import annotations

from tests.harness import Running, bearer, problem_of
from tests.intake.conftest import take


async def test_an_emergency_with_only_a_phone_number_and_a_landmark_is_taken(intake: Running) -> None:
    taken = await take(intake, lane="emergency", caller={"phone": "081 234 5678"}, location={"landmark": "หน้าวัดกลาง"})
    assert taken["number"].startswith("KLS-")
    said = await intake.said("intake.call.")
    assert [row["type"] for row in said] == ["intake.call.received.v1"]
    assert said[0]["data"]["private"]["caller"]["phone"] == "+66812345678"
