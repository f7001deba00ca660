"""JSON logs. Nothing personal is ever given to a log: ids, codes, counts and durations only."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from uuid import UUID

import structlog
from structlog.typing import EventDict

from shared.telemetry import trace_id


def where(problem: BaseException) -> str:
    """Kind and place of an error and of what led to it. Texts are left out: PostgreSQL's quote whole rows."""
    frames = [f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(problem.__traceback__)[-6:]]
    told = f"{type(problem).__name__} at {' > '.join(frames) or '?'}"
    before = problem.__cause__ or problem.__context__
    return f"{told} because of {where(before)}" if before else told


def _wordless(_: object, __: str, event: EventDict) -> EventDict:
    """``log.exception`` tells where, never the error's own words."""
    if event.pop("exc_info", None) and (problem := sys.exc_info()[1]):
        event["error"] = where(problem)
    return event


class Foreign(logging.Formatter):
    """What libraries log through ``logging``: who and how bad, and where an error was. Never their words."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        problem = record.exc_info[1] if record.exc_info else None
        line = {
            "event": record.name,
            "service": self._service,
            "level": record.levelname.lower(),
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
            **({"error": where(problem)} if problem else {}),
        }
        return json.dumps(line, ensure_ascii=False)


def _with_service(name: str) -> structlog.typing.Processor:
    def add(_: object, __: str, event: EventDict) -> EventDict:
        event["service"] = name
        return event

    return add


def about(correlation_id: UUID, traceparent: str | None) -> AbstractContextManager[None]:
    """Whatever is logged inside tells of which call (else of which root) and of which trace it is."""
    ids = {"correlation_id": str(correlation_id), "trace_id": trace_id(traceparent)}
    return structlog.contextvars.bound_contextvars(**{name: value for name, value in ids.items() if value})


def configure(service: str, level: str) -> None:
    """One JSON object a line on stdout: time, level, service; of a request its trace, of an event see :func:`about`."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            _with_service(service),
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _wordless,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(Foreign(service))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
