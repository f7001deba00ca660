"""A crew's journey as its page shows it: which step comes next, which job first, where to go and what to bring."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
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
ON_BOARD = frozenset({"left_scene", "at_destination"})
ENDS_AT_SCENE = (
    "treated_on_scene", "refused_treatment", "not_found", "cancelled", "handed_up", "died_on_scene",
    "dead_before_arrival", "hazard_cleared",
)  # fmt: skip
"""Outcomes of a journey that ends where it was sent."""
ENDS_RIDE = ("no_show",)
"""The same of booked rides alone."""


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

    @property
    def next_at(self) -> str:
        """When its next stop is due: the door, or once somebody is on board the destination."""
        stop = "dropoff_at" if self.status in ON_BOARD else "pickup_at"
        return str(self.assignment.get(stop) or self.assignment.get("start_at") or self.assignment["asked_at"])


@dataclass(frozen=True, slots=True)
class Stop:
    """One stop of a tour of several riders: whose, which end of the ride, when it is due, and whether it is done."""

    job: Job
    pickup: bool
    at: str
    done: bool


def stops_of(jobs: Iterable[Job], run_id: str | None) -> list[Stop]:
    """The stops of a tour in their order; none where it has only one rider."""
    riders = [job for job in jobs if run_id is not None and job.assignment.get("run_id") == run_id]
    timed = [job for job in riders if job.assignment.get("pickup_at") and job.assignment.get("dropoff_at")]
    if len(timed) < 2:  # noqa: PLR2004 a rider alone needs no list
        return []
    made = [
        Stop(job, pickup, job.assignment[f"{'pickup' if pickup else 'dropoff'}_at"], done)
        for job in timed
        for pickup, done in ((True, job.status in ON_BOARD), (False, job.status == "at_destination"))
    ]
    return sorted(made, key=lambda stop: (stop.at, stop.job.id))


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
    begun = {str(run) for job in found if job.status in ON_THE_ROAD and (run := job.assignment.get("run_id"))}
    return sorted(found, key=lambda job: _pressing(job, begun))


def _pressing(job: Job, begun: Collection[str]) -> tuple[int, str, str]:
    """On the road, asked for an emergency, agreed for now, asked for a booking, agreed for later; then by time.

    Of a tour that has begun (``begun``: its run) the rider whose stop is next comes first.
    """
    if job.status in ON_THE_ROAD or str(job.assignment.get("run_id")) in begun:
        return 0, job.next_at, job.id
    emergency = job.trip["lane"] == "emergency"
    if job.status in ASKED:
        rank = 1 if emergency else 3
    else:
        rank = 2 if emergency or job.assignment.get("start_at") is None else 4
    return rank, str(job.assignment.get("start_at") or job.assignment["asked_at"]), job.id
