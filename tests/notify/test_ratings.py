"""Rating one's own help on the public page: by code and digits, once, guesses counted, words kept here."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx

from services.notify.rules.postback import data_of
from shared.events.dispatch import TripCompleted
from shared.work import now_utc
from tests.notify.conftest import Call, Town, line_id, phone

CODE = "7K3M-Q9RT-X"
GOOD = {"code": "7k3m q9rt x", "phone_last4": phone(9)[-4:], "score": 1, "comment": "รอนานมาก"}


async def rate(town: Town, **changes: Any) -> httpx.Response:
    return await town.client.post("/v1/ratings", json={**GOOD, **changes})


async def known(town: Town) -> Call:
    call = await town.call(caller={"name": "สมศักดิ์", "phone": phone(9)})
    await town.service.runtime.pool.execute("update call set tracking_code = $2 where id = $1", call.id, CODE)
    return call


async def test_a_caller_rates_once_by_code_and_digits(town: Town) -> None:
    call = await known(town)
    for wrong in ({"phone_last4": "0000"}, {"code": "7K3M-Q9RT-Y"}):
        refused = await rate(town, **wrong)
        assert (refused.status_code, refused.json()["code"]) == (404, "not_found"), "one answer for both"
    assert (await rate(town, score=6)).status_code == 422
    assert (await rate(town)).status_code == 201
    again = await rate(town, score=5)
    assert (again.status_code, again.json()["code"]) == (409, "already_rated")
    (given,) = await town.said("rating.given")
    assert given["data"]["private"] == {"score": 1}
    assert given["open_data"] == {"call_id": str(call.id), "trip_id": None, "at": given["data"]["at"]}
    rows = await town.service.runtime.pool.fetch("select score, text, channel from reply where call_id = $1", call.id)
    assert [tuple(row) for row in rows] == [(1, "รอนานมาก", "app")]


async def test_a_question_by_line_is_answered_once_however_often_somebody_presses(town: Town) -> None:
    call = await town.call(
        lane="booked", appointment=now_utc() + timedelta(days=2), caller={"line_user_id": line_id(7)}
    )
    private = TripCompleted.Private(outcome="delivered")
    done = TripCompleted(call_id=call.id, patient_id=call.patient_id, leg="return", at=now_utc(), private=private)
    await town.service.emit(call.trip_id, done, call.origin)
    (question,) = await town.messages(rule="ride_done")
    await town.status(question["id"], "accepted")
    for score in (1, 1, 5):
        await town.press(7, {"data": data_of(question["id"], score)})
    await town.write(7, "5")
    (given,) = await town.said("rating.given")
    assert given["data"]["private"] == {"score": 1}
    assert [row["score"] for row in await town.service.sql("select score from reply where score is not null")] == [1]


async def asked_by_line(town: Town) -> tuple[Call, UUID]:
    """A ride that is over, and the question about it in its passenger's LINE."""
    caller = {"name": "สมศักดิ์", "phone": phone(9), "line_user_id": line_id(7)}
    call = await town.call(lane="booked", appointment=now_utc() + timedelta(days=2), caller=caller)
    await town.service.runtime.pool.execute("update call set tracking_code = $2 where id = $1", call.id, CODE)
    private = TripCompleted.Private(outcome="delivered")
    done = TripCompleted(call_id=call.id, patient_id=call.patient_id, leg="return", at=now_utc(), private=private)
    await town.service.emit(call.trip_id, done, call.origin)
    (question,) = await town.messages(rule="ride_done")
    await town.status(question["id"], "accepted")
    return call, question["id"]


async def test_what_was_rated_by_line_is_not_rated_again_on_the_public_page(town: Town) -> None:
    _, question = await asked_by_line(town)
    await town.press(7, {"data": data_of(question, 2)})
    refused = await rate(town)
    assert (refused.status_code, refused.json()["code"]) == (409, "already_rated")
    assert len(await town.said("rating.given")) == 1


async def test_what_was_rated_on_the_public_page_is_not_rated_again_by_line(town: Town) -> None:
    _, question = await asked_by_line(town)
    assert (await rate(town)).status_code == 201
    await town.press(7, {"data": data_of(question, 5)})
    (given,) = await town.said("rating.given")
    assert given["data"]["private"] == {"score": 1}


async def test_guesses_are_counted(town: Town) -> None:
    await known(town)
    answers = [(await rate(town, phone_last4=f"{guess:04}")).status_code for guess in range(6)]
    assert answers == [404] * 5 + [429]
    assert (await rate(town)).status_code == 429, "the right digits come too late"
