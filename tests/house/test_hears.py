"""Whatever a service has a handler for, its durables bring: a noun left out would never be heard."""

from __future__ import annotations

from importlib import import_module

import pytest

from shared.streams import HEARS, SERVICES


@pytest.mark.parametrize("service", SERVICES)
def test_every_event_with_a_handler_is_among_what_the_service_hears(service: str) -> None:
    table = import_module(f"services.{service}.app").SERVICE.hears
    heard = {(speaker, noun) for speaker, nouns in HEARS[service].items() for noun in nouns}
    deaf = {line.event.short_type() for line in table if (line.event.SERVICE, line.event.NOUN) not in heard}
    assert table
    assert deaf == set()
