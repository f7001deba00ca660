"""Simulated crews and passengers who answer like people, through the public doors only.

They look at their phones (the inboxes of the simulated LINE and SMS centre), think, press a button or ring the desk,
drive, and report the steps of the journey. Some decline, some are asleep. Nothing is remembered of what has ended.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import httpx

from karuna.simulate.buttons import Buttons, Data, Expected, answers_of
from karuna.simulate.cast import Cast, Member, board, digits, own_trips, read_cast
from karuna.simulate.doors import DoorClosed, Doors, Json
from karuna.simulate.driving import Driving
from karuna.simulate.mission import ORDER, Mission, World
from karuna.simulate.pace import AHEAD, ANSWER, CALL_IN, CLEANING, RATES, SMS_WAKES, VISIT, Pace
from shared.auth import Role

LOOK_S = 20.0
"""How long one look at the inbox waits for something new."""
ROUND_S = 15.0
"""How often somebody walks around: is a vehicle dirty, is there work nobody remembers?"""
RIDES_S = 60.0
ANSWERED_KEPT = 5_000
NEWEST = 10**15
PAST = {"accept": "accepted", "decline": "declined"}
RESUMABLE = frozenset({"accepted", "en_route", "at_scene", "left_scene", "at_destination"})

Told = Callable[[str], None]


class Crews:
    """Everybody who answers in one area, while the block lasts. ``counts`` tells what they did.

    ``told`` gets a line for each new kind of trouble; nothing that happens here is raised.
    """

    def __init__(self, doors: Doors, pace: Pace, *, told: Told = print) -> None:
        self.doors, self.pace = doors, pace
        self.counts: Counter[str] = Counter()
        self.driving = Driving(doors, pace)
        self._told, self._trouble = told, set[str]()
        self._buttons = Buttons()
        self._cast = Cast()
        self._answered: OrderedDict[str, str] = OrderedDict()
        self._missions: dict[str, Mission] = {}
        self._homeward: dict[UUID, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self.refresh()
        self._start(self._watch(self.doors.line, self._by_line))
        self._start(self._watch(self.doors.sms, self._by_sms))
        self._start(self._around())
        self._start(self.driving.report())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def busy(self) -> int:
        """Missions and ways home of today."""
        return sum(not mission.ahead for mission in self._missions.values()) + len(self._homeward)

    async def refresh(self) -> None:
        """Read again who there is.

        Raises:
            DoorClosed: dispatch does not answer.

        """
        self._cast = await read_cast(self.doors)
        for unit_id, base in self._cast.bases.items():
            self.driving.stands(unit_id, base)

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(self._safely(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _safely(self, work: Coroutine[Any, Any, None]) -> None:
        """People's mishaps are counted and told once, they end nothing else."""
        try:
            await work
        except (DoorClosed, httpx.HTTPError, KeyError, ValueError) as problem:
            self.counts["trouble"] += 1
            text = f"{type(problem).__name__}: {problem}"
            if text not in self._trouble and len(self._trouble) < 100:
                self._trouble.add(text)
                self._told(text)

    # --- looking at the phone ---------------------------------------------------------------------------------

    async def _watch(self, base: str, handle: Callable[[Json], Coroutine[Any, Any, None]]) -> None:
        """Every new message at one simulated provider becomes a task."""
        seen: int | None = None
        while True:
            try:
                items, total = await self.doors.inbox(
                    base, NEWEST if seen is None else seen, 0 if seen is None else LOOK_S
                )
            except httpx.HTTPError:
                await asyncio.sleep(1)
                continue
            if seen is None or total < seen:  # just begun, or the provider was started again
                seen = total
            for entry in items:
                seen = max(seen, int(entry["number"]))
                self._start(handle(entry))

    async def _by_line(self, entry: Json) -> None:
        answers = answers_of(entry)
        if not answers or entry["state"] != "shown":
            return
        member = self._cast.by_line.get(entry["to"])
        if member is None:
            await self._public(entry["to"], answers)
        elif "accept" in answers:
            await self._asked(member, answers, entry["at"])
        else:
            self._buttons.came(entry["to"], answers)

    async def _by_sms(self, entry: Json) -> None:
        """SMS is one-way: a crew member who reads it rings the desk."""
        member = self._cast.by_phone.get(digits(entry["to"]))
        if member is not None and entry["state"] == "received":
            await self.pace.think(CALL_IN)
            await self._asked(member, {}, entry["at"])

    async def _public(self, line_user: str, answers: Data) -> None:
        """A passenger says when the visit is over; a caller sometimes gives stars."""
        if "ready" in answers:
            await self.pace.do(VISIT)
            self.counts["ready"] += 1
            await self.doors.press(line_user, answers["ready"])
        elif (stars := [data for answer, data in answers.items() if answer.startswith("star-")]) and (
            self.pace.dice.random() < RATES
        ):
            await self.pace.think(ANSWER)
            self.counts["rated"] += 1
            await self.doors.press(line_user, self.pace.dice.choice(stars))

    # --- being asked ------------------------------------------------------------------------------------------

    async def _asked(self, member: Member, answers: Data, at: str) -> None:
        """An order or an offer: ``answers`` are its buttons; without them the desk is rung."""
        if answers:
            await self.pace.think(ANSWER)
        found = self._question(member, await own_trips(self.doors, member), at)
        if found is None:
            self.counts["too_late"] += 1
            return
        trip, assignment = found
        wakes = not answers and self.pace.fate("wakes", assignment["id"], member.id)() < SMS_WAKES
        if self.pace.sleeps(member.kind, assignment["id"], member.id) and not wakes:
            self.counts["slept"] += 1
            return
        if assignment["id"] in self._answered:
            return
        answer = "decline" if self.pace.declines(assignment["id"]) else "accept"
        self._remember(assignment["id"], answer)
        expected = self._expect(member, answer) if answers else None
        self.counts[f"{PAST[answer]}{'' if answers else ' by phone'}"] += 1
        if answers:
            await self.doors.press(str(member.line), answers[answer])
        elif not await self._ring_the_desk(assignment["id"], answer):
            return
        if answer == "accept":
            self._go(member, trip, assignment, expected)

    def _question(self, member: Member, trips: list[Json], at: str) -> tuple[Json, Json] | None:
        """What the member is asked: the question whose time is nearest to the message's."""
        open_now = [
            (trip, each)
            for trip in trips
            for each in trip["assignments"]
            if "accept" in each["next"] and str(member.id) in each["crew_ids"] and each["id"] not in self._answered
        ]
        told_at = datetime.fromisoformat(at)
        return min(
            open_now,
            key=lambda pair: abs((datetime.fromisoformat(pair[1]["asked_at"]) - told_at).total_seconds()),
            default=None,
        )

    def _expect(self, member: Member, answer: str) -> Expected | None:
        if answer != "accept" or member.line is None:
            return None
        return self._buttons.expect(member.line, "en_route")

    def _remember(self, assignment_id: str, answer: str) -> None:
        """So that the mate beside does not answer as well."""
        self._answered[assignment_id] = answer
        while len(self._answered) > ANSWERED_KEPT:
            self._answered.popitem(last=False)

    async def _ring_the_desk(self, assignment_id: str, answer: str) -> bool:
        body = {"step": answer, "at": datetime.now(UTC).isoformat()}
        done = await self.doors.ask(
            "POST", "dispatch", f"/v1/assignments/{assignment_id}/steps", Role.DISPATCHER, json=body
        )
        return done.is_success

    # --- on the way -------------------------------------------------------------------------------------------

    def _go(
        self, member: Member, trip: Json, assignment: Json, expected: Expected | None = None, done: str = "accept"
    ) -> None:
        world = World(self.doors, self._cast, self.pace, self.driving, self._buttons, self.counts)
        mission = Mission(world, member, trip, assignment, expected)
        self._missions[assignment["id"]] = mission
        self._start(self._mission(mission, assignment["id"], done))

    async def _mission(self, mission: Mission, assignment_id: str, done: str) -> None:
        if (homeward := self._homeward.pop(mission.unit_id, None)) is not None:
            homeward.cancel()  # called again before it was home
        try:
            finished = await mission.run(done)
        except (DoorClosed, httpx.HTTPError):
            self._answered.pop(assignment_id, None)  # somebody takes it up again on the next round
            raise
        finally:
            self._missions.pop(assignment_id, None)
        if finished:
            home = self._start(mission.home())
            self._homeward[mission.unit_id] = home
            await asyncio.wait([home])
            if self._homeward.get(mission.unit_id) is home:
                del self._homeward[mission.unit_id]

    async def _around(self) -> None:
        """Dirty vehicles are cleaned, and work nobody here remembers is taken up again."""
        rides_s = 0.0
        while True:
            try:
                units = await board(self.doors)
                for unit in units:
                    await self._look_at(unit)
                if time.monotonic() - rides_s > RIDES_S:
                    await self._rides(units)
                    rides_s = time.monotonic()
            except DoorClosed as problem:
                self._told(str(problem))
            await asyncio.sleep(max(1.0, ROUND_S / self.pace.work))

    async def _rides(self, units: list[Json]) -> None:
        """Rides that were accepted before a restart, and whose time has come."""
        soon = datetime.now(UTC) + AHEAD
        for unit in units:
            members = self._members(unit) if unit["run_id"] is None else []
            for member in members[:1]:
                for trip in await own_trips(self.doors, member):
                    for each in trip["assignments"]:
                        due = each["start_at"] is not None and datetime.fromisoformat(each["start_at"]) < soon
                        if due and each["status"] == "accepted" and each["id"] not in self._answered:
                            self._take_up(member, trip, each)

    def _members(self, unit: Json) -> list[Member]:
        return [self._cast.members[UUID(each)] for each in unit["crew_ids"] if UUID(each) in self._cast.members]

    def _take_up(self, member: Member, trip: Json, assignment: Json) -> None:
        """Go on where somebody was, in the application."""
        self._remember(assignment["id"], "resumed")
        self.counts["resumed"] += 1
        done = assignment["status"] if assignment["status"] in ORDER else "accept"
        self._go(member, trip, assignment, done=done)

    async def _look_at(self, unit: Json) -> None:
        if unit["cleanliness"] == "contaminated" and unit["run_id"] is None:
            self._start(self._clean(UUID(unit["id"])))
        lost = unit["assignment_id"] is not None and unit["assignment_id"] not in self._missions
        if lost and unit["work_status"] in RESUMABLE and unit["assignment_id"] not in self._answered:
            await self._resume(unit)

    async def _clean(self, unit_id: UUID) -> None:
        if f"clean {unit_id}" in self._answered:
            return
        self._remember(f"clean {unit_id}", "cleaning")
        await self.pace.do(CLEANING)
        path = f"/v1/units/{unit_id}/disinfected"
        await self.doors.ask("POST", "dispatch", path, Role.DISPATCHER, json={})
        self._answered.pop(f"clean {unit_id}", None)
        self.counts["cleaned"] += 1

    async def _resume(self, unit: Json) -> None:
        """After a restart: the crew goes on where it was."""
        for member in self._members(unit)[:1]:
            for trip in await own_trips(self.doors, member):
                for each in trip["assignments"]:
                    if each["id"] == unit["assignment_id"]:
                        self._take_up(member, trip, each)
