"""The senders: urgent first, each once, whatever dies in between."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from karuna.simulate import line_server
from karuna.simulate.faults import Fault
from services.notify.prepare import WAYS
from services.notify.sending.breaker import FAILURES, Breaker
from services.notify.sending.bucket import Bucket
from services.notify.store import attempts
from shared.work import now_utc
from tests.harness import AREA, ROOT
from tests.notify.conftest import Town, a_town, line_id, phone, seen
from tests.notify.test_public import plan_ride
from tests.patience import PATIENCE_S
from tests.platform_fixtures import DatabaseServer, MakeDatabase


async def claim(town: Town, channel: str = "line", limit: int = 1) -> list[Any]:
    return await attempts.claim(town.service.runtime.pool, channel=channel, limit=limit, urgency_up_to=9)


async def leases_end(town: Town) -> None:
    """As if the processes that hold them had been dead for a while."""
    await town.service.sql("update attempt set lease_until = now() - interval '1 second' where state = 'sending'")


async def routine_sms(town: Town, number: int = 9) -> Any:
    """A routine message that goes by SMS: a ride that was planned."""
    pickup_at = now_utc() + timedelta(minutes=30)
    call = await town.call(caller={"phone": phone(number)}, lane="booked", appointment=pickup_at)
    await plan_ride(town, call, pickup_at)
    return (await town.messages(rule="ride_planned", call_id=call.id))[0]


async def test_red_is_taken_before_yellow_before_green_before_routine_however_they_came(quiet_town: Town) -> None:
    town = quiet_town
    pickup_at = now_utc() + timedelta(minutes=30)
    ride = await town.call(caller={"line_user_id": line_id(9)}, lane="booked", appointment=pickup_at)
    await plan_ride(town, ride, pickup_at)
    crews = {severity: await town.crew(n) for n, severity in enumerate(("green", "yellow", "red"), 1)}
    for severity, crew in crews.items():
        await town.order(await town.call(crew, severity=severity), severity=severity)
    taken = [(await claim(town))[0]["urgency"] for _ in range(5)]
    assert taken == [0, 2, 3, 9, 9]


async def test_three_processes_at_once_tell_everybody_exactly_once(quiet_town: Town) -> None:
    town = quiet_town
    crews = [await town.crew(number) for number in range(1, 61)]
    for start in range(0, 60, 6):
        await town.order(await town.call(*crews[start : start + 6]))
    for _ in range(3):
        town.start()
    await town.line.world.inbox.wait(lambda box: box.total >= 60, PATIENCE_S)
    await town.until(lambda: all_accepted(town))
    assert all(len(seen(town.line.world.inbox, line_id(number))) == 1 for number in range(1, 61))
    assert [row["n"] for row in await town.service.sql("select sum(tries) as n from attempt where number = 1")] == [60]


async def all_accepted(town: Town) -> bool:
    return not await town.messages(status="planned")


@pytest.mark.parametrize("where", ["sender.claimed", "sender.called", "sender.recorded"])
async def test_a_process_killed_anywhere_loses_nothing_and_doubles_nothing(quiet_town: Town, where: str) -> None:
    town = quiet_town
    crew = await town.crew(1)
    await town.order(await town.call(crew))
    assert await _die(town, where) == 137
    await leases_end(town)
    town.start()
    await town.sweep()
    message = (await town.messages(rule="crew_ordered"))[0]
    await town.status(message["id"], "accepted")
    assert len(seen(town.line.world.inbox, line_id(1))) == 1


async def _die(town: Town, where: str) -> int:
    """A real process of the service that ends there as kill -9 would; returns its exit status."""
    settings = town.service.runtime.settings
    env = {
        "PATH": os.environ["PATH"],
        "KARUNA_DATABASE_URL": town.dsn,
        "KARUNA_CHANNELS_FILE": str(town.channels_file),
        "KARUNA_ISSUER_FILE": str(settings.issuer_file),
        "KARUNA_AREAS_DIR": str(ROOT / "deploy" / "areas"),
        "KARUNA_NATS_URL": "nats://127.0.0.1:9",
        "KARUNA_CRASH_AT": where,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.notify", cwd=Path(ROOT), env=env,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(3 * PATIENCE_S):  # a whole service starts first
            return await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_a_routine_sms_in_doubt_is_shown_and_never_sent_again(quiet_town: Town) -> None:
    town = quiet_town
    message = await routine_sms(town)
    await town.service.sql(
        "update attempt set state = 'cancelled', due_at = null where message_id <> $1", message["id"]
    )
    assert len(await claim(town, "sms")) == 1
    await leases_end(town)
    await town.sweep()
    town.start()
    message = (await town.messages(id=message["id"]))[0]
    assert (message["status"], message["reason"]) == ("unknown", "unknown")
    failed = await town.said("message.failed")
    assert [(row["data"]["final"], row["data"]["private"]["reason"]) for row in failed] == [(True, "unknown")]
    await town.crew(1)
    assert not seen(town.smsc.inbox, phone(9)[1:])


async def test_an_emergency_sms_in_doubt_is_sent_again(town: Town) -> None:
    town.smsc.faults.add(Fault("accept_then_drop"))
    crew = await town.crew(1, line=False)
    await town.order(await town.call(crew))
    message = (await town.messages(rule="crew_ordered"))[0]
    await town.until(
        lambda: town.service.sql("select 1 from message where id = $1 and accepted_at is not null", message["id"])
    )
    assert (await town.attempts(message["id"]))[0]["tries"] == 2


@pytest.fixture
def line_answers(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """LINE takes what comes, and whoever meets the fault "slow" hears of it only when this is set."""
    answer, real = asyncio.Event(), line_server._say

    async def held(request: Any, said: Any) -> Any:
        if said.delay_s:
            await answer.wait()
            said.delay_s = 0.0
        return await real(request, said)

    monkeypatch.setattr(line_server, "_say", held)
    return answer


async def test_a_backlog_of_routine_messages_at_a_slow_provider_does_not_hold_up_an_emergency(
    database: MakeDatabase, tmp_path: Path, line_answers: asyncio.Event
) -> None:
    async with a_town(database, tmp_path, {"timeout_s": PATIENCE_S}, line_parallel=8) as town:
        pickup_at = now_utc() + timedelta(minutes=30)
        town.line.world.faults.add(Fault("slow", times=None, to=line_id(9), delay_s=1.0))
        for _ in range(6):
            ride = await town.call(caller={"line_user_id": line_id(9)}, lane="booked", appointment=pickup_at)
            await plan_ride(town, ride, pickup_at)
        town.start()
        await town.until(lambda: town.service.sql("select 1 from attempt where state = 'sending' offset 5"))
        crew = await town.crew(1)
        await town.order(await town.call(crew))
        await town.chat(1)
        under_way = "select 1 from attempt where class = 'routine' and tries > 0"
        assert len(await town.service.sql(under_way)) == 6, "the last two slots are for emergencies"
        line_answers.set()


async def test_an_exercise_never_leaves_the_house(town: Town) -> None:
    crew = await town.crew(1)
    call = await town.call(crew, exercise=True)
    await town.order(call)
    message = (await town.messages(rule="crew_ordered"))[0]
    await town.status(message["id"], "accepted")
    attempt = (await town.attempts(message["id"]))[0]
    assert attempt["text"].startswith("[ฝึกซ้อม]")
    assert not town.line.world.inbox.after(0)


async def test_the_reply_token_is_used_while_fresh_and_a_spent_one_becomes_a_push(town: Town) -> None:
    crew = await town.crew(1)
    call = await town.call(crew)
    await town.order(call)
    await town.press(1, (await town.chat(1))[0].buttons[0])
    await town.service.sql("update reply_token set token = 'spent'")
    await town.accepted(call, crew)
    assert [button["label"] for button in (await town.chat(1, 2))[1].buttons] == ["ออกจากฐาน"]
    message = (await town.messages(rule="crew_next_en_route"))[0]
    await town.status(message["id"], "accepted")
    assert (await town.attempts(message["id"]))[0]["tries"] == 2


async def test_five_failures_open_the_breaker_and_sms_takes_over_at_once(town: Town) -> None:
    town.line.world.faults.add(Fault("server_error", times=None))
    crews = [await town.crew(number) for number in range(1, 7)]
    await town.order(await town.call(*crews))
    await town.texts(1)
    late = await town.crew(8)
    await town.order(await town.call(late))
    await town.texts(8)
    message = (await town.messages(rule="crew_ordered", recipient_id=late))[0]
    assert (await town.attempts(message["id"]))[0]["code"] == "breaker"


async def test_a_breaker_whose_pause_is_over_is_not_kept_open_by_a_message_that_may_not_go_yet(town: Town) -> None:
    """The provider is well again, and emergencies have used up the rate before a routine message comes."""
    way = town.service.runtime.parts[WAYS].way(AREA, "sms", exercise=False)
    way.bucket = Bucket(0.01)
    way.bucket.tokens, way.bucket.filled_s = -20.0, time.monotonic()
    way.breaker = Breaker(failures=FAILURES, open_until_s=time.monotonic() - 1)
    waits = await routine_sms(town)

    async def throttled() -> bool:
        return bool((await town.attempts(waits["id"]))[0]["reason"] == "throttled")

    await town.until(throttled)
    await town.order(await town.call(await town.crew(1, line=False)))
    await town.texts(1)


async def test_an_answer_that_comes_while_the_database_is_away_is_written_when_it_is_back(
    town: Town, postgres: DatabaseServer, line_answers: asyncio.Event
) -> None:
    town.line.world.faults.add(Fault("slow", delay_s=1.0))
    crew = await town.crew(1)
    await town.order(await town.call(crew))
    await town.chat(1)
    await postgres.kill()
    line_answers.set()
    await asyncio.sleep(0.6)
    await postgres.start()
    message_id = (await town.messages(rule="crew_ordered"))[0]["id"]
    await town.status(message_id, "accepted")
    assert len(seen(town.line.world.inbox, line_id(1))) == 1


async def test_silence_expires_the_order_and_the_others_hear_of_it(town: Town) -> None:
    crew = await town.crew(1)
    await town.order(await town.call(crew))
    await town.until(lambda: town.messages(rule="crew_ordered", status="accepted"))
    await town.service.sql("update message set expires_at = now() - interval '1 second' where rule = 'crew_ordered'")
    message = (await town.messages(rule="crew_ordered"))[0]
    await town.sweep()
    await town.status(message["id"], "expired")  # the sweeper beside may have it in hand
    assert len(await town.said("message.expired")) == 1
    assert {a["state"] for a in await town.attempts(message["id"])} <= {"accepted", "cancelled"}


async def test_hearing_everything_again_tells_nobody_again(town: Town) -> None:
    crew = await town.crew(1)
    call = await town.call(crew)
    event = {"leg": "outbound", "respond_by_at": now_utc()}
    from shared.events.dispatch import AssignmentOrdered

    raw = await town.service.emit(call.assignment_id, AssignmentOrdered(**call.about(), **event), call.origin)
    await town.chat(1)
    await town.service.runtime.inbox.take([raw, raw])
    assert len(await town.messages(rule="crew_ordered")) == 1
    # and were the cursor lost, the unique intent would still hold
    await town.service.sql("delete from cursor where aggregate_id = $1", call.assignment_id)
    await town.service.runtime.inbox.take([raw])
    assert len(await town.messages(rule="crew_ordered")) == 1
    assert await town.service.dead_letters() == []
