"""What intake needs beside what every service needs."""

from __future__ import annotations

from pydantic import Field

from shared.settings import Settings


class IntakeSettings(Settings):
    """``watchdog_s``: after how long an emergency without an accepted assignment alarms at the desk.

    Left out, the municipality's settings pack says it.
    """

    http_port: int = 8101
    watchdog_s: int | None = Field(default=None, ge=1, le=3600)
    track_tries: int = Field(default=5, ge=1)
    """Guesses per tracking code in a quarter of an hour."""
    track_tries_per_address: int = Field(default=30, ge=1)
    retain_calls_days: int = Field(default=0, ge=0)
    """Calls that have been over for so many days are erased; 0: never."""
    topic_max_bytes: int = Field(default=256 * 1024, ge=1024)
