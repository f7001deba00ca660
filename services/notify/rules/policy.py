"""How one municipality wants its messages: names, numbers, hours and patience."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time, timedelta

from services.notify.rules.table import Wait
from shared.thai.text import Lang, Text

BRAND = Text(th="ชุมชนกรุณา", en="Karuna")


@dataclass(frozen=True, slots=True)
class Policy:
    """The settings of one area. Times of day are those of Asia/Bangkok."""

    brand: Text = BRAND
    short_number: str = "1132"
    language: Lang = "th"
    quiet_from: time = time(21, 0)
    quiet_until: time = time(7, 0)
    remind_at: time = time(18, 0)
    """On the day before."""
    emergency_wait: timedelta = timedelta(seconds=15)
    """LINE unseen for so long: SMS as well."""
    booked_wait: timedelta = timedelta(minutes=10)

    def wait(self, wait: Wait) -> timedelta | None:
        """How long a channel may stay unanswered before the next is tried; None: only when it fails."""
        return {"never": None, "emergency": self.emergency_wait, "booked": self.booked_wait}[wait]
