"""Open facts as they come over the tree: the life of a call with one trip and one unit, for tests of the board."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from shared.events.base import Origin
from shared.events.envelope import encode, subject_of
from shared.heard import Raw
from shared.work import new_id
from tests.harness import AREA

BEGAN = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
WAY = ("ordered", "accepted", "en_route", "at_scene", "left_scene", "at_destination", "cleared", "at_base")


@dataclass(slots=True)
class Story:
    """Says open facts about one call, each aggregate with its own sequence; ``said`` holds the messages in order."""

    area: str = AREA
    severity: str = "red"
    protected: bool = False
    began: datetime = BEGAN
    call_id: UUID = field(default_factory=new_id)
    trip_id: UUID = field(default_factory=new_id)
    said: list[Raw] = field(default_factory=list)
    _numbers: Counter[UUID] = field(default_factory=Counter)
    _minutes: int = 0

    @property
    def at(self) -> datetime:
        """When the last of it was said."""
        return self.began + timedelta(minutes=self._minutes)

    def say(self, short_type: str, aggregate_id: UUID, **data: Any) -> Raw:
        self._numbers[aggregate_id] += 1
        self._minutes += 1
        at = self.at
        unit = short_type.startswith("dispatch.unit")
        open_data = {} if self.protected and not unit else {**data, "at": at.isoformat()}
        origin = Origin(self.area, aggregate_id if unit else self.call_id)
        body = encode(
            id=new_id(), short_type=short_type, aggregate_id=aggregate_id, aggregateseq=self._numbers[aggregate_id],
            time=at, origin=origin, causation_id=None, traceparent=None, data=open_data, internal=False,
        )  # fmt: skip
        raw = Raw(subject_of("karuna", self.area, short_type, aggregate_id), body)
        self.said.append(raw)
        return raw

    def call(self, name: str, **data: Any) -> Raw:
        facts = {
            "number": f"KLS-6911-{self.call_id.hex[-4:]}", "status": "open", "kind": "medical", "lane": "emergency",
            "severity": self.severity, "severity_scheme": "cbd", "channel": "phone", "amphoe": "4601",
            "received_at": self.began.isoformat(), "patient_count": 1, "back_entry": False, "served": True,
        }  # fmt: skip
        full = name in {"received", "triaged", "updated"}
        return self.say(f"intake.call.{name}.v1", self.call_id, **{**(facts if full else {}), **data})

    def trip(self, name: str, **data: Any) -> Raw:
        return self.say(f"dispatch.trip.{name}.v1", self.trip_id, call_id=str(self.call_id), **data)

    def assignment(self, name: str, assignment_id: UUID, unit_id: UUID, **data: Any) -> Raw:
        facts = {
            "call_id": str(self.call_id), "trip_id": str(self.trip_id), "unit_id": str(unit_id), "role": "primary",
            "lane": "emergency", "severity": self.severity, "severity_scheme": "cbd", "crew_ids": [],
        }  # fmt: skip
        return self.say(f"dispatch.assignment.{name}.v1", assignment_id, **{**facts, **data})

    def unit(self, name: str, unit_id: UUID) -> Raw:
        return self.say(f"dispatch.unit.{name}.v1", unit_id, vehicle_id=str(unit_id), crew_ids=[])


def whole(unit_id: UUID, steps: int = len(WAY), **options: Any) -> Story:
    """A call from its receipt to its end: a unit is asked and silent, another drives."""
    story = Story(**options)
    story.call("received")
    story.trip("requested", leg="outbound")
    silent, drives = new_id(), new_id()
    story.assignment("ordered", silent, new_id(), respond_by_at=(story.began + timedelta(minutes=3)).isoformat())
    story.assignment("expired", silent, new_id())
    story.call("unanswered", lane="emergency", severity=story.severity)
    for step in WAY[:steps]:
        story.assignment(step, drives, unit_id)
    if steps >= len(WAY):
        story.trip("completed", leg="outbound")
        story.call("closed")
    return story
