"""Is anything lost? Every call the API acknowledged is looked for again at every service that must know it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from karuna.doctor import examine
from karuna.local import Local
from karuna.simulate.doors import Doors, Json
from karuna.simulate.playing import Ledger, Taken, gathered
from shared.auth import Role

SEARCHED = 200
LAGS_S = 20.0
"""So long the last events may be on their way before they count as missing."""
PAGES = 20
WAITING = (" outbox", " parked", " dead letters")


@dataclass(slots=True)
class Lost:
    """Numbers of calls that somebody does not know; ``wrong`` is what the doctor found in queues and dead letters."""

    intake: list[str] = field(default_factory=list)
    dispatch: list[str] = field(default_factory=list)
    registry: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    looked_up: int = 0
    histories: int = 0

    @property
    def any(self) -> bool:
        return bool(self.intake or self.dispatch or self.registry or self.wrong)


async def look_up(local: Local, doors: Doors, ledger: Ledger) -> Lost:
    """Look for every acknowledged call in intake, dispatch and the history of its patient.

    Raises:
        DoorClosed: a service does not answer.

    """
    lost = Lost(looked_up=len(ledger.taken))
    present = set[str]()
    for first in range(0, len(ledger.taken), SEARCHED):
        ids = [one.id for one in ledger.taken[first : first + SEARCHED]]
        page = await doors.read("intake", "/v1/calls/search", Role.CALL_TAKER, json={"ids": ids, "limit": SEARCHED})
        present |= {item["id"] for item in page["items"]}
    lost.intake = [one.number for one in ledger.taken if one.id not in present]
    known = {trip["call_id"] for trip in ledger.trips}
    lost.dispatch = [one.number for one in ledger.taken if one.served and one.id not in known]
    named = [one for one in ledger.taken if one.named]
    found = await gathered(_history_knows(doors, one) for one in named)
    lost.histories = sum(found)
    lost.registry = [one.number for one, knows in zip(named, found, strict=True) if not knows]
    lost.wrong = await _waiting(local)
    return lost


async def _history_knows(doors: Doors, call: Taken) -> bool:
    """Whether the history of the person behind a call tells of the call."""
    person_id = await _person(doors, call)
    if person_id is None:
        return False
    cursor: str | None = None
    for _ in range(PAGES):
        asked = {"limit": 200, **({"cursor": cursor} if cursor else {})}
        path = f"/v1/persons/{person_id}/history"
        page = await doors.read("registry", path, Role.CASE_MANAGER, params=asked)
        if any(line["call_id"] == call.id for line in page["items"]):
            return True
        cursor = page["next"]
        if cursor is None:
            break
    return False


async def _person(doors: Doors, call: Taken) -> str | None:
    """Who was matched or made from a call, by the registry's open feed; it may come a little later."""
    waited_s, step_s = 0.0, 0.5
    while True:
        page = await doors.read("registry", "/v1/events", Role.CASE_MANAGER, params={"call_id": call.id, "limit": 50})
        for event in page["items"]:
            if event["type"].startswith("th.karuna.registry.person."):
                return str(event["subject"]).split("/")[1]
        if waited_s >= LAGS_S:
            return None
        await asyncio.sleep(step_s)
        waited_s += step_s


async def _waiting(local: Local) -> list[str]:
    """What is stuck on its way, by the doctor; looked at again where it may only be late."""
    wrong: list[str] = []
    for _ in range(int(LAGS_S)):
        wrong = [
            f"{finding.what}: {finding.found}"
            async for finding in examine(local)
            if not finding.ok and finding.what.endswith(WAITING)
        ]
        if not wrong:
            return []
        await asyncio.sleep(1)
    return wrong


__all__ = ["Json", "Lost", "look_up"]
