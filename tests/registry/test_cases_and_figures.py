"""Cases stay open until back to normal; figures point at nobody; code lists say everything in both languages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.thai.dates import local
from shared.work import now_utc
from tests.harness import Running, bearer, problem_of
from tests.registry.conftest import Call, add, cid, history, person_of, read, somsri

ENDED_AT = now_utc()


@pytest.fixture(autouse=True)
def ended_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """When every ride of a test ended: one day, also where midnight comes in its midst, and after its calls."""
    monkeypatch.setattr(f"{__name__}.ENDED_AT", now_utc())


async def open_case(registry: Running) -> tuple[Call, UUID, str]:
    call = await Call(registry, patients=[somsri()]).received()
    person_id = await person_of(registry, call)
    return call, person_id, (await read(registry, f"/v1/persons/{person_id}"))["open_case_ids"][0]


async def close(registry: Running, case_id: str, **body: Any) -> Any:
    body.setdefault("outcome", "normal")
    return await registry.client.post(f"/v1/cases/{case_id}/close", json=body, headers=bearer("case_manager"))


async def test_a_case_stays_open_over_calls_until_it_is_closed_as_normal(registry: Running) -> None:
    call, person_id, case_id = await open_case(registry)
    await Call(registry, patients=[somsri()]).received()
    answer = await close(registry, case_id)
    assert answer.status_code == 200
    assert (answer.json()["status"]["code"], answer.json()["outcome"]["th"]) == ("closed", "กลับสู่ภาวะปกติ")
    assert await registry.audited("close") == [UUID(case_id)]
    said = (await registry.said("registry.case.closed"))[0]
    assert (said["aggregate_id"], said["correlation_id"]) == (UUID(case_id), call.id)
    assert (await history(registry, person_id))[0]["type"] == "registry.case.closed.v1"
    await Call(registry, patients=[somsri()]).received()
    cases = (await read(registry, f"/v1/cases?person_id={person_id}"))["items"]
    assert [case["status"]["code"] for case in cases] == ["open", "closed"]
    assert len(cases[1]["call_ids"]) == 2


async def test_a_case_is_closed_once_at_a_possible_time_with_a_known_outcome(registry: Running) -> None:
    _, _, case_id = await open_case(registry)
    for body, field in (
        ({"at": (now_utc() + timedelta(hours=1)).isoformat()}, "at"),
        ({"at": (now_utc() - timedelta(days=400)).isoformat()}, "at"),
        ({"outcome": "bored"}, "outcome"),
    ):
        problem = problem_of(await close(registry, case_id, **body))
        assert (problem["status"], problem["errors"][0]["field"]) == (422, field)
    assert (await close(registry, case_id)).status_code == 200
    assert problem_of(await close(registry, case_id))["code"] == "case_closed"
    assert len(await registry.said("registry.case.closed")) == 1


async def test_a_page_of_cases_leads_to_the_next(registry: Running) -> None:
    for _ in range(3):
        _, person_id, case_id = await open_case(registry)
        await close(registry, case_id)
    first = await read(registry, f"/v1/cases?person_id={person_id}&limit=2")
    second = await read(registry, f"/v1/cases?person_id={person_id}&limit=2&cursor={first['next']}")
    assert (len(first["items"]), len(second["items"]), second["next"]) == (2, 1, None)


async def served(registry: Running, role: str = "supervisor", **query: str) -> dict[str, Any]:
    today = local(ENDED_AT).date()
    query = {"from": str(today), "to": str(today), **query}
    text = "&".join(f"{name}={value}" for name, value in query.items())
    return await read(registry, f"/v1/reports/served?{text}", role, purpose="")


async def ride(registry: Running, number: int, *, outcome: str = "transported", **call: Any) -> Call:
    told = await Call(
        registry, patients=[somsri(name=f"คน ที่{number}", national_id=cid(number), groups=["elderly"])], **call
    ).received()
    await told.trip_completed(await told.trip(), outcome=outcome, at=ENDED_AT)
    return told


async def test_persons_and_trips_are_counted_apart_and_small_figures_kept_back(registry: Running) -> None:
    for number in range(6):
        call = await ride(registry, number)
        if number < 3:
            await call.barrier("money")
        await call.barrier("vehicle")
    await ride(registry, 0, facts={"lane": "booked"})
    await ride(registry, 50, outcome="not_found")
    await ride(registry, 51, exercise=True)
    await ride(registry, 52, area="songkhla")
    report = await served(registry)
    assert (report["total"]["persons"], report["total"]["trips"]) == (6, 7)
    assert [(cell["code"], cell["persons"], cell["trips"]) for cell in report["by_group"]] == [("elderly", 6, 7)]
    lanes = {cell["code"]: cell["persons"] for cell in report["by_lane"]}
    assert lanes == {"booked": None, "emergency": None}, "one booked person would follow from the total"
    barriers = {cell["code"]: (cell["persons"], cell["th"]) for cell in report["by_barrier"]}
    assert barriers["money"] == (None, "ไม่มีเงิน")
    yesterday = str(local(ENDED_AT).date() - timedelta(days=1))
    assert (await served(registry, **{"from": yesterday, "to": yesterday}))["total"]["trips"] == 0


async def test_a_report_is_of_ones_own_municipality_and_of_days_in_order(registry: Running) -> None:
    headers = bearer("auditor", purpose="")
    for query, code in (
        ("from=2026-01-02&to=2026-01-01", "days_reversed"),
        ("from=2026-01-01&to=2026-01-02&area=trat", "not_found"),
        ("from=2569-01-01&to=2569-01-02", "invalid"),
        ("to=2026-01-01", "invalid"),
    ):
        assert problem_of(await registry.client.get(f"/v1/reports/served?{query}", headers=headers))["code"] == code
    unknown = await registry.client.get("/v1/reports/gossip?from=2026-01-01&to=2026-01-02", headers=headers)
    assert problem_of(unknown)["status"] == 422


MONTHS = [("2026-01-01", "2026-01-31"), ("2024-02-01", "2024-02-29"), ("2025-12-01", "2025-12-31")]
OTHERS = [
    ("2026-01-01", "2026-01-30"), ("2026-01-02", "2026-01-31"), ("2026-01-01", "2026-02-28"), ("2025-10-01", "2026-09-30"),
    ("2024-02-01", "2024-03-01"), ("2025-02-01", "2025-02-27"), ("2026-01-05", "2026-01-05"), ("2026-01-31", "2026-02-27"),
]  # fmt: skip


async def test_who_sees_counts_alone_sees_single_months_that_are_over_so_nothing_is_told_by_subtracting(
    registry: Running,
) -> None:
    today = local(now_utc()).date()
    this_month = today.replace(day=1), (today.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    for role in ("auditor", "admin"):
        for first, last in MONTHS:
            assert (await served(registry, role, **{"from": first, "to": last}))["total"]["trips"] == 0
        for first, last in [*OTHERS, this_month, (this_month[0], today)]:
            asked = f"/v1/reports/served?from={first}&to={last}"
            refused = await registry.client.get(asked, headers=bearer(role, purpose=""))
            assert (refused.status_code, problem_of(refused)["code"]) == (403, "one_period"), (first, last)
    assert (await served(registry, **{"from": "2026-01-01", "to": "2026-01-30"}))["total"]["trips"] == 0


async def test_the_code_lists_speak_both_languages(registry: Running) -> None:
    lists = {each["id"]: each for each in (await read(registry, "/v1/codes", "crew", purpose=""))["items"]}
    assert {"purpose", "case_outcome", "identifier_kind", "match_method"} <= set(lists)
    assert all(item["th"] and item["en"] for each in lists.values() for item in each["items"])


async def test_a_case_is_opened_by_hand_for_whom_nobody_called_once_at_a_time(registry: Running) -> None:
    person_id, secret = await add(registry, name="มานี มีนา"), await add(registry, name="ลับ", disclosure="secret")
    manager = bearer("case_manager")

    async def opened(**body: Any) -> dict[str, Any]:
        answer = await registry.client.post("/v1/cases", json=body, headers=manager)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    case = await opened(person_id=str(person_id))
    assert (case["status"]["code"], case["opened_call_id"], case["call_ids"]) == ("open", None, [])
    assert (await opened(person_id=str(person_id)))["id"] == case["id"], "one that is open goes on"
    call = await Call(registry, patients=[{"name": "มานี มีนา", "person_id": person_id}]).received()
    assert await person_of(registry, call) == person_id
    assert len(await registry.sql("select 1 from case_file where person_id = $1", person_id)) == 1, "for calls as well"
    hidden = await opened(person_id=str(person_id), protected=True)
    assert (hidden["protected"], hidden["id"] != case["id"]) == (True, True)
    assert (await opened(person_id=str(secret)))["protected"] is True
    said = {row["aggregate_id"]: row["protected"] for row in await registry.said("registry.case.opened")}
    assert [said[UUID(one["id"])] for one in (case, hidden)] == [False, True]
    foreign = await registry.client.post(
        "/v1/cases", json={"person_id": str(person_id)}, headers=bearer("case_manager", areas=["trat"])
    )
    assert foreign.status_code == 404
