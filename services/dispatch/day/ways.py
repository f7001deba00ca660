"""How long drives between the places of a day take, in whole minutes: asked once, and kept. Pure."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Sequence

import numpy as np

from services.dispatch.planning.problem import Drives, Floats
from services.dispatch.rules.ranking import Source, TravelTimes
from services.dispatch.rules.windows import UNKNOWN_RIDE
from shared.geo import Point

MINUTE_S = 60.0
ROOM = 64
"""So many places more find room at the least, and a quarter more than there are: to lay a table out anew stops whoever

waits, and a place more needs memory twice.
"""


class Ways:
    """Travel between all places of the day; a place that nobody knows is half an hour from everywhere.

    Grows by :meth:`know`, and what it has said stays: rows, and the tables that were given out. Any thread may ask.
    """

    def __init__(self, points: Iterable[Point | None], times: TravelTimes) -> None:
        self.times = times
        self._lock = threading.Lock()
        self._rows: dict[Point, int] = {}
        self._sources: set[Source] = set()
        self._room = self._laid_out(1)
        self.know(points)

    @property
    def size(self) -> int:
        return len(self._rows) + 1

    @property
    def duration_s(self) -> Drives:
        """Between all places, by row. A part of a larger table: what is added later is not in it."""
        return self._room[: self.size, : self.size]

    @property
    def sources(self) -> tuple[Source, ...]:
        """Whoever spoke."""
        return tuple(sorted(self._sources))

    def row(self, point: Point | None) -> int:
        return 0 if point is None else self._rows[point]

    def unknown(self, points: Iterable[Point | None]) -> int:
        """How many of these are not known yet."""
        return len({point for point in points if point is not None and point not in self._rows})

    def know(self, points: Iterable[Point | None]) -> None:
        """Ask for the drives to and from those places that are new."""
        with self._lock:
            new = list(dict.fromkeys(point for point in points if point is not None and point not in self._rows))
            if new:
                self._add(new)

    def only(self, points: Iterable[Point | None]) -> Ways:
        """The same drives between these places alone; those among them that are not known are asked for."""
        with self._lock:
            points = list(points)
            stay = list(dict.fromkeys(point for point in points if point is not None and point in self._rows))
            made = Ways((), self.times)
            rows = [0, *(self._rows[point] for point in stay)]
            made._room = self._laid_out(len(rows))
            made._room[: len(rows), : len(rows)] = self._room[np.ix_(rows, rows)]
            made._rows = {point: at for at, point in enumerate(stay, start=1)}
            made._sources = set(self._sources)
        made.know(points)
        return made

    def _add(self, new: Sequence[Point]) -> None:
        old, size = list(self._rows), self.size
        whole = size + len(new)
        room = self._room if whole <= len(self._room) else self._laid_out(whole)
        if room is not self._room:
            room[:size, :size] = self._room[:size, :size]
        room[0, size:whole] = room[size:whole, 0] = UNKNOWN_RIDE.total_seconds()
        among = self.times.table(new, urgent=False, lengths=False)
        room[size:whole, size:whole] = _minutes(among.duration_s)
        self._sources |= among.sources
        if old:
            hence = self.times.table(new, old, urgent=False, lengths=False)
            hither = self.times.table(old, new, urgent=False, lengths=False)
            room[size:whole, 1:size], room[1:size, size:whole] = _minutes(hence.duration_s), _minutes(hither.duration_s)
            self._sources |= hence.sources | hither.sources
        # A row is there for others only when all its drives are.
        self._room = room
        for at, point in enumerate(new, start=size):
            self._rows[point] = at

    @staticmethod
    def _laid_out(size: int) -> Drives:
        """Nothing is known in it, but of the place that nobody knows."""
        most = size + max(size // 4, ROOM)
        room = np.empty((most, most), np.float32)
        room[0, 0] = UNKNOWN_RIDE.total_seconds()
        return room


def _minutes(seconds: Floats) -> Floats:
    return np.asarray(np.ceil(seconds / MINUTE_S - 1e-9) * MINUTE_S)


def up(seconds: float) -> float:
    """To the whole minute after."""
    return math.ceil(seconds / MINUTE_S - 1e-9) * MINUTE_S


def down(seconds: float) -> float:
    return math.floor(seconds / MINUTE_S + 1e-9) * MINUTE_S
