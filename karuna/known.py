"""What an installation knows and could be asked for by outsiders: its municipalities, events and questions."""

from __future__ import annotations

import importlib
import tomllib
from collections.abc import Iterable
from pathlib import Path

from karuna.contracts.catalogue import event_name, events
from karuna.platform.grants import Known


def known_here(areas: Path, services: Iterable[str]) -> Known:
    """``areas``: the folder of settings packs. Only these ``services`` are asked for their questions: that takes time.

    A pack that cannot be used is no obstacle here, as long as it can be read.
    """
    files = (each.read_text("utf-8") for each in sorted(areas.glob("*/area.toml")))
    return Known(
        areas=frozenset(str(tomllib.loads(text).get("slug")) for text in files),
        events=frozenset(event_name(event) for event in events()),
        questions={
            service: frozenset(each.name for each in importlib.import_module(f"services.{service}.app").QUESTIONS)
            for service in services
        },
    )
