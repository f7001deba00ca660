"""A town put in order: what the stories of one file leave behind must not disturb those of the next."""

from __future__ import annotations

from uuid import UUID

from shared.work import now_utc
from tests.journeys.town import Town, eventually

OPEN_CALLS = "select id from call where status = 'open'"
OPEN_ALARMS = "select id from alarm where acknowledged_at is null"
OPEN_TRIPS = "select id from trip where ended_at is null"
OPEN_ASSIGNMENTS = "select id from assignment where ended_at is null and status not in ('left_scene', 'at_destination')"
ON_BOARD = "select id from assignment where ended_at is null and status = 'left_scene'"
ARRIVED = "select id from assignment where ended_at is null and status = 'at_destination'"
ON_DUTY = "select id from unit where duty = 'on_duty'"
DIRTY = "select id from unit where cleanliness = 'contaminated'"
WAYS = (
    ("intake", OPEN_CALLS, "/v1/calls/{id}/withdraw", {}),
    ("intake", OPEN_ALARMS, "/v1/alarms/{id}/acknowledge", {}),
    ("dispatch", OPEN_ASSIGNMENTS, "/v1/assignments/{id}/release", {"reason": "replanned"}),
    ("dispatch", ON_BOARD, "/v1/assignments/{id}/steps", {"step": "at_destination"}),
    ("dispatch", ARRIVED, "/v1/assignments/{id}/steps", {"step": "clear"}),
    ("dispatch", OPEN_TRIPS, "/v1/trips/{id}/cancel", {"reason": "caller_withdrew"}),
    ("dispatch", DIRTY, "/v1/units/{id}/disinfected", {}),
)
"""Service, what of it is left, and how that ends."""


async def on_duty(town: Town) -> set[UUID]:
    return {row["id"] for row in await town.sql("dispatch", ON_DUTY)}


async def put_in_order(town: Town, duty: set[UUID]) -> None:
    """End what is open, alarms too; units are clean and those of ``duty`` on duty, as at the beginning."""
    await eventually(lambda: _nothing_is_left(town))
    for unit_id in duty ^ await on_duty(town):
        await town.duty(str(unit_id), on=unit_id in duty)
    await town.nobody_is_under_way()


async def _nothing_is_left(town: Town) -> bool:
    """Whether nothing had to be ended. A refusal is looked at again: what it stood in the way of may be over by then."""
    headers, left = town.headers("supervisor", purpose="emergency"), 0
    for service, open_now, path, body in WAYS:
        for row in await town.sql(service, open_now):
            left += 1
            said = body | {"at": now_utc().isoformat()} if "step" in body else body
            await town.client.post(town.local.url(service) + path.format(id=row["id"]), json=said, headers=headers)
    return not left
