"""JSON logs. Nothing personal is ever given to a log: ids, codes, counts and durations only."""

from __future__ import annotations

import logging
import sys

import structlog
from structlog.typing import EventDict


def _with_service(name: str) -> structlog.typing.Processor:
    def add(_: object, __: str, event: EventDict) -> EventDict:
        event["service"] = name
        return event

    return add


def configure(service: str, level: str) -> None:
    """One JSON object a line on stdout, with time, level, service, and call and trace ids where bound."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            _with_service(service),
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stdout, format='{"event":"%(name)s","level":"%(levelname)s"}')
