"""What goes into Karuna over NATS: calls, positions and questions. Their bodies are those of HTTP."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel

from karuna.contracts.schemas import Schema, self_contained
from services.dispatch.positions import FixIn
from services.intake.answers import TakenOut
from services.intake.bodies import CallBody
from shared.openapi import PROBLEM_SCHEMA

CALLS: Final = "karuna.{area}.inbox.calls"
POSITIONS: Final = "karuna.{area}.inbox.positions.{unit}"
ASK: Final = "karuna.{area}.ask.{service}.{question}"
TELEMETRY: Final = "internal.{area}.telemetry.unit.{id}.position.v1"

CALL_EXAMPLE: Final[dict[str, Any]] = {
    "channel": "partner",
    "kind": "medical",
    "caller": {"phone": "081-234-5678", "relation": "neighbour"},
    "patient": {"age": 78, "mobility": "stretcher", "needs": ["oxygen"]},
    "location": {"lat": 16.4322, "lon": 103.5061, "landmark": "ใกล้หอนาฬิกา"},
    "complaint": "หายใจลำบาก ปากเขียว",
    "external_refs": [{"system": "partner", "number": "A-2042"}],
}
POSITION_EXAMPLE: Final[dict[str, Any]] = {
    "lat": 16.4322,
    "lon": 103.5061,
    "at": "2026-11-22T03:05:00Z",
    "accuracy_m": 8,
    "speed_kmh": 42,
    "heading_deg": 270,
}


def call_schema() -> Schema:
    """The body of ``POST /v1/calls``; here unknown fields are refused."""
    return _of(CallBody, "validation")


def taken_schema() -> Schema:
    """The answer when a call was taken."""
    return _of(TakenOut, "serialization")


def fix_schema() -> Schema:
    """One position of one unit."""
    return _of(FixIn, "validation")


def refusal_schema() -> Schema:
    """A refusal in Thai and English (RFC 9457)."""
    return dict(PROBLEM_SCHEMA)


def _of(model: type[BaseModel], mode: Any) -> Schema:
    return self_contained(model.model_json_schema(mode=mode))
