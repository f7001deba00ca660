"""What an aggregate looks like after its open facts: a fold, pure, so that a fresh reading gives the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

LEFT_OUT = frozenset({"at", "by", "call_id"})
ENDS = {
    "call": frozenset({"withdrawn", "closed", "erased"}),
    "trip": frozenset({"completed", "cancelled"}),
    "assignment": frozenset({"declined", "expired", "released", "cleared", "at_base"}),
    "run": frozenset({"closed"}),
    "barrier": frozenset({"met", "unmet"}),
    "crew": frozenset({"erased"}),
    "message": frozenset({"delivered", "acknowledged", "cancelled", "expired"}),
}
"""After these the aggregate is history: it leaves the board by itself."""
NO_STATUS = frozenset({"updated", "triaged", "changed", "linked", "unlinked", "corrected", "crew_changed",
                       "backup_requested", "unanswered", "delayed", "at_risk", "shared"})  # fmt: skip
"""What happens to something without moving it along its life."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One open fact. ``name`` is the event's own word, e.g. ``at_scene``."""

    noun: str
    name: str
    at: datetime
    data: dict[str, Any]


def step(state: dict[str, Any], seen: Seen) -> dict[str, Any]:
    """The state after one more fact: what it says over what was known, ``is`` for where it stands, ``stamps`` for when.

    Protected roots say nothing openly; their state is ``is`` and ``stamps`` alone, and ``protected`` is true.
    """
    known = {name: value for name, value in seen.data.items() if name not in LEFT_OUT}
    stamps = {**state.get("stamps", {}), seen.name: seen.at.isoformat()}
    after = {**state, **known, "stamps": stamps, "is": state.get("is", seen.name)}
    if seen.name not in NO_STATUS and not _stays(seen):
        after["is"] = seen.name
    if seen.noun == "call" and seen.name == "received":
        after["protected"] = not seen.data
    return after


def _stays(seen: Seen) -> bool:
    """Handed to 1669 beside our own trip: the call stays ours."""
    return seen.noun == "call" and seen.name == "handed_over" and not seen.data.get("ends_call", True)


def ends(seen: Seen) -> bool:
    """Whether the aggregate is over with this fact."""
    if seen.noun == "call" and seen.name == "handed_over":
        return bool(seen.data.get("ends_call", False))
    return seen.name in ENDS.get(seen.noun, frozenset())
