"""One assignment from acceptance to base, as a crew does it: drive, press the button of each step, drive on.

A button that does not come is no reason to stand still: the step is then reported in the crew's own application.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx

from karuna.simulate.buttons import Buttons, Expected
from karuna.simulate.cast import Cast, Member, own_trips
from karuna.simulate.doors import DoorClosed, Doors, Json, code_of
from karuna.simulate.driving import Driving
from karuna.simulate.pace import (
    AHEAD,
    AT_SCENE,
    BOARDING,
    HAND_OVER,
    HAZARD,
    NOT_TRANSPORTED,
    TURN_OUT,
    UNKNOWN_DRIVE_S,
    Pace,
)
from shared.auth import Role
from shared.geo import Point

ORDER = ("accept", "en_route", "at_scene", "left_scene", "at_destination", "clear")
MISSING_S = 15.0
"""So long, in real time, a crew waits for a button before it uses the application."""
IN_THE_APP = 0.25
"""Share of crews who report leaving the scene in the application, where the response code can be said."""
RC = ("red", "yellow", "green", "white")


class Ended(Exception):
    """The assignment is over: released, or ended by somebody else."""


@dataclass(slots=True)
class World:
    """What every mission shares."""

    doors: Doors
    cast: Cast
    pace: Pace
    driving: Driving
    buttons: Buttons
    counts: Counter[str]


class Mission:
    """``trip`` is the row the crew's phone showed. ``waiting``: the button of the next step, if one is expected."""

    def __init__(
        self, world: World, member: Member, trip: Json, assignment: Json, waiting: Expected | None = None
    ) -> None:
        self._world, self._member, self._trip, self._assignment = world, member, trip, assignment
        self._waiting = waiting
        self.id, self.unit_id = UUID(assignment["id"]), UUID(assignment["unit_id"])
        self._fate = world.pace.fate("mission", self.id)
        self._urgent = trip["lane"] == "emergency"
        self.ahead = False
        """It waits for another day."""
        self._carries = trip["patient_id"] is not None and assignment["role"] == "primary"

    async def run(self, done: str = "accept") -> bool:
        """Everything after step ``done`` up to free again. False: it was taken away on the way."""
        try:
            for step in ORDER[ORDER.index(done) + 1 :]:
                if step in {"left_scene", "at_destination"} and not self._brings():
                    continue
                await self._before(step)
                await self._do(step)
        except Ended:
            self._world.counts["taken_away"] += 1
            self._drop_waiting()
            return False
        self._world.counts["missions"] += 1
        return True

    async def home(self) -> None:
        """Back to the base, and ถึงฐาน."""
        try:
            if (base := self._world.cast.bases.get(self.unit_id)) is not None:
                await self._world.driving.go(self.unit_id, base, urgent=False)
            await self._do("at_base")
        except Ended:
            self._world.counts["base_refused"] += 1
        finally:
            self._drop_waiting()

    # --- what lies between the steps --------------------------------------------------------------------------

    def _brings(self) -> bool:
        """Whether the patient comes along."""
        stays = self._urgent and self._world.pace.fate("stays", self.id)() < NOT_TRANSPORTED
        return self._carries and not stays

    async def _before(self, step: str) -> None:
        pace = self._world.pace
        if step == "en_route":
            await self._until_start()
            await pace.do(TURN_OUT)
        elif step == "at_scene":
            await self._drive(point(self._trip, "pickup"))
        elif step == "left_scene":
            await pace.do(AT_SCENE if self._urgent else BOARDING)
        elif step == "at_destination":
            await self._drive(self._drop())
        elif self._brings():
            await pace.do(HAND_OVER if self._urgent else BOARDING)
        else:
            await pace.do(AT_SCENE if self._carries else HAZARD)

    async def _until_start(self) -> None:
        """A booked ride waits for its time, in real time where that is another day's."""
        if self._assignment.get("start_at"):
            left = datetime.fromisoformat(self._assignment["start_at"]) - datetime.now(UTC)
            self.ahead = left > AHEAD
            scale = 1.0 if self.ahead else self._world.pace.work
            await asyncio.sleep(max(0.0, left.total_seconds()) / scale)
            self.ahead = False

    async def _drive(self, end: Point | None) -> None:
        if end is None:
            await asyncio.sleep(UNKNOWN_DRIVE_S / self._world.pace.work)
        else:
            await self._world.driving.go(self.unit_id, end, urgent=self._urgent)

    def _drop(self) -> Point | None:
        """Where the trip goes; an emergency without a destination goes to the nearest hospital."""
        if (drop := point(self._trip, "drop")) is not None:
            return drop
        if self._trip["facility_id"] is not None:
            return self._world.cast.facilities.get(UUID(self._trip["facility_id"]))
        start = point(self._trip, "pickup") or self._world.driving.place(self.unit_id)
        nearest = self._world.cast.nearest_hospital(start) if start is not None else None
        return nearest[1] if nearest else None

    # --- the steps --------------------------------------------------------------------------------------------

    async def _do(self, step: str) -> None:
        """Report one step, by button where there is one, and expect the next button.

        Raises:
            Ended: the assignment is over.

        """
        details = self._details(step)
        button = None if details else await self._button(step)
        self._drop_waiting()
        following = _after(step, brings=self._brings())
        if following is not None and self._member.line is not None:
            self._waiting = self._world.buttons.expect(self._member.line, following)
        if button is not None and self._member.line is not None:
            self._world.counts["pressed"] += 1
            if await self._world.doors.press(self._member.line, button):
                return
        await self._in_the_app(step, details)

    async def _button(self, step: str) -> str | None:
        """The data of the button for ``step``; None when it does not come."""
        if self._waiting is None:
            return None
        try:
            async with asyncio.timeout(MISSING_S):
                data = await asyncio.shield(self._waiting.future)
        except TimeoutError:
            self._world.counts["button_missing"] += 1
            return None
        return data.get(step)

    def _drop_waiting(self) -> None:
        if self._waiting is not None:
            self._world.buttons.forget(self._waiting)
        self._waiting = None

    def _details(self, step: str) -> Json:
        """What no button can say: the response code, and why nobody was brought."""
        if step == "clear" and self._carries and not self._brings():
            return {"outcome": "treated_on_scene", "rc": self._rc()}
        if step == "left_scene" and self._urgent and self._fate() < IN_THE_APP:
            return {"rc": self._rc()}
        return {}

    def _rc(self) -> str:
        """Mostly what triage said; sometimes one less or more."""
        severity, dice = str(self._trip["severity"]), self._fate()
        if severity not in RC or dice < 0.7:
            return severity
        return RC[min(max(RC.index(severity) + (1 if dice < 0.92 else -1), 0), len(RC) - 1)]

    async def _in_the_app(self, step: str, details: Json) -> None:
        """The step by API, after what is still missing before it.

        Raises:
            Ended: the assignment is over.

        """
        answer = await self._post(step, details)
        if answer.is_success or code_of(answer).startswith("already_done"):
            return
        for earlier in await self._missing_before(step):
            await self._post(earlier, {})
        answer = await self._post(step, details)
        if not answer.is_success:
            self._world.counts[f"refused {step} {code_of(answer)}"] += 1
            raise Ended

    async def _missing_before(self, step: str) -> list[str]:
        if step not in ORDER:
            return []
        rows = await own_trips(self._world.doors, self._member)
        mine = next((a for trip in rows for a in trip["assignments"] if a["id"] == str(self.id)), None)
        if mine is None:
            raise Ended
        if step not in mine["next"] and mine["status"] in {"en_route", "at_scene", "left_scene", "at_destination"}:
            return list(ORDER[ORDER.index(mine["status"]) + 1 : ORDER.index(step)])
        return ["en_route"] if mine["status"] == "accepted" and step != "en_route" else []

    async def _post(self, step: str, details: Json) -> httpx.Response:
        self._world.counts["in_the_app"] += 1
        body: dict[str, Any] = {"step": step, "at": datetime.now(UTC).isoformat(), **details}
        return await self._world.doors.ask(
            "POST", "dispatch", f"/v1/assignments/{self.id}/steps", Role.CREW, crew_id=self._member.id, json=body
        )


def _after(step: str, *, brings: bool) -> str | None:
    """The button that follows a step."""
    if step == "at_base":
        return None
    if step == "clear":
        return "at_base"
    following = ORDER[ORDER.index(step) + 1]
    return "clear" if following == "left_scene" and not brings else following


def point(trip: Json, which: str) -> Point | None:
    """``pickup`` or ``drop`` of a trip, where it is known."""
    lon, lat = trip.get(f"{which}_lon"), trip.get(f"{which}_lat")
    return Point(lon, lat) if lon is not None and lat is not None else None


__all__ = ["DoorClosed", "Ended", "Mission", "World", "point"]
