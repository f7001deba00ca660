"""Wakes the senders of this process as soon as a transaction with something to send has committed."""

from __future__ import annotations

import asyncio

_listeners: set[asyncio.Event] = set()


def ring() -> None:
    for listener in _listeners:
        listener.set()


def listen(listener: asyncio.Event) -> None:
    _listeners.add(listener)


def leave(listener: asyncio.Event) -> None:
    _listeners.discard(listener)
