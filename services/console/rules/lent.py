"""Units at work for another municipality than their own: it sees them on its map as long as that lasts. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from services.console.rules.board import Thing


class AtWork:
    """Which areas' calls each unit is on, by the assignments that are not over.

    What is booked for later counts from setting out. Of protected calls nobody says openly who goes: they do not count.
    """

    def __init__(self) -> None:
        self._open: dict[UUID, tuple[str, str]] = {}
        self._areas: dict[str, frozenset[str]] = {}

    def areas_of(self, unit_id: str) -> frozenset[str]:
        return self._areas.get(unit_id, frozenset())

    def note(self, assignments: Iterable[Thing]) -> dict[str, frozenset[str]]:
        """These stand so now. Unit → areas whose calls it is not on any more, empty where it came to one."""
        changed: dict[str, frozenset[str]] = {}
        for each in assignments:
            before = self._open.pop(each.id, None)
            if _counts(each):
                self._open[each.id] = (str(each.state["unit_id"]), each.area)
            for unit_id in {known[0] for known in (before, self._open.get(each.id)) if known}:
                was = self.areas_of(unit_id)
                now = frozenset(area for unit, area in self._open.values() if unit == unit_id)
                if was != now:
                    self._areas[unit_id] = now
                    changed[unit_id] = (changed.get(unit_id, frozenset()) | (was - now)) - now
                if not now:
                    self._areas.pop(unit_id, None)
        return changed


def _counts(each: Thing) -> bool:
    later = each.state.get("start_at") is not None and "en_route" not in each.state.get("stamps", {})
    return each.ended_at is None and bool(each.state.get("unit_id")) and not later
