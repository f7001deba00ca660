"""The simulators as one program: what launchers, journeys and people rely on."""

from __future__ import annotations

import asyncio
import json
import signal
import sys

import httpx
from pydantic import SecretStr

from karuna.simulate.channels import Secrets, channels
from karuna.simulate.inbox import KEPT, Inbox
from services.notify.channels.base import Accepted, Button
from services.notify.channels.line import LineChannel, LineSettings
from services.notify.channels.smpp_session import SmppSettings
from services.notify.channels.sms_gateway import SIMULATED
from services.notify.channels.sms_http import SmsHttpChannel, SmsHttpSettings
from services.notify.channels.sms_smpp import SmppChannel
from tests.notify.channels.conftest import PERSON, outgoing
from tests.patience import PATIENCE_S

SECRETS = Secrets()


async def ignore(receipt):
    pass


async def send_all(addresses, text):
    """One message by each way, with the settings that ship."""
    line = LineSettings(access_token=SecretStr(SECRETS.line_token), base_url=addresses["line"])
    smpp = SmppSettings(
        host="127.0.0.1", port=addresses["smsc_port"], system_id="karuna",
        password=SecretStr(SECRETS.smpp_password), sender="KARUNA",
    )  # fmt: skip
    http = SmsHttpSettings(
        gateway=SIMULATED, secrets={"token": SecretStr(SECRETS.sms_token)}, sender="KARUNA",
        url=addresses["sms_http"] + "/sms/messages",
    )  # fmt: skip
    buttons = (Button("รับ <งาน>", 'accept:"1"&'),)
    async with LineChannel(line) as by_line, SmppChannel(smpp, ignore) as by_smpp, SmsHttpChannel(http) as by_http:
        return [
            await by_line.send(outgoing(f"LINE {text}", buttons=buttons)),
            await by_smpp.send(outgoing(f"SMPP {text}", to="+66812345678")),
            await by_http.send(outgoing(f"HTTP {text}", to="+66812345678")),
        ]


async def test_the_page_shows_both_inboxes_newest_first_and_fetches_nothing():
    async with channels() as running, httpx.AsyncClient(timeout=PATIENCE_S) as http:
        assert all(isinstance(one, Accepted) for one in await send_all(running.addresses(), "<b>สวัสดี</b>"))
        for url in (running.line.url, running.sms_http.url):
            page = (await http.get(url)).text
            order = [page.index(way) for way in ("HTTP &lt;b&gt;", "SMPP &lt;b&gt;", "LINE &lt;b&gt;")]
            assert order == sorted(order)
            assert page.index("กล่องข้อความ") < page.index("Simulated inbox")
            assert "<b>" not in page
            assert 'value="accept:&quot;1&quot;&amp;"' in page
            assert not any(fetched in page for fetched in ('src="', "<link", "@import", "url("))


async def test_programs_read_the_inbox_and_wait_for_more():
    async with channels() as running, httpx.AsyncClient(timeout=2 * PATIENCE_S) as http:
        url = f"{running.line.url}/inbox.json"
        waiting = asyncio.create_task(http.get(url, params={"after": 0, "wait_s": PATIENCE_S}))
        await asyncio.sleep(0)
        await send_all(running.addresses(), "x")
        [item] = (await waiting).json()["items"]
        assert (item["via"], item["to"], item["text"]) == ("line", PERSON, "LINE x")
        assert item["buttons"] == [{"label": "รับ <งาน>", "data": 'accept:"1"&'}]
        again = (await http.get(url, params={"after": item["number"]})).json()
        assert again == {"items": [], "total": 1}
        sms = (await http.get(f"{running.sms_http.url}/inbox.json")).json()["items"]
        assert [one["via"] for one in sms] == ["smpp", "http"]
        assert (await http.get(url, params={"after": "x"})).status_code == 400


async def test_faults_are_ordered_by_http_and_wrong_orders_are_told():
    async with channels() as running, httpx.AsyncClient(timeout=PATIENCE_S) as http:
        orders = {
            f"{running.line.url}/_control/faults": "rate_limited",
            f"{running.sms_http.url}/_control/faults": "throttled",
            f"{running.sms_http.url}/_control/smsc/faults": "throttled",
        }
        for url, fault in orders.items():
            assert (await http.post(url, json={"fault": fault})).json() == {"waiting": 1}
            for wrong in ({"fault": "none such"}, {}, {"fault": fault, "share": 2}, {"fault": fault, "colour": 1}):
                assert (await http.post(url, json=wrong)).status_code == 400
        outcomes = await send_all(running.addresses(), "x")
        assert [one.reason for one in outcomes] == ["throttled"] * 3
        assert all(isinstance(one, Accepted) for one in await send_all(running.addresses(), "x"))
        habits = await http.post(f"{running.sms_http.url}/_control/smsc/habits", json={"twice": True})
        assert habits.json()["twice"] is True


async def test_users_are_blocked_and_quota_is_set_by_http():
    async with channels() as running, httpx.AsyncClient(base_url=running.line.url, timeout=PATIENCE_S) as http:
        assert (await http.post(f"/_control/users/{PERSON}", json={"blocked": True})).json()["blocked"] is True
        assert (await http.post(f"/_control/users/{PERSON}", json={"bloked": True})).status_code == 400
        assert (await http.post("/_control/channel", json={"quota": 1})).json() == {"quota": 1, "used": 0}
        assert (await http.post("/_control/channel", json={"token": "none"})).status_code == 400
        assert (await http.post(f"/_control/users/{PERSON}/dance", json={})).status_code == 400
        assert (await http.post(f"/_control/users/{PERSON}/text", json={"text": "x"})).status_code == 400, "no webhook"


def test_memory_is_bounded():
    inbox = Inbox()
    for number in range(KEPT + 10):
        inbox.add("line", "a", "b", str(number), "shown")
    kept = inbox.after(0)
    assert (len(kept), kept[0].text, inbox.total) == (KEPT, "10", KEPT + 10)


async def test_the_program_says_where_and_leaves_when_told():
    ports = [f"--{name}-port=0" for name in ("line", "smsc", "sms-http")]
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "karuna.simulate.channels", *ports, stdout=asyncio.subprocess.PIPE
    )
    try:
        said = json.loads(await asyncio.wait_for(program.stdout.readline(), PATIENCE_S))
        assert all(isinstance(one, Accepted) for one in await send_all(said["ready"], "x"))
        program.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(program.wait(), PATIENCE_S) == 0
    finally:
        if program.returncode is None:
            program.kill()
            await program.wait()
