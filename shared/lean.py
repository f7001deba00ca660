"""Imported first by a service: keeps out of memory what would only be loaded by the way."""

from __future__ import annotations

import sys
from importlib import import_module


def _without(unwanted: str, module: str) -> None:
    """Import ``module``, which takes ``unwanted`` where it finds it, as if it were not installed."""
    if unwanted in sys.modules:
        return
    sys.modules[unwanted] = None  # type: ignore[assignment]  # the documented way to say "not there"
    try:
        import_module(module)
    finally:
        del sys.modules[unwanted]


# nats-py takes aiohttp (9 MB in every process) for WebSockets, which nobody here speaks.
_without("aiohttp", "nats.aio.transport")
# structlog takes rich (4 MB) to colour tracebacks on a terminal; a service writes JSON.
_without("rich", "structlog.dev")
