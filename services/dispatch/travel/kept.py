"""Matrices that this process has read: the last few, each as long as nobody has put another in its place."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.dispatch.store import matrices
from services.dispatch.travel.matrix import Matrix
from shared.database import Pool
from shared.refusal import Refusal

MOST_BYTES = 48 * 1024 * 1024


@dataclass(slots=True)
class Kept:
    """Newest use last; what has gone unused longest is let go when the rest grows too large."""

    _found: OrderedDict[tuple[str, str], tuple[datetime, Matrix]] = field(default_factory=OrderedDict)

    async def get(self, pool: Pool, areas: Sequence[str], names: Sequence[str]) -> Matrix:
        """The newest matrix in these areas of the first of ``names`` that is there; its age is asked of the database

        each time.

        Raises:
            Refusal: ``unknown_matrix``.

        """
        for name in names:
            row = await matrices.newest(pool, areas, name)
            if row is not None:
                break
        else:
            raise _unknown()
        key = (row["area"], name)
        have = self._found.get(key)
        if have is None or have[0] != row["put_at"]:
            have = await matrices.read(pool, *key)
            if have is None:
                raise _unknown()
            self._found[key] = have
        self._found.move_to_end(key)
        self._let_go()
        return have[1]

    def _let_go(self) -> None:
        while len(self._found) > 1 and sum(_bytes(matrix) for _, matrix in self._found.values()) > MOST_BYTES:
            self._found.popitem(last=False)


def _bytes(matrix: Matrix) -> int:
    return matrix.duration_s.nbytes + (0 if matrix.distance_m is None else matrix.distance_m.nbytes)


def _unknown() -> Refusal:
    return Refusal("unknown_matrix", "matrix_id", "ไม่มีเมทริกซ์นี้ ต้องส่งไว้ก่อน", "there is no such matrix; put it first")


KEPT = Kept()
"""One for the process: every preview reads the same matrices."""
