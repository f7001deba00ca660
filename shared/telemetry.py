"""Trace ids: W3C traceparent, carried from the request through outbox, messages and due rows to the last effect.

Source: W3C Trace Context, version 00.
"""

from __future__ import annotations

import re
import secrets

TRACEPARENT = re.compile(r"^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$")


def begin(given: str | None = None) -> str:
    """A traceparent for this hop: the caller's trace with a span of our own, or a new trace."""
    match = TRACEPARENT.match(given or "")
    trace = match.group(1) if match else secrets.token_hex(16)
    return f"00-{trace}-{secrets.token_hex(8)}-01"


def trace_id(traceparent: str | None) -> str | None:
    match = TRACEPARENT.match(traceparent or "")
    return match.group(1) if match else None
