"""Imported first by a service: keeps out of memory what would only be loaded by the way."""

from __future__ import annotations

import sys
import warnings
from importlib import import_module
from types import ModuleType

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


def _hollow(module: str, names: tuple[str, ...], package: str) -> None:
    """Import ``package``, which takes ``names`` from its ``module``, with nothing behind them."""
    if package in sys.modules:
        return
    sys.modules[module] = hollow = ModuleType(module)
    vars(hollow).update(dict.fromkeys(names))
    try:
        import_module(package)
    finally:
        del sys.modules[module]


# nats-py takes aiohttp (9 MB in every process) for WebSockets, which nobody here speaks.
_without(("aiohttp",), "nats.aio.transport")
# structlog takes rich (4 MB) to colour tracebacks on a terminal, and greenlet (1 MB): a service writes JSON.
_without(("rich", "greenlet"), "structlog")
# uvicorn takes click and multiprocessing (2 MB) for its own command, which starts nothing here.
_hollow("uvicorn.main", ("Server", "main", "run"), "uvicorn")
# FastAPI asks of every model whether it is one of pydantic 1, and loads all of that (3 MB) to know: it is not there.
sys.modules["pydantic.v1"] = None  # type: ignore[assignment]
# A model is built when it is first used, not when it is declared: many, of libraries and of our own, never are.
BaseModel.model_config["defer_build"] = True
# FastAPI silences this where it declares a body; it is built later now.
warnings.simplefilter("ignore", UnsupportedFieldAttributeWarning)
