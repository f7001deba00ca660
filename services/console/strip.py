"""The strip of alarms and queue: asked once for all pages of the same rights, and again only after a change.

Fifty boards would each ask two services after every event. Pages whose people have the same role and municipalities
are told the same, so one of them asks, with its own token, and the others wait for that answer. Who was shown which
call's alarm stands in the console's own audit: one row for each person and alarm, however often the strip is drawn.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from services.console.backend import Backend, BackendAway
from services.console.live import hub_of
from services.console.navigation import DESK
from services.console.people import Person, caller_of
from services.console.web import render
from shared.audit import audit
from shared.auth import Role
from shared.service import Runtime

PURPOSE = "emergency"
FRESH_S = 5.0
"""So long an answer holds while nothing happens: an alarm also rises while the broker, and so every event, is away."""
PAUSE_S = 0.3
"""In a storm of events the services are asked no more often than this."""
SESSIONS_KEPT = 2000

Rights = tuple[Role, tuple[str, ...]]
Mark = tuple[int, int]


OVER_WITH_CALL = frozenset({"unanswered", "not_departed", "van_late"})
"""Nobody has to go any more; a complaint, or somebody left behind, outlives its call."""


def _is_over(alarm: Mapping[str, Any]) -> bool:
    return bool(alarm["answered_at"]) or (alarm["status"] != "open" and alarm["kind"] in OVER_WITH_CALL)


@dataclass(slots=True)
class Strip:
    """Alarms and queue; None where their service does not answer: not known is not the same as none."""

    alarms: list[dict[str, Any]] | None = field(default_factory=list)
    queue: dict[str, Any] | None = field(default_factory=lambda: {"items": [], "alarms": 0})
    drawn: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def standing(self) -> list[dict[str, Any]]:
        """Alarms of which somebody must do something now."""
        return [alarm for alarm in self.alarms or () if not (_is_over(alarm) or alarm.get("exercise"))]

    @property
    def over(self) -> list[dict[str, Any]]:
        """Alarms that are over by themselves and wait only to be seen: a unit goes, or the call is closed."""
        return [alarm for alarm in self.alarms or () if _is_over(alarm) and not alarm.get("exercise")]

    @property
    def rehearsed(self) -> list[dict[str, Any]]:
        """Alarms of exercises, which stand apart and are silent."""
        return [alarm for alarm in self.alarms or () if alarm.get("exercise")]

    def queued(self, part: str = "items", *, exercise: bool = False) -> list[dict[str, Any]]:
        """Trips that wait: what is real, or what is practised. ``part``: ``items``, or ``more`` units beside one."""
        return [item for item in (self.queue or {}).get(part) or () if bool(item.get("exercise")) is exercise]

    @property
    def asked(self) -> int:
        """How many of the queue have a unit that is asked and has not answered yet."""
        return sum(item["waits_for_answer"] for item in self.queued())

    def html(self, lang: str, template: str = "board/strip.html") -> str:
        """Drawn once for each language, and once more for the wall."""
        if (template, lang) not in self.drawn:
            self.drawn[template, lang] = render(template, lang, strip=self)
        return self.drawn[template, lang]


@dataclass(slots=True, eq=False)
class _Asked:
    """An answer, or one on its way. ``begins``: when the services are (or were) asked, by the loop's clock."""

    mark: Mark
    begins: float
    answer: asyncio.Task[Strip]


@dataclass(slots=True)
class _Shown:
    """The alarms that somebody signed in has been shown, and who is writing that down: one page at a time."""

    ids: set[str] = field(default_factory=set)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Strips:
    """The answers of this process."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._asked: dict[Rights, _Asked] = {}
        self._shown: OrderedDict[UUID, _Shown] = OrderedDict()

    async def of(self, person: Person) -> Strip:
        """What this person's pages show now."""
        if person.role not in DESK:
            return Strip()
        strip = await asyncio.shield(self._current(person).answer)
        await self._note(person, strip.alarms or ())
        return strip

    def _current(self, person: Person) -> _Asked:
        rights = (person.role, person.areas)
        now, mark = asyncio.get_running_loop().time(), hub_of(self._runtime).mark
        last = self._asked.get(rights)
        if last is not None and not _failed(last) and _holds(last, mark, now):
            return last
        begins = now if last is None else max(now, last.begins + PAUSE_S)
        task = asyncio.create_task(self._ask(person, begins - now))
        self._asked[rights] = _Asked(mark, begins, task)
        return self._asked[rights]

    async def _ask(self, person: Person, after_s: float) -> Strip:
        await asyncio.sleep(after_s)
        services: Backend = self._runtime.parts["backend"]

        async def ask(service: str, path: str) -> Any:
            try:
                return await services.get(person, service, path, purpose=PURPOSE)
            except BackendAway:
                return None

        alarms, queue = await asyncio.gather(ask("intake", "/v1/alarms"), ask("dispatch", "/v1/queue"))
        return Strip(None if alarms is None else alarms["items"], queue)

    async def _note(self, person: Person, alarms: Sequence[dict[str, Any]]) -> None:
        seen = self._shown.setdefault(person.session_id, _Shown())
        self._shown.move_to_end(person.session_id)
        while len(self._shown) > SESSIONS_KEPT:
            self._shown.popitem(last=False)
        async with seen.turn:
            fresh = {alarm["id"]: UUID(alarm["call_id"]) for alarm in alarms if alarm["id"] not in seen.ids}
            if fresh:
                await audit(self._runtime.pool, caller_of(person, PURPOSE), "read_alarms", "call", list(fresh.values()))
            seen.ids = {alarm["id"] for alarm in alarms}


def _failed(asked: _Asked) -> bool:
    return asked.answer.done() and (asked.answer.cancelled() or asked.answer.exception() is not None)


def _holds(asked: _Asked, mark: Mark, now: float) -> bool:
    """Not asked yet: it will know all that has happened. Else nothing may have happened since."""
    return asked.begins > now or (asked.mark == mark and now - asked.begins < FRESH_S)


def strips_of(runtime: Runtime) -> Strips:
    strips: Strips = runtime.parts["strips"]
    return strips
