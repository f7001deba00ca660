"""A crew's journey as its page shows it: which step comes next, which job first, where to go and what to bring."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

NEXT: Mapping[str, str] = {
    "ordered": "accept",
    "offered": "accept",
    "accepted": "en_route",
    "en_route": "at_scene",
    "at_scene": "left_scene",
    "left_scene": "at_destination",
    "at_destination": "clear",
    "cleared": "at_base",
}
"""Status of an assignment → what the big button does. Dispatch has the law; this is only what is offered first."""
AFTER: Mapping[str, str] = {
    "accept": "accepted",
    "decline": "declined",
    "en_route": "en_route",
    "at_scene": "at_scene",
    "left_scene": "left_scene",
    "at_destination": "at_destination",
    "clear": "cleared",
    "at_base": "at_base",
}
"""Step → the status after it: what the page shows until dispatch has answered."""
STAMPS = ("accept", "en_route", "at_scene", "left_scene", "at_destination", "clear", "at_base")
ASKED = frozenset({"ordered", "offered"})
ON_THE_ROAD = frozenset({"en_route", "at_scene", "left_scene", "at_destination"})
ENDS_AT_SCENE = (
    "treated_on_scene", "refused_treatment", "not_found", "cancelled", "handed_up", "died_on_scene",
    "dead_before_arrival", "hazard_cleared",
)  # fmt: skip
"""Outcomes of a journey that ends where it was sent."""


class Told(dict[str, Any]):
    """What was told of something: what was not told is None, for a template asks for much that few calls have."""

    def __missing__(self, key: str) -> None:
        return None


@dataclass(frozen=True, slots=True)
class Job:
    """One open assignment of the crew with its trip; ``transports`` says whether somebody is brought somewhere."""

    id: str
    status: str
    trip: Mapping[str, Any]
    assignment: Mapping[str, Any]
    transports: bool

    @property
    def place(self) -> Mapping[str, Any]:
        """Where to begin: for the way home that is where the person was brought."""
        return self._end("location" if self.trip["leg"] == "outbound" else "destination", "pickup")

    @property
    def destination(self) -> Mapping[str, Any]:
        return self._end("destination" if self.trip["leg"] == "outbound" else "location", "drop")

    def _end(self, part: str, point: str) -> Mapping[str, Any]:
        told = self.details[part] or {}
        return Told({**told, "lat": self.trip.get(f"{point}_lat"), "lon": self.trip.get(f"{point}_lon")})

    @property
    def details(self) -> Told:
        return Told(self.trip.get("details") or {})

    @property
    def need(self) -> Told:
        """Codes of what the person needs, and what is to be brought."""
        return Told(self.trip.get("need") or {})

    @property
    def patient(self) -> Told:
        return Told(self.details["patient"] or {})

    @property
    def caller(self) -> Told:
        return Told(self.details["caller"] or {})


def jobs_of(trips: Iterable[Mapping[str, Any]]) -> list[Job]:
    """What a crew has to do, the most pressing first."""
    found = [
        Job(
            each["id"], each["status"], trip, each,
            transports=trip.get("patient_id") is not None and each["role"] == "primary",
        )
        for trip in trips
        for each in trip["assignments"]
        if each["ended_at"] is None and each["status"] != "proposed"
    ]  # fmt: skip
    return sorted(found, key=_pressing)


def _pressing(job: Job) -> tuple[int, str, str]:
    """On the road, asked for an emergency, agreed for now, asked for a booking, agreed for later; then by time."""
    emergency = job.trip["lane"] == "emergency"
    if job.status in ON_THE_ROAD:
        rank = 0
    elif job.status in ASKED:
        rank = 1 if emergency else 3
    else:
        rank = 2 if emergency or job.assignment.get("start_at") is None else 4
    return rank, str(job.assignment.get("start_at") or job.assignment["asked_at"]), job.id
