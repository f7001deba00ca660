"""What the desk knows without asking the database: the municipalities' settings packs and its own settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from services.intake.rules import numbers
from services.intake.settings import IntakeSettings
from services.intake.store.calls import next_number
from shared.auth import Caller
from shared.database import Pool
from shared.events.words import Channel
from shared.geo import Point, distance_m
from shared.packs import Pack, load_all
from shared.service import Runtime

DEFAULT_WATCHDOG_S = 60
"""For an area without a pack."""
NEAR_M = 150_000
"""So far from its centre a municipality may be told of a place, wherever on earth it lies."""


@dataclass(frozen=True, slots=True)
class Taker:
    """Who takes a call: their actor, the municipalities they take calls for (their own first), their usual channel.

    ``outside``: no one of the desk, so that other people's calls are none of theirs.
    """

    actor: str
    areas: tuple[str, ...]
    channel: Channel
    outside: bool = False


@dataclass(frozen=True, slots=True)
class Desk:
    packs: Mapping[str, Pack]
    settings: IntakeSettings
    aside: Pool
    """Where numbers are drawn, apart from the transaction in which they are used."""

    def pack(self, area: str) -> Pack | None:
        return self.packs.get(area)

    def packs_of(self, areas: Iterable[str] | None) -> list[Pack]:
        """The packs of these municipalities; None stands for all."""
        return [pack for slug, pack in self.packs.items() if areas is None or slug in areas]

    def areas_of(self, caller: Caller) -> tuple[str, ...]:
        """The municipalities for which the caller may take calls; ``*`` stands for all we have a pack of."""
        if "*" in caller.areas:
            return tuple(sorted(self.packs))
        return tuple(sorted(area for area in caller.areas if area in self.packs))

    def watchdog_s(self, area: str) -> int:
        """How long an emergency of this area may be without somebody who goes."""
        if self.settings.watchdog_s is not None:
            return self.settings.watchdog_s
        pack = self.packs.get(area)
        return int(pack.policies.intake.watchdog_s) if pack else DEFAULT_WATCHDOG_S

    async def numbers(self, area: str, prefix: str, received_at: datetime, count: int) -> list[str]:
        """The next case numbers of the month, drawn when nothing is left that could be refused.

        What fails after that leaves a gap. While a transaction held the counter until its end, all calls for help of
        a municipality waited for one another (decision 42).
        """
        first = await next_number(self.aside, area, numbers.series(prefix, received_at), count)
        return [numbers.case_number(prefix, received_at, first + place) for place in range(count)]

    def near(self, areas: Iterable[str], point: Point) -> bool:
        """Whether a point can be meant for one of these municipalities."""
        centres = (self.packs[area].area.centre.point for area in areas)
        return any(distance_m(point, centre) < NEAR_M for centre in centres)


_here: list[Desk] = []


def watchdog_s(area: str) -> int:
    """The same for what is heard or due, where no request brings the desk along: after :func:`prepare`."""
    return _here[-1].watchdog_s(area) if _here else DEFAULT_WATCHDOG_S


async def numbers_of(area: str, prefix: str, received_at: datetime, count: int) -> list[str]:
    """The same as :meth:`Desk.numbers` for what is due: after :func:`prepare`."""
    return await _here[-1].numbers(area, prefix, received_at, count)


def desk_of(runtime: Runtime) -> Desk:
    desk: Desk = runtime.parts["desk"]
    return desk


async def prepare(runtime: Runtime) -> None:
    """Read the settings packs before anybody is served.

    Raises:
        PackError: a pack cannot be used; names file and field.

    """
    settings: IntakeSettings = runtime.settings
    desk = Desk(load_all(settings.areas_dir), settings, runtime.aside)
    runtime.parts["desk"] = desk
    _here[:] = [desk]
