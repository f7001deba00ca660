"""What the desk sees and does."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.work import new_id, now_utc
from tests.harness import bearer, problem_of
from tests.notify.conftest import Town, line_id, phone
from tests.notify.test_public import CALLER


def desk() -> dict[str, str]:
    """Made when it is needed: a token made as this file is read may have ended when its turn comes."""
    return bearer("dispatcher")


async def ordered(town: Town, **crew):
    member = await town.crew(1, **crew)
    call = await town.call(member, caller=CALLER)
    await town.order(call)
    return call, (await town.messages(rule="crew_ordered"))[0]


async def test_the_desk_sees_what_was_sent_with_addresses_masked_and_the_reading_is_written_down(town: Town) -> None:
    call, message = await ordered(town)
    await town.status(message["id"], "accepted")
    answer = await town.client.get(f"/v1/messages?call_id={call.id}", headers=desk())
    assert answer.status_code == 200
    items = {item["rule"]: item for item in answer.json()["items"]}
    crew = items["crew_ordered"]
    assert crew["status_label"] == {"th": "ผู้ให้บริการรับแล้ว", "en": "taken by the provider"}
    assert crew["attempts"][0]["address"] == "••••0001"
    assert call.number in crew["attempts"][0]["text"]
    assert (crew["call_number"], crew["recipient_name"]) == (call.number, "สมชาย 1")
    assert line_id(1) not in answer.text
    assert phone(9) not in answer.text
    audit = await town.service.sql("select * from audit where subject_id = $1", call.id)
    assert [(row["act"], row["detail"]) for row in audit] == [("list_messages", {"messages": 2})]


async def test_an_auditor_sees_no_text(town: Town) -> None:
    call, _ = await ordered(town)
    answer = await town.client.get(f"/v1/messages?call_id={call.id}", headers=bearer("auditor"))
    texts = [attempt["text"] for item in answer.json()["items"] for attempt in item["attempts"]]
    assert texts
    assert set(texts) == {None}
    assert {item["recipient_name"] for item in answer.json()["items"]} == {None}


async def test_another_municipality_and_other_roles_see_nothing(town: Town) -> None:
    call, message = await ordered(town)
    elsewhere = bearer("dispatcher", areas=["sample"])
    assert (await town.client.get(f"/v1/messages?call_id={call.id}", headers=elsewhere)).json()["items"] == []
    for method, path in (("GET", ""), ("POST", "/resend"), ("POST", "/acknowledge")):
        url = f"/v1/messages/{message['id']}{path}"
        body = {"json": {}} if path == "/acknowledge" else {}
        assert (await town.client.request(method, url, headers=elsewhere, **body)).status_code == 404
        assert (await town.client.request(method, url, headers=bearer("volunteer"), **body)).status_code == 403
        assert (await town.client.request(method, url, **body)).status_code == 401


async def test_pages_follow_each_other_without_holes(town: Town) -> None:
    call, _ = await ordered(town)
    seen, after = [], ""
    while True:
        page = (await town.client.get(f"/v1/messages?call_id={call.id}&limit=1{after}", headers=desk())).json()
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert len(seen) == len(set(seen)) == 2
    url = f"/v1/messages?call_id={call.id}&newest=true"
    newest = (await town.client.get(url, headers=desk())).json()["items"]
    assert [item["id"] for item in newest] == seen[::-1]
    older = (await town.client.get(f"{url}&after={seen[1]}", headers=desk())).json()["items"]
    assert [item["id"] for item in older] == seen[:1]
    assert {item["rule"]: item["asks"] for item in newest}["crew_ordered"] == ["accept", "decline"]


async def test_what_did_not_arrive_is_listed_until_it_is_sent_again_or_answered(quiet_town: Town) -> None:
    town = quiet_town
    call, message = await ordered(town)
    url = "/v1/messages?needs_somebody=true"
    assert (await town.client.get(url, headers=desk())).json()["items"] == []
    await town.service.sql("update message set status = 'failed' where id = $1", message["id"])
    needing = (await town.client.get(url, headers=desk())).json()["items"]
    assert [(item["id"], item["call_number"]) for item in needing] == [(str(message["id"]), call.number)]
    assert (await town.client.get(url, headers=bearer("dispatcher", areas=["sample"]))).json()["items"] == []
    again = await town.client.post(f"/v1/messages/{message['id']}/resend", headers=desk())
    assert again.status_code == 201
    assert (await town.client.get(url, headers=desk())).json()["items"] == [], "what becomes of it is the new one's"
    await town.service.sql("update message set status = 'failed' where resent_from is not null")
    assert [item["id"] for item in (await town.client.get(url, headers=desk())).json()["items"]] == [again.json()["id"]]
    await town.client.post(f"/v1/messages/{again.json()['id']}/acknowledge", json={}, headers=desk())
    assert (await town.client.get(url, headers=desk())).json()["items"] == []
    await town.service.sql("update message set protected = true")
    items = (await town.client.get(f"/v1/messages?call_id={call.id}", headers=desk())).json()["items"]
    assert {item["recipient_name"] for item in items} == {None}, "of what is protected no name"


async def test_why_tells_also_whom_nobody_told(town: Town) -> None:
    call = await town.call(caller=CALLER, protected=True)
    answer = await town.client.get(f"/v1/messages/why?call_id={call.id}&recipient_id={call.id}", headers=desk())
    item = answer.json()["items"][0]
    assert item["status"] == "suppressed"
    assert item["reason"]["code"] == "protected"
    assert item["reason"]["th"].startswith("เรื่องอ่อนไหว")


async def test_an_answer_heard_by_phone_counts_like_a_button_and_ends_everything(town: Town) -> None:
    _call, message = await ordered(town)
    url = f"/v1/messages/{message['id']}/acknowledge"
    answer = await town.client.post(url, json={"answer": "accept"}, headers={**desk(), "idempotency-key": "a"})
    again = await town.client.post(url, json={"answer": "accept"}, headers={**desk(), "idempotency-key": "a"})
    assert (answer.status_code, again.status_code) == (200, 200)
    replies = [row["data"] for row in await town.said("reply.received")]
    assert [(one["answer"], one["channel"], one["crew_id"]) for one in replies] == [
        ("accept", "phone", str(message["recipient_id"]))
    ]
    assert (await town.attempts(message["id"]))[1]["state"] == "cancelled"
    refused = await town.client.post(url, json={}, headers=desk())
    assert (refused.status_code, problem_of(refused)["code"]) == (409, "message_ended")


async def test_an_answer_the_message_does_not_ask_for_is_refused_by_name(town: Town) -> None:
    _, message = await ordered(town)
    url = f"/v1/messages/{message['id']}/acknowledge"
    problem = problem_of(await town.client.post(url, json={"answer": "ready"}, headers=desk()))
    assert (problem["status"], problem["errors"][0]["field"]) == (422, "answer")
    future = (now_utc() + timedelta(hours=1)).isoformat()
    problem = problem_of(await town.client.post(url, json={"heard_at": future}, headers=desk()))
    assert problem["errors"][0]["field"] == "heard_at"
    assert await town.said("reply.received") == []


async def test_a_person_may_send_again_and_that_is_a_new_message_to_the_present_address(town: Town) -> None:
    call, message = await ordered(town)
    await town.status(message["id"], "accepted")
    await town.service.sql("update recipient set line_user_id = $1 where kind = 'crew'", line_id(42))
    headers = {**desk(), "idempotency-key": "again"}
    answers = [await town.client.post(f"/v1/messages/{message['id']}/resend", headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert await town.service.audited("resend_message") == [message["id"]]
    entry = (await town.chat(42))[0]
    assert call.number in entry.text
    await town.press(42, entry.buttons[0])
    assert len(await town.said("reply.received")) == 1


async def test_what_is_still_under_way_is_not_sent_again(quiet_town: Town) -> None:
    _, message = await ordered(quiet_town)
    answer = await quiet_town.client.post(f"/v1/messages/{message['id']}/resend", headers=desk())
    assert (answer.status_code, problem_of(answer)["code"]) == (409, "message_under_way")


async def test_the_desk_notes_what_somebody_wants(quiet_town: Town) -> None:
    town = quiet_town
    crew = await town.crew(1)
    url = f"/v1/recipients/crew/{crew}/preferences"
    body = {"wants_routine": False, "language": "en", "quiet_from": "20:00", "quiet_until": "08:00"}
    assert (await town.client.put(url, json=body, headers=desk())).status_code == 200
    call = await town.call(caller=CALLER)
    call.crew_ids = (crew,)
    await town.offer(call, now_utc() + timedelta(days=1), lane="booked")
    message = (await town.messages(rule="crew_offered"))[0]
    assert (message["status"], message["language"]) == ("suppressed", "en")
    unknown = await town.client.put(f"/v1/recipients/crew/{new_id()}/preferences", json=body, headers=desk())
    assert unknown.status_code == 404


@pytest.mark.parametrize("kpi", ["attempts", "messages", "acknowledged", "fallback"])
async def test_figures_count_what_was_sent_and_never_exercises(town: Town, kpi: str) -> None:
    call, _message = await ordered(town)
    rehearsal = await town.call(*call.crew_ids, exercise=True)
    await town.order(rehearsal)
    await town.press(1, (await town.chat(1))[0].buttons[0])
    await town.until(lambda: town.messages(rule="caller_received", status="delivered", exercise=False))
    span = {"from": (now_utc() - timedelta(hours=1)).isoformat(), "to": (now_utc() + timedelta(hours=1)).isoformat()}
    answer = await town.client.get(f"/v1/reports/{kpi}", params=span, headers=desk())
    rows = answer.json()["rows"]
    expected = {
        "attempts": {("line", "accepted", 1), ("sms", "cancelled", 1), ("sms", "delivered", 1)},
        "messages": {("acknowledged", 1), ("delivered", 1)},
        "acknowledged": {(1, 1, 1)},
        "fallback": {(1, 0)},
    }[kpi]
    columns = {
        "attempts": ("channel", "state", "attempts"),
        "messages": ("status", "messages"),
        "acknowledged": ("asked", "answered", "within_30_s"),
        "fallback": ("messages", "fell_back"),
    }[kpi]
    assert {tuple(row[name] for name in columns) for row in rows} == expected


async def test_as_many_messages_stand_as_answered_as_were_answered_asked_or_not(town: Town) -> None:
    await ordered(town)
    await town.press(1, (await town.chat(1))[0].buttons[0])
    await town.until(lambda: town.messages(rule="caller_received", status="delivered"))
    answered = "update message set status = 'acknowledged', acknowledged_at = now(), ended_at = now() where rule = $1"
    await town.service.sql(answered, "caller_received")
    span = {"from": (now_utc() - timedelta(hours=1)).isoformat(), "to": (now_utc() + timedelta(hours=1)).isoformat()}
    [asked, status] = [
        (await town.client.get(f"/v1/reports/{kpi}", params=span, headers=desk())).json()["rows"]
        for kpi in ("acknowledged", "messages")
    ]
    by_status = sum(row["messages"] for row in status if row["status"] == "acknowledged")
    assert sum(row["answered"] for row in asked) == sum(row["answered_besides"] for row in asked) == 1
    assert by_status == 2


async def test_code_lists_are_in_both_languages(quiet_town: Town) -> None:
    answer = await quiet_town.client.get("/v1/codes", headers=bearer("crew"))
    assert {one["id"] for one in answer.json()["lists"]} >= {"message_status", "message_reason", "answer"}
