"""Receipts of SMS, part by part, however they come."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from karuna.simulate.sms_gateway import sms_gateway
from services.notify.channels.base import Receipt, ReceiptState
from services.notify.verbs.receipts import receive
from shared.work import Cause
from tests.harness import AREA, problem_of
from tests.notify.conftest import Town, a_town, phone
from tests.notify.test_public import CALLER
from tests.platform_fixtures import MakeDatabase


async def two_parts(town: Town) -> tuple[Any, list[Any]]:
    """A message of two parts that was accepted, without receipts of the centre's own."""
    town.smsc.habits.receipts = "none"
    await town.call(caller=CALLER)
    await town.texts(9)
    message = (await town.messages(rule="caller_received"))[0]
    await town.status(message["id"], "accepted")
    parts = await town.service.sql("select * from part order by number")
    assert len(parts) == 2
    return message, parts


async def bring(town: Town, part: Any, state: ReceiptState, provider_id: str | None = None) -> None:
    async with town.service.runtime.work(Cause("system:sms")) as work:
        await receive(work, [("smsc", Receipt(provider_id or part["provider_id"], state))])


async def status(town: Town, message: Any) -> str:
    return str((await town.messages(id=message["id"]))[0]["status"])


async def test_delivered_only_when_every_part_is(town: Town) -> None:
    message, parts = await two_parts(town)
    await bring(town, parts[1], ReceiptState.DELIVERED)
    await bring(town, parts[1], ReceiptState.DELIVERED)
    assert await status(town, message) == "accepted"
    await bring(town, parts[0], ReceiptState.UNDERWAY)
    assert await status(town, message) == "accepted"
    await bring(town, parts[0], ReceiptState.DELIVERED)
    assert await status(town, message) == "delivered"
    assert len(await town.said("message.delivered")) == 1


async def test_a_failed_part_is_a_failed_message_and_no_later_success_hides_it(town: Town) -> None:
    message, parts = await two_parts(town)
    await bring(town, parts[0], ReceiptState.UNDELIVERED)
    await bring(town, parts[0], ReceiptState.DELIVERED)
    await bring(town, parts[1], ReceiptState.DELIVERED)
    assert await status(town, message) == "failed"
    failed = await town.said("message.failed")
    assert [(row["data"]["final"], row["data"]["private"]["reason"]) for row in failed] == [(True, "undelivered")]


async def test_a_receipt_before_the_answer_is_kept_and_matched_later(town: Town) -> None:
    town.smsc.habits.receipts = "early"
    await town.call(caller=CALLER)
    message = (await town.messages(rule="caller_received"))[0]
    await town.status(message["id"], "delivered")
    assert len(await town.said("message.delivered")) == 1


async def test_a_receipt_that_crossed_with_its_answer_is_found_by_the_sweep(town: Town) -> None:
    message, parts = await two_parts(town)
    for part in parts:
        await town.service.sql(
            "insert into receipt values (gen_random_uuid(), 'smsc', $1, 'delivered', null, null, now())",
            part["provider_id"],
        )
    await town.sweep()
    await town.status(message["id"], "delivered")  # the sweeper beside may have them in hand
    assert await town.service.sql("select 1 from receipt") == []


async def test_receipts_twice_shuffled_and_with_nul_are_read(town: Town) -> None:
    habits = town.smsc.habits
    habits.twice, habits.shuffled, habits.with_nul = True, True, True
    await town.call(caller=CALLER)
    message = (await town.messages(rule="caller_received"))[0]
    await town.status(message["id"], "delivered")
    assert len(await town.said("message.delivered")) == 1


async def test_an_undeliverable_number_is_told_to_the_desk(town: Town) -> None:
    town.smsc.habits.undeliverable = {phone(9)[1:]}
    await town.call(caller=CALLER)
    message = (await town.messages(rule="caller_received"))[0]
    await town.status(message["id"], "failed")
    [failed] = await town.said("message.failed")
    assert (failed["data"]["final"], failed["data"]["private"]["reason"]) == (True, "undelivered")


async def test_an_http_gateway_brings_receipts_with_its_token_and_nobody_elses(
    database: MakeDatabase, tmp_path: Path
) -> None:
    async with sms_gateway("sms-token", "receipt-token") as gateway, a_town(database, tmp_path) as town:
        config = json.loads(town.channels_file.read_text())
        receipts = f"{town.url}/v1/sms/gateway/receipts"
        config["areas"][AREA]["sms"] = {
            "kind": "http", "provider": "gateway", "gateway": "simulated", "url": f"{gateway.url}/sms/messages",
            "secrets": {"token": "sms-token"}, "sender": "KARUNA", "receipt_url": receipts,
        }  # fmt: skip
        config["receipt_secrets"] = {"gateway": "receipt-token"}
        town.channels_file.write_text(json.dumps(config))
        from services.notify.prepare import prepare

        await prepare(town.service.runtime)
        town.start()
        await town.call(caller=CALLER)
        message = (await town.messages(rule="caller_received"))[0]
        await town.status(message["id"], "delivered")
        forged = await town.client.post(receipts, json={"id": "1", "status": "DELIVRD"})
        assert problem_of(forged)["code"] == "receipt_token_wrong"
        token = {"authorization": "Bearer receipt-token"}
        assert (await town.client.post(receipts, content=b"{", headers=token)).status_code in {400, 401}
        unknown = await town.client.post(f"{town.url}/v1/sms/nobody/receipts", json={}, headers=token)
        assert unknown.status_code == 404
        early = await town.client.post(receipts, json={"id": "later", "status": "DELIVRD"}, headers=token)
        assert early.json() == {"receipts": 1}
        assert len(await town.service.sql("select 1 from receipt where provider_id = 'later'")) == 1
