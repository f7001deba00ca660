"""Imported first by a service: keeps out of memory what would only be loaded by the way."""

from __future__ import annotations

import sys
import warnings
from importlib import import_module

from pydantic import BaseModel
from pydantic.warnings import UnsupportedFieldAttributeWarning


def _without(unwanted: tuple[str, ...], module: str) -> None:
    """Import ``module``, which takes ``unwanted`` where it finds it, as if it were not installed."""
    hidden = [name for name in unwanted if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None: the documented way to say "not there"
    try:
        import_module(module)
    finally:
        for name in hidden:
            del sys.modules[name]


# nats-py takes aiohttp (9 MB in every process) for WebSockets, which nobody here speaks.
_without(("aiohttp",), "nats.aio.transport")
# structlog takes rich (4 MB) to colour tracebacks on a terminal, and greenlet (1 MB): a service writes JSON.
_without(("rich", "greenlet"), "structlog")
# FastAPI asks of every model whether it is one of pydantic 1, and loads all of that (3 MB) to know: it is not there.
sys.modules["pydantic.v1"] = None  # type: ignore[assignment]
# A model is built when it is first used, not when it is declared: many, of libraries and of our own, never are.
BaseModel.model_config["defer_build"] = True
# FastAPI silences this where it declares a body; it is built later now.
warnings.simplefilter("ignore", UnsupportedFieldAttributeWarning)
