"""A trip that waits says why: those who fit declined, or nobody who is free has what is needed."""

from __future__ import annotations

from uuid import UUID

from tests.dispatch.conftest import Town


async def test_where_the_only_unit_that_fits_declined_the_queue_says_so_not_that_something_is_missing(
    town: Town,
) -> None:
    fitting = await town.unit(1)
    await town.unit(2, level="transport", skills=("driving",), equipment=())
    call_id = await town.call()
    [asked] = await town.asked(call_id)
    assert asked["unit_id"] == str(fitting.id)
    await town.step(asked["id"], "decline", fitting)
    await town.running.do_due("find_unit")
    trip = await town.trip(call_id)
    assert trip["status"] == "queued"
    assert trip["queue_reasons"] == ["nobody_willing"]


async def test_where_nobody_else_is_the_unit_that_declined_is_asked_once_more_after_a_while(town: Town) -> None:
    """Somebody who waited at a clinic stayed there all night, since the one van that fits had said no once."""
    fitting = await town.unit(1)
    call_id = await town.call()
    [asked] = await town.asked(call_id)
    await town.step(asked["id"], "decline", fitting)
    await town.running.do_due("find_unit")
    assert (await town.trip(call_id))["status"] == "queued"
    long_ago = "update assignment set ended_at = ended_at - interval '11 minutes' where id = $1"
    await town.running.sql(long_ago, UUID(asked["id"]))
    await town.running.do_due("find_unit")
    again = await town.asked(call_id)
    assert [each["unit_id"] for each in again if each["status"] == "ordered"] == [str(fitting.id)]


async def test_whoever_said_no_and_then_slept_is_asked_again_too(town: Town) -> None:
    """Somebody waited at a clinic for three hours beside a free van: its crew had said no, and not heard the second time."""
    fitting = await town.unit(1)
    call_id = await town.call()
    [asked] = await town.asked(call_id)
    await town.step(asked["id"], "decline", fitting)
    long_ago = (
        "update assignment set ended_at = ended_at - interval '11 minutes', asked_at = asked_at - interval '11 minutes'"
    )
    for _ in range(2):
        await town.running.sql(long_ago)
        await town.running.do_due("find_unit")
        asked = (await town.asked(call_id))[-1]
        assert (asked["unit_id"], asked["status"]) == (str(fitting.id), "ordered")
        for timer in ("order_timeout", "order_expires"):
            await town.running.do_due(timer)
        assert await town.asked(call_id) == [], "nobody heard it"


async def test_where_nobody_ever_fitted_the_queue_says_what_is_missing(town: Town) -> None:
    await town.unit(2, level="transport", skills=("driving",), equipment=())
    trip = await town.trip(await town.call())
    assert trip["status"] == "queued"
    assert trip["queue_reasons"][0] == "nobody_fits"
    assert "no_first_aid" in trip["queue_reasons"]
